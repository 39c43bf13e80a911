"""Shapes of suppliers, products and stock in the API."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from accounts.api.privacy import CostField
from core.api.fields import MAX_UNITS, AmountField, CleanCharField, IdField, WholeField
from core.api.filters import Filters
from inventory.models import (
    PriceHistory,
    Product,
    StockLevel,
    StockMovement,
    StockStatus,
    Supplier,
    SupplierBankAccount,
    SupplierContact,
)

SMALL = 32_767


class ContactOutput(serializers.ModelSerializer[SupplierContact]):
    """A contact as it is shown."""

    class Meta:
        model = SupplierContact
        fields = ("id", "supplier_id", "name", "role", "platform", "contact_value")


class ContactInput(serializers.Serializer[Any]):
    """A contact as it is sent."""

    name = CleanCharField(max_length=200)
    role = CleanCharField(max_length=100, required=False, allow_blank=True)
    platform = serializers.ChoiceField(SupplierContact.Platform.choices, required=False)
    contact_value = CleanCharField(max_length=200)


class BankAccountOutput(serializers.ModelSerializer[SupplierBankAccount]):
    """A bank account as it is shown: the number's last four digits only."""

    account_number = serializers.CharField(source="masked_number")

    class Meta:
        model = SupplierBankAccount
        fields = (
            "id", "supplier_id", "holder", "bank_name", "swift", "account_number", "currency", "wise_recipient_id",
        )  # fmt: skip


class RevealedOutput(serializers.Serializer[Any]):
    """The whole number of a bank account. That it was shown, and to whom, is recorded."""

    id = serializers.IntegerField()
    account_number = serializers.CharField()


class BankAccountUpdate(serializers.Serializer[Any]):
    """What may change on a bank account; another number is another account."""

    holder = CleanCharField(max_length=200, required=False)
    bank_name = CleanCharField(max_length=200, required=False)
    swift = serializers.RegexField(r"^[A-Z0-9]{8}([A-Z0-9]{3})?$", required=False, allow_blank=True)
    currency = serializers.RegexField(r"^[A-Z]{3}$", required=False)
    wise_recipient_id = serializers.RegexField(
        r"^([1-9][0-9]{0,17})?$",
        required=False,
        allow_blank=True,
        help_text="Number of this account among the recipients at Wise.",
    )


class BankAccountInput(BankAccountUpdate):
    """A bank account as it is sent."""

    holder = CleanCharField(max_length=200)
    bank_name = CleanCharField(max_length=200)
    account_number = serializers.RegexField(r"^[A-Za-z0-9 -]{4,40}$")


class SupplierOutput(serializers.ModelSerializer[Supplier]):
    """A supplier in a list."""

    class Meta:
        model = Supplier
        fields = (
            "id", "name", "legal_name", "website", "address", "payment_terms", "deposit_percent", "lead_time_days",
            "moq", "notes", "is_active", "created_at", "updated_at",
        )  # fmt: skip
        extra_kwargs = {"deposit_percent": {"coerce_to_string": False}}


class SupplierDetail(SupplierOutput):
    """A supplier with its contacts."""

    contacts = ContactOutput(many=True)

    class Meta(SupplierOutput.Meta):
        fields = (*SupplierOutput.Meta.fields, "contacts")  # type: ignore[assignment]


class SupplierInput(serializers.Serializer[Any]):
    """A supplier as it is sent; unknown fields are ignored."""

    name = CleanCharField(max_length=200)
    legal_name = CleanCharField(max_length=200, required=False, allow_blank=True)
    website = serializers.URLField(max_length=200, required=False, allow_blank=True)
    address = CleanCharField(max_length=2_000, required=False, allow_blank=True)
    payment_terms = CleanCharField(max_length=200, required=False, allow_blank=True)
    deposit_percent = AmountField(max_digits=5, max_value=Decimal(100), required=False)
    lead_time_days = WholeField(min_value=1, max_value=1_000, required=False)
    moq = WholeField(min_value=0, max_value=MAX_UNITS, required=False)
    notes = CleanCharField(max_length=10_000, required=False, allow_blank=True)
    is_active = serializers.BooleanField(required=False)


class SupplierCreate(SupplierInput):
    """A new supplier, with its contacts inline."""

    contacts = ContactInput(many=True, required=False, max_length=100)  # type: ignore[call-arg]


class SupplierFilters(Filters):
    """Filters of the supplier list."""

    active = serializers.BooleanField(required=False)
    search = serializers.CharField(max_length=100, required=False)


class SupplierBrief(serializers.ModelSerializer[Supplier]):
    """A supplier inside of something else."""

    class Meta:
        model = Supplier
        fields = ("id", "name")


class ProductOutput(serializers.ModelSerializer[Product]):
    """A product with its supplier."""

    supplier = SupplierBrief(allow_null=True)
    price_usd = CostField()

    class Meta:
        model = Product
        fields = (
            "id", "internal_sku", "supplier_sku", "name", "age_range_start", "age_range_end", "price_usd",
            "units_per_carton", "carton_cbm", "carton_kg", "is_best_seller", "is_active", "supplier_id", "supplier",
            "created_at", "updated_at",
        )  # fmt: skip
        extra_kwargs = {"carton_cbm": {"coerce_to_string": False}, "carton_kg": {"coerce_to_string": False}}


class ProductInput(serializers.Serializer[Any]):
    """A product as it is sent; unknown fields are ignored."""

    internal_sku = serializers.CharField(max_length=32)
    name = CleanCharField(max_length=200)
    price_usd = AmountField()
    supplier_sku = CleanCharField(max_length=64, required=False, allow_blank=True)
    age_range_start = WholeField(min_value=0, max_value=SMALL, required=False, allow_null=True)
    age_range_end = WholeField(min_value=0, max_value=SMALL, required=False, allow_null=True)
    units_per_carton = WholeField(min_value=1, max_value=MAX_UNITS, required=False)
    carton_cbm = AmountField(max_digits=8, decimal_places=4, required=False, allow_null=True)
    carton_kg = AmountField(max_digits=8, decimal_places=3, required=False, allow_null=True)
    is_best_seller = serializers.BooleanField(required=False)
    is_active = serializers.BooleanField(required=False)
    supplier_id = IdField(required=False, allow_null=True)


class ProductFilters(Filters):
    """Filters of the product list."""

    best_seller = serializers.BooleanField(required=False)
    active = serializers.BooleanField(required=False)
    supplier_id = IdField(required=False)
    search = serializers.CharField(max_length=100, required=False)


class PriceOutput(serializers.ModelSerializer[PriceHistory]):
    """One price of a product."""

    price_usd = CostField()

    class Meta:
        model = PriceHistory
        fields = ("id", "product_id", "supplier_id", "price_usd", "effective_date")


class LevelOutput(serializers.ModelSerializer[StockLevel]):
    """The stock of one product."""

    internal_sku = serializers.CharField(source="product.internal_sku")
    name = serializers.CharField(source="product.name")
    price_usd = CostField(source="product.price_usd")
    status = serializers.ChoiceField(StockStatus.choices)

    class Meta:
        model = StockLevel
        fields = (
            "product_id", "internal_sku", "name", "price_usd", "quantity", "reorder_point", "safety_stock_days",
            "status", "last_counted_at", "updated_at",
        )  # fmt: skip


class LevelFilters(Filters):
    """Filters of the inventory list."""

    status_filter = serializers.ChoiceField(StockStatus.choices, required=False)
    search = serializers.CharField(max_length=100, required=False)


class StatsOutput(serializers.Serializer[Any]):
    """The shelf in five figures."""

    total_value = CostField(max_digits=20)
    total_products = serializers.IntegerField()
    in_stock_count = serializers.IntegerField()
    low_stock_count = serializers.IntegerField()
    out_of_stock_count = serializers.IntegerField()


class MovementOutput(serializers.ModelSerializer[StockMovement]):
    """One line of the ledger."""

    class Meta:
        model = StockMovement
        fields = (
            "id", "product_id", "movement_type", "quantity", "balance_after", "reference_type", "reference_id",
            "notes", "created_by_id", "created_at",
        )  # fmt: skip


class BookedLine(serializers.Serializer[Any]):
    """One movement that was just booked."""

    id = serializers.IntegerField()
    product_id = serializers.IntegerField()
    internal_sku = serializers.CharField()
    quantity = serializers.IntegerField()
    balance_after = serializers.IntegerField()


class ReceivedOutput(serializers.Serializer[Any]):
    """What a received shipment booked."""

    shipment_reference = serializers.CharField()
    count = serializers.IntegerField(help_text="Lines booked.")
    units = serializers.IntegerField()
    movements = BookedLine(many=True)


class AdjustedOutput(LevelOutput):
    """The stock after a count, and the movement it took; null when the count agreed."""

    movement = BookedLine(allow_null=True)

    class Meta(LevelOutput.Meta):
        fields = (*LevelOutput.Meta.fields, "movement")  # type: ignore[assignment]
