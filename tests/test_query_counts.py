"""How many SQL queries each address that reads costs: recorded in query_counts.json, whatever the number of rows.

A new address is entered there with its count. Who changes a count says why in the commit.
"""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory.services import products as catalogue
from inventory.services import suppliers
from purchasing.models import MilestoneType
from purchasing.services import orders, payments, receipts, shipments
from purchasing.workflow import Stage
from tests.factories import TODAY, make_order, make_product, make_supplier, sell
from tests.planning_factories import make_holiday, make_notification
from tests.test_openapi import operations

COUNTS = json.loads(Path(__file__).with_name("query_counts.json").read_text())
NOW = datetime(2026, 6, 15, 5, tzinfo=UTC)
CONTACT = {"name": "Lin Mei", "platform": "WECHAT", "contact_value": "lin-88"}
MILESTONES = [shipments.Mark(step, expected_date=TODAY, actual_date=TODAY) for step in MilestoneType]
ACCOUNT = {"holder": "Bright Blocks", "bank_name": "Bank", "account_number": "6222000000001234"}


def fill(rows, actor):
    """Make ``rows`` of everything that is listed, and return the ids that addresses ask for."""
    supplier = make_supplier(contacts=[CONTACT] * rows)
    for _ in range(rows):
        suppliers.add_bank_account(supplier.pk, **ACCOUNT, actor=actor)
        make_supplier(contacts=[CONTACT])
    products = [make_product(on_hand=50, supplier_id=supplier.pk) for _ in range(rows)]
    first = products[0]
    for number, product in enumerate(products):
        sell(product, 1)
        sell(first, 1, price=f"{number}.50")
        catalogue.update(first.pk, price_usd=Decimal(number), today=TODAY, actor=actor)
    order = make_order(*(orders.Line(product.pk, 5) for product in products), supplier=supplier, stage=Stage.SHIPPED)
    lines = [receipts.Line(line.pk, 1) for line in order.line_items.all()]
    receipts.receive(order.pk, lines, actor=actor)
    for product in products:
        make_order(orders.Line(product.pk, 1))
        sent = make_order(orders.Line(first.pk, 1), orders.Line(product.pk, 1), stage=Stage.SENT)
        for on_its_way in (order, sent):
            shipment = shipments.create(on_its_way.pk, milestones=MILESTONES, today=TODAY, actor=actor)
            paid = payments.create(
                order_id=on_its_way.pk, amount_usd=Decimal("0.01"), kind="OTHER", today=TODAY, now=NOW, actor=actor
            )
        notification = make_notification(product)
    for number in range(rows):
        holiday = make_holiday(holiday_name=f"Closure {number}")
    return {
        "supplier_id": supplier.pk,
        "product_id": first.pk,
        "order_id": order.pk,
        "shipment_id": shipment.pk,
        "payment_id": paid.pk,
        "account_id": supplier.bank_accounts.first().pk,
        "month": 5,
        "key": "transit_days",
        "holiday_id": holiday.pk,
        "notification_id": notification.pk,
    }


def queries_of(client, path, ids):
    with CaptureQueriesContext(connection) as queries:
        response = client.get(re.sub(r"\{(\w+)\}", lambda name: str(ids[name[1]]), path))
    assert response.status_code == 200
    return len(queries)


def test_every_address_that_reads_has_its_count():
    assert set(COUNTS) == {path for method, path in operations() if method == "get"}


@pytest.mark.parametrize("rows", [3, 30])
def test_an_address_costs_as_many_queries_as_recorded(client_api, admin, fake_wise, rows):
    ids = fill(rows, admin)

    assert {path: queries_of(client_api, path, ids) for path in COUNTS} == COUNTS
