"""Money sent through Wise: asked for once, made once, whatever breaks in between. Against a Wise that speaks HTTP."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from accounts.models import AuditLog
from accounts.rights import Role
from core import operations
from inventory.services import suppliers
from purchasing import tasks, wise
from purchasing.models import Payment
from purchasing.services import orders, payments, tracking, transfers
from purchasing.workflow import Stage
from tests.conftest import api
from tests.factories import TODAY, make_order, make_product, make_user
from tests.fake_wise import AfterWork, Body, Drop, Hang, Status

NOON = "2026-06-15T05:00Z"
NOW = datetime(2026, 6, 15, 5, tzinfo=UTC)
CREATING = ("POST", "/v1/transfers")
FUNDING = ("POST", "/v3/profiles/{profile}/transfers/{id}/payments")


@pytest.fixture(autouse=True)
def _noon(time_machine):
    time_machine.move_to(NOON, tick=False)


@pytest.fixture
def order(db):
    """100 kits at 100.00 USD: a deposit of 3,000.00."""
    return make_order(orders.Line(make_product(price="100.00").pk, 100), stage=Stage.CONFIRMED)


@pytest.fixture
def account(admin, order, fake_wise):
    """The supplier's bank account, known to Wise."""
    fields = {"holder": "Factory", "bank_name": "Bank of China", "account_number": "6222021234567890"}
    recipient = str(fake_wise.add_recipient())
    return suppliers.add_bank_account(order.supplier_id, **fields, wise_recipient_id=recipient, actor=admin)


@pytest.fixture
def payment(admin, order, account):
    return payments.create(order_id=order.pk, bank_account_id=account.pk, today=TODAY, now=NOW, actor=admin)


def now_is(payment):
    payment.refresh_from_db()
    return payment


def asked(fake, method, ending):
    return [call for call in fake.requests if call.method == method and call.path.endswith(ending)]


def request_transfer(payment, actor):
    return transfers.request_transfer(payment.pk, transaction_id=uuid4(), now=NOW, actor=actor)


@pytest.fixture
def created(payment, admin, fake_wise):
    request_transfer(payment, admin)
    transfers.carry_out(payment.pk, now=NOW)
    return now_is(payment)


# The happy path


def test_a_transfer_is_made_funded_and_followed_to_its_end(client_api, payment, fake_wise, admin):
    path = f"/api/payments/{payment.pk}"

    asked_for = client_api.post(f"{path}/wise-transfer")
    assert (asked_for.status_code, asked_for.json()["wise"]["task"]) == (202, "CREATE")
    assert fake_wise.transfers == {}
    tasks.move_money(payment.pk)
    made = client_api.get(path).json()
    (transfer_id,) = fake_wise.transfers
    assert (made["wise"]["transfer_id"], made["wise"]["status"]) == (str(transfer_id), "incoming_payment_waiting")
    assert (made["status"], made["wise"]["task"], made["attention"]) == ("PENDING", "", "")
    assert fake_wise.balance == Decimal("100000.00")

    assert client_api.post(f"{path}/wise-funding").status_code == 202
    tasks.move_money(payment.pk)
    funded = client_api.get(path).json()
    assert (funded["status"], funded["wise"]["status"]) == ("PROCESSING", "processing")
    assert fake_wise.balance == Decimal("100000.00") - 3000 - Decimal(str(funded["fee_usd"]))
    assert funded["fee_usd"] > 0
    assert funded["amount_received"] is None

    fake_wise.move(transfer_id, "outgoing_payment_sent")
    sent = client_api.post(f"{path}/sync-wise").json()
    assert (sent["status"], sent["wise"]["status_in_words"]) == ("DELIVERED", "Sent by Wise")
    assert (sent["amount_received"], sent["currency_received"]) == (3000, "USD")
    assert sent["wise"]["last_synced_at"] == "2026-06-15T12:00:00+07:00"
    assert AuditLog.objects.filter(table_name="payments", user=admin).count() >= 3


def test_wise_is_told_recipient_amount_number_and_reference(payment, admin, account, fake_wise):
    request_transfer(payment, admin)
    transfers.carry_out(payment.pk, now=NOW)

    (transfer,) = fake_wise.transfers.values()
    number = str(now_is(payment).customer_transaction_id)
    assert transfer["targetAccount"] == int(account.wise_recipient_id)
    assert (transfer["targetValue"], transfer["targetCurrency"]) == (Decimal("3000.00"), "USD")
    assert transfer["customerTransactionId"] == number
    assert transfer["details"]["reference"] == "PAY-2026-001"


# Once, whatever breaks


@pytest.mark.abuse("CON-10", "INT-10")
@pytest.mark.parametrize("broken", [AfterWork(Drop), AfterWork(Status(500)), AfterWork(Hang), Drop, Status(503)])
def test_a_transfer_whose_answer_was_lost_is_found_again_and_not_made_twice(payment, admin, fake_wise, broken):
    request_transfer(payment, admin)
    fake_wise.fault(*CREATING, *[broken] * 3)  # every attempt of the first run

    with pytest.raises(wise.Unreachable):
        transfers.carry_out(payment.pk, now=NOW)
    waiting = now_is(payment)
    assert (waiting.status, waiting.wise_transfer_id, waiting.wise_task) == ("PENDING", "", "CREATE")
    assert (waiting.sync_failed_at, bool(waiting.sync_error)) == (NOW, True)
    transfers.carry_out(payment.pk, now=NOW + timedelta(minutes=1))

    (transfer_id,) = fake_wise.transfers
    assert now_is(payment).wise_transfer_id == str(transfer_id)
    assert (payment.wise_task, payment.sync_error, payment.sync_failed_at) == ("", "", None)


class Killed(BaseException):
    """What SIGKILL is to a worker: nothing after it runs."""


@pytest.mark.abuse("CON-10")
@pytest.mark.parametrize("step", ["create_quote", "create_transfer", "after"])
def test_a_worker_killed_while_it_makes_a_transfer_leaves_one_transfer(payment, admin, fake_wise, monkeypatch, step):
    """Killed before the quote, right after Wise has made the transfer, or before its answer is stored."""
    request_transfer(payment, admin)
    target, name = (tracking, "store") if step == "after" else (wise.Wise, step)
    real = getattr(target, name)

    def kill(*args, **options):
        if step != "after":
            real(*args, **options)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(target, name, kill)
        with pytest.raises(Killed):
            transfers.carry_out(payment.pk, now=NOW)
    assert now_is(payment).wise_transfer_id == ""

    assert transfers.carry_out(payment.pk, now=NOW + timedelta(minutes=9)) is False  # the claim still holds
    assert transfers.unfinished(now=NOW + timedelta(minutes=9)) == []
    assert transfers.unfinished(now=NOW + timedelta(minutes=11)) == [payment.pk]
    assert transfers.carry_out(payment.pk, now=NOW + timedelta(minutes=11)) is True

    (transfer_id,) = fake_wise.transfers
    assert now_is(payment).wise_transfer_id == str(transfer_id)


def test_the_fee_of_a_transfer_found_again_is_that_of_its_own_quote(payment, admin, fake_wise):
    request_transfer(payment, admin)
    fake_wise.fault(*CREATING, *[AfterWork(Drop)] * 3)
    with pytest.raises(wise.Unreachable):
        transfers.carry_out(payment.pk, now=NOW)
    (transfer,) = fake_wise.transfers.values()

    transfers.carry_out(payment.pk, now=NOW)

    assert now_is(payment).wise_quote_id == transfer["quoteUuid"]
    assert payment.fee_usd > 0


def test_a_task_that_was_carried_out_is_not_carried_out_again(created, fake_wise):
    before = len(fake_wise.requests)

    assert transfers.carry_out(created.pk, now=NOW) is False
    assert len(fake_wise.requests) == before


@pytest.mark.parametrize("broken", [AfterWork(Drop), AfterWork(Hang), AfterWork(Status(500))])
def test_funding_whose_answer_was_lost_is_looked_for_and_not_paid_twice(created, admin, fake_wise, broken):
    transfers.request_funding(created.pk, now=NOW, actor=admin)
    fake_wise.fault(*FUNDING, broken)
    with pytest.raises(wise.Unreachable):
        transfers.carry_out(created.pk, now=NOW)
    paid = fake_wise.balance
    assert paid < Decimal("100000.00")

    assert transfers.carry_out(created.pk, now=NOW + timedelta(minutes=1)) is False
    transfers.carry_out(created.pk, now=NOW + timedelta(minutes=11))

    assert len(asked(fake_wise, "POST", "/payments")) == 1
    assert fake_wise.balance == paid
    assert (now_is(created).status, created.wise_task) == ("PROCESSING", "")


def test_funding_that_never_arrived_is_asked_again(created, admin, fake_wise):
    transfers.request_funding(created.pk, now=NOW, actor=admin)
    fake_wise.fault(*FUNDING, Drop)
    with pytest.raises(wise.Unreachable):
        transfers.carry_out(created.pk, now=NOW)
    assert fake_wise.balance == Decimal("100000.00")

    transfers.carry_out(created.pk, now=NOW + timedelta(minutes=11))

    assert now_is(created).status == "PROCESSING"


# Refusals


def test_too_little_in_the_balance_leaves_the_transfer_unfunded_and_says_so(created, admin, fake_wise):
    fake_wise.balance = Decimal("10.00")
    transfers.request_funding(created.pk, now=NOW, actor=admin)

    transfers.carry_out(created.pk, now=NOW)

    assert (now_is(created).status, created.wise_status, created.wise_task) == (
        "PENDING",
        "incoming_payment_waiting",
        "",
    )
    assert "transfer.insufficient_funds" in created.attention
    fake_wise.balance = Decimal("10000.00")
    payments.update(created.pk, attention="", actor=admin)
    transfers.request_funding(created.pk, now=NOW, actor=admin)
    transfers.carry_out(created.pk, now=NOW)
    assert (now_is(created).status, created.attention) == ("PROCESSING", "")


@pytest.mark.parametrize("switch", ["sca", "approvals"])
def test_money_that_only_the_owner_may_release_waits_for_the_owner(created, admin, fake_wise, switch):
    fake_wise.sca = switch == "sca"
    fake_wise.funded_status = 422 if switch == "approvals" else 200
    fake_wise.balance = fake_wise.balance if switch == "sca" else Decimal(0)
    transfers.request_funding(created.pk, now=NOW, actor=admin)

    transfers.carry_out(created.pk, now=NOW)

    assert (now_is(created).status, created.wise_task) == ("PENDING", "")
    assert created.attention
    assert len(asked(fake_wise, "POST", "/payments")) == 1


def test_a_quote_that_wise_blocks_makes_no_transfer(payment, admin, fake_wise):
    fake_wise.notices = [{"text": "This route is closed.", "link": None, "type": "BLOCKED"}]
    request_transfer(payment, admin)

    transfers.carry_out(payment.pk, now=NOW)

    assert fake_wise.transfers == {}
    assert (now_is(payment).wise_task, payment.status) == ("", "PENDING")
    assert "This route is closed." in payment.attention


def test_after_a_refusal_it_can_be_asked_again_with_the_same_number(payment, admin, fake_wise):
    fake_wise.notices = [{"text": "This route is closed.", "link": None, "type": "BLOCKED"}]
    request_transfer(payment, admin)
    transfers.carry_out(payment.pk, now=NOW)
    first = now_is(payment).customer_transaction_id
    payments.update(payment.pk, amount_usd=Decimal(2500), attention="", actor=admin)
    fake_wise.notices = []

    request_transfer(payment, admin)
    transfers.carry_out(payment.pk, now=NOW)

    (transfer,) = fake_wise.transfers.values()
    assert transfer["customerTransactionId"] == str(first) == str(now_is(payment).customer_transaction_id)
    assert (transfer["targetValue"], payment.attention) == (Decimal("2500.00"), "")


def test_a_transfer_that_was_made_unheard_is_found_although_the_payment_changed_and_is_not_funded(
    payment, admin, fake_wise
):
    request_transfer(payment, admin)
    fake_wise.fault(*CREATING, *[AfterWork(Drop)] * 3)
    with pytest.raises(wise.Unreachable):
        transfers.carry_out(payment.pk, now=NOW)
    fake_wise.fault("POST", "/v3/profiles/{id}/quotes", Status(403))
    transfers.carry_out(payment.pk, now=NOW)
    assert (now_is(payment).wise_task, payment.wise_transfer_id) == ("", "")
    assert transfers.UNHEARD in payment.attention
    payments.update(payment.pk, amount_usd=Decimal(2500), attention="", actor=admin)

    request_transfer(payment, admin)
    transfers.carry_out(payment.pk, now=NOW)

    assert len(fake_wise.transfers) == 1
    assert "3,000.00 USD" in now_is(payment).attention
    payments.update(payment.pk, attention="", actor=admin)
    transfers.request_funding(payment.pk, now=NOW, actor=admin)
    transfers.carry_out(payment.pk, now=NOW)
    assert fake_wise.balance == Decimal("100000.00")


@pytest.mark.parametrize("field", ["customerTransactionId", "targetAccount"])
def test_only_our_own_transfer_to_the_agreed_account_is_funded(created, admin, fake_wise, field):
    (transfer,) = fake_wise.transfers.values()
    transfer[field] = str(uuid4()) if field == "customerTransactionId" else 4711
    transfers.request_funding(created.pk, now=NOW, actor=admin)

    transfers.carry_out(created.pk, now=NOW)

    assert asked(fake_wise, "POST", "/payments") == []
    assert (now_is(created).status, bool(created.attention)) == ("PENDING", True)
    assert fake_wise.balance == Decimal("100000.00")


def test_a_quote_for_another_amount_makes_no_transfer(payment, admin, fake_wise, monkeypatch):
    real = wise.Wise.create_quote

    def dearer(client, profile_id, **options):
        return real(client, profile_id, **{**options, "target_amount": options["target_amount"] - 1})

    monkeypatch.setattr(wise.Wise, "create_quote", dearer)
    request_transfer(payment, admin)

    transfers.carry_out(payment.pk, now=NOW)

    assert fake_wise.transfers == {}
    assert "2,999.00" in now_is(payment).attention


def test_a_key_that_may_not_ask_for_quotes_says_so_and_makes_no_transfer(payment, admin, fake_wise):
    fake_wise.personal_token_limits = True
    request_transfer(payment, admin)

    transfers.carry_out(payment.pk, now=NOW)

    assert fake_wise.transfers == {}
    assert (now_is(payment).wise_task, bool(payment.attention)) == ("", True)


def test_a_transfer_that_was_changed_at_wise_is_not_funded(created, admin, fake_wise):
    (transfer,) = fake_wise.transfers.values()
    transfer["targetValue"] = Decimal("9000.00")
    transfers.request_funding(created.pk, now=NOW, actor=admin)

    transfers.carry_out(created.pk, now=NOW)

    assert asked(fake_wise, "POST", "/payments") == []
    assert "9,000.00 USD" in now_is(created).attention
    assert fake_wise.balance == Decimal("100000.00")


def refused(call):
    with pytest.raises(transfers.TransferNotPossible) as refusal:
        call()
    return refusal.value.message


def test_a_transfer_needs_a_pending_payment_and_an_account_that_wise_knows(payment, admin, account, fake_wise):
    suppliers.change_bank_account(account.supplier_id, account.pk, wise_recipient_id="", actor=admin)
    assert "wise_recipient_id" in refused(lambda: request_transfer(payment, admin))
    suppliers.change_bank_account(account.supplier_id, account.pk, wise_recipient_id="7", currency="CNY", actor=admin)
    assert "CNY" in refused(lambda: request_transfer(payment, admin))
    suppliers.change_bank_account(account.supplier_id, account.pk, currency="USD", actor=admin)
    Payment.objects.update(status="DELIVERED")
    assert "DELIVERED" in refused(lambda: request_transfer(payment, admin))
    assert now_is(payment).customer_transaction_id is None
    assert fake_wise.requests == []


def test_what_was_asked_of_wise_is_not_asked_twice_nor_changed_meanwhile(payment, admin, order):
    request_transfer(payment, admin)

    assert "wait for the answer" in refused(lambda: request_transfer(payment, admin))
    for fields in ({"amount_usd": Decimal(1)}, {"bank_account_id": None}, {"wise_transfer_id": "7"}):
        with pytest.raises(payments.PaymentAtWise):
            payments.update(payment.pk, **fields, actor=admin)
    assert now_is(payment).amount_usd == Decimal("3000.00")


def test_only_a_waiting_transfer_is_funded(created, admin, fake_wise):
    transfers.request_funding(created.pk, now=NOW, actor=admin)
    assert "wait for the answer" in refused(lambda: transfers.request_funding(created.pk, now=NOW, actor=admin))
    transfers.carry_out(created.pk, now=NOW)

    assert "processing" in refused(lambda: transfers.request_funding(created.pk, now=NOW, actor=admin))


def test_a_linked_transfer_is_funded_and_cancelled_where_it_was_made(order, admin, fake_wise):
    number = str(fake_wise.add_transfer())
    linked = payments.create(order_id=order.pk, wise_transfer_id=number, today=TODAY, now=NOW, actor=admin)
    tracking.read(linked.pk, now=NOW)

    for ask in (transfers.request_funding, transfers.request_cancellation):
        assert "Wise's own pages" in refused(lambda ask=ask: ask(linked.pk, now=NOW, actor=admin))


def test_an_order_is_not_cancelled_while_its_money_moves_and_afterwards_no_money_moves(
    created, admin, order, fake_wise
):
    transfers.request_funding(created.pk, now=NOW, actor=admin)
    with pytest.raises(orders.MoneyMoving):
        orders.cancel(order.pk, reason="", now=NOW, actor=admin)
    transfers.request_cancellation(created.pk, now=NOW, actor=admin)
    transfers.carry_out(created.pk, now=NOW)

    orders.cancel(order.pk, reason="", now=NOW, actor=admin)

    assert asked(fake_wise, "POST", "/payments") == []
    with pytest.raises(transfers.OrderCancelled):
        transfers.request_funding(created.pk, now=NOW, actor=admin)


# Cancelling


def test_a_transfer_is_cancelled_and_the_payment_fails_with_it(client_api, created, fake_wise):
    assert client_api.delete(f"/api/payments/{created.pk}/wise-transfer").status_code == 202
    transfers.carry_out(created.pk, now=NOW)

    assert (now_is(created).status, created.wise_status, created.wise_task) == ("FAILED", "cancelled", "")


def test_a_transfer_that_was_paid_out_is_not_cancelled_and_says_so(created, admin, fake_wise):
    (transfer_id,) = fake_wise.transfers
    fake_wise.move(transfer_id, "outgoing_payment_sent")
    transfers.request_cancellation(created.pk, now=NOW, actor=admin)

    transfers.carry_out(created.pk, now=NOW)

    assert (now_is(created).status, created.wise_task) == ("DELIVERED", "")
    assert created.attention


# Rights and jobs


@pytest.mark.parametrize("role", [Role.BUYER, Role.VIEWER, Role.SYNC])
def test_only_those_with_the_right_move_money(payment, role):
    client = api(make_user(role))

    for call in (client.post, client.delete):
        assert call(f"/api/payments/{payment.pk}/wise-transfer").status_code == 403
    assert client.post(f"/api/payments/{payment.pk}/wise-funding").status_code == 403
    assert now_is(payment).wise_task == ""


def test_the_job_names_who_asked(admin, payment, django_capture_on_commit_callbacks, fake_wise):
    request = operations.Origin(actor_id=admin.pk, ip_address="127.0.0.1")
    with operations.acting_from(request), django_capture_on_commit_callbacks(execute=True):
        request_transfer(payment, admin)

    assert now_is(payment).wise_transfer_id
    last = AuditLog.objects.filter(table_name="payments").order_by("-id").first()
    assert (last.user_id, last.user_agent) == (admin.pk, "job purchasing.tasks.move_money")


def test_a_queue_that_is_down_leaves_the_task_to_the_sweep(
    client_api, payment, monkeypatch, django_capture_on_commit_callbacks, fake_wise
):
    def down(*args, **options):
        raise OSError("no queue")

    monkeypatch.setattr(tasks.move_money, "delay", down)
    with django_capture_on_commit_callbacks(execute=True):
        assert client_api.post(f"/api/payments/{payment.pk}/wise-transfer").status_code == 202
    assert now_is(payment).wise_task == "CREATE"

    tasks.finish_wise()

    assert now_is(payment).wise_transfer_id == str(next(iter(fake_wise.transfers)))


def test_one_task_that_waits_never_stops_the_others(order, admin, account, fake_wise):
    pair = [
        payments.create(order_id=order.pk, bank_account_id=account.pk, today=TODAY, now=NOW, actor=admin)
        for _ in range(2)
    ]
    for payment in pair:
        request_transfer(payment, admin)
    fake_wise.fault(*CREATING, *[Status(503)] * 3)

    tasks.finish_wise()

    assert [bool(now_is(payment).wise_transfer_id) for payment in pair] == [False, True]


@pytest.mark.parametrize("lie", [b"[]", b"<html>", b'{"id": 5}', b'{"id": 1, "status": "processing"}'])
def test_an_answer_without_sense_creates_nothing_here_and_is_asked_again(payment, admin, fake_wise, lie):
    request_transfer(payment, admin)
    fake_wise.fault(*CREATING, *[Body(200, lie, {})] * 3)

    with pytest.raises(wise.Unreachable):
        transfers.carry_out(payment.pk, now=NOW)

    assert (now_is(payment).wise_transfer_id, payment.wise_task) == ("", "CREATE")
