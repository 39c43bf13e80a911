"""What the business does with products and their prices."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit
from accounts.models import User
from core import rowsets
from core.operations import operation
from inventory.errors import BadAgeRange, BadSku, ProductNotFound, SkuTaken, UnknownSupplier
from inventory.models import PriceHistory, Product, Supplier
from inventory.services import ledger


def normal_sku(sku: str) -> str:
    """Return ``sku`` as it is stored: trimmed, in upper case. Raises BadSku when it breaks SKU_PATTERN."""
    normal = sku.strip().upper()
    if not re.fullmatch(settings.SKU_PATTERN, normal):
        raise BadSku(sku, settings.SKU_PATTERN)
    return normal


@operation
def create(*, internal_sku: str, price_usd: Decimal, today: date, actor: User, **fields: Any) -> Product:
    """Add a product with its first price and an empty stock level.

    Raises BadSku, SkuTaken, UnknownSupplier or BadAgeRange.
    """
    sku = normal_sku(internal_sku)
    _check_supplier(fields.get("supplier_id"))
    product = Product(internal_sku=sku, price_usd=price_usd, **fields)
    _check_ages(product)
    _save(product)
    _remember_price(product, today)
    ledger.make_levels([product.pk])
    return product


@operation
def update(product_id: int, *, today: date, actor: User, **fields: Any) -> Product:
    """Change the fields given; a price that really changes is remembered.

    Raises ProductNotFound and what ``create`` raises.
    """
    product = Product.objects.select_for_update().filter(pk=product_id).first()
    if product is None:
        raise ProductNotFound(product_id)
    if "internal_sku" in fields:
        fields["internal_sku"] = normal_sku(fields["internal_sku"])
    if fields.get("supplier_id") != product.supplier_id:
        _check_supplier(fields.get("supplier_id"))
    changed = [name for name, value in fields.items() if getattr(product, name) != value]
    for name in changed:
        setattr(product, name, fields[name])
    _check_ages(product)
    if changed:
        _save(product, update_fields=[*(_column(name) for name in changed), "updated_at"])
    if "price_usd" in changed:
        _remember_price(product, today)
    return product


@operation
def deactivate(product_id: int, *, today: date, actor: User) -> Product:
    """Stop selling a product; it stays readable. Raises ProductNotFound."""
    return update(product_id, is_active=False, today=today, actor=actor)


@operation
def create_missing(rows: Iterable[Mapping[str, Any]], *, today: date, actor: User) -> int:
    """Add the products of ``rows`` (internal_sku, name, price_usd) that do not exist yet and return their number.

    Set-based: the number of statements is the same for one row and for 5,000. Raises BadSku for the first SKU that
    breaks the pattern; nothing is added then.
    """
    wanted = {normal_sku(row["internal_sku"]): row for row in rows}
    known = set(Product.objects.filter(internal_sku__in=list(wanted)).values_list("internal_sku", flat=True))
    new = [(sku, row) for sku, row in wanted.items() if sku not in known]
    if not new:
        return 0
    ids = _insert_products(new)
    _insert_prices(ids, new, today)
    ledger.make_levels(ids)
    return len(ids)


def _insert_products(new: Sequence[tuple[str, Mapping[str, Any]]]) -> list[int]:
    names = ("internal_sku", "supplier_sku", "name", "price_usd", "units_per_carton", "is_best_seller", "is_active")
    now = timezone.now()
    rows = [(sku, "", row["name"], row["price_usd"], 1, False, True) for sku, row in new]
    ids = rowsets.insert(Product, (*names, "created_at", "updated_at"), [(*row, now, now) for row in rows])
    created = [(key, None, dict(zip(names, row, strict=True))) for key, row in zip(ids, rows, strict=True)]
    audit.record(Product, audit.Action.CREATE, created)
    return ids


def _insert_prices(ids: Sequence[int], new: Sequence[tuple[str, Mapping[str, Any]]], today: date) -> None:
    names = ("product", "price_usd", "effective_date")
    rows = [(key, row["price_usd"], today) for key, (_, row) in zip(ids, new, strict=True)]
    keys = rowsets.insert(PriceHistory, (*names, "created_at"), [(*row, timezone.now()) for row in rows])
    created = [(key, None, dict(zip(names, row, strict=True))) for key, row in zip(keys, rows, strict=True)]
    audit.record(PriceHistory, audit.Action.CREATE, created)


def _save(product: Product, update_fields: Sequence[str] | None = None) -> None:
    """Save ``product``. Whether its SKU is free is the unique index's word, also when two ask at once."""
    try:
        with transaction.atomic():
            product.save(update_fields=update_fields)
    except IntegrityError as error:
        if "internal_sku" not in str(error):
            raise
        raise SkuTaken(product.internal_sku) from error


def _remember_price(product: Product, today: date) -> None:
    PriceHistory.objects.create(
        product=product, supplier_id=product.supplier_id, price_usd=product.price_usd, effective_date=today
    )


def _check_supplier(supplier_id: int | None) -> None:
    if supplier_id is not None and not Supplier.objects.filter(pk=supplier_id, is_active=True).exists():
        raise UnknownSupplier(supplier_id)


def _check_ages(product: Product) -> None:
    start, end = product.age_range_start, product.age_range_end
    if start is not None and end is not None and end < start:
        raise BadAgeRange


def _column(name: str) -> str:
    return name.removesuffix("_id")
