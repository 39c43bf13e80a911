"""Catalogue and stock in the office."""

from django.contrib import admin

from accounts.office import ReadOnlyAdmin
from accounts.rights import Right
from inventory.models import (
    PriceHistory,
    Product,
    StockLevel,
    StockMovement,
    Supplier,
    SupplierBankAccount,
    SupplierContact,
)


@admin.register(Supplier)
class SupplierAdmin(ReadOnlyAdmin):
    """Who makes what Godown sells."""

    view_right = Right.VIEW_CATALOGUE
    list_display = ("name", "payment_terms", "lead_time_days", "moq", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name", "legal_name")
    ordering = ("name",)


@admin.register(SupplierContact)
class SupplierContactAdmin(ReadOnlyAdmin):
    """How to reach them."""

    view_right = Right.VIEW_CATALOGUE
    list_display = ("name", "supplier", "role", "platform", "contact_value")
    list_filter = ("platform",)
    list_select_related = ("supplier",)
    search_fields = ("name", "contact_value", "supplier__name")
    ordering = ("name",)


@admin.register(SupplierBankAccount)
class SupplierBankAccountAdmin(ReadOnlyAdmin):
    """Where they are paid. Of the number, nothing but its last digits ever comes here."""

    view_right = Right.VIEW_BANK_DETAILS
    list_display = ("masked_number", "supplier", "holder", "bank_name", "swift", "currency")
    list_select_related = ("supplier",)
    search_fields = ("holder", "bank_name", "supplier__name")
    ordering = ("supplier__name", "id")
    fields = ("supplier", "holder", "bank_name", "swift", "masked_number", "currency", "created_at", "updated_at")


@admin.register(Product)
class ProductAdmin(ReadOnlyAdmin):
    """What is bought and sold."""

    view_right = Right.VIEW_CATALOGUE
    list_display = ("internal_sku", "name", "price_usd", "supplier", "is_best_seller", "is_active")
    list_filter = ("is_active", "is_best_seller")
    list_select_related = ("supplier",)
    search_fields = ("internal_sku", "supplier_sku", "name")
    ordering = ("internal_sku",)


@admin.register(PriceHistory)
class PriceHistoryAdmin(ReadOnlyAdmin):
    """What a product cost, when."""

    view_right = Right.VIEW_COST
    date_hierarchy = "effective_date"
    list_display = ("effective_date", "product", "price_usd", "supplier")
    list_select_related = ("product", "supplier")
    search_fields = ("product__internal_sku",)
    ordering = ("-effective_date", "-id")


@admin.register(StockLevel)
class StockLevelAdmin(ReadOnlyAdmin):
    """What is on the shelf."""

    view_right = Right.VIEW_STOCK
    list_display = ("product", "quantity", "reorder_point", "status", "last_counted_at")
    list_select_related = ("product",)
    search_fields = ("product__internal_sku", "product__name")
    ordering = ("product__internal_sku",)


@admin.register(StockMovement)
class StockMovementAdmin(ReadOnlyAdmin):
    """The ledger is read here and written by operations only."""

    view_right = Right.VIEW_STOCK
    date_hierarchy = "created_at"
    list_display = ("created_at", "product", "movement_type", "quantity", "balance_after", "reference_id")
    list_filter = ("movement_type", "reference_type")
    list_select_related = ("product",)
    search_fields = ("product__internal_sku", "reference_id")
    ordering = ("-id",)
