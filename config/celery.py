"""The Celery app and the schedule of its beat."""

import os
from pathlib import Path
from typing import Any

from celery import Celery, signals
from celery.schedules import crontab
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")

app = Celery("godown")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

app.conf.beat_schedule = {
    "heartbeat": {"task": "core.tasks.heartbeat", "schedule": 60.0},
    "check-ledger": {"task": "inventory.tasks.check_ledger", "schedule": crontab(hour="3", minute="0")},
    "clean-up": {"task": "accounts.tasks.clean_up", "schedule": crontab(hour="4", minute="0")},
}


@signals.celeryd_init.connect
@signals.beat_init.connect
def _make_queue_folders(**_: Any) -> None:
    """The filesystem broker does not make its own folders."""
    options = getattr(settings, "CELERY_BROKER_TRANSPORT_OPTIONS", {})
    for name in ("data_folder_in", "data_folder_out", "control_folder"):
        if name in options:
            Path(options[name]).mkdir(parents=True, exist_ok=True)


@signals.beat_init.connect
def _beat_at_once(**_: Any) -> None:
    """Without this, /health/ready would call a fresh start down for its first minute."""
    app.send_task("core.tasks.heartbeat")
