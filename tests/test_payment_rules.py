"""Rules of payments and of where they go that nothing else holds: what is due, what is refused, whom Wise knows."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from accounts.models import AuditLog
from accounts.rights import Role
from inventory.models import SupplierBankAccount
from inventory.services import suppliers
from purchasing import terms
from purchasing.models import Payment
from purchasing.services import orders
from purchasing.workflow import ORDER, Stage
from tests.conftest import api
from tests.factories import TODAY, make_order, make_product, make_supplier, make_user
from tests.fake_wise import AfterWork, Drop, Status

NOON = "2026-06-15T05:00Z"
NOW = datetime(2026, 6, 15, 5, tzinfo=UTC)
NUMBER = "6222021234567890"
ACCOUNT = {"holder": "Bright Blocks Co.", "bank_name": "Bank of Guangdong", "account_number": NUMBER}
SWIFT = {
    "legalType": "BUSINESS",
    "swiftCode": "BKCHCNBJ",
    "address": {"country": "CN", "city": "Shenzhen", "firstLine": "1 Factory Road", "postCode": "518000"},
}


@pytest.fixture(autouse=True)
def _noon(time_machine):
    time_machine.move_to(NOON, tick=False)


@pytest.fixture
def order(db):
    """100 kits at 100.00 USD: 10,000.00 in all, ordered on 15 June."""
    return make_order(orders.Line(make_product(price="100.00").pk, 100), stage=Stage.CONFIRMED)


@pytest.fixture
def account(admin, order):
    return suppliers.add_bank_account(order.supplier_id, **ACCOUNT, actor=admin)


def pay(client, **body):
    return client.post("/api/payments", body, format="json")


def change(client, payment, **body):
    return client.patch(f"/api/payments/{payment['id']}", body, format="json")


def standing(client, order):
    return client.get(f"/api/orders/{order.pk}").json()["standing"]


def following(client, order):
    return client.get(f"/api/orders/{order.pk}").json()["next"]


def now_is(row):
    row.refresh_from_db()
    return row


def refusal(response):
    return response.status_code, response.json()["code"]


# What is due


def test_of_an_order_paid_too_much_no_instalment_is_open_by_less_than_nothing(client_api, order):
    pay(client_api, po_id=order.pk, amount_usd=10500, kind="OTHER", confirm_overpayment=True)

    told = standing(client_api, order)

    assert [part["open_usd"] for part in told["instalments"]] == [0, 0]
    assert (told["open_usd"], told["overpaid_usd"]) == (0, 500)


def test_of_a_cancelled_order_what_is_on_its_way_is_still_told(client_api, order):
    pay(client_api, po_id=order.pk, amount_usd=2000, status="PROCESSING")
    client_api.post(f"/api/orders/{order.pk}/cancel", {}, format="json")

    told = standing(client_api, order)

    assert (told["in_transfer_usd"], told["paid_usd"], told["open_usd"], told["overpaid_usd"]) == (2000, 0, 0, 0)


def test_the_day_that_is_due_next_is_that_of_the_first_open_instalment():
    told = terms.standing(
        total_usd=Decimal(1000), deposit_percent=Decimal(30), ordered_on=TODAY, ready_on=None, lead_time_days=45,
        paid_usd=Decimal(300), in_transfer_usd=Decimal(0), is_cancelled=False,
    )  # fmt: skip

    assert told.next_due == told.instalments[1]
    assert (told.next_due.kind, told.next_due.open_usd) == ("BALANCE", Decimal(700))


def test_a_kind_that_is_asked_for_takes_what_is_open_of_that_kind(client_api, order):
    balance = pay(client_api, po_id=order.pk, kind="BALANCE").json()
    pay(client_api, po_id=order.pk, kind="DEPOSIT")

    assert (balance["kind"], balance["amount_usd"]) == ("BALANCE", 7000)
    again = pay(client_api, po_id=order.pk, kind="DEPOSIT")
    assert refusal(again) == (400, "nothing_due")
    assert "deposit" in again.json()["detail"]


def test_a_payment_on_its_way_leaves_what_is_due_like_one_that_has_arrived(client_api, order):
    other = make_order(orders.Line(make_product(price="10.00").pk, 5), stage=Stage.SENT)
    pay(client_api, po_id=order.pk, amount_usd=10000, kind="OTHER", status="PROCESSING")

    rows = client_api.get("/api/payments/due").json()["results"]

    assert [(row["po_id"], row["standing"]["open_usd"]) for row in rows] == [(other.pk, 50)]


def test_what_is_due_of_an_order_counts_its_own_payments_only(client_api, order):
    other = make_order(orders.Line(make_product(price="10.00").pk, 5), stage=Stage.SENT)
    pay(client_api, po_id=order.pk, amount_usd=4000, kind="OTHER")
    pay(client_api, po_id=other.pk, amount_usd=20, kind="OTHER")
    pay(client_api, supplier_id=order.supplier_id, amount_usd=700)

    rows = client_api.get("/api/payments/due").json()["results"]

    assert [row["standing"]["in_transfer_usd"] for row in rows] == [4000, 20]


def test_money_that_is_being_processed_counts_against_the_total(client_api, order):
    pay(client_api, po_id=order.pk, amount_usd=9000, kind="OTHER", status="PROCESSING")

    assert refusal(pay(client_api, po_id=order.pk, amount_usd=1001, kind="OTHER")) == (400, "over_payment")
    assert standing(client_api, order)["in_transfer_usd"] == 9000
    assert Payment.objects.count() == 1


# Never too much by accident


def test_a_payment_that_failed_is_recorded_whatever_the_order_comes_to(client_api, order):
    pay(client_api, po_id=order.pk, amount_usd=9000, kind="OTHER")

    failed = pay(client_api, po_id=order.pk, amount_usd=5000, kind="OTHER", status="FAILED")

    assert failed.status_code == 201
    assert standing(client_api, order)["open_usd"] == 1000


def test_of_an_order_paid_too_much_everything_but_the_amounts_still_changes(client_api, order):
    payment = pay(client_api, po_id=order.pk, amount_usd=10500, kind="OTHER", confirm_overpayment=True).json()

    assert change(client_api, payment, notes="wired", status="DELIVERED").status_code == 200
    assert Payment.objects.get().notes == "wired"


def test_a_payment_is_raised_beyond_the_total_once_that_is_confirmed(client_api, order):
    payment = pay(client_api, po_id=order.pk, amount_usd=9000, kind="OTHER").json()

    changed = change(client_api, payment, amount_usd=10500, confirm_overpayment=True)

    assert (changed.status_code, changed.json()["amount_usd"]) == (200, 10500)


def test_a_payment_does_not_stand_in_its_own_way(client_api, order):
    payment = pay(client_api, po_id=order.pk, amount_usd=6000, kind="OTHER").json()

    assert change(client_api, payment, amount_usd=10000).status_code == 200
    assert refusal(change(client_api, payment, amount_usd="10000.01")) == (400, "over_payment")
    assert Payment.objects.get().amount_usd == Decimal("10000.00")


def test_no_payment_of_a_cancelled_order_is_raised(client_api, order):
    payment = pay(client_api, po_id=order.pk, amount_usd=1000, kind="OTHER").json()
    client_api.post(f"/api/orders/{order.pk}/cancel", {}, format="json")

    raised = change(client_api, payment, amount_usd=1001)

    assert refusal(raised) == (400, "over_payment")
    assert raised.json()["context"]["total_usd"] == 0
    assert Payment.objects.get().amount_usd == Decimal("1000.00")


@pytest.mark.parametrize("before", ["PROCESSING", "DELIVERED"])
def test_a_payment_that_was_out_and_is_pending_again_calls_for_attention(client_api, order, before):
    payment = pay(client_api, po_id=order.pk, status=before).json()

    told = change(client_api, payment, status="PENDING").json()

    assert told["attention"] == f"This payment was {before} before. Make sure that it is not paid twice."


def test_a_failed_payment_that_is_pending_again_calls_for_nothing(client_api, order):
    payment = pay(client_api, po_id=order.pk, status="FAILED").json()

    assert change(client_api, payment, status="PENDING").json()["attention"] == ""


# By hand, without a key


def test_without_a_key_a_transfer_is_linked_with_its_status_and_nobody_is_asked(
    client_api, order, django_capture_on_commit_callbacks
):
    fields = {"wise_transfer_id": "49983981", "status": "DELIVERED", "amount_received": 3000}

    with django_capture_on_commit_callbacks() as jobs:
        made = pay(client_api, po_id=order.pk, **fields)

    assert (made.status_code, made.json()["status"], made.json()["amount_received"]) == (201, "DELIVERED", 3000)
    assert jobs == []


@pytest.mark.abuse("INP-01")
@pytest.mark.parametrize(
    ("field", "value"),
    [("fee_usd", -1), ("fee_usd", "0.001"), ("amount_received", -1), ("currency_received", "u$d"), ("status", "LOST")],
)
def test_a_fact_that_makes_no_sense_is_refused_and_nothing_is_written(client_api, order, field, value):
    payment = pay(client_api, po_id=order.pk).json()

    response = change(client_api, payment, **{field: value, "notes": "x"})

    assert (response.status_code, list(response.json()["errors"])) == (400, [field])
    assert Payment.objects.get().notes == ""


@pytest.mark.abuse("INP-09")
def test_notes_are_cleaned_on_their_way_in(client_api, order):
    assert pay(client_api, po_id=order.pk, notes="<script>x</script>ok").json()["notes"] == "xok"


def test_payments_that_call_for_nothing_are_listed_alone(client_api, order):
    quiet, loud = (pay(client_api, po_id=order.pk).json() for _ in range(2))
    Payment.objects.filter(pk=loud["id"]).update(attention="The bank sent the money back.")

    rows = client_api.get("/api/payments?needs_attention=false").json()["results"]

    assert [row["id"] for row in rows] == [quiet["id"]]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.SYNC])
def test_who_may_not_change_payments_is_refused_and_nothing_changes(client_api, order, role):
    payment = pay(client_api, po_id=order.pk).json()
    client = api(make_user(role))

    answers = [
        pay(client, po_id=order.pk),
        change(client, payment, notes="x"),
        client.put(f"/api/payments/{payment['id']}"),
    ]

    assert [answer.status_code for answer in answers] == [403] * 3
    assert [row.notes for row in Payment.objects.all()] == [""]


# The page of the order


def receive(client, order, quantity):
    body = {"lines": [{"line_item_id": order.line_items.get().pk, "quantity": quantity}]}
    assert client.post(f"/api/orders/{order.pk}/receive", body, format="json").status_code == 200


def test_a_draft_of_which_goods_came_keeps_its_lines(client_api):
    order = make_order(orders.Line(make_product(price="1.00").pk, 10))
    receive(client_api, order, 1)

    told = following(client_api, order)

    assert (told["may_change_lines"], told["may_cancel"], told["may_receive"]) == (False, False, True)


def test_once_all_has_come_nothing_more_can_be_received(client_api, order):
    receive(client_api, order, 100)

    assert following(client_api, order)["may_receive"] is False


def test_an_order_stocked_short_can_neither_be_received_nor_cancelled(client_api, order):
    receive(client_api, order, 60)
    for stage in ORDER[ORDER.index(Stage.CONFIRMED) + 1 :]:
        client_api.post(f"/api/orders/{order.pk}/status", {"status": stage}, format="json")

    page = client_api.get(f"/api/orders/{order.pk}").json()

    assert (page["status"], page["quantity_received"], page["quantity_open"]) == ("STOCKED", 60, 0)
    assert (page["next"]["may_receive"], page["next"]["may_cancel"]) == (False, False)


def test_an_order_stocked_without_goods_is_not_cancelled(client_api):
    order = make_order(stage=Stage.STOCKED)

    assert following(client_api, order)["may_cancel"] is False
    assert client_api.post(f"/api/orders/{order.pk}/cancel", {}, format="json").status_code == 400


def test_of_a_cancelled_draft_nothing_may_happen(client_api):
    order = make_order(orders.Line(make_product(price="1.00").pk, 10))
    client_api.post(f"/api/orders/{order.pk}/cancel", {}, format="json")

    page = client_api.get(f"/api/orders/{order.pk}").json()

    assert page["quantity_open"] == 0
    assert page["next"] == {
        "status": None, "may_change_lines": False, "may_receive": False, "may_cancel": False, "may_pay": False,
    }  # fmt: skip


# Bank accounts


def bank(client, account, supplier_id=None, **body):
    url = f"/api/suppliers/{supplier_id or account.supplier_id}/bank-accounts/{account.pk}"
    return client.patch(url, body, format="json")


def last_audit_row():
    return AuditLog.objects.order_by("-pk").first()


@pytest.mark.abuse("DATA-06")
def test_who_changes_where_a_supplier_is_paid_is_told_in_both_logs(client_api, admin, account, told):
    told()

    response = bank(client_api, account, swift="BKCHCNBJ", currency="USD", wise_recipient_id="4711")

    assert (response.status_code, response.json()["account_number"]) == (200, "•••• 7890")
    (line,) = told()
    assert (line["event"], line["user_id"]) == ("bank_account_changed", admin.pk)
    assert (line["account"], line["supplier"]) == (account.pk, account.supplier_id)
    assert line["fields"] == "swift, wise_recipient_id"
    row = last_audit_row()
    assert (row.table_name, row.record_id, row.user_id) == ("supplier_bank_accounts", account.pk, admin.pk)
    assert row.old_values == {"swift": "", "wise_recipient_id": ""}
    assert row.new_values == {"swift": "BKCHCNBJ", "wise_recipient_id": "4711"}


def test_a_change_of_a_bank_account_that_changes_nothing_is_told_nowhere(client_api, account, told):
    before, count = SupplierBankAccount.objects.values().get(), AuditLog.objects.count()
    told()

    assert bank(client_api, account, holder=ACCOUNT["holder"], currency="USD", swift="").status_code == 200

    assert SupplierBankAccount.objects.values().get() == before
    assert (AuditLog.objects.count(), told()) == (count, [])


def test_another_number_is_another_account(client_api, account):
    assert bank(client_api, account, account_number="9999888877776666", holder="H").status_code == 200

    account.refresh_from_db()
    assert (account.holder, account.account_last4) == ("H", "7890")
    assert account.reveal_account_number() == NUMBER


@pytest.mark.abuse("INP-01")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("swift", "EXAM"),
        ("currency", "usd"),
        ("currency", "US"),
        ("holder", ""),
        ("bank_name", "<i></i>"),
        ("wise_recipient_id", "0"),
        ("wise_recipient_id", "-7"),
        ("wise_recipient_id", "12a"),
        ("wise_recipient_id", "1" * 19),
        ("wise_recipient_id", None),
    ],
)
def test_a_field_of_a_bank_account_that_makes_no_sense_is_named_and_nothing_is_written(
    client_api, account, told, field, value
):
    before = SupplierBankAccount.objects.values().get()
    told()

    response = bank(client_api, account, **{field: value})

    assert (response.status_code, list(response.json()["errors"])) == (400, [field])
    assert SupplierBankAccount.objects.values().get() == before
    assert told() == []


@pytest.mark.abuse("AUTHZ-02")
def test_a_bank_account_is_changed_through_its_own_supplier_only(client_api, account, told):
    other = make_supplier()
    told()

    response = bank(client_api, account, other.pk, wise_recipient_id="4711")

    assert refusal(response) == (404, "bank_account_not_found")
    account.refresh_from_db()
    assert (account.wise_recipient_id, told()) == ("", [])


@pytest.mark.abuse("DATA-06")
@pytest.mark.parametrize("role", [Role.BUYER, Role.SYNC, Role.VIEWER])
def test_who_may_pay_may_not_say_where_to(account, role):
    response = bank(api(make_user(role)), account, wise_recipient_id="4711")

    assert response.status_code == 403
    account.refresh_from_db()
    assert account.wise_recipient_id == ""


# Bank accounts that Wise knows


def recipient_url(account, supplier_id=None):
    return f"/api/suppliers/{supplier_id or account.supplier_id}/bank-accounts/{account.pk}/wise-recipient"


def make_recipient(client, account, supplier_id=None, **body):
    body = {"type": "swift_code", "details": SWIFT, **body}
    return client.post(recipient_url(account, supplier_id), body, format="json")


def test_what_wise_wants_to_know_of_an_account_is_asked_there_for_its_currency(client_api, account, admin, fake_wise):
    suppliers.change_bank_account(account.supplier_id, account.pk, currency="GBP", actor=admin)

    answer = client_api.get(recipient_url(account))

    assert answer.status_code == 200
    (form,) = answer.json()["requirements"]
    assert form["type"] == "sort_code"
    assert [field["group"][0]["key"] for field in form["fields"]][-2:] == ["sortCode", "accountNumber"]
    (quote,) = fake_wise.quotes.values()
    assert (quote["targetCurrency"], quote["profile"]) == ("GBP", fake_wise.profile_id)
    assert (fake_wise.recipients, now_is(account).wise_recipient_id) == ({}, "")
    assert NUMBER not in answer.content.decode()


@pytest.mark.abuse("DATA-06")
def test_an_account_becomes_a_recipient_with_the_holder_and_the_number_that_godown_knows(
    client_api, admin, account, fake_wise, told
):
    told()

    answer = make_recipient(client_api, account)

    (recipient,) = fake_wise.recipients.values()
    assert (recipient["name"]["fullName"], recipient["details"]["accountNumber"]) == ("Bright Blocks Co.", NUMBER)
    assert (recipient["currency"], recipient["profileId"]) == ("USD", fake_wise.profile_id)
    assert (answer.status_code, answer.json()["wise_recipient_id"]) == (201, str(recipient["id"]))
    assert answer.json()["account_number"] == "•••• 7890"
    assert NUMBER not in answer.content.decode()
    assert now_is(account).wise_recipient_id == str(recipient["id"])
    (line,) = told()
    assert (line["event"], line["fields"]) == ("bank_account_changed", "wise_recipient_id")
    row = AuditLog.objects.order_by("-pk").first()
    assert (row.table_name, row.user_id) == ("supplier_bank_accounts", admin.pk)
    assert row.new_values == {"wise_recipient_id": str(recipient["id"])}


def test_an_account_in_another_currency_becomes_a_recipient_in_it(client_api, admin, account, fake_wise):
    suppliers.change_bank_account(account.supplier_id, account.pk, currency="GBP", actor=admin)
    details = {"legalType": "BUSINESS", "sortCode": "23-14-70"}

    answer = make_recipient(client_api, account, type="sort_code", details=details)

    assert refusal(answer) == (400, "refused_by_wise")  # of the number, which is no British one
    assert json.loads(fake_wise.requests[-1].body)["currency"] == "GBP"
    assert now_is(account).wise_recipient_id == ""


@pytest.mark.abuse("DATA-06")
def test_a_number_that_is_sent_along_never_becomes_the_recipients(client_api, account, fake_wise):
    details = {**SWIFT, "accountNumber": "9999888877776666"}

    assert make_recipient(client_api, account, details=details).status_code == 201

    (recipient,) = fake_wise.recipients.values()
    assert recipient["details"]["accountNumber"] == NUMBER


def test_an_account_that_wise_knows_is_not_made_known_again(client_api, admin, account, fake_wise):
    before = "4711"
    suppliers.change_bank_account(account.supplier_id, account.pk, wise_recipient_id=before, actor=admin)

    answer = make_recipient(client_api, account)

    assert refusal(answer) == (400, "recipient_known")
    assert before in answer.json()["detail"]
    assert (now_is(account).wise_recipient_id, fake_wise.requests) == (before, [])


def test_what_wise_says_no_to_is_told_and_nothing_is_stored(client_api, account, fake_wise, told):
    told()

    answer = make_recipient(client_api, account, details={**SWIFT, "swiftCode": "odd"})

    assert refusal(answer) == (400, "refused_by_wise")
    assert "SWIFT / BIC code is not valid." in answer.json()["detail"]
    assert NUMBER not in answer.content.decode()
    assert (now_is(account).wise_recipient_id, told()) == ("", [])


@pytest.mark.parametrize("broken", [Drop, AfterWork(Drop), Status(503), Status(429, retry_after=60)])
def test_a_wise_that_is_down_makes_503_is_asked_once_and_nothing_is_stored(client_api, account, fake_wise, broken):
    fake_wise.fault("POST", "/v1/accounts", broken)

    answer = make_recipient(client_api, account)

    assert answer.status_code == 503
    assert [call.path for call in fake_wise.requests] == ["/v1/accounts"]
    assert now_is(account).wise_recipient_id == ""


def test_a_wise_that_is_down_tells_no_requirements_and_nobody_waits_for_repetitions(client_api, account, fake_wise):
    fake_wise.fault("POST", "/v3/profiles/{profile}/quotes", *[Status(503)] * 3)

    assert client_api.get(recipient_url(account)).status_code == 503
    assert len(fake_wise.requests) == 1


def test_without_a_key_wise_is_asked_nothing_and_the_answer_says_why(client_api, account, fake_wise, settings):
    settings.WISE_API_KEY = ""

    answers = [client_api.get(recipient_url(account)), make_recipient(client_api, account)]

    assert [refusal(answer) for answer in answers] == [(400, "wise_not_connected")] * 2
    assert fake_wise.requests == []


@pytest.mark.abuse("AUTHZ-02")
def test_an_account_is_made_known_through_its_own_supplier_only(client_api, account, fake_wise):
    other = make_supplier().pk

    answers = [
        client_api.get(recipient_url(account, other)), make_recipient(client_api, account, other)
    ]  # fmt: skip

    assert [refusal(answer) for answer in answers] == [(404, "bank_account_not_found")] * 2
    assert (fake_wise.requests, now_is(account).wise_recipient_id) == ([], "")


@pytest.mark.abuse("DATA-06")
@pytest.mark.parametrize("role", [Role.BUYER, Role.SYNC, Role.VIEWER])
def test_who_may_not_change_bank_details_makes_no_recipient(account, fake_wise, role):
    client = api(make_user(role))

    assert client.get(recipient_url(account)).status_code == 403
    assert make_recipient(client, account).status_code == 403
    assert fake_wise.requests == []


@pytest.mark.abuse("INP-01")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("type", ""),
        ("type", "SWIFT"),
        ("type", "a b"),
        ("type", "x" * 41),
        ("details", "x"),
        ("details", {"a": 1}),
        ("details", {"a": None}),
        ("details", {"a": ["x"]}),
        ("details", {"a": {"b": {"c": "x"}}}),
        ("details", {"a": "x" * 201}),
        ("details", {"x" * 201: "a"}),
        ("details", {str(number): "a" for number in range(41)}),
        ("details", {"a": {str(number): "a" for number in range(41)}}),
    ],
)
def test_details_that_make_no_sense_are_refused_and_wise_hears_nothing(client_api, account, fake_wise, field, value):
    answer = make_recipient(client_api, account, **{field: value})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert fake_wise.requests == []
