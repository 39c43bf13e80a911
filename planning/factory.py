"""When a factory works: walking through the days on which it is open, forwards and backwards.

Days are ordinals (``date.toordinal``), in arrays: all products of a plan are walked at once. Outside of closures the
factory is open.
"""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Days = NDArray[np.int64]


class Closure(NamedTuple):
    """Days on which a factory does not work, the last one included."""

    first: date
    last: date
    name: str = ""


class Route(NamedTuple):
    """How long goods take once they are ready, in calendar days."""

    transit_days: int
    customs_days: int

    @property
    def days(self) -> int:
        """Days from ready at the factory to on the shelf."""
        return self.transit_days + self.customs_days


class Factory:
    """The open days of a factory. Production begins on the day of the order, or on the first open day after it."""

    def __init__(self, closures: Iterable[Closure] = ()) -> None:
        """Closures may overlap, touch and come in any order."""
        spans = _merged(closures)
        self._starts = np.array([first for first, _ in spans], dtype=np.int64)
        self._ends = np.array([end for _, end in spans], dtype=np.int64)
        self._closed = np.concatenate(([0], np.cumsum(self._ends - self._starts))).astype(np.int64)
        # How many open days lie before each closure: where it would be if closed days did not exist.
        self._gaps = self._starts - self._closed[:-1]

    def ready(self, ordered: ArrayLike, production_days: ArrayLike) -> Days:
        """Return the day by which ``production_days`` open days, that of the order included, have passed."""
        day = np.asarray(ordered, dtype=np.int64)
        needed = np.asarray(production_days, dtype=np.int64)
        return np.where(needed > 0, self._open_day(self._open_before(day) + needed - 1) + 1, day)

    def start(self, ready: ArrayLike, production_days: ArrayLike) -> Days:
        """Return the last day on which to order what must be ready on ``ready``; an open one unless nothing is made."""
        day = np.asarray(ready, dtype=np.int64)
        needed = np.asarray(production_days, dtype=np.int64)
        return np.where(needed > 0, self._open_day(self._open_before(day) - needed), day)

    def _open_before(self, day: Days) -> Days:
        """Return how many open days lie before ``day``, counted from the first ordinal."""
        if not len(self._starts):
            return day
        begun = np.searchsorted(self._starts, day, side="right")
        still_to_come = np.where(begun > 0, np.maximum(self._ends[np.maximum(begun, 1) - 1] - day, 0), 0)
        return day - self._closed[begun] + still_to_come

    def _open_day(self, number: Days) -> Days:
        """Return the open day before which ``number`` open days lie."""
        return number + self._closed[np.searchsorted(self._gaps, number, side="right")]


def arrival(ordered: date, *, production_days: int, route: Route, factory: Factory) -> date:
    """Return when goods ordered on ``ordered`` are on the shelf."""
    return _day(factory.ready(ordered.toordinal(), production_days) + route.days)


def order_by(needed: date, *, production_days: int, route: Route, factory: Factory) -> date:
    """Return the last day on which goods can be ordered that are needed on the shelf on ``needed``."""
    return _day(factory.start(needed.toordinal() - route.days, production_days))


def _day(ordinal: Days) -> date:
    return date.fromordinal(int(ordinal))


def _merged(closures: Iterable[Closure]) -> list[tuple[int, int]]:
    """Return closures as ordinals, the day after the last one for their end, none of them touching another."""
    merged: list[tuple[int, int]] = []
    for first, end in sorted((one.first.toordinal(), one.last.toordinal() + 1) for one in closures):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        elif first < end:
            merged.append((first, end))
    return merged
