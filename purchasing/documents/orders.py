"""Purchase orders on paper: what a factory needs to know to make the goods and to be paid for them."""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.dateformat import format as format_date

from core.errors import InvalidInput
from purchasing import terms
from purchasing.documents import typesetting
from purchasing.models import OrderLine, PurchaseOrder
from purchasing.selectors import documents as selectors
from purchasing.workflow import Stage

TEMPLATE = Path(__file__).with_name("purchase_order.typ")
MAX_ORDERS = 50
MAX_LINES = 3_000  # on all of them: 4 seconds and 0.5 GB


class TooMuchToPrint(InvalidInput):
    """Printing these would keep a process busy for too long."""

    code = "too_much_to_print"

    def __init__(self) -> None:
        super().__init__(f"At most {MAX_ORDERS} orders with {MAX_LINES:,} lines together can be one PDF. Choose fewer.")


def purchase_orders(orders: Sequence[PurchaseOrder]) -> bytes:
    """Return one PDF with all ``orders``, at least one, each on pages of its own; their lines cost one query.

    The same data makes the same bytes. Raises TooMuchToPrint or DocumentFailed.
    """
    if len(orders) > MAX_ORDERS:
        raise TooMuchToPrint
    lines = selectors.lines(orders, limit=MAX_LINES + 1)
    if sum(map(len, lines.values())) > MAX_LINES:
        raise TooMuchToPrint
    data = {
        "title": ", ".join(order.po_number for order in orders),
        "company": {"name": settings.COMPANY_NAME, "address": settings.COMPANY_ADDRESS},
        "orders": [_order(order, lines[order.pk]) for order in orders],
    }
    return typesetting.pdf(TEMPLATE, data, made_at=max(order.updated_at for order in orders))


def file_name(orders: Sequence[PurchaseOrder]) -> str:
    """Return the name of the file: the order's number, or that there are several."""
    return f"{orders[0].po_number}.pdf" if len(orders) == 1 else "purchase-orders.pdf"


def _order(order: PurchaseOrder, lines: Sequence[OrderLine]) -> dict[str, Any]:
    supplier = order.supplier
    return {
        "number": order.po_number,
        "mark": _mark(order),
        "supplier": {"name": supplier.name, "legal_name": supplier.legal_name, "address": supplier.address},
        "order_date": _day(order.order_date),
        "ready_date": _day(order.expected_ready_date),
        "supplier_pi": order.supplier_pi,
        "lines": [_line(line) for line in lines],
        "packing": _packing(lines),
        "subtotal": _usd(order.subtotal_usd),
        "shipping": _usd(order.shipping_usd),
        "other_fees": _usd(order.other_fees_usd),
        "total": _usd(order.total_usd),
        "payment": _payment(order),
        "notes": order.notes,
    }


def _mark(order: PurchaseOrder) -> str:
    """Return what forbids to act on this paper, if anything."""
    if order.cancelled_at is not None:
        return "CANCELLED"
    return "DRAFT" if order.stage is Stage.DRAFT else ""


def _line(line: OrderLine) -> dict[str, str]:
    product = line.product
    return {
        "sku": product.internal_sku,
        "supplier_sku": product.supplier_sku,
        "name": product.name,
        "quantity": f"{line.quantity:,}",
        "cartons": _cartons(*divmod(line.quantity, product.units_per_carton)),
        "price": _usd(line.unit_price_usd),
        "amount": _usd(line.line_total_usd),
    }


def _cartons(whole: int, loose: int) -> str:
    """Return whole cartons and the pieces beside them: "8", "8 + 3 pcs", "3 pcs"."""
    parts = [f"{whole:,}"] if whole or not loose else []
    return " + ".join([*parts, f"{loose:,} pcs"] if loose else parts)


def _started_cartons(line: OrderLine) -> int:
    """Return the cartons that a line takes: loose pieces fill one more."""
    return -(-line.quantity // line.product.units_per_carton)


def _packing(lines: Sequence[OrderLine]) -> dict[str, str]:
    return {
        "units": f"{sum(line.quantity for line in lines):,}",
        "cartons": f"{sum(_started_cartons(line) for line in lines):,}",
        "volume": _measured(lines, lambda line: line.product.carton_cbm, unit="m³", digits=3),
        "weight": _measured(lines, lambda line: line.product.carton_kg, unit="kg", digits=2),
    }


def _measured(
    lines: Sequence[OrderLine], of_carton: Callable[[OrderLine], Decimal | None], *, unit: str, digits: int
) -> str:
    """Return what all cartons measure together, and for how many lines that is known; "" when for none."""
    known = [(line, size) for line in lines if (size := of_carton(line)) is not None]
    if not known:
        return ""
    total = sum((_started_cartons(line) * size for line, size in known), Decimal(0))
    missing = len(lines) - len(known)
    gap = f" (not known for {missing:,} of {len(lines):,} lines)" if missing else ""
    return f"{total:,.{digits}f} {unit}{gap}"


def _payment(order: PurchaseOrder) -> dict[str, str]:
    deposit, balance = terms.deposit_and_balance(order.total_usd, order.deposit_percent)
    return {
        "deposit": _usd(deposit) if deposit else "",
        "deposit_percent": _percent(order.deposit_percent),
        "balance": _usd(balance) if balance else "",
        "balance_percent": _percent(terms.HUNDRED - order.deposit_percent),
        "terms": order.supplier.payment_terms,
    }


def _usd(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def _percent(percent: Decimal) -> str:
    return f"{percent.normalize():f}"


def _day(day: date | None) -> str:
    """Return a date that reads the same everywhere: 5 June 2026."""
    return format_date(day, "j F Y") if day else ""
