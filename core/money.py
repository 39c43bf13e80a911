"""Money is Decimal, in whole cents, rounded half up."""

from collections.abc import Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
ZERO = Decimal("0.00")


def cents(amount: Decimal | int | float | str | None) -> Decimal:
    """Round ``amount`` half up to whole cents; None (the sum of no rows) is 0.00.

    Every money aggregate of the database passes through here: SQLite adds in floating point and answers
    490.000000000006 where PostgreSQL answers 490.00.
    """
    if amount is None:
        return ZERO
    exact = amount if isinstance(amount, Decimal) else Decimal(str(amount))
    return exact.quantize(CENT, rounding=ROUND_HALF_UP)


def split(charge: Decimal, weights: Sequence[Decimal | int]) -> list[Decimal]:
    """Share ``charge`` over ``weights`` so that the parts add up to the cent (largest remainder method).

    Raises ValueError when the weights add up to zero: there is nothing to share by.
    """
    total = sum((Decimal(weight) for weight in weights), Decimal(0))
    if not total:
        raise ValueError("The weights add up to zero.")
    exact = [charge * Decimal(weight) / total for weight in weights]
    parts = [share.quantize(CENT, rounding=ROUND_FLOOR) for share in exact]
    missing = int((charge - sum(parts, ZERO)) / CENT)
    by_remainder = sorted(range(len(parts)), key=lambda i: exact[i] - parts[i], reverse=True)
    for i in by_remainder[:missing]:
        parts[i] += CENT
    return parts
