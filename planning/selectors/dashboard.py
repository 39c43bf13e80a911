"""The figures of the first page."""

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import TypedDict

from core import money
from inventory import selectors as inventory
from inventory.models import StockLevel, StockStatus
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


def kpis(*, today: date) -> Kpis:
    """Return the four cards, in three queries."""
    stats = inventory.stats()
    return Kpis(
        total_inventory_value=stats["total_value"],
        pending_orders=purchasing.pending_orders(),
        low_stock_alerts=stats["low_stock_count"] + stats["out_of_stock_count"],
        mtd_revenue=sales.revenue_of_month(today),
    )


def health(levels: Sequence[StockLevel], *, today: date) -> list[Health]:
    """Return how each of ``levels`` (with their products) stands, in one query."""
    sold = sales.units_sold([level.product_id for level in levels], today=today)
    return [_health(level, sold.get(level.product_id, 0)) for level in levels]


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
