"""Purchase orders, shipments, payments and their numbers."""

from purchasing.models.numbering import DocumentSequence
from purchasing.models.orders import OrderLine, PurchaseOrder, StatusChange
from purchasing.models.payments import Payment
from purchasing.models.shipments import Milestone, MilestoneType, Shipment
from purchasing.models.wise_events import WiseEvent

__all__ = [
    "DocumentSequence",
    "Milestone",
    "MilestoneType",
    "OrderLine",
    "Payment",
    "PurchaseOrder",
    "Shipment",
    "StatusChange",
    "WiseEvent",
]
