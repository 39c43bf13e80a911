"""What inventory can refuse."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from core.errors import InvalidInput, NotFound, Refused

MAX_ON_HAND = 2_147_483_647


@dataclass(frozen=True, slots=True)
class Shortage:
    """One product of which more was asked for than is there. ``lines`` are positions in the request, from 0."""

    product_id: int
    sku: str
    requested: int
    on_hand: int
    lines: list[int]


class InsufficientStock(Refused):
    """More units were asked for than are on hand."""

    code = "insufficient_stock"

    def __init__(self, shortages: Sequence[Shortage]) -> None:
        lines = "; ".join(f"{s.sku}: {s.requested} requested, {s.on_hand} on hand" for s in shortages)
        super().__init__(f"Not enough stock. {lines}.", shortages=[asdict(s) for s in shortages])
        self.shortages = tuple(shortages)


class TooManyUnits(Refused):
    """The shelf would hold more units than the ledger can count."""

    code = "too_many_units"

    def __init__(self, skus: Sequence[str]) -> None:
        super().__init__(f"More than {MAX_ON_HAND:,} units on hand: {', '.join(skus)}.", skus=list(skus))


class UnknownProducts(NotFound):
    """Lines name products that do not exist."""

    code = "unknown_products"

    def __init__(self, product_ids: Sequence[int]) -> None:
        ids = ", ".join(str(product_id) for product_id in product_ids)
        super().__init__(f"There is no product with this id: {ids}.", product_ids=list(product_ids))


class ProductNotFound(NotFound):
    """The product addressed does not exist."""

    code = "product_not_found"

    def __init__(self, product_id: int) -> None:
        super().__init__(f"There is no product {product_id}.")


class SupplierNotFound(NotFound):
    """The supplier addressed does not exist."""

    code = "supplier_not_found"

    def __init__(self, supplier_id: int) -> None:
        super().__init__(f"There is no supplier {supplier_id}.")


class ContactNotFound(NotFound):
    """The supplier addressed has no such contact."""

    code = "contact_not_found"

    def __init__(self, contact_id: int) -> None:
        super().__init__(f"This supplier has no contact {contact_id}.")


class BankAccountNotFound(NotFound):
    """The supplier addressed has no such bank account."""

    code = "bank_account_not_found"

    def __init__(self, account_id: int) -> None:
        super().__init__(f"This supplier has no bank account {account_id}.")


class UnknownSupplier(InvalidInput):
    """A product names a supplier that does not exist or is deactivated."""

    code = "unknown_supplier"

    def __init__(self, supplier_id: int) -> None:
        super().__init__(f"There is no active supplier {supplier_id}.")


class BadSku(InvalidInput):
    """The SKU does not follow the house's pattern."""

    code = "bad_sku"

    def __init__(self, sku: str, pattern: str) -> None:
        super().__init__(f"{sku!r} is not a valid SKU: it must match {pattern}.")


class SkuTaken(InvalidInput):
    """Another product has this SKU."""

    code = "sku_taken"

    def __init__(self, sku: str) -> None:
        super().__init__(f"There is already a product with SKU {sku}.")


class BadAgeRange(InvalidInput):
    """The age range ends before it starts."""

    code = "bad_age_range"

    def __init__(self) -> None:
        super().__init__("The age range ends before it starts.")
