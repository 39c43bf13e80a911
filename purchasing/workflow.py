"""The ten stages of a purchase order and the one way through them. Knows no database."""

from django.db.models import TextChoices


class Stage(TextChoices):
    """Where an order stands, in order."""

    DRAFT = "DRAFT", "Draft"
    SENT = "SENT", "Sent"
    CONFIRMED = "CONFIRMED", "Confirmed"
    IN_PRODUCTION = "IN_PRODUCTION", "In production"
    SHIPPED = "SHIPPED", "Shipped"
    IN_TRANSIT = "IN_TRANSIT", "In transit"
    CUSTOMS = "CUSTOMS", "Customs"
    RECEIVED = "RECEIVED", "Received"
    QCD = "QCD", "Quality checked"
    STOCKED = "STOCKED", "Stocked"


ORDER = tuple(Stage)


def next_stage(current: Stage) -> Stage | None:
    """Return the only stage that ``current`` may move to; None after the last."""
    position = ORDER.index(current) + 1
    return ORDER[position] if position < len(ORDER) else None


def can_advance(current: Stage, to: Stage) -> bool:
    """Whether ``to`` directly follows ``current``."""
    return next_stage(current) == to
