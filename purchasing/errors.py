"""What purchasing can refuse."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from core.errors import Forbidden, InvalidInput, NotFound, Refused
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


class PaymentNotFound(NotFound):
    """The payment addressed does not exist."""

    code = "payment_not_found"

    def __init__(self, payment_id: int) -> None:
        super().__init__(f"There is no payment {payment_id}.")


class PaymentWithoutPayee(InvalidInput):
    """A payment needs an order or a supplier, and the two must belong together."""

    code = "payment_without_payee"

    def __init__(self, po_number: str = "") -> None:
        super().__init__(
            f"{po_number} belongs to another supplier." if po_number else "A payment needs an order or a supplier."
        )


class NothingDue(Refused):
    """No amount was given, and nothing is open that could be taken for it."""

    code = "nothing_due"

    def __init__(self, po_number: str, kind: str) -> None:
        what = f"Of the {kind.lower()} of {po_number}" if kind else f"Of {po_number}"
        super().__init__(f"{what} nothing is open: give the amount.")


class OverPayment(Refused):
    """More would be paid than the order comes to."""

    code = "over_payment"

    def __init__(self, po_number: str, *, total: Decimal, spent: Decimal, amount: Decimal) -> None:
        over = spent + amount - total
        super().__init__(
            f"{po_number} comes to {total:,.2f} USD, of which {spent:,.2f} USD are paid or on their way: "
            f"{amount:,.2f} USD would be {over:,.2f} USD too much. Confirm the over-payment if it is meant.",
            total_usd=total,
            spent_usd=spent,
            over_usd=over,
        )


class UnknownBankAccount(InvalidInput):
    """A payment names a bank account that its supplier does not have."""

    code = "unknown_bank_account"

    def __init__(self, account_id: int) -> None:
        super().__init__(f"The supplier has no bank account {account_id}.")


class PaymentAtWise(Refused):
    """What Wise has been told, or follows at Wise, is not changed by hand."""

    code = "payment_at_wise"

    def __init__(self, payment_id: str, names: Sequence[str]) -> None:
        told = ", ".join(names)
        super().__init__(f"{payment_id} follows a transfer at Wise, so this cannot be changed by hand: {told}.")


class LinkingForbidden(Forbidden):
    """A transfer at Wise may be any of the company's, so linking shows what others are paid."""

    code = "linking_forbidden"

    def __init__(self) -> None:
        super().__init__("Only those who may move money link payments to transfers at Wise, or take the link away.")


class MoneyMoving(Refused):
    """Wise is being asked for something that belongs to this order."""

    code = "money_moving"

    def __init__(self, po_number: str, payment_id: str) -> None:
        super().__init__(
            f"{po_number} cannot be cancelled: {payment_id} is being moved through Wise. Withdraw that first."
        )


class TransferTaken(Refused):
    """The transfer belongs to another payment already."""

    code = "transfer_taken"

    def __init__(self, transfer_id: str, payment_id: str) -> None:
        super().__init__(f"Transfer {transfer_id} belongs to {payment_id} already.")


class WiseNotConnected(Refused):
    """There is no key for Wise, so payments are kept by hand."""

    code = "wise_not_connected"

    def __init__(self) -> None:
        super().__init__(
            "Wise is not connected: there is no WISE_API_KEY. Payments are kept by hand; their status can be set."
        )


class NotAtWise(Refused):
    """The payment has no transfer that could be asked for."""

    code = "not_at_wise"

    def __init__(self, payment_id: str) -> None:
        super().__init__(f"{payment_id} has no transfer at Wise. Link one by its number, or have one made.")


class TransferNotPossible(Refused):
    """Something stands against moving this money through Wise."""

    code = "transfer_not_possible"

    def __init__(self, payment_id: str, reason: str) -> None:
        super().__init__(f"{payment_id}: {reason}")


class ShipmentNotFound(NotFound):
    """The shipment addressed does not exist."""

    code = "shipment_not_found"

    def __init__(self, shipment_id: int) -> None:
        super().__init__(f"There is no shipment {shipment_id}.")


class OrderNotSent(Refused):
    """Nothing of a draft is shipped."""

    code = "order_not_sent"

    def __init__(self, po_number: str) -> None:
        super().__init__(f"{po_number} is a DRAFT: a shipment belongs to an order that was sent.")


class ImpossibleMilestones(InvalidInput):
    """Dates of a shipment lie in the future, run backwards or are given twice."""

    code = "impossible_milestones"

    def __init__(self, problems: Sequence[dict[str, str]]) -> None:
        told = "; ".join(f"{problem['milestone_type']}: {problem['reason']}" for problem in problems)
        super().__init__(f"These milestones cannot be. {told}.", milestones=list(problems))


class RecipientKnown(Refused):
    """The bank account is a recipient at Wise already."""

    code = "recipient_known"

    def __init__(self, recipient_id: str) -> None:
        super().__init__(f"Wise knows this bank account already, as recipient {recipient_id}.")
