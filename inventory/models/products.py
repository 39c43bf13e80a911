"""What Godown buys and sells."""

from django.db import models
from django.utils import timezone

from core.timestamps import Timestamped
from inventory.models.suppliers import Supplier


class Product(Timestamped):
    """One SKU. Never deleted: ``is_active`` is taken away and its history stays whole."""

    internal_sku = models.CharField(max_length=32, help_text="Our SKU, in upper case; settings.SKU_PATTERN.")
    supplier_sku = models.CharField(max_length=64, blank=True)
    name = models.CharField(max_length=200)
    age_range_start = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Months.")
    age_range_end = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Months.")
    price_usd = models.DecimalField(max_digits=12, decimal_places=2)
    units_per_carton = models.PositiveIntegerField(default=1)
    carton_cbm = models.DecimalField(max_digits=8, decimal_places=4, null=True, blank=True, help_text="m³ a carton.")
    carton_kg = models.DecimalField(max_digits=8, decimal_places=3, null=True, blank=True, help_text="kg a carton.")
    is_best_seller = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    supplier = models.ForeignKey(Supplier, null=True, blank=True, on_delete=models.PROTECT, related_name="products")

    class Meta:
        db_table = "products"
        indexes = [
            models.Index(fields=["id"], condition=models.Q(is_active=False), name="products_inactive"),
        ]
        constraints = [
            # As an expression, so that SQLite too makes an index of this name instead of an anonymous one.
            models.UniqueConstraint(models.F("internal_sku"), name="idx_products_internal_sku"),
            models.CheckConstraint(name="products_price_is_not_negative", condition=models.Q(price_usd__gte=0)),
            models.CheckConstraint(name="products_carton_is_not_empty", condition=models.Q(units_per_carton__gt=0)),
            models.CheckConstraint(
                name="products_age_range_runs_forward",
                condition=models.Q(age_range_start__isnull=True)
                | models.Q(age_range_end__isnull=True)
                | models.Q(age_range_end__gte=models.F("age_range_start")),
            ),
        ]

    def __str__(self) -> str:
        return self.internal_sku


class PriceHistory(models.Model):
    """What a product cost from a day on. Written when a product is made and when its price really changes."""

    product = models.ForeignKey(Product, db_index=False, on_delete=models.PROTECT, related_name="price_history")
    supplier = models.ForeignKey(Supplier, null=True, on_delete=models.PROTECT, related_name="+")
    price_usd = models.DecimalField(max_digits=12, decimal_places=2)
    effective_date = models.DateField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "price_history"
        verbose_name_plural = "prices"
        indexes = [models.Index(fields=["product", "effective_date"], name="idx_price_history_product_date")]
        constraints = [
            models.CheckConstraint(name="price_history_price_is_not_negative", condition=models.Q(price_usd__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.price_usd} USD from {self.effective_date}"
