"""Reading the catalogue and the stock."""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple, TypedDict

from django.db.models import Count, DecimalField, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from core import money
from inventory.errors import ProductNotFound, SupplierNotFound
from inventory.models import (
    STATUS_CONDITIONS,
    PriceHistory,
    Product,
    RowCount,
    StockLevel,
    StockMovement,
    StockStatus,
    Supplier,
    SupplierBankAccount,
    SupplierContact,
)

# Of levels; in the database's own words, so it passes through ``money.cents``.
TOTAL_VALUE = Sum(F("quantity") * F("product__price_usd"), output_field=DecimalField(max_digits=20))


class Stats(TypedDict):
    """The shelf in five figures, over active products."""

    total_value: Decimal
    total_products: int
    in_stock_count: int
    low_stock_count: int
    out_of_stock_count: int


class Difference(NamedTuple):
    """A product whose quantity is not what its ledger says."""

    sku: str
    quantity: int
    ledger: int
    last_balance: int | None


def products(
    *,
    best_seller: bool | None = None,
    active: bool | None = None,
    supplier_id: int | None = None,
    search: str = "",
) -> QuerySet[Product]:
    """Return products by SKU, those that match every filter given."""
    found = Product.objects.select_related("supplier").order_by("internal_sku")
    if best_seller is not None:
        found = found.filter(is_best_seller=best_seller)
    if active is not None:
        found = found.filter(is_active=active)
    if supplier_id is not None:
        found = found.filter(supplier_id=supplier_id)
    return found.filter(_matches(search)) if search else found


def product(product_id: int) -> Product:
    """Return one product with its supplier. Raises ProductNotFound."""
    found = Product.objects.select_related("supplier").filter(pk=product_id).first()
    if found is None:
        raise ProductNotFound(product_id)
    return found


def price_history(product_id: int) -> QuerySet[PriceHistory]:
    """Return the prices of a product, newest first. Raises ProductNotFound."""
    product(product_id)
    return PriceHistory.objects.filter(product_id=product_id).order_by("-effective_date", "-id")


def suppliers(*, active: bool | None = None, search: str = "") -> QuerySet[Supplier]:
    """Return suppliers by name."""
    found = Supplier.objects.order_by("name", "id")
    if active is not None:
        found = found.filter(is_active=active)
    return found.filter(Q(name__icontains=search) | Q(legal_name__icontains=search)) if search else found


def supplier(supplier_id: int) -> Supplier:
    """Return one supplier with its contacts. Raises SupplierNotFound."""
    found = Supplier.objects.prefetch_related("contacts").filter(pk=supplier_id).first()
    if found is None:
        raise SupplierNotFound(supplier_id)
    return found


def contacts(supplier_id: int) -> QuerySet[SupplierContact]:
    """Return the contacts of a supplier. Raises SupplierNotFound."""
    _refuse_unknown_supplier(supplier_id)
    return SupplierContact.objects.filter(supplier_id=supplier_id).order_by("id")


def bank_accounts(supplier_id: int) -> QuerySet[SupplierBankAccount]:
    """Return the bank accounts of a supplier. Raises SupplierNotFound."""
    _refuse_unknown_supplier(supplier_id)
    return SupplierBankAccount.objects.filter(supplier_id=supplier_id).order_by("id")


def stock_levels(*, status: StockStatus | None = None, search: str = "") -> QuerySet[StockLevel]:
    """Return the levels of active products, by SKU."""
    levels = StockLevel.objects.of_active_products().select_related("product").order_by("product__internal_sku")
    if status is not None:
        levels = levels.with_status(status)
    return levels.filter(_matches(search, "product__")) if search else levels


def stock_level_count() -> int:
    """Return how many levels ``stock_levels()`` has without filters.

    All, as the database keeps count, less those of the few inactive products: the time does not grow with the
    catalogue, where counting the join visits every product.
    """
    inactive = StockLevel.objects.filter(product__is_active=False).count()
    kept = RowCount.objects.filter(table_name=StockLevel._meta.db_table)
    return sum(kept.values_list("number", flat=True)) - inactive


def stock_level(product_id: int) -> StockLevel | None:
    """Return the level of one product with the product, or None when it was never stocked."""
    return StockLevel.objects.select_related("product").filter(product_id=product_id).first()


def movements(product_id: int) -> QuerySet[StockMovement]:
    """Return the ledger of one product. Raises ProductNotFound."""
    product(product_id)
    return StockMovement.objects.filter(product_id=product_id)


def stats() -> Stats:
    """Return the shelf in five figures, in one query."""
    levels = StockLevel.objects.of_active_products()
    found = levels.aggregate(
        total_value=TOTAL_VALUE,
        total_products=Count("id"),
        in_stock_count=Count("id", filter=STATUS_CONDITIONS[StockStatus.OK]),
        low_stock_count=Count("id", filter=STATUS_CONDITIONS[StockStatus.LOW]),
        out_of_stock_count=Count("id", filter=STATUS_CONDITIONS[StockStatus.OUT_OF_STOCK]),
    )
    found["total_value"] = money.cents(found["total_value"])
    return Stats(**found)  # type: ignore[typeddict-item] # the aggregate has exactly these names


def ledger_differences() -> Iterator[Difference]:
    """Yield every product whose quantity differs from the sum, or the last balance, of its movements."""
    own = StockMovement.objects.filter(product_id=OuterRef("pk")).order_by()
    total = own.values("product_id").annotate(units=Sum("quantity")).values("units")
    rows = (
        Product.objects.annotate(
            on_hand=Coalesce(F("stock_level__quantity"), 0),
            in_ledger=Coalesce(Subquery(total), 0),
            last_balance=Subquery(own.order_by("-id").values("balance_after")[:1]),
        )
        .filter(~Q(on_hand=F("in_ledger")) | ~Q(on_hand=Coalesce(F("last_balance"), 0)))
        .order_by("internal_sku")
        .values_list("internal_sku", "on_hand", "in_ledger", "last_balance")
    )
    for row in rows.iterator():
        yield Difference(*row)


def _refuse_unknown_supplier(supplier_id: int) -> None:
    if not Supplier.objects.filter(pk=supplier_id).exists():
        raise SupplierNotFound(supplier_id)


def _matches(search: str, prefix: str = "") -> Q:
    names = ("internal_sku", "supplier_sku", "name")
    condition = Q()
    for name in names:
        condition |= Q(**{f"{prefix}{name}__icontains": search})
    return condition
