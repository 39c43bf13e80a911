"""Shapes of payments in the API."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from accounts.api.privacy import CostField, CostText
from core.api.fields import AmountField, CleanCharField, IdField
from core.api.filters import Filters, MomentField
from inventory.api.serializers import SupplierBrief
from purchasing import transfer_states
from purchasing.models import Payment

CENT = Decimal("0.01")
MAX_DETAILS, MAX_DETAIL = 40, 200


class WiseOutput(serializers.ModelSerializer[Payment]):
    """What is known of a payment's transfer at Wise, since when, and why nothing newer is."""

    transfer_id = serializers.CharField(source="wise_transfer_id")
    tracking_id = serializers.CharField(source="wise_tracking_id")
    status = serializers.CharField(source="wise_status", help_text="The state, as Wise calls it.")
    status_in_words = serializers.SerializerMethodField()
    task = serializers.CharField(source="wise_task", help_text="What Wise is being asked for: CREATE, FUND, CANCEL.")
    last_synced_at = serializers.DateTimeField(source="synced_at", allow_null=True)
    last_failed_at = serializers.DateTimeField(source="sync_failed_at", allow_null=True)
    last_failure = CostText(source="sync_error")

    class Meta:
        model = Payment
        fields = (
            "transfer_id", "tracking_id", "status", "status_in_words", "task", "last_synced_at", "last_failed_at",
            "last_failure", "estimated_delivery_at",
        )  # fmt: skip

    def get_status_in_words(self, payment: Payment) -> str:
        """Return what the state means."""
        return transfer_states.reading(payment.wise_status).words if payment.wise_status else ""


class PaymentOutput(serializers.ModelSerializer[Payment]):
    """A payment."""

    po_id = serializers.IntegerField(source="order_id", allow_null=True)
    po_number = serializers.CharField(source="order.po_number", default=None, allow_null=True)
    supplier = SupplierBrief()
    amount_usd = CostField()
    fee_usd = CostField()
    amount_received = CostField(max_digits=16, allow_null=True)
    amount_refunded = CostField(max_digits=16, allow_null=True)
    attention = CostText()
    wise = WiseOutput(source="*")

    class Meta:
        model = Payment
        fields = (
            "id", "payment_id", "po_id", "po_number", "supplier_id", "supplier", "bank_account_id", "kind", "status",
            "initiated_at", "amount_usd", "fee_usd", "amount_received", "currency_received", "amount_refunded",
            "currency_refunded", "wise_transfer_id", "wise_tracking_id", "wise_status", "synced_at", "attention",
            "wise", "notes", "created_at", "updated_at",
        )  # fmt: skip


class PaymentUpdate(serializers.Serializer[Any]):
    """What may change on a payment."""

    kind = serializers.ChoiceField(Payment.Kind.choices, required=False)
    status = serializers.ChoiceField(Payment.Status.choices, required=False)
    amount_usd = AmountField(min_value=CENT, required=False)
    fee_usd = AmountField(required=False)
    amount_received = AmountField(max_digits=16, required=False, allow_null=True)
    currency_received = serializers.RegexField(r"^([A-Z]{3})?$", required=False, allow_blank=True)
    bank_account_id = IdField(required=False, allow_null=True)
    initiated_at = MomentField(required=False)
    wise_transfer_id = serializers.RegexField(r"^([1-9][0-9]{0,17})?$", required=False, allow_blank=True)
    wise_tracking_id = CleanCharField(max_length=64, required=False, allow_blank=True)
    attention = serializers.ChoiceField([("", "nothing")], required=False, help_text="Only emptied: seen to.")
    notes = CleanCharField(max_length=10_000, required=False, allow_blank=True)
    confirm_overpayment = serializers.BooleanField(required=False)


class PaymentInput(PaymentUpdate):
    """A new payment: of an order, with what is due next as the default, or to a supplier."""

    po_id = IdField(required=False, allow_null=True, source="order_id")
    supplier_id = IdField(required=False, allow_null=True)
    attention = None  # type: ignore[assignment]


class MoveInput(serializers.Serializer[Any]):
    """What is said when money is to be moved."""

    confirm_overpayment = serializers.BooleanField(required=False, help_text="More than the order comes to is meant.")


class PaymentFilters(Filters):
    """Filters of the payment list."""

    status = serializers.ChoiceField(Payment.Status.choices, required=False)
    kind = serializers.ChoiceField(Payment.Kind.choices, required=False)
    supplier_id = IdField(required=False)
    po_id = IdField(required=False)
    needs_attention = serializers.BooleanField(required=False)


class DueFilters(Filters):
    """Filters of what is due."""

    supplier_id = IdField(required=False)


class MonthOutput(serializers.Serializer[Any]):
    """What was paid in one month."""

    month = serializers.CharField(help_text="YYYY-MM")
    total_usd = CostField(max_digits=20)
    fees_usd = CostField(max_digits=20)
    count = serializers.IntegerField()


class SummaryOutput(serializers.Serializer[Any]):
    """What was paid, failed payments left out; ``pending_usd`` has not arrived yet."""

    monthly_totals = MonthOutput(many=True)
    mtd_total_usd = CostField(max_digits=20)
    ytd_total_usd = CostField(max_digits=20)
    total_fees_usd = CostField(max_digits=20)
    pending_usd = CostField(max_digits=20)


class InstalmentOutput(serializers.Serializer[Any]):
    """One part of an order's total: due when, and how much of it is open."""

    kind = serializers.ChoiceField(Payment.Kind.choices)
    due_on = serializers.DateField()
    amount_usd = CostField(max_digits=16)
    open_usd = CostField(max_digits=16)


class StandingOutput(serializers.Serializer[Any]):
    """Where an order stands with its payments."""

    paid_usd = CostField(max_digits=16)
    in_transfer_usd = CostField(max_digits=16)
    open_usd = CostField(max_digits=16)
    overpaid_usd = CostField(max_digits=16)
    instalments = InstalmentOutput(many=True)


class DueOutput(serializers.Serializer[Any]):
    """An order of which something is to be paid."""

    po_id = serializers.IntegerField(source="order.pk")
    po_number = serializers.CharField(source="order.po_number")
    status = serializers.CharField(source="order.status")
    supplier = SupplierBrief(source="order.supplier")
    total_usd = CostField(source="order.total_usd", max_digits=16)
    next_due_on = serializers.DateField(source="standing.next_due.due_on", default=None, allow_null=True)
    standing = StandingOutput()


class RequirementsOutput(serializers.Serializer[Any]):
    """The fields that Wise wants to know of a recipient, as Wise describes them."""

    requirements = serializers.ListField(child=serializers.DictField())


class RecipientInput(serializers.Serializer[Any]):
    """A recipient at Wise: its type, and the fields that the requirements name, without the account number."""

    type = serializers.RegexField(r"^[a-z0-9_]{1,40}$")
    details = serializers.DictField(default=dict)

    def validate_details(self, details: dict[str, Any]) -> dict[str, Any]:
        """Take texts, and one level of texts, such as an address; what they must be, Wise decides."""
        flat = {
            key: item
            for name, value in details.items()
            for key, item in (value.items() if isinstance(value, dict) else [(name, value)])
        }
        if len(details) > MAX_DETAILS or len(flat) > MAX_DETAILS:
            raise serializers.ValidationError(f"At most {MAX_DETAILS} fields are possible.")
        for name, value in flat.items():
            if not isinstance(value, str) or len(value) > MAX_DETAIL or len(name) > MAX_DETAIL:
                raise serializers.ValidationError(f'"{name[:40]}" must be a text of at most {MAX_DETAIL} characters.')
        return details
