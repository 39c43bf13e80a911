"""Reading what is printed."""

from collections import defaultdict
from collections.abc import Sequence

from purchasing.errors import OrderNotFound
from purchasing.models import OrderLine, PurchaseOrder


def order(order_id: int) -> PurchaseOrder:
    """Return one order with its supplier, in one query. Raises OrderNotFound."""
    found = PurchaseOrder.objects.select_related("supplier").filter(pk=order_id).first()
    if found is None:
        raise OrderNotFound(order_id)
    return found


def lines(orders: Sequence[PurchaseOrder], *, limit: int) -> dict[int, list[OrderLine]]:
    """Return the lines of each order by its id, with their products, in one query; none is an empty list.

    Of all lines together, the first ``limit``.
    """
    found: dict[int, list[OrderLine]] = defaultdict(list)
    for line in OrderLine.objects.filter(order__in=orders).select_related("product").order_by("id")[:limit]:
        found[line.order_id].append(line)
    return found
