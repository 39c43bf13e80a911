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
    months = MonthlySales.objects.filter(month=day.replace(day=1))
    return money.cents(months.aggregate(total=Sum("revenue_usd"))["total"])


def units_sold(product_ids: Iterable[int], *, today: date) -> dict[int, int]:
    """Return the net units of each product sold in the 90 days that end with ``today``; nothing sold, no entry."""
    since = today - timedelta(days=VELOCITY_DAYS - 1)
    window = Sale.objects.filter(product_id__in=list(product_ids), sale_date__gte=since, sale_date__lte=today)
    return dict(window.values_list("product_id").annotate(units=Sum("quantity")))


def velocity(units: int) -> Decimal:
    """Return units a day over the 90 days in which ``units`` were sold."""
    return Decimal(units) / VELOCITY_DAYS
