"""Goods of an order arriving: in part, in full, never beyond what is open."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from django.utils import timezone

from accounts import audit
from accounts.models import User
from core import rowsets
from core.errors import InvalidInput
from core.operations import operation
from inventory.services import ledger
from purchasing.errors import OrderStocked, OverReceipt, UnknownOrderLines
from purchasing.models import OrderLine, PurchaseOrder
from purchasing.services import locks
from purchasing.workflow import Stage


class Line(NamedTuple):
    """Units received on one order line."""

    line_item_id: int
    quantity: int


@operation
def receive(order_id: int, lines: Sequence[Line], *, notes: str = "", actor: User) -> PurchaseOrder:
    """Book what arrived of an order: all lines or none. The same line twice counts as the sum.

    Raises:
        OrderNotFound, OrderCancelled, OrderStocked: the order takes no receipts.
        InvalidInput: a quantity is not positive.
        UnknownOrderLines: a line is not on this order.
        OverReceipt: more than is open; lists every such line.
    """
    order = locks.open_order(order_id)
    if order.stage is Stage.STOCKED:
        raise OrderStocked(order.po_number)
    if any(line.quantity <= 0 for line in lines):
        raise InvalidInput("Quantities must be positive.")
    received: dict[int, int] = {}
    for line in lines:
        received[line.line_item_id] = received.get(line.line_item_id, 0) + line.quantity
    _book(order, received, actor, notes)
    return order


def receive_all_unless_received(order: PurchaseOrder, *, actor: User) -> None:
    """Book every line of a locked ``order`` in full, unless a receipt was recorded: then that stands."""
    lines = list(order.line_items.all())
    if lines and not any(line.quantity_received for line in lines):
        _book(order, {line.pk: line.quantity for line in lines}, actor)


def _book(order: PurchaseOrder, received: Mapping[int, int], actor: User, notes: str = "") -> None:
    lines = {line.pk: line for line in order.line_items.select_related("product")}
    unknown = sorted(received.keys() - lines.keys())
    if unknown:
        raise UnknownOrderLines(unknown)
    _refuse_too_many(lines, received)
    arrived = [ledger.Line(lines[key].product_id, units, order.po_number) for key, units in received.items()]
    ledger.receive(arrived, notes=notes, actor=actor)
    _write(lines, received)


def _refuse_too_many(lines: Mapping[int, OrderLine], received: Mapping[int, int]) -> None:
    over = [
        {"line_item_id": key, "sku": line.product.internal_sku, "requested": units, "open": line.quantity_open}
        for key, units in received.items()
        for line in (lines[key],)
        if units > line.quantity_open
    ]
    if over:
        raise OverReceipt(over)


def _write(lines: Mapping[int, OrderLine], received: Mapping[int, int]) -> None:
    now = timezone.now()
    rows = [(key, lines[key].quantity_received + units, now) for key, units in received.items()]
    rowsets.update(OrderLine, "id", ("quantity_received", "updated_at"), rows)
    audit.record(
        OrderLine,
        audit.Action.UPDATE,
        [
            (key, {"quantity_received": lines[key].quantity_received}, {"quantity_received": total})
            for key, total, _ in rows
        ],
    )
