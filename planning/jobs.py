"""Jobs as Celery knows them: what is expected of each, and how each run is remembered."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from celery import current_app, signals, states
from celery.app.task import Task
from celery.exceptions import Retry
from celery.schedules import crontab
from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from planning.models import JobRun
from planning.selectors import job_runs as selectors
from planning.services import job_runs

log = logging.getLogger("godown.jobs")


def all_jobs(*, now: datetime) -> list[selectors.Job]:
    """Return every job of the schedule of beat with its last run, in one query."""
    return selectors.jobs(expected(now=now), now=now)


def expected(*, now: datetime) -> list[selectors.Expected]:
    """Return what the schedule of beat expects."""
    current_app.loader.import_default_modules()
    return [_expected(entry, now) for entry in current_app.conf.beat_schedule.values()]


def report() -> Mapping[str, object]:
    """Return how the last run of each job ended, for /health/ready."""
    return selectors.last_ends()


def _expected(entry: Mapping[str, Any], now: datetime) -> selectors.Expected:
    task = current_app.tasks[entry["task"]]
    period, due = _rhythm(entry["schedule"], now)
    return selectors.Expected(
        name=task.name,
        description=" ".join((task.__doc__ or "").split()),
        time_limit=timedelta(seconds=task.time_limit or current_app.conf.task_time_limit),
        period=period,
        due=due,
    )


def _rhythm(schedule: crontab | float, now: datetime) -> tuple[timedelta, datetime | None]:
    """Return how often ``schedule`` comes, and when next unless that depends on the last run."""
    if not isinstance(schedule, crontab):
        return timedelta(seconds=schedule), None
    due = _next(schedule, now)
    return _next(schedule, due) - due, due


def _next(schedule: crontab, moment: datetime) -> datetime:
    last, delta, _ = schedule.remaining_delta(moment)
    due: datetime = last + delta
    return due


@signals.task_prerun.connect
def remember_start(task: "Task[Any, Any]", **_: Any) -> None:
    """A worker begins a job."""
    if not task.request.is_eager:
        _remember(lambda: job_runs.started(task.name, now=timezone.now()))


@signals.task_postrun.connect
def remember_end(task: "Task[Any, Any]", state: str | None = None, retval: Any = None, **_: Any) -> None:
    """A worker has ended a job. One that was cut off has no state, and stays as it was: begun."""
    if not task.request.is_eager and state is not None:
        outcome, detail = _ending(state, retval)
        _remember(lambda: job_runs.ended(task.name, now=timezone.now(), outcome=outcome, detail=detail))


def _ending(state: str, retval: Any) -> tuple[JobRun.Outcome, str]:
    if state == states.SUCCESS:
        return JobRun.Outcome.SUCCEEDED, ""
    if isinstance(retval, Retry):
        return JobRun.Outcome.FAILED, f"{job_runs.reason(retval.exc)} It will be tried again."
    return JobRun.Outcome.FAILED, job_runs.reason(retval)


def _remember(write: Callable[[], None]) -> None:
    """Never let a job fail because it could not be written down."""
    try:
        write()
    except (DatabaseError, InterfaceError):
        log.warning("a run of a job was not written down", exc_info=True)
