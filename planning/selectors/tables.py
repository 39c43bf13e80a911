"""Reading the planning tables: seasons, holidays, settings, alerts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypedDict

from django.db.models import QuerySet

from planning import settings
from planning.errors import HolidayNotFound, NotificationNotFound
from planning.models import Holiday, Notification, SeasonalityFactor

AVERAGE = Decimal("1.000")


class Month(TypedDict):
    """How demand of a month compares with the average month."""

    month: int
    multiplier: Decimal


@dataclass(frozen=True)
class CurrentSetting:
    """A setting and what it says now."""

    key: settings.Key
    value: settings.Value


def seasonality() -> list[Month]:
    """Return all twelve months, those that were never set as average, in one query."""
    stored: Mapping[int, Decimal] = dict(SeasonalityFactor.objects.values_list("month", "multiplier"))
    return [Month(month=month, multiplier=stored.get(month, AVERAGE)) for month in range(1, 13)]


def holidays(*, country: str | None = None, type: str | None = None, year: int | None = None) -> QuerySet[Holiday]:
    """Return holidays by their first day, those that match every filter given.

    A holiday belongs to each year of which it has a day.
    """
    found = Holiday.objects.order_by("start_date", "country", "id")
    if country is not None:
        found = found.filter(country=country)
    if type is not None:
        found = found.filter(type=type)
    if year is not None:
        found = found.filter(start_date__lte=date(year, 12, 31), end_date__gte=date(year, 1, 1))
    return found


def holiday(holiday_id: int) -> Holiday:
    """Return one holiday. Raises HolidayNotFound."""
    found = Holiday.objects.filter(pk=holiday_id).first()
    if found is None:
        raise HolidayNotFound(holiday_id)
    return found


def current_settings() -> list[CurrentSetting]:
    """Return every setting with what it says now, in one query."""
    values = settings.values()
    return [CurrentSetting(key, getattr(values, key.name)) for key in settings.KEYS.values()]


def notifications(*, status: str | None = None, product_id: int | None = None) -> QuerySet[Notification]:
    """Return alerts with their products, those that match every filter given."""
    found = Notification.objects.select_related("product")
    if status is not None:
        found = found.filter(status=status)
    if product_id is not None:
        found = found.filter(product_id=product_id)
    return found


def notification(notification_id: int) -> Notification:
    """Return one alert with its product. Raises NotificationNotFound."""
    found = notifications().filter(pk=notification_id).first()
    if found is None:
        raise NotificationNotFound(notification_id)
    return found
