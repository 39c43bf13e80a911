"""The stock ledger: the one way to change stock, held by the operations, the database and the nightly check."""

import ast
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import StringIO
from itertools import count
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.models import AuditLog
from core.errors import DomainError, InvalidInput
from inventory import selectors
from inventory.errors import MAX_ON_HAND, InsufficientStock, TooManyUnits, UnknownProducts
from inventory.models import Product, StockLevel, StockMovement
from inventory.services import ledger, products
from inventory.tasks import check_ledger
from purchasing.services import orders, receipts
from purchasing.workflow import Stage
from sales.services import recording
from tests.factories import TODAY, make_order, make_product, make_supplier, on_hand

NOON = datetime(2026, 6, 15, 5, 0, tzinfo=UTC)
APPS = ("accounts", "bin", "config", "core", "inventory", "planning", "purchasing", "sales")
LEDGER = "inventory/services/ledger.py"

_skus = count(1)


@contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def execute(statement, *params):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.rowcount


def movement_rows():
    return list(StockMovement.objects.order_by("id").values_list("product_id", "quantity", "balance_after"))


def insert_movement(product, *, movement_type, quantity, balance_after=1, reference_type="SHIPMENT"):
    execute(
        "INSERT INTO stock_movements (product_id, movement_type, quantity, balance_after, reference_type,"
        " reference_id, notes, created_at) VALUES (%s, %s, %s, %s, %s, '', '', %s)",
        product.pk,
        movement_type,
        quantity,
        balance_after,
        reference_type,
        timezone.now(),
    )


def make_many(number, *, on_hand, actor):
    """Make ``number`` products with ``on_hand`` units each and return their ids."""
    rows = [{"internal_sku": f"LUMI-M{next(_skus):06d}", "name": "Kit", "price_usd": 10} for _ in range(number)]
    wanted = [row["internal_sku"] for row in rows]
    products.create_missing(rows, today=TODAY, actor=actor)
    ids = list(Product.objects.filter(internal_sku__in=wanted).values_list("id", flat=True))
    if on_hand:
        ledger.receive([ledger.Line(key, on_hand) for key in ids], actor=actor)
    return ids


def statements_of(act):
    with CaptureQueriesContext(connection) as captured:
        act()
    return [query["sql"].split()[0] for query in captured.captured_queries]


def test_receive_adds_units_and_books_movements_in(admin):
    product = make_product("LUMI-0001", price="2.50", on_hand=1)

    (movement,) = ledger.receive([ledger.Line(product.pk, 4, "SH-1")], notes="two cartons", actor=admin)

    row = StockMovement.objects.get(pk=movement.id)
    assert movement == ledger.Movement(row.pk, product.pk, "LUMI-0001", 4, 5)
    assert (row.movement_type, row.reference_type, row.reference_id) == ("IN", "SHIPMENT", "SH-1")
    assert (row.quantity, row.balance_after, row.notes, row.created_by) == (4, 5, "two cartons", admin)
    assert on_hand(product) == 5


def test_issue_takes_units_and_books_movements_out(admin):
    product = make_product(on_hand=5)

    (movement,) = ledger.issue([ledger.Line(product.pk, 2, "A-1")], actor=admin)

    row = StockMovement.objects.get(pk=movement.id)
    assert (row.movement_type, row.reference_type, row.reference_id) == ("OUT", "SALE", "A-1")
    assert (row.quantity, row.balance_after) == (-2, 3)
    assert on_hand(product) == 3


def test_book_takes_entries_in_their_order(admin):
    product = make_product(on_hand=1)
    came_back = ledger.Entry(product.pk, 2, ledger.Type.IN, ledger.Reference.RETURN, "A-1")
    sold = ledger.Entry(product.pk, -3, ledger.Type.OUT, ledger.Reference.SALE, "A-2")

    booked, made = ledger.book([came_back, sold], actor=admin)

    assert ([movement.balance_after for movement in booked], made) == ([3, 0], [])
    assert on_hand(product) == 0


def test_units_that_come_back_later_do_not_cover_an_earlier_sale(admin):
    product = make_product(on_hand=1)
    sold = ledger.Entry(product.pk, -3, ledger.Type.OUT, ledger.Reference.SALE, "A-2")
    came_back = ledger.Entry(product.pk, 2, ledger.Type.IN, ledger.Reference.RETURN, "A-1")
    before = movement_rows()

    with pytest.raises(InsufficientStock):
        ledger.book([sold, came_back], actor=admin)

    assert on_hand(product) == 1
    assert movement_rows() == before


def test_adjust_books_the_difference_to_the_count(admin):
    product = make_product(on_hand=50)

    movement = ledger.adjust(product.pk, counted=45, reason="count", now=NOON, actor=admin)

    assert (movement.quantity, movement.balance_after) == (-5, 45)
    assert StockLevel.objects.get(product=product).last_counted_at == NOON


def test_adjust_to_what_is_booked_only_notes_the_time(admin):
    product = make_product(on_hand=50)
    before = movement_rows()

    assert ledger.adjust(product.pk, counted=50, reason="count", now=NOON, actor=admin) is None

    assert StockLevel.objects.get(product=product).last_counted_at == NOON
    assert movement_rows() == before


@pytest.mark.parametrize("quantity", [0, -1])
@pytest.mark.parametrize("operation", [ledger.receive, ledger.issue])
def test_only_positive_quantities_move(admin, operation, quantity):
    product = make_product(on_hand=5)
    before = movement_rows()

    with pytest.raises(InvalidInput) as refusal:
        operation([ledger.Line(product.pk, 1), ledger.Line(product.pk, quantity)], actor=admin)

    assert refusal.value.context == {"lines": [1]}
    assert movement_rows() == before


def test_a_negative_count_is_refused(admin):
    product = make_product(on_hand=5)

    with pytest.raises(InvalidInput):
        ledger.adjust(product.pk, counted=-1, reason="count", now=NOON, actor=admin)

    assert on_hand(product) == 5
    assert StockLevel.objects.get(product=product).last_counted_at is None


@pytest.mark.abuse("INP-18")
def test_unknown_products_are_named_and_nothing_is_written(admin):
    product = make_product(on_hand=5)
    before = movement_rows()

    with pytest.raises(UnknownProducts) as refusal:
        ledger.issue([ledger.Line(999_999, 1), ledger.Line(product.pk, 1), ledger.Line(999_998, 1)], actor=admin)

    assert refusal.value.context == {"product_ids": [999_998, 999_999]}
    assert movement_rows() == before
    assert on_hand(product) == 5


def test_the_shelf_holds_up_to_2147483647_units(admin):
    product = make_product("LUMI-0001", on_hand=MAX_ON_HAND - 1)

    ledger.receive([ledger.Line(product.pk, 1)], actor=admin)

    assert on_hand(product) == 2_147_483_647


@pytest.mark.abuse("INP-19", "INP-18")
def test_one_unit_past_the_limit_is_refused_and_nothing_is_written(admin):
    full, other = make_product("LUMI-0001", on_hand=MAX_ON_HAND), make_product("LUMI-0002")
    before = movement_rows()

    with pytest.raises(TooManyUnits) as refusal:
        ledger.receive([ledger.Line(other.pk, 1), ledger.Line(full.pk, 1), ledger.Line(full.pk, 1)], actor=admin)

    assert refusal.value.context == {"skus": ["LUMI-0001"]}
    assert on_hand(full) == MAX_ON_HAND
    assert on_hand(other) == 0
    assert movement_rows() == before


def test_a_count_past_the_limit_is_refused(admin):
    product = make_product(on_hand=1)

    with pytest.raises(TooManyUnits):
        ledger.adjust(product.pk, counted=MAX_ON_HAND + 1, reason="count", now=NOON, actor=admin)

    assert on_hand(product) == 1


def saved(movement):
    movement.quantity = 7
    movement.save()


CHANGES = {
    "save": saved,
    "delete": lambda movement: movement.delete(),
    "queryset update": lambda movement: StockMovement.objects.filter(pk=movement.pk).update(notes="changed"),
    "queryset delete": lambda movement: StockMovement.objects.all().delete(),
    "raw update": lambda movement: execute("UPDATE stock_movements SET quantity = 7"),
    "raw update to the same": lambda movement: execute("UPDATE stock_movements SET quantity = quantity"),
    "raw delete": lambda movement: execute("DELETE FROM stock_movements"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
@pytest.mark.usefixtures("db")
def test_a_movement_is_never_changed_or_deleted(change):
    make_product(on_hand=5)
    before = movement_rows()

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        change(StockMovement.objects.get())

    assert movement_rows() == before


@pytest.mark.postgres
@pytest.mark.usefixtures("db")
def test_movements_cannot_be_truncated():
    make_product(on_hand=5)
    before = movement_rows()
    execute("SET CONSTRAINTS ALL IMMEDIATE")  # foreign keys still to be checked refuse a TRUNCATE by themselves

    with pytest.raises(IntegrityError, match="append-only"):
        execute("TRUNCATE stock_movements CASCADE")

    assert movement_rows() == before


@pytest.mark.parametrize(
    ("movement_type", "quantity"),
    [("IN", -1), ("IN", 0), ("OUT", 1), ("OUT", 0), ("ADJUSTMENT", 0), ("GIFT", 1), ("", 1)],
)
@pytest.mark.usefixtures("db")
def test_the_database_refuses_a_sign_that_does_not_fit_the_type(movement_type, quantity):
    product = make_product()

    with pytest.raises(IntegrityError, match="stock_movements_sign_matches_type"):
        insert_movement(product, movement_type=movement_type, quantity=quantity)

    assert movement_rows() == []


@pytest.mark.abuse("CON-01")
@pytest.mark.usefixtures("db")
def test_the_database_refuses_a_negative_balance():
    product = make_product()

    with pytest.raises(IntegrityError, match="stock_movements_balance_is_not_negative"):
        insert_movement(product, movement_type="OUT", quantity=-1, balance_after=-1)

    assert movement_rows() == []


@pytest.mark.usefixtures("db")
def test_the_database_refuses_an_unknown_reference():
    product = make_product()

    with pytest.raises(IntegrityError, match="stock_movements_reference_is_known"):
        insert_movement(product, movement_type="IN", quantity=1, reference_type="GIFT")

    assert movement_rows() == []


@pytest.mark.abuse("CON-01")
@pytest.mark.usefixtures("db")
def test_the_database_refuses_a_negative_quantity():
    product = make_product(on_hand=1)

    with pytest.raises(IntegrityError, match="inventory_quantity_is_not_negative"):
        execute("UPDATE inventory SET quantity = -1 WHERE product_id = %s", product.pk)

    assert on_hand(product) == 1


@pytest.mark.abuse("CON-03")
@pytest.mark.usefixtures("db")
def test_the_database_refuses_a_second_level_of_a_product():
    product = make_product()

    with pytest.raises(IntegrityError), transaction.atomic():
        StockLevel.objects.create(product=product)

    assert StockLevel.objects.filter(product=product).count() == 1


def lines_of(draw_quantity):
    return st.lists(st.tuples(st.integers(0, 2), draw_quantity), min_size=1, max_size=4)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("receive"), lines_of(st.integers(-1, 9))),
        st.tuples(st.just("sell"), lines_of(st.integers(-1, 9))),
        st.tuples(st.just("return"), lines_of(st.integers(1, 5))),
        st.tuples(st.just("adjust"), lines_of(st.integers(-1, 9))),
    ),
    max_size=12,
)


def take(step, ids, actor):
    name, pairs = step
    if name == "receive":
        ledger.receive([ledger.Line(ids[index], units) for index, units in pairs], actor=actor)
    elif name == "sell":
        lines = [recording.Line(ids[index], units, TODAY, order_reference="A-1") for index, units in pairs]
        recording.record_sales(lines, today=TODAY, actor=actor)
    elif name == "return":
        index, units = pairs[0]
        line = recording.Line(ids[index], units, TODAY, order_reference="A-1", restock=units % 2 == 0)
        recording.record_return(line, today=TODAY, actor=actor)
    else:
        index, units = pairs[0]
        ledger.adjust(ids[index], counted=units, reason="", now=NOON, actor=actor)


@pytest.mark.abuse("CON-13")
@given(steps=STEPS)
@example(steps=[("receive", [(0, 9)]), ("sell", [(0, 5)]), ("return", [(0, 4)]), ("adjust", [(0, 2)])])
@hypothesis_settings(
    max_examples=40,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_happens_the_quantity_is_the_sum_of_the_movements(admin, steps):
    with rolled_back():
        ids = [make_product().pk for _ in range(3)]
        for step in steps:
            before = movement_rows()
            try:
                take(step, ids, admin)
            except DomainError:
                assert movement_rows() == before
            for product_id in ids:
                moved = [row[1:] for row in movement_rows() if row[0] == product_id]
                quantity = StockLevel.objects.get(product_id=product_id).quantity
                assert quantity == sum(units for units, _ in moved) >= 0
                assert quantity == (moved[-1][1] if moved else 0)
        assert list(selectors.ledger_differences()) == []


def received(ids, actor):
    return lambda: ledger.receive([ledger.Line(key, 2) for key in ids], actor=actor)


def sold(ids, actor):
    lines = [recording.Line(key, 2, TODAY, order_reference="A-1") for key in ids]
    return lambda: recording.record_sales(lines, today=TODAY, actor=actor)


def arrived(ids, actor):
    order = make_order(*(orders.Line(key, 2) for key in ids), supplier=make_supplier(), stage=Stage.SENT)
    lines = [receipts.Line(line.pk, 2) for line in order.line_items.all()]
    return lambda: receipts.receive(order.pk, lines, actor=actor)


def stocked(ids, actor):
    order = make_order(*(orders.Line(key, 2) for key in ids), supplier=make_supplier(), stage=Stage.QCD)
    return lambda: orders.advance(order.pk, to=Stage.STOCKED, actor=actor)


@pytest.mark.parametrize("prepare", [received, sold, arrived, stocked])
def test_10_lines_and_1000_cost_the_same_statements(admin, prepare):
    few = statements_of(prepare(make_many(10, on_hand=5, actor=admin), admin))
    many = statements_of(prepare(make_many(1_000, on_hand=5, actor=admin), admin))

    assert many == few
    assert 4 <= len(few) <= 15


def api_receive(client, ids):
    items = [{"product_id": key, "quantity": 2} for key in ids]
    return client.post("/api/inventory/receive-shipment", {"items": items}, format="json")


def api_bulk_sale(client, ids):
    items = [{"product_id": key, "quantity": 2} for key in ids]
    return client.post("/api/inventory/bulk-sale", {"items": items}, format="json")


@pytest.mark.parametrize("act", [api_receive, api_bulk_sale])
def test_10_lines_and_1000_cost_the_same_statements_over_the_api(admin, client_api, act):
    few, many = (make_many(number, on_hand=5, actor=admin) for number in (10, 1_000))
    answers = []

    first = statements_of(lambda: answers.append(act(client_api, few)))
    second = statements_of(lambda: answers.append(act(client_api, many)))

    assert [answer.status_code for answer in answers] == [201, 201]
    assert [answer.json()["count"] for answer in answers] == [10, 1_000]
    assert second == first


def test_10_lines_and_1000_cost_the_same_statements_for_an_order_receipt_over_the_api(admin, client_api):
    def receipt_of(number):
        lines = [orders.Line(key, 2) for key in make_many(number, on_hand=0, actor=admin)]
        order = make_order(*lines, supplier=make_supplier(), stage=Stage.SENT)
        rows = [{"line_item_id": line.pk, "quantity": 2} for line in order.line_items.all()]
        return lambda: client_api.post(f"/api/orders/{order.pk}/receive", {"lines": rows}, format="json")

    few, many = receipt_of(10), receipt_of(1_000)

    assert statements_of(many) == statements_of(few)
    assert StockMovement.objects.count() == 1_010


@contextmanager
def tampered(product, quantity) -> Iterator[None]:
    right = on_hand(product)
    execute("UPDATE inventory SET quantity = %s WHERE product_id = %s", quantity, product.pk)
    yield
    execute("UPDATE inventory SET quantity = %s WHERE product_id = %s", right, product.pk)


@pytest.mark.usefixtures("db")
def test_verify_ledger_passes_a_sound_ledger():
    make_product(on_hand=5)
    make_product()
    out = StringIO()

    call_command("verify_ledger", stdout=out)

    assert out.getvalue() == "2 products checked: every quantity is the sum of its movements.\n"


@pytest.mark.usefixtures("db")
def test_verify_ledger_names_a_tampered_quantity_and_fails():
    make_product(on_hand=5)
    product = make_product("LUMI-0001", on_hand=5)
    errors = StringIO()

    with tampered(product, 6), pytest.raises(CommandError, match="1 products differ"):
        call_command("verify_ledger", stderr=errors)

    assert errors.getvalue() == "LUMI-0001: 6 on hand, 5 in the ledger, last balance 5\n"


@pytest.mark.usefixtures("db")
def test_verify_ledger_finds_units_without_any_movement():
    product = make_product("LUMI-0001")
    errors = StringIO()

    with tampered(product, 1), pytest.raises(CommandError):
        call_command("verify_ledger", stderr=errors)

    assert errors.getvalue() == "LUMI-0001: 1 on hand, 0 in the ledger, last balance None\n"


def test_a_wrong_last_balance_is_found(admin):
    product = make_product("LUMI-0001", on_hand=5)

    with rolled_back():
        insert_movement(product, movement_type="IN", quantity=2, balance_after=99)
        execute("UPDATE inventory SET quantity = 7 WHERE product_id = %s", product.pk)

        assert list(selectors.ledger_differences()) == [selectors.Difference("LUMI-0001", 7, 7, 99)]


def test_a_wrong_sum_is_found_though_the_last_balance_agrees(admin):
    product = make_product("LUMI-0001", on_hand=5)

    with rolled_back():
        insert_movement(product, movement_type="IN", quantity=2, balance_after=5)

        assert list(selectors.ledger_differences()) == [selectors.Difference("LUMI-0001", 5, 7, 5)]


@pytest.mark.usefixtures("db")
def test_the_nightly_check_raises_the_alarm(caplog):
    product = make_product("LUMI-0001", on_hand=5)

    with tampered(product, 4), caplog.at_level(logging.ERROR, "godown.ledger"):
        check_ledger()

    assert caplog.messages == ["ledger differs: LUMI-0001 has 4 on hand, 5 in the ledger"]


@pytest.mark.usefixtures("db")
def test_the_nightly_check_is_silent_about_a_sound_ledger(caplog):
    make_product(on_hand=5)

    check_ledger()

    assert caplog.messages == []


def test_a_failing_write_takes_the_whole_operation_back(admin, monkeypatch):
    product = make_product(on_hand=5)
    movements, entries = movement_rows(), AuditLog.objects.count()
    monkeypatch.setattr(ledger, "_record_movements", lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        ledger.receive([ledger.Line(product.pk, 1)], actor=admin)

    assert movement_rows() == movements
    assert on_hand(product) == 5
    assert AuditLog.objects.count() == entries


def sources():
    for app in APPS:
        for path in sorted(Path(settings.BASE_DIR, app).rglob("*.py")):
            name = path.relative_to(settings.BASE_DIR).as_posix()
            if "/migrations/" not in name:
                yield name, ast.parse(path.read_text())


def writes(tree, model):
    """The calls in ``tree`` that write rows of ``model``."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        first = ast.unparse(node.args[0]) if node.args else ""
        makes = called.split(".")[-1] == model
        saves = f"{model}.objects." in called and called.rsplit(".", 1)[-1] in {
            "create",
            "bulk_create",
            "get_or_create",
            "update_or_create",
            "update",
            "bulk_update",
            "delete",
        }
        sets = called.startswith("rowsets.") and first.split(".")[-1] == model
        related = model == "StockMovement" and ".movements." in f".{called}" and called.endswith("create")
        if makes or saves or sets or related:
            yield node


@pytest.mark.parametrize("model", ["StockMovement", "StockLevel"])
def test_only_the_ledger_writes_stock(model):
    assert {name for name, tree in sources() if any(writes(tree, model))} == {LEDGER}


def texts(tree):
    return [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]


@pytest.mark.parametrize("table", ["stock_movements", "inventory"])
def test_only_the_ledger_writes_stock_by_sql(table):
    statements = [f"{verb} {table} " for verb in ("INSERT INTO", "UPDATE", "DELETE FROM")]

    writers = {name for name, tree in sources() for text in texts(tree) if any(sql in f"{text} " for sql in statements)}

    assert writers <= {LEDGER}
