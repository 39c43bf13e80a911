"""What became of money sent through Wise: asked there, and stored.

Wise is asked outside of any transaction. An answer is stored unless one that was asked for later is stored already, so
that two readers at once leave the newer truth. What Wise does not tell is never guessed.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple, TypeVar

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from core import money
from core.operations import operation
from purchasing import transfer_states, wise, wise_connection
from purchasing.errors import NotAtWise
from purchasing.models import Payment
from purchasing.selectors import payments as selectors
from purchasing.services import locks

T = TypeVar("T")
MAX_FEE = Decimal("1e9")  # beyond it, an answer makes no sense
log = logging.getLogger("godown.wise")

PAY_IN = "BALANCE"  # how transfers are funded, and so which of a quote's fees is ours
READ_AGAIN_FOR = timedelta(days=30)  # a bank may send money back for weeks
READ_FOR = timedelta(minutes=4)  # a job has five (CELERY_TASK_SOFT_TIME_LIMIT)
READ_SENT_EVERY = timedelta(hours=24)
GIVE_UP_AFTER = 3  # payments in a row for which Wise did not answer: then it is down, and the rest can wait


class Claim(NamedTuple):
    """A worker's hold on a payment's task: which, and since when."""

    task: str
    since: datetime

    def holds(self, payment: Payment) -> bool:
        """Whether the task is still this worker's. One that was away for too long has lost it."""
        return (payment.wise_task, payment.wise_task_claimed_at) == self


class Answer(NamedTuple):
    """What Wise said of a transfer, and what belongs to it; None where Wise did not tell."""

    transfer: wise.Transfer
    asked_at: datetime
    fee_usd: Decimal | None = None
    quote_id: str | None = None
    estimated_delivery_at: datetime | None = None


def read(payment_id: int, *, now: datetime, somebody_waits: bool = False) -> Payment:
    """Ask Wise about the payment's transfer and store what it says; returns the payment.

    When ``somebody_waits`` only the transfer itself is asked for, once; fee and arrival are for the next run.

    When Wise does not say, the payment keeps what was known, with the time and the reason.

    Raises PaymentNotFound, NotAtWise, WiseNotConnected, or the WiseError, once it is stored.
    """
    payment = selectors.payment(payment_id)
    if not payment.wise_transfer_id:
        raise NotAtWise(payment.payment_id)
    with wise_connection.client(somebody_waits=somebody_waits) as client:
        return _read(client, payment, now, in_full=not somebody_waits)


def read_all(*, now: datetime) -> int:
    """Ask Wise about every transfer that may have changed; returns how many were read.

    One that fails never stops the others. Once Wise does not answer at all, the rest keep what is known of them, with
    the reason, and wait for the next run; so do those that there is no time for (``READ_FOR``).
    """
    started = timezone.now()
    waiting = selectors.to_read(now=now, sent_since=now - READ_AGAIN_FOR, read_before=now - READ_SENT_EVERY)
    if not waiting or not wise_connection.is_set_up():
        return 0
    done, silent = 0, 0
    with wise_connection.client() as client:
        for position, payment_id in enumerate(waiting):
            if timezone.now() - started > READ_FOR:
                log.warning("wise: no time for %s payments in this run", len(waiting) - position)
                break
            try:
                _read(client, selectors.payment(payment_id), now)
                done, silent = done + 1, 0
            except wise.WiseError as error:
                silent = silent + 1 if is_down(error) else 0
                if silent == GIVE_UP_AFTER or isinstance(error, wise.RateLimited) or error.status == 401:
                    _leave(waiting[position + 1 :], error, at=now)
                    break
            except DatabaseError:
                log.exception("payment %s could not be read", payment_id)
    return done


def is_down(error: wise.WiseError) -> bool:
    """Whether Wise itself did not answer; an answer without sense is the trouble of one transfer."""
    return isinstance(error, wise.Unreachable) and error.is_passing


def _read(client: wise.Wise, payment: Payment, now: datetime, *, in_full: bool = True) -> Payment:
    asked_at = timezone.now()
    try:
        transfer = client.transfer(payment.wise_transfer_id)
        found = answer(client, payment, transfer, asked_at) if in_full else Answer(transfer, asked_at)
    except wise.WiseError as error:
        note_failure(payment.pk, error, at=now)
        raise
    return store(payment.pk, found)


def _leave(payment_ids: list[int], error: wise.WiseError, *, at: datetime) -> None:
    log.warning("wise: %s payments wait for the next run: %s", len(payment_ids), error.message)
    for payment_id in payment_ids:
        note_failure(payment_id, error, at=at)


def answer(client: wise.Wise, payment: Payment, transfer: wise.Transfer, asked_at: datetime | None = None) -> Answer:
    """Return what Wise says of a transfer, with its fee and its estimate where this key may ask for them."""
    asked = asked_at or timezone.now()
    if transfer.id != payment.wise_transfer_id:
        raise wise.Unreachable("Wise answered with another transfer than the one asked for.")
    estimate = payment.estimated_delivery_at
    if transfer_states.reading(transfer.state).status in ("PENDING", "PROCESSING"):
        estimate = _allowed(lambda: client.delivery_estimate(transfer.id, time_zone=settings.TIME_ZONE)) or estimate
    if transfer.quote_id == payment.wise_quote_id:
        return Answer(transfer, asked, estimated_delivery_at=estimate)
    return Answer(transfer, asked, fee_of(client, transfer), transfer.quote_id, estimate)


def fee_of(client: wise.Wise, transfer: wise.Transfer) -> Decimal | None:
    """Return the fee of a transfer's own quote in USD; None when this key may not read it, or it does not tell."""
    if not transfer.quote_id:
        return None
    quote = _allowed(lambda: client.quote(wise_connection.profile_of(client), transfer.quote_id))
    option = quote.option(PAY_IN) if quote is not None else None
    return fee_in_usd(quote, option) if quote is not None and option is not None else None


def fee_in_usd(quote: wise.Quote, option: wise.PaymentOption) -> Decimal | None:
    """Return the fee of a quote's option in USD, at the quote's own rate; None when it cannot be told."""
    currencies = (option.fee_currency, settings.BASE_CURRENCY)
    if option.fee_currency == settings.BASE_CURRENCY:
        fee = option.fee
    elif quote.rate is not None and currencies == (quote.source_currency, quote.target_currency):
        fee = option.fee * quote.rate
    else:
        return None
    return money.cents(fee) if fee < MAX_FEE else None


def _allowed(ask: Callable[[], T]) -> T | None:
    """Return what Wise answers, or None when this key may not ask, or Wise does not know."""
    try:
        return ask()
    except (wise.NotPermitted, wise.UnknownToWise, wise.RefusedByWise):
        return None


# Storing what Wise said


@operation
def store(payment_id: int, found: Answer, *, claim: Claim | None = None, problem: str = "") -> Payment:
    """Store an answer of Wise, unless a later one is stored already, or the payment follows another transfer by now.

    With the ``claim`` of a task that is still held, the task ends, and ``problem`` is what somebody should know.
    """
    payment = locks.payment_alone(payment_id)
    changed: dict[str, object] = {}
    other = selectors.other_with(found.transfer.id, payment)
    if other:
        problem = problem or f"Wise answered with transfer {found.transfer.id}, which belongs to {other}."
    elif _is_of(payment, found.transfer):
        changed |= _facts(payment, found) if _is_news(payment, found) else {}
    else:
        problem = problem or f"Wise answered with transfer {found.transfer.id}, which this payment does not follow."
    if claim is not None and claim.holds(payment):
        changed |= {"wise_task": "", "wise_task_claimed_at": None}
        changed |= {"attention": problem[:300]} if problem else {}
    for name, value in changed.items():
        setattr(payment, name, value)
    if changed:
        payment.save(update_fields=[*changed, "updated_at"])
    return payment


def _is_of(payment: Payment, transfer: wise.Transfer) -> bool:
    """Whether this is the transfer that the payment follows, or the one that was made for it."""
    return payment.wise_transfer_id == transfer.id or (not payment.wise_transfer_id and is_ours(payment, transfer))


def is_ours(payment: Payment, transfer: wise.Transfer) -> bool:
    """Whether Godown had this transfer made, for this payment."""
    number = payment.customer_transaction_id
    return number is not None and transfer.customer_transaction_id == str(number)


def _is_news(payment: Payment, found: Answer) -> bool:
    return payment.synced_at is None or payment.synced_at <= found.asked_at


def _facts(payment: Payment, found: Answer) -> dict[str, object]:
    """Return what an answer says of the payment. Attention is called for once a state, so that it can be put aside."""
    transfer = found.transfer
    meaning = transfer_states.reading(transfer.state)
    arrived = meaning.status == Payment.Status.DELIVERED
    facts: dict[str, object] = {
        "wise_transfer_id": transfer.id,
        "wise_made_here": is_ours(payment, transfer),
        "wise_status": transfer.state[:64],
        "status": meaning.status,
        "synced_at": found.asked_at,
        "sync_failed_at": None,
        "sync_error": "",
        "amount_received": transfer.target_amount if arrived else None,
        "currency_received": transfer.target_currency if arrived else "",
    }
    if found.estimated_delivery_at is not None:
        facts["estimated_delivery_at"] = found.estimated_delivery_at
    if found.fee_usd is not None:
        facts["fee_usd"] = found.fee_usd
    if found.quote_id is not None:
        facts["wise_quote_id"] = found.quote_id[:64]
    if payment.wise_status != transfer.state[:64]:
        facts["wise_state_since"] = found.asked_at
        facts["attention"] = " ".join(filter(None, (meaning.attention, difference(payment, transfer))))[:300]
    return facts


def difference(payment: Payment, transfer: wise.Transfer) -> str:
    """Return in words how a transfer differs from the payment that follows it, or nothing.

    Whom it goes to is agreed only for transfers that Godown had made.
    """
    account = payment.bank_account
    if is_ours(payment, transfer) and (account is None or account.wise_recipient_id != transfer.recipient_id):
        return f"The transfer goes to recipient {transfer.recipient_id}, which is not the payment's bank account."
    agreed = (settings.BASE_CURRENCY, payment.amount_usd)
    if (transfer.target_currency, transfer.target_amount) == agreed:
        return ""
    told = f"{transfer.target_amount:,.2f} {transfer.target_currency}"
    return f"The transfer pays out {told}, the payment is of {agreed[1]:,.2f} {agreed[0]}."


@operation
def note_failure(payment_id: int, error: Exception, *, at: datetime, release: Claim | None = None) -> None:
    """Store why nothing was learnt; everything known stays. The task of ``release`` is free for the next worker."""
    payment = locks.payment_alone(payment_id)
    payment.sync_failed_at = at
    payment.sync_error = str(error)[:300]
    fields = ["sync_failed_at", "sync_error"]
    if release is not None and release.holds(payment):
        payment.wise_task_claimed_at = None
        fields.append("wise_task_claimed_at")
    payment.save(update_fields=[*fields, "updated_at"])


@operation
def end_task(payment_id: int, claim: Claim, *, attention: str) -> None:
    """Store that Wise refused: nothing is done again by itself. A task that is not held any more is left alone."""
    payment = locks.payment_alone(payment_id)
    if not claim.holds(payment):
        return
    payment.wise_task = ""
    payment.wise_task_claimed_at = None
    payment.attention = attention[:300]
    payment.save(update_fields=["wise_task", "wise_task_claimed_at", "attention", "updated_at"])
