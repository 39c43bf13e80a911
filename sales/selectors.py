"""Reading sales."""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import QuerySet, Sum

from core import money
from sales.models import MonthlySales, Platform, Sale

VELOCITY_DAYS = 90


def sales(
    *,
    product_id: int | None = None,
    platform: Platform | None = None,
    order_reference: str | None = None,
    since: date | None = None,
    until: date | None = None,
) -> QuerySet[Sale]:
    """Return sold lines and returns that match every filter given; dates are sale dates, both included."""
    given = {
        "product_id": product_id,
        "platform": platform,
        "order_reference": order_reference,
        "sale_date__gte": since,
        "sale_date__lte": until,
    }
    wanted = {name: value for name, value in given.items() if value is not None}
    return Sale.objects.select_related("product").filter(**wanted)


def revenue_of_month(day: date) -> Decimal:
    """Return Σ quantity × unit price of the sales dated in the month of ``day``, net of returns."""
    return money.cents(month_of(day).aggregate(total=Sum("revenue_usd"))["total"])


def month_of(day: date) -> QuerySet[MonthlySales]:
    """Return what was sold in the month of ``day``, net of returns: one row a product, kept by the database."""
    return MonthlySales.objects.filter(month=day.replace(day=1))


def units_sold(product_ids: Iterable[int], *, today: date) -> dict[int, int]:
    """Return the net units of each product sold in the 90 days that end with ``today``; nothing sold, no entry."""
    found = window(today=today).filter(product_id__in=list(product_ids))
    return dict(found.values_list("product_id").annotate(units=Sum("quantity")))


def window(*, today: date) -> QuerySet[Sale]:
    """Return the sales and returns of the 90 days that end with ``today``: what velocity is counted from."""
    return Sale.objects.filter(sale_date__gte=today - timedelta(days=VELOCITY_DAYS - 1), sale_date__lte=today)


def velocity(units: int) -> Decimal:
    """Return units a day over the 90 days in which ``units`` were sold."""
    return Decimal(units) / VELOCITY_DAYS
