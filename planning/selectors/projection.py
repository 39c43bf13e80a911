"""The stock of one product day by day: as it was, and as it is expected."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TypedDict

import numpy as np
from django.db.models import Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from inventory import selectors as inventory
from inventory.models import StockMovement
from planning import reorder
from planning.selectors import reorder as planned
from planning.selectors.reorder import Inputs

PAST_DAYS = 90
FUTURE_DAYS = 180
_TENTH = Decimal("0.1")


class PastDay(TypedDict):
    """Units on the shelf in the evening."""

    date: date
    quantity: int


class ExpectedDay(TypedDict):
    """Units expected on the shelf in the evening, and what is expected to be sold and to arrive that day."""

    date: date
    quantity: Decimal
    demand: Decimal
    arriving: int


class ExpectedArrival(TypedDict):
    """Open units of an order; without a date they are not in the projection, late ones are taken to come today."""

    po_id: int
    po_number: str
    quantity: int
    expected_date: date | None
    is_late: bool


class ClosedDays(TypedDict):
    """Days on which the factory is closed, both included."""

    holiday_name: str
    start_date: date
    end_date: date


class Projection(TypedDict):
    """One product, 90 days back and 180 days ahead; ``run_out_date`` is None when it lasts longer."""

    product_id: int
    internal_sku: str
    name: str
    today: date
    quantity_on_hand: int
    daily_demand: Decimal
    method: str
    run_out_date: date | None
    order_by_date: date | None
    past: list[PastDay]
    expected: list[ExpectedDay]
    arrivals: list[ExpectedArrival]
    closures: list[ClosedDays]


def projection(product_id: int, *, today: date) -> Projection:
    """Return the stock of a product day by day. Raises ProductNotFound."""
    product = inventory.product(product_id)
    found = planned.inputs(today=today, product_ids=[product_id], is_active=None)
    row, plan = found.rows[0], found.plan()
    order_by, run_out = int(plan.order_by[0]), int(plan.run_out[0])
    return Projection(
        product_id=product_id,
        internal_sku=product.internal_sku,
        name=product.name,
        today=today,
        quantity_on_hand=row.on_hand or 0,
        daily_demand=Decimal(float(plan.forecast[0]) / int(plan.interval[0])).quantize(Decimal("0.01")),
        method=found.methods[0],
        run_out_date=None if run_out < 0 else today + timedelta(days=run_out),
        order_by_date=date.fromordinal(order_by) if order_by > 0 else None,
        past=_past(product_id, row.on_hand or 0, today),
        expected=_expected(found),
        arrivals=_arrivals(found, product_id),
        closures=_closures(found),
    )


def _past(product_id: int, on_hand: int, today: date) -> list[PastDay]:
    """Return the last 90 days before ``today``: from what is there now, the movements of each day taken back."""
    first = today - timedelta(days=PAST_DAYS)
    since = timezone.make_aware(datetime.combine(first, time.min))
    moved = StockMovement.objects.filter(product_id=product_id, created_at__gte=since).order_by()
    by_day = dict(moved.values_list(TruncDate("created_at")).annotate(units=Sum("quantity")))
    days: list[PastDay] = []
    quantity, day = on_hand - sum(units for on, units in by_day.items() if on >= today), today
    while day > first:
        day -= timedelta(days=1)
        days.append(PastDay(date=day, quantity=quantity))
        quantity -= by_day.get(day, 0)
    return days[::-1]


def _expected(found: Inputs) -> list[ExpectedDay]:
    season = reorder.season_by_day(found.season, today=found.today, days=FUTURE_DAYS)
    rate = reorder.demand_of(found.shelf.rate)
    days = np.maximum(found.arrivals.day, 0)
    evenings = reorder.walk(found.shelf.on_hand, rate, season, found.arrivals)
    return [
        ExpectedDay(
            date=found.today + timedelta(days=day),
            quantity=_tenth(stock[0]),
            demand=_tenth(rate[0] * season[day]),
            arriving=int(found.arrivals.units[days == day].sum()),
        )
        for day, (stock, _) in enumerate(evenings)
    ]


def _arrivals(found: Inputs, product_id: int) -> list[ExpectedArrival]:
    return [
        ExpectedArrival(
            po_id=one.order_id,
            po_number=one.po_number,
            quantity=one.quantity,
            expected_date=one.expected_date,
            is_late=one.expected_date is not None and one.expected_date < found.today,
        )
        for one in found.open.get(product_id, ())
    ]


def _closures(found: Inputs) -> list[ClosedDays]:
    """Return the closures that reach into the days shown."""
    first, last = found.today - timedelta(days=PAST_DAYS), found.today + timedelta(days=FUTURE_DAYS)
    return [
        ClosedDays(holiday_name=one.name, start_date=one.first, end_date=one.last)
        for one in found.closures
        if one.last >= first and one.first <= last
    ]


def _tenth(value: float) -> Decimal:
    return Decimal(float(value)).quantize(_TENTH)
