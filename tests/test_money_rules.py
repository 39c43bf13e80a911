"""What attackers and bad luck found in payments, kept from coming back: nothing paid twice, nothing moved unseen."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from accounts.rights import Role
from core.errors import DomainError, Forbidden
from inventory.services import suppliers
from purchasing import tasks, wise
from purchasing.models import Payment, PurchaseOrder
from purchasing.services import orders, payments, tracking, transfers, wise_inbox
from tests.conftest import api
from tests.factories import TODAY, make_order, make_product, make_supplier, make_user
from tests.fake_wise import AfterWork, Body, Drop, Status
from tests.test_transfers import (
    CREATING,
    NOW,
    _noon,
    account,
    created,
    now_is,
    order,
    payment,
    request_transfer,
)

__all__ = ["_noon", "account", "created", "order", "payment"]
QUOTING = ("POST", "/v3/profiles/{profile}/quotes")
FULL = Decimal("100000.00")


def linked(admin, fake, state="processing", **fields):
    number = str(fake.add_transfer(state=state))
    given = {"amount_usd": Decimal(3000), **fields}
    return payments.create(
        supplier_id=make_supplier().pk, wise_transfer_id=number, today=TODAY, now=NOW, actor=admin, **given
    )


def unheard(payment, admin, fake):
    """Wise has made the transfer, and the answer was lost."""
    request_transfer(payment, admin)
    fake.fault(*CREATING, *[AfterWork(Drop)] * 3)
    with pytest.raises(wise.Unreachable):
        transfers.carry_out(payment.pk, now=NOW)


def refused_creation(payment, admin, fake):
    request_transfer(payment, admin)
    fake.fault(*QUOTING, Status(403))
    transfers.carry_out(payment.pk, now=NOW)
    payments.update(payment.pk, attention="", actor=admin)
    return now_is(payment)


# A link to Wise


@pytest.mark.parametrize("change", [{"wise_transfer_id": "77"}, {"wise_transfer_id": ""}])
def test_only_those_who_may_move_money_link_and_unlink(admin, fake_wise, change):
    """A linked transfer shows what it pays out, and an unlinked one could be paid again."""
    payment = linked(admin, fake_wise, "outgoing_payment_sent")
    tracking.read(payment.pk, now=NOW)
    buyer = make_user(Role.BUYER)

    with pytest.raises(Forbidden):
        payments.update(payment.pk, **change, actor=buyer)
    with pytest.raises(Forbidden):
        payments.create(
            supplier_id=payment.supplier_id,
            amount_usd=Decimal(1),
            wise_transfer_id="78",
            today=TODAY,
            now=NOW,
            actor=buyer,
        )
    assert api(buyer).patch(f"/api/payments/{payment.pk}", change, format="json").status_code == 403
    assert now_is(payment).status == "DELIVERED"


def test_a_payment_that_was_out_is_not_sent_again_unseen(admin, order, account, fake_wise):
    number = str(fake_wise.add_transfer(state="outgoing_payment_sent"))
    fields = {"bank_account_id": account.pk, "wise_transfer_id": number}
    payment = payments.create(order_id=order.pk, **fields, today=TODAY, now=NOW, actor=admin)
    tracking.read(payment.pk, now=NOW)

    payments.update(payment.pk, wise_transfer_id="", actor=admin)

    assert "DELIVERED before" in now_is(payment).attention
    with pytest.raises(transfers.TransferNotPossible, match="see to this first"):
        request_transfer(payment, admin)
    assert fake_wise.balance == FULL


def test_a_status_taken_back_by_hand_calls_for_attention(admin, order):
    payment = payments.create(order_id=order.pk, status="DELIVERED", today=TODAY, now=NOW, actor=admin)

    payments.update(payment.pk, status="PENDING", actor=admin)

    assert "DELIVERED before" in now_is(payment).attention


def test_linking_and_setting_the_status_in_one_request_is_refused(admin, order, fake_wise):
    payment = payments.create(order_id=order.pk, today=TODAY, now=NOW, actor=admin)

    with pytest.raises(payments.PaymentAtWise):
        payments.update(payment.pk, wise_transfer_id="424242", status="DELIVERED", actor=admin)
    assert (now_is(payment).status, payment.wise_transfer_id) == ("PENDING", "")


def test_a_transfer_linked_after_a_refused_creation_is_not_ours(payment, admin, fake_wise):
    """It can be unlinked again, and is neither funded nor cancelled from here."""
    refused_creation(payment, admin, fake_wise)
    foreign = fake_wise.add_transfer()
    payments.update(payment.pk, wise_transfer_id=str(foreign), actor=admin)
    tracking.read(payment.pk, now=NOW)

    for ask in (transfers.request_cancellation, transfers.request_funding):
        with pytest.raises(transfers.TransferNotPossible, match="own pages"):
            ask(payment.pk, now=NOW, actor=admin)
    payments.update(payment.pk, wise_transfer_id="", actor=admin)

    assert fake_wise.transfers[foreign]["status"] == "incoming_payment_waiting"
    assert now_is(payment).wise_transfer_id == ""


def test_a_transfer_that_turns_out_not_to_be_ours_is_not_cancelled(created, admin, fake_wise):
    (transfer,) = fake_wise.transfers.values()
    transfer["customerTransactionId"] = "00000000-0000-4000-8000-000000000000"
    transfers.request_cancellation(created.pk, now=NOW, actor=admin)

    transfers.carry_out(created.pk, now=NOW)

    assert transfer["status"] == "incoming_payment_waiting"
    assert "not made by Godown" in now_is(created).attention


def test_our_own_transfer_linked_by_its_number_is_ours(payment, admin, fake_wise):
    unheard(payment, admin, fake_wise)
    transfers.request_cancellation(payment.pk, now=NOW, actor=admin)  # withdraws
    (number,) = fake_wise.transfers
    payments.update(payment.pk, wise_transfer_id=str(number), attention="", actor=admin)

    tracking.read(payment.pk, now=NOW)

    assert now_is(payment).wise_made_here is True
    assert transfers.request_funding(payment.pk, now=NOW, actor=admin).wise_task == "FUND"


def test_a_late_answer_about_another_transfer_is_not_taken_for_the_one_that_is_made(
    admin, order, account, fake_wise, monkeypatch
):
    old = str(fake_wise.add_transfer())
    fields = {"bank_account_id": account.pk, "wise_transfer_id": old}
    payment = payments.create(order_id=order.pk, **fields, today=TODAY, now=NOW, actor=admin)
    real = wise.Wise.transfer

    def slow(client, number):
        found = real(client, number)
        payments.update(payment.pk, wise_transfer_id="", actor=admin)
        request_transfer(payment, admin)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(wise.Wise, "transfer", slow)
        tracking.read(payment.pk, now=NOW)
    transfers.carry_out(payment.pk, now=NOW)

    (ours,) = [
        str(n)
        for n, t in fake_wise.transfers.items()
        if t["customerTransactionId"] == str(now_is(payment).customer_transaction_id)
    ]
    assert payment.wise_transfer_id == ours != old


def test_a_payment_whose_creation_was_refused_can_be_given_up(payment, admin, fake_wise):
    refused_creation(payment, admin, fake_wise)

    payments.update(payment.pk, status="FAILED", actor=admin)

    assert now_is(payment).status == "FAILED"


# A lost answer


@pytest.mark.parametrize("refusal", [Status(403), Status(401), Body(422, b'{"errors":[{"message":"no"}]}', {})])
def test_after_a_lost_answer_a_refusal_says_that_there_may_be_a_transfer(payment, admin, fake_wise, refusal):
    unheard(payment, admin, fake_wise)
    fake_wise.fault(*QUOTING, refusal)

    transfers.carry_out(payment.pk, now=NOW)

    assert now_is(payment).wise_task == ""
    assert transfers.UNHEARD in payment.attention


def test_a_first_refusal_says_nothing_of_an_earlier_try(payment, admin, fake_wise):
    request_transfer(payment, admin)
    fake_wise.fault(*QUOTING, Status(403))

    transfers.carry_out(payment.pk, now=NOW)

    assert "earlier try" not in now_is(payment).attention


def test_a_transfer_found_again_that_goes_to_another_account_says_so(payment, admin, account, fake_wise):
    unheard(payment, admin, fake_wise)
    other = str(fake_wise.add_recipient())
    suppliers.change_bank_account(account.supplier_id, account.pk, wise_recipient_id=other, actor=admin)

    transfers.carry_out(payment.pk, now=NOW)

    (transfer,) = fake_wise.transfers.values()
    assert f"goes to recipient {transfer['targetAccount']}" in now_is(payment).attention


# What was asked for ends


def test_funding_that_nobody_is_at_is_withdrawn_by_cancelling(created, client_api, admin, fake_wise):
    transfers.request_funding(created.pk, now=NOW, actor=admin)

    assert client_api.delete(f"/api/payments/{created.pk}/wise-transfer").status_code == 202
    transfers.carry_out(created.pk, now=NOW)

    assert (now_is(created).status, created.wise_status) == ("FAILED", "cancelled")
    assert fake_wise.balance == FULL


def test_a_creation_that_nobody_is_at_is_withdrawn(payment, client_api, admin, fake_wise):
    request_transfer(payment, admin)

    assert client_api.delete(f"/api/payments/{payment.pk}/wise-transfer").status_code == 202
    assert transfers.carry_out(payment.pk, now=NOW) is False

    assert (now_is(payment).wise_task, payment.attention, fake_wise.transfers) == ("", "", {})


def test_what_a_worker_is_at_is_not_withdrawn(created, client_api, admin, fake_wise):
    transfers.request_funding(created.pk, now=NOW, actor=admin)
    Payment.objects.update(wise_task_claimed_at=NOW - transfers.CLAIM + timedelta(seconds=1))

    refused = client_api.delete(f"/api/payments/{created.pk}/wise-transfer")

    assert (refused.status_code, refused.json()["code"]) == (400, "transfer_not_possible")
    assert now_is(created).wise_task == "FUND"


def test_money_asked_for_yesterday_is_not_sent_today(created, admin, fake_wise):
    transfers.request_funding(created.pk, now=NOW, actor=admin)
    late = NOW + transfers.TASK_LIVES + timedelta(seconds=1)

    assert transfers.carry_out(created.pk, now=late) is False

    assert (now_is(created).wise_task, created.status) == ("", "PENDING")
    assert "could not be asked since 15 June, 12:00" in created.attention
    assert fake_wise.balance == FULL


def test_money_asked_for_within_the_day_is_sent(created, admin, fake_wise):
    transfers.request_funding(created.pk, now=NOW, actor=admin)

    assert transfers.carry_out(created.pk, now=NOW + transfers.TASK_LIVES) is True
    assert now_is(created).status == "PROCESSING"


def test_a_worker_that_was_away_too_long_does_not_end_the_task_of_another(payment, admin, fake_wise, monkeypatch):
    """It comes back with a refusal after the next worker has made the transfer and somebody has asked to fund it."""
    request_transfer(payment, admin)
    real = wise.Wise.create_quote

    def slow(client, *args, **options):
        monkeypatch.setattr(wise.Wise, "create_quote", real)
        transfers.carry_out(payment.pk, now=NOW + timedelta(minutes=11))
        transfers.request_funding(payment.pk, now=NOW, actor=admin)
        raise wise.RefusedByWise("late")

    monkeypatch.setattr(wise.Wise, "create_quote", slow)
    transfers.carry_out(payment.pk, now=NOW)

    assert (now_is(payment).wise_task, payment.attention) == ("FUND", "")


# Never too much, also later


def test_an_order_that_shrank_is_not_overpaid_through_wise(admin, fake_wise):
    """The order is raised, paid, and lowered again: nobody ever confirmed an over-payment."""
    order = make_order(orders.Line(make_product(price="100.00").pk, 1))
    recipient = str(fake_wise.add_recipient())
    fields = {"holder": "F", "bank_name": "B", "account_number": "12345678", "wise_recipient_id": recipient}
    account = suppliers.add_bank_account(order.supplier_id, **fields, actor=admin)
    orders.update(order.pk, shipping_usd=Decimal(50_000), actor=admin)
    paid = {"order_id": order.pk, "amount_usd": Decimal(50_000), "kind": "OTHER", "bank_account_id": account.pk}
    payment = payments.create(**paid, today=TODAY, now=NOW, actor=admin)
    orders.update(order.pk, shipping_usd=Decimal(0), actor=admin)
    staff = api(make_user(Role.STAFF))

    refused = staff.post(f"/api/payments/{payment.pk}/wise-transfer")
    assert (refused.status_code, refused.json()["code"]) == (400, "over_payment")
    confirmed = staff.post(f"/api/payments/{payment.pk}/wise-transfer", {"confirm_overpayment": True}, format="json")
    assert confirmed.status_code == 202
    transfers.carry_out(payment.pk, now=NOW)
    assert staff.post(f"/api/payments/{payment.pk}/wise-funding").status_code == 400
    assert fake_wise.balance == FULL


def test_the_payments_of_a_cancelled_order_say_that_it_was_cancelled(admin, order):
    payment = payments.create(order_id=order.pk, status="PROCESSING", today=TODAY, now=NOW, actor=admin)
    failed = payments.create(order_id=order.pk, status="FAILED", today=TODAY, now=NOW, actor=admin)

    orders.cancel(order.pk, reason="", now=NOW, actor=admin)

    assert f"{order.po_number} was cancelled" in now_is(payment).attention
    assert now_is(failed).attention == ""


def test_what_is_due_stands_on_a_cent_that_floats_cannot_say(client_api):
    supplier = make_supplier()
    order = client_api.post("/api/orders", {"supplier_id": supplier.pk, "shipping_usd": 0.8}, format="json").json()
    client_api.post(f"/api/orders/{order['id']}/status", {"status": "SENT"}, format="json")
    for amount in (0.7, 0.1):
        client_api.post("/api/payments", {"po_id": order["id"], "amount_usd": amount, "kind": "OTHER"}, format="json")

    assert client_api.get("/api/payments/due").json()["count"] == 0


def test_one_cent_is_still_due(client_api):
    supplier = make_supplier()
    order = client_api.post("/api/orders", {"supplier_id": supplier.pk, "shipping_usd": 0.8}, format="json").json()
    client_api.post(f"/api/orders/{order['id']}/status", {"status": "SENT"}, format="json")
    client_api.post("/api/payments", {"po_id": order["id"], "amount_usd": 0.79, "kind": "OTHER"}, format="json")

    (row,) = client_api.get("/api/payments/due").json()["results"]
    assert row["standing"]["open_usd"] == 0.01


@pytest.mark.parametrize("field", ["order_date", "expected_ready_date"])
@pytest.mark.parametrize("day", ["9999-12-31", "3000-01-01", "1899-12-31", "0001-01-01"])
def test_no_day_of_an_order_breaks_what_is_due_for_everybody(client_api, field, day):
    body = {"supplier_id": make_supplier(lead_time_days=1000).pk, "shipping_usd": 5, field: day}

    refused = client_api.post("/api/orders", body, format="json")

    assert (refused.status_code, list(refused.json()["errors"])) == (400, [field])
    assert not PurchaseOrder.objects.exists()


def test_the_last_day_of_an_order_is_still_due(client_api):
    supplier = make_supplier(lead_time_days=1000)
    body = {"supplier_id": supplier.pk, "shipping_usd": 5, "order_date": "2999-12-31"}
    order = client_api.post("/api/orders", body, format="json").json()
    client_api.post(f"/api/orders/{order['id']}/status", {"status": "SENT"}, format="json")

    assert client_api.get("/api/payments/due").json()["results"][0]["po_id"] == order["id"]


@pytest.mark.parametrize(
    "moment", ["9999-12-31T23:59:59+07:00", "0001-01-01T00:00:00", "0001-01-01T12:00:00Z", "1899-12-31T00:00:00Z"]
)
def test_a_moment_that_no_zone_can_tell_is_refused(client_api, moment):
    body = {"supplier_id": make_supplier().pk, "amount_usd": 1, "initiated_at": moment}

    refused = client_api.post("/api/payments", body, format="json")

    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["initiated_at"])


# Reading and messages


def test_three_sick_transfers_do_not_starve_the_others(admin, fake_wise):
    sick = [linked(admin, fake_wise) for _ in range(3)]
    well = [linked(admin, fake_wise) for _ in range(2)]
    for each in sick:
        fake_wise.fault("GET", f"/v1/transfers/{each.wise_transfer_id}", Body(200, b'{"id": 5}', {}))

    tracking.read_all(now=NOW)

    assert [now_is(each).status for each in (*sick, *well)] == ["PENDING"] * 3 + ["PROCESSING"] * 2


def test_the_hourly_run_reads_and_does_nothing_before(admin, fake_wise, monkeypatch):
    monkeypatch.setattr(tasks, "finish_wise", None)
    payment = linked(admin, fake_wise)

    tasks.sync_wise()

    assert now_is(payment).status == "PROCESSING"


def test_a_sweep_ends_in_time(admin, fake_wise, monkeypatch, time_machine):
    done = []

    def slow(event_id, *, now):
        done.append(event_id)
        time_machine.shift(timedelta(seconds=30))

    monkeypatch.setattr(wise_inbox, "waiting", lambda: range(500))
    monkeypatch.setattr(wise_inbox, "look_into", slow)

    tasks.finish_wise()

    assert len(done) == 5  # two minutes of 30 seconds, and the one that was begun


def test_money_sent_late_is_still_asked_about_for_30_days(admin, fake_wise, time_machine):
    """Without webhooks: asked for in June, stuck, sent in August, sent back a week later."""
    payment = linked(admin, fake_wise)
    number = int(payment.wise_transfer_id)
    for day, state in ((1, "outgoing_payment_sent"), (8, "bounced_back")):
        time_machine.move_to(f"2026-08-0{day}T05:00Z", tick=False)
        fake_wise.move(number, state)
        tracking.read_all(now=datetime(2026, 8, day, 5, tzinfo=UTC))
        assert now_is(payment).wise_status == state


def test_an_absurd_fee_is_not_stored(fake_wise):
    quote = wise.Quote("q", "USD", "USD", Decimal(1), "SWIFT", "PENDING", None, (), ())
    option = wise.PaymentOption(
        "BALANCE", "SWIFT", Decimal("12345678901.00"), "USD", Decimal(1), Decimal(1), None, False, ""
    )

    assert tracking.fee_in_usd(quote, option) is None


def test_a_message_of_the_same_second_is_not_outdated(admin, fake_wise):
    payment = linked(admin, fake_wise)
    number = int(payment.wise_transfer_id)
    for state in ("processing", "funds_converted"):
        wise_inbox.keep(fake_wise.event(number, state, None, occurred_at=NOW), delivery_id=state, is_test=False)
    first, second = wise_inbox.waiting()

    wise_inbox.look_into(first, now=NOW)
    fake_wise.move(number, "funds_converted")
    wise_inbox.look_into(second, now=NOW)

    assert now_is(payment).wise_status == "funds_converted"


def test_two_refunds_of_one_second_are_both_kept(admin, fake_wise):
    payment = linked(admin, fake_wise)
    for amount in (10, 20):
        resource = {"type": "transfer", "id": int(payment.wise_transfer_id), "refund_amount": amount}
        data = {"resource": {**resource, "refund_currency": "USD"}, "occurred_at": "2026-06-15T05:00:00Z"}
        body = json.dumps({"data": data, "event_type": "transfers#refund", "schema_version": "1.0.0"}).encode()
        assert wise_inbox.keep(body, delivery_id=str(amount), is_test=False) is True


@pytest.mark.abuse("AUTHZ-05")
def test_those_who_see_no_costs_read_no_words_of_wise(admin, fake_wise):
    payment = linked(admin, fake_wise)
    words = b'{"errors": [{"code": "x", "message": "amount 7777.77 over the limit"}]}'
    fake_wise.fault("GET", "/v1/transfers/{id}", Body(422, words, {}))
    with pytest.raises(DomainError):
        tracking.read(payment.pk, now=NOW)

    told = api(make_user(Role.VIEWER)).get(f"/api/payments/{payment.pk}")

    assert "7777.77" in now_is(payment).sync_error
    assert "7777" not in told.content.decode()


def test_asking_wise_while_one_waits_has_a_limit(client_api, admin, fake_wise):
    payment = linked(admin, fake_wise)

    statuses = [client_api.post(f"/api/payments/{payment.pk}/sync-wise").status_code for _ in range(22)]

    assert statuses == [200] * 20 + [429] * 2
