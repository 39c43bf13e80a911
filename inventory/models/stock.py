"""How much is on the shelf, and every step by which it got there."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from core.indexes import NamedIndex
from core.timestamps import Timestamped
from inventory.models.products import Product


class StockStatus(models.TextChoices):
    """What the shelf looks like: SPEC rule 1."""

    OUT_OF_STOCK = "OUT_OF_STOCK", "Out of stock"
    LOW = "LOW", "Low"
    OK = "OK", "In stock"


def status_of(quantity: int, reorder_point: int) -> StockStatus:
    """Return the status of ``quantity`` units on hand; ``with_status`` says the same in SQL."""
    if quantity == 0:
        return StockStatus.OUT_OF_STOCK
    return StockStatus.LOW if quantity <= reorder_point else StockStatus.OK


STATUS_CONDITIONS = {
    StockStatus.OUT_OF_STOCK: Q(quantity=0),
    StockStatus.LOW: Q(quantity__gt=0, quantity__lte=F("reorder_point")),
    StockStatus.OK: Q(quantity__gt=F("reorder_point")) & ~Q(quantity=0),
}


class StockLevelQuerySet(models.QuerySet["StockLevel"]):
    """Filters over stock levels."""

    def with_status(self, status: StockStatus) -> Self:
        """Only levels whose status is ``status``."""
        return self.filter(STATUS_CONDITIONS[status])

    def of_active_products(self) -> Self:
        """Only levels of products that are still sold."""
        return self.filter(product__is_active=True)


class StockLevel(Timestamped):
    """The units of one product on the shelf: always the sum of its movements. Only the ledger writes ``quantity``."""

    product = models.OneToOneField(Product, on_delete=models.PROTECT, related_name="stock_level")
    quantity = models.IntegerField(default=0, help_text="Units on hand.")
    reorder_point = models.PositiveIntegerField(default=10, help_text="LOW at or below this many units.")
    safety_stock_days = models.PositiveIntegerField(default=14, help_text="Days of sales kept as reserve.")
    last_counted_at = models.DateTimeField(null=True, blank=True)

    objects = StockLevelQuerySet.as_manager()

    class Meta:
        db_table = "inventory"
        constraints = [
            models.CheckConstraint(name="inventory_quantity_is_not_negative", condition=Q(quantity__gte=0)),
        ]

    def __str__(self) -> str:
        return f"stock level of product #{self.product_id}"

    @property
    def status(self) -> StockStatus:
        """OK, LOW or OUT_OF_STOCK."""
        return status_of(self.quantity, self.reorder_point)


class StockMovement(models.Model):
    """One line of the stock ledger. Append-only: a mistake is answered by an opposite movement."""

    class Type(models.TextChoices):
        IN = "IN", "Goods in"
        OUT = "OUT", "Goods out"
        ADJUSTMENT = "ADJUSTMENT", "Stock count"

    class Reference(models.TextChoices):
        SHIPMENT = "SHIPMENT", "Shipment"
        SALE = "SALE", "Sale"
        ADJUSTMENT = "ADJUSTMENT", "Adjustment"
        RETURN = "RETURN", "Return"

    # Without indexes of their own: the one below begins with the product, and nobody looks movements up by user.
    product = models.ForeignKey(Product, db_index=False, on_delete=models.PROTECT, related_name="movements")
    movement_type = models.CharField(max_length=10, choices=Type.choices)
    quantity = models.IntegerField(help_text="Signed change, in units.")
    balance_after = models.IntegerField(help_text="Units on hand once this movement is booked.")
    reference_type = models.CharField(max_length=10, choices=Reference.choices)
    reference_id = models.CharField(max_length=64, blank=True, help_text="The document behind the movement.")
    notes = models.TextField(blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, db_index=False, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "stock_movements"
        indexes = [NamedIndex(fields=["product", "created_at"], name="idx_stock_movements_product_date")]
        constraints = [
            models.CheckConstraint(
                name="stock_movements_sign_matches_type",
                condition=Q(movement_type="IN", quantity__gt=0)
                | Q(movement_type="OUT", quantity__lt=0)
                | (Q(movement_type="ADJUSTMENT") & ~Q(quantity=0)),
            ),
            models.CheckConstraint(name="stock_movements_balance_is_not_negative", condition=Q(balance_after__gte=0)),
            models.CheckConstraint(
                name="stock_movements_reference_is_known",
                condition=Q(reference_type__in=["SHIPMENT", "SALE", "ADJUSTMENT", "RETURN"]),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.movement_type} {self.quantity:+d}"


class RowCount(models.Model):
    """How many rows a table has, kept by triggers (``inventory.triggers``)."""

    table_name = models.CharField(max_length=63, unique=True)
    number = models.BigIntegerField()

    class Meta:
        db_table = "row_counts"

    def __str__(self) -> str:
        return f"{self.table_name}: {self.number}"
