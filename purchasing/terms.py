"""What of an order is due when, what is paid and what is still open. Arithmetic, no database."""

from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from core import money

HUNDRED = Decimal(100)


class Instalment(NamedTuple):
    """One part of an order's total: how much, by when, and how much of it nobody has paid yet."""

    kind: str
    amount_usd: Decimal
    due_on: date
    open_usd: Decimal


class Standing(NamedTuple):
    """Where an order stands with its payments, in USD.

    ``paid_usd`` has arrived, ``in_transfer_usd`` is on its way, ``open_usd`` is neither, and ``overpaid_usd`` is what
    went out beyond the total.
    """

    paid_usd: Decimal
    in_transfer_usd: Decimal
    open_usd: Decimal
    overpaid_usd: Decimal
    instalments: tuple[Instalment, ...]

    @property
    def next_due(self) -> Instalment | None:
        """The first instalment of which something is open; None when all of it is paid or on its way."""
        return next((part for part in self.instalments if part.open_usd), None)


def deposit_and_balance(total_usd: Decimal, deposit_percent: Decimal) -> tuple[Decimal, Decimal]:
    """Split a total into deposit and balance, which add up to the cent: 100.01 at 30 % is 30.00 and 70.01."""
    deposit, balance = money.split(total_usd, [deposit_percent, HUNDRED - deposit_percent])
    return deposit, balance


def standing(
    *,
    total_usd: Decimal,
    deposit_percent: Decimal,
    ordered_on: date,
    ready_on: date | None,
    lead_time_days: int,
    paid_usd: Decimal,
    in_transfer_usd: Decimal,
    is_cancelled: bool,
) -> Standing:
    """Return where an order stands. Money fills the deposit first and then the balance, whatever it was called.

    The deposit is due with the order, the balance before shipment: on the day the goods are expected to be ready, which
    is the lead time after the order when nobody has named one. Of a cancelled order nothing is due any more.
    """
    spent = paid_usd + in_transfer_usd
    deposit, balance = deposit_and_balance(total_usd, deposit_percent)
    if is_cancelled:
        return Standing(paid_usd, in_transfer_usd, money.ZERO, money.ZERO, ())
    parts = (
        ("DEPOSIT", deposit, ordered_on, max(deposit - spent, money.ZERO)),
        ("BALANCE", balance, ready_on or ordered_on + timedelta(lead_time_days), min(balance, total_usd - spent)),
    )
    return Standing(
        paid_usd=paid_usd,
        in_transfer_usd=in_transfer_usd,
        open_usd=max(total_usd - spent, money.ZERO),
        overpaid_usd=max(spent - total_usd, money.ZERO),
        instalments=tuple(
            Instalment(kind, amount, due, max(left, money.ZERO)) for kind, amount, due, left in parts if amount
        ),
    )
