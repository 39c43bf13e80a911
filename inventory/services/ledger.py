"""The stock ledger: the only code that changes how much is on the shelf.

Every public function ends in ``_post``: lock the levels in product order, check every line, write everything or
nothing. The number of statements is the same for one line and for 5,000.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone

from accounts import audit
from accounts.models import User
from core import money, rowsets
from core.errors import InvalidInput
from core.operations import operation
from inventory.errors import MAX_ON_HAND, InsufficientStock, Shortage, TooManyUnits, UnknownProducts
from inventory.models import StockLevel, StockMovement

Type = StockMovement.Type
Reference = StockMovement.Reference


class Line(NamedTuple):
    """Units of one product and the document behind them, such as an order reference."""

    product_id: int
    quantity: int
    reference_id: str = ""


class Entry(NamedTuple):
    """One movement to be booked: ``quantity`` is signed, units out are negative."""

    product_id: int
    quantity: int
    movement_type: StockMovement.Type
    reference_type: StockMovement.Reference
    reference_id: str = ""
    notes: str = ""


_MOVEMENT_FIELDS = ("product", *Entry._fields[1:], "balance_after", "created_by", "created_at")


class Level(NamedTuple):
    """A locked stock level, with what its product is called and costs."""

    id: int
    product_id: int
    quantity: int
    sku: str
    price_usd: Decimal
    last_counted_at: datetime | str | None


Levels = dict[int, Level]


class Movement(NamedTuple):
    """One booked movement."""

    id: int
    product_id: int
    sku: str
    quantity: int
    balance_after: int


class Shelf:
    """Locked levels and what is left of them while lines are taken one after the other.

    This is where Godown decides whether units are there. Nobody else compares a quantity with the stock.
    """

    def __init__(self, levels: Levels) -> None:
        self.levels = levels
        self._left = {product_id: level.quantity for product_id, level in levels.items()}

    def move(self, product_id: int, quantity: int) -> int | None:
        """Add ``quantity`` (negative: take) and return what is left; None, and no change, when it is not there."""
        left = self._left[product_id] + quantity
        if left < 0:
            return None
        self._left[product_id] = left
        return left

    def changed(self) -> Iterable[tuple[Level, int]]:
        """Return each level whose quantity is now another, with that quantity."""
        return [
            (level, self._left[product_id])
            for product_id, level in self.levels.items()
            if self._left[product_id] != level.quantity
        ]


@operation
def receive(lines: Sequence[Line], *, notes: str = "", actor: User) -> list[Movement]:
    """Put units that arrived with a shipment on the shelf.

    Raises:
        InvalidInput: a quantity is not positive.
        UnknownProducts: a line names a product that does not exist.
        TooManyUnits: a level would pass 2,147,483,647 units.
    """
    _refuse_non_positive(lines)
    entries = [
        Entry(line.product_id, line.quantity, Type.IN, Reference.SHIPMENT, line.reference_id, notes) for line in lines
    ]
    return _post(entries, actor)[0]


@operation
def issue(lines: Sequence[Line], *, actor: User) -> list[Movement]:
    """Take sold units off the shelf: all lines or none. The same product on several lines counts as their sum.

    Raises:
        InvalidInput: a quantity is not positive.
        UnknownProducts: a line names a product that does not exist.
        InsufficientStock: units are missing; lists every product that is short.
    """
    _refuse_non_positive(lines)
    entries = [Entry(line.product_id, -line.quantity, Type.OUT, Reference.SALE, line.reference_id) for line in lines]
    return _post(entries, actor)[0]


@operation
def book(
    entries: Sequence[Entry], *, held: Levels | None = None, along: Sequence[rowsets.Write] = (), actor: User
) -> tuple[list[Movement], list[list[int]]]:
    """Book movements in and out in their order: each must find its units there. All or none.

    ``held`` are the levels that the caller locked in this transaction; without them they are locked here.
    ``along`` are the caller's own writes, sent with the movements in one round trip; the second answer holds the ids
    that each made. Raises what ``receive`` and ``issue`` raise.
    """
    return _post(entries, actor, held=held, along=along)


@operation
def adjust(product_id: int, *, counted: int, reason: str, now: datetime, actor: User) -> Movement | None:
    """Set the stock of one product to what was counted on the shelf.

    ``counted`` is an absolute number of units, not a difference: counting 45 when the ledger says 50 books a
    movement of -5. Counting what the ledger already says books nothing and returns None, but still refreshes
    ``last_counted_at``.

    Raises:
        InvalidInput: ``counted`` is negative.
        UnknownProducts: there is no such product.
        TooManyUnits: ``counted`` is past 2,147,483,647 units.
    """
    if counted < 0:
        raise InvalidInput(f"A count cannot be negative: {counted}.")
    held = lock([product_id])
    level = held[product_id]
    difference = counted - level.quantity
    if difference == 0:
        stored = StockLevel.objects.get(pk=level.id)
        stored.last_counted_at = now
        stored.save(update_fields=["last_counted_at", "updated_at"])
        return None
    entry = Entry(product_id, difference, Type.ADJUSTMENT, Reference.ADJUSTMENT, notes=reason)
    return _post([entry], actor, held=held, counted_at=now)[0][0]


@operation
def first_level(product_id: int, *, actor: User) -> StockLevel:
    """Give a product that was never stocked its level, with 0 units, and return it. Raises UnknownProducts."""
    lock([product_id])
    return StockLevel.objects.select_related("product").get(product_id=product_id)


def lock(product_ids: Iterable[int]) -> Levels:
    """Lock the levels of these products, in product order, until the transaction ends.

    A product that was never stocked gets its level with 0 units. Raises UnknownProducts.
    """
    wanted = sorted(set(product_ids))
    levels = _locked_levels(wanted)
    if len(levels) < len(wanted):
        make_levels(wanted)
        levels = _locked_levels(wanted)
    if len(levels) < len(wanted):
        raise UnknownProducts([product_id for product_id in wanted if product_id not in levels])
    return levels


def make_levels(product_ids: Sequence[int], *, reorder_point: int = 10, safety_stock_days: int = 14) -> None:
    """Give products that have none a stock level of 0 units."""
    condition, params = rowsets.among("p.id", product_ids)
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO inventory (product_id, quantity, reorder_point, safety_stock_days, created_at, updated_at)"
            f" SELECT p.id, 0, %s, %s, %s, %s FROM products p WHERE {condition}"  # nosec B608
            " ON CONFLICT (product_id) DO NOTHING RETURNING id, product_id",
            [reorder_point, safety_stock_days, now, now, *params],
        )
        made = cursor.fetchall()
    first = {"quantity": 0, "reorder_point": reorder_point, "safety_stock_days": safety_stock_days}
    audit.record(
        StockLevel,
        audit.Action.CREATE,
        [(level_id, None, {"product": product_id, **first}) for level_id, product_id in made],
    )


def _refuse_non_positive(lines: Sequence[Line]) -> None:
    wrong = [position for position, line in enumerate(lines) if line.quantity <= 0]
    if wrong:
        raise InvalidInput("Quantities must be positive.", lines=wrong)


def _locked_levels(product_ids: Sequence[int]) -> Levels:
    condition, params = rowsets.among("i.product_id", product_ids)
    # SQLite has no row locks: there the transaction is IMMEDIATE and holds the only write lock.
    lock_clause = " FOR UPDATE OF i" if connection.features.has_select_for_update else ""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.id, i.product_id, i.quantity, p.internal_sku, p.price_usd, i.last_counted_at"
            " FROM inventory i JOIN products p ON p.id = i.product_id"
            f" WHERE {condition} ORDER BY i.product_id{lock_clause}",  # nosec B608
            params,
        )
        return {
            product_id: Level(level_id, product_id, quantity, sku, _exact(price), counted_at)
            for level_id, product_id, quantity, sku, price, counted_at in cursor.fetchall()
        }


def _exact(price: Decimal | float) -> Decimal:
    """Return a price as read: PostgreSQL's is exact, SQLite's is a float."""
    return price if isinstance(price, Decimal) else money.cents(price)


def _post(
    entries: Sequence[Entry],
    actor: User,
    *,
    held: Levels | None = None,
    along: Sequence[rowsets.Write] = (),
    counted_at: datetime | None = None,
) -> tuple[list[Movement], list[list[int]]]:
    """Refuse unknown products, lock, check everything, write everything."""
    shelf = Shelf(lock(entry.product_id for entry in entries) if held is None else held)
    balances = [shelf.move(entry.product_id, entry.quantity) for entry in entries]
    _refuse_shortages(entries, balances, shelf)
    _refuse_overflow(entries, balances, shelf)
    now = timezone.now()
    rows = [(*entry, balance, actor.pk, now) for entry, balance in zip(entries, balances, strict=True)]
    inserting = rowsets.inserting(StockMovement, _MOVEMENT_FIELDS, rows)
    ids, _, *made = rowsets.run(inserting, _updating_levels(shelf, counted_at), *along)
    _record_movements(ids, rows)
    movements = [
        Movement(movement_id, entry.product_id, shelf.levels[entry.product_id].sku, entry.quantity, balance or 0)
        for movement_id, entry, balance in zip(ids, entries, balances, strict=True)
    ]
    return movements, made


def _refuse_shortages(entries: Sequence[Entry], balances: Sequence[int | None], shelf: Shelf) -> None:
    short = {entry.product_id for entry, balance in zip(entries, balances, strict=True) if balance is None}
    if not short:
        return
    lines: dict[int, list[int]] = {}
    for position, entry in enumerate(entries):
        if entry.product_id in short and entry.quantity < 0:
            lines.setdefault(entry.product_id, []).append(position)
    raise InsufficientStock(
        [
            Shortage(
                product_id=product_id,
                sku=shelf.levels[product_id].sku,
                requested=-sum(entries[position].quantity for position in positions),
                on_hand=shelf.levels[product_id].quantity,
                lines=positions,
            )
            for product_id, positions in lines.items()
        ]
    )


def _refuse_overflow(entries: Sequence[Entry], balances: Sequence[int | None], shelf: Shelf) -> None:
    over = [
        shelf.levels[entry.product_id].sku
        for entry, balance in zip(entries, balances, strict=True)
        if balance is not None and balance > MAX_ON_HAND
    ]
    if over:
        raise TooManyUnits(sorted(set(over)))


def _record_movements(ids: Sequence[int], rows: Sequence[tuple[Any, ...]]) -> None:
    created = [
        (movement_id, None, dict(zip(_MOVEMENT_FIELDS[:-1], row, strict=False)))
        for movement_id, row in zip(ids, rows, strict=True)
    ]
    audit.record(StockMovement, audit.Action.CREATE, created)


def _updating_levels(shelf: Shelf, counted_at: datetime | None) -> rowsets.Write:
    """Write the quantities that changed; ``counted_at`` is the time of a stock count."""
    names = ("quantity",) if counted_at is None else ("quantity", "last_counted_at")
    changed = list(shelf.changed())
    new = [(quantity, counted_at)[: len(names)] for _, quantity in changed]
    differences = [
        (level.id, {name: getattr(level, name) for name in names}, dict(zip(names, values, strict=True)))
        for (level, _), values in zip(changed, new, strict=True)
    ]
    audit.record(StockLevel, audit.Action.UPDATE, differences)
    now = timezone.now()
    rows = [(level.id, *values, now) for (level, _), values in zip(changed, new, strict=True)]
    return rowsets.updating(StockLevel, "id", (*names, "updated_at"), rows)
