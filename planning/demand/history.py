"""Daily sales of many products, and the same without stock-out days and without season."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Season = np.ndarray
"""Twelve multipliers, January first, mean 1."""

LEVEL_SEASON: Season = np.ones(12)
WEEK = 7
_ROWS_AT_ONCE = 4_096

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]


@dataclass(frozen=True)
class History:
    """Net units sold each day of many products, one row a product; cancellations are netted, so days may be negative.

    ``first_day`` is the day of column 0. ``in_stock`` is False on days on which the shelf was empty all day. ``born``
    is the column from which the product existed; columns before it do not count.
    """

    first_day: date
    units: np.ndarray
    in_stock: np.ndarray
    born: np.ndarray

    @property
    def products(self) -> int:
        """How many products there are."""
        return int(self.units.shape[0])

    @property
    def days(self) -> int:
        """How many days each of them has."""
        return int(self.units.shape[1])

    def before(self, column: int) -> "History":
        """Return what was known before the day of ``column``."""
        return History(self.first_day, self.units[:, :column], self.in_stock[:, :column], self.born)

    def portions(self) -> Iterator["History"]:
        """Yield the products a few thousand at a time, so that intermediate results stay small."""
        for start in range(0, self.products, _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            yield History(self.first_day, self.units[rows], self.in_stock[rows], self.born[rows])


@dataclass(frozen=True)
class Weeks:
    """Whole weeks that end with the last day: units sold without those that came back, and the exposure of each."""

    units: Singles
    exposure: Singles


@dataclass(frozen=True)
class Demand:
    """What counts of a history: ``units`` of days in stock, and the ``exposure`` of each day.

    The exposure of a day is its season multiplier, and 0 when it does not count. Units ÷ exposure is therefore
    deseasonalised demand a day, and a day of a month in which nothing is expected (multiplier 0) does not count.
    """

    units: Singles
    exposure: Singles
    born: NDArray[np.int32]

    @property
    def days(self) -> int:
        """How many days there are, counting or not."""
        return int(self.units.shape[1])

    @cached_property
    def days_counted(self) -> NDArray[np.int64]:
        """Days of each product that count."""
        return np.count_nonzero(self.exposure, axis=1)

    @cached_property
    def weeks(self) -> Weeks:
        """The same by weeks; days before the first whole week are left out."""
        whole = self.days // WEEK
        shape = (len(self.units), whole, WEEK)
        units, exposure = (
            days[:, self.days - whole * WEEK :].reshape(shape).sum(axis=2) for days in (self.units, self.exposure)
        )
        return Weeks(without_returned(units), exposure)

    def before(self, column: int) -> "Demand":
        """Return what was known before the day of ``column``."""
        return Demand(self.units[:, :column], self.exposure[:, :column], self.born)

    def during(self, first: int, days: int) -> tuple[Floats, Floats]:
        """Return net units (at least 0) and exposure of each product in ``days`` columns from ``first``."""
        window = slice(first, first + days)
        units = self.units[:, window].sum(axis=1, dtype=np.float64)
        return np.maximum(units, 0), self.exposure[:, window].sum(axis=1, dtype=np.float64)


def demand(history: History, season: Season) -> Demand:
    """Leave out of ``history`` what says nothing about demand, and take the season out of the rest."""
    daily = multipliers(season, history.first_day, history.days).astype(np.float32)
    exists = np.arange(history.days) >= history.born[:, np.newaxis]
    exposure = np.where(history.in_stock & exists, daily, np.float32(0))
    units = np.where(exposure > 0, history.units, 0).astype(np.float32)
    return Demand(units, exposure, history.born)


def multipliers(season: Season, first_day: date, days: int) -> Floats:
    """Return the multiplier of each of ``days`` days from ``first_day``; what is no number, or negative, is 0."""
    monthly = np.maximum(np.nan_to_num(np.asarray(season, dtype=np.float64), posinf=0), 0)
    every = np.datetime64(first_day, "D") + np.arange(max(days, 0))
    return monthly[every.astype("datetime64[M]").astype(np.int64) % 12]


def window_units(rate: np.ndarray, season: Season, first_day: date, days: int) -> np.ndarray:
    """Return the units expected in ``days`` days from ``first_day`` at ``rate`` deseasonalised units a day.

    Summed day by day: a window that reaches into a strong month gets that month's share of it.
    """
    return np.asarray(rate, dtype=np.float64) * multipliers(season, first_day, days).sum()


def without_returned(units: Singles) -> Singles:
    """Take what came back off the last sales before it, so that no column is negative.

    A sale of 74,215 units that is cancelled three weeks later leaves 0 in both weeks. What came back of sales before
    the first column is dropped.
    """
    kept = np.empty_like(units)
    returned = np.zeros(len(units), units.dtype)
    for column in reversed(range(units.shape[1])):
        left = units[:, column] - returned
        kept[:, column] = np.maximum(left, 0)
        returned = np.maximum(-left, 0)
    return kept


def ratio(units: Floats, exposure: Floats) -> Floats:
    """Return units ÷ exposure, and 0 where nothing was exposed."""
    return np.divide(units, exposure, out=np.zeros(len(units)), where=exposure > 0)
