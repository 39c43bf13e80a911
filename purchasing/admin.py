"""Purchase orders in the office."""

from django.contrib import admin

from accounts.office import ReadOnlyAdmin, ReadOnlyInline
from accounts.rights import Right
from purchasing.models import OrderLine, PurchaseOrder, StatusChange


class OrderLineInline(ReadOnlyInline):
    """What was ordered."""

    model = OrderLine
    view_right = Right.VIEW_ORDERS
    fields = ("product", "quantity", "unit_price_usd", "quantity_received")
    related = ("product",)


class StatusChangeInline(ReadOnlyInline):
    """The way of the order."""

    model = StatusChange
    view_right = Right.VIEW_ORDERS
    fields = ("changed_at", "old_status", "new_status", "changed_by", "notes")
    related = ("changed_by",)


@admin.register(PurchaseOrder)
class PurchaseOrderAdmin(ReadOnlyAdmin):
    """What was ordered from whom, and how far it is."""

    view_right = Right.VIEW_ORDERS
    date_hierarchy = "order_date"
    list_display = ("po_number", "supplier", "status", "order_date", "expected_ready_date", "total_usd", "cancelled_at")
    list_filter = ("status",)
    list_select_related = ("supplier",)
    search_fields = ("po_number", "supplier__name", "supplier_pi")
    ordering = ("-id",)
    inlines = (OrderLineInline, StatusChangeInline)
