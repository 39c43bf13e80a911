"""What is paid to suppliers."""

from decimal import Decimal

from django.db import models
from django.db.models import Q

from core.timestamps import Timestamped
from inventory.models import Supplier, SupplierBankAccount
from purchasing.models.orders import PurchaseOrder


class Payment(Timestamped):
    """One transfer to a supplier: a deposit, a balance or something else."""

    class Kind(models.TextChoices):
        DEPOSIT = "DEPOSIT", "Deposit"
        BALANCE = "BALANCE", "Balance"
        OTHER = "OTHER", "Other"

    class Status(models.TextChoices):
        PENDING = "PENDING", "Pending"
        PROCESSING = "PROCESSING", "Processing"
        DELIVERED = "DELIVERED", "Delivered"
        FAILED = "FAILED", "Failed"

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
    synced_at = models.DateTimeField(null=True, blank=True)
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
                name="payments_status_is_known",
                condition=Q(status__in=["PENDING", "PROCESSING", "DELIVERED", "FAILED"]),
            ),
        ]

    def __str__(self) -> str:
        return self.payment_id
