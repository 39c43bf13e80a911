"""Jobs of purchasing: the doors to what is asked of Wise."""

import logging

from celery import shared_task
from django.utils import timezone

from core.errors import DomainError
from purchasing import wise
from purchasing.services import tracking, transfers, wise_inbox

log = logging.getLogger("godown.wise")


@shared_task
def sync_wise() -> None:
    """Every hour: finish what was begun, then read every transfer that may have changed."""
    finish_wise()
    tracking.read_all(now=timezone.now())


@shared_task
def finish_wise() -> None:
    """Every few minutes: do what a worker that died, or a queue that was down, has left undone."""
    now = timezone.now()
    for payment_id in transfers.unfinished(now=now):
        try:
            transfers.carry_out(payment_id, now=now)
        except wise.Unreachable as error:
            log.warning("payment %s waits: %s", payment_id, error.message)
    for event_id in wise_inbox.waiting():
        try:
            wise_inbox.look_into(event_id, now=now)
        except DomainError as error:
            log.warning("message %s of wise waits: %s", event_id, error.message)


@shared_task(autoretry_for=(wise.Unreachable,), retry_backoff=30, max_retries=4)
def move_money(payment_id: int) -> None:
    """Carry out what was asked of Wise for a payment."""
    transfers.carry_out(payment_id, now=timezone.now())


@shared_task
def read_transfer(payment_id: int) -> None:
    """Read the transfer that was just linked; what goes wrong is stored with the payment."""
    try:
        tracking.read(payment_id, now=timezone.now())
    except DomainError as error:
        log.info("payment %s: %s", payment_id, error.message)


@shared_task(autoretry_for=(wise.Unreachable,), retry_backoff=10, max_retries=4)
def look_into_event(event_id: int) -> None:
    """Read the transfer that a message of Wise tells of."""
    wise_inbox.look_into(event_id, now=timezone.now())
