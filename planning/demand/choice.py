"""Which method forecasts which product: the one that would have done best, clearly, in its own past."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planning.demand.history import (
    WEEK,
    Demand,
    Floats,
    History,
    Season,
    demand,
    ratio,
    without_returned,
)
from planning.demand.methods import METHODS

MIN_WEEKS = 8
_FORTNIGHT = 14
_ORIGINS = 8
_MIN_TRIALS = 2
_CLEARLY = 0.95  # a challenger's error is at most this share of the velocity's
_LAST_YEAR = 364


@dataclass(frozen=True)
class Forecast:
    """What is expected of each product from the day after the last column on.

    ``rate``: deseasonalised units a day, never negative, never NaN. ``sigma``: standard deviation of daily demand,
    deseasonalised, over the days of the last 52 weeks that count. ``method``: index into METHODS. ``error``: WAPE of
    that method in the product's own past, NaN where it cannot be told. ``weeks``: whole weeks of days that count.
    ``is_intermittent``: more than half of the weeks (of the last 52 that count) went without a sale that stayed sold.
    """

    rate: np.ndarray
    sigma: np.ndarray
    method: np.ndarray
    error: np.ndarray
    weeks: np.ndarray
    is_intermittent: np.ndarray


@dataclass(frozen=True)
class Trials:
    """How the methods did in the past: Σ |error| a day by method and product, Σ units a day, and how often tried."""

    errors: Floats
    units: Floats
    times: NDArray[np.int64]


def forecast(history: History, season: Season, *, horizon_days: int) -> Forecast:
    """Forecast every product over the next ``horizon_days``, by the method that suits its own past best.

    Each product stands alone: its forecast does not depend on which others are asked about. ``velocity_90`` stays
    where there are under 8 weeks that count, where the others cannot be tried twice, and where none is clearly better.
    """
    parts = [_forecast(demand(part, season), max(horizon_days, 1)) for part in history.portions()]
    if not parts:
        return _forecast(demand(history, season), max(horizon_days, 1))
    return Forecast(*(np.concatenate(column) for column in zip(*map(_columns, parts), strict=True)))


def trials(seen: Demand, horizon_days: int) -> Trials:
    """Try every method at up to eight origins, two weeks apart, over the horizon asked for and over a fortnight.

    The fortnight leaves enough origins where history is short. At each origin a method sees what was known then; the
    product needs 8 weeks that count before it and a day that counts after it.
    """
    errors = np.zeros((len(METHODS), len(seen.units)))
    units = np.zeros(len(seen.units))
    times = np.zeros(len(seen.units), np.int64)
    for origin, span in _origins(seen.days, horizon_days):
        known = seen.before(origin)
        actual, exposure = seen.during(origin, span)
        counts = (known.days_counted >= MIN_WEEKS * WEEK) & (exposure > 0)
        rates = np.stack([method.reckon(known, span) for method in METHODS])
        errors += np.abs(rates * exposure - actual) * counts / span
        units += actual * counts / span
        times += counts
    return Trials(errors, units, times)


def _origins(days: int, horizon_days: int) -> Iterator[tuple[int, int]]:
    for span in sorted({horizon_days, _FORTNIGHT}):
        for step in range(_ORIGINS):
            origin = days - span - step * _FORTNIGHT
            if origin >= MIN_WEEKS * WEEK:
                yield origin, span


def _forecast(seen: Demand, horizon_days: int) -> Forecast:
    rows = np.arange(len(seen.units))
    tried = trials(seen, horizon_days)
    method = _best(tried, seen.days_counted)
    rates = np.stack([way.reckon(seen, horizon_days) for way in METHODS])
    told = (tried.times >= _MIN_TRIALS) & (tried.units > 0)
    error = np.divide(tried.errors[method, rows], tried.units, out=np.full(len(rows), np.nan), where=told)
    weeks = (seen.days_counted // WEEK).astype(np.int32)
    return Forecast(rates[method, rows], _sigma(seen), method, error, weeks, _is_intermittent(seen))


def _best(tried: Trials, days_counted: NDArray[np.int64]) -> NDArray[np.int8]:
    handicap = np.full((len(METHODS), 1), 1 / _CLEARLY)
    handicap[0] = 1
    best = np.argmin(tried.errors * handicap, axis=0)
    usual = (tried.times < _MIN_TRIALS) | (days_counted < MIN_WEEKS * WEEK)
    return np.where(usual, 0, best).astype(np.int8)


def _sigma(seen: Demand) -> Floats:
    """√(Σ (units − mean × exposure)² ÷ Σ exposure²): the standard deviation of daily demand where season is 1."""
    units = without_returned(seen.units[:, -_LAST_YEAR:]).astype(np.float64)
    exposure = seen.exposure[:, -_LAST_YEAR:].astype(np.float64)
    mean = ratio(units.sum(axis=1), exposure.sum(axis=1))
    off = (units - mean[:, np.newaxis] * exposure) ** 2
    return np.sqrt(ratio(off.sum(axis=1), (exposure**2).sum(axis=1)))


def _is_intermittent(seen: Demand) -> NDArray[np.bool_]:
    weeks = seen.weeks
    counted = weeks.exposure[:, -_LAST_YEAR // WEEK :] > 0
    empty = counted & (weeks.units[:, -_LAST_YEAR // WEEK :] <= 0)
    return np.asarray(2 * empty.sum(axis=1) > counted.sum(axis=1))


def _columns(part: Forecast) -> tuple[np.ndarray, ...]:
    return (part.rate, part.sigma, part.method, part.error, part.weeks, part.is_intermittent)
