"""When jobs last ran and how that ended: written down by workers, told by /health/ready, and never in their way."""

import os
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from celery import signals, states
from celery.exceptions import Retry, SoftTimeLimitExceeded
from celery.schedules import crontab
from django.db import DatabaseError, InterfaceError
from django.test import Client

from accounts.models import AuditLog
from config.celery import app
from core import health
from core.errors import Unavailable
from core.tasks import heartbeat
from planning import jobs
from planning.models import JobRun
from planning.selectors import job_runs as selectors
from planning.selectors.job_runs import Expected, State
from planning.services import job_runs
from tests.test_jobs import ROOT, worker

NOW = datetime(2026, 6, 15, 5, tzinfo=UTC)
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
HOURLY = Expected("shop.hourly", "Every hour.", time_limit=6 * MINUTE, period=HOUR, due=NOW + 10 * MINUTE)
READY = "/health/ready"


def ran(*, started, ended=None, outcome=JobRun.Outcome.SUCCEEDED, detail=""):
    job_runs.started(HOURLY.name, now=started)
    if ended is not None:
        job_runs.ended(HOURLY.name, now=ended, outcome=outcome, detail=detail)


def seen(now=NOW):
    (job,) = selectors.jobs([HOURLY], now=now)
    return job


def the_row():
    return JobRun.objects.values("name", "outcome", "started_at", "ended_at", "last_succeeded_at", "detail").get()


# Writing


@pytest.mark.django_db
def test_a_run_is_one_row_a_job_and_each_write_one_statement(django_assert_num_queries):
    for day in range(3):
        with django_assert_num_queries(1):
            job_runs.started("a.job", now=NOW + timedelta(days=day))
        with django_assert_num_queries(1):
            job_runs.ended("a.job", now=NOW + timedelta(days=day, seconds=9), outcome=JobRun.Outcome.SUCCEEDED)
    job_runs.started("another.job", now=NOW)

    last = NOW + timedelta(days=2)
    assert JobRun.objects.filter(name="a.job").values_list("started_at", "ended_at", "last_succeeded_at").get() == (
        last,
        last + 9 * SECOND,
        last + 9 * SECOND,
    )
    assert JobRun.objects.count() == 2
    assert not AuditLog.objects.exists()


@pytest.mark.django_db
def test_a_failure_keeps_when_it_last_went_well():
    ran(started=NOW, ended=NOW + SECOND)
    ran(started=NOW + HOUR, ended=NOW + HOUR + SECOND, outcome=JobRun.Outcome.FAILED, detail="Down.")

    assert the_row() == {
        "name": HOURLY.name,
        "outcome": "FAILED",
        "started_at": NOW + HOUR,
        "ended_at": NOW + HOUR + SECOND,
        "last_succeeded_at": NOW + SECOND,
        "detail": "Down.",
    }


@pytest.mark.django_db
def test_a_new_run_forgets_how_the_last_one_ended_but_not_when_it_last_went_well():
    ran(started=NOW, ended=NOW + SECOND)
    ran(started=NOW + HOUR, ended=NOW + HOUR, outcome=JobRun.Outcome.FAILED, detail="Down.")
    ran(started=NOW + 2 * HOUR)

    row = the_row()
    assert (row["outcome"], row["ended_at"], row["detail"]) == ("RUNNING", None, "")
    assert row["last_succeeded_at"] == NOW + SECOND


@pytest.mark.django_db
def test_an_end_without_a_known_start_is_kept_and_a_long_reason_cut():
    job_runs.ended("a.job", now=NOW, outcome=JobRun.Outcome.FAILED, detail="x" * 1_000)

    row = the_row()
    assert (row["started_at"], row["ended_at"], row["detail"]) == (NOW, NOW, "x" * 300)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Unavailable("Wise cannot be reached."), "Unavailable: Wise cannot be reached."),
        (DatabaseError("postgres://godown:secret@db"), "DatabaseError. The log of the worker tells more."),
        (SoftTimeLimitExceeded(300), "SoftTimeLimitExceeded. The log of the worker tells more."),
    ],
)
def test_a_reason_has_a_sentence_where_it_was_written_for_people_and_no_secret(error, told):
    assert job_runs.reason(error) == told


# Reading


@pytest.mark.django_db
def test_a_job_that_never_ran_is_listed(django_assert_num_queries):
    with django_assert_num_queries(1):
        job = seen()
    assert (job.state, job.started_at, job.due) == (State.NEVER, None, HOURLY.due)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("ago", "state"),
    [(2 * HOUR + 5 * MINUTE, State.OK), (2 * HOUR + 5 * MINUTE + SECOND, State.LATE), (SECOND, State.OK)],
)
def test_a_job_is_late_after_twice_its_period_and_five_minutes(ago, state):
    ran(started=NOW - ago - SECOND, ended=NOW - ago)

    assert seen().state is state


@pytest.mark.django_db
@pytest.mark.parametrize(("ago", "state"), [(6 * MINUTE - SECOND, State.RUNNING), (6 * MINUTE, State.FAILED)])
def test_a_job_that_was_killed_did_not_finish_once_it_is_older_than_its_time_limit(ago, state):
    ran(started=NOW - HOUR, ended=NOW - HOUR)
    ran(started=NOW - ago)

    job = seen()
    assert (job.state, job.ended_at) == (state, None)
    assert job.detail == (selectors.DID_NOT_FINISH if state is State.FAILED else "")


@pytest.mark.django_db
def test_a_job_that_failed_says_why():
    ran(started=NOW - HOUR, ended=NOW - HOUR, outcome=JobRun.Outcome.FAILED, detail="Down.")

    assert (seen().state, seen().detail) == (State.FAILED, "Down.")


@pytest.mark.django_db
def test_a_job_that_comes_every_so_often_is_due_one_period_after_its_last_start_and_never_in_the_past():
    often = Expected("shop.often", "", time_limit=MINUTE, period=5 * MINUTE)
    job_runs.started("shop.often", now=NOW)

    dues = [selectors.jobs([often], now=moment)[0].due for moment in (NOW + MINUTE, NOW + HOUR)]

    assert dues == [NOW + 5 * MINUTE, NOW + HOUR]


# The schedule


def test_the_schedule_has_every_job_of_the_house_at_its_hour():
    moment = datetime(2026, 6, 15, 5, 30, tzinfo=UTC)  # 12:30 in Bangkok
    found = {job.name: (job.period, job.due and job.due - moment) for job in jobs.expected(now=moment)}

    assert found["planning.tasks.check_stock"] == (HOUR, 37 * MINUTE)
    assert found["purchasing.tasks.sync_wise"] == (HOUR, 47 * MINUTE)
    assert found["inventory.tasks.check_ledger"] == (24 * HOUR, 14 * HOUR + 30 * MINUTE)
    assert found["accounts.tasks.clean_up"] == (24 * HOUR, 15 * HOUR + 30 * MINUTE)
    assert found["core.tasks.heartbeat"] == (MINUTE, None)
    assert all(job.description for job in jobs.expected(now=moment))


@pytest.mark.parametrize(
    ("schedule", "period", "due"),
    [
        (60.0, MINUTE, None),
        (crontab(minute="17"), HOUR, datetime(2026, 6, 15, 5, 17, tzinfo=UTC)),
        (crontab(hour="3", minute="0"), 24 * HOUR, datetime(2026, 6, 15, 20, tzinfo=UTC)),
    ],
)
def test_the_rhythm_of_a_schedule(schedule, period, due):
    if due is not None:
        schedule.app = app
    assert jobs._rhythm(schedule, NOW) == (period, due)


def test_jobs_are_acknowledged_late_taken_one_by_one_and_limited():
    assert app.conf.task_acks_late is True
    assert app.conf.worker_prefetch_multiplier == 1
    assert (app.conf.task_soft_time_limit, app.conf.task_time_limit) == (300, 360)


def test_there_is_one_beat():
    lines = (ROOT / "Procfile").read_text().splitlines()
    assert len([line for line in lines if "celery" in line and "beat" in line]) == 1


# The signals


def a_task(*, is_eager=False):
    return SimpleNamespace(name="shop.hourly", request=SimpleNamespace(is_eager=is_eager))


def run(task, state, retval=None):
    signals.task_prerun.send(sender=None, task_id="1", task=task, args=["secret"], kwargs={})
    signals.task_postrun.send(
        sender=None, task_id="1", task=task, args=["secret"], kwargs={}, retval=retval, state=state
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("state", "retval", "outcome", "detail"),
    [
        (states.SUCCESS, None, "SUCCEEDED", ""),
        (states.FAILURE, Unavailable("Down."), "FAILED", "Unavailable: Down."),
        (states.FAILURE, KeyError("secret"), "FAILED", "KeyError. The log of the worker tells more."),
        (states.RETRY, Retry(exc=Unavailable("Down.")), "FAILED", "Unavailable: Down. It will be tried again."),
        (None, None, "RUNNING", ""),
    ],
)
def test_what_a_worker_runs_is_written_down_with_its_end(state, retval, outcome, detail):
    run(a_task(), state, retval)

    row = the_row()
    assert (row["outcome"], row["detail"]) == (outcome, detail)
    assert (row["ended_at"] is None) == (outcome == "RUNNING")
    assert (row["last_succeeded_at"] is None) == (outcome != "SUCCEEDED")


@pytest.mark.django_db
def test_what_no_worker_runs_is_not_written_down():
    run(a_task(is_eager=True), states.SUCCESS)
    heartbeat.delay()

    assert not JobRun.objects.exists()


@pytest.mark.parametrize("error", [DatabaseError, InterfaceError])
def test_a_job_does_not_fail_because_it_could_not_be_written_down(monkeypatch, caplog, error):
    def crash(*_, **__):
        raise error("gone")

    monkeypatch.setattr(job_runs, "started", crash)
    monkeypatch.setattr(job_runs, "ended", crash)

    jobs.remember_start(task=a_task())
    jobs.remember_end(task=a_task(), state=states.SUCCESS)

    assert [record.name for record in caplog.records] == ["godown.jobs"] * 2


# /health/ready


@pytest.mark.django_db
def test_ready_tells_when_each_job_last_ended_and_how():
    heartbeat()
    ran(started=NOW, ended=NOW + SECOND, outcome=JobRun.Outcome.FAILED, detail="secret")
    job_runs.started("a.job", now=NOW)

    response = Client().get(READY)

    assert response.json()["jobs"] == {
        "a.job": {"last_ended_at": None, "outcome": "RUNNING"},
        HOURLY.name: {"last_ended_at": "2026-06-15T05:00:01Z", "outcome": "FAILED"},
    }
    assert (response.status_code, response.json()["status"]) == (200, "ok")
    assert b"secret" not in response.content


@pytest.mark.django_db
def test_ready_leaves_the_jobs_out_while_it_cannot_ask(monkeypatch):
    def crash():
        raise DatabaseError("gone")

    heartbeat()
    ran(started=NOW, ended=NOW)
    with monkeypatch.context() as patch:
        patch.setitem(health._reports, "jobs", crash)
        assert "jobs" not in Client().get(READY).json()
    monkeypatch.setattr(health, "_database", crash)
    response = Client().get(READY)

    assert response.status_code == 503
    assert "jobs" not in response.json()


# A real worker


@pytest.fixture
def house(tmp_path):
    """A folder with a migrated database and two pipes to a job, and the environment of a worker there."""
    env = {"GODOWN_VAR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "config.settings.local", "DATABASE_URL": ""}
    env |= {"REDIS_URL": ""}
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--noinput", "-v", "0"],
        env={**os.environ, **env},
        cwd=ROOT,
        check=True,
    )
    for pipe in ("begun", "go"):
        os.mkfifo(tmp_path / pipe)
    return tmp_path


@pytest.fixture
def holding(house):
    """A worker with a job in hand."""
    process = worker(house, "--include", "tests.jobs_in_hand", DATABASE_URL="", REDIS_URL="")
    try:
        assert any(" ready." in line for line in process.stdout)
        put_into_queue(house)
        assert (house / "begun").read_text() == "begun\n"
        yield process
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


def put_into_queue(folder):
    options = {"data_folder_in": str(folder / "queue/messages"), "data_folder_out": str(folder / "queue/messages")}
    options |= {"control_folder": str(folder / "queue/control")}
    with app.connection_for_write("filesystem://", transport_options=options) as connected:
        app.send_task("tests.hold", [str(folder)], connection=connected)


def written_down(folder):
    with sqlite3.connect(folder / "godown.sqlite3") as database:
        query = "SELECT outcome, ended_at IS NOT NULL FROM job_runs WHERE name = 'tests.hold'"
        return database.execute(query).fetchone()


def test_a_worker_told_to_stop_finishes_the_job_in_hand_and_writes_it_down(house, holding):
    assert written_down(house) == ("RUNNING", 0)

    holding.send_signal(signal.SIGTERM)
    assert any("Warm shutdown" in line for line in holding.stdout)
    assert not (house / "done").exists()
    (house / "go").write_text("go\n")
    holding.stdout.read()

    assert holding.wait(timeout=60) == 0
    assert (house / "done").exists()
    assert written_down(house) == ("SUCCEEDED", 1)


def test_a_worker_that_is_killed_leaves_the_job_begun(house, holding):
    holding.kill()
    holding.wait(timeout=60)

    assert not (house / "done").exists()
    assert written_down(house) == ("RUNNING", 0)
