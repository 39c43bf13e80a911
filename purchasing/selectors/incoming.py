"""What is on order and on the way, product by product.

Counted are the open units of orders that were sent and are neither stocked nor cancelled: a DRAFT is no commitment,
and what is missing of a stocked order stays missing. They are on the way once the order or a shipment of it has left.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple, TypedDict

from django.db.models import F, QuerySet, Sum

from inventory.models import Product
from purchasing import milestones
from purchasing.milestones import Dates
from purchasing.models import Milestone, MilestoneType, OrderLine
from purchasing.workflow import ORDER, Stage

COMMITTED = ORDER[ORDER.index(Stage.SENT) : ORDER.index(Stage.STOCKED)]
LEFT = ORDER[ORDER.index(Stage.SHIPPED) :]


class Arrival(NamedTuple):
    """Open units of one product on one order.

    Shipments do not tell what they carry, so ``expected_date`` is that of the last one: by then all of it is here.
    It is None when no shipment tells a date; ``ready_date`` is when the factory said it would be done.
    """

    order_id: int
    po_number: str
    quantity: int
    expected_date: date | None
    ready_date: date | None
    is_on_the_way: bool
    status: Stage


class ArrivalRow(TypedDict):
    """An arrival as it is shown."""

    po_id: int
    po_number: str
    status: Stage
    quantity: int
    is_on_the_way: bool
    expected_date: date | None
    ready_date: date | None
    is_late: bool


class Incoming(TypedDict):
    """One product of which units are open; quantities are units."""

    product_id: int
    internal_sku: str
    name: str
    quantity_on_order: int
    quantity_on_the_way: int
    next_arrival_date: date | None
    arrivals: list[ArrivalRow]


class _Way(NamedTuple):
    expected_date: date | None
    has_left: bool


_NOWHERE = _Way(None, has_left=False)


def products(*, product_id: int | None = None, supplier_id: int | None = None) -> QuerySet[Product]:
    """Return the products with open units, by SKU; ``supplier_id`` is the supplier of the orders."""
    lines = _open_lines(supplier_id)
    if product_id is not None:
        lines = lines.filter(product_id=product_id)
    return Product.objects.filter(pk__in=lines.values("product_id")).order_by("internal_sku")


def incoming(products: Sequence[Product], *, supplier_id: int | None = None, today: date) -> list[Incoming]:
    """Return what is open of each of ``products``, in two queries."""
    found = arrivals([product.pk for product in products], supplier_id=supplier_id)
    return [_incoming(product, found.get(product.pk, []), today) for product in products]


def arrivals(product_ids: Sequence[int], *, supplier_id: int | None = None) -> dict[int, list[Arrival]]:
    """Return by product what is open of it, the earliest first and without a date last, in two queries.

    Products of which nothing is open are left out.
    """
    lines = _open_lines(supplier_id).filter(product_id__in=product_ids)
    columns = ("product_id", "order_id", "order__po_number", "order__status", "order__expected_ready_date")
    rows = lines.values_list(*columns).annotate(units=Sum(F("quantity") - F("quantity_received")))
    found = list(rows.order_by("product_id", "order_id"))
    ways = _ways({row[1] for row in found})
    by_product: dict[int, list[Arrival]] = defaultdict(list)
    for product_id, order_id, po_number, status, ready_date, units in found:
        stage, way = Stage(status), ways.get(order_id, _NOWHERE)
        on_the_way = stage in LEFT or way.has_left
        arrival = Arrival(order_id, po_number, units, way.expected_date, ready_date, on_the_way, stage)
        by_product[product_id].append(arrival)
    return {product_id: sorted(these, key=_by_date) for product_id, these in by_product.items()}


def _open_lines(supplier_id: int | None) -> QuerySet[OrderLine]:
    lines = OrderLine.objects.filter(
        quantity__gt=F("quantity_received"), order__cancelled_at__isnull=True, order__status__in=COMMITTED
    )
    return lines if supplier_id is None else lines.filter(order__supplier_id=supplier_id)


def _ways(order_ids: Iterable[int]) -> dict[int, _Way]:
    """Return by order when the last of its shipments is expected, and whether any has left."""
    rows = Milestone.objects.filter(shipment__order_id__in=order_ids).values_list(
        "shipment__order_id", "shipment_id", "shipment__status", "milestone_type", "expected_date"
    )
    plans: dict[tuple[int, int, str], dict[MilestoneType, Dates]] = defaultdict(dict)
    for order_id, shipment_id, status, step, day in rows:
        plans[order_id, shipment_id, status][MilestoneType(step)] = Dates(expected_date=day)
    ways: dict[int, _Way] = {}
    for (order_id, _, status), plan in plans.items():
        day, has_left = ways.get(order_id, _NOWHERE)
        arrival = None if status == MilestoneType.DELIVERED else milestones.expected_arrival(plan)
        last = max((one for one in (day, arrival) if one), default=None)
        ways[order_id] = _Way(last, has_left or status != MilestoneType.ORDER_PLACED)
    return ways


def _incoming(product: Product, arrivals: Sequence[Arrival], today: date) -> Incoming:
    return Incoming(
        product_id=product.pk,
        internal_sku=product.internal_sku,
        name=product.name,
        quantity_on_order=sum(arrival.quantity for arrival in arrivals),
        quantity_on_the_way=sum(arrival.quantity for arrival in arrivals if arrival.is_on_the_way),
        next_arrival_date=min((arrival.expected_date for arrival in arrivals if arrival.expected_date), default=None),
        arrivals=[_row(arrival, today) for arrival in arrivals],
    )


def _row(arrival: Arrival, today: date) -> ArrivalRow:
    return ArrivalRow(
        po_id=arrival.order_id,
        po_number=arrival.po_number,
        status=arrival.status,
        quantity=arrival.quantity,
        is_on_the_way=arrival.is_on_the_way,
        expected_date=arrival.expected_date,
        ready_date=arrival.ready_date,
        is_late=arrival.expected_date is not None and arrival.expected_date < today,
    )


def _by_date(arrival: Arrival) -> tuple[bool, date, int]:
    return arrival.expected_date is None, arrival.expected_date or date.max, arrival.order_id
