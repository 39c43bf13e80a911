"""Purchase orders, shipments and payments in the office."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from kombu.exceptions import OperationalError

from accounts.office import ReadOnlyAdmin, ReadOnlyInline, may
from accounts.rights import Right
from purchasing import wise_connection
from purchasing.documents import downloads, orders
from purchasing.errors import WiseNotConnected
from purchasing.models import Milestone, OrderLine, Payment, PurchaseOrder, Shipment, StatusChange, WiseEvent
from purchasing.tasks import read_transfer

MAX_ASKED = 100


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
    actions = ("download",)
    readonly_fields = ("document",)
    cost_fields = ("document",)

    def has_download_permission(self, request: HttpRequest) -> bool:
        """Whoever may see the prices that the document tells."""
        return may(request, Right.VIEW_COST)

    @admin.action(description="Download as PDF", permissions=["download"])
    def download(self, request: HttpRequest, queryset: QuerySet[PurchaseOrder]) -> HttpResponse | None:
        """Answer with the chosen orders as one PDF, or say that they are too many."""
        chosen = list(queryset.select_related("supplier").order_by("id")[: orders.MAX_ORDERS + 1])
        try:
            return downloads.purchase_orders(request, chosen)
        except orders.TooMuchToPrint as refusal:
            self.message_user(request, refusal.message, messages.ERROR)
            return None

    @admin.display(description="Document")
    def document(self, order: PurchaseOrder) -> Any:
        """A link to the order as a PDF."""
        return format_html('<a href="{}">{}.pdf</a>', reverse("order-pdf", args=[order.pk]), order.po_number)


class MilestoneInline(ReadOnlyInline):
    """The way of the shipment."""

    model = Milestone
    view_right = Right.VIEW_ORDERS
    fields = ("milestone_type", "expected_date", "actual_date")


@admin.register(Shipment)
class ShipmentAdmin(ReadOnlyAdmin):
    """Goods of an order on their way, and how far they are."""

    view_right = Right.VIEW_ORDERS
    list_display = ("id", "order", "status", "carrier", "tracking_number", "bill_of_lading", "destination_port")
    list_filter = ("status",)
    list_select_related = ("order",)
    search_fields = ("order__po_number", "order__supplier__name", "carrier", "tracking_number", "bill_of_lading")
    ordering = ("-id",)
    inlines = (MilestoneInline,)


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    """What was paid, how far the money is, and what somebody should look at."""

    view_right = Right.VIEW_PAYMENTS
    date_hierarchy = "initiated_at"
    list_display = (
        "payment_id", "order", "kind", "status", "amount_usd", "attention", "wise_status", "initiated_at", "fee_usd",
        "supplier", "synced_at", "sync_error",
    )  # fmt: skip
    list_filter = ("status", "kind", ("attention", admin.EmptyFieldListFilter))
    list_select_related = ("order", "supplier")
    search_fields = ("payment_id", "order__po_number", "supplier__name", "wise_transfer_id")
    ordering = ("-id",)
    cost_fields = ("amount_received", "amount_refunded", "attention")
    actions = ("ask_wise",)

    def has_ask_wise_permission(self, request: HttpRequest) -> bool:
        """Whoever may change payments."""
        return may(request, Right.CHANGE_PAYMENTS)

    @admin.action(description="Ask Wise about these now", permissions=["ask_wise"])
    def ask_wise(self, request: HttpRequest, queryset: QuerySet[Payment]) -> None:
        """Have a job read the transfer of each that has one; without a key, say that there is none."""
        if not wise_connection.is_set_up():
            self.message_user(request, WiseNotConnected().message, messages.ERROR)
            return
        linked = list(queryset.exclude(wise_transfer_id="").values_list("id", flat=True)[:MAX_ASKED])
        try:
            for payment_id in linked:
                read_transfer.delay(payment_id)
        except (OSError, OperationalError):
            self.message_user(request, "The queue is down, so nobody was asked. The hourly run will.", messages.ERROR)
            return
        self.message_user(request, f"Wise is being asked about {len(linked)} payments; look again in a minute.")


@admin.register(WiseEvent)
class WiseEventAdmin(ReadOnlyAdmin):
    """What Wise told by webhook, and what came of it."""

    view_right = Right.VIEW_PAYMENTS
    list_display = ("created_at", "event_type", "transfer_id", "told", "occurred_at", "outcome", "reason")
    list_filter = ("outcome", "event_type")
    search_fields = ("transfer_id", "delivery_id")
    ordering = ("-id",)
    cost_fields = ("body",)
