"""The steps of a shipment and what their dates mean. Asks the database nothing."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import NamedTuple

from purchasing.models import MilestoneType

CHAIN = tuple(MilestoneType)
# A shipment is there when it is delivered; without that date, the later of the others tells best.
_ARRIVALS = (MilestoneType.DELIVERED, MilestoneType.CLEARED, MilestoneType.ARRIVED)


class Dates(NamedTuple):
    """When a step is expected and when it happened."""

    expected_date: date | None = None
    actual_date: date | None = None


Plan = Mapping[MilestoneType, Dates]


def reached(plan: Plan) -> MilestoneType:
    """Return the last step that happened; ORDER_PLACED when none did."""
    happened = [step for step in CHAIN if plan.get(step, Dates()).actual_date]
    return happened[-1] if happened else MilestoneType.ORDER_PLACED


def expected_arrival(plan: Plan) -> date | None:
    """Return when the goods are expected here: delivered, else cleared, else arrived; None when nobody said."""
    dates = (plan.get(step, Dates()).expected_date for step in _ARRIVALS)
    return next((day for day in dates if day), None)


def is_late(step: MilestoneType, dates: Dates, *, status: MilestoneType, today: date) -> bool:
    """Whether ``step`` should have happened before ``today`` and has not.

    A step before the ``status`` of its shipment did happen, even if nobody wrote down when; and the order of every
    shipment is placed.
    """
    is_awaited = CHAIN.index(step) > CHAIN.index(status)
    return is_awaited and dates.expected_date is not None and dates.expected_date < today


def problems(plan: Plan, *, today: date) -> list[dict[str, str]]:
    """Return every date that cannot be: an actual one after ``today``, and any that runs backwards along the chain."""
    return [*_in_the_future(plan, today), *_backwards(plan, "expected_date"), *_backwards(plan, "actual_date")]


def problem(step: MilestoneType, field: str, reason: str) -> dict[str, str]:
    """Return what is wrong with one field of a step, as it is told."""
    return {"milestone_type": step.value, "field": field, "reason": reason}


def _in_the_future(plan: Plan, today: date) -> Iterator[dict[str, str]]:
    for step in CHAIN:
        day = plan.get(step, Dates()).actual_date
        if day and day > today:
            yield problem(step, "actual_date", f"it cannot have happened on {day}, today is {today}")


def _backwards(plan: Plan, field: str) -> Iterator[dict[str, str]]:
    latest: tuple[date, MilestoneType] | None = None
    for step in CHAIN:
        day: date | None = getattr(plan.get(step, Dates()), field)
        if day is None:
            continue
        if latest and day < latest[0]:
            words = field.replace("_", " ")
            yield problem(step, field, f"{words} {day} is before {latest[1].value} on {latest[0]}")
        else:
            latest = day, step
