"""The job that shows that beat and worker live."""

import time

from celery import shared_task
from django.core.cache import caches

from core.health import HEARTBEAT


@shared_task
def heartbeat() -> None:
    """Leave the time for /health/ready."""
    caches["default"].set(HEARTBEAT, time.time(), None)
