"""Rules of money through Wise that nothing else holds: asked for, carried out, followed, told by webhook."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from uuid import uuid4

import pytest
from celery.schedules import crontab
from django.test import Client

from accounts import rights
from accounts.rights import Right, Role
from config.celery import app
from inventory.services import suppliers
from purchasing import admin as office
from purchasing import tasks, wise, wise_connection
from purchasing.errors import OrderCancelled, PaymentAtWise
from purchasing.models import Payment, WiseEvent
from purchasing.selectors import payments as selectors
from purchasing.services import orders, payments, tracking, transfers, wise_inbox
from purchasing.workflow import Stage
from tests.browser import signed_in
from tests.conftest import api
from tests.factories import TODAY, make_order, make_product, make_supplier, make_user
from tests.fake_wise import AfterWork, Drop, Status

NOON = "2026-06-15T05:00Z"
NOW = datetime(2026, 6, 15, 5, tzinfo=UTC)
CREATING = ("POST", "/v1/transfers")
READING = ("GET", "/v1/transfers/{id}")
ESTIMATING = ("GET", "/v1/delivery-estimates/{id}")
NUMBER = "6222021234567890"


@pytest.fixture(autouse=True)
def _noon(time_machine):
    time_machine.move_to(NOON, tick=False)


@pytest.fixture
def order(db):
    """100 kits at 100.00 USD: a deposit of 3,000.00."""
    return make_order(orders.Line(make_product(price="100.00").pk, 100), stage=Stage.CONFIRMED)


@pytest.fixture
def unknown_account(admin, order):
    """The supplier's bank account, of which Wise knows nothing yet."""
    fields = {"holder": "Bright Blocks", "bank_name": "Bank of China", "account_number": NUMBER}
    return suppliers.add_bank_account(order.supplier_id, **fields, actor=admin)


@pytest.fixture
def account(admin, unknown_account, fake_wise):
    """The same, known to Wise."""
    recipient = str(fake_wise.add_recipient())
    return suppliers.change_bank_account(
        unknown_account.supplier_id, unknown_account.pk, wise_recipient_id=recipient, actor=admin
    )


@pytest.fixture
def payment(admin, order, account):
    return payments.create(order_id=order.pk, bank_account_id=account.pk, today=TODAY, now=NOW, actor=admin)


@pytest.fixture
def created(payment, admin):
    request_transfer(payment, admin)
    transfers.carry_out(payment.pk, now=NOW)
    return now_is(payment)


@pytest.fixture
def transfer(fake_wise):
    return fake_wise.add_transfer()


@pytest.fixture
def linked(admin, transfer):
    return link(admin, transfer)


def link(admin, transfer_id, amount="3000.00", **fields):
    fields = {"supplier_id": make_supplier().pk, "amount_usd": Decimal(amount), **fields}
    return payments.create(wise_transfer_id=str(transfer_id), **fields, today=TODAY, now=NOW, actor=admin)


def request_transfer(payment, actor):
    return transfers.request_transfer(payment.pk, transaction_id=uuid4(), now=NOW, actor=actor)


def now_is(row):
    row.refresh_from_db()
    return row


def asked(fake, method, ending):
    return [call for call in fake.requests if call.method == method and call.path.endswith(ending)]


def refusal(response):
    return response.status_code, response.json()["code"]


def refused(call):
    with pytest.raises(transfers.TransferNotPossible) as error:
        call()
    return error.value.message


# What may be asked for


@pytest.mark.abuse("CON-04")
def test_a_payment_that_follows_a_transfer_gets_no_second_one(client_api, admin, account, transfer, fake_wise):
    linked = link(admin, transfer, supplier_id=account.supplier_id, bank_account_id=account.pk)

    answer = client_api.post(f"/api/payments/{linked.pk}/wise-transfer")

    assert refusal(answer) == (400, "transfer_not_possible")
    assert "has a transfer at Wise already" in answer.json()["detail"]
    assert (now_is(linked).wise_task, linked.customer_transaction_id) == ("", None)
    assert (list(fake_wise.transfers), fake_wise.requests) == ([transfer], [])


def test_a_payment_without_a_bank_account_is_not_sent(admin, order, fake_wise):
    payment = payments.create(order_id=order.pk, today=TODAY, now=NOW, actor=admin)

    assert "wise_recipient_id" in refused(lambda: request_transfer(payment, admin))
    assert (now_is(payment).wise_task, fake_wise.requests) == ("", [])


def test_nothing_is_sent_for_a_cancelled_order(payment, admin, order, fake_wise):
    orders.cancel(order.pk, reason="", now=NOW, actor=admin)

    with pytest.raises(OrderCancelled):
        request_transfer(payment, admin)

    assert (now_is(payment).wise_task, payment.customer_transaction_id) == ("", None)


def test_a_transfer_beyond_the_total_is_funded_once_that_is_confirmed(client_api, created, order, fake_wise):
    extra = {"po_id": order.pk, "amount_usd": 7001, "kind": "OTHER", "confirm_overpayment": True}
    client_api.post("/api/payments", extra, format="json")
    path = f"/api/payments/{created.pk}/wise-funding"

    assert refusal(client_api.post(path)) == (400, "over_payment")
    assert now_is(created).wise_task == ""
    assert client_api.post(path, {"confirm_overpayment": True}, format="json").status_code == 202


def test_what_calls_for_attention_is_seen_to_before_money_moves(client_api, created, admin, fake_wise):
    Payment.objects.update(attention="The transfer pays out too much.")

    told = refused(lambda: transfers.request_funding(created.pk, now=NOW, actor=admin))

    assert told.endswith("put it aside: The transfer pays out too much.")
    assert now_is(created).wise_task == ""


def test_a_transfer_that_has_ended_is_not_cancelled_again(created, admin, fake_wise):
    fake_wise.move(int(created.wise_transfer_id), "funds_refunded")
    tracking.read(created.pk, now=NOW)

    told = refused(lambda: transfers.request_cancellation(created.pk, now=NOW, actor=admin))

    assert (told, now_is(created).wise_task) == ("PAY-2026-001: its transfer has ended already.", "")


def test_a_cancellation_is_asked_for_once(created, admin, fake_wise):
    transfers.request_cancellation(created.pk, now=NOW, actor=admin)

    told = refused(lambda: transfers.request_cancellation(created.pk, now=NOW, actor=admin))

    assert "wait for the answer" in told
    assert fake_wise.transfers[int(created.wise_transfer_id)]["status"] == "incoming_payment_waiting"


@pytest.mark.parametrize(
    "change", [{"amount_usd": Decimal(1)}, {"bank_account_id": None}, {"wise_transfer_id": ""}, {"status": "FAILED"}]
)
def test_what_a_transfer_was_made_of_is_not_changed_afterwards(created, admin, change):
    with pytest.raises(PaymentAtWise, match=next(iter(change))):
        payments.update(created.pk, **change, actor=admin)

    assert (now_is(created).amount_usd, created.status) == (Decimal("3000.00"), "PENDING")
    assert (created.bank_account_id is None, created.wise_transfer_id == "") == (False, False)


def test_a_transfer_that_was_asked_for_is_withdrawn_before_wise_hears_of_it(client_api, payment, fake_wise, told):
    client_api.post(f"/api/payments/{payment.pk}/wise-transfer")
    told()

    assert client_api.delete(f"/api/payments/{payment.pk}/wise-transfer").status_code == 202

    assert (now_is(payment).wise_task, payment.attention) == ("", "")
    assert transfers.carry_out(payment.pk, now=NOW) is False
    assert (fake_wise.transfers, fake_wise.requests) == ({}, [])
    assert [(line["event"], line["payment"]) for line in told()] == [("money_not_asked_to_move", "PAY-2026-001")]


def test_who_withdraws_after_a_lost_answer_is_told_that_there_may_be_a_transfer(payment, admin, fake_wise):
    request_transfer(payment, admin)
    fake_wise.fault(*CREATING, *[AfterWork(Drop)] * 3)
    with pytest.raises(wise.Unreachable):
        transfers.carry_out(payment.pk, now=NOW)

    transfers.request_cancellation(payment.pk, now=NOW, actor=admin)

    assert (now_is(payment).wise_task, payment.attention) == ("", transfers.UNHEARD)
    assert len(fake_wise.transfers) == 1


def test_a_payment_without_transfer_is_neither_funded_nor_cancelled_nor_read(client_api, payment, fake_wise):
    path = f"/api/payments/{payment.pk}"

    answers = [
        client_api.post(f"{path}/wise-funding"), client_api.delete(f"{path}/wise-transfer"),
        client_api.post(f"{path}/sync-wise"),
    ]  # fmt: skip

    assert [refusal(answer) for answer in answers] == [(400, "not_at_wise")] * 3
    assert (now_is(payment).wise_task, payment.sync_error, fake_wise.requests) == ("", "", [])


def test_the_security_log_tells_who_asked_for_money_to_move(client_api, admin, payment, told):
    told()

    client_api.post(f"/api/payments/{payment.pk}/wise-transfer")

    (line,) = told()
    assert (line["event"], line["payment"], line["task"]) == ("money_asked_to_move", "PAY-2026-001", "CREATE")
    assert line["user_id"] == admin.pk


def test_a_payment_is_dated_when_its_transfer_was_asked_for(payment, admin, fake_wise):
    later = NOW + timedelta(days=3)

    transfers.request_transfer(payment.pk, transaction_id=uuid4(), now=later, actor=admin)

    assert now_is(payment).initiated_at == later


@pytest.mark.abuse("CON-04", "INT-10")
@pytest.mark.parametrize("address", ["wise-transfer", "wise-funding"])
def test_money_asked_for_again_with_the_same_key_gets_the_first_answer(client_api, payment, fake_wise, address):
    path = f"/api/payments/{payment.pk}"
    if address == "wise-funding":
        client_api.post(f"{path}/wise-transfer")
        tasks.move_money(payment.pk)

    first, second = (client_api.post(f"{path}/{address}", HTTP_IDEMPOTENCY_KEY="k") for _ in range(2))
    tasks.move_money(payment.pk)
    third = client_api.post(f"{path}/{address}", HTTP_IDEMPOTENCY_KEY="k")

    assert [answer.status_code for answer in (first, second, third)] == [202] * 3
    assert first.content == second.content == third.content
    assert third["Idempotent-Replayed"] == "true"
    assert now_is(payment).wise_task == ""
    assert len(asked(fake_wise, "POST", "/payments")) == (1 if address == "wise-funding" else 0)
    assert len(fake_wise.transfers) == 1


def test_a_buyer_asks_wise_and_a_viewer_does_not(linked, fake_wise):
    path = f"/api/payments/{linked.pk}/sync-wise"
    buyer, viewer = api(make_user(Role.BUYER)), api(make_user(Role.VIEWER))

    assert (viewer.get(path).status_code, viewer.post(path).status_code) == (200, 403)
    assert fake_wise.requests == []
    assert buyer.post(path).status_code == 200


# Carrying it out


def test_a_key_taken_away_meanwhile_leaves_the_task_for_when_it_is_back(payment, admin, fake_wise, settings):
    request_transfer(payment, admin)
    settings.WISE_API_KEY = ""

    assert transfers.carry_out(payment.pk, now=NOW) is True

    assert (now_is(payment).wise_task, payment.wise_task_claimed_at, payment.attention) == ("CREATE", None, "")
    assert "WISE_API_KEY" in payment.sync_error
    settings.WISE_API_KEY = fake_wise.key
    transfers.carry_out(payment.pk, now=NOW)
    assert now_is(payment).wise_transfer_id == str(next(iter(fake_wise.transfers)))


def test_the_transfer_of_a_cancelled_order_is_still_cancelled_at_wise(created, admin, order, fake_wise):
    orders.cancel(order.pk, reason="", now=NOW, actor=admin)

    transfers.request_cancellation(created.pk, now=NOW, actor=admin)
    transfers.carry_out(created.pk, now=NOW)

    assert fake_wise.transfers[int(created.wise_transfer_id)]["status"] == "cancelled"
    assert (now_is(created).status, created.attention) == ("FAILED", "")


@pytest.mark.parametrize("task", ["CREATE", "FUND", "CANCEL"])
def test_an_order_is_not_cancelled_while_its_money_is_being_moved(client_api, payment, order, fake_wise, task):
    Payment.objects.update(wise_task=task)

    answer = client_api.post(f"/api/orders/{order.pk}/cancel", {}, format="json")

    assert refusal(answer) == (400, "money_moving")
    assert now_is(order).cancelled_at is None


def test_a_balance_that_wise_does_not_take_makes_no_transfer(payment, admin, fake_wise):
    fake_wise.disabled_pay_ins = {**fake_wise.disabled_pay_ins, "BALANCE": "payInmethod.disabled"}
    request_transfer(payment, admin)

    transfers.carry_out(payment.pk, now=NOW)

    assert fake_wise.transfers == {}
    assert (now_is(payment).wise_task, payment.attention) == (
        "",
        "The quote of Wise cannot be used: BALANCE is not available.",
    )


def test_a_quote_that_cannot_be_paid_from_the_balance_makes_no_transfer(payment, admin, fake_wise, monkeypatch):
    monkeypatch.setattr(wise.Quote, "option", lambda quote, pay_in="BALANCE": None)
    request_transfer(payment, admin)

    transfers.carry_out(payment.pk, now=NOW)

    assert fake_wise.transfers == {}
    assert (
        now_is(payment).attention == "The quote of Wise cannot be used: Wise offers no payment from the balance for it."
    )


@pytest.mark.abuse("INT-04")
@pytest.mark.parametrize("number", ["", "f29fb9ee-9c98-4a6c-b0aa-2f0b3d8c5a11"])
def test_an_answer_without_our_number_is_no_transfer_of_ours(payment, admin, fake_wise, monkeypatch, number):
    real = wise.Wise.create_transfer

    def nameless(client, **options):
        return replace(real(client, **options), customer_transaction_id=number)

    with monkeypatch.context() as patched:
        patched.setattr(wise.Wise, "create_transfer", nameless)
        request_transfer(payment, admin)
        with pytest.raises(wise.Unreachable):
            transfers.carry_out(payment.pk, now=NOW)

    assert (now_is(payment).wise_transfer_id, payment.wise_task) == ("", "CREATE")
    transfers.carry_out(payment.pk, now=NOW)
    assert [str(made) for made in fake_wise.transfers] == [now_is(payment).wise_transfer_id]


@pytest.mark.abuse("CON-10")
def test_a_transfer_made_unheard_that_is_linked_elsewhere_is_not_followed_twice(payment, admin, fake_wise):
    request_transfer(payment, admin)
    fake_wise.fault(*CREATING, *[AfterWork(Drop)] * 3)
    with pytest.raises(wise.Unreachable):
        transfers.carry_out(payment.pk, now=NOW)
    (number,) = fake_wise.transfers
    other = link(admin, number)

    transfers.carry_out(payment.pk, now=NOW)

    assert (now_is(payment).wise_transfer_id, payment.wise_task, payment.status) == ("", "", "PENDING")
    assert payment.attention == f"Wise answered with transfer {number}, which belongs to {other.payment_id}."
    assert now_is(other).wise_transfer_id == str(number)


def test_a_transfer_that_wise_calls_paid_already_is_no_failure_and_not_paid_again(created, admin, fake_wise):
    transfers.request_funding(created.pk, now=NOW, actor=admin)
    transfers.carry_out(created.pk, now=NOW)
    paid = fake_wise.balance
    fake_wise.move(int(created.wise_transfer_id), "incoming_payment_waiting")
    tracking.read(created.pk, now=NOW)

    transfers.request_funding(created.pk, now=NOW, actor=admin)
    transfers.carry_out(created.pk, now=NOW)

    assert (now_is(created).attention, created.wise_task, created.wise_task_claimed_at) == ("", "", None)
    assert fake_wise.balance == paid


def test_a_transfer_that_ended_as_cancelled_meanwhile_is_no_failure(created, admin, fake_wise):
    transfers.request_cancellation(created.pk, now=NOW, actor=admin)
    fake_wise.move(int(created.wise_transfer_id), "cancelled")

    transfers.carry_out(created.pk, now=NOW)

    assert (now_is(created).status, created.wise_task, created.wise_status) == ("FAILED", "", "cancelled")


def test_money_leaves_the_balance_that_the_settings_name(payment, admin, fake_wise, settings):
    settings.WISE_SOURCE_CURRENCY = "THB"
    request_transfer(payment, admin)

    transfers.carry_out(payment.pk, now=NOW)

    (made,) = fake_wise.transfers.values()
    assert (made["sourceCurrency"], made["targetCurrency"]) == ("THB", "USD")
    in_baht = wise_fee(fake_wise, made)
    assert 0 < now_is(payment).fee_usd < in_baht


def wise_fee(fake, made):
    quote = fake.quotes[made["quoteUuid"]]
    option = next(o for o in quote["paymentOptions"] if (o["payIn"], o["payOut"]) == ("BALANCE", quote["payOut"]))
    return Decimal(str(option["price"]["total"]["value"]["amount"]))


def test_the_fee_of_a_transfer_found_again_is_not_that_of_the_newer_quote(payment, admin, fake_wise):
    request_transfer(payment, admin)
    fake_wise.fault(*CREATING, *[AfterWork(Drop)] * 3)
    with pytest.raises(wise.Unreachable):
        transfers.carry_out(payment.pk, now=NOW)
    (made,) = fake_wise.transfers.values()
    quote = fake_wise.quotes[made["quoteUuid"]]
    for option in quote["paymentOptions"]:
        option["price"]["total"]["value"]["amount"] = 77.77
        option["fee"]["total"] = 77.77

    transfers.carry_out(payment.pk, now=NOW)

    assert now_is(payment).fee_usd == Decimal("77.77")


def test_the_job_asks_again_by_itself_when_wise_is_down(payment, admin, fake_wise):
    request_transfer(payment, admin)
    fake_wise.fault("POST", "/v3/profiles/{id}/quotes", *[Status(503)] * 3)

    tasks.move_money.apply((payment.pk,))

    assert now_is(payment).wise_transfer_id == str(next(iter(fake_wise.transfers)))


def test_the_client_is_told_path_and_patience_of_the_settings(linked, fake_wise, settings, monkeypatch):
    settings.WISE_PATH_PREFIX = "/2026Q3"
    settings.WISE_TIMEOUT_SECONDS = 2
    real, opened = wise.Wise, []
    monkeypatch.setattr(wise, "Wise", lambda **options: opened.append(options) or real(**options))

    tracking.read(linked.pk, now=NOW)
    with wise_connection.client(somebody_waits=True):
        pass

    assert {call.path.split("/")[1] for call in fake_wise.requests} == {"2026Q3"}
    assert [(options["timeout"], options["attempts"]) for options in opened] == [(2, 3), (1, 1)]


def test_the_profile_of_the_settings_pays_and_nobody_is_asked(settings):
    settings.WISE_PROFILE_ID = "4711"

    assert wise_connection.profile_of(SimpleNamespace(profiles=lambda: pytest.fail("asked"))) == 4711


def test_nobody_is_at_a_payment_of_which_nothing_was_asked(payment, created, fake_wise):
    assert transfers.unfinished(now=NOW + timedelta(days=1)) == []


def test_what_was_touched_longest_ago_is_finished_first(order, account, admin, time_machine):
    fields = {"order_id": order.pk, "bank_account_id": account.pk, "amount_usd": Decimal(5), "kind": "OTHER"}
    first, second = (payments.create(**fields, today=TODAY, now=NOW, actor=admin) for _ in range(2))
    for number, payment in enumerate((second, first)):
        time_machine.move_to(NOW + timedelta(minutes=number), tick=False)
        request_transfer(payment, admin)

    assert transfers.unfinished(now=NOW) == [second.pk, first.pk]


def test_wise_that_only_promises_to_cancel_is_not_taken_at_its_word(created, admin, fake_wise, monkeypatch):
    monkeypatch.setattr(wise.Wise, "cancel", wise.Wise.transfer)
    transfers.request_cancellation(created.pk, now=NOW, actor=admin)

    transfers.carry_out(created.pk, now=NOW)

    assert (now_is(created).status, created.attention) == ("PENDING", "Wise has not cancelled it yet.")


def test_funding_that_is_refused_says_nothing_of_another_transfer(created, admin, fake_wise):
    Payment.objects.update(sync_error="Wise did not answer.")
    transfers.request_funding(created.pk, now=NOW, actor=admin)
    fake_wise.fault(*READING, Status(401))

    transfers.carry_out(created.pk, now=NOW)

    assert (now_is(created).attention, created.wise_task) == ("Wise does not accept the key.", "")


@pytest.mark.abuse("CON-10")
@pytest.mark.parametrize("is_answered", [True, False])
def test_a_worker_that_was_away_too_long_leaves_the_task_of_another_alone(
    payment, admin, fake_wise, monkeypatch, is_answered
):
    """While it waits for Wise, the next worker makes the transfer, and a third one is at funding it."""
    request_transfer(payment, admin)
    real = wise.Wise.create_transfer

    def slow(client, **options):
        monkeypatch.setattr(wise.Wise, "create_transfer", real)
        transfers.carry_out(payment.pk, now=NOW + timedelta(minutes=11))
        transfers.request_funding(payment.pk, now=NOW, actor=admin)
        Payment.objects.update(wise_task_claimed_at=NOW + timedelta(minutes=12))
        if not is_answered:
            raise wise.Unreachable("late")
        return real(client, **options)

    monkeypatch.setattr(wise.Wise, "create_transfer", slow)
    with suppress(wise.Unreachable):
        transfers.carry_out(payment.pk, now=NOW)

    assert (now_is(payment).wise_task, payment.wise_task_claimed_at) == ("FUND", NOW + timedelta(minutes=12))
    assert len(fake_wise.transfers) == 1


# By hand and by Wise


@pytest.mark.parametrize(
    "field", [{"status": "DELIVERED"}, {"amount_received": "2987.50"}, {"currency_received": "USD"}]
)
def test_what_wise_says_of_a_linked_transfer_is_not_said_by_hand(client_api, linked, transfer, field, fake_wise):
    other = fake_wise.add_transfer()
    fields = {"supplier_id": linked.supplier_id, "amount_usd": 5, "wise_transfer_id": str(other), **field}

    answers = [
        client_api.patch(f"/api/payments/{linked.pk}", field, format="json"),
        client_api.post("/api/payments", fields, format="json"),
        client_api.patch(f"/api/payments/{linked.pk}", {"wise_transfer_id": str(other), **field}, format="json"),
    ]

    assert [refusal(answer) for answer in answers] == [(400, "payment_at_wise")] * 3
    assert next(iter(field)) in answers[0].json()["detail"]
    assert (now_is(linked).status, linked.amount_received, linked.wise_transfer_id) == ("PENDING", None, str(transfer))
    assert Payment.objects.count() == 1


def test_with_the_link_taken_away_the_status_is_set_by_hand(client_api, linked, fake_wise):
    answer = client_api.patch(
        f"/api/payments/{linked.pk}", {"wise_transfer_id": "", "status": "DELIVERED"}, format="json"
    )

    assert (answer.status_code, answer.json()["status"]) == (200, "DELIVERED")
    assert now_is(linked).wise_transfer_id == ""


def test_everything_that_wise_said_of_the_transfer_before_is_forgotten_with_the_link(linked, transfer, admin):
    told = {
        "status": "DELIVERED", "wise_status": "outgoing_payment_sent", "wise_quote_id": "q", "wise_event_at": NOW,
        "wise_state_since": NOW, "synced_at": NOW, "sync_failed_at": NOW, "sync_error": "no", "attention": "look",
        "estimated_delivery_at": NOW, "amount_received": 3000, "currency_received": "USD", "amount_refunded": 5,
        "currency_refunded": "USD",
    }  # fmt: skip
    Payment.objects.filter(pk=linked.pk).update(**told)

    payments.update(linked.pk, wise_transfer_id="", actor=admin)

    now_is(linked)
    assert {name: getattr(linked, name) for name in told} == {
        "status": "PENDING", "wise_status": "", "wise_quote_id": "", "wise_event_at": None, "wise_state_since": None,
        "synced_at": None, "sync_failed_at": None, "sync_error": "", "estimated_delivery_at": None,
        "attention": "This payment was DELIVERED before. Make sure that it is not paid twice.",
        "amount_received": None, "currency_received": "", "amount_refunded": None, "currency_refunded": "",
    }  # fmt: skip


def test_what_called_for_attention_goes_with_the_transfer_that_it_was_about(linked, admin, fake_wise):
    Payment.objects.update(attention="Wise needs information.")

    payments.update(linked.pk, wise_transfer_id=str(fake_wise.add_transfer()), actor=admin)

    assert now_is(linked).attention == ""


def test_another_transfer_is_read_as_soon_as_it_is_linked(linked, admin, fake_wise, django_capture_on_commit_callbacks):
    other = fake_wise.add_transfer(state="processing")

    with django_capture_on_commit_callbacks(execute=True):
        payments.update(linked.pk, wise_transfer_id=str(other), actor=admin)

    assert (now_is(linked).wise_status, linked.status) == ("processing", "PROCESSING")


def test_a_payment_that_changes_otherwise_is_not_read(linked, admin, fake_wise, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True) as jobs:
        payments.update(linked.pk, notes="x", actor=admin)

    assert (jobs, fake_wise.requests) == ([], [])


def test_a_queue_that_is_down_does_not_stop_the_linking(
    client_api, transfer, monkeypatch, django_capture_on_commit_callbacks
):
    def down(*args, **options):
        raise OSError("no queue")

    monkeypatch.setattr(tasks.read_transfer, "delay", down)
    body = {"supplier_id": make_supplier().pk, "amount_usd": 3000, "wise_transfer_id": str(transfer)}

    with django_capture_on_commit_callbacks(execute=True):
        assert client_api.post("/api/payments", body, format="json").status_code == 201

    tasks.sync_wise()
    assert Payment.objects.get().wise_status == "incoming_payment_waiting"


def test_a_transfer_linked_to_another_payment_is_not_linked_again(client_api, admin, linked, transfer, fake_wise):
    other = link(admin, fake_wise.add_transfer())

    answer = client_api.patch(f"/api/payments/{other.pk}", {"wise_transfer_id": str(transfer)}, format="json")

    assert refusal(answer) == (400, "transfer_taken")
    assert linked.payment_id in answer.json()["detail"]
    assert now_is(other).wise_transfer_id != str(transfer)


def test_a_refunded_payment_that_gets_another_transfer_is_held_to_the_total(client_api, admin, order, fake_wise):
    first = fake_wise.add_transfer(state="funds_refunded")
    failed = link(admin, first, "6000.00", supplier_id=order.supplier_id, order_id=order.pk)
    tracking.read(failed.pk, now=NOW)
    payments.create(order_id=order.pk, amount_usd=Decimal(6000), today=TODAY, now=NOW, actor=admin)

    answer = client_api.patch(f"/api/payments/{failed.pk}", {"wise_transfer_id": "5"}, format="json")

    assert refusal(answer) == (400, "over_payment")
    assert (now_is(failed).status, failed.wise_transfer_id) == ("FAILED", str(first))


# Following


def failing_at(fake, numbers, *faults):
    for number in numbers:
        fake.fault("GET", f"/v1/transfers/{number}", *faults)


def test_wise_is_down_only_when_it_is_silent_several_times_in_a_row(admin, fake_wise):
    numbers = [fake_wise.add_transfer(state="processing") for _ in range(6)]
    pending = [link(admin, number) for number in numbers]
    failing_at(fake_wise, numbers[0::2], *[Status(503)] * 3)

    assert tracking.read_all(now=NOW) == 3

    assert [now_is(payment).status for payment in pending] == ["PENDING", "PROCESSING"] * 3


def test_transfers_that_wise_does_not_know_are_no_sign_that_it_is_down(admin, fake_wise):
    pending = [link(admin, number) for number in (4711, 4712, 4713, fake_wise.add_transfer(state="processing"))]

    assert tracking.read_all(now=NOW) == 1

    assert now_is(pending[-1]).status == "PROCESSING"


def test_once_the_money_is_sent_nobody_asks_when_it_arrives_and_what_was_said_stays(linked, transfer, fake_wise):
    fake_wise.move(transfer, "processing")
    tracking.read(linked.pk, now=NOW)
    told = now_is(linked).estimated_delivery_at
    fake_wise.move(transfer, "outgoing_payment_sent")

    tracking.read(linked.pk, now=NOW)

    assert len([call for call in fake_wise.requests if "/delivery-estimates/" in call.path]) == 1
    assert now_is(linked).estimated_delivery_at == told > NOW


def test_an_estimate_that_wise_tells_no_more_stays(linked, transfer, fake_wise):
    fake_wise.move(transfer, "processing")
    tracking.read(linked.pk, now=NOW)
    told = now_is(linked).estimated_delivery_at
    fake_wise.fault(*ESTIMATING, Status(403))

    tracking.read(linked.pk, now=NOW)

    assert now_is(linked).estimated_delivery_at == told > NOW


def test_somebody_who_waits_has_wise_asked_one_question_and_the_day_of_arrival_stays(
    client_api, linked, transfer, fake_wise
):
    fake_wise.move(transfer, "processing")
    tracking.read(linked.pk, now=NOW)
    told, before = now_is(linked).estimated_delivery_at, len(fake_wise.requests)

    assert client_api.post(f"/api/payments/{linked.pk}/sync-wise").status_code == 200

    assert len(fake_wise.requests) == before + 1
    assert now_is(linked).estimated_delivery_at == told > NOW


@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_what_wise_will_not_say_of_fee_and_arrival_stops_nothing(linked, transfer, fake_wise, status):
    fake_wise.move(transfer, "processing")
    fake_wise.fault(*ESTIMATING, Status(status))
    fake_wise.fault("GET", "/v3/profiles/{profile}/quotes/{quote}", Status(status))

    tracking.read(linked.pk, now=NOW)

    assert (now_is(linked).status, linked.fee_usd, linked.estimated_delivery_at) == ("PROCESSING", 0, None)
    assert linked.sync_error == ""


@pytest.mark.parametrize(
    ("fee_in", "rate", "source", "expected"),
    [
        ("USD", None, "THB", "10.00"),
        ("THB", "0.0281", "THB", "0.28"),
        ("EUR", "0.0281", "THB", None),
        ("THB", None, "THB", None),
        ("THB", "1.07", "EUR", None),
    ],
)
def test_a_fee_is_told_in_dollars_or_not_at_all(fee_in, rate, source, expected):
    quote = SimpleNamespace(rate=rate and Decimal(rate), source_currency=source, target_currency="USD")
    option = SimpleNamespace(fee_currency=fee_in, fee=Decimal(10))

    found = tracking.fee_in_usd(quote, option)

    assert found == (None if expected is None else Decimal(expected))


def test_what_arrived_is_what_wise_paid_out_and_not_what_was_meant(admin, fake_wise):
    linked = link(admin, fake_wise.add_transfer(target_value="2900.00", state="outgoing_payment_sent"))

    tracking.read(linked.pk, now=NOW)

    assert (now_is(linked).amount_received, linked.amount_usd) == (Decimal("2900.00"), Decimal("3000.00"))


def due_to_be_read(now):
    return selectors.to_read(
        now=now, sent_since=now - tracking.READ_AGAIN_FOR, read_before=now - tracking.READ_SENT_EVERY
    )


def test_a_transfer_that_was_charged_back_is_looked_at_for_a_month(admin, fake_wise):
    linked = link(admin, fake_wise.add_transfer(state="charged_back"))
    tracking.read(linked.pk, now=NOW)

    assert due_to_be_read(NOW + timedelta(days=29)) == [linked.pk]
    assert due_to_be_read(NOW + timedelta(days=31)) == []


def test_a_transfer_that_was_never_read_is_read_whatever_was_said_by_hand(admin, fake_wise, settings):
    settings.WISE_API_KEY = ""
    linked = link(admin, fake_wise.add_transfer(), status="DELIVERED")
    settings.WISE_API_KEY = fake_wise.key

    tasks.sync_wise()

    assert (now_is(linked).status, linked.wise_status) == ("PENDING", "incoming_payment_waiting")


def test_a_payment_without_transfer_is_not_read_and_shows_no_failure(payment, fake_wise):
    tasks.sync_wise()

    assert (due_to_be_read(NOW), now_is(payment).sync_error) == ([], "")


def test_a_payment_of_next_week_that_is_done_by_hand_is_not_read_before(admin, fake_wise, settings):
    settings.WISE_API_KEY = ""
    linked = link(admin, 4711, status="DELIVERED", initiated_at=NOW + timedelta(days=7))

    assert due_to_be_read(NOW) == []
    assert due_to_be_read(NOW + timedelta(days=7)) == [linked.pk]


def test_a_state_of_any_length_fits(linked, transfer, fake_wise):
    fake_wise.move(transfer, "t" * 64)

    tracking.read(linked.pk, now=NOW)

    assert (now_is(linked).wise_status, linked.status) == ("t" * 64, "PROCESSING")
    assert "t" * 64 in linked.attention


# The door


@pytest.fixture
def door(db):
    return Client()


def knock(door, fake, body, **headers):
    signed = fake.signed(body)
    return door.post("/webhooks/wise", body, content_type="application/json", headers={**signed, **headers})


def deliver(door, fake):
    waiting, fake.outbox = fake.outbox, []
    return [knock(door, fake, each.body).status_code for each in waiting]


def look_into_all():
    for event_id in wise_inbox.waiting():
        wise_inbox.look_into(event_id, now=NOW)


def outcomes():
    return list(WiseEvent.objects.order_by("id").values_list("outcome", flat=True))


def news(fake, transfer, state="processing", at=NOW, **changes):
    body = json.loads(fake.event(transfer, state, None, occurred_at=at))
    body["data"]["resource"] |= changes
    return json.dumps(body).encode()


@pytest.mark.abuse("INT-02")
def test_a_message_that_was_looked_into_is_not_looked_into_again(linked, transfer, fake_wise, door):
    knock(door, fake_wise, news(fake_wise, transfer))
    look_into_all()
    before, event = len(fake_wise.requests), WiseEvent.objects.get()

    assert wise_inbox.look_into(event.pk, now=NOW) == "APPLIED"

    assert len(fake_wise.requests) == before


@pytest.mark.abuse("INT-04")
def test_a_message_that_cannot_be_read_starts_no_job(fake_wise, door, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as jobs:
        knock(door, fake_wise, b"hello\0")

    assert (jobs, outcomes(), WiseEvent.objects.get().body) == ([], ["IGNORED"], "hello")


@pytest.mark.parametrize("profile", [None, ""])
def test_a_message_that_names_no_profile_is_looked_into(linked, fake_wise, door, settings, profile):
    transfer = int(linked.wise_transfer_id)
    settings.WISE_PROFILE_ID = settings.WISE_PROFILE_ID if profile is None else ""
    body = news(fake_wise, transfer, **({"profile_id": None} if profile is None else {}))
    fake_wise.move(transfer, "processing", notify=False)

    knock(door, fake_wise, body)
    look_into_all()

    assert (outcomes(), now_is(linked).status) == (["APPLIED"], "PROCESSING")


def test_a_case_that_wise_has_opened_has_the_transfer_read(linked, transfer, fake_wise, door):
    fake_wise.move(transfer, "unknown", notify=False)
    body = json.loads(news(fake_wise, transfer))
    body |= {"event_type": "transfers#active-cases"}
    body["data"]["active_cases"] = ["DEPOSIT_AMOUNT_LESS_INVOICE"]

    knock(door, fake_wise, json.dumps(body).encode())
    look_into_all()

    assert (outcomes(), now_is(linked).wise_status, bool(linked.attention)) == (["APPLIED"], "unknown", True)
    assert linked.wise_event_at is None


def test_a_failed_payout_is_told_although_something_newer_is_known_and_moves_no_moment(
    linked, transfer, fake_wise, door
):
    fake_wise.fail_payout(transfer)
    (failure,) = fake_wise.outbox
    fake_wise.outbox = []
    later = fake_wise.clock.now() + timedelta(minutes=5)
    knock(door, fake_wise, news(fake_wise, transfer, at=later))
    look_into_all()

    knock(door, fake_wise, failure.body)
    look_into_all()

    assert outcomes() == ["APPLIED", "APPLIED"]
    assert now_is(linked).attention == "Wise could not pay out: Payout failed."
    assert linked.wise_event_at == later.replace(microsecond=0)


def test_a_failed_payout_makes_no_later_change_of_state_look_old(linked, transfer, fake_wise, door):
    fake_wise.clock.advance(timedelta(hours=1))
    fake_wise.fail_payout(transfer)
    deliver(door, fake_wise)
    look_into_all()

    knock(door, fake_wise, news(fake_wise, transfer, at=NOW))
    look_into_all()

    assert outcomes() == ["APPLIED", "APPLIED"]


def test_without_a_key_a_failed_payout_is_told_as_one(linked, transfer, fake_wise, door, settings):
    settings.WISE_API_KEY = ""
    fake_wise.fail_payout(transfer)

    deliver(door, fake_wise)
    look_into_all()

    assert now_is(linked).attention == "Wise could not pay out: Payout failed."
    assert linked.status == "PENDING"


def test_a_failed_payout_without_words_is_told_by_its_code(linked, transfer, fake_wise, door):
    fake_wise.fail_payout(transfer, "WRONG_ACCOUNT_NUMBER")
    body = json.loads(fake_wise.outbox.pop().body)
    del body["data"]["failure_description"]

    knock(door, fake_wise, json.dumps(body).encode())
    look_into_all()

    assert now_is(linked).attention == "Wise could not pay out: WRONG_ACCOUNT_NUMBER."


def test_the_id_of_a_delivery_is_kept_as_far_as_it_fits(fake_wise, door, transfer):
    knock(door, fake_wise, news(fake_wise, transfer), **{"X-Delivery-Id": "d" * 99})

    assert WiseEvent.objects.get().delivery_id == "d" * 64


def test_a_test_is_one_however_the_header_is_written(fake_wise, door):
    knock(door, fake_wise, news(fake_wise, 0), **{"X-Test-Notification": "True"})

    assert outcomes() == ["TEST"]


@pytest.mark.parametrize(("size", "status"), [(65_536, 401), (65_537, 413)])
def test_a_message_is_at_most_64_kb(door, size, status):
    assert door.post("/webhooks/wise", b"x" * size, content_type="application/json").status_code == status


@pytest.mark.abuse("RATE-12")
def test_counters_that_are_down_keep_nobody_out(door, fake_wise, transfer, monkeypatch):
    knock(door, fake_wise, news(fake_wise, transfer))

    def down(*args, **options):
        raise OSError("no counters")

    monkeypatch.setattr("core.limits.get_usage", down)

    forged = door.post("/webhooks/wise", b"{}", content_type="application/json")

    assert (forged.status_code, outcomes()) == (401, ["PENDING"])


def test_the_job_of_a_message_asks_again_by_itself_when_wise_is_down(linked, transfer, fake_wise, door):
    fake_wise.move(transfer, "processing", notify=False)
    knock(door, fake_wise, news(fake_wise, transfer))
    fake_wise.fault(*READING, *[Status(503)] * 3)

    tasks.look_into_event.apply((WiseEvent.objects.get().pk,))

    assert (outcomes(), now_is(linked).status) == (["APPLIED"], "PROCESSING")


def test_a_sweep_takes_the_oldest_messages_and_so_many_at_once(fake_wise, door, monkeypatch):
    for number in (1, 2, 3):
        knock(door, fake_wise, news(fake_wise, number))
    monkeypatch.setattr(wise_inbox, "AT_ONCE", 2)

    oldest = list(WiseEvent.objects.order_by("id").values_list("pk", flat=True)[:2])
    assert wise_inbox.waiting() == oldest


def test_a_sweep_ends_only_when_wise_is_silent_several_times_in_a_row(db, monkeypatch):
    done = []

    def every_second(event_id, *, now):
        if event_id % 2:
            raise wise.Unreachable("down", is_passing=True)
        done.append(event_id)

    monkeypatch.setattr(wise_inbox, "waiting", lambda: range(10))
    monkeypatch.setattr(wise_inbox, "look_into", every_second)

    tasks.finish_wise()

    assert done == [0, 2, 4, 6, 8]


def test_messages_of_transfers_that_make_no_sense_do_not_end_a_sweep(db, monkeypatch):
    asked_for = []

    def senseless(event_id, *, now):
        asked_for.append(event_id)
        raise wise.Unreachable("Wise answered something that makes no sense.")

    monkeypatch.setattr(wise_inbox, "waiting", lambda: range(5))
    monkeypatch.setattr(wise_inbox, "look_into", senseless)

    tasks.finish_wise()

    assert asked_for == [0, 1, 2, 3, 4]


# The jobs


def test_linked_transfers_are_read_every_hour_and_what_was_left_is_finished_every_five_minutes():
    planned = {entry["task"]: entry for entry in app.conf.beat_schedule.values()}
    hourly, sweep = planned["purchasing.tasks.sync_wise"], planned["purchasing.tasks.finish_wise"]

    assert (hourly["schedule"], hourly["options"]) == (crontab(minute="17"), {"expires": 3600})
    assert (sweep["schedule"], sweep["options"]) == (300.0, {"expires": 300})


def test_the_job_of_a_linked_transfer_that_wise_does_not_know_ends_in_peace(admin, fake_wise):
    linked = link(admin, 4711)

    tasks.read_transfer(linked.pk)

    assert now_is(linked).sync_error


# The office

PAGE = "/admin/purchasing/payment/"


@pytest.fixture
def queued(monkeypatch):
    """The payments that jobs were asked to read."""
    found = []
    monkeypatch.setattr(tasks.read_transfer, "delay", found.append)
    return found


def ask_wise(browser, *rows):
    body = {"action": "ask_wise", "_selected_action": [row.pk for row in rows]}
    return browser.post(PAGE, body, follow=True)


def test_the_office_has_wise_asked_about_the_chosen_payments_that_have_a_transfer(
    admin, linked, payment, fake_wise, queued
):
    link(admin, fake_wise.add_transfer())
    queued.clear()

    page = ask_wise(signed_in(admin), linked, payment).content.decode()

    assert queued == [linked.pk]
    assert "Wise is being asked about 1 payments" in page
    assert fake_wise.requests == []


def test_the_office_has_wise_asked_about_a_hundred_payments_at_most(admin, fake_wise, queued, monkeypatch):
    monkeypatch.setattr(office, "MAX_ASKED", 2)
    rows = [link(admin, number) for number in (4711, 4712, 4713)]
    queued.clear()

    ask_wise(signed_in(admin), *rows)

    assert len(queued) == 2


def test_without_a_key_the_office_says_so_and_asks_nobody(admin, linked, fake_wise, queued, settings):
    settings.WISE_API_KEY = ""

    page = ask_wise(signed_in(admin), linked).content.decode()

    assert "there is no WISE_API_KEY" in page
    assert queued == []


def test_who_may_not_change_payments_has_nobody_asked(admin, linked, fake_wise, queued, monkeypatch):
    """Every role that uses the office may change payments today; the rule has to hold for the next role too."""
    lesser = rights.of(Role.STAFF) - {Right.CHANGE_PAYMENTS}
    monkeypatch.setitem(rights.RIGHTS, Role.STAFF, lesser)
    browser = signed_in(make_user(Role.STAFF))

    ask_wise(browser, linked)

    assert queued == []
    assert "ask_wise" not in browser.get(PAGE).content.decode()
