"""Telling people by e-mail which products run out: at most one e-mail a product in 24 hours.

The table of notifications decides, so any number of workers may do this at once. Three steps: every product that needs
an alert gets a PENDING notification; what has recovered meanwhile loses its own; each one that is left is claimed in
one transaction, sent outside of any, and marked in another.

A mail that was not sent gives its claim back, and the next run tries again. A worker that dies between claim and mark
leaves its claim behind, and so does a mail server that took the whole mail and never answered: the mail may have
arrived, so that product is left alone until 24 hours after the claim. No alert is late by more than that, and nobody
ever gets two.

A product that is restocked, or not sold any more, before its mail went out needs none. Its notification is deleted,
because it is not true any more and was never SENT; the audit log keeps it.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from time import monotonic

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts import audit
from accounts.models import User
from core import rowsets
from core.operations import operation
from inventory.models import STATUS_CONDITIONS, Product, StockLevel, StockStatus
from planning import emails
from planning.models import Notification
from planning.selectors import dashboard
from sales import selectors as sales

log = logging.getLogger("godown.alerts")

QUIET_FOR = timedelta(hours=24)
SEND_FOR = timedelta(minutes=3)  # a job has five (CELERY_TASK_SOFT_TIME_LIMIT), and a slow mail may take one
GIVE_UP_AFTER = 3  # mails in a row that the server had no ear for: then it is down, and the rest can wait
CHUNK = 5_000

_Status = Notification.Status
_IS_LOW = STATUS_CONDITIONS[StockStatus.OUT_OF_STOCK] | STATUS_CONDITIONS[StockStatus.LOW]
_NOTED = ("product", "alert_type", "message", "status", "attempts", "last_error")


def alert_low_stock(*, now: datetime) -> list[Notification]:
    """Send one e-mail for each active product at or below its reorder point that had none in the last 24 hours.

    Returns the notifications that were sent, their ``sent_at`` being ``now``. What could not be sent stays PENDING: it
    is tried again by the next run and does not start the 24 hours. When the mail server is down the run gives up after
    ``GIVE_UP_AFTER`` mails, and after ``SEND_FOR`` it stops in any case.
    """
    while _note(now=now) == CHUNK:
        pass
    _withdraw(now=now)
    waiting = _waiting(now)
    to = recipients()
    if waiting and not to:
        log.error("%s stock alerts wait: no ALERT_RECIPIENTS, and no active administrator", len(waiting))
        return []
    return _send_each(waiting, to=to, now=now)


def recipients() -> list[str]:
    """Return who gets the alerts: ALERT_RECIPIENTS, or else the active administrators."""
    admins = User.objects.active_admins().order_by("email").values_list("email", flat=True)
    return list(settings.ALERT_RECIPIENTS) or list(admins)


# Which


def _low() -> QuerySet[StockLevel]:
    return StockLevel.objects.of_active_products().filter(_IS_LOW)


def _quiet(now: datetime) -> Q:
    """What keeps a product quiet: an e-mail of the last 24 hours, or one that may have been sent in them."""
    since = now - QUIET_FOR
    return Q(status=_Status.SENT, told_at__gt=since) | Q(status=_Status.PENDING, claimed_at__gt=since)


def _notifications() -> QuerySet[Notification]:
    # One that somebody marked as sent by hand has no time of sending.
    return Notification.objects.alias(told_at=Coalesce("sent_at", "created_at"))


# NOT IN and not NOT EXISTS: PostgreSQL looks the set up in a hash made once, also when it has no statistics yet.


def _unnoted(now: datetime) -> QuerySet[StockLevel]:
    """The levels of products that need a notification and have none."""
    there = _notifications().filter(_quiet(now) | Q(status=_Status.PENDING))
    return _low().exclude(product_id__in=there.values("product_id"))


def _waiting(now: datetime) -> list[int]:
    """Return the ids of the notifications to send, in one query: the emptiest first, what failed before last."""
    pending = Notification.objects.filter(status=_Status.PENDING, product_id__in=_low().values("product_id"))
    found = pending.exclude(product_id__in=_notifications().filter(_quiet(now)).values("product_id"))
    return list(found.order_by("attempts", "product__stock_level__quantity", "id").values_list("id", flat=True))


# Noting and withdrawing, by sets


@operation
def _note(*, now: datetime) -> int:
    """Write a notification for each product that needs one, ``CHUNK`` at most; returns how many were looked at."""
    ids = list(_unnoted(now).order_by("product_id").values_list("product_id", flat=True)[:CHUNK])
    if not ids:
        return 0
    list(Product.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk").values_list("pk"))
    # Again, now that no other worker is at them.
    levels = list(_unnoted(now).filter(product_id__in=ids).select_related("product").order_by("product_id"))
    rows = [
        (level.product_id, _type(alert), alert.sentence, _Status.PENDING.value, 0, "")
        for level, alert in zip(levels, _alerts(levels, now), strict=True)
    ]
    if rows:
        made = rowsets.insert(Notification, (*_NOTED, "created_at", "updated_at"), [(*row, now, now) for row in rows])
        told = [(key, None, dict(zip(_NOTED, row, strict=True))) for key, row in zip(made, rows, strict=True)]
        audit.record(Notification, audit.Action.CREATE, told)
    return len(ids)


@operation
def _withdraw(*, now: datetime) -> None:
    """Delete what waits, is in nobody's hands, and is not true any more; ``CHUNK`` at most."""
    free = Q(claimed_at=None) | Q(claimed_at__lte=now - QUIET_FOR)
    over = Notification.objects.filter(free, status=_Status.PENDING).exclude(product_id__in=_low().values("product_id"))
    rows = list(over.select_for_update(skip_locked=True).order_by("id")[:CHUNK])
    if not rows:
        return
    names = ("product_id", "alert_type", "message", "status", "attempts", "last_error")
    told = [(row.pk, {name.removesuffix("_id"): getattr(row, name) for name in names}, None) for row in rows]
    audit.record(Notification, audit.Action.DELETE, told)
    gone = Notification.objects.filter(pk__in=[row.pk for row in rows])
    gone._raw_delete(gone.db)


def _alerts(levels: Sequence[StockLevel], now: datetime) -> list[emails.LowStock]:
    """Return what is to be told of ``levels`` (with their products), in one query."""
    sold = sales.units_sold([level.product_id for level in levels], today=timezone.localdate(now))
    return [_alert(level, sold.get(level.product_id, 0)) for level in levels]


def _alert(level: StockLevel, units_sold: int) -> emails.LowStock:
    return emails.LowStock(
        product_id=level.product_id,
        sku=level.product.internal_sku,
        name=level.product.name,
        quantity=level.quantity,
        reorder_point=level.reorder_point,
        days_left=dashboard.days_until_stockout(level.quantity, units_sold),
    )


def _type(alert: emails.LowStock) -> str:
    kind = Notification.AlertType
    return (kind.OUT_OF_STOCK if alert.is_out else kind.LOW_STOCK).value


# Sending, one by one


def _send_each(waiting: Sequence[int], *, to: Sequence[str], now: datetime) -> list[Notification]:
    """Send each: one that fails never stops the others, until the server is down for all of them."""
    sent: list[Notification] = []
    silent, end = 0, monotonic() + SEND_FOR.total_seconds()
    for notification_id in waiting:
        if silent == GIVE_UP_AFTER or monotonic() > end:
            log.error("the other stock alerts wait for the next run; %s of %s were sent", len(sent), len(waiting))
            break
        try:
            done = _send(notification_id, to=to, now=now)
        except (emails.MailServerDown, DatabaseError) as error:
            silent += 1
            log.warning("stock alert %s waits: %s", notification_id, _told(error))
        except emails.MailFailed as error:
            silent = 0
            log.warning("stock alert %s waits: %s", notification_id, _told(error))
        else:
            silent = 0
            sent += [done] if done else []
    return sent


def _told(error: Exception) -> str:
    """Return what the log may say of ``error``; a database's own words hold values of the row."""
    return error.message if isinstance(error, emails.MailFailed) else type(error).__name__


def _send(notification_id: int, *, to: Sequence[str], now: datetime) -> Notification | None:
    alert = _claim(notification_id, now=now)
    if alert is None:
        return None
    try:
        emails.send_low_stock(alert, to=to)
    except emails.MailFailed as error:
        _note_failure(notification_id, error)
        raise
    return _mark_sent(notification_id, now=now)


@operation
def _claim(notification_id: int, *, now: datetime) -> emails.LowStock | None:
    """Take a notification to send it, and return what is true of its product now.

    None when there is nothing to send any more, or another worker is at it.
    """
    products = Product.objects.filter(notifications=notification_id, is_active=True)
    product = products.select_for_update(of=("self",), no_key=True).first()
    if product is None:
        return None
    level = _low().select_related("product").filter(product=product).first()
    quiet = _notifications().filter(_quiet(now), product=product).exists()
    notification = _pending(notification_id)
    if level is None or quiet or notification is None:
        return None
    alert = _alerts([level], now)[0]
    notification.alert_type, notification.message = _type(alert), alert.sentence
    notification.claimed_at = now
    notification.attempts += 1
    notification.save(update_fields=["alert_type", "message", "claimed_at", "attempts", "updated_at"])
    return alert


@operation
def _mark_sent(notification_id: int, *, now: datetime) -> Notification | None:
    notification = _pending(notification_id)
    if notification is None:  # somebody deleted it, or marked it, while its mail was on the way
        return None
    notification.status, notification.sent_at, notification.last_error = _Status.SENT, now, ""
    notification.save(update_fields=["status", "sent_at", "last_error", "updated_at"])
    return notification


@operation
def _note_failure(notification_id: int, error: emails.MailFailed) -> None:
    """Keep why a mail was not sent, and let the next run have it unless it may have arrived."""
    notification = _pending(notification_id)
    if notification is None:
        return
    notification.last_error = error.message
    if not isinstance(error, emails.MailOutcomeUnknown):
        notification.claimed_at = None
    notification.save(update_fields=["last_error", "claimed_at", "updated_at"])


def _pending(notification_id: int) -> Notification | None:
    found = Notification.objects.select_for_update().filter(pk=notification_id, status=_Status.PENDING)
    return found.first()
