"""Taking an order for oneself: the first lock of every operation on it."""

from purchasing.errors import OrderCancelled, OrderNotFound
from purchasing.models import PurchaseOrder


def open_order(order_id: int) -> PurchaseOrder:
    """Lock and return an order that is not cancelled. Raises OrderNotFound or OrderCancelled."""
    order = PurchaseOrder.objects.select_for_update().filter(pk=order_id).first()
    if order is None:
        raise OrderNotFound(order_id)
    if order.cancelled_at is not None:
        raise OrderCancelled(order.po_number)
    return order
