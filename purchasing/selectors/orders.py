"""Reading purchase orders."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any, TypedDict

from django.db.models import Count, Q, QuerySet, Sum

from core import money
from purchasing.errors import OrderNotFound
from purchasing.models import OrderLine, Payment, PurchaseOrder, Shipment, StatusChange
from purchasing.selectors import payments, shipments
from purchasing.terms import Standing
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


@dataclass(frozen=True)
class OrderPage:
    """An order with everything that belongs to it."""

    order: PurchaseOrder
    lines: list[OrderLine]
    history: list[StatusChange]
    payments: list[Payment]
    shipments: list[Shipment]

    @property
    def quantity_ordered(self) -> int:
        """Units on all lines."""
        return sum(line.quantity for line in self.lines)

    @property
    def quantity_received(self) -> int:
        """Units received so far."""
        return sum(line.quantity_received for line in self.lines)

    @property
    def quantity_open(self) -> int:
        """Units ordered and not received; what is stocked short is not open any more."""
        is_over = self.order.cancelled_at is not None or self.order.stage is Stage.STOCKED
        return 0 if is_over else self.quantity_ordered - self.quantity_received

    @cached_property
    def standing(self) -> Standing:
        """What is paid, on its way and still to pay."""
        return payments.standing_with(self.order, self.payments)

    @property
    def next(self) -> dict[str, Any]:
        """What may happen to the order next, by the rules of the operations that do it."""
        is_open = self.order.cancelled_at is None
        is_untouched = not self.quantity_received
        return {
            "status": self.order.allowed_next,
            "may_change_lines": is_open and is_untouched and self.order.stage is Stage.DRAFT,
            "may_receive": self.quantity_open > 0,
            "may_cancel": is_open and is_untouched and self.order.stage is not Stage.STOCKED,
            "may_pay": is_open and self.standing.open_usd > 0,
        }


def order(order_id: int) -> OrderPage:
    """Return one order with its supplier, lines, history, payments and shipments, in six queries.

    Raises OrderNotFound.
    """
    found = PurchaseOrder.objects.select_related("supplier").filter(pk=order_id).first()
    if found is None:
        raise OrderNotFound(order_id)
    return OrderPage(
        order=found,
        lines=list(OrderLine.objects.filter(order=found).select_related("product").order_by("id")),
        history=list(StatusChange.objects.filter(order=found).select_related("changed_by").order_by("id")),
        payments=payments.of_order(order_id),
        shipments=shipments.of_order(order_id),
    )


def pipeline() -> list[StageFigures]:
    """Return all ten stages in order, empty ones too, in one query; cancelled orders are left out."""
    rows = PurchaseOrder.objects.filter(cancelled_at__isnull=True).values_list("status")
    found = {status: (count, total) for status, count, total in rows.annotate(n=Count("id"), t=Sum("total_usd"))}
    return [
        StageFigures(status=stage, count=count, total_usd=money.cents(total))
        for stage in Stage
        for count, total in (found.get(stage, (0, None)),)
    ]


def pending() -> QuerySet[PurchaseOrder]:
    """Return the orders that are neither stocked nor cancelled."""
    return PurchaseOrder.objects.filter(~Q(status=Stage.STOCKED), cancelled_at__isnull=True)
