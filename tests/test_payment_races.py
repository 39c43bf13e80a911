"""Many paying at once, on a real PostgreSQL: one wins, the others are told why, and Wise is asked once."""

import os
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from django.utils import timezone

from core.errors import DomainError
from inventory.services import suppliers
from purchasing import tasks
from purchasing.models import Payment, WiseEvent
from purchasing.services import orders, payments, tracking, transfers, wise_inbox
from purchasing.workflow import Stage
from tests.factories import TODAY, make_order, make_product, make_supplier, make_user
from tests.fake_wise import AfterWork, Hang
from tests.live import ROOT, database_url, server
from tests.test_races import at_once, kinds, post

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

NOW = datetime(2026, 6, 15, 5, tzinfo=UTC)


@pytest.fixture
def buyer(transactional_db):
    return make_user()


@pytest.fixture
def order(buyer):
    """100 kits at 100.00 USD: 10,000.00 in all."""
    return make_order(orders.Line(make_product(price="100.00").pk, 100), stage=Stage.CONFIRMED)


@pytest.fixture
def payment(order, buyer, fake_wise, monkeypatch):
    """A deposit that can be sent through Wise; the tests are the workers."""
    monkeypatch.setattr(tasks.move_money, "delay", lambda payment_id: None)
    fields = {"holder": "F", "bank_name": "B", "account_number": "12345678"}
    recipient = str(fake_wise.add_recipient())
    account = suppliers.add_bank_account(order.supplier_id, **fields, wise_recipient_id=recipient, actor=buyer)
    return payments.create(order_id=order.pk, bank_account_id=account.pk, today=TODAY, now=NOW, actor=buyer)


def pay(order, buyer, amount=None, **fields):
    return payments.create(order_id=order.pk, amount_usd=amount, today=TODAY, now=NOW, actor=buyer, **fields)


@pytest.mark.abuse("CON-04")
def test_of_8_who_pay_an_order_in_full_at_once_one_wins_and_seven_are_told_why(order, buyer):
    results = at_once(8, lambda _: pay(order, buyer, Decimal(10_000), kind="OTHER"))

    assert kinds(results) == {"Payment": 1, "OverPayment": 7}
    refused = [result for result in results if isinstance(result, DomainError)]
    assert {error.context["spent_usd"] for error in refused} == {Decimal("10000.00")}
    assert Payment.objects.count() == 1


def test_deposit_and_balance_asked_for_by_many_at_once_are_made_once_each(order, buyer):
    results = at_once(8, lambda _: pay(order, buyer))

    assert kinds(results) == {"Payment": 2, "NothingDue": 6}
    assert sorted(Payment.objects.values_list("kind", "amount_usd")) == [
        ("BALANCE", Decimal("7000.00")), ("DEPOSIT", Decimal("3000.00")),
    ]  # fmt: skip


@pytest.mark.abuse("CON-02")
def test_payment_numbers_have_no_gap_and_no_double_among_many_and_refused(buyer):
    """Half of them are refused after their number could have been taken."""
    supplier = make_supplier()
    taken = payments.create(
        supplier_id=supplier.pk, amount_usd=Decimal(1), wise_transfer_id="7", today=TODAY, now=NOW, actor=buyer
    )

    def one(number):
        fields = {"wise_transfer_id": "7"} if number % 2 else {}
        return payments.create(
            supplier_id=supplier.pk, amount_usd=Decimal(1), today=TODAY, now=NOW, actor=buyer, **fields
        )

    results = at_once(12, one)

    assert kinds(results) == {"Payment": 6, "TransferTaken": 6}
    numbers = sorted(Payment.objects.values_list("payment_id", flat=True))
    assert numbers == [f"PAY-2026-{n:03}" for n in range(1, 8)]
    assert numbers[0] == taken.payment_id


def test_of_8_who_link_one_transfer_at_once_one_wins_and_seven_are_told_why(buyer):
    owners = [make_supplier().pk for _ in range(8)]
    fields = {"amount_usd": Decimal(1), "wise_transfer_id": "4711"}

    results = at_once(8, lambda n: payments.create(supplier_id=owners[n], today=TODAY, now=NOW, actor=buyer, **fields))

    assert kinds(results) == {"Payment": 1, "TransferTaken": 7}
    assert Payment.objects.get().payment_id == "PAY-2026-001"


@pytest.mark.abuse("CON-04")
def test_advancing_and_paying_and_cancelling_at_once_each_have_one_winner(order, buyer):
    def act(number):
        if number < 3:
            return orders.advance(order.pk, to=Stage.IN_PRODUCTION, actor=buyer)
        if number < 6:
            return orders.cancel(order.pk, reason="", now=NOW, actor=buyer)
        return pay(order, buyer, Decimal(10_000), kind="OTHER")

    results = at_once(9, act)

    won = Counter(["advance", "cancel", "pay"][n // 3] for n, r in enumerate(results) if not isinstance(r, DomainError))
    assert won["cancel"] == 1
    assert won["advance"] <= 1
    assert won["pay"] == Payment.objects.count() <= 1
    order.refresh_from_db()
    assert order.cancelled_at is not None


@pytest.mark.abuse("CON-04", "CON-10")
def test_a_transfer_asked_for_by_many_is_made_once(payment, buyer, fake_wise):
    asked = at_once(6, lambda _: transfers.request_transfer(payment.pk, transaction_id=uuid4(), now=NOW, actor=buyer))
    assert kinds(asked) == {"Payment": 1, "TransferNotPossible": 5}

    done = at_once(6, lambda _: transfers.carry_out(payment.pk, now=NOW))

    assert Counter(done) == {True: 1, False: 5}
    assert len(fake_wise.transfers) == 1
    assert len([call for call in fake_wise.requests if call.method == "POST" and call.path == "/v1/transfers"]) == 1


@pytest.mark.abuse("CON-04")
def test_funding_carried_out_by_many_workers_pays_once(payment, buyer, fake_wise):
    transfers.request_transfer(payment.pk, transaction_id=uuid4(), now=NOW, actor=buyer)
    transfers.carry_out(payment.pk, now=NOW)
    transfers.request_funding(payment.pk, now=NOW, actor=buyer)
    before = fake_wise.balance

    done = at_once(6, lambda _: transfers.carry_out(payment.pk, now=NOW))

    payment.refresh_from_db()
    assert Counter(done) == {True: 1, False: 5}
    assert len([call for call in fake_wise.requests if call.path.endswith("/payments")]) == 1
    assert before - fake_wise.balance == payment.amount_usd + payment.fee_usd
    assert payment.status == "PROCESSING"


WORKER = """
import sys, django
django.setup()
from django.utils import timezone
from purchasing.services import transfers
transfers.carry_out(int(sys.argv[1]), now=timezone.now())
"""


def worker(payment, fake):
    """A process of its own that carries out what was asked of Wise for a payment."""
    env = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "WISE_API_KEY": fake.key,
        "WISE_API_BASE": fake.base,
        "WISE_PROFILE_ID": str(fake.profile_id),
    }
    return subprocess.Popen([sys.executable, "-c", WORKER, str(payment.pk)], env=env, cwd=ROOT)


@pytest.mark.abuse("CON-10")
def test_a_worker_killed_after_wise_made_the_transfer_leaves_one_when_it_is_run_again(payment, buyer, fake_wise):
    """SIGKILL while the answer is on its way, then the next worker once the claim has run out."""
    transfers.request_transfer(payment.pk, transaction_id=uuid4(), now=timezone.now(), actor=buyer)
    fake_wise.fault("POST", "/v1/transfers", AfterWork(Hang))
    first = worker(payment, fake_wise)
    wait_for(lambda: fake_wise.transfers or first.poll() is not None)
    first.kill()
    first.wait()
    payment.refresh_from_db()
    assert (len(fake_wise.transfers), payment.wise_transfer_id, payment.wise_task) == (1, "", "CREATE")

    Payment.objects.update(wise_task_claimed_at=payment.wise_task_claimed_at - transfers.CLAIM)
    assert worker(payment, fake_wise).wait(timeout=60) == 0

    payment.refresh_from_db()
    assert [str(number) for number in fake_wise.transfers] == [payment.wise_transfer_id]
    assert (payment.wise_task, payment.status) == ("", "PENDING")


def wait_for(happened):
    """Return once something that another process does has happened."""
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_many_readers_at_once_leave_what_wise_says(payment, buyer, fake_wise):
    linked = payments.create(
        supplier_id=make_supplier().pk,
        amount_usd=Decimal(3000),
        wise_transfer_id=str(fake_wise.add_transfer(state="outgoing_payment_sent")),
        today=TODAY,
        now=NOW,
        actor=buyer,
    )

    results = at_once(6, lambda _: tracking.read(linked.pk, now=NOW))

    linked.refresh_from_db()
    assert kinds(results) == {"Payment": 6}
    assert (linked.status, linked.wise_status, linked.sync_error) == ("DELIVERED", "outgoing_payment_sent", "")


@pytest.mark.abuse("INT-02")
def test_one_message_delivered_ten_times_at_once_is_kept_once(buyer, fake_wise):
    body = fake_wise.event(7, "processing", None, occurred_at=NOW)

    at_once(10, lambda number: wise_inbox.keep(body, delivery_id=str(number), is_test=False))

    assert WiseEvent.objects.count() == 1


@pytest.mark.abuse("CON-04")
def test_the_same_payment_sent_ten_times_with_one_key_behind_the_real_server_is_made_once(order, buyer):
    body = {"po_id": order.pk, "amount_usd": 3000, "kind": "DEPOSIT"}

    with server(workers=4) as running:
        sent = at_once(10, lambda _: post(running.address, buyer, "/api/payments", body, **{"Idempotency-Key": "k"}))

    assert set(Counter(answer.status_code for answer in sent)) <= {201, 409}
    assert len({answer.json()["id"] for answer in sent if answer.status_code == 201}) == 1
    assert Payment.objects.count() == 1
