"""Draft orders as they are told when they were made: what is on them, and what they fill."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TypedDict

from planning import freight
from purchasing.models import OrderLine, PurchaseOrder


class Draft(TypedDict):
    """An order. Volume and weight are of whole cartons, and None when that of a product on it is not known."""

    po_id: int
    po_number: str
    status: str
    supplier_id: int
    supplier_name: str
    lines: int
    quantity: int
    cbm: Decimal | None
    kg: Decimal | None
    container: str | None
    containers: int | None
    container_filled: Decimal | None
    lcl_charged: Decimal | None
    total_usd: Decimal


class _Size(TypedDict):
    lines: int
    quantity: int
    cbm: Decimal | None
    kg: Decimal | None


def drafts(order_ids: Sequence[int]) -> list[Draft]:
    """Return these orders in the order they were made, in two queries."""
    sizes = _sizes(order_ids)
    orders = PurchaseOrder.objects.filter(pk__in=order_ids).select_related("supplier").order_by("id")
    return [_draft(order, sizes[order.pk]) for order in orders]


def _sizes(order_ids: Sequence[int]) -> dict[int, _Size]:
    sizes = {key: _Size(lines=0, quantity=0, cbm=Decimal(0), kg=Decimal(0)) for key in order_ids}
    columns = ("order_id", "quantity", "product__units_per_carton", "product__carton_cbm", "product__carton_kg")
    for order_id, quantity, carton, cbm, kg in OrderLine.objects.filter(order_id__in=order_ids).values_list(*columns):
        size, cartons = sizes[order_id], -(-quantity // max(carton, 1))
        size["lines"] += 1
        size["quantity"] += quantity
        size["cbm"] = _plus(size["cbm"], cartons, cbm)
        size["kg"] = _plus(size["kg"], cartons, kg)
    return sizes


def _plus(total: Decimal | None, cartons: int, each: Decimal | None) -> Decimal | None:
    return None if total is None or each is None else total + cartons * each


def _draft(order: PurchaseOrder, size: _Size) -> Draft:
    cbm, kg = size["cbm"], size["kg"]
    load, charged = None, None
    if cbm is not None and kg is not None:
        load, charged = freight.load(cbm, kg), freight.lcl_charged(cbm, kg)
    return Draft(
        po_id=order.pk,
        po_number=order.po_number,
        status=order.status,
        supplier_id=order.supplier_id,
        supplier_name=order.supplier.name,
        **size,
        container=load.container if load else None,
        containers=load.number if load else None,
        container_filled=load.filled if load else None,
        lcl_charged=charged,
        total_usd=order.total_usd,
    )
