"""How good the methods would have been: rolling origin over a history, each forecast from what was known then."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from planning.demand.choice import MIN_WEEKS, forecast
from planning.demand.history import WEEK, Demand, Floats, History, Season, demand, ratio
from planning.demand.methods import METHODS

CHOSEN = "chosen"
ORIGIN_STEP_DAYS = 28
_MIN_DAYS = MIN_WEEKS * WEEK


@dataclass(frozen=True)
class Score:
    """One method over all products and origins; NaN where it cannot be told.

    ``wape``: Σ |units forecast - units sold| ÷ Σ units sold, by product over the whole horizon. ``bias``: Σ (forecast
    - sold) ÷ Σ sold, negative when it orders too little. ``mase``: mean over products of the mean weekly error ÷ that
    of repeating the week before, as it was up to the origin; 1 is as good as repeating. ``share``: how many of the
    forecasts of the chosen mix it made.
    """

    name: str
    wape: float
    mase: float
    bias: float
    share: float


@dataclass
class _Sums:
    off: float = 0
    over: float = 0
    sold: float = 0
    scaled: float = 0
    scaled_times: int = 0
    made: int = 0

    def score(self, name: str, forecasts: int) -> Score:
        return Score(
            name,
            _quotient(self.off, self.sold),
            _quotient(self.scaled, self.scaled_times),
            _quotient(self.over, self.sold),
            _quotient(self.made, forecasts),
        )


def origins(days: int, horizon_days: int, *, most: int, first: int = 0) -> list[int]:
    """Return up to ``most`` columns, four weeks apart and ascending, from which ``horizon_days`` can be checked.

    The last horizon ends with the history. Each origin has 8 weeks of history, and is not before ``first``.
    """
    earliest = max(_MIN_DAYS, first)
    return sorted(range(days - horizon_days, earliest - 1, -ORIGIN_STEP_DAYS)[:most])


def measure(history: History, season: Season, horizon_days: int, at: Sequence[int]) -> list[Score]:
    """Forecast ``horizon_days`` at each origin by every method, and by the one chosen then; score all, chosen last.

    A product takes part from 8 weeks that count on, and if a day of the horizon counts.
    """
    sums = {name: _Sums() for name in (*(method.name for method in METHODS), CHOSEN)}
    for origin in at:
        for part in history.portions():
            _measure(part, season, horizon_days, origin, sums)
    forecasts = sums[CHOSEN].made
    return [sums[name].score(name, forecasts) for name in sums]


def _measure(history: History, season: Season, horizon_days: int, origin: int, sums: dict[str, _Sums]) -> None:
    seen = demand(history, season)
    known = seen.before(origin)
    takes_part = (known.days_counted >= _MIN_DAYS) & (seen.during(origin, horizon_days)[1] > 0)
    mix = forecast(history.before(origin), season, horizon_days=horizon_days)
    rates = {method.name: method.reckon(known, horizon_days) for method in METHODS} | {CHOSEN: mix.rate}
    scale = _naive_error(known)
    for name, rate in rates.items():
        _add(sums[name], rate, seen, (origin, horizon_days), (takes_part, scale))
    sums[CHOSEN].made += int(takes_part.sum())
    for index, times in enumerate(np.bincount(mix.method[takes_part], minlength=len(METHODS))):
        sums[METHODS[index].name].made += int(times)


def _add(sums: _Sums, rate: Floats, seen: Demand, window: tuple[int, int], who: tuple[np.ndarray, Floats]) -> None:
    takes_part, scale = who
    origin, days = window
    columns = slice(origin, origin + days)
    sold = seen.units[takes_part, columns].sum(axis=1, dtype=np.float64)
    off = rate[takes_part] * seen.exposure[takes_part, columns].sum(axis=1, dtype=np.float64) - sold
    sums.off += float(np.abs(off).sum())
    sums.over += float(off.sum())
    sums.sold += float(sold.sum())
    rows = takes_part & (scale > 0) & (days >= WEEK)
    if rows.any():
        scaled = _weekly_error(rate[rows], seen, rows, window) / scale[rows]
        sums.scaled += float(scaled.sum())
        sums.scaled_times += len(scaled)


def _weekly_error(rate: Floats, seen: Demand, rows: np.ndarray, window: tuple[int, int]) -> Floats:
    origin, days = window
    whole = slice(origin, origin + days // WEEK * WEEK)
    sold, exposure = (
        table[rows, whole].reshape(len(rate), -1, WEEK).sum(axis=2) for table in (seen.units, seen.exposure)
    )
    error = np.abs(rate[:, np.newaxis] * exposure - sold) * (exposure > 0)
    return ratio(error.sum(axis=1, dtype=np.float64), np.count_nonzero(exposure, axis=1).astype(np.float64))


def _naive_error(known: Demand) -> Floats:
    """Mean |this week - the week before| of each product, over pairs of weeks that both count."""
    weeks = known.weeks
    pairs = (weeks.exposure[:, 1:] > 0) & (weeks.exposure[:, :-1] > 0)
    steps = np.abs(np.diff(weeks.units, axis=1)) * pairs
    return ratio(steps.sum(axis=1, dtype=np.float64), np.count_nonzero(pairs, axis=1).astype(np.float64))


def _quotient(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")
