"""Jobs of purchasing: the doors to what is asked of Wise."""

import logging
from collections.abc import Callable, Iterable

from celery import shared_task
from django.db import DatabaseError
from django.utils import timezone

from core.errors import DomainError
from purchasing import wise
from purchasing.services import tracking, transfers, wise_inbox

log = logging.getLogger("godown.wise")
READ_FOR = tracking.READ_FOR / 2  # for payments, and again for messages


@shared_task
def sync_wise() -> None:
    """Every hour: read every transfer that may have changed."""
    tracking.read_all(now=timezone.now())


@shared_task
def finish_wise() -> None:
    """Every few minutes: do what a worker that died, or a queue that was down, has left undone."""
    now = timezone.now()
    _each(transfers.unfinished(now=now), lambda payment_id: transfers.carry_out(payment_id, now=now))
    _each(wise_inbox.waiting(), lambda event_id: wise_inbox.look_into(event_id, now=now))


def _each(ids: Iterable[int], do: Callable[[int], object]) -> None:
    """Do it for each, as long as there is time: one that fails never stops the others, unless Wise is down."""
    started, silent = timezone.now(), 0
    for each in ids:
        if silent == tracking.GIVE_UP_AFTER or timezone.now() - started > READ_FOR:
            return
        try:
            do(each)
            silent = 0
        except wise.RateLimited as error:
            log.warning("%s waits, and all after it: %s", each, error.message)
            return
        except wise.WiseError as error:
            silent = silent + 1 if tracking.is_down(error) else 0
            log.warning("%s waits: %s", each, error.message)
        except (DomainError, DatabaseError):
            log.exception("%s could not be done", each)


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
