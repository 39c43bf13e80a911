"""Jobs of planning."""

from celery import shared_task
from django.utils import timezone

from planning.services import inventory_monitor


@shared_task
def check_stock() -> None:
    """Every hour: tell people by e-mail which products run out."""
    inventory_monitor.alert_low_stock(now=timezone.now())
