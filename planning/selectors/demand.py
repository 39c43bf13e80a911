"""What planning knows of past demand: daily sales, empty shelves, and since when a product exists."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
from django.db.models import Aggregate, CharField, Model, OuterRef, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Cast, Concat, TruncDate

from inventory.models import Product, StockMovement
from planning.demand import LEVEL_SEASON, History, Season
from planning.models import SeasonalityFactor
from sales.models import Sale

HISTORY_DAYS = 730
_MAX_NAMED = 500  # ids in a statement; of more products all rows are read and the others skipped
_DAYS_AT_ONCE = 16

Rows = Mapping[int, int]


def season() -> Season:
    """Return the twelve multipliers of the business; a month without one is an average month."""
    found = LEVEL_SEASON.copy()
    for month, multiplier in SeasonalityFactor.objects.values_list("month", "multiplier"):
        found[month - 1] = float(multiplier)
    return found


def history(product_ids: Sequence[int] | None, *, today: date, days: int = HISTORY_DAYS) -> tuple[list[int], History]:
    """Return the last ``days`` days, ``today`` included, of these products (None: every active one), by id.

    Ids that do not exist are left out. Three statements, however many products there are; their rows are streamed.

    A day is out of stock when the ledger had 0 units all day and no sale is dated on it. Before the first movement of
    a product the ledger says nothing, and sales that were booked later are believed. A product is born with its first
    movement or sale; one without either was never in stock since it was made.
    """
    first_day = today - timedelta(days=days - 1)
    chosen = Product.objects.filter(is_active=True) if product_ids is None else _among(Product, "id", product_ids)
    born = _births(chosen, None if product_ids is None else set(product_ids))
    rows = {product_id: row for row, product_id in enumerate(born)}
    units = np.zeros((len(rows), days), np.int32)
    in_stock = np.ones((len(rows), days), np.bool_)
    for row, (_, was_stocked) in enumerate(born.values()):
        in_stock[row] = was_stocked
    _take_empty_days(in_stock, rows, first_day, today)
    _add_sales(units, list(rows), first_day, today)
    in_stock |= units > 0
    columns = [min(max((day - first_day).days, 0), days) for day, _ in born.values()]
    return list(rows), History(first_day, units, in_stock, np.array(columns, np.int32))


def _births(products: QuerySet[Product], wanted: set[int] | None) -> dict[int, tuple[date, bool]]:
    """Return since when each product exists, and whether it ever had stock, by id."""
    own = {"product_id": OuterRef("pk")}
    moved = StockMovement.objects.filter(**own).order_by("created_at").values(day=TruncDate("created_at"))[:1]
    sold = Sale.objects.filter(**own).order_by("sale_date").values("sale_date")[:1]
    dated = products.order_by("id").values_list("id", TruncDate("created_at"), Subquery(moved), Subquery(sold))
    born = {}
    for product_id, made, *firsts in dated.iterator():
        if wanted is None or product_id in wanted:
            known = [day for day in firsts if day]
            born[product_id] = (min(known, default=made), bool(known))
    return born


def _take_empty_days(in_stock: np.ndarray, rows: Rows, first_day: date, today: date) -> None:
    """Mark the whole days between each movement that left nothing and the next one of that product.

    The next one is looked for by time, which the index knows, and by id among movements of the same instant.
    """
    later = StockMovement.objects.filter(
        product_id=OuterRef("product_id"), created_at__gte=OuterRef("created_at"), id__gt=OuterRef("id")
    )
    filled = later.order_by("created_at", "id").values(day=TruncDate("created_at"))[:1]
    emptied = _among(StockMovement, "product_id", rows).filter(balance_after=0)
    found = emptied.values_list("product_id", TruncDate("created_at"), Subquery(filled))
    tomorrow = today + timedelta(days=1)
    for product_id, since, until in found.iterator():
        row = rows.get(product_id)
        if row is not None:
            first, last = (since - first_day).days + 1, ((until or tomorrow) - first_day).days
            in_stock[row, max(first, 0) : max(last, 0)] = False


def _add_sales(units: np.ndarray, ids: Sequence[int], first_day: date, today: date) -> None:
    """Add up the sales and returns by product and day.

    They come by day, not by product: sales are stored roughly in the order of time, so that the table is read once
    from one end to the other. By product, each line would be a place of its own to visit.
    """
    known = np.array(ids, np.int64)
    sold = _among(Sale, "product_id", ids).filter(sale_date__gte=first_day, sale_date__lte=today)
    line = Concat(Cast("product_id", CharField()), Value(","), Cast("quantity", CharField()), output_field=TextField())
    texts = sold.order_by().values_list("sale_date").annotate(lines=_Listed(line))
    for day, lines in texts.iterator(chunk_size=_DAYS_AT_ONCE):
        pairs = np.fromstring(lines, np.int64, sep=",").reshape(-1, 2)
        pairs = pairs[np.isin(pairs[:, 0], known)]
        np.add.at(units[:, (day - first_day).days], np.searchsorted(known, pairs[:, 0]), pairs[:, 1])


class _Listed(Aggregate):
    """The values of a group in one text: one row a day travels ten times as fast as one row a sale."""

    function = "STRING_AGG"
    template = "%(function)s(%(expressions)s, ',')"
    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """SQLite calls it GROUP_CONCAT."""
        return super().as_sql(compiler, connection, function="GROUP_CONCAT", **context)


def _among(model: type[Model], field: str, ids: Sequence[int] | Rows) -> QuerySet[Any]:
    """Return the rows of these products, or of all when naming them would take a statement too long."""
    every = model._default_manager.all()
    return every.filter(**{f"{field}__in": list(ids)}) if len(ids) <= _MAX_NAMED else every
