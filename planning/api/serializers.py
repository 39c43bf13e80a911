"""Shapes of the dashboard in the API."""

from typing import Any

from rest_framework import serializers

from accounts.api.privacy import CostField
from inventory.models import StockStatus


class KpisOutput(serializers.Serializer[Any]):
    """The four cards."""

    total_inventory_value = CostField(max_digits=20)
    pending_orders = serializers.IntegerField()
    low_stock_alerts = serializers.IntegerField()
    mtd_revenue = CostField(max_digits=20, min_value=None)


class HealthOutput(serializers.Serializer[Any]):
    """How one SKU stands; ``days_until_stockout`` is null when nothing was sold in 90 days."""

    product_id = serializers.IntegerField()
    internal_sku = serializers.CharField()
    name = serializers.CharField()
    status = serializers.ChoiceField(StockStatus.choices)
    quantity = serializers.IntegerField()
    reorder_point = serializers.IntegerField()
    value = CostField(max_digits=20)
    daily_velocity = serializers.DecimalField(20, 2, coerce_to_string=False)
    days_until_stockout = serializers.DecimalField(20, 1, coerce_to_string=False, allow_null=True)
