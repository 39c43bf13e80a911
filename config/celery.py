"""The Celery app and the schedule of its beat."""

from pathlib import Path
from typing import Any

from celery import Celery, signals
from celery.contrib.django.task import DjangoTask
from celery.schedules import crontab
from django.conf import settings

from config import environment
from core import operations

environment.prepare()


class Job(DjangoTask):
    """A task whose changes name it in the audit log, and with it the user whose request started it, if any."""

    def apply_async(self, args: Any = None, kwargs: Any = None, *positional: Any, **options: Any) -> Any:
        """Put the task into the queue, with the id of the one who acts here."""
        options["headers"] = {"actor_id": operations.origin().actor_id, **(options.get("headers") or {})}
        return super().apply_async(args, kwargs, *positional, **options)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task, as the job that it is."""
        headers = self.request.headers or {}
        actor_id = headers.get("actor_id", operations.origin().actor_id)
        with operations.acting_from(operations.Origin(actor_id=actor_id, user_agent=f"job {self.name}")):
            return super().__call__(*args, **kwargs)


app = Celery("godown", task_cls=Job)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

app.conf.beat_schedule = {
    "heartbeat": {"task": "core.tasks.heartbeat", "schedule": 60.0},
    # A worker that was away need not do in a row what it has missed.
    "check-stock": {
        "task": "planning.tasks.check_stock",
        "schedule": crontab(minute="7"),
        "options": {"expires": 3600},
    },
    "sync-wise": {
        "task": "purchasing.tasks.sync_wise",
        "schedule": crontab(minute="17"),
        "options": {"expires": 3600},
    },
    "finish-wise": {"task": "purchasing.tasks.finish_wise", "schedule": 300.0, "options": {"expires": 300}},
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


@signals.celeryd_init.connect
def _wait_for_the_broker(conf: Any, **_: Any) -> None:
    """A worker waits for a Redis that hangs: giving up would lose a job that it is putting back."""
    for name in ("socket_connect_timeout", "socket_timeout"):
        conf.broker_transport_options.pop(name, None)


@signals.beat_init.connect
def _beat_at_once(**_: Any) -> None:
    """Without this, /health/ready would call a fresh start down for its first minute."""
    app.send_task("core.tasks.heartbeat")
