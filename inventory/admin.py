"""Catalogue and stock in the office."""

from django.contrib import admin

from core.admin import ReadOnlyAdmin
from inventory.models import PriceHistory, Product, StockLevel, StockMovement, Supplier, SupplierContact


@admin.register(Supplier)
class SupplierAdmin(ReadOnlyAdmin):
    """Who makes what Godown sells."""

    list_display = ("name", "payment_terms", "lead_time_days", "moq", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name", "legal_name")
    ordering = ("name",)


@admin.register(SupplierContact)
class SupplierContactAdmin(ReadOnlyAdmin):
    """How to reach them."""

    list_display = ("name", "supplier", "role", "platform", "contact_value")
    list_filter = ("platform",)
    list_select_related = ("supplier",)
    search_fields = ("name", "contact_value", "supplier__name")
    ordering = ("name",)


@admin.register(Product)
class ProductAdmin(ReadOnlyAdmin):
    """What is bought and sold."""

    list_display = ("internal_sku", "name", "price_usd", "supplier", "is_best_seller", "is_active")
    list_filter = ("is_active", "is_best_seller")
    list_select_related = ("supplier",)
    search_fields = ("internal_sku", "supplier_sku", "name")
    ordering = ("internal_sku",)


@admin.register(PriceHistory)
class PriceHistoryAdmin(ReadOnlyAdmin):
    """What a product cost, when."""

    date_hierarchy = "effective_date"
    list_display = ("effective_date", "product", "price_usd", "supplier")
    list_select_related = ("product", "supplier")
    search_fields = ("product__internal_sku",)
    ordering = ("-effective_date", "-id")


@admin.register(StockLevel)
class StockLevelAdmin(ReadOnlyAdmin):
    """What is on the shelf."""

    list_display = ("product", "quantity", "reorder_point", "status", "last_counted_at")
    list_select_related = ("product",)
    search_fields = ("product__internal_sku", "product__name")
    ordering = ("product__internal_sku",)


@admin.register(StockMovement)
class StockMovementAdmin(ReadOnlyAdmin):
    """The ledger is read here and written by operations only."""

    date_hierarchy = "created_at"
    list_display = ("created_at", "product", "movement_type", "quantity", "balance_after", "reference_id")
    list_filter = ("movement_type", "reference_type")
    list_select_related = ("product",)
    search_fields = ("product__internal_sku", "reference_id")
    ordering = ("-id",)
