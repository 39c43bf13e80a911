"""Taking documents for oneself, always in this order: order, then payment. Later locks come after both."""

from purchasing.errors import OrderCancelled, OrderNotFound, PaymentNotFound
from purchasing.models import Payment, PurchaseOrder


def order(order_id: int) -> PurchaseOrder:
    """Lock and return an order, a cancelled one too. Raises OrderNotFound."""
    found = PurchaseOrder.objects.select_for_update().filter(pk=order_id).first()
    if found is None:
        raise OrderNotFound(order_id)
    return found


def open_order(order_id: int) -> PurchaseOrder:
    """Lock and return an order that is not cancelled. Raises OrderNotFound or OrderCancelled."""
    found = order(order_id)
    if found.cancelled_at is not None:
        raise OrderCancelled(found.po_number)
    return found


def payment(payment_id: int) -> Payment:
    """Lock a payment, its order first, and return it with the order. Raises PaymentNotFound.

    A payment never changes its order, so the order can be looked up before anything is locked.
    """
    row = Payment.objects.filter(pk=payment_id).values_list("order_id").first()
    if row is None:
        raise PaymentNotFound(payment_id)
    owner = None if row[0] is None else order(row[0])
    found = Payment.objects.select_for_update().get(pk=payment_id)
    found.order = owner
    return found


def payment_alone(payment_id: int) -> Payment:
    """Lock a payment for what Wise says of it, which concerns no order. Raises PaymentNotFound."""
    found = Payment.objects.select_for_update().filter(pk=payment_id).first()
    if found is None:
        raise PaymentNotFound(payment_id)
    return found
