"""Reading accounts and the audit log."""

from datetime import date, datetime, time
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from accounts import audit
from accounts.models import AuditLog, ServiceKey, TotpDevice, User
from accounts.rights import Right

# What only those who manage users may read of.
_ACCOUNTS = tuple(model._meta.db_table for model in (User, ServiceKey, TotpDevice))


def audit_log(
    reader: User,
    *,
    table_name: str | None = None,
    record_id: int | None = None,
    action: str | None = None,
    user_id: int | None = None,
    since: date | None = None,
    until: date | None = None,
) -> QuerySet[AuditLog]:
    """Return what ``reader`` may see of the log, the rows that match every filter given; both days are included."""
    rows = AuditLog.objects.select_related("user")
    if not reader.may(Right.MANAGE_USERS):
        rows = rows.exclude(table_name__in=_ACCOUNTS)
    given: dict[str, Any] = {
        "table_name": table_name,
        "record_id": record_id,
        "action": action,
        "user_id": user_id,
        "created_at__gte": since and _moment(since, time.min),
        "created_at__lte": until and _moment(until, time.max),
    }
    return rows.filter(**{name: value for name, value in given.items() if value is not None})


def audited_tables(reader: User) -> dict[str, str]:
    """Return the tables whose changes ``reader`` may see, in words, by their names."""
    hidden = () if reader.may(Right.MANAGE_USERS) else _ACCOUNTS
    return {table: words for table, words in audit.tables().items() if table not in hidden}


def shown_values(values: dict[str, Any] | None, reader: User) -> dict[str, Any] | None:
    """Return what ``reader`` may see of the values of an audit row: amounts only with the right to see cost.

    Every field that holds money has a name that ends in ``_usd``.
    """
    if values is None or reader.may(Right.VIEW_COST):
        return values
    return {name: value for name, value in values.items() if not name.endswith("_usd")}


def _moment(day: date, at: time) -> datetime:
    return timezone.make_aware(datetime.combine(day, at))
