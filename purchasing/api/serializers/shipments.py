"""Shapes of shipments and of incoming goods in the API."""

from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import CleanCharField, IdField
from core.api.filters import DayField, Filters
from inventory.api.serializers import SupplierBrief
from purchasing.milestones import CHAIN
from purchasing.models import MilestoneType, Shipment
from purchasing.selectors import shipments as selectors
from purchasing.services import shipments
from purchasing.workflow import Stage


@extend_schema_field({"$ref": "#/components/schemas/MilestoneTypeEnum"})
class StatusField(serializers.ChoiceField):
    """The last milestone that happened: the document has one name for one set of choices."""


class MilestoneOutput(serializers.Serializer[Any]):
    """One step of a shipment; late when it should have happened and neither it nor a later one has."""

    milestone_type = serializers.ChoiceField(MilestoneType.choices)
    expected_date = serializers.DateField(allow_null=True)
    actual_date = serializers.DateField(allow_null=True)
    is_late = serializers.BooleanField()


class ShipmentOutput(serializers.ModelSerializer[Shipment]):
    """A shipment with its order and all five milestones; its status is the last one that happened."""

    po_id = serializers.IntegerField(source="order_id")
    po_number = serializers.CharField(source="order.po_number")
    supplier = SupplierBrief(source="order.supplier")
    status = StatusField(MilestoneType.choices)
    is_late = serializers.SerializerMethodField(help_text="Whether any milestone is late.")
    milestones = serializers.SerializerMethodField(help_text="All five in their order, with null for unknown dates.")

    class Meta:
        model = Shipment
        fields = (
            "id", "po_id", "po_number", "supplier", "carrier", "tracking_number", "bill_of_lading", "origin_port",
            "destination_port", "status", "is_late", "milestones", "created_at", "updated_at",
        )  # fmt: skip

    def get_is_late(self, shipment: Shipment) -> bool:
        """Whether any milestone is late today."""
        return any(step.is_late for step in self._steps(shipment))

    @extend_schema_field(MilestoneOutput(many=True))
    def get_milestones(self, shipment: Shipment) -> Sequence[dict[str, Any]]:
        """Return all five milestones."""
        return [step._asdict() for step in self._steps(shipment)]

    def _steps(self, shipment: Shipment) -> list[selectors.Step]:
        return selectors.steps(shipment, today=timezone.localdate())


class MilestoneInput(serializers.Serializer[Any]):
    """Dates of one milestone. One that is left out stays as it is; null takes it away."""

    milestone_type = serializers.ChoiceField(MilestoneType.choices)
    expected_date = DayField(required=False, allow_null=True)
    actual_date = DayField(required=False, allow_null=True)

    def to_internal_value(self, data: Any) -> shipments.Mark:
        """Return the milestone as the operation takes it. One without dates would change nothing and look done."""
        given = super().to_internal_value(data)
        if len(given) == 1:
            raise serializers.ValidationError({"non_field_errors": ["An expected_date or an actual_date is needed."]})
        return shipments.Mark(MilestoneType(given.pop("milestone_type")), **given)


class MilestonesInput(serializers.Serializer[Any]):
    """Dates of several milestones, written all or none."""

    milestones = MilestoneInput(many=True, min_length=1, max_length=len(CHAIN))  # type: ignore[call-arg]


class ShipmentUpdate(serializers.Serializer[Any]):
    """What may change on a shipment. Its status follows from its milestones, whatever is sent."""

    carrier = CleanCharField(max_length=100, required=False, allow_blank=True)
    tracking_number = CleanCharField(max_length=100, required=False, allow_blank=True)
    bill_of_lading = CleanCharField(max_length=100, required=False, allow_blank=True)
    origin_port = CleanCharField(max_length=100, required=False, allow_blank=True)
    destination_port = CleanCharField(max_length=100, required=False, allow_blank=True)


class ShipmentInput(ShipmentUpdate):
    """A new shipment of an order that was sent."""

    po_id = IdField(source="order_id")
    milestones = MilestoneInput(many=True, max_length=len(CHAIN), default=list)  # type: ignore[call-arg]


class ShipmentFilters(Filters):
    """Filters of the shipment list."""

    po_id = IdField(required=False, source="order_id")
    status = serializers.ChoiceField(MilestoneType.choices, required=False)
    supplier_id = IdField(required=False)


class ArrivalOutput(serializers.Serializer[Any]):
    """Open units of one product on one order; late when the expected date has passed."""

    po_id = serializers.IntegerField()
    po_number = serializers.CharField()
    status = serializers.ChoiceField(Stage.choices)
    quantity = serializers.IntegerField()
    is_on_the_way = serializers.BooleanField(help_text="The order, or a shipment of it, has left.")
    expected_date = serializers.DateField(allow_null=True, help_text="When the last of its shipments is expected.")
    ready_date = serializers.DateField(allow_null=True, help_text="When the supplier said it would be ready.")
    is_late = serializers.BooleanField()


class IncomingOutput(serializers.Serializer[Any]):
    """What is on order of one product and not received, and how much of it is on the way."""

    product_id = serializers.IntegerField()
    internal_sku = serializers.CharField()
    name = serializers.CharField()
    quantity_on_order = serializers.IntegerField()
    quantity_on_the_way = serializers.IntegerField()
    next_arrival_date = serializers.DateField(allow_null=True)
    arrivals = ArrivalOutput(many=True)


class IncomingFilters(Filters):
    """Filters of incoming goods; the supplier is that of the orders."""

    product_id = IdField(required=False)
    supplier_id = IdField(required=False)
