"""Shapes of the reorder planner in the API."""

from typing import Any

from rest_framework import serializers

from accounts.api.privacy import CostField
from core.api.fields import MAX_UNITS, IdField, WholeField
from core.api.filters import Filters
from planning.reorder import Urgency
from planning.services import drafts

MAX_ITEMS = 500
_URGENCIES = [urgency.value for urgency in Urgency]


class _Number(serializers.DecimalField):
    """A quantity that is not whole; a JSON number."""

    def __init__(self, decimal_places: int, **options: Any) -> None:
        super().__init__(max_digits=20, decimal_places=decimal_places, coerce_to_string=False, **options)


class SuggestionOutput(serializers.Serializer[Any]):
    """What to order of one product; quantities are units, and 0 where there is nothing to order today."""

    product_id = serializers.IntegerField()
    internal_sku = serializers.CharField()
    name = serializers.CharField()
    supplier_id = serializers.IntegerField(allow_null=True)
    supplier_name = serializers.CharField(allow_null=True)
    urgency = serializers.ChoiceField(_URGENCIES)
    order_by_date = serializers.DateField(allow_null=True, help_text="Null when nothing runs out within the horizon.")
    run_out_date = serializers.DateField(allow_null=True, help_text="The first day that cannot be served in full.")
    arrival_date = serializers.DateField(help_text="When goods ordered today would be on the shelf.")
    quantity = serializers.IntegerField()
    quantity_needed = serializers.IntegerField(help_text="Before the minimum and whole cartons.")
    cartons = serializers.IntegerField()
    units_per_carton = serializers.IntegerField()
    moq = serializers.IntegerField()
    quantity_on_hand = serializers.IntegerField()
    quantity_arriving = serializers.IntegerField(help_text="Dated, inside the interval.")
    quantity_on_order = serializers.IntegerField(help_text="All that is open, dated or not.")
    quantity_in_drafts = serializers.IntegerField(help_text="On drafts, which are no supply.")
    daily_demand = _Number(2)
    method = serializers.CharField(help_text="How the demand was found.")
    interval_days = serializers.IntegerField(help_text="How long an order of today must last.")
    forecast_units = _Number(1)
    safety_stock = serializers.IntegerField()
    safety_days = serializers.IntegerField()
    cbm = _Number(4, allow_null=True, help_text="m³ of the cartons; null when that of one is not known.")
    kg = _Number(3, allow_null=True)
    unit_price_usd = CostField()
    cost_usd = CostField(max_digits=20)
    reason = serializers.CharField(help_text="One sentence with the figures.")


class SuggestionFilters(Filters):
    """Filters of the suggestions."""

    supplier_id = IdField(required=False)
    urgency = serializers.ChoiceField(_URGENCIES, required=False)


class ItemInput(serializers.Serializer[Any]):
    """Units of a product to put on a draft."""

    product_id = IdField()
    quantity = WholeField(min_value=1, max_value=MAX_UNITS)

    def to_internal_value(self, data: Any) -> drafts.Item:
        """Return the item as the operation takes it."""
        return drafts.Item(**super().to_internal_value(data))


class DraftsInput(serializers.Serializer[Any]):
    """POST /api/planning/reorder/orders."""

    items = ItemInput(many=True, min_length=1, max_length=MAX_ITEMS)  # type: ignore[call-arg]


class DraftOutput(serializers.Serializer[Any]):
    """An order that was made, and the containers it fills."""

    po_id = serializers.IntegerField()
    po_number = serializers.CharField()
    status = serializers.CharField()
    supplier_id = serializers.IntegerField()
    supplier_name = serializers.CharField()
    lines = serializers.IntegerField()
    quantity = serializers.IntegerField()
    cbm = _Number(4, allow_null=True, help_text="m³; null when that of a product is not known.")
    kg = _Number(3, allow_null=True)
    container = serializers.CharField(allow_null=True, help_text="20', 40' or 40'HC.")
    containers = serializers.IntegerField(allow_null=True)
    container_filled = _Number(2, allow_null=True, help_text="1 is full, by volume or by weight.")
    lcl_charged = _Number(4, allow_null=True, help_text="Units that less than a container is charged for.")
    total_usd = CostField(max_digits=16)


class DraftsOutput(serializers.Serializer[Any]):
    """The orders made, one for each supplier."""

    orders = DraftOutput(many=True)


class _PastDay(serializers.Serializer[Any]):
    date = serializers.DateField()
    quantity = serializers.IntegerField()


class _ExpectedDay(serializers.Serializer[Any]):
    date = serializers.DateField()
    quantity = _Number(1)
    demand = _Number(1)
    arriving = serializers.IntegerField()


class _ExpectedArrival(serializers.Serializer[Any]):
    po_id = serializers.IntegerField()
    po_number = serializers.CharField()
    quantity = serializers.IntegerField()
    expected_date = serializers.DateField(allow_null=True)
    is_late = serializers.BooleanField()


class _ClosedDays(serializers.Serializer[Any]):
    holiday_name = serializers.CharField()
    start_date = serializers.DateField()
    end_date = serializers.DateField()


class ProjectionOutput(serializers.Serializer[Any]):
    """The stock of a product in the evening of each of 90 days past and 180 days to come."""

    product_id = serializers.IntegerField()
    internal_sku = serializers.CharField()
    name = serializers.CharField()
    today = serializers.DateField()
    quantity_on_hand = serializers.IntegerField()
    daily_demand = _Number(2)
    method = serializers.CharField()
    run_out_date = serializers.DateField(allow_null=True)
    order_by_date = serializers.DateField(allow_null=True)
    past = _PastDay(many=True)
    expected = _ExpectedDay(many=True)
    arrivals = _ExpectedArrival(many=True)
    closures = _ClosedDays(many=True)
