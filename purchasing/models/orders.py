"""Purchase orders: what was ordered, at which price, and how far it is."""

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.timestamps import Timestamped
from inventory.models import Product, Supplier
from purchasing.workflow import Stage, next_stage


class PurchaseOrder(Timestamped):
    """An order to a supplier. Its totals are computed by the operations, never taken from a client."""

    po_number = models.CharField(max_length=20, unique=True)
    supplier = models.ForeignKey(Supplier, on_delete=models.PROTECT, related_name="purchase_orders")
    supplier_pi = models.CharField(max_length=64, blank=True, help_text="The supplier's proforma invoice number.")
    order_date = models.DateField()
    expected_ready_date = models.DateField(null=True, blank=True)
    status = models.CharField(max_length=13, choices=Stage.choices, default=Stage.DRAFT)
    subtotal_usd = models.DecimalField(max_digits=16, decimal_places=2, default=Decimal(0))
    shipping_usd = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal(0))
    other_fees_usd = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal(0))
    total_usd = models.DecimalField(max_digits=16, decimal_places=2, default=Decimal(0))
    deposit_percent = models.DecimalField(
        max_digits=5, decimal_places=2, default=Decimal(30), help_text="Percent of the total that is the deposit."
    )
    cancelled_at = models.DateTimeField(null=True, blank=True)
    notes = models.TextField(blank=True)

    class Meta:
        db_table = "purchase_orders"
        indexes = [
            models.Index(fields=["status"], name="idx_purchase_orders_status"),
            models.Index(fields=["order_date"], name="idx_purchase_orders_order_date"),
        ]
        constraints = [
            models.CheckConstraint(name="purchase_orders_status_is_known", condition=Q(status__in=Stage.values)),
            models.CheckConstraint(
                name="purchase_orders_fees_are_not_negative", condition=Q(shipping_usd__gte=0, other_fees_usd__gte=0)
            ),
            models.CheckConstraint(
                name="purchase_orders_deposit_is_a_percentage",
                condition=Q(deposit_percent__gte=0, deposit_percent__lte=100),
            ),
        ]

    def __str__(self) -> str:
        return self.po_number

    @property
    def stage(self) -> Stage:
        """The status as a stage."""
        return Stage(self.status)

    @property
    def allowed_next(self) -> Stage | None:
        """The stage this order may move to; None when it is cancelled or stocked."""
        return None if self.cancelled_at else next_stage(self.stage)


class OrderLine(Timestamped):
    """One product on an order."""

    order = models.ForeignKey(PurchaseOrder, db_column="po_id", on_delete=models.CASCADE, related_name="line_items")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="order_lines")
    quantity = models.PositiveIntegerField(help_text="Units ordered.")
    unit_price_usd = models.DecimalField(max_digits=12, decimal_places=2)
    quantity_received = models.PositiveIntegerField(default=0, help_text="Units received so far.")

    class Meta:
        db_table = "po_line_items"
        constraints = [
            models.CheckConstraint(name="po_line_items_quantity_is_positive", condition=Q(quantity__gt=0)),
            models.CheckConstraint(name="po_line_items_price_is_not_negative", condition=Q(unit_price_usd__gte=0)),
            models.CheckConstraint(
                name="po_line_items_received_is_at_most_ordered",
                condition=Q(quantity_received__lte=models.F("quantity")),
            ),
        ]

    def __str__(self) -> str:
        return f"line #{self.pk}: {self.quantity} units"

    @property
    def quantity_open(self) -> int:
        """Units ordered and not received yet."""
        return self.quantity - self.quantity_received

    @property
    def line_total_usd(self) -> Decimal:
        """Quantity × unit price."""
        return self.quantity * self.unit_price_usd


class StatusChange(models.Model):
    """One step of an order through its stages; the first has no old status."""

    order = models.ForeignKey(PurchaseOrder, db_column="po_id", on_delete=models.PROTECT, related_name="status_history")
    old_status = models.CharField(max_length=13, blank=True)
    new_status = models.CharField(max_length=13)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, db_column="changed_by", null=True, on_delete=models.PROTECT, related_name="+"
    )
    changed_at = models.DateTimeField(default=timezone.now)
    notes = models.TextField(blank=True)

    class Meta:
        db_table = "po_status_history"
        verbose_name_plural = "status history"

    def __str__(self) -> str:
        return f"{self.old_status or 'new'} → {self.new_status}"
