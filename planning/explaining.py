"""One sentence for each suggestion, with the figures it follows from."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple


class Case(NamedTuple):
    """What the sentence about one product is made of; an order covers ``days``, in which ``forecast`` are sold."""

    daily: float
    on_hand: int
    arriving: int
    days: int
    forecast: float
    reserve: int
    needed: int
    quantity: int
    adds_much: bool
    run_out: date | None
    order_by: date | None
    today: date
    horizon: date
    notes: Sequence[str] = ()


def sentence(case: Case) -> str:
    """Return why so much, and why then."""
    return "; ".join([_first(case), *_rounding(case), *case.notes]) + "."


def _first(case: Case) -> str:
    stock = f"{case.on_hand:,} on hand" + (f" and {case.arriving:,} arriving in time" if case.arriving else "")
    if not case.daily > 0:
        return f"Nothing is sold, net of returns: {stock}, nothing to order"
    sells = f"Sells {case.daily:,.2f} a day"
    if case.run_out is None:
        return f"{sells}: {stock} last beyond {case.horizon}, nothing to order"
    told = f"{sells} and runs out on {case.run_out} with {stock}"
    if case.order_by is None:
        return f"{told}, until what is on order arrives: nothing more to order"
    if not case.quantity:
        return f"{told}: nothing to order yet, order by {case.order_by}"
    cover = f"to cover {case.days} days ({_units(case.forecast)}) and keep {case.reserve:,} in reserve"
    if case.order_by < case.today:
        return f"{told}: order {case.quantity:,} now, due since {case.order_by}, {cover}"
    return f"{told}: order {case.quantity:,} by {case.order_by} {cover}"


def _rounding(case: Case) -> list[str]:
    if not case.adds_much:
        return []
    added = case.quantity - case.needed
    return [f"{case.needed:,} are needed, and the minimum and whole cartons add {added:,} ({added / case.needed:.0%})"]


def _units(forecast: float) -> str:
    return f"{forecast:,.0f}" if forecast >= 10 else f"{forecast:,.1f}"
