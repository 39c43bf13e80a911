"""What Wise tells by webhook: kept at once, looked into by a job.

A message is a hint. It is believed to come from Wise (its signature was verified), and still only Wise's own answer
changes a payment's status: messages are repeated, late and out of order.
"""

import hashlib
from datetime import datetime

from django.conf import settings
from django.db import transaction

from core.operations import operation
from purchasing import wise, wise_connection, wise_webhooks
from purchasing.models import Payment, WiseEvent
from purchasing.services import locks, tracking

AT_ONCE = 500
_Outcome = WiseEvent.Outcome
_STATE_CHANGE = "transfers#state-change"
_FAILURE = "transfers#payout-failure"
_REFUND = "transfers#refund"
_LOOKED_INTO = (_STATE_CHANGE, _FAILURE, _REFUND, "transfers#active-cases")


@operation
def keep(raw: bytes, *, delivery_id: str, is_test: bool) -> bool:
    """Store a verified message and have a job look into it; False when it was told before.

    The same bytes again, and the same news in other bytes (Wise sends one message for each subscription), are told
    before.
    """
    event = _event(raw, is_test)
    event.delivery_id = delivery_id[:64]
    same = WiseEvent.objects.filter(body_digest=event.body_digest)
    if same.exists():
        return False
    WiseEvent.objects.bulk_create([event], ignore_conflicts=True)
    kept = same.values_list("pk", "outcome").first()
    if kept is None:
        return False
    if kept[1] == _Outcome.PENDING:
        _queue(kept[0])
    return True


def waiting() -> list[int]:
    """Return the ids of the oldest messages that no job has looked into, in one query."""
    pending = WiseEvent.objects.filter(outcome=_Outcome.PENDING).order_by("id")
    return list(pending.values_list("id", flat=True)[:AT_ONCE])


def look_into(event_id: int, *, now: datetime) -> str:
    """Read the transfer that a message tells of, and return the message's outcome.

    A message of a transfer that nobody follows yet stays PENDING while a transfer is being made: it may be that one.

    Raises the WiseError when Wise cannot be asked; the message stays PENDING.
    """
    event = WiseEvent.objects.get(pk=event_id)
    if event.outcome != _Outcome.PENDING:
        return event.outcome
    reason = _not_ours(event)
    if reason:
        return _end(event, _Outcome.IGNORED, reason)
    payment = Payment.objects.filter(wise_transfer_id=event.transfer_id).first()
    if payment is None:
        if Payment.objects.filter(wise_task=Payment.WiseTask.CREATE).exists():
            return event.outcome
        return _end(event, _Outcome.IGNORED, "No payment follows this transfer.")
    if _is_outdated(event, payment):
        return _end(event, _Outcome.OUTDATED, f"Of {payment.wise_event_at} something newer was known.")
    if wise_connection.is_set_up():
        _confirm(payment, now)
    return _apply(event, payment.pk)


def _is_outdated(event: WiseEvent, payment: Payment) -> bool:
    """Whether a later change of state was told before this one. Failures and refunds never are."""
    known, told = payment.wise_event_at, event.occurred_at
    if event.event_type != _STATE_CHANGE or known is None or told is None:
        return False
    return told < known


def _confirm(payment: Payment, now: datetime) -> None:
    try:
        tracking.read(payment.pk, now=now)
    except wise.Unreachable:
        raise
    except wise.WiseError:
        pass  # Wise refuses to tell: the reason is with the payment, and asking again changes nothing


def _event(raw: bytes, is_test: bool) -> WiseEvent:
    digest = hashlib.sha256(raw).hexdigest()
    body = raw.decode(errors="replace").replace("\0", "")
    try:
        told = wise_webhooks.parse(raw, is_test=False)
    except ValueError:
        return WiseEvent(
            body_digest=digest, body=body, outcome=_Outcome.IGNORED, reason="Not a message that can be read."
        )
    # Wise does not sign the header that calls a message a test: one that names a transfer is none.
    is_test = is_test and not told.transfer_id
    return WiseEvent(
        body_digest=digest,
        body=body,
        event_type=told.event_type,
        schema_version=told.schema_version,
        subscription_id=told.subscription_id,
        profile_id=told.profile_id,
        transfer_id=told.transfer_id,
        told=told.told or ("" if told.refund_amount is None else f"{told.refund_amount} {told.refund_currency}"),
        occurred_at=told.occurred_at,
        outcome=_Outcome.TEST if is_test else _Outcome.PENDING,
    )


def _queue(event_id: int) -> None:
    """Have a job look into it. A queue that is down is not waited for: the message is kept, and swept up later."""
    from purchasing.tasks import look_into_event  # noqa: PLC0415 - the door of the job knows this module

    transaction.on_commit(lambda: look_into_event.apply_async((event_id,), retry=False), robust=True)


def _not_ours(event: WiseEvent) -> str:
    """Return why a message concerns no payment of ours, or nothing."""
    if event.event_type not in _LOOKED_INTO:
        return "Godown has no use for this kind of message."
    if not event.transfer_id:
        return "It names no transfer."
    if settings.WISE_PROFILE_ID and event.profile_id not in ("", settings.WISE_PROFILE_ID):
        return f"It is for profile {event.profile_id}."
    return ""


@operation
def _end(event: WiseEvent, outcome: str, reason: str = "") -> str:
    event.outcome = outcome
    event.reason = reason[:300]
    event.save(update_fields=["outcome", "reason", "updated_at"])
    return outcome


@operation
def _apply(event: WiseEvent, payment_id: int) -> str:
    """Store with the payment what only the message tells: when it occurred, why it failed, what came back."""
    payment = locks.payment_alone(payment_id)
    told = wise_webhooks.parse(event.body.encode(), is_test=False)
    changed: dict[str, object] = {}
    if event.event_type == _STATE_CHANGE and event.occurred_at is not None:
        changed["wise_event_at"] = max(filter(None, (payment.wise_event_at, event.occurred_at)))
    if event.event_type == _FAILURE:
        changed["attention"] = f"Wise could not pay out: {told.description or told.told}."[:300]
    if event.event_type == _REFUND and told.refund_amount is not None:
        changed |= {"amount_refunded": told.refund_amount, "currency_refunded": told.refund_currency[:3]}
    if not wise_connection.is_set_up() and event.event_type == _STATE_CHANGE:
        changed["attention"] = f'Wise says "{event.told}", and cannot be asked: there is no WISE_API_KEY.'
    for name, value in changed.items():
        setattr(payment, name, value)
    if changed:
        payment.save(update_fields=[*changed, "updated_at"])
    return _end(event, _Outcome.APPLIED)
