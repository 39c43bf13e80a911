"""Shapes of what people fill in about purchase orders."""

from typing import Any

from django import forms

from accounts.forms import OperationForm
from core import cleaning
from inventory import selectors as inventory
from inventory.errors import MAX_ON_HAND
from inventory.models import Product, Supplier
from purchasing.errors import OrderTooLarge, UnknownSupplier, UnorderableProducts

_MAX_SKU = 32


class OrderForm(OperationForm):
    """A new purchase order with one line; ``product`` is what was asked for, to begin with."""

    places = {UnknownSupplier: "supplier", UnorderableProducts: "sku", OrderTooLarge: "quantity"}
    supplier = forms.ModelChoiceField(
        Supplier.objects.none(),
        empty_label="Choose a supplier",
        error_messages={"invalid_choice": "There is no such supplier, or it is not used any more."},
    )
    sku = forms.CharField(
        label="SKU",
        max_length=_MAX_SKU,
        widget=forms.TextInput(attrs={"autocapitalize": "characters", "autocomplete": "off", "spellcheck": "false"}),
    )
    quantity = forms.IntegerField(min_value=1, max_value=MAX_ON_HAND, help_text="Units.")

    def __init__(self, *args: Any, product: Product | None = None, **options: Any) -> None:
        """Fill in ``product``, its supplier, and as many units as can be ordered at least."""
        super().__init__(*args, **{"initial": None if product is None else _proposal(product), **options})
        self.fields["supplier"].queryset = inventory.suppliers(active=True)  # type: ignore[attr-defined]
        if product is not None:
            self.fields["quantity"].help_text = _quantity_help(product)

    def clean_sku(self) -> Product:
        """Return the product that is sold under this SKU."""
        sku = cleaning.text(self.cleaned_data["sku"]).upper()
        product = Product.objects.filter(internal_sku=sku, is_active=True).first()
        if product is None:
            raise forms.ValidationError("There is no active product with this SKU.")
        return product


def least_quantity(product: Product) -> int:
    """Return the supplier's minimum in whole cartons: the fewest units of ``product`` that make sense to order."""
    least = 1 if product.supplier is None else max(1, product.supplier.moq)
    cartons = -(-least // product.units_per_carton)
    return cartons * product.units_per_carton


def _proposal(product: Product) -> dict[str, Any]:
    usable = product.supplier is not None and product.supplier.is_active
    return {
        "supplier": product.supplier_id if usable else None,
        "sku": product.internal_sku,
        "quantity": min(least_quantity(product), MAX_ON_HAND),
    }


def _quantity_help(product: Product) -> str:
    facts = [f"{product.units_per_carton:,} in a carton"]
    if product.supplier is not None:
        facts.append(f"{product.supplier.name} takes orders from {product.supplier.moq:,}")
    return f"Units; {', '.join(facts)}."
