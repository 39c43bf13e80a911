"""What planning can refuse."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from django.utils import timezone

from core.errors import InvalidInput, NotFound, Refused


class BadSetting(InvalidInput):
    """The value given is none that this setting takes."""

    code = "bad_setting"

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}", key=key)


class SettingNotFound(NotFound):
    """There is no setting of this name."""

    code = "setting_not_found"

    def __init__(self, key: str, known: Iterable[str]) -> None:
        super().__init__(f"There is no setting {key!r}. Known are: {', '.join(known)}.")


class HolidayNotFound(NotFound):
    """The holiday addressed does not exist."""

    code = "holiday_not_found"

    def __init__(self, holiday_id: int) -> None:
        super().__init__(f"There is no holiday {holiday_id}.")


class HolidayTaken(InvalidInput):
    """A holiday of this country, name and first day exists already."""

    code = "holiday_taken"

    def __init__(self, name: str, start: date) -> None:
        super().__init__(f"There is already a holiday {name!r} of this country that begins on {start}.")


class EndsBeforeItStarts(InvalidInput):
    """The last day is before the first."""

    code = "bad_period"

    def __init__(self, start: date, end: date) -> None:
        super().__init__(f"The last day, {end}, is before the first, {start}.")


class PeriodTooLong(InvalidInput):
    """A holiday of more than a year is a mistake."""

    code = "bad_period"

    def __init__(self, days: int, most: int) -> None:
        super().__init__(f"{days} days are too many for a holiday: {most} at most.")


class MonthNotFound(NotFound):
    """The year has twelve months."""

    code = "month_not_found"

    def __init__(self, month: int) -> None:
        super().__init__(f"There is no month {month}: 1 to 12.")


class NotificationNotFound(NotFound):
    """The notification addressed does not exist."""

    code = "notification_not_found"

    def __init__(self, notification_id: int) -> None:
        super().__init__(f"There is no notification {notification_id}.")


class NotificationCounts(Refused):
    """The 24 hours without a second mail are counted from this notification."""

    code = "notification_counts"

    def __init__(self, notification_id: int, *, until: datetime) -> None:
        moment = timezone.localtime(until).strftime("%Y-%m-%d %H:%M")
        super().__init__(f"Notification {notification_id} keeps a second mail away until {moment}. Delete it then.")


class NoActiveSupplier(InvalidInput):
    """Products are to be ordered of which no active supplier is known."""

    code = "no_active_supplier"

    def __init__(self, skus: Sequence[str]) -> None:
        super().__init__(f"These have no active supplier to order from: {', '.join(skus)}.", skus=list(skus))
