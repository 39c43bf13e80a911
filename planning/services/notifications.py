"""What the office may do with alerts: throw away those that nothing is counted from any more."""

from datetime import datetime

from accounts.models import User
from core.operations import operation
from planning.errors import NotificationCounts, NotificationNotFound
from planning.models import Notification
from planning.services.inventory_monitor import QUIET_FOR


@operation
def remove(notification_id: int, *, now: datetime, actor: User) -> None:
    """Delete an alert.

    One that was sent in the last 24 hours stays, and so does one that a worker took in them to send it: without it a
    second mail would follow. Raises NotificationNotFound or NotificationCounts.
    """
    notification = Notification.objects.select_for_update().filter(pk=notification_id).first()
    if notification is None:
        raise NotificationNotFound(notification_id)
    since = _counts_since(notification)
    if since is not None and since > now - QUIET_FOR:
        raise NotificationCounts(notification_id, until=since + QUIET_FOR)
    notification.delete()


def _counts_since(notification: Notification) -> datetime | None:
    if notification.status == Notification.Status.PENDING:
        return notification.claimed_at
    return notification.sent_at or notification.created_at
