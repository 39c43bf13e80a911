"""What the business does with its calendar: how demand differs by month, when factories close, when people buy more."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from accounts import audit
from accounts.models import User
from core.operations import operation
from planning.errors import EndsBeforeItStarts, HolidayNotFound, HolidayTaken, MonthNotFound, PeriodTooLong
from planning.models import Holiday, SeasonalityFactor

MONTHS = range(1, 13)
MAX_DAYS = 366


@operation
def set_seasonality(multipliers: Mapping[int, Decimal], *, actor: User) -> None:
    """Set how demand of each month given (1 to 12) compares with the average month; 1 is the average.

    The other months stay as they are. Raises MonthNotFound.
    """
    unknown = [month for month in multipliers if month not in MONTHS]
    if unknown:
        raise MonthNotFound(unknown[0])
    stored = SeasonalityFactor.objects.select_for_update().order_by("month")
    old = dict(stored.filter(month__in=list(multipliers)).values_list("month", "multiplier"))
    rows = [SeasonalityFactor(month=m, multiplier=new) for m, new in sorted(multipliers.items()) if old.get(m) != new]
    if rows:
        changed = ["multiplier", "updated_at"]
        # One statement, which also settles who was first when two set a month that was never set.
        SeasonalityFactor.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["month"], update_fields=changed
        )
        _record_seasonality(rows, old)


@operation
def add_holiday(*, actor: User, **fields: Any) -> Holiday:
    """Add days on which factories of a country are closed, or people buy more. They may overlap others.

    Raises EndsBeforeItStarts, PeriodTooLong or HolidayTaken.
    """
    holiday = Holiday(**fields)
    _check_period(holiday.start_date, holiday.end_date)
    _save(holiday)
    return holiday


@operation
def change_holiday(holiday_id: int, *, actor: User, **fields: Any) -> Holiday:
    """Change the fields given. Raises HolidayNotFound and what ``add_holiday`` raises."""
    holiday = _locked(holiday_id)
    changed = [name for name, value in fields.items() if getattr(holiday, name) != value]
    for name in changed:
        setattr(holiday, name, fields[name])
    _check_period(holiday.start_date, holiday.end_date)
    if changed:
        _save(holiday, [*changed, "updated_at"])
    return holiday


@operation
def remove_holiday(holiday_id: int, *, actor: User) -> None:
    """Remove a holiday. Raises HolidayNotFound."""
    _locked(holiday_id).delete()


def _record_seasonality(rows: Sequence[SeasonalityFactor], old: Mapping[int, Decimal]) -> None:
    made = [(row.pk, None, {"month": row.month, **_told(row.multiplier)}) for row in rows if row.month not in old]
    changed = [(row.pk, _told(old[row.month]), _told(row.multiplier)) for row in rows if row.month in old]
    audit.record(SeasonalityFactor, audit.Action.CREATE, made)
    audit.record(SeasonalityFactor, audit.Action.UPDATE, changed)


def _told(multiplier: Decimal) -> dict[str, str]:
    return {"multiplier": f"{multiplier:.3f}"}


def _check_period(start: date, end: date) -> None:
    if end < start:
        raise EndsBeforeItStarts(start, end)
    days = (end - start).days + 1
    if days > MAX_DAYS:
        raise PeriodTooLong(days, MAX_DAYS)


def _save(holiday: Holiday, update_fields: list[str] | None = None) -> None:
    """Save ``holiday``. Whether there is one like it is the unique constraint's word, also when two ask at once."""
    try:
        with transaction.atomic():
            holiday.save(update_fields=update_fields)
    except IntegrityError as error:
        raise HolidayTaken(holiday.holiday_name, holiday.start_date) from error


def _locked(holiday_id: int) -> Holiday:
    holiday = Holiday.objects.select_for_update().filter(pk=holiday_id).first()
    if holiday is None:
        raise HolidayNotFound(holiday_id)
    return holiday
