"""Payments to suppliers: what is due, what is recorded and changed, and that nothing is paid twice by accident."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from accounts.models import AuditLog
from accounts.rights import Role
from inventory.services import suppliers
from purchasing import terms
from purchasing.models import Payment
from purchasing.services import orders
from purchasing.workflow import Stage
from tests.conftest import api
from tests.factories import make_order, make_product, make_supplier, make_user

NOON = "2026-06-15T05:00Z"
NOW = datetime(2026, 6, 15, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _noon(time_machine):
    time_machine.move_to(NOON, tick=False)


@pytest.fixture
def order(db):
    """100 kits at 100.00 USD: 10,000.00 in all, ordered on 15 June."""
    return make_order(orders.Line(make_product(price="100.00").pk, 100), stage=Stage.CONFIRMED)


@pytest.fixture
def account(admin, order):
    fields = {"holder": "Factory", "bank_name": "Bank of China", "account_number": "6222021234567890"}
    return suppliers.add_bank_account(order.supplier_id, **fields, actor=admin)


def pay(client, **body):
    return client.post("/api/payments", body, format="json")


def change(client, payment, **body):
    return client.patch(f"/api/payments/{payment['id']}", body, format="json")


def standing(client, order):
    return client.get(f"/api/orders/{order.pk}").json()["standing"]


def refusal(response):
    return response.status_code, response.json()["code"]


# What is due


def test_the_first_payment_of_an_order_is_its_deposit_and_the_second_its_balance(client_api, order):
    first, second = (pay(client_api, po_id=order.pk).json() for _ in range(2))

    assert (first["kind"], first["amount_usd"], first["status"]) == ("DEPOSIT", 3000, "PENDING")
    assert (second["kind"], second["amount_usd"], second["status"]) == ("BALANCE", 7000, "PENDING")
    assert (first["payment_id"], second["payment_id"]) == ("PAY-2026-001", "PAY-2026-002")
    assert first["initiated_at"] == "2026-06-15T12:00:00+07:00"


def test_nothing_is_guessed_once_everything_is_paid_or_on_its_way(client_api, order):
    for _ in range(2):
        pay(client_api, po_id=order.pk)

    third = pay(client_api, po_id=order.pk)

    assert refusal(third) == (400, "nothing_due")
    assert Payment.objects.count() == 2


def test_the_terms_of_the_supplier_are_copied_to_its_orders_and_changed_there(client_api):
    supplier = make_supplier(deposit_percent=Decimal("12.50"))
    line = orders.Line(make_product(price="100.00").pk, 100)
    order = make_order(line, supplier=supplier)
    other = make_order(line, supplier=supplier)

    client_api.patch(f"/api/orders/{order.pk}", {"deposit_percent": 50}, format="json")

    assert standing(client_api, order)["instalments"][0]["amount_usd"] == 5000
    assert standing(client_api, other)["instalments"][0]["amount_usd"] == 1250
    supplier.refresh_from_db()
    assert supplier.deposit_percent == Decimal("12.50")


def test_the_deposit_is_due_with_the_order_and_the_balance_when_the_goods_are_ready(client_api, order):
    assert [part["due_on"] for part in standing(client_api, order)["instalments"]] == ["2026-06-15", "2026-07-30"]

    client_api.patch(f"/api/orders/{order.pk}", {"expected_ready_date": "2026-08-20"}, format="json")

    assert [part["due_on"] for part in standing(client_api, order)["instalments"]] == ["2026-06-15", "2026-08-20"]


def test_the_page_of_an_order_tells_what_is_paid_on_its_way_and_open(client_api, order):
    pay(client_api, po_id=order.pk, amount_usd=2500, status="DELIVERED")
    pay(client_api, po_id=order.pk, amount_usd=1000)
    pay(client_api, po_id=order.pk, amount_usd=4000, status="FAILED")

    told = standing(client_api, order)

    assert told == {
        "paid_usd": 2500,
        "in_transfer_usd": 1000,
        "open_usd": 6500,
        "overpaid_usd": 0,
        "instalments": [
            {"kind": "DEPOSIT", "due_on": "2026-06-15", "amount_usd": 3000, "open_usd": 0},
            {"kind": "BALANCE", "due_on": "2026-07-30", "amount_usd": 7000, "open_usd": 6500},
        ],
    }


@pytest.mark.parametrize(
    ("total", "percent", "parts"),
    [
        ("100.01", "30", ("30.00", "70.01")),
        ("0.01", "30", ("0.00", "0.01")),
        ("333.33", "33.33", ("111.10", "222.23")),
        ("500.00", "0", ("0.00", "500.00")),
        ("500.00", "100", ("500.00", "0.00")),
        ("0.00", "30", ("0.00", "0.00")),
    ],
)
def test_deposit_and_balance_add_up_to_the_cent(total, percent, parts):
    deposit, balance = terms.deposit_and_balance(Decimal(total), Decimal(percent))

    assert (str(deposit), str(balance)) == parts
    assert deposit + balance == Decimal(total)


def test_without_a_deposit_there_is_one_instalment(client_api, order):
    client_api.patch(f"/api/orders/{order.pk}", {"deposit_percent": 0}, format="json")

    assert [part["kind"] for part in standing(client_api, order)["instalments"]] == ["BALANCE"]
    assert pay(client_api, po_id=order.pk).json()["kind"] == "BALANCE"


@pytest.mark.parametrize("percent", [-1, 100.01, 12.345, "NaN", None, True])
def test_a_deposit_is_a_percentage(client_api, order, percent):
    response = client_api.patch(f"/api/orders/{order.pk}", {"deposit_percent": percent}, format="json")

    assert response.status_code == 400
    assert "deposit_percent" in response.json()["errors"]


def test_the_list_of_what_is_due_leaves_out_drafts_cancelled_and_paid_orders(client_api, order):
    line = orders.Line(make_product(price="10.00").pk, 5)
    draft, cancelled, paid = make_order(line), make_order(line, stage=Stage.SENT), make_order(line, stage=Stage.SENT)
    client_api.post(f"/api/orders/{cancelled.pk}/cancel", {}, format="json")
    pay(client_api, po_id=paid.pk, amount_usd=50)
    pay(client_api, po_id=order.pk)

    rows = client_api.get("/api/payments/due").json()["results"]

    assert [row["po_number"] for row in rows] == [order.po_number]
    assert rows[0]["next_due_on"] == "2026-07-30"
    assert rows[0]["standing"]["open_usd"] == rows[0]["standing"]["instalments"][1]["open_usd"] == 7000
    assert draft.po_number not in str(rows)


def test_what_is_due_is_listed_oldest_order_first_and_by_supplier(client_api, order):
    line = orders.Line(make_product(price="10.00").pk, 5)
    later = make_order(line, stage=Stage.SENT)
    earlier = orders.create(supplier_id=order.supplier_id, lines=[line], today=date(2026, 5, 1), actor=make_user())
    orders.advance(earlier.pk, to=Stage.SENT, actor=make_user())

    listed = client_api.get("/api/payments/due").json()["results"]
    own = client_api.get(f"/api/payments/due?supplier_id={order.supplier_id}").json()["results"]

    assert [row["po_id"] for row in listed] == [earlier.pk, order.pk, later.pk]
    assert [row["po_id"] for row in own] == [earlier.pk, order.pk]


# Never too much by accident


def test_an_over_payment_is_refused_with_its_figures(client_api, order):
    pay(client_api, po_id=order.pk, amount_usd=9000)

    response = pay(client_api, po_id=order.pk, amount_usd="1000.01", kind="BALANCE")

    assert refusal(response) == (400, "over_payment")
    assert response.json()["context"] == {"total_usd": 10000, "spent_usd": 9000, "over_usd": 0.01}
    assert Payment.objects.count() == 1


def test_an_over_payment_goes_through_once_it_is_confirmed(client_api, order):
    response = pay(client_api, po_id=order.pk, amount_usd=10500, kind="OTHER", confirm_overpayment=True)

    assert response.status_code == 201
    assert standing(client_api, order)["overpaid_usd"] == 500
    assert standing(client_api, order)["open_usd"] == 0


def test_to_the_last_cent_is_no_over_payment(client_api, order):
    assert pay(client_api, po_id=order.pk, amount_usd=10000, kind="OTHER").status_code == 201


def test_a_failed_payment_makes_room_and_takes_it_again_only_if_there_is_some(client_api, order):
    failed = pay(client_api, po_id=order.pk, amount_usd=6000, kind="OTHER").json()
    change(client_api, failed, status="FAILED")
    assert pay(client_api, po_id=order.pk, amount_usd=6000, kind="OTHER").status_code == 201

    revived = change(client_api, failed, status="PROCESSING")

    assert refusal(revived) == (400, "over_payment")
    assert Payment.objects.get(pk=failed["id"]).status == "FAILED"


def test_raising_an_amount_is_held_to_the_total_and_lowering_it_never_is(client_api, order):
    payment = pay(client_api, po_id=order.pk, amount_usd=9000, kind="OTHER").json()
    pay(client_api, po_id=order.pk, amount_usd=1500, kind="OTHER", confirm_overpayment=True)

    raised, lowered = change(client_api, payment, amount_usd=9001), change(client_api, payment, amount_usd=8999)

    assert refusal(raised) == (400, "over_payment")
    assert lowered.status_code == 200
    assert Payment.objects.get(pk=payment["id"]).amount_usd == Decimal("8999.00")


def test_nothing_is_paid_on_a_cancelled_order(client_api, order):
    client_api.post(f"/api/orders/{order.pk}/cancel", {}, format="json")

    assert refusal(pay(client_api, po_id=order.pk, amount_usd=1)) == (400, "order_cancelled")
    assert not Payment.objects.exists()


def test_of_a_cancelled_order_nothing_is_open_and_what_was_paid_is_told(client_api, order):
    pay(client_api, po_id=order.pk, status="DELIVERED")
    client_api.post(f"/api/orders/{order.pk}/cancel", {}, format="json")

    told = standing(client_api, order)

    assert (told["paid_usd"], told["open_usd"], told["instalments"]) == (3000, 0, [])


# Whom it goes to


def test_a_payment_without_order_goes_to_an_active_supplier(client_api):
    supplier, gone = make_supplier(), make_supplier(is_active=False)

    made = pay(client_api, supplier_id=supplier.pk, amount_usd=120)

    assert (made.json()["po_id"], made.json()["supplier"]["id"], made.json()["kind"]) == (None, supplier.pk, "OTHER")
    assert refusal(pay(client_api, supplier_id=gone.pk, amount_usd=120)) == (400, "unknown_supplier")
    assert refusal(pay(client_api, supplier_id=supplier.pk)) == (400, "nothing_due")
    assert refusal(pay(client_api, amount_usd=5)) == (400, "payment_without_payee")


def test_the_order_of_a_supplier_that_is_out_of_use_is_still_paid(client_api, order):
    client_api.delete(f"/api/suppliers/{order.supplier_id}")

    assert pay(client_api, po_id=order.pk).status_code == 201


def test_order_supplier_and_bank_account_belong_together(client_api, admin, order, account):
    other = make_supplier()
    fields = {"holder": "Other", "bank_name": "B", "account_number": "12345678"}
    foreign = suppliers.add_bank_account(other.pk, **fields, actor=admin)

    assert refusal(pay(client_api, po_id=order.pk, supplier_id=other.pk)) == (400, "payment_without_payee")
    assert refusal(pay(client_api, po_id=order.pk, bank_account_id=foreign.pk)) == (400, "unknown_bank_account")
    made = pay(client_api, po_id=order.pk, supplier_id=order.supplier_id, bank_account_id=account.pk)
    assert made.json()["bank_account_id"] == account.pk
    assert refusal(change(client_api, made.json(), bank_account_id=foreign.pk)) == (400, "unknown_bank_account")


def test_an_unknown_order_is_404_and_takes_no_number(client_api, order):
    assert refusal(pay(client_api, po_id=999_999)) == (404, "order_not_found")
    assert pay(client_api, po_id=order.pk).json()["payment_id"] == "PAY-2026-001"


# By hand


def test_without_a_key_for_wise_the_status_is_set_by_hand(client_api, order):
    payment = pay(client_api, po_id=order.pk, wise_transfer_id="49983981").json()
    facts = {"status": "DELIVERED", "fee_usd": 12.5, "amount_received": 2987.5, "currency_received": "USD"}

    changed = change(client_api, payment, **facts).json()

    assert {name: changed[name] for name in facts} == facts
    assert changed["wise"]["last_synced_at"] is None


def test_without_a_key_asking_wise_says_so(client_api, order):
    payment = pay(client_api, po_id=order.pk, wise_transfer_id="49983981").json()

    for path in ("sync-wise", "wise-transfer", "wise-funding"):
        response = client_api.post(f"/api/payments/{payment['id']}/{path}")
        assert refusal(response) == (400, "wise_not_connected")
        assert "WISE_API_KEY" in response.json()["detail"]
    kept = client_api.get(f"/api/payments/{payment['id']}/sync-wise").json()
    assert (kept["status"], kept["wise"]["transfer_id"], kept["wise"]["last_synced_at"]) == (
        "PENDING",
        "49983981",
        None,
    )


def test_a_transfer_belongs_to_one_payment(client_api, order):
    first = pay(client_api, po_id=order.pk, wise_transfer_id="49983981").json()

    second = pay(client_api, po_id=order.pk, wise_transfer_id="49983981")

    assert refusal(second) == (400, "transfer_taken")
    assert first["payment_id"] in second.json()["detail"]
    assert Payment.objects.count() == 1


@pytest.mark.parametrize("transfer", ["0", "-1", "12a", "1" * 19, "1 2", "١٢", "12.0", 1.5, ["1"]])
def test_a_transfer_is_a_number_of_at_most_18_digits(client_api, order, transfer):
    response = pay(client_api, po_id=order.pk, wise_transfer_id=transfer)

    assert response.status_code == 400
    assert "wise_transfer_id" in response.json()["errors"]
    assert not Payment.objects.exists()


@pytest.mark.abuse("INP-01")
@pytest.mark.parametrize("amount", [0, -1, "0.001", 1e30, "NaN", "Infinity", True, "1_000", "١٢", "", None, [1]])
def test_an_amount_is_positive_money(client_api, order, amount):
    response = pay(client_api, po_id=order.pk, amount_usd=amount)

    assert response.status_code == 400
    assert "amount_usd" in response.json()["errors"]
    assert not Payment.objects.exists()


def test_what_a_client_may_not_decide_is_not_taken_from_it(client_api, order):
    body = {"payment_id": "PAY-1999-001", "wise_status": "processing", "synced_at": NOON, "attention": ""}

    made = pay(client_api, po_id=order.pk, **body).json()

    assert (made["payment_id"], made["wise_status"], made["synced_at"]) == ("PAY-2026-001", "", None)


def test_the_order_of_a_payment_never_changes(client_api, order):
    payment = pay(client_api, po_id=order.pk).json()
    other = make_order(orders.Line(make_product().pk, 1))

    change(client_api, payment, po_id=other.pk, supplier_id=other.supplier_id)

    assert Payment.objects.get().order_id == order.pk


def test_attention_is_put_aside_and_never_made_by_hand(client_api, order):
    payment = pay(client_api, po_id=order.pk).json()
    Payment.objects.update(attention="The bank sent the money back.")

    assert change(client_api, payment, attention="Look here").status_code == 400
    assert len(client_api.get("/api/payments?needs_attention=true").json()["results"]) == 1
    assert change(client_api, payment, attention="").json()["attention"] == ""
    assert client_api.get("/api/payments?needs_attention=true").json()["results"] == []


# Reading


def test_the_list_is_newest_first_and_filtered(client_api, order):
    deposit, balance = (pay(client_api, po_id=order.pk).json() for _ in range(2))
    other = pay(client_api, supplier_id=make_supplier().pk, amount_usd=5, status="DELIVERED").json()

    def listed(query=""):
        return [row["id"] for row in client_api.get(f"/api/payments{query}").json()["results"]]

    assert listed() == [other["id"], balance["id"], deposit["id"]]
    assert listed("?status=DELIVERED") == [other["id"]]
    assert listed(f"?po_id={order.pk}&kind=DEPOSIT") == [deposit["id"]]
    assert listed(f"?supplier_id={order.supplier_id}") == [balance["id"], deposit["id"]]
    assert client_api.get("/api/payments?status=LOST").status_code == 400
    assert client_api.get("/api/payments?state=PENDING").status_code == 400


def test_the_summary_leaves_failed_payments_out_and_counts_in_local_months(client_api, order, time_machine):
    for at, amount, status, fee in [
        ("2025-12-31T17:30:00Z", 100, "DELIVERED", 1),  # already 2026 in Bangkok
        ("2026-05-31T16:59:59Z", 200, "DELIVERED", 2),  # still May
        ("2026-05-31T17:00:00Z", 400, "PROCESSING", 4),  # already June
        ("2026-06-10T00:00:00Z", 800, "PENDING", 0),
        ("2026-06-11T00:00:00Z", 1600, "FAILED", 8),
        ("2025-03-01T00:00:00Z", 3200, "DELIVERED", 16),
    ]:
        pay(client_api, po_id=order.pk, amount_usd=amount, status=status, fee_usd=fee, initiated_at=at)

    assert client_api.get("/api/payments/summary").json() == {
        "monthly_totals": [
            {"month": "2025-03", "total_usd": 3200, "fees_usd": 16, "count": 1},
            {"month": "2026-01", "total_usd": 100, "fees_usd": 1, "count": 1},
            {"month": "2026-05", "total_usd": 200, "fees_usd": 2, "count": 1},
            {"month": "2026-06", "total_usd": 1200, "fees_usd": 4, "count": 2},
        ],
        "mtd_total_usd": 1200,
        "ytd_total_usd": 1500,
        "total_fees_usd": 23,
        "pending_usd": 1200,
    }


def test_the_summary_of_nothing_is_zero(client_api):
    assert client_api.get("/api/payments/summary").json() == {
        "monthly_totals": [],
        "mtd_total_usd": 0,
        "ytd_total_usd": 0,
        "total_fees_usd": 0,
        "pending_usd": 0,
    }


def test_amounts_and_attention_are_absent_for_those_who_may_not_see_costs(client_api, order):
    payment = pay(client_api, po_id=order.pk).json()
    viewer = api(make_user(Role.VIEWER))

    told = viewer.get(f"/api/payments/{payment['id']}").json()
    due = viewer.get("/api/payments/due").json()["results"][0]

    assert {"amount_usd", "fee_usd", "amount_received", "attention"} & told.keys() == set()
    assert told["payment_id"] == "PAY-2026-001"
    assert due["standing"] == {
        "instalments": [{"kind": "DEPOSIT", "due_on": "2026-06-15"}, {"kind": "BALANCE", "due_on": "2026-07-30"}]
    }


def test_an_unknown_payment_is_404(client_api):
    for response in (client_api.get("/api/payments/9"), change(client_api, {"id": 9}, notes="x")):
        assert refusal(response) == (404, "payment_not_found")


def test_every_payment_and_change_is_in_the_audit_log(client_api, admin, order):
    payment = pay(client_api, po_id=order.pk).json()
    change(client_api, payment, notes="wired", amount_usd=3000)

    rows = AuditLog.objects.filter(table_name="payments").order_by("id")

    assert [(row.action, row.user_id) for row in rows] == [("CREATE", admin.pk), ("UPDATE", admin.pk)]
    assert rows[0].new_values["amount_usd"] == "3000.00"
    assert (rows[1].old_values, rows[1].new_values) == ({"notes": ""}, {"notes": "wired"})


# The page of the order


def test_the_page_of_an_order_tells_what_may_happen_next(client_api):
    order = make_order(orders.Line(make_product(price="1.00").pk, 10))

    def following():
        return client_api.get(f"/api/orders/{order.pk}").json()["next"]

    assert following() == {
        "status": "SENT", "may_change_lines": True, "may_receive": True, "may_cancel": True, "may_pay": True,
    }  # fmt: skip
    client_api.post(f"/api/orders/{order.pk}/status", {"status": "SENT"}, format="json")
    pay(client_api, po_id=order.pk, amount_usd=10)
    assert following() == {
        "status": "CONFIRMED", "may_change_lines": False, "may_receive": True, "may_cancel": True, "may_pay": False,
    }  # fmt: skip
    line = order.line_items.get()
    client_api.post(
        f"/api/orders/{order.pk}/receive", {"lines": [{"line_item_id": line.pk, "quantity": 4}]}, format="json"
    )
    assert following()["may_cancel"] is False
    page = client_api.get(f"/api/orders/{order.pk}").json()
    assert (page["quantity_ordered"], page["quantity_received"], page["quantity_open"]) == (10, 4, 6)
    assert [payment["payment_id"] for payment in page["payments"]] == ["PAY-2026-001"]


def test_what_may_happen_next_is_what_the_operations_allow(client_api):
    """The flags are held to the operations: where one says no, the operation refuses, and where yes, it does not."""
    for stage, cancelled in [(Stage.DRAFT, False), (Stage.SENT, False), (Stage.STOCKED, False), (Stage.SENT, True)]:
        order = make_order(orders.Line(make_product(price="1.00").pk, 10), stage=stage)
        if cancelled:
            orders.cancel(
                order.pk,
                reason="",
                now=NOW,
                actor=make_user(),
            )
        line = order.line_items.get()
        allowed = client_api.get(f"/api/orders/{order.pk}").json()["next"]
        lines = {"line_items": [{"product_id": line.product_id, "quantity": 10}]}
        receipt = {"lines": [{"line_item_id": line.pk, "quantity": 1}]}
        done = {
            "may_pay": pay(client_api, po_id=order.pk, amount_usd=1),
            "may_change_lines": client_api.patch(f"/api/orders/{order.pk}", lines, format="json"),
        }
        line = order.line_items.get()
        receipt = {"lines": [{"line_item_id": line.pk, "quantity": 1}]}
        done["may_receive"] = client_api.post(f"/api/orders/{order.pk}/receive", receipt, format="json")
        assert {name: response.status_code < 300 for name, response in done.items()} == {
            name: allowed[name] for name in done
        }, (stage, cancelled)
