"""Shapes of sales in the API."""

from typing import Any

from rest_framework import serializers

from accounts.api.privacy import CostField
from core.api.fields import IdField
from core.api.filters import DatedFilters
from sales.models import Platform, Sale


class SaleOutput(serializers.ModelSerializer[Sale]):
    """One sold line; a return has a negative quantity."""

    internal_sku = serializers.CharField(source="product.internal_sku")
    unit_price_usd = CostField()

    class Meta:
        model = Sale
        fields = (
            "id", "product_id", "internal_sku", "sale_date", "quantity", "unit_price_usd", "platform",
            "order_reference", "created_at",
        )  # fmt: skip


class SaleFilters(DatedFilters):
    """Filters of the sales list; dates are sale dates, both included."""

    product_id = IdField(required=False)
    platform = serializers.ChoiceField(Platform.choices, required=False)
    order_reference = serializers.CharField(max_length=64, required=False)


class RecordedOutput(serializers.Serializer[Any]):
    """A line that was just recorded; ``balance_after`` is null when the units did not go back on the shelf."""

    id = serializers.IntegerField()
    product_id = serializers.IntegerField()
    internal_sku = serializers.CharField()
    sale_date = serializers.DateField()
    quantity = serializers.IntegerField()
    unit_price_usd = CostField(help_text="Without the right view_cost, only a price that the request itself named.")
    platform = serializers.ChoiceField(Platform.choices)
    order_reference = serializers.CharField()
    balance_after = serializers.IntegerField(allow_null=True)


class BulkSaleOutput(serializers.Serializer[Any]):
    """What a bulk sale booked."""

    count = serializers.IntegerField(help_text="Lines booked.")
    units = serializers.IntegerField()
    total_usd = CostField(max_digits=20)
    sales = RecordedOutput(many=True)
