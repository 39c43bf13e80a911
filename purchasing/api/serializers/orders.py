"""Shapes of purchase orders in the API."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from accounts.api.privacy import CostField
from core.api.fields import MAX_UNITS, AmountField, CleanCharField, IdField, WholeField
from core.api.filters import DatedFilters, DayField
from inventory.api.serializers import SupplierBrief
from purchasing.api.serializers.payments import StandingOutput
from purchasing.api.serializers.shipments import ShipmentOutput
from purchasing.models import OrderLine, Payment, PurchaseOrder, StatusChange
from purchasing.services import orders, receipts
from purchasing.workflow import Stage

MAX_LINES = 1_000


class OrderOutput(serializers.ModelSerializer[PurchaseOrder]):
    """An order in a list."""

    supplier_id = serializers.IntegerField()
    supplier = SupplierBrief()
    subtotal_usd = CostField(max_digits=16)
    shipping_usd = CostField()
    other_fees_usd = CostField()
    total_usd = CostField(max_digits=16)

    class Meta:
        model = PurchaseOrder
        fields = (
            "id", "po_number", "supplier_id", "supplier", "supplier_pi", "order_date", "expected_ready_date", "status",
            "subtotal_usd", "shipping_usd", "other_fees_usd", "total_usd", "deposit_percent", "cancelled_at",
            "notes", "created_at", "updated_at",
        )  # fmt: skip
        extra_kwargs = {"deposit_percent": {"coerce_to_string": False}}


class LineOutput(serializers.ModelSerializer[OrderLine]):
    """One line of an order: ordered, received, open."""

    internal_sku = serializers.CharField(source="product.internal_sku")
    name = serializers.CharField(source="product.name")
    unit_price_usd = CostField()
    line_total_usd = CostField(max_digits=20)
    quantity_open = serializers.IntegerField()

    class Meta:
        model = OrderLine
        fields = (
            "id", "product_id", "internal_sku", "name", "quantity", "unit_price_usd", "line_total_usd",
            "quantity_received", "quantity_open",
        )  # fmt: skip


class StatusChangeOutput(serializers.ModelSerializer[StatusChange]):
    """One step of an order."""

    old_status = serializers.SerializerMethodField()
    changed_by = serializers.CharField(source="changed_by.email", default=None, allow_null=True)

    class Meta:
        model = StatusChange
        fields = ("id", "old_status", "new_status", "changed_by", "changed_at", "notes")

    def get_old_status(self, change: StatusChange) -> str | None:
        """Return the stage before; null for the first step."""
        return change.old_status or None


class NextOutput(serializers.Serializer[Any]):
    """What may happen to an order next."""

    status = serializers.ChoiceField(Stage.choices, allow_null=True, help_text="The only stage it may move to.")
    may_change_lines = serializers.BooleanField()
    may_receive = serializers.BooleanField()
    may_cancel = serializers.BooleanField()
    may_pay = serializers.BooleanField()


class OrderPayment(serializers.ModelSerializer[Payment]):
    """A payment on the page of its order."""

    amount_usd = CostField()
    fee_usd = CostField()

    class Meta:
        model = Payment
        fields = ("id", "payment_id", "kind", "status", "amount_usd", "fee_usd", "initiated_at", "wise_status")


class OrderDetail(serializers.Serializer[Any]):
    """An order: what was ordered, received, paid and is still to pay, and what may happen next."""

    allowed_next = serializers.ChoiceField(Stage.choices, allow_null=True, source="order.allowed_next")
    next = NextOutput()
    quantity_ordered = serializers.IntegerField()
    quantity_received = serializers.IntegerField()
    quantity_open = serializers.IntegerField()
    standing = StandingOutput()
    line_items = LineOutput(many=True, source="lines")
    payments = OrderPayment(many=True)
    shipments = ShipmentOutput(many=True)
    status_history = StatusChangeOutput(many=True, source="history")

    def get_fields(self) -> "dict[str, serializers.Field[Any, Any, Any, Any]]":
        """Begin with the fields that an order has in a list."""
        own = super().get_fields()
        listed = OrderOutput().get_fields()
        for name, field in listed.items():
            field.source = f"order.{field.source or name}"
        return {**listed, **own}


class LineInput(serializers.Serializer[Any]):
    """One product to order; without a price, the product's."""

    product_id = IdField()
    quantity = WholeField(min_value=1, max_value=MAX_UNITS)
    unit_price_usd = AmountField(required=False, allow_null=True)

    def to_internal_value(self, data: Any) -> orders.Line:
        """Return the line as the operation takes it."""
        return orders.Line(**super().to_internal_value(data))


class OrderUpdate(serializers.Serializer[Any]):
    """What may change on an order. Totals are computed, whatever is sent."""

    supplier_pi = CleanCharField(max_length=64, required=False, allow_blank=True)
    expected_ready_date = DayField(required=False, allow_null=True)
    shipping_usd = AmountField(required=False)
    other_fees_usd = AmountField(required=False)
    deposit_percent = AmountField(max_digits=5, max_value=Decimal(100), required=False)
    notes = CleanCharField(max_length=10_000, required=False, allow_blank=True)
    line_items = LineInput(many=True, required=False, source="lines", max_length=MAX_LINES)  # type: ignore[call-arg]


class OrderInput(OrderUpdate):
    """A new order: a DRAFT."""

    supplier_id = IdField()
    order_date = DayField(required=False)
    line_items = LineInput(many=True, source="lines", max_length=MAX_LINES, default=list)  # type: ignore[call-arg]


class OrderFilters(DatedFilters):
    """Filters of the order list; dates are order dates, both included."""

    status = serializers.ChoiceField(Stage.choices, required=False)
    supplier_id = IdField(required=False)


class Advance(serializers.Serializer[Any]):
    """POST /api/orders/{id}/status."""

    status = serializers.ChoiceField(Stage.choices)
    notes = CleanCharField(max_length=10_000, required=False, allow_blank=True)


class Cancel(serializers.Serializer[Any]):
    """POST /api/orders/{id}/cancel."""

    reason = CleanCharField(max_length=10_000, required=False, allow_blank=True, default="")


class ReceiptLine(serializers.Serializer[Any]):
    """Units that arrived of one line."""

    line_item_id = IdField()
    quantity = WholeField(min_value=1, max_value=MAX_UNITS)

    def to_internal_value(self, data: Any) -> receipts.Line:
        """Return the line as the operation takes it."""
        return receipts.Line(**super().to_internal_value(data))


class Receive(serializers.Serializer[Any]):
    """POST /api/orders/{id}/receive."""

    lines = ReceiptLine(many=True, min_length=1, max_length=MAX_LINES)  # type: ignore[call-arg]
    notes = CleanCharField(max_length=10_000, required=False, allow_blank=True, default="")


class StageOutput(serializers.Serializer[Any]):
    """One stage: how many orders stand there and what they are worth."""

    status = serializers.ChoiceField(Stage.choices)
    count = serializers.IntegerField()
    total_usd = CostField(max_digits=20)
