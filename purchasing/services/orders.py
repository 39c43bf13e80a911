"""The life of a purchase order: made, changed, advanced, cancelled."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.utils import timezone

from accounts import audit
from accounts.models import User
from core import money, rowsets
from core.operations import operation
from inventory.models import Product, Supplier
from purchasing import workflow
from purchasing.errors import (
    LinesFixed,
    MoneyMoving,
    OrderNotCancellable,
    OrderTooLarge,
    StageNotReachable,
    UnknownSupplier,
    UnorderableProducts,
)
from purchasing.models import OrderLine, Payment, PurchaseOrder
from purchasing.services import locks, numbering, receipts
from purchasing.workflow import Stage

PREFIX = "PO"
_LINE_FIELDS = ("order", "product", "quantity", "unit_price_usd", "quantity_received")
MAX_TOTAL = Decimal("9999999999999.99")  # 15 digits: SQLite keeps money as a float, which holds no more


class Line(NamedTuple):
    """Units of a product to order; without a price, the product's."""

    product_id: int
    quantity: int
    unit_price_usd: Decimal | None = None


@operation
def create(*, supplier_id: int, lines: Sequence[Line], today: date, actor: User, **fields: Any) -> PurchaseOrder:
    """Make a DRAFT with the next number of the year of ``today``; the deposit is the supplier's unless given.

    Raises UnknownSupplier, UnorderableProducts or OrderTooLarge.
    """
    deposit_percent = Supplier.objects.filter(pk=supplier_id, is_active=True).values_list("deposit_percent").first()
    if deposit_percent is None:
        raise UnknownSupplier(supplier_id)
    prices = _prices(lines)
    given = {"order_date": today, "deposit_percent": deposit_percent[0], **fields}
    order = PurchaseOrder(supplier_id=supplier_id, **given)
    _set_totals(order, _subtotal(lines, prices))
    order.po_number = numbering.next_number(PREFIX, year=today.year)
    order.save(force_insert=True)
    _insert_lines(order, lines, prices)
    order.status_history.create(old_status="", new_status=Stage.DRAFT, changed_by=actor)
    return order


@operation
def update(order_id: int, *, lines: Sequence[Line] | None = None, actor: User, **fields: Any) -> PurchaseOrder:
    """Change the fields given, and the lines while the order is a DRAFT; totals follow.

    Raises OrderNotFound, OrderCancelled, LinesFixed, UnorderableProducts or OrderTooLarge.
    """
    order = locks.open_order(order_id)
    subtotal = order.subtotal_usd
    if lines is not None:
        subtotal = _replace_lines(order, lines)
    for name, value in fields.items():
        setattr(order, name, value)
    _set_totals(order, subtotal)
    order.save(update_fields=[*fields, "subtotal_usd", "total_usd", "updated_at"])
    return order


@operation
def advance(order_id: int, *, to: Stage, notes: str = "", actor: User) -> PurchaseOrder:
    """Move an order to its next stage. One that reaches STOCKED with nothing received is received in full.

    Raises OrderNotFound, OrderCancelled, or StageNotReachable when ``to`` does not directly follow.
    """
    order = locks.open_order(order_id)
    current = order.stage
    if not workflow.can_advance(current, to):
        raise StageNotReachable(current=current, requested=to, allowed=workflow.next_stage(current))
    order.status = to
    order.save(update_fields=["status", "updated_at"])
    order.status_history.create(old_status=current, new_status=to, changed_by=actor, notes=notes)
    if to is Stage.STOCKED:
        receipts.receive_all_unless_received(order, actor=actor)
    return order


@operation
def cancel(order_id: int, *, reason: str, now: datetime, actor: User) -> PurchaseOrder:
    """End an order where it stands.

    Raises OrderNotFound, OrderCancelled, OrderNotCancellable when goods of it were received, or MoneyMoving while Wise
    is being asked to make or fund a transfer for it.
    """
    order = locks.open_order(order_id)
    moving = Payment.objects.filter(order=order).exclude(wise_task="").values_list("payment_id", flat=True).first()
    if moving:
        raise MoneyMoving(order.po_number, moving)
    if order.stage is Stage.STOCKED or order.line_items.filter(quantity_received__gt=0).exists():
        raise OrderNotCancellable(order.po_number)
    order.cancelled_at = now
    order.save(update_fields=["cancelled_at", "updated_at"])
    for payment in Payment.objects.exclude(status=Payment.Status.FAILED).filter(order=order, attention=""):
        payment.attention = f"{order.po_number} was cancelled. Settle with the supplier what was paid for it."
        payment.save(update_fields=["attention", "updated_at"])
    order.status_history.create(
        old_status=order.status, new_status=order.status, changed_by=actor, notes=f"Cancelled: {reason}".strip(": ")
    )
    return order


def _prices(lines: Sequence[Line]) -> dict[int, Decimal]:
    """Return the price of every product on ``lines``. Raises UnorderableProducts."""
    wanted = {line.product_id for line in lines}
    found = dict(Product.objects.filter(pk__in=wanted, is_active=True).values_list("id", "price_usd"))
    if len(found) < len(wanted):
        raise UnorderableProducts(sorted(wanted - found.keys()))
    return found


def _price(line: Line, prices: dict[int, Decimal]) -> Decimal:
    return prices[line.product_id] if line.unit_price_usd is None else line.unit_price_usd


def _subtotal(lines: Sequence[Line], prices: dict[int, Decimal]) -> Decimal:
    return sum((money.cents(line.quantity * _price(line, prices)) for line in lines), money.ZERO)


def _set_totals(order: PurchaseOrder, subtotal: Decimal) -> None:
    total = subtotal + order.shipping_usd + order.other_fees_usd
    if total > MAX_TOTAL:
        raise OrderTooLarge(total, MAX_TOTAL)
    order.subtotal_usd = subtotal
    order.total_usd = total


def _insert_lines(order: PurchaseOrder, lines: Sequence[Line], prices: dict[int, Decimal]) -> None:
    if not lines:
        return
    now = timezone.now()
    rows = [(order.pk, line.product_id, line.quantity, _price(line, prices), 0) for line in lines]
    ids = rowsets.insert(OrderLine, (*_LINE_FIELDS, "created_at", "updated_at"), [(*row, now, now) for row in rows])
    created = [(key, None, dict(zip(_LINE_FIELDS, row, strict=True))) for key, row in zip(ids, rows, strict=True)]
    audit.record(OrderLine, audit.Action.CREATE, created)


def _stored(line: OrderLine) -> tuple[Any, ...]:
    return (line.order_id, line.product_id, line.quantity, line.unit_price_usd, line.quantity_received)


def _replace_lines(order: PurchaseOrder, lines: Sequence[Line]) -> Decimal:
    """Put ``lines`` in the place of the draft's and return the new subtotal."""
    old = list(order.line_items.order_by("id"))
    if order.stage is not Stage.DRAFT or any(line.quantity_received for line in old):
        raise LinesFixed(order.po_number, order.status)
    prices = _prices(lines)
    audit.record(
        OrderLine,
        audit.Action.DELETE,
        [(line.pk, dict(zip(_LINE_FIELDS, _stored(line), strict=True)), None) for line in old],
    )
    order.line_items.all()._raw_delete(order.line_items.db)
    _insert_lines(order, lines, prices)
    return _subtotal(lines, prices)
