"""Moving money through Wise.

What somebody asks for is stored as the payment's ``wise_task`` first; a job carries it out. The job talks to Wise
outside of any transaction: it claims the task in one, asks Wise, and stores the answer in another. A job that dies in
between is repeated after ``CLAIM`` with the same ``customer_transaction_id``, for which Wise makes one transfer only.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from core import security_log
from core.operations import operation
from purchasing import transfer_states, wise, wise_connection
from purchasing.errors import NotAtWise, OrderCancelled, TransferNotPossible, WiseNotConnected
from purchasing.models import Payment
from purchasing.services import locks, tracking
from purchasing.services.payments import refuse_overpayment

CLAIM = timedelta(minutes=10)  # longer than a job may run (CELERY_TASK_TIME_LIMIT)
_Task = Payment.WiseTask
TASK_LIVES = timedelta(hours=24)  # money asked for yesterday is not sent today by surprise
UNHEARD = "An earlier try may have made a transfer: ask again to find it, before paying another way."
_FUNDED_BEFORE = "payment.exists"
_NOT_OURS = "The transfer was not made by Godown: fund or cancel it where it was made."


# What people ask for


@operation
def request_transfer(
    payment_id: int, *, transaction_id: UUID, confirm_overpayment: bool = False, now: datetime, actor: User
) -> Payment:
    """Have a transfer made at Wise for a pending payment. It moves no money until it is funded.

    A payment keeps the ``transaction_id`` of its first request: should Wise have made a transfer that we never heard
    of, asking again finds it.

    Raises PaymentNotFound, WiseNotConnected, OrderCancelled, OverPayment, or TransferNotPossible with the reason.
    """
    payment = _ours_to_move(payment_id, confirm_overpayment)
    account = payment.bank_account
    if payment.status != Payment.Status.PENDING:
        raise TransferNotPossible(payment.payment_id, f"it is {payment.status}, not PENDING.")
    if payment.wise_transfer_id:
        raise TransferNotPossible(payment.payment_id, "it has a transfer at Wise already.")
    if account is None or not account.wise_recipient_id:
        raise TransferNotPossible(
            payment.payment_id, "it needs a bank account of the supplier that is known to Wise (wise_recipient_id)."
        )
    if account.currency != settings.BASE_CURRENCY:
        raise TransferNotPossible(
            payment.payment_id,
            f"the bank account takes {account.currency}, the payment is in {settings.BASE_CURRENCY}.",
        )
    payment.customer_transaction_id = payment.customer_transaction_id or transaction_id
    payment.initiated_at = now
    return _ask(payment, _Task.CREATE, "customer_transaction_id", "initiated_at", now=now)


@operation
def request_funding(payment_id: int, *, confirm_overpayment: bool = False, now: datetime, actor: User) -> Payment:
    """Have the transfer funded from the balance at Wise: from here on, money leaves.

    Raises PaymentNotFound, WiseNotConnected, OrderCancelled, OverPayment, NotAtWise, or TransferNotPossible with the
    reason.
    """
    payment = _ours_to_move(payment_id, confirm_overpayment)
    _made_by_us(payment)
    if payment.wise_status != transfer_states.WAITING:
        raise TransferNotPossible(
            payment.payment_id, f"its transfer is {payment.wise_status}, so it is not funded now."
        )
    return _ask(payment, _Task.FUND, now=now)


@operation
def request_cancellation(payment_id: int, *, now: datetime, actor: User) -> Payment:
    """Have the transfer cancelled at Wise, which Wise does as long as it was not paid out.

    What was asked for before and no worker is at is withdrawn by this.

    Raises PaymentNotFound, WiseNotConnected, NotAtWise, or TransferNotPossible with the reason.
    """
    payment = locks.payment(payment_id)
    if not wise_connection.is_set_up():
        raise WiseNotConnected
    if payment.wise_task == _Task.CANCEL or _is_claimed(payment, now):
        raise _being_asked(payment)
    if payment.wise_task == _Task.CREATE:
        return _withdraw(payment)
    _made_by_us(payment)
    if payment.status == Payment.Status.FAILED:
        raise TransferNotPossible(payment.payment_id, "its transfer has ended already.")
    return _ask(payment, _Task.CANCEL, now=now)


def _ours_to_move(payment_id: int, confirm_overpayment: bool) -> Payment:
    """Return a locked payment for which money may be moved now."""
    payment = locks.payment(payment_id)
    if payment.order is not None and payment.order.cancelled_at is not None:
        raise OrderCancelled(payment.order.po_number)
    if not wise_connection.is_set_up():
        raise WiseNotConnected
    if payment.wise_task:
        raise _being_asked(payment)
    if payment.attention:
        raise TransferNotPossible(payment.payment_id, f"see to this first, and put it aside: {payment.attention}")
    if not confirm_overpayment:
        refuse_overpayment(payment)
    return payment


def _made_by_us(payment: Payment) -> None:
    if not payment.wise_transfer_id:
        raise NotAtWise(payment.payment_id)
    if not payment.wise_made_here:
        raise TransferNotPossible(
            payment.payment_id, "its transfer was made in Wise's own pages: fund or cancel it there."
        )


def _being_asked(payment: Payment) -> TransferNotPossible:
    words = _Task(payment.wise_task).label.lower()
    return TransferNotPossible(payment.payment_id, f"Wise is being asked to {words}; wait for the answer.")


def _ask(payment: Payment, task: Payment.WiseTask, *fields: str, now: datetime) -> Payment:
    from purchasing.tasks import move_money  # noqa: PLC0415 - the door of the job knows this module

    payment.wise_task = task
    payment.wise_task_asked_at = now
    payment.wise_task_claimed_at = None
    payment.save(update_fields=["wise_task", "wise_task_asked_at", "wise_task_claimed_at", *fields, "updated_at"])
    security_log.event("money_asked_to_move", payment=payment.payment_id, task=task.value)
    transaction.on_commit(lambda: move_money.delay(payment.pk), robust=True)
    return payment


def _withdraw(payment: Payment) -> Payment:
    """Forget that a transfer was asked for. Wise may have made one in a try whose answer was lost."""
    payment.attention = UNHEARD if payment.sync_error or payment.wise_task_claimed_at else ""
    payment.wise_task = ""
    payment.save(update_fields=["wise_task", "attention", "updated_at"])
    security_log.event("money_not_asked_to_move", payment=payment.payment_id)
    return payment


# What the job does about it


def carry_out(payment_id: int, *, now: datetime) -> bool:
    """Ask Wise for what the payment's task says, and store the answer; whether there was something to do.

    Raises Unreachable when the outcome is not known: the task stays, and is repeated.
    """
    payment = _claim(payment_id, now=now)
    if payment is None:
        return False
    claim = tracking.Claim(payment.wise_task, now)
    try:
        with wise_connection.client() as client:
            _STEPS[_Task(payment.wise_task)](client, payment, claim)
    except wise.Unreachable as error:
        # What was asked of funding may have happened: its claim stays, so that Wise has time to show it.
        tracking.note_failure(payment_id, error, at=now, release=None if claim.task == _Task.FUND else claim)
        raise
    except wise.WiseError as error:
        unheard = claim.task == _Task.CREATE and payment.sync_error
        tracking.end_task(payment_id, claim, attention=f"{error.message} {UNHEARD if unheard else ''}".strip())
    except WiseNotConnected as error:
        tracking.note_failure(payment_id, error, at=now, release=claim)
    return True


def unfinished(*, now: datetime) -> list[int]:
    """Return the ids of payments with a task that nobody is at, those touched longest ago first, in one query."""
    nobody = Q(wise_task_claimed_at=None) | Q(wise_task_claimed_at__lt=now - CLAIM)
    waiting = Payment.objects.exclude(wise_task="").filter(nobody).order_by("updated_at", "id")
    return list(waiting.values_list("id", flat=True))


def _is_claimed(payment: Payment, now: datetime) -> bool:
    claimed = payment.wise_task_claimed_at
    return bool(payment.wise_task) and claimed is not None and claimed > now - CLAIM


@operation
def _claim(payment_id: int, *, now: datetime) -> Payment | None:
    """Take the task of a payment, unless there is none, somebody is at it, or it was asked for too long ago."""
    payment = locks.payment_alone(payment_id)
    if not payment.wise_task or _is_claimed(payment, now):
        return None
    if payment.wise_task_claimed_at is not None:  # and the worker that claimed it never came back
        payment.sync_error = payment.sync_error or "A worker did not finish."
    payment.wise_task_claimed_at = now
    payment.save(update_fields=["wise_task_claimed_at", "sync_error"])
    if payment.wise_task_asked_at is not None and payment.wise_task_asked_at < now - TASK_LIVES:
        asked = f"{timezone.localtime(payment.wise_task_asked_at):%d %B, %H:%M}"
        words = f"Wise could not be asked since {asked}. Ask again if it is still meant. {UNHEARD}"
        tracking.end_task(payment_id, tracking.Claim(payment.wise_task, now), attention=words)
        return None
    return payment


def _create(client: wise.Wise, payment: Payment, claim: tracking.Claim) -> None:
    account = payment.bank_account
    number = payment.customer_transaction_id
    assert account is not None
    assert number is not None
    quote = client.create_quote(
        wise_connection.profile_of(client),
        source_currency=settings.WISE_SOURCE_CURRENCY,
        target_currency=account.currency,
        target_amount=payment.amount_usd,
        recipient_id=account.wise_recipient_id,
        pay_in=tracking.PAY_IN,
    )
    option = quote.option(tracking.PAY_IN)
    reason = _against(quote, option, payment)
    if reason:
        raise wise.RefusedByWise(f"The quote of Wise cannot be used: {reason}")
    asked_at = timezone.now()
    transfer = client.create_transfer(
        recipient_id=account.wise_recipient_id,
        quote_id=quote.id,
        customer_transaction_id=number,
        reference=payment.payment_id,
    )
    if not tracking.is_ours(payment, transfer):
        raise wise.Unreachable("Wise answered with a transfer that was not asked for.")
    same = transfer.quote_id == quote.id  # a repetition gets the transfer of the first time, with its own quote
    fee = tracking.fee_in_usd(quote, option) if same and option is not None else tracking.fee_of(client, transfer)
    tracking.store(payment.pk, tracking.Answer(transfer, asked_at, fee, transfer.quote_id), claim=claim)


def _against(quote: wise.Quote, option: wise.PaymentOption | None, payment: Payment) -> str:
    """Return why this quote cannot be used, or nothing."""
    if quote.blocked:
        return " ".join(quote.blocked)
    if option is None:
        return "Wise offers no payment from the balance for it."
    if option.disabled:
        return option.disabled_reason or "payment from the balance is not possible."
    if option.target_amount != payment.amount_usd:
        return f"the quote pays out {option.target_amount:,.2f}, the payment is of {payment.amount_usd:,.2f}."
    return ""


def _fund(client: wise.Wise, payment: Payment, claim: tracking.Claim) -> None:
    asked_at, problem = timezone.now(), ""
    transfer = client.transfer(payment.wise_transfer_id)
    if transfer.state == transfer_states.WAITING:
        problem = _not_as_agreed(payment, transfer)
        if not problem:
            problem = _funded(client, payment)
            asked_at = timezone.now()
            transfer = client.transfer(payment.wise_transfer_id)
    tracking.store(payment.pk, tracking.answer(client, payment, transfer, asked_at), claim=claim, problem=problem)


def _not_as_agreed(payment: Payment, transfer: wise.Transfer) -> str:
    """Return why this is not the transfer that somebody meant to fund, or nothing."""
    return tracking.difference(payment, transfer) if tracking.is_ours(payment, transfer) else _NOT_OURS


def _funded(client: wise.Wise, payment: Payment) -> str:
    """Fund the transfer; return why it is not funded, or nothing."""
    profile_id = wise_connection.profile_of(client)
    funding = client.fund(profile_id, payment.wise_transfer_id)
    if funding.completed or funding.error_code == _FUNDED_BEFORE:
        return ""
    return f"Wise did not fund the transfer: {funding.error_code or funding.status}."


def _cancel(client: wise.Wise, payment: Payment, claim: tracking.Claim) -> None:
    asked_at, problem = timezone.now(), _NOT_OURS
    transfer = client.transfer(payment.wise_transfer_id)
    if tracking.is_ours(payment, transfer):
        problem = _cancelled(client, payment)
        asked_at = timezone.now()
        transfer = client.transfer(payment.wise_transfer_id)
    tracking.store(payment.pk, tracking.answer(client, payment, transfer, asked_at), claim=claim, problem=problem)


def _cancelled(client: wise.Wise, payment: Payment) -> str:
    """Cancel the transfer; return why it is not cancelled, or nothing."""
    try:
        return "" if client.cancel(payment.wise_transfer_id).state == "cancelled" else "Wise has not cancelled it yet."
    except wise.RefusedByWise as error:
        return error.message


_STEPS: dict[Payment.WiseTask, Callable[[wise.Wise, Payment, tracking.Claim], None]] = {
    _Task.CREATE: _create,
    _Task.FUND: _fund,
    _Task.CANCEL: _cancel,
}
