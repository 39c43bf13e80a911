"""Reading shipments."""

from datetime import date
from typing import NamedTuple

from django.db.models import QuerySet

from purchasing import milestones
from purchasing.errors import ShipmentNotFound
from purchasing.milestones import CHAIN, Dates
from purchasing.models import MilestoneType, PurchaseOrder, Shipment
from purchasing.workflow import Stage


class Step(NamedTuple):
    """One milestone of a shipment; dates that nobody gave are None."""

    milestone_type: MilestoneType
    expected_date: date | None
    actual_date: date | None
    is_late: bool


def shipments(
    *, order_id: int | None = None, status: MilestoneType | None = None, supplier_id: int | None = None
) -> QuerySet[Shipment]:
    """Return shipments with order, supplier and milestones, newest first, those that match every filter given."""
    found = Shipment.objects.select_related("order__supplier").prefetch_related("milestones").order_by("-id")
    given = {"order_id": order_id, "status": status, "order__supplier_id": supplier_id}
    return found.filter(**{name: value for name, value in given.items() if value is not None})


def of_order(order_id: int) -> list[Shipment]:
    """Return the shipments of one order, oldest first, in two queries."""
    return list(shipments(order_id=order_id).order_by("id"))


def shipment(shipment_id: int) -> Shipment:
    """Return one shipment with order, supplier and milestones, in two queries. Raises ShipmentNotFound."""
    found = shipments().filter(pk=shipment_id).first()
    if found is None:
        raise ShipmentNotFound(shipment_id)
    return found


def steps(shipment: Shipment, *, today: date) -> list[Step]:
    """Return all five milestones of a ``shipment`` that was read here, in their order.

    Once its order is stocked or cancelled nothing is awaited any more, and nothing is late.
    """
    known = {row.milestone_type: Dates(row.expected_date, row.actual_date) for row in shipment.milestones.all()}
    status = MilestoneType(shipment.status)
    awaited = _is_open(shipment.order)
    return [
        Step(step, *dates, is_late=awaited and milestones.is_late(step, dates, status=status, today=today))
        for step in CHAIN
        for dates in (known.get(step, Dates()),)
    ]


def _is_open(order: PurchaseOrder) -> bool:
    return order.cancelled_at is None and order.stage is not Stage.STOCKED
