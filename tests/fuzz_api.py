"""Requests made from the OpenAPI document, good and hostile, as every role: no server error, and no surprise.

Run by ``make check-security``; too slow for every test run, and random on purpose.
"""

from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts.rights import Role
from accounts.services import authentication, users
from config.wsgi import application
from inventory.services import suppliers
from purchasing.services import orders
from tests.factories import make_order, make_product, make_supplier, make_user, sell

DOCUMENT = Path(__file__).resolve().parents[1] / "docs/openapi.yaml"
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]

schema = schemathesis.openapi.from_path(DOCUMENT)
schema.app = application


@pytest.fixture
def business(db):
    """A little of everything, so that ids are found."""
    supplier = make_supplier(contacts=[{"name": "Li", "contact_value": "li"}])
    admin = make_user()
    suppliers.add_bank_account(
        supplier.pk, holder="Factory", bank_name="Bank", account_number="1234567890", actor=admin
    )
    product = make_product(on_hand=100, supplier_id=supplier.pk)
    sell(product, 3, reference="A-1")
    make_order(orders.Line(product.pk, 2), supplier=supplier)
    return admin


@pytest.fixture(params=[*Role, "nobody"])
def credentials(request, business):
    """What a request of each role carries."""
    if request.param == "nobody":
        return {}
    if request.param == Role.SYNC:
        _, token = users.create_service("shop@example.net", actor=business)
    else:
        token = authentication.begin(actor=make_user(request.param)).access
    return {"Authorization": f"Bearer {token}"}


@schema.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_that_the_document_promises(case, credentials):
    response = case.call(headers=credentials)
    case.validate_response(response, checks=CHECKS)
