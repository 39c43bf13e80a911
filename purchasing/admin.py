"""Purchase orders in the office."""

from django.contrib import admin

from core.admin import ReadOnlyAdmin
from purchasing.models import OrderLine, PurchaseOrder, StatusChange


class OrderLineInline(admin.TabularInline):
    """What was ordered."""

    model = OrderLine
    extra = 0
    can_delete = False
    fields = ("product", "quantity", "unit_price_usd", "quantity_received")


class StatusChangeInline(admin.TabularInline):
    """The way of the order."""

    model = StatusChange
    extra = 0
    can_delete = False
    fields = ("changed_at", "old_status", "new_status", "changed_by", "notes")


@admin.register(PurchaseOrder)
class PurchaseOrderAdmin(ReadOnlyAdmin):
    """What was ordered from whom, and how far it is."""

    date_hierarchy = "order_date"
    list_display = ("po_number", "supplier", "status", "order_date", "expected_ready_date", "total_usd", "cancelled_at")
    list_filter = ("status",)
    list_select_related = ("supplier",)
    search_fields = ("po_number", "supplier__name", "supplier_pi")
    ordering = ("-id",)
    inlines = (OrderLineInline, StatusChangeInline)
