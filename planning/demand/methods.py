"""Ways to tell what a product will sell a day.

Their constants were chosen on the first nine months of a real year (docs/planning.md), not by product.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from planning.demand.history import WEEK, Demand, Floats, History, Season, Singles, demand, ratio

VELOCITY_DAYS = 90
_LONGEST_MEMORY = 104  # weeks
_YEAR = 52  # weeks, so that weekdays meet
_LATELY = 8  # weeks
_PRIOR_UNITS = 20


@dataclass(frozen=True)
class Method:
    """One way. ``name`` is stable (it is stored and shown by the API), ``label`` is for people."""

    name: str
    label: str
    reckon: Callable[[Demand, int], Floats]

    def rate(self, history: History, season: Season, horizon_days: int = VELOCITY_DAYS) -> np.ndarray:
        """Return deseasonalised units a day of each product, expected over ``horizon_days``; never negative or NaN."""
        parts = [self.reckon(demand(part, season), horizon_days) for part in history.portions()]
        return np.concatenate(parts) if parts else np.zeros(0)


def velocity_90(seen: Demand, horizon_days: int = VELOCITY_DAYS) -> Floats:
    """Net units of the last 90 days ÷ those of the 90 days that count.

    A product younger than a week is judged as if it were a week old. Where the shelf was empty on all 90 days, the
    days before them count instead: an empty shelf is no reason to expect nothing.
    """
    first = max(seen.days - VELOCITY_DAYS, 0)
    units, exposure = seen.during(first, VELOCITY_DAYS)
    gone = exposure == 0
    if gone.any():
        before, before_exposure = seen.during(0, first)
        units, exposure = np.where(gone, before, units), np.where(gone, before_exposure, exposure)
    age = seen.days - np.asarray(seen.born, dtype=np.int64)
    return ratio(units, exposure + np.where(exposure > 0, np.clip(WEEK - age, 0, WEEK), 0))


def tsb(seen: Demand, horizon_days: int = VELOCITY_DAYS) -> Floats:
    """Teunter-Syntetos-Babai: (chance that a week sells) × (units a day in a week that does), each smoothed.

    The chance falls with every week without a sale, so a product that dies is let go. From the third selling week on,
    a week counts for at most three times the size before it: a wholesale order is no habit.
    """
    alpha, most = np.float32(0.2), np.float32(3)
    units, exposure = _remembered(seen)
    gain = _gains(exposure, 0.2)
    rates = _rates(units, exposure)
    sells = units > 0
    chance, size, times = (np.zeros(len(units), np.float32) for _ in range(3))
    for week in range(units.shape[1]):
        sold, now = sells[:, week], rates[:, week]
        chance += gain[:, week] * (sold - chance)
        times += sold
        tamed = np.where(times >= 3, np.minimum(now, most * size), now)
        step = np.maximum(alpha, 1 / np.maximum(times, 1))
        size += np.where(sold, step * (tamed - size), 0)
    return (chance * size).astype(np.float64)


def level(seen: Demand, horizon_days: int = VELOCITY_DAYS) -> Floats:
    """Exponential smoothing of weekly demand: follows a product that grows or fades faster than a mean of 90 days.

    From the fourth week on, a week counts for at most four times the level before it (at least four units).
    """
    most, least = np.float32(4), np.float32(1 / WEEK)
    units, exposure = _remembered(seen)
    gain = _gains(exposure, 0.3)
    rates = _rates(units, exposure)
    counted = np.cumsum(exposure > 0, axis=1) > 3
    smooth = np.zeros(len(units), np.float32)
    for week in range(units.shape[1]):
        now = rates[:, week]
        tamed = np.where(counted[:, week], np.minimum(now, most * np.maximum(smooth, least)), now)
        smooth += gain[:, week] * (tamed - smooth)
    return smooth.astype(np.float64)


def year_ago(seen: Demand, horizon_days: int = VELOCITY_DAYS) -> Floats:
    """The same weeks of last year, scaled by how the last eight weeks compare with the same eight of last year.

    Few sales pull the comparison towards 1, and it stays between a quarter and four. Products without a year and
    eight weeks of history get ``velocity_90``.
    """
    units, exposure = seen.weeks.units, seen.weeks.exposure
    plain = velocity_90(seen)
    if units.shape[1] < _YEAR + _LATELY:
        return plain
    ahead = min(max(-(-horizon_days // WEEK), 1), _YEAR)
    target = slice(-_YEAR, units.shape[1] - _YEAR + ahead)
    lately, then, coming = (
        _tamed(units[:, weeks], exposure[:, weeks])
        for weeks in (slice(-_LATELY, None), slice(-_YEAR - _LATELY, -_YEAR), target)
    )
    usual = ratio(then[0] + coming[0], then[1] + coming[1])
    change = ratio(_pulled(coming, usual), _pulled(then, usual))
    known = (then[1] >= _LATELY * WEEK / 2) & (coming[1] >= ahead * WEEK / 2) & (lately[1] >= WEEK) & (usual > 0)
    return np.where(known, ratio(*lately) * np.clip(change, 0.25, 4), plain)


METHODS: tuple[Method, ...] = (
    Method("velocity_90", "Mean of 90 days", velocity_90),
    Method("tsb", "Teunter-Syntetos-Babai, for slow sellers", tsb),
    Method("level", "Smoothed weeks, for sellers that change", level),
    Method("year_ago", "Same weeks of last year, scaled", year_ago),
)


def _remembered(seen: Demand) -> tuple[Singles, Singles]:
    weeks = seen.weeks
    return weeks.units[:, -_LONGEST_MEMORY:], weeks.exposure[:, -_LONGEST_MEMORY:]


def _rates(units: Singles, exposure: Singles) -> Singles:
    """Units a day of each week; 0 in weeks that do not count."""
    return np.divide(units, exposure, out=np.zeros_like(units), where=exposure > 0)


def _gains(exposure: Singles, alpha: float) -> Singles:
    """How much each week moves the mean: ``alpha`` for a full week, less for part of one, a plain mean at first."""
    shares = exposure / np.float32(WEEK)
    so_far = np.cumsum(shares, axis=1)
    plain = np.divide(shares, so_far, out=np.zeros_like(shares), where=so_far > 0)
    return np.maximum(1 - np.float32(1 - alpha) ** shares, plain)


def _tamed(units: Singles, exposure: Singles) -> tuple[Floats, Floats]:
    """Return units and exposure of a span in which no week counts for more than three times the mean."""
    days = exposure.sum(axis=1, dtype=np.float64)
    total = units.sum(axis=1, dtype=np.float64)
    for _ in range(2):
        most = 3 * ratio(total, days)[:, np.newaxis] * exposure
        total = np.minimum(units, most).sum(axis=1, dtype=np.float64)
    return total, days


def _pulled(span: tuple[Floats, Floats], usual: Floats) -> Floats:
    units, exposure = span
    return ratio(units + _PRIOR_UNITS, exposure + ratio(np.full(len(units), float(_PRIOR_UNITS)), usual))
