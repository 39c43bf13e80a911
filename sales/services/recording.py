"""Recording what was sold and what came back: the sale and its movement in one transaction.

The totals of the month follow by a trigger (``sales.triggers``).
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Sum
from django.utils import timezone

from accounts import audit
from accounts.models import User
from core import rowsets
from core.errors import InvalidInput
from core.operations import operation
from inventory.services import ledger
from sales.errors import FutureSale, ReturnExceedsSale
from sales.models import Platform, Sale

Row = tuple[int, date, int, Decimal, str, str]
_SALE_FIELDS = ("product", "sale_date", "quantity", "unit_price_usd", "platform", "order_reference")


class Line(NamedTuple):
    """One line to be recorded. ``quantity`` in units, negative on a return; no price means the product's."""

    product_id: int
    quantity: int
    sale_date: date
    unit_price_usd: Decimal | None = None
    platform: Platform = Platform.DIRECT
    order_reference: str = ""
    restock: bool = True


class Recorded(NamedTuple):
    """One recorded line. ``balance_after`` is None for a return that stays off the shelf."""

    id: int
    sku: str
    product_id: int
    sale_date: date
    quantity: int
    unit_price_usd: Decimal
    platform: str
    order_reference: str
    balance_after: int | None


@operation
def record_sales(lines: Sequence[Line], *, today: date, actor: User) -> list[Recorded]:
    """Record sales and take their units off the shelf: all lines or none.

    Raises:
        InvalidInput: a quantity is not positive.
        FutureSale: a line is dated after ``today``.
        UnknownProducts: a line names a product that does not exist.
        InsufficientStock: units are missing; lists every product that is short.
    """
    if any(line.quantity <= 0 for line in lines):
        raise InvalidInput("Quantities must be positive.")
    late = [position for position, line in enumerate(lines) if line.sale_date > today]
    if late:
        raise FutureSale(late)
    return write(lines, actor=actor)


@operation
def record_return(line: Line, *, today: date, actor: User) -> Recorded:
    """Record that units came back: a sale line with a negative quantity, at the price they were sold for.

    ``line.quantity`` is the positive number of units. They go back on the shelf unless ``line.restock`` is False.

    Raises:
        InvalidInput: the quantity is not positive.
        FutureSale: it is dated after ``today``.
        UnknownProducts: there is no such product.
        ReturnExceedsSale: more than was sold, and not yet returned, under this order reference and platform.
    """
    if line.quantity <= 0:
        raise InvalidInput("Quantities must be positive.")
    if line.sale_date > today:
        raise FutureSale([0])
    # The lock comes first: two returns of the last sold unit would otherwise both find it sold.
    held = ledger.lock([line.product_id])
    same_order = Sale.objects.filter(
        product_id=line.product_id, order_reference=line.order_reference, platform=line.platform
    )
    sold = same_order.aggregate(units=Sum("quantity"))["units"] or 0
    if line.quantity > sold:
        raise ReturnExceedsSale(
            held[line.product_id].sku,
            requested=line.quantity,
            sold=sold,
            order_reference=line.order_reference,
            platform=line.platform,
        )
    price = same_order.filter(quantity__gt=0).order_by("-id").values_list("unit_price_usd", flat=True).first()
    return write([line._replace(quantity=-line.quantity, unit_price_usd=price)], held=held, actor=actor)[0]


@operation
def write(lines: Sequence[Line], *, held: ledger.Levels | None = None, actor: User) -> list[Recorded]:
    """Write checked lines, sales and returns mixed, in their order.

    ``held`` are the levels that the caller locked already. Raises what ``ledger.book`` raises.
    """
    levels = ledger.lock(line.product_id for line in lines) if held is None else held
    rows = [_row(line, levels) for line in lines]
    writes = [_inserting(rows)]
    entries = [_entry(line) for line in lines if _moves(line)]
    if entries:
        booked, (ids,) = ledger.book(entries, held=levels, along=writes, actor=actor)
    else:
        booked, (ids,) = [], rowsets.run(*writes)
    created = [(key, None, dict(zip(_SALE_FIELDS, row, strict=True))) for key, row in zip(ids, rows, strict=True)]
    audit.record(Sale, audit.Action.CREATE, created)
    movements = iter(booked)
    return [
        Recorded(key, levels[line.product_id].sku, *row, next(movements).balance_after if _moves(line) else None)
        for key, line, row in zip(ids, lines, rows, strict=True)
    ]


def _row(line: Line, levels: ledger.Levels) -> Row:
    price = levels[line.product_id].price_usd if line.unit_price_usd is None else line.unit_price_usd
    return (line.product_id, line.sale_date, line.quantity, price, str(line.platform), line.order_reference)


def _moves(line: Line) -> bool:
    return line.quantity > 0 or line.restock


def _entry(line: Line) -> ledger.Entry:
    if line.quantity > 0:
        movement, reference = ledger.Type.OUT, ledger.Reference.SALE
    else:
        movement, reference = ledger.Type.IN, ledger.Reference.RETURN
    return ledger.Entry(line.product_id, -line.quantity, movement, reference, line.order_reference)


def _inserting(rows: Sequence[Row]) -> rowsets.Write:
    now = timezone.now()
    return rowsets.inserting(Sale, (*_SALE_FIELDS, "created_at"), [(*row, now) for row in rows])
