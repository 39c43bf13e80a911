"""The figures of the first page."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, TypedDict

from django.db.models import Aggregate, Count, OuterRef, QuerySet, Subquery, Sum, Value

from core import money
from inventory import selectors as inventory
from inventory.models import STATUS_CONDITIONS, StockLevel, StockStatus
from purchasing.selectors import orders as purchasing
from sales import selectors as sales

_TENTH = Decimal("0.1")
_HUNDREDTH = Decimal("0.01")


class Kpis(TypedDict):
    """The four cards."""

    total_inventory_value: Decimal
    pending_orders: int
    low_stock_alerts: int
    mtd_revenue: Decimal


class Health(TypedDict):
    """How one SKU stands. ``days_until_stockout`` is None when nothing was sold: it never runs out."""

    product_id: int
    internal_sku: str
    name: str
    status: StockStatus
    quantity: int
    reorder_point: int
    value: Decimal
    daily_velocity: Decimal
    days_until_stockout: Decimal | None


class _Beside(Subquery):
    """One figure over rows of another table, next to aggregates of this one."""

    contains_aggregate = True  # else aggregate() refuses it

    def __init__(self, rows: QuerySet[Any], figure: Aggregate) -> None:
        # Grouped by a constant, which is one group: all rows.
        super().__init__(rows.order_by().values(all=Value(1)).annotate(figure=figure).values("figure"))


def kpis(*, today: date) -> Kpis:
    """Return the four cards, in one query."""
    needs_attention = STATUS_CONDITIONS[StockStatus.LOW] | STATUS_CONDITIONS[StockStatus.OUT_OF_STOCK]
    found = StockLevel.objects.of_active_products().aggregate(
        value=inventory.TOTAL_VALUE,
        alerts=Count("id", filter=needs_attention),
        pending=_Beside(purchasing.pending(), Count("id")),
        revenue=_Beside(sales.month_of(today), Sum("revenue_usd")),
    )
    return Kpis(
        total_inventory_value=money.cents(found["value"]),
        pending_orders=found["pending"],
        low_stock_alerts=found["alerts"],
        mtd_revenue=money.cents(found["revenue"]),
    )


class HealthRows:
    """How each SKU stands, by SKU: active products. A slice is one query, which counts the sales of its rows only."""

    def __init__(self, *, today: date) -> None:
        sold = sales.window(today=today).filter(product_id=OuterRef("product_id")).order_by()
        self._units = Subquery(sold.values("product_id").annotate(units=Sum("quantity")).values("units"))

    def __getitem__(self, rows: slice) -> list[Health]:
        # Sliced inside: PostgreSQL would work the sales out for every row that it skips.
        wanted = inventory.stock_levels()[rows].values("pk")
        levels = inventory.stock_levels().filter(pk__in=wanted).annotate(units_sold=self._units)
        return [_health(level, level.units_sold or 0) for level in levels]


def days_until_stockout(quantity: int, units_sold: int) -> Decimal | None:
    """Return quantity ÷ (units sold in 90 days ÷ 90), to a tenth of a day; None when nothing was sold, net."""
    if units_sold <= 0:
        return None
    return (quantity / sales.velocity(units_sold)).quantize(_TENTH, ROUND_HALF_UP)


def _health(level: StockLevel, units_sold: int) -> Health:
    product = level.product
    return Health(
        product_id=product.pk,
        internal_sku=product.internal_sku,
        name=product.name,
        status=level.status,
        quantity=level.quantity,
        reorder_point=level.reorder_point,
        value=money.cents(level.quantity * product.price_usd),
        daily_velocity=sales.velocity(units_sold).quantize(_HUNDREDTH, ROUND_HALF_UP),
        days_until_stockout=days_until_stockout(level.quantity, units_sold),
    )
