"""Planning tables to test with."""

from datetime import date
from typing import Any

from inventory.models import Product
from planning.models import Holiday, Notification
from planning.services import calendar
from tests.factories import an_admin


def make_holiday(**fields: Any) -> Holiday:
    """Make a closure of two weeks in China, in February 2026."""
    usual = {
        "country": "CN",
        "holiday_name": "Chinese New Year",
        "start_date": date(2026, 2, 10),
        "end_date": date(2026, 2, 23),
        "type": Holiday.Type.FACTORY_CLOSURE,
    }
    return calendar.add_holiday(**{**usual, **fields}, actor=an_admin())


def make_notification(product: Product, **fields: Any) -> Notification:
    """Make an alert about ``product`` whose mail was not sent yet."""
    return Notification.objects.create(
        product=product, alert_type=Notification.AlertType.LOW_STOCK, message="Low.", **fields
    )
