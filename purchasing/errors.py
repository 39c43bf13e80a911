"""What purchasing can refuse."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from core.errors import InvalidInput, NotFound, Refused
from purchasing.workflow import Stage


class OrderNotFound(NotFound):
    """The order addressed does not exist."""

    code = "order_not_found"

    def __init__(self, order_id: int) -> None:
        super().__init__(f"There is no purchase order {order_id}.")


class StageNotReachable(Refused):
    """An order moves to its next stage only."""

    code = "stage_not_reachable"

    def __init__(self, *, current: Stage, requested: Stage, allowed: Stage | None) -> None:
        way = f"it can only move to {allowed}" if allowed else "it is at its last stage"
        super().__init__(
            f"An order that is {current} cannot become {requested}: {way}.",
            current=current,
            requested=requested,
            allowed=allowed,
        )


class OrderCancelled(Refused):
    """A cancelled order goes no further."""

    code = "order_cancelled"

    def __init__(self, po_number: str) -> None:
        super().__init__(f"{po_number} is cancelled.")


class OrderNotCancellable(Refused):
    """Goods of the order are on the shelf."""

    code = "order_not_cancellable"

    def __init__(self, po_number: str) -> None:
        super().__init__(f"{po_number} cannot be cancelled: goods of it were received.")


class LinesFixed(Refused):
    """Lines change only while the order is a draft."""

    code = "lines_fixed"

    def __init__(self, po_number: str, status: str) -> None:
        super().__init__(f"The lines of {po_number} are fixed: it is {status}, no draft without receipts.")


class OrderStocked(Refused):
    """Nothing more is received on an order that is finished."""

    code = "order_stocked"

    def __init__(self, po_number: str) -> None:
        super().__init__(f"{po_number} is stocked: nothing more can be received on it.")


class UnknownOrderLines(InvalidInput):
    """A receipt names lines that are not on the order."""

    code = "unknown_order_lines"

    def __init__(self, line_ids: Sequence[int]) -> None:
        ids = ", ".join(str(line_id) for line_id in line_ids)
        super().__init__(f"This order has no line {ids}.", line_item_ids=list(line_ids))


class OverReceipt(Refused):
    """More units would be received than are open on a line."""

    code = "over_receipt"

    def __init__(self, lines: Sequence[dict[str, Any]]) -> None:
        told = "; ".join(f"{line['sku']}: {line['requested']} received, {line['open']} open" for line in lines)
        super().__init__(f"More than was ordered. {told}.", lines=list(lines))


class UnorderableProducts(InvalidInput):
    """Lines name products that do not exist or are not sold any more."""

    code = "unorderable_products"

    def __init__(self, product_ids: Sequence[int]) -> None:
        ids = ", ".join(str(product_id) for product_id in product_ids)
        super().__init__(f"There is no active product with this id: {ids}.", product_ids=list(product_ids))


class OrderTooLarge(InvalidInput):
    """The order is worth more than can be stored."""

    code = "order_too_large"

    def __init__(self, total: Decimal, limit: Decimal) -> None:
        super().__init__(f"The order comes to {total:,.2f} USD; {limit:,.2f} USD is the most one can be worth.")


class UnknownSupplier(InvalidInput):
    """An order names a supplier that does not exist or is deactivated."""

    code = "unknown_supplier"

    def __init__(self, supplier_id: int) -> None:
        super().__init__(f"There is no active supplier {supplier_id}.")
