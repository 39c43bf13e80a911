"""Reading when the jobs last ran, and whether that is as it should be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypedDict

from django.db.models import TextChoices

from planning.models import JobRun

GRACE = timedelta(minutes=5)
DID_NOT_FINISH = "It did not finish: its worker was stopped, or it took longer than it may."


class State(TextChoices):
    """How a job stands."""

    OK = "OK", "OK"
    RUNNING = "RUNNING", "Running"
    FAILED = "FAILED", "Failed"
    LATE = "LATE", "Late"
    NEVER = "NEVER", "Not yet"


@dataclass(frozen=True)
class Expected:
    """What the schedule tells of a job: what it does, how long it may take, how often it runs, when next.

    ``due`` is None where it comes one ``period`` after its last start.
    """

    name: str
    description: str
    time_limit: timedelta
    period: timedelta
    due: datetime | None = None


@dataclass(frozen=True)
class Job:
    """A job with its last run; the times are None as long as there was none."""

    name: str
    description: str
    state: State
    due: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    last_succeeded_at: datetime | None = None
    detail: str = ""


class Ended(TypedDict):
    """How the last run of a job ended, in short."""

    last_ended_at: datetime | None
    outcome: str


def jobs(expected: Sequence[Expected], *, now: datetime) -> list[Job]:
    """Return every expected job with its last run, those that never ran too, the next one first, in one query."""
    runs = JobRun.objects.in_bulk([each.name for each in expected], field_name="name")
    found = [_job(each, runs.get(each.name), now) for each in expected]
    return sorted(found, key=lambda job: (job.due, job.name))


def last_ends() -> Mapping[str, Ended]:
    """Return how the last run of each job that ever ran ended, by its name, in one query."""
    rows = JobRun.objects.order_by("name").values_list("name", "ended_at", "outcome")
    return {name: Ended(last_ended_at=ended_at, outcome=outcome) for name, ended_at, outcome in rows}


def _job(expected: Expected, run: JobRun | None, now: datetime) -> Job:
    if run is None:
        return Job(expected.name, expected.description, State.NEVER, due=expected.due or now)
    state = _state(expected, run, now)
    was_cut_off = state is State.FAILED and run.outcome == JobRun.Outcome.RUNNING
    return Job(
        name=expected.name,
        description=expected.description,
        state=state,
        started_at=run.started_at,
        ended_at=run.ended_at,
        last_succeeded_at=run.last_succeeded_at,
        detail=DID_NOT_FINISH if was_cut_off else run.detail,
        due=expected.due or max(run.started_at + expected.period, now),
    )


def _state(expected: Expected, run: JobRun, now: datetime) -> State:
    """Return how a job that ever ran stands; the first that holds.

    RUNNING: it began less than its time limit ago and has not ended. FAILED: its last run failed, or has not ended
    within the time limit. LATE: more than twice its period and five minutes have passed since it last succeeded.
    OK: none of these.
    """
    if run.outcome == JobRun.Outcome.RUNNING:
        return State.RUNNING if now - run.started_at < expected.time_limit else State.FAILED
    if run.outcome == JobRun.Outcome.FAILED or run.last_succeeded_at is None:
        return State.FAILED
    return State.LATE if now - run.last_succeeded_at > 2 * expected.period + GRACE else State.OK
