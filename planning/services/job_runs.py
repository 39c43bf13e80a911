"""Remembering when each job last ran and how that ended: one row a job, each write one statement.

A technical table: nobody asks who wrote it, and it is not audited.
"""

from datetime import datetime

from core.errors import DomainError
from planning.models import JobRun

Outcome = JobRun.Outcome


def started(name: str, *, now: datetime) -> None:
    """Remember that job ``name`` began; that it ended before is forgotten, when it last succeeded is not."""
    row = JobRun(name=name, started_at=now, outcome=Outcome.RUNNING)
    _put(row, "started_at", "ended_at", "outcome", "detail")


def ended(name: str, *, now: datetime, outcome: JobRun.Outcome, detail: str = "") -> None:
    """Remember how job ``name`` ended. One whose start is not known counts as begun now."""
    row = JobRun(name=name, started_at=now, ended_at=now, outcome=outcome, detail=detail[: _detail_length()])
    changed = ["ended_at", "outcome", "detail"]
    if outcome == Outcome.SUCCEEDED:
        row.last_succeeded_at = now
        changed.append("last_succeeded_at")
    _put(row, *changed)


def reason(error: BaseException | None) -> str:
    """Return why a job failed, for the office: the kind of error, and its sentence where one was written for people.

    What other errors say is left out: a driver's may hold an address with its password, a mail server's a recipient.
    """
    sentence = f": {error.message}" if isinstance(error, DomainError) else ". The log of the worker tells more."
    return f"{type(error).__name__}{sentence}"


def _put(row: JobRun, *changed: str) -> None:
    JobRun.objects.bulk_create([row], update_conflicts=True, unique_fields=["name"], update_fields=changed)


def _detail_length() -> int:
    return JobRun._meta.get_field("detail").max_length or 0
