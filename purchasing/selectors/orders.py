"""Reading purchase orders."""

from datetime import date
from decimal import Decimal
from typing import TypedDict

from django.db.models import Count, Q, QuerySet, Sum

from core import money
from purchasing.errors import OrderNotFound
from purchasing.models import OrderLine, PurchaseOrder, StatusChange
from purchasing.workflow import Stage


class StageFigures(TypedDict):
    """One stage of the pipeline: how many orders stand there and what they are worth."""

    status: Stage
    count: int
    total_usd: Decimal


def orders(
    *,
    status: Stage | None = None,
    supplier_id: int | None = None,
    since: date | None = None,
    until: date | None = None,
) -> QuerySet[PurchaseOrder]:
    """Return orders, newest first, those that match every filter given; dates are order dates, both included."""
    found = PurchaseOrder.objects.select_related("supplier").order_by("-id")
    given = {"status": status, "supplier_id": supplier_id, "order_date__gte": since, "order_date__lte": until}
    return found.filter(**{name: value for name, value in given.items() if value is not None})


def order(order_id: int) -> PurchaseOrder:
    """Return one order with its supplier, lines and history, in three queries. Raises OrderNotFound."""
    found = PurchaseOrder.objects.select_related("supplier").filter(pk=order_id).first()
    if found is None:
        raise OrderNotFound(order_id)
    found.lines = list(  # type: ignore[attr-defined]
        OrderLine.objects.filter(order=found).select_related("product").order_by("id")
    )
    found.history = list(  # type: ignore[attr-defined]
        StatusChange.objects.filter(order=found).select_related("changed_by").order_by("id")
    )
    return found


def pipeline() -> list[StageFigures]:
    """Return all ten stages in order, empty ones too, in one query; cancelled orders are left out."""
    rows = PurchaseOrder.objects.filter(cancelled_at__isnull=True).values_list("status")
    found = {status: (count, total) for status, count, total in rows.annotate(n=Count("id"), t=Sum("total_usd"))}
    return [
        StageFigures(status=stage, count=count, total_usd=money.cents(total))
        for stage in Stage
        for count, total in (found.get(stage, (0, None)),)
    ]


def pending_orders() -> int:
    """Return the number of orders that are neither stocked nor cancelled."""
    return PurchaseOrder.objects.filter(~Q(status=Stage.STOCKED), cancelled_at__isnull=True).count()
