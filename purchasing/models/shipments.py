"""Shipments of an order and the milestones on their way."""

from django.db import models
from django.db.models import Q

from core.timestamps import Timestamped
from purchasing.models.orders import PurchaseOrder


class MilestoneType(models.TextChoices):
    """What happens to a shipment, in order."""

    ORDER_PLACED = "ORDER_PLACED", "Order placed"
    SHIPPED = "SHIPPED", "Shipped"
    ARRIVED = "ARRIVED", "Arrived"
    CLEARED = "CLEARED", "Cleared"
    DELIVERED = "DELIVERED", "Delivered"


class Shipment(Timestamped):
    """Goods of an order on their way; its status is the last milestone that happened."""

    order = models.ForeignKey(PurchaseOrder, db_column="po_id", on_delete=models.PROTECT, related_name="shipments")
    carrier = models.CharField(max_length=100, blank=True)
    tracking_number = models.CharField(max_length=100, blank=True)
    bill_of_lading = models.CharField(max_length=100, blank=True)
    origin_port = models.CharField(max_length=100, blank=True)
    destination_port = models.CharField(max_length=100, blank=True)
    status = models.CharField(max_length=12, choices=MilestoneType.choices, default=MilestoneType.ORDER_PLACED)

    class Meta:
        db_table = "shipments"
        constraints = [
            models.CheckConstraint(name="shipments_status_is_known", condition=Q(status__in=MilestoneType.values)),
        ]

    def __str__(self) -> str:
        return f"shipment #{self.pk}"


class Milestone(Timestamped):
    """One expected or reached step of a shipment."""

    shipment = models.ForeignKey(Shipment, on_delete=models.CASCADE, related_name="milestones")
    milestone_type = models.CharField(max_length=12, choices=MilestoneType.choices)
    expected_date = models.DateField(null=True, blank=True)
    actual_date = models.DateField(null=True, blank=True)

    class Meta:
        db_table = "shipment_milestones"
        constraints = [
            models.UniqueConstraint(fields=["shipment", "milestone_type"], name="shipment_milestones_one_of_each_type"),
            models.CheckConstraint(
                name="shipment_milestones_type_is_known", condition=Q(milestone_type__in=MilestoneType.values)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.milestone_type} of shipment #{self.shipment_id}"
