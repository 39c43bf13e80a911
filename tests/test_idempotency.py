"""The same request twice is done once."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import AuditLog, IdempotencyKey
from accounts.services import idempotency
from accounts.tasks import clean_up
from core.tasks import heartbeat
from inventory.models import StockMovement
from inventory.services import ledger
from inventory.tasks import check_ledger
from purchasing.models import Milestone, Payment, PurchaseOrder, Shipment
from purchasing.services import shipments
from purchasing.workflow import Stage
from sales.models import MonthlySales, Sale
from sales.services import recording
from tests.conftest import api
from tests.factories import TODAY, make_order, make_product, make_user, on_hand, orders

KEY = "0b2f8f0c-1"


def post(client, path, body, key=KEY):
    return client.post(path, body, format="json", HTTP_IDEMPOTENCY_KEY=key)


def sell(client, product, quantity, key=KEY):
    return post(client, "/api/inventory/sale", {"product_id": product.pk, "quantity": quantity}, key)


def written():
    tables = (Sale, StockMovement, MonthlySales, PurchaseOrder, Payment, Shipment, Milestone, AuditLog, IdempotencyKey)
    return {table.__name__: table.objects.count() for table in tables}


def sale(product, order):
    return "/api/inventory/sale", {"product_id": product.pk, "quantity": 2}


def bulk_sale(product, order):
    return "/api/inventory/bulk-sale", {"items": [{"product_id": product.pk, "quantity": 2}] * 2}


def return_(product, order):
    return "/api/inventory/return", {"product_id": product.pk, "quantity": 1, "order_reference": "A-1"}


def receive_shipment(product, order):
    return "/api/inventory/receive-shipment", {"items": [{"product_id": product.pk, "quantity": 2}]}


def adjust(product, order):
    return "/api/inventory/adjust", {"product_id": product.pk, "quantity": 3, "reason": "count"}


def order_create(product, order):
    body = {"supplier_id": order.supplier_id, "line_items": [{"product_id": product.pk, "quantity": 2}]}
    return "/api/orders", body


def order_status(product, order):
    return f"/api/orders/{order.pk}/status", {"status": "CONFIRMED"}


def order_receive(product, order):
    line = order.line_items.get()
    return f"/api/orders/{order.pk}/receive", {"lines": [{"line_item_id": line.pk, "quantity": 2}]}


def order_cancel(product, order):
    return f"/api/orders/{order.pk}/cancel", {"reason": "late"}


def payment_create(product, order):
    return "/api/payments", {"po_id": order.pk}


def shipment_create(product, order):
    return "/api/shipments", {"po_id": order.pk, "carrier": "COSCO"}


def shipment_milestones(product, order):
    made = shipments.create(order.pk, today=TODAY, actor=order.status_history.first().changed_by)
    return f"/api/shipments/{made.pk}/milestones", {"milestone_type": "SHIPPED", "actual_date": "2026-06-15"}


def reorder_orders(product, order):
    wanted = make_product(supplier_id=order.supplier_id)
    return "/api/planning/reorder/orders", {"items": [{"product_id": wanted.pk, "quantity": 2}]}


EVERY_POST = [
    sale,
    bulk_sale,
    return_,
    receive_shipment,
    adjust,
    order_create,
    order_status,
    order_receive,
    order_cancel,
    payment_create,
    shipment_create,
    shipment_milestones,
    reorder_orders,
]


@pytest.fixture
def shop(admin):
    """A product with 50 units, of which 5 were sold, and a sent order of 10."""
    product = make_product(on_hand=50)
    recording.record_sales([recording.Line(product.pk, 5, TODAY, order_reference="A-1")], today=TODAY, actor=admin)
    return product, make_order(orders.Line(product.pk, 10), stage=Stage.SENT)


@pytest.mark.abuse("CON-04", "INT-10")
@pytest.mark.parametrize("request_of", EVERY_POST)
def test_a_repeated_request_gets_the_first_answer_and_nothing_happens_twice(client_api, shop, request_of):
    path, body = request_of(*shop)
    before = written()

    first = post(client_api, path, body)
    once = written()
    second = post(client_api, path, body)

    assert first.status_code in (200, 201)
    assert once != before
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert second["Content-Type"] == first["Content-Type"] == "application/json"
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    assert written() == once


@pytest.mark.parametrize("request_of", EVERY_POST)
def test_the_answer_with_a_key_is_the_answer_without(client_api, admin, shop, request_of):
    path, body = request_of(*shop)

    keyed = post(client_api, path, body).json()

    assert keyed == json.loads(IdempotencyKey.objects.get().response)
    assert "detail" not in keyed


def test_without_a_key_the_same_request_is_done_again(client_api):
    product = make_product(on_hand=5)

    for _ in range(2):
        client_api.post("/api/inventory/sale", {"product_id": product.pk, "quantity": 2}, format="json")

    assert on_hand(product) == 1
    assert not IdempotencyKey.objects.exists()


def test_another_key_is_another_request(client_api):
    product = make_product(on_hand=5)

    sell(client_api, product, 2, key="a")
    sell(client_api, product, 2, key="b")

    assert on_hand(product) == 1


def test_a_key_is_known_by_its_letters_case(client_api):
    product = make_product(on_hand=5)

    sell(client_api, product, 2, key="a")
    sell(client_api, product, 2, key="A")

    assert on_hand(product) == 1


def test_a_refusal_is_replayed_even_when_stock_has_arrived(client_api, admin):
    product = make_product("LUMI-0001")

    first = sell(client_api, product, 1)
    ledger.receive([ledger.Line(product.pk, 9)], actor=admin)
    again = sell(client_api, product, 1)

    assert first.status_code == again.status_code == 400
    assert first.json()["code"] == "insufficient_stock"
    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"
    assert on_hand(product) == 9
    assert not Sale.objects.exists()


def test_an_unknown_product_is_an_answer_too(client_api):
    first = post(client_api, "/api/inventory/sale", {"product_id": 999_999, "quantity": 1})
    again = post(client_api, "/api/inventory/sale", {"product_id": 999_999, "quantity": 1})

    assert first.status_code == again.status_code == 404
    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"


def test_a_refusal_writes_nothing_but_the_answer(client_api):
    product = make_product()
    before = written()

    sell(client_api, product, 1)

    assert written() == {**before, "IdempotencyKey": 1}


@pytest.mark.abuse("CON-04")
def test_the_key_with_another_body_is_refused(client_api):
    product = make_product(on_hand=5)
    sell(client_api, product, 2)
    before = written()

    response = sell(client_api, product, 1)

    assert response.status_code == 422
    assert response.json() == {
        "code": "idempotency_key_reused",
        "detail": "This Idempotency-Key was used for another request. Take a new key for a new request.",
    }
    assert "Idempotent-Replayed" not in response
    assert on_hand(product) == 3
    assert written() == before


def test_the_key_at_another_address_is_refused(client_api):
    product = make_product(on_hand=5)
    body = {"product_id": product.pk, "quantity": 2}
    post(client_api, "/api/inventory/sale", body)

    response = post(client_api, "/api/inventory/adjust", body)

    assert response.status_code == 422
    assert on_hand(product) == 3


def test_a_trailing_slash_makes_no_other_request(client_api):
    product = make_product(on_hand=5)
    body = {"product_id": product.pk, "quantity": 2}
    post(client_api, "/api/inventory/sale", body)

    response = post(client_api, "/api/inventory/sale/", body)

    assert response["Idempotent-Replayed"] == "true"
    assert on_hand(product) == 3


def test_the_same_key_of_another_user_is_independent(client_api):
    product = make_product(on_hand=5)

    mine = sell(client_api, product, 2)
    theirs = sell(api(make_user()), product, 2)

    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert "Idempotent-Replayed" not in theirs
    assert theirs.json()["balance_after"] == 1
    assert on_hand(product) == 1


@pytest.mark.parametrize("key", ["", "x" * 201, "a\tb", "a\x00b", "schlüssel", "\x7f"])
def test_a_key_that_is_none_is_refused(client_api, key):
    product = make_product(on_hand=5)
    before = written()

    response = sell(client_api, product, 2, key=key)

    assert response.status_code == 400
    assert response.json() == {
        "code": "bad_idempotency_key",
        "detail": "Idempotency-Key must be 1 to 200 printable ASCII characters.",
    }
    assert written() == before


@pytest.mark.parametrize("key", ["x", "x" * 200, "a b~!"])
def test_a_key_of_1_to_200_printable_characters_is_taken(client_api, key):
    product = make_product(on_hand=5)

    assert sell(client_api, product, 2, key=key).status_code == 201
    assert IdempotencyKey.objects.get().key == key


@pytest.mark.parametrize(
    "body", [{"quantity": 1}, {"product_id": 1, "quantity": 0}, {"product_id": 1, "quantity": "many"}, [], None]
)
def test_a_body_of_the_wrong_shape_does_not_use_up_the_key(client_api, body):
    product = make_product(on_hand=5)

    wrong = post(client_api, "/api/inventory/sale", body)
    right = sell(client_api, product, 2)

    assert wrong.status_code == 400
    assert right.status_code == 201
    assert "Idempotent-Replayed" not in right


def test_a_wrong_shape_of_an_order_does_not_use_up_the_key(client_api, shop):
    path, body = order_create(*shop)

    wrong = post(client_api, path, {"supplier_id": "none"})
    right = post(client_api, path, body)

    assert (wrong.status_code, right.status_code) == (400, 201)


def test_broken_json_does_not_use_up_the_key(client_api):
    product = make_product(on_hand=5)

    wrong = client_api.generic(
        "POST", "/api/inventory/sale", "{", content_type="application/json", HTTP_IDEMPOTENCY_KEY=KEY
    )

    assert wrong.status_code == 400
    assert sell(client_api, product, 2).status_code == 201


def test_nobody_signed_in_uses_up_no_key(shop):
    path, body = sale(*shop)

    response = post(APIClient(), path, body)

    assert response.status_code == 401
    assert not IdempotencyKey.objects.exists()


def test_a_role_without_the_right_gets_no_stored_answer(as_role, admin, shop):
    path, body = sale(*shop)

    response = post(as_role("VIEWER"), path, body)

    assert response.status_code == 403
    assert not IdempotencyKey.objects.exists()


@pytest.mark.abuse("WEB-04")
def test_a_form_body_of_a_session_with_a_key_is_refused(admin, shop):
    browser = APIClient(enforce_csrf_checks=True)
    browser.force_login(admin)
    before = written()

    response = browser.post("/api/inventory/sale", {"quantity": 1}, format="multipart", HTTP_IDEMPOTENCY_KEY=KEY)

    assert response.status_code == 403
    assert written() == before


@pytest.mark.abuse("CON-10", "CON-04")
@pytest.mark.parametrize("request_of", EVERY_POST)
def test_a_crash_between_work_and_answer_leaves_neither(client_api, shop, request_of, monkeypatch):
    path, body = request_of(*shop)
    client_api.raise_request_exception = False
    before = written()

    with monkeypatch.context() as patch:
        patch.setattr(idempotency, "_writing", crash)
        crashed = post(client_api, path, body)
    after_crash = written()
    again = post(client_api, path, body)

    assert crashed.status_code == 500
    assert after_crash == before
    assert again.status_code in (200, 201)
    assert "Idempotent-Replayed" not in again


def test_a_crash_while_a_refusal_is_stored_leaves_nothing(client_api, monkeypatch):
    product = make_product()
    client_api.raise_request_exception = False
    before = written()
    monkeypatch.setattr(idempotency, "_writing", crash)

    assert sell(client_api, product, 1).status_code == 500
    assert written() == before


def crash(*_, **__):
    raise RuntimeError("the server dies here")


def test_answers_are_forgotten_after_a_week(client_api):
    product = make_product(on_hand=5)
    now = timezone.now()
    for key, age in (("old", timedelta(days=7, seconds=1)), ("young", timedelta(days=6, hours=23))):
        sell(client_api, product, 1, key=key)
        IdempotencyKey.objects.filter(key=key).update(created_at=now - age)

    assert idempotency.forget_old(now=now) == 1
    assert list(IdempotencyKey.objects.values_list("key", flat=True)) == ["young"]


@pytest.mark.abuse("CON-11", "INT-10")
def test_a_job_that_runs_twice_does_what_it_does_once(client_api):
    product = make_product(on_hand=5)
    sell(client_api, product, 1)
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(days=8))

    for job in (clean_up, check_ledger, heartbeat):
        job()
        once = written()
        job()
        assert written() == once

    assert on_hand(product) == 4


def test_the_nightly_job_forgets_old_answers(client_api):
    product = make_product(on_hand=5)
    sell(client_api, product, 1)
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(days=8))

    clean_up()

    assert not IdempotencyKey.objects.exists()
