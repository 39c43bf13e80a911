"""Draft orders from suggestions."""

from collections import defaultdict
from collections.abc import Sequence, Set
from datetime import date
from typing import NamedTuple

from accounts.models import User
from core.operations import operation
from inventory.models import Product
from planning.errors import NoActiveSupplier
from purchasing.errors import UnorderableProducts
from purchasing.models import PurchaseOrder
from purchasing.services import orders


class Item(NamedTuple):
    """Units of a product to order."""

    product_id: int
    quantity: int


@operation
def create(items: Sequence[Item], *, today: date, actor: User) -> list[PurchaseOrder]:
    """Make one DRAFT for each supplier of the products, all of them or none; supplier by supplier, by id.

    Raises UnorderableProducts, NoActiveSupplier or OrderTooLarge.
    """
    suppliers = _suppliers({item.product_id for item in items})
    lines: dict[int, list[orders.Line]] = defaultdict(list)
    for item in items:
        lines[suppliers[item.product_id]].append(orders.Line(item.product_id, item.quantity))
    return [
        orders.create(supplier_id=supplier_id, lines=of_one, today=today, actor=actor)
        for supplier_id, of_one in sorted(lines.items())
    ]


def _suppliers(product_ids: Set[int]) -> dict[int, int]:
    """Return the supplier of each product. Raises UnorderableProducts or NoActiveSupplier."""
    columns = ("id", "internal_sku", "supplier_id", "supplier__is_active")
    rows = Product.objects.filter(pk__in=product_ids, is_active=True).order_by("internal_sku").values_list(*columns)
    found = {product_id: supplier_id for product_id, _, supplier_id, _ in rows}
    if len(found) < len(product_ids):
        raise UnorderableProducts(sorted(product_ids - found.keys()))
    refused = [sku for _, sku, _, is_active in rows if not is_active]
    if refused:
        raise NoActiveSupplier(refused)
    return found
