"""Sales in the office."""

from django.contrib import admin

from accounts.office import ReadOnlyAdmin
from accounts.rights import Right
from sales.models import Sale


@admin.register(Sale)
class SaleAdmin(ReadOnlyAdmin):
    """What was sold, and what came back."""

    view_right = Right.VIEW_SALES
    date_hierarchy = "sale_date"
    list_display = ("sale_date", "product", "quantity", "unit_price_usd", "platform", "order_reference")
    list_filter = ("platform",)
    list_select_related = ("product",)
    search_fields = ("product__internal_sku", "order_reference")
    ordering = ("-id",)
