"""What is paid to suppliers."""

from decimal import Decimal

from django.db import models
from django.db.models import Q

from core.timestamps import Timestamped
from inventory.models import Supplier, SupplierBankAccount
from purchasing.models.orders import PurchaseOrder


class Payment(Timestamped):
    """One transfer to a supplier: a deposit, a balance or something else.

    At most one transfer at Wise belongs to it: the one linked, or the one made with ``customer_transaction_id``, which
    is stored before Wise first hears of it. ``wise_status`` is what Wise said last, word for word.
    """

    class Kind(models.TextChoices):
        DEPOSIT = "DEPOSIT", "Deposit"
        BALANCE = "BALANCE", "Balance"
        OTHER = "OTHER", "Other"

    class Status(models.TextChoices):
        PENDING = "PENDING", "Pending"
        PROCESSING = "PROCESSING", "Processing"
        DELIVERED = "DELIVERED", "Delivered"
        FAILED = "FAILED", "Failed"

    class WiseTask(models.TextChoices):
        """What Wise was asked for and has not answered yet."""

        CREATE = "CREATE", "Create the transfer"
        FUND = "FUND", "Fund the transfer"
        CANCEL = "CANCEL", "Cancel the transfer"

    payment_id = models.CharField(max_length=20, unique=True)
    order = models.ForeignKey(
        PurchaseOrder, db_column="po_id", null=True, blank=True, on_delete=models.PROTECT, related_name="payments"
    )
    supplier = models.ForeignKey(Supplier, on_delete=models.PROTECT, related_name="payments")
    bank_account = models.ForeignKey(
        SupplierBankAccount, null=True, blank=True, on_delete=models.PROTECT, related_name="payments"
    )
    kind = models.CharField(max_length=7, choices=Kind.choices, default=Kind.OTHER)
    initiated_at = models.DateTimeField(null=True, blank=True)
    wise_transfer_id = models.CharField(max_length=64, blank=True)
    wise_tracking_id = models.CharField(max_length=64, blank=True)
    wise_status = models.CharField(max_length=64, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    amount_usd = models.DecimalField(max_digits=12, decimal_places=2)
    fee_usd = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal(0))
    amount_received = models.DecimalField(max_digits=16, decimal_places=2, null=True, blank=True)
    currency_received = models.CharField(max_length=3, blank=True)
    synced_at = models.DateTimeField(
        null=True, blank=True, help_text="When the last answer of Wise that counts was asked for."
    )
    sync_failed_at = models.DateTimeField(null=True, blank=True, help_text="Empty once Wise answers again.")
    sync_error = models.CharField(max_length=300, blank=True, help_text="Why the last try failed.")
    attention = models.CharField(max_length=300, blank=True, help_text="What somebody should look at; empty: nothing.")
    estimated_delivery_at = models.DateTimeField(null=True, blank=True)
    amount_refunded = models.DecimalField(max_digits=16, decimal_places=2, null=True, blank=True)
    currency_refunded = models.CharField(max_length=3, blank=True)
    customer_transaction_id = models.UUIDField(null=True, blank=True, unique=True)
    wise_made_here = models.BooleanField(
        default=False, help_text="Whether Godown had the transfer made: only such are funded and cancelled from here."
    )
    wise_state_since = models.DateTimeField(null=True, blank=True, help_text="When wise_status was first seen.")
    wise_quote_id = models.CharField(max_length=64, blank=True)
    wise_event_at = models.DateTimeField(
        null=True, blank=True, help_text="When the newest state change that Wise told of had occurred."
    )
    wise_task = models.CharField(max_length=6, choices=WiseTask.choices, blank=True)
    wise_task_asked_at = models.DateTimeField(null=True, blank=True)
    wise_task_claimed_at = models.DateTimeField(null=True, blank=True, help_text="When a worker took the task.")
    notes = models.TextField(blank=True)

    class Meta:
        db_table = "payments"
        indexes = [
            models.Index(fields=["status"], name="idx_payments_status"),
            models.Index(fields=["wise_transfer_id"], name="idx_payments_wise_transfer_id"),
        ]
        constraints = [
            models.CheckConstraint(name="payments_amount_is_positive", condition=Q(amount_usd__gt=0)),
            models.CheckConstraint(name="payments_fee_is_not_negative", condition=Q(fee_usd__gte=0)),
            models.CheckConstraint(
                name="payments_kind_is_known", condition=Q(kind__in=["DEPOSIT", "BALANCE", "OTHER"])
            ),
            models.CheckConstraint(
                name="payments_wise_task_is_known", condition=Q(wise_task__in=["", "CREATE", "FUND", "CANCEL"])
            ),
            models.UniqueConstraint(
                fields=["wise_transfer_id"], condition=~Q(wise_transfer_id=""), name="payments_one_for_a_transfer"
            ),
            models.CheckConstraint(
                name="payments_status_is_known",
                condition=Q(status__in=["PENDING", "PROCESSING", "DELIVERED", "FAILED"]),
            ),
        ]

    def __str__(self) -> str:
        return self.payment_id

    @property
    def is_at_wise(self) -> bool:
        """Whether a transfer at Wise belongs to this payment, or Wise is being asked for one."""
        return bool(self.wise_transfer_id or self.wise_task)
