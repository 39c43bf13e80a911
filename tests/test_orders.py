"""Purchase orders: made, counted, numbered, moved on, received, cancelled."""

from decimal import Decimal
from itertools import pairwise

import pytest

from accounts.models import AuditLog
from accounts.rights import Role
from inventory.models import StockMovement
from inventory.services import products, suppliers
from purchasing.models import DocumentSequence, OrderLine, PurchaseOrder, StatusChange
from purchasing.services import orders, receipts
from purchasing.workflow import ORDER, Stage
from tests.factories import TODAY, make_order, make_product, make_supplier, on_hand

URL = "/api/orders"


def line(product, quantity, price=None):
    return {"product_id": product.pk, "quantity": quantity} | ({} if price is None else {"unit_price_usd": price})


def create(client, *lines, **fields):
    supplier_id = fields.pop("supplier_id", None) or make_supplier().pk
    return client.post(URL, {"supplier_id": supplier_id, "line_items": lines, **fields}, format="json")


def move(client, order, to, **fields):
    return client.post(f"{URL}/{order.pk}/status", {"status": to, **fields}, format="json")


def receive(client, order, *received, **fields):
    lines = [{"line_item_id": line_id, "quantity": quantity} for line_id, quantity in received]
    return client.post(f"{URL}/{order.pk}/receive", {"lines": lines, **fields}, format="json")


def cancel(client, order, **fields):
    return client.post(f"{URL}/{order.pk}/cancel", fields, format="json")


def change(client, order, **fields):
    return client.patch(f"{URL}/{order.pk}", fields, format="json")


def totals(answer):
    return tuple(answer[f"{name}_usd"] for name in ("subtotal", "shipping", "other_fees", "total"))


def line_ids(order):
    return list(order.line_items.order_by("id").values_list("id", flat=True))


def received(order):
    return list(order.line_items.order_by("id").values_list("quantity_received", flat=True))


def steps(order):
    return list(order.status_history.order_by("id").values_list("old_status", "new_status"))


def refusal(response, code):
    assert response.status_code == 400
    assert response.json()["code"] == code
    return response.json()


def listed(client, query=""):
    response = client.get(f"{URL}{query}")
    assert response.status_code == 200
    return [row["po_number"] for row in response.json()["results"]]


@pytest.fixture
def kit(db):
    return make_product("LUMI-KIT", price="10.00")


def test_a_new_order_is_a_draft_with_its_lines_and_totals(client_api, kit):
    other = make_product("LUMI-OTHER", price="2.50")

    response = create(client_api, line(kit, 3), line(other, 4), shipping_usd=20, other_fees_usd=1.25, notes="By sea")

    assert response.status_code == 201
    answer = response.json()
    assert (answer["status"], answer["allowed_next"], answer["notes"]) == ("DRAFT", "SENT", "By sea")
    assert totals(answer) == (40, 20, 1.25, 61.25)
    assert [
        (row["internal_sku"], row["quantity"], row["unit_price_usd"], row["line_total_usd"], row["quantity_open"])
        for row in answer["line_items"]
    ] == [("LUMI-KIT", 3, 10, 30, 3), ("LUMI-OTHER", 4, 2.5, 10, 4)]


@pytest.mark.abuse("INP-11")
def test_totals_are_computed_whatever_the_client_sends(client_api, kit):
    response = create(
        client_api,
        line(kit, 3) | {"line_total_usd": 1},
        subtotal_usd=1,
        total_usd=1,
        po_number="PO-1",
        status="STOCKED",
    )

    answer = response.json()
    assert totals(answer) == (30, 0, 0, 30)
    assert answer["status"] == "DRAFT"
    assert answer["po_number"] != "PO-1"
    assert on_hand(kit) == 0


def test_a_price_on_the_line_counts_and_without_one_the_products_does(client_api, kit):
    answer = create(client_api, line(kit, 2, 7.25), line(kit, 1), line(kit, 5, 0)).json()

    assert [row["unit_price_usd"] for row in answer["line_items"]] == [7.25, 10, 0]
    assert answer["total_usd"] == 24.5


def test_a_later_price_of_the_product_does_not_change_the_order(client_api, kit, admin):
    order = make_order(orders.Line(kit.pk, 2))

    products.update(kit.pk, price_usd=Decimal("99.00"), today=TODAY, actor=admin)

    assert client_api.get(f"{URL}/{order.pk}").json()["total_usd"] == 20


def test_money_is_a_json_number_with_two_decimals(client_api, kit):
    assert b'"total_usd":30.00,' in create(client_api, line(kit, 3)).content


def test_an_order_may_begin_without_lines(client_api):
    answer = create(client_api, shipping_usd=5).json()

    assert answer["line_items"] == []
    assert totals(answer) == (0, 5, 0, 5)


@pytest.mark.time_machine("2026-06-30T17:30Z")
def test_the_order_date_is_today_in_the_business_time_zone_unless_given(client_api):
    assert create(client_api).json()["order_date"] == "2026-07-01"
    assert create(client_api, order_date="2026-05-04").json()["order_date"] == "2026-05-04"


@pytest.mark.parametrize("is_known", [True, False])
def test_a_supplier_that_is_unknown_or_deactivated_is_refused(client_api, admin, is_known):
    supplier = make_supplier()
    suppliers.deactivate(supplier.pk, actor=admin)

    refusal(create(client_api, supplier_id=supplier.pk if is_known else supplier.pk + 1), "unknown_supplier")

    assert not PurchaseOrder.objects.exists()


def test_products_that_cannot_be_ordered_are_all_named_and_nothing_is_written(client_api, kit):
    gone = make_product(is_active=False)
    lines = [line(kit, 1), line(gone, 1), {"product_id": gone.pk + 1, "quantity": 1}]

    answer = refusal(create(client_api, *lines), "unorderable_products")

    assert answer["context"] == {"product_ids": [gone.pk, gone.pk + 1]}
    assert not PurchaseOrder.objects.exists()
    assert not OrderLine.objects.exists()
    assert not DocumentSequence.objects.exists()


@pytest.mark.abuse("INP-11")
@pytest.mark.parametrize(
    ("field", "value"),
    [("quantity", 0), ("quantity", -1), ("quantity", 1.5), ("quantity", 2_147_483_648), ("unit_price_usd", -1)],
)
def test_a_line_that_makes_no_sense_is_refused_and_nothing_is_written(client_api, kit, field, value):
    answer = refusal(create(client_api, line(kit, 1), line(kit, 1) | {field: value}), "invalid")

    assert list(answer["errors"]) == ["line_items"]
    assert not PurchaseOrder.objects.exists()


@pytest.mark.abuse("INP-11")
@pytest.mark.parametrize("field", ["shipping_usd", "other_fees_usd"])
def test_a_negative_fee_is_refused_and_nothing_is_written(client_api, field):
    assert list(refusal(create(client_api, **{field: -0.01}), "invalid")["errors"]) == [field]

    assert not PurchaseOrder.objects.exists()


@pytest.mark.abuse("INP-11", "INP-19")
def test_an_order_worth_more_than_can_be_stored_is_refused_and_nothing_is_written(client_api, kit):
    refusal(create(client_api, line(kit, 2_147_483_647, 9_999_999_999.99)), "order_too_large")

    assert not PurchaseOrder.objects.exists()
    assert not OrderLine.objects.exists()


@pytest.mark.time_machine("2026-06-15T05:00Z")
def test_orders_are_numbered_in_turn_and_a_refused_one_takes_no_number(client_api):
    first = create(client_api).json()["po_number"]
    refusal(create(client_api, {"product_id": 471147114711, "quantity": 1}), "unorderable_products")
    second = create(client_api).json()["po_number"]

    assert [first, second] == ["PO-2026-001", "PO-2026-002"]


@pytest.mark.time_machine("2026-06-15T05:00Z")
def test_numbers_go_on_past_999(client_api):
    DocumentSequence.objects.create(prefix="PO", year=2026, last_number=998)

    assert [create(client_api).json()["po_number"] for _ in range(3)] == ["PO-2026-999", "PO-2026-1000", "PO-2026-1001"]


def test_numbers_begin_anew_with_the_local_year(time_machine, as_role):
    numbers = []
    for moment in ("2026-12-31T16:59Z", "2026-12-31T17:01Z", "2027-01-01T00:01Z"):
        time_machine.move_to(moment)
        numbers.append(create(as_role(Role.STAFF)).json()["po_number"])

    assert numbers == ["PO-2026-001", "PO-2027-001", "PO-2027-002"]


@pytest.mark.time_machine("2026-06-15T05:00Z")
def test_the_number_follows_today_and_not_the_order_date(client_api):
    assert create(client_api, order_date="2025-12-31").json()["po_number"] == "PO-2026-001"


def test_an_order_goes_through_all_ten_stages_in_order(client_api, kit, admin):
    order = make_order(orders.Line(kit.pk, 5))

    for stage, after in pairwise([*ORDER[1:], None]):
        response = move(client_api, order, stage, notes=f"now {stage}")
        assert response.status_code == 200
        assert (response.json()["status"], response.json()["allowed_next"]) == (stage, after)

    history = client_api.get(f"{URL}/{order.pk}").json()["status_history"]
    assert [(row["old_status"], row["new_status"]) for row in history] == [(None, "DRAFT"), *pairwise(ORDER)]
    assert [row["notes"] for row in history] == ["", *(f"now {stage}" for stage in ORDER[1:])]
    assert {row["changed_by"] for row in history} == {admin.email}


@pytest.mark.abuse("INP-12")
@pytest.mark.parametrize(
    ("current", "requested"),
    [
        ("DRAFT", "DRAFT"),
        ("DRAFT", "CONFIRMED"),
        ("DRAFT", "STOCKED"),
        ("CONFIRMED", "SENT"),
        ("SHIPPED", "SHIPPED"),
        ("SHIPPED", "CUSTOMS"),
        ("QCD", "RECEIVED"),
    ],
)
def test_skipping_going_back_and_standing_still_name_the_allowed_stage(client_api, current, requested):
    order = make_order(stage=Stage(current))
    allowed = ORDER[ORDER.index(Stage(current)) + 1]

    answer = refusal(move(client_api, order, requested), "stage_not_reachable")

    assert answer["context"] == {"current": current, "requested": requested, "allowed": allowed}
    assert answer["detail"] == (f"An order that is {current} cannot become {requested}: it can only move to {allowed}.")
    order.refresh_from_db()
    assert order.status == current
    assert steps(order)[-1][1] == current


@pytest.mark.abuse("INP-12")
def test_a_stocked_order_goes_nowhere(client_api, kit):
    order = make_order(orders.Line(kit.pk, 5), stage=Stage.STOCKED)

    for stage in ORDER:
        answer = refusal(move(client_api, order, stage), "stage_not_reachable")
        assert answer["context"]["allowed"] is None
    assert on_hand(kit) == 5
    assert len(steps(order)) == 10


@pytest.mark.parametrize("body", [{}, {"status": ""}, {"status": "LOST"}, {"status": None}, {"status": 1}, []])
def test_a_stage_that_does_not_exist_is_refused(client_api, body):
    order = make_order()

    refusal(client_api.post(f"{URL}/{order.pk}/status", body, format="json"), "invalid")

    assert steps(order) == [("", "DRAFT")]


@pytest.mark.parametrize("verb", ["post", "put", "patch"])
def test_the_stage_can_be_moved_by_post_put_and_patch(client_api, verb):
    order = make_order()

    response = getattr(client_api, verb)(f"{URL}/{order.pk}/status/", {"status": "SENT"}, format="json")

    assert (response.status_code, response.json()["status"]) == (200, "SENT")
    assert steps(order) == [("", "DRAFT"), ("DRAFT", "SENT")]


def test_a_cancelled_order_keeps_its_stage_and_says_why(client_api):
    order = make_order(stage=Stage.CONFIRMED)

    answer = cancel(client_api, order, reason="Too <b>late</b>").json()

    assert (answer["status"], answer["allowed_next"]) == ("CONFIRMED", None)
    assert answer["cancelled_at"] is not None
    last = answer["status_history"][-1]
    assert (last["old_status"], last["new_status"], last["notes"]) == ("CONFIRMED", "CONFIRMED", "Cancelled: Too late")


@pytest.mark.abuse("INP-12")
def test_a_cancelled_order_can_go_no_further(client_api, kit):
    order = make_order(orders.Line(kit.pk, 5), stage=Stage.CONFIRMED)
    cancel(client_api, order)
    history, recorded = len(steps(order)), AuditLog.objects.count()

    refusal(move(client_api, order, "IN_PRODUCTION"), "order_cancelled")
    refusal(receive(client_api, order, (line_ids(order)[0], 1)), "order_cancelled")
    refusal(change(client_api, order, shipping_usd=5), "order_cancelled")
    refusal(cancel(client_api, order), "order_cancelled")

    order.refresh_from_db()
    assert (order.status, order.shipping_usd) == ("CONFIRMED", 0)
    assert on_hand(kit) == 0
    assert (len(steps(order)), AuditLog.objects.count()) == (history, recorded)


@pytest.mark.abuse("INP-12")
def test_an_order_of_which_goods_were_received_cannot_be_cancelled(client_api, kit, admin):
    order = make_order(orders.Line(kit.pk, 5), stage=Stage.RECEIVED)
    receipts.receive(order.pk, [receipts.Line(line_ids(order)[0], 1)], actor=admin)

    refusal(cancel(client_api, order), "order_not_cancellable")

    order.refresh_from_db()
    assert order.cancelled_at is None
    assert steps(order)[-1] == ("CUSTOMS", "RECEIVED")


def test_a_stocked_order_cannot_be_cancelled(client_api):
    order = make_order(stage=Stage.STOCKED)

    refusal(cancel(client_api, order), "order_not_cancellable")

    order.refresh_from_db()
    assert order.cancelled_at is None


@pytest.mark.parametrize("verb", ["put", "patch"])
def test_put_and_patch_change_only_the_fields_they_are_given(client_api, kit, verb):
    order = make_order(orders.Line(kit.pk, 3))
    change(client_api, order, notes="By sea", shipping_usd=20, supplier_pi="PI-1")

    response = getattr(client_api, verb)(f"{URL}/{order.pk}", {"other_fees_usd": 2.5}, format="json")

    answer = response.json()
    assert totals(answer) == (30, 20, 2.5, 52.5)
    assert (answer["notes"], answer["supplier_pi"], len(answer["line_items"])) == ("By sea", "PI-1", 1)


@pytest.mark.abuse("INP-11", "INP-12", "AUTHZ-04")
@pytest.mark.parametrize("verb", ["put", "patch"])
@pytest.mark.parametrize("stage", [Stage.DRAFT, Stage.SHIPPED, Stage.STOCKED])
def test_what_godown_decides_cannot_be_sent(client_api, kit, verb, stage):
    order = make_order(orders.Line(kit.pk, 3), stage=stage)
    before = PurchaseOrder.objects.values().get()
    forged = {
        "id": order.pk + 1, "po_number": "PO-1", "status": "RECEIVED", "stage": "RECEIVED", "subtotal_usd": 1,
        "total_usd": 1, "cancelled_at": "2026-06-15T00:00:00Z", "supplier_id": make_supplier().pk, "lines": [],
        "order_date": "2020-01-01", "created_at": "2020-01-01T00:00:00Z", "quantity_received": 9, "status_history": [],
    }  # fmt: skip

    answer = getattr(client_api, verb)(f"{URL}/{order.pk}", forged, format="json")

    assert answer.status_code == 200
    assert {**PurchaseOrder.objects.values().get(), "updated_at": None} == {**before, "updated_at": None}
    assert steps(order)[-1][1] == stage
    assert order.line_items.count() == 1


@pytest.mark.abuse("INP-11")
@pytest.mark.parametrize("stage", [Stage.DRAFT, Stage.SHIPPED, Stage.STOCKED])
def test_totals_follow_a_changed_fee_at_every_stage(client_api, kit, stage):
    order = make_order(orders.Line(kit.pk, 3), stage=stage)

    change(client_api, order, shipping_usd=12.34, total_usd=1, subtotal_usd=1)

    order.refresh_from_db()
    assert (order.subtotal_usd, order.total_usd) == (Decimal("30.00"), Decimal("42.34"))


def test_the_lines_of_a_draft_can_be_replaced_and_totals_follow(client_api, kit):
    other = make_product("LUMI-OTHER", price="2.00")
    order = make_order(orders.Line(kit.pk, 3))
    change(client_api, order, shipping_usd=5)

    answer = change(client_api, order, line_items=[line(other, 4), line(kit, 1, 9.99)]).json()

    assert [(row["internal_sku"], row["quantity"]) for row in answer["line_items"]] == [
        ("LUMI-OTHER", 4),
        ("LUMI-KIT", 1),
    ]
    assert totals(answer) == (17.99, 5, 0, 22.99)
    assert order.line_items.count() == 2


@pytest.mark.abuse("INP-12", "AUTHZ-07")
@pytest.mark.parametrize("stage", [stage for stage in ORDER if stage is not Stage.DRAFT])
def test_lines_are_fixed_once_the_order_is_no_draft(client_api, kit, stage):
    order = make_order(orders.Line(kit.pk, 3), stage=stage)
    before = line_ids(order)

    refusal(change(client_api, order, line_items=[line(kit, 9)], notes="Nine", shipping_usd=5), "lines_fixed")

    order.refresh_from_db()
    assert line_ids(order) == before
    assert (order.total_usd, order.notes, order.shipping_usd) == (Decimal("30.00"), "", 0)


@pytest.mark.abuse("INP-12")
def test_lines_are_fixed_once_goods_were_received(client_api, kit, admin):
    order = make_order(orders.Line(kit.pk, 3))
    receipts.receive(order.pk, [receipts.Line(line_ids(order)[0], 1)], actor=admin)

    refusal(change(client_api, order, line_items=[]), "lines_fixed")

    assert received(order) == [1]


@pytest.mark.parametrize("line", [{}, {"quantity": 3}, {"product_id": 1}, {"unit_price_usd": 1}], ids=str)
def test_a_new_line_without_product_or_quantity_is_refused_and_the_old_ones_stay(client_api, kit, line):
    order = make_order(orders.Line(kit.pk, 2))

    for method in (client_api.patch, client_api.put):
        answer = method(f"/api/orders/{order.pk}", {"line_items": [line]}, format="json")
        assert (answer.status_code, set(answer.json()["errors"])) == (400, {"line_items"})

    assert order.line_items.get().quantity == 2


def test_new_lines_that_cannot_be_ordered_leave_the_old_ones(client_api, kit):
    order = make_order(orders.Line(kit.pk, 3))

    refusal(change(client_api, order, line_items=[{"product_id": 471147114711, "quantity": 1}]), "unorderable_products")

    assert order.line_items.get().quantity == 3


def test_a_change_cannot_make_an_order_larger_than_can_be_stored(client_api, kit):
    order = make_order(orders.Line(kit.pk, 3))

    refusal(change(client_api, order, line_items=[line(kit, 2_147_483_647, 9_999_999_999.99)]), "order_too_large")

    assert order.line_items.get().quantity == 3


def test_goods_are_received_in_part_and_then_in_full(client_api, kit):
    order = make_order(orders.Line(kit.pk, 10), stage=Stage.RECEIVED)
    (line_id,) = line_ids(order)

    first = receive(client_api, order, (line_id, 4), notes="First pallet").json()["line_items"][0]
    assert (first["quantity_received"], first["quantity_open"], on_hand(kit)) == (4, 6, 4)

    second = receive(client_api, order, (line_id, 6)).json()["line_items"][0]
    assert (second["quantity_received"], second["quantity_open"], on_hand(kit)) == (10, 0, 10)

    movements = kit.movements.order_by("id")
    assert [(row.movement_type, row.quantity, row.reference_type) for row in movements] == [
        ("IN", 4, "SHIPMENT"),
        ("IN", 6, "SHIPMENT"),
    ]
    assert [row.notes for row in movements] == ["First pallet", ""]
    assert {row.reference_id for row in movements} == {order.po_number}


@pytest.mark.abuse("INP-12", "INP-18")
def test_receiving_more_than_is_open_books_nothing_and_lists_every_line(client_api):
    plenty, short, done = make_product("LUMI-PLENTY"), make_product("LUMI-SHORT"), make_product("LUMI-DONE")
    order = make_order(*(orders.Line(product.pk, 5) for product in (plenty, short, done)), stage=Stage.RECEIVED)
    ids = line_ids(order)
    receive(client_api, order, (ids[2], 5))

    answer = refusal(receive(client_api, order, (ids[0], 5), (ids[1], 6), (ids[2], 1)), "over_receipt")

    assert answer["context"]["lines"] == [
        {"line_item_id": ids[1], "sku": "LUMI-SHORT", "requested": 6, "open": 5},
        {"line_item_id": ids[2], "sku": "LUMI-DONE", "requested": 1, "open": 0},
    ]
    assert answer["detail"] == ("More than was ordered. LUMI-SHORT: 6 received, 5 open; LUMI-DONE: 1 received, 0 open.")
    assert received(order) == [0, 0, 5]
    assert StockMovement.objects.count() == 1


@pytest.mark.abuse("INP-12", "INP-18")
def test_the_same_line_twice_counts_as_its_sum(client_api, kit):
    order = make_order(orders.Line(kit.pk, 5), stage=Stage.RECEIVED)
    (line_id,) = line_ids(order)

    answer = refusal(receive(client_api, order, (line_id, 3), (line_id, 3)), "over_receipt")
    assert answer["context"]["lines"][0]["requested"] == 6
    assert on_hand(kit) == 0

    receive(client_api, order, (line_id, 3), (line_id, 2))
    assert (received(order), on_hand(kit)) == ([5], 5)


@pytest.mark.abuse("INP-12", "AUTHZ-03")
def test_lines_of_another_order_are_refused_and_nothing_is_booked(client_api, kit):
    order, other = make_order(orders.Line(kit.pk, 5)), make_order(orders.Line(kit.pk, 5))
    ours, theirs = line_ids(order)[0], line_ids(other)[0]

    answer = refusal(receive(client_api, order, (ours, 1), (theirs, 1)), "unknown_order_lines")

    assert answer["context"] == {"line_item_ids": [theirs]}
    assert (received(order), received(other), on_hand(kit)) == ([0], [0], 0)


@pytest.mark.abuse("INP-12")
@pytest.mark.parametrize("quantity", [0, -1, 1.5, "many", None])
def test_a_receipt_needs_a_positive_whole_quantity(client_api, kit, quantity):
    order = make_order(orders.Line(kit.pk, 5))

    refusal(receive(client_api, order, (line_ids(order)[0], quantity)), "invalid")

    assert (received(order), on_hand(kit)) == ([0], 0)


def test_a_receipt_needs_lines(client_api):
    refusal(receive(client_api, make_order()), "invalid")


def test_an_order_stocked_with_nothing_received_is_received_in_full(client_api):
    first, second = make_product(on_hand=2), make_product()
    order = make_order(orders.Line(first.pk, 5), orders.Line(second.pk, 7), stage=Stage.QCD)

    answer = move(client_api, order, "STOCKED").json()

    assert [row["quantity_open"] for row in answer["line_items"]] == [0, 0]
    assert (on_hand(first), on_hand(second)) == (7, 7)


def test_an_order_stocked_with_receipts_stays_as_short_as_it_came(client_api):
    first, second = make_product(), make_product()
    order = make_order(orders.Line(first.pk, 5), orders.Line(second.pk, 7), stage=Stage.QCD)
    receive(client_api, order, (line_ids(order)[0], 4))

    move(client_api, order, "STOCKED")

    assert received(order) == [4, 0]
    assert (on_hand(first), on_hand(second)) == (4, 0)


@pytest.mark.abuse("INP-12")
def test_nothing_more_is_received_on_a_stocked_order(client_api, kit):
    order = make_order(orders.Line(kit.pk, 5), stage=Stage.QCD)
    receive(client_api, order, (line_ids(order)[0], 4))
    move(client_api, order, "STOCKED")

    refusal(receive(client_api, order, (line_ids(order)[0], 1)), "order_stocked")

    assert (received(order), on_hand(kit)) == ([4], 4)


def test_the_same_product_on_two_lines_is_received_line_by_line(client_api, kit):
    order = make_order(orders.Line(kit.pk, 5), orders.Line(kit.pk, 3), stage=Stage.QCD)

    move(client_api, order, "STOCKED")

    assert (received(order), on_hand(kit)) == ([5, 3], 8)


def test_workflow_stats_show_all_ten_stages_with_zeros_and_leave_cancelled_orders_out(client_api, kit):
    make_order(orders.Line(kit.pk, 1))
    make_order(orders.Line(kit.pk, 2))
    make_order(orders.Line(kit.pk, 4), stage=Stage.SHIPPED)
    cancel(client_api, make_order(orders.Line(kit.pk, 8), stage=Stage.SHIPPED))
    cancel(client_api, make_order(orders.Line(kit.pk, 8), stage=Stage.SENT))

    answer = client_api.get(f"{URL}/workflow-stats").json()

    figures = {"DRAFT": (2, 30), "SHIPPED": (1, 40)}
    assert [(row["status"], row["count"], row["total_usd"]) for row in answer] == [
        (stage, *figures.get(stage, (0, 0))) for stage in ORDER
    ]


def test_orders_are_listed_newest_first(client_api):
    numbers = [make_order().po_number for _ in range(3)]

    assert listed(client_api) == numbers[::-1]


def test_orders_can_be_filtered_by_stage_and_supplier(client_api):
    ours, theirs = make_supplier(), make_supplier()
    draft = make_order(supplier=ours).po_number
    sent = make_order(supplier=ours, stage=Stage.SENT).po_number
    make_order(supplier=theirs, stage=Stage.SENT)

    assert listed(client_api, f"?supplier_id={ours.pk}") == [sent, draft]
    assert listed(client_api, f"?supplier_id={ours.pk}&status=SENT") == [sent]
    assert listed(client_api, "?status=STOCKED") == []


@pytest.mark.parametrize(
    ("query", "days"),
    [
        ("?from=2026-06-02", [3, 2]),
        ("?to=2026-06-02", [2, 1]),
        ("?from=2026-06-02&to=2026-06-02", [2]),
        ("?from=2026-06-04", []),
    ],
)
def test_orders_can_be_filtered_by_order_date_both_days_included(client_api, query, days):
    numbers = {
        day: create(client_api, order_date=f"2026-06-0{day}", supplier_id=make_supplier().pk).json()["po_number"]
        for day in (1, 2, 3)
    }

    assert listed(client_api, query) == [numbers[day] for day in days]


@pytest.mark.parametrize("query", ["?status=LOST", "?supplier_id=x", "?from=monday", "?to=2026-02-30", "?state=SENT"])
def test_a_filter_that_makes_no_sense_is_refused(client_api, query):
    refusal(client_api.get(f"{URL}{query}"), "invalid")


@pytest.mark.parametrize(
    ("verb", "path"),
    [("get", ""), ("patch", ""), ("post", "/status"), ("post", "/receive"), ("post", "/cancel")],
)
def test_an_unknown_order_is_not_found(client_api, verb, path):
    body = {"status": "SENT", "lines": [{"line_item_id": 1, "quantity": 1}]}

    response = getattr(client_api, verb)(f"{URL}/471147114711{path}", None if verb == "get" else body, format="json")

    assert response.status_code == 404
    assert response.json() == {"code": "order_not_found", "detail": "There is no purchase order 471147114711."}


def test_every_address_answers_with_and_without_the_slash(client_api, kit):
    for path in (URL, f"{URL}/workflow-stats", f"{URL}/{make_order().pk}"):
        assert client_api.get(path).status_code == client_api.get(f"{path}/").status_code == 200
    for slash in ("", "/"):
        order = make_order(orders.Line(kit.pk, 2))
        receipt = {"lines": [{"line_item_id": line_ids(order)[0], "quantity": 1}]}
        assert client_api.post(f"{URL}/{order.pk}/receive{slash}", receipt, format="json").status_code == 200
        assert client_api.post(f"{URL}/{make_order().pk}/cancel{slash}", {}, format="json").status_code == 200


@pytest.mark.parametrize("role", [Role.VIEWER, Role.SYNC])
def test_who_may_not_change_orders_is_refused_and_nothing_changes(as_role, kit, role):
    order = make_order(orders.Line(kit.pk, 5))
    client = as_role(role)

    codes = [
        create(client, line(kit, 1)).status_code,
        change(client, order, notes="New").status_code,
        move(client, order, "SENT").status_code,
        receive(client, order, (line_ids(order)[0], 1)).status_code,
        cancel(client, order).status_code,
    ]

    assert codes == [403] * 5
    kept = PurchaseOrder.objects.get()
    assert (kept.notes, kept.status, kept.cancelled_at) == ("", "DRAFT", None)
    assert StatusChange.objects.count() == 1
    assert on_hand(kit) == 0
