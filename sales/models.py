"""What was sold, and what came back."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from inventory.models import Product


class Platform(models.TextChoices):
    """Where a sale was made."""

    SHOPEE = "SHOPEE", "Shopee"
    LAZADA = "LAZADA", "Lazada"
    DIRECT = "DIRECT", "Direct"


class Sale(models.Model):
    """One sold line; a return is one with a negative quantity. Append-only by habit: a mistake is returned."""

    product = models.ForeignKey(Product, db_index=False, on_delete=models.PROTECT, related_name="sales")
    sale_date = models.DateField(help_text="Day of the sale in the business's time zone.")
    quantity = models.IntegerField(help_text="Units sold; negative on a return.")
    unit_price_usd = models.DecimalField(max_digits=12, decimal_places=2)
    platform = models.CharField(max_length=6, choices=Platform.choices, default=Platform.DIRECT)
    order_reference = models.CharField(max_length=64, blank=True, help_text="The platform's number of the order.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "sales"
        indexes = [
            models.Index(fields=["product", "sale_date"], name="idx_sales_product_date"),
            models.Index(
                fields=["order_reference", "product"], name="sales_by_order_reference", condition=~Q(order_reference="")
            ),
        ]
        constraints = [
            models.CheckConstraint(name="sales_quantity_is_not_zero", condition=~Q(quantity=0)),
            models.CheckConstraint(name="sales_price_is_not_negative", condition=Q(unit_price_usd__gte=0)),
            models.CheckConstraint(
                name="sales_platform_is_known", condition=Q(platform__in=["SHOPEE", "LAZADA", "DIRECT"])
            ),
        ]

    def __str__(self) -> str:
        return f"sale #{self.pk}: {self.quantity}"


class MonthlySales(models.Model):
    """Net units and revenue of one product in one month, kept by a trigger while sales are written.

    The dashboard adds up one row a product instead of every sale of the month. Each row is written under the lock
    of its product's stock level, so it costs no waiting that is not there already.
    """

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+")
    month = models.DateField(help_text="First day of the month.")
    units = models.BigIntegerField()
    revenue_usd = models.DecimalField(max_digits=16, decimal_places=2)

    class Meta:
        db_table = "sales_months"
        constraints = [
            # Month first: the dashboard asks for one month of all products.
            models.UniqueConstraint(fields=["month", "product"], name="sales_months_one_row_a_month"),
        ]

    def __str__(self) -> str:
        return f"product #{self.product_id} in {self.month:%Y-%m}"
