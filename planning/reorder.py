"""When and how much to order: arithmetic over columns, one row a product. Knows no database and no Django.

Days are counted from ``today``, which is day 0; ordinals are ``date.toordinal``. Units are whole on the way in and out;
demand between them is not.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from planning.demand.history import multipliers
from planning.factory import Factory, Route

Units = NDArray[np.int64]
Reals = NDArray[np.float64]
Flags = NDArray[np.bool_]

DEFAULT_PRODUCTION_DAYS = 45  # what a supplier without a lead time is taken to need, as suppliers begin with
MAX_PRODUCTION_DAYS = 730
MAX_SAFETY_DAYS = 365
FEWEST_WEEKS = 8  # with less history the spread of demand is not known
SOON_DAYS = 30
NEVER = -1
_ALMOST_NOTHING = 1e-6  # units: what floating point leaves of a shelf that is exactly empty
_LEAST_A_DAY, _MOST_A_DAY = 1e-9, 1e9
_HIGHEST_SEASON = 100.0


class Urgency(StrEnum):
    """How soon to order.

    OVERDUE and NOW: there is something to order, and its order-by date has passed or falls before the next review.
    SOON: the order-by date is within 30 days. LATER: it is after that. NONE: nothing runs out within the horizon.
    """

    OVERDUE = "OVERDUE"
    NOW = "NOW"
    SOON = "SOON"
    LATER = "LATER"
    NONE = "NONE"


class Rounded(NamedTuple):
    """What is ordered instead of what is needed: units, cartons, and whether that adds more than a quarter."""

    units: Units
    cartons: Units
    adds_much: Flags


class Terms(NamedTuple):
    """What holds for all products; days are calendar days."""

    service_level: float
    review_days: int
    route: Route
    lead_time_sigma_days: float
    horizon_days: int
    factory: Factory


@dataclass(frozen=True)
class Shelf:
    """What is known of each product before it is planned.

    ``rate`` is the demand of an average day without its season, ``sigma`` how far days lie from it; what is no number,
    or below zero because more came back than was sold, is no demand. ``cover_days`` is the reserve where ``sigma`` says
    too little.
    """

    on_hand: Units
    production_days: Units
    cover_days: Units
    moq: Units
    units_per_carton: Units
    rate: Reals
    sigma: Reals
    weeks: Reals
    is_intermittent: Flags


class Arrivals(NamedTuple):
    """Dated units on order: the row of their product and the day they come; a day that has passed means today."""

    row: Units
    day: Units
    units: Units


class Plan(NamedTuple):
    """What follows for each product; days are NEVER (-1) where there is none, order-by dates are ordinals or 0.

    ``interval`` is how long an order placed today must last: until the one placed at the next review arrives. It is
    the lead time and the review period, and longer where a closure delays the next order. ``run_out`` is the first day
    whose demand is not met in full, ``need`` the first one that an order can still do something about.
    """

    arrival: Units
    interval: Units
    forecast: Reals
    supply: Units
    safety_stock: Units
    safety_days: Units
    run_out: Units
    need: Units
    order_by: Units
    needed: Units
    rounded: Rounded
    urgency: NDArray[np.object_]


def z(service_level: float) -> float:
    """Return how many sigmas of safety stock give ``service_level``: 1.282, 1.645, 2.054 for 90, 95, 98 percent."""
    return round(NormalDist().inv_cdf(min(max(service_level, 0.5), 0.9999)), 3)


def safety_stock(
    z: float, *, sigma: ArrayLike, days: ArrayLike, demand: ArrayLike = 0, lead_time_sigma: float = 0
) -> Units:
    """Return whole units against demand that differs by ``sigma`` a day over ``days``, and goods that come late.

    z·√(L·σ² + d²·σL²); without ``lead_time_sigma`` (in days) that is z·σ·√L.
    """
    sigmas, length, daily = (np.asarray(one, dtype=np.float64) for one in (sigma, days, demand))
    return _nearest(z * np.sqrt(length * sigmas**2 + (daily * lead_time_sigma) ** 2))


def cover_stock(cover_days: ArrayLike, demand: ArrayLike) -> Units:
    """Return whole units for ``cover_days`` of ``demand`` a day."""
    return _nearest(np.asarray(cover_days, dtype=np.float64) * np.asarray(demand, dtype=np.float64))


def round_up(needed: ArrayLike, *, moq: ArrayLike, units_per_carton: ArrayLike) -> Rounded:
    """Return at least ``needed`` and ``moq`` units in whole cartons, or nothing where nothing is needed."""
    wanted = np.maximum(np.asarray(needed, dtype=np.int64), 0)
    carton = np.maximum(np.asarray(units_per_carton, dtype=np.int64), 1)
    cartons = np.where(wanted > 0, -(-np.maximum(wanted, np.asarray(moq, dtype=np.int64)) // carton), 0)
    units = cartons * carton
    return Rounded(units, cartons, (units - wanted) * 4 > wanted)


def season_by_day(season: ArrayLike, *, today: date, days: int) -> Reals:
    """Return the season's multiplier of each of ``days`` from ``today`` on; ``season`` has one a month."""
    return multipliers(np.clip(np.asarray(season, dtype=np.float64), 0.0, _HIGHEST_SEASON), today, days)


def walk(on_hand: ArrayLike, rate: Reals, by_day: Reals, arrivals: Arrivals) -> Iterator[tuple[Reals, Flags]]:
    """Yield, day by day, what is on each shelf in the evening and whether the day's demand was not met in full.

    Arrivals are there in the morning. What cannot be sold is lost: the shelf does not go below zero.
    """
    stock = np.array(on_hand, dtype=np.float64)
    coming = _by_day(arrivals)
    for day, multiplier in enumerate(by_day):
        if day in coming:
            rows, units = coming[day]
            np.add.at(stock, rows, units)
        stock = stock - rate * multiplier
        short = stock < -_ALMOST_NOTHING
        stock = np.maximum(stock, 0.0)
        yield stock, short


def plan(shelf: Shelf, arrivals: Arrivals, *, season: ArrayLike, terms: Terms, today: date) -> Plan:
    """Return what to order of each product, and when."""
    start, rate = today.toordinal(), demand_of(shelf.rate)
    production = np.clip(shelf.production_days, 0, MAX_PRODUCTION_DAYS)
    arrival = terms.factory.ready(start, production) + terms.route.days - start
    interval = terms.factory.ready(start + terms.review_days, production) + terms.route.days - start
    longest = int(max(interval.max(initial=0), terms.horizon_days)) + MAX_SAFETY_DAYS + terms.review_days
    by_day = season_by_day(season, today=today, days=longest)
    forecast = rate * np.concatenate(([0.0], np.cumsum(by_day)))[interval]
    stock, days = _reserve(shelf, rate, forecast / np.maximum(interval, 1), interval, terms)
    supply = shelf.on_hand + _due(arrivals, interval)
    needed = np.ceil(forecast + stock - supply - _ALMOST_NOTHING).clip(min=0).astype(np.int64)
    horizon = np.maximum(terms.horizon_days, interval + days + terms.review_days)
    ends = walk(shelf.on_hand, rate, by_day[: int(horizon.max(initial=0))], arrivals)
    run_out, first, next_one = _shortages(ends, arrival, interval, horizon)
    need = np.where(needed > 0, first, next_one)
    needed = np.where(need == NEVER, 0, needed)
    order_by = np.where(
        need == NEVER, 0, terms.factory.start(start + need - days - terms.route.days, production)
    ).astype(np.int64)
    rounded = round_up(needed, moq=shelf.moq, units_per_carton=shelf.units_per_carton)
    urgency = _urgency(order_by, needed, start, terms.review_days)
    return Plan(arrival, interval, forecast, supply, stock, days, run_out, need, order_by, needed, rounded, urgency)


def demand_of(rate: Reals) -> Reals:
    """Return units a day that can be reckoned with: what is no number, or not above zero, is no demand."""
    known = np.nan_to_num(rate, nan=0.0, posinf=0.0, neginf=0.0)
    return np.where(known < _LEAST_A_DAY, 0.0, np.minimum(known, _MOST_A_DAY))


def _reserve(shelf: Shelf, rate: Reals, daily: Reals, interval: Units, terms: Terms) -> tuple[Units, Units]:
    """Return the safety stock in units, and as days of demand."""
    spread = demand_of(shelf.sigma) * np.divide(daily, rate, out=np.zeros_like(rate), where=rate > 0)
    cover = np.clip(shelf.cover_days, 0, MAX_SAFETY_DAYS)
    is_vague = (np.nan_to_num(shelf.weeks) < FEWEST_WEEKS) | shelf.is_intermittent
    by_spread = safety_stock(
        z(terms.service_level), sigma=spread, days=interval, demand=daily, lead_time_sigma=terms.lead_time_sigma_days
    )
    in_days = np.divide(by_spread, daily, out=np.zeros_like(daily), where=daily > 0).clip(max=MAX_SAFETY_DAYS)
    stock = np.where(is_vague, cover_stock(cover, daily), by_spread)
    days = np.where(is_vague, cover, np.ceil(in_days - _ALMOST_NOTHING))
    return stock.astype(np.int64), days.astype(np.int64)


def _due(arrivals: Arrivals, interval: Units) -> Units:
    """Return the units of each product that come inside its interval."""
    due = np.zeros(len(interval), dtype=np.int64)
    in_time = arrivals.day < interval[arrivals.row]
    np.add.at(due, arrivals.row[in_time], arrivals.units[in_time])
    return due


def _by_day(arrivals: Arrivals) -> Mapping[int, tuple[Units, Units]]:
    days = np.maximum(arrivals.day, 0)
    return {int(day): (arrivals.row[days == day], arrivals.units[days == day]) for day in np.unique(days)}


def _shortages(
    ends: Iterator[tuple[Reals, Flags]], arrival: Units, interval: Units, horizon: Units
) -> tuple[Units, Units, Units]:
    """Return the first day of shortage, and of the shortages that an order of today and the next one can end.

    A gap that is closed by what is on its way before an order could arrive is no reason to order.
    """
    run_out, first, next_one = (np.full(len(arrival), NEVER, dtype=np.int64) for _ in range(3))
    began = np.zeros(len(arrival), dtype=np.int64)
    was_short = np.zeros(len(arrival), dtype=np.bool_)
    for day, (_, is_short) in enumerate(ends):
        short = is_short & (day < horizon)
        began[short & ~was_short] = day
        run_out[short & (run_out == NEVER)] = day
        for found, since in ((first, arrival), (next_one, interval)):
            hit = short & (found == NEVER) & (day >= since)
            found[hit] = began[hit]
        was_short = short
    return run_out, first, next_one


def _urgency(order_by: Units, needed: Units, today: int, review_days: int) -> NDArray[np.object_]:
    is_due = needed > 0
    cases = [
        (order_by == 0, Urgency.NONE),
        (is_due & (order_by < today), Urgency.OVERDUE),
        (is_due & (order_by < today + review_days), Urgency.NOW),
        (order_by <= today + SOON_DAYS, Urgency.SOON),
    ]
    conditions, words = zip(*cases, strict=True)
    return np.select(list(conditions), [np.array(word, dtype=object) for word in words], default=Urgency.LATER)


def _nearest(value: Reals) -> Units:
    return np.floor(value + 0.5).astype(np.int64)
