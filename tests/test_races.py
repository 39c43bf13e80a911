"""Many at once, on a real PostgreSQL: behind the real server, and thread against thread."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import httpx
import pytest
from django.db import connection, connections

from accounts.errors import StillRunning
from accounts.models import AuditLog, IdempotencyKey
from accounts.services import authentication
from core.errors import DomainError
from inventory import selectors
from inventory.errors import InsufficientStock
from inventory.models import StockLevel, StockMovement
from inventory.services import ledger, products
from purchasing.errors import LinesFixed
from purchasing.models import PurchaseOrder
from purchasing.services import orders, receipts
from purchasing.workflow import Stage
from sales.models import MonthlySales, Sale
from sales.services import recording
from tests.factories import TODAY, make_order, make_product, make_supplier, make_user, on_hand
from tests.live import server

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def at_once(times: int, act: Callable[[int], Any]) -> list[Any]:
    """Call ``act`` in that many threads at the same instant; return results, a DomainError in its place."""
    start = Barrier(times)

    def run(number: int) -> Any:
        try:
            start.wait()
            return act(number)
        except DomainError as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


def kinds(results: list[Any]) -> Counter[str]:
    return Counter(type(result).__name__ for result in results)


def post(address: str, user: Any, path: str, body: dict[str, Any], **headers: str) -> httpx.Response:
    token = authentication.begin(actor=user).access
    return httpx.post(
        f"{address}{path}", json=body, headers={"Authorization": f"Bearer {token}", **headers}, timeout=60
    )


@pytest.mark.abuse("CON-01")
def test_of_32_clients_racing_for_10_units_behind_the_real_server_exactly_10_succeed():
    seller = make_user()
    product = make_product(on_hand=10)
    sale = {"product_id": product.pk, "quantity": 1}

    with server(workers=4) as running:
        answers = at_once(32, lambda _: post(running.address, seller, "/api/inventory/sale", sale))

    assert Counter(answer.status_code for answer in answers) == {201: 10, 400: 22}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 400} == {"insufficient_stock"}
    assert on_hand(product) == 0
    assert Sale.objects.count() == 10
    assert MonthlySales.objects.get().units == 10
    assert list(selectors.ledger_differences()) == []


@pytest.mark.abuse("CON-01")
def test_of_8_threads_selling_3_of_10_units_exactly_3_succeed():
    seller = make_user()
    product = make_product(on_hand=10)

    results = at_once(8, lambda _: ledger.issue([ledger.Line(product.pk, 3)], actor=seller))

    assert kinds(results) == {"list": 3, "InsufficientStock": 5}
    assert on_hand(product) == 1
    assert list(selectors.ledger_differences()) == []


@pytest.mark.abuse("CON-13")
def test_bulk_sales_naming_the_same_products_in_opposite_order_do_not_deadlock():
    seller = make_user()
    shelf = [make_product(on_hand=100) for _ in range(20)]
    there = [ledger.Line(product.pk, 1) for product in shelf]

    results = at_once(8, lambda number: ledger.issue(there if number % 2 else there[::-1], actor=seller))

    assert kinds(results) == {"list": 8}
    assert {on_hand(product) for product in shelf} == {92}


@pytest.mark.abuse("CON-01", "CON-04")
def test_two_returns_of_the_last_sold_unit_bring_it_back_once():
    seller = make_user()
    product = make_product(on_hand=1)
    line = recording.Line(product.pk, 1, TODAY, order_reference="A-1")
    recording.record_sales([line], today=TODAY, actor=seller)

    results = at_once(6, lambda _: recording.record_return(line, today=TODAY, actor=seller))

    assert kinds(results) == {"Recorded": 1, "ReturnExceedsSale": 5}
    assert on_hand(product) == 1


@pytest.mark.abuse("CON-02")
def test_12_orders_made_at_once_get_12_numbers_without_a_gap():
    buyer = make_user()
    supplier = make_supplier()

    made = at_once(12, lambda _: orders.create(supplier_id=supplier.pk, lines=[], today=TODAY, actor=buyer))

    assert sorted(order.po_number for order in made) == [f"PO-2026-{number:03d}" for number in range(1, 13)]


@pytest.mark.abuse("CON-04", "INP-12")
def test_of_6_people_advancing_one_order_to_the_same_stage_one_succeeds():
    buyer = make_user()
    order = make_order()

    results = at_once(6, lambda _: orders.advance(order.pk, to=Stage.SENT, actor=buyer))

    assert kinds(results) == {"PurchaseOrder": 1, "StageNotReachable": 5}
    assert PurchaseOrder.objects.get().status_history.count() == 2


@pytest.mark.abuse("CON-06")
def test_an_order_that_is_sent_while_its_lines_change_is_sent_as_it_then_stays():
    buyer = make_user()
    few, many = make_product(), make_product()
    outcomes = Counter()

    for _ in range(10):
        order = make_order(orders.Line(few.pk, 10))
        acts = [
            lambda order=order: orders.advance(order.pk, to=Stage.SENT, actor=buyer),
            lambda order=order: orders.update(order.pk, lines=[orders.Line(many.pk, 99)], actor=buyer),
        ]
        _, changed = at_once(2, lambda number, acts=acts: acts[number]())
        order.refresh_from_db()
        line = order.line_items.get()
        sent, written = (
            AuditLog.objects.filter(table_name=table, action="CREATE").latest("pk")
            for table in ("po_status_history", "po_line_items")
        )
        outcomes[type(changed).__name__] += 1
        assert (order.status, order.total_usd) == (Stage.SENT, line.quantity * line.unit_price_usd)
        assert line.quantity == (10 if isinstance(changed, LinesFixed) else 99)
        assert sent.new_values["new_status"] == "SENT"
        assert written.pk < sent.pk

    assert set(outcomes) <= {"LinesFixed", "PurchaseOrder"}


@pytest.mark.abuse("CON-01", "CON-04")
def test_two_receipts_of_the_last_open_units_book_them_once():
    buyer = make_user()
    product = make_product()
    order = make_order(orders.Line(product.pk, 10))
    line = order.line_items.get()

    results = at_once(4, lambda _: receipts.receive(order.pk, [receipts.Line(line.pk, 10)], actor=buyer))

    assert kinds(results) == {"PurchaseOrder": 1, "OverReceipt": 3}
    assert on_hand(product) == 10


@pytest.mark.abuse("CON-03")
def test_one_sku_made_by_8_at_once_exists_once():
    buyer = make_user()
    fields = {"internal_sku": "LUMI-RACE", "name": "Kit", "price_usd": 1}

    results = at_once(8, lambda _: products.create(**fields, today=TODAY, actor=buyer))

    assert kinds(results) == {"Product": 1, "SkuTaken": 7}


@pytest.mark.abuse("CON-03")
def test_one_sku_taken_by_6_products_at_once_goes_to_one():
    buyer = make_user()
    made = [make_product() for _ in range(6)]

    results = at_once(6, lambda n: products.update(made[n].pk, internal_sku="LUMI-RACE", today=TODAY, actor=buyer))

    assert kinds(results) == {"Product": 1, "SkuTaken": 5}


@pytest.mark.abuse("CON-03")
def test_a_level_first_used_by_8_at_once_exists_once():
    buyer = make_user()
    product = make_product()
    StockLevel.objects.all().delete()

    results = at_once(8, lambda _: ledger.receive([ledger.Line(product.pk, 2)], actor=buyer))

    assert kinds(results) == {"list": 8}
    assert on_hand(product) == 16


@pytest.mark.abuse("CON-04")
def test_one_key_sent_12_times_at_once_sells_once():
    seller = make_user()
    product = make_product(on_hand=100)
    sale = {"product_id": product.pk, "quantity": 1}

    with server(workers=4) as running:
        answers = at_once(
            12, lambda _: post(running.address, seller, "/api/inventory/sale", sale, **{"Idempotency-Key": "once"})
        )
        again = post(running.address, seller, "/api/inventory/sale", sale, **{"Idempotency-Key": "once"})

    assert {answer.status_code for answer in answers} <= {201, 409}
    assert sum(answer.status_code == 201 and "Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert again.headers["Idempotent-Replayed"] == "true"
    assert Sale.objects.count() == 1
    assert on_hand(product) == 99
    assert IdempotencyKey.objects.count() == 1


@pytest.mark.abuse("CON-04")
def test_the_same_key_while_the_first_request_runs_is_told_so():
    from accounts.services import idempotency

    seller = make_user()
    request = idempotency.Request(seller.pk, "slow", "f")

    def work() -> idempotency.Answer:
        (second,) = at_once(1, lambda _: idempotency.answer_once(request, lambda: idempotency.Answer(201, "{}")))
        assert isinstance(second, StillRunning)
        return idempotency.Answer(201, "first")

    assert idempotency.answer_once(request, work).body == "first"


@pytest.mark.abuse("CON-10", "CON-13")
def test_a_server_killed_during_bulk_sales_leaves_whole_operations_or_nothing():
    seller = make_user()
    shelf = [make_product(on_hand=10_000) for _ in range(50)]
    lines = [{"product_id": product.pk, "quantity": 1} for product in shelf for _ in range(10)]

    def sell_until_dead(number: int) -> None:
        for attempt in range(200):
            try:
                body = {"items": [{**line, "order_reference": f"K-{number}-{attempt}"} for line in lines]}
                post(
                    running.address,
                    seller,
                    "/api/inventory/bulk-sale",
                    body,
                    **{"Idempotency-Key": f"{number}/{attempt}"},
                )
            except httpx.HTTPError:
                return
            if number == 0 and attempt == 3:
                running.kill()

    with server(workers=4) as running:
        at_once(6, sell_until_dead)

    booked = Counter(Sale.objects.values_list("order_reference", flat=True))
    assert booked
    assert set(booked.values()) == {500}
    assert IdempotencyKey.objects.count() == len(booked)
    assert StockMovement.objects.filter(movement_type="OUT").count() == 500 * len(booked)
    assert AuditLog.objects.filter(table_name="sales").count() == 500 * len(booked)
    assert {on_hand(product) for product in shelf} == {10_000 - 10 * len(booked)}
    assert list(selectors.ledger_differences()) == []


def test_the_lock_is_what_keeps_two_sales_apart(monkeypatch):
    """Without FOR UPDATE the same race oversells: the proof that the tests above prove something."""
    seller = make_user()
    product = make_product(on_hand=10)
    monkeypatch.setattr(connection.features.__class__, "has_select_for_update", False)

    results = at_once(8, lambda _: ledger.issue([ledger.Line(product.pk, 3)], actor=seller))

    assert kinds(results)["list"] > 3
    assert not any(isinstance(result, InsufficientStock) for result in results) or on_hand(product) >= 0
    assert list(selectors.ledger_differences()) != []
