"""Things to test with, made through the operations of the business."""

from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

from accounts.models import User
from accounts.rights import Role
from inventory.models import Product, StockLevel, Supplier
from inventory.services import ledger, products, suppliers
from purchasing.models import PurchaseOrder
from purchasing.services import orders
from purchasing.workflow import ORDER, Stage
from sales.services import recording

PASSWORD = "correct horse battery"
TODAY = date(2026, 6, 15)

_numbers = count(1)


def make_user(role: Role = Role.ADMIN, email: str | None = None, **fields: Any) -> User:
    return User.objects.create_user(email or f"user{next(_numbers)}@example.net", PASSWORD, role=role, **fields)


def an_admin() -> User:
    return User.objects.filter(role=Role.ADMIN).first() or make_user()


def make_supplier(name: str = "Factory", **fields: Any) -> Supplier:
    return suppliers.create(name=name, **fields, actor=an_admin())


def make_product(sku: str | None = None, *, price: str = "10.00", on_hand: int = 0, **fields: Any) -> Product:
    """Make a product, and receive ``on_hand`` units of it."""
    internal_sku = sku or f"LUMI-T{next(_numbers):05d}"
    fields = {"name": f"Kit {internal_sku}", "price_usd": Decimal(price), **fields}
    product = products.create(internal_sku=internal_sku, **fields, today=TODAY, actor=an_admin())
    if on_hand:
        ledger.receive([ledger.Line(product.pk, on_hand, "START")], actor=an_admin())
    return product


def make_order(*lines: orders.Line, supplier: Supplier | None = None, stage: Stage = Stage.DRAFT) -> PurchaseOrder:
    """Make an order and walk it to ``stage``."""
    owner = supplier or make_supplier()
    order = orders.create(supplier_id=owner.pk, lines=list(lines), today=TODAY, actor=an_admin())
    for step in ORDER[1 : ORDER.index(stage) + 1]:
        order = orders.advance(order.pk, to=step, actor=an_admin())
    return order


def on_hand(product: Product) -> int:
    return StockLevel.objects.get(product=product).quantity


def sell(
    product: Product, quantity: int, *, on: date = TODAY, price: str | None = None, reference: str = ""
) -> recording.Recorded:
    """Record the sale of ``quantity`` units; a negative one is their return."""
    line = recording.Line(
        product.pk, abs(quantity), on, None if price is None else Decimal(price), order_reference=reference
    )
    if quantity < 0:
        return recording.record_return(line, today=on, actor=an_admin())
    return recording.record_sales([line], today=on, actor=an_admin())[0]
