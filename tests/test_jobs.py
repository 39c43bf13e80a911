"""Jobs and their schedule, on the queue of a laptop and on Redis."""

import logging
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import caches
from django.db import connection
from django.utils import timezone

from accounts.models import AuditLog, IdempotencyKey, User
from accounts.rights import Role
from accounts.services import users
from accounts.tasks import clean_up
from config.celery import Job, app
from core import operations
from core.errors import Unavailable
from core.health import HEARTBEAT
from inventory.tasks import check_ledger
from tests.factories import make_product, make_user

ROOT = Path(__file__).resolve().parents[1]


def keep_answer(user, key, *, age):
    kept = IdempotencyKey.objects.create(user=user, key=key, fingerprint="f", status=201, response="{}")
    IdempotencyKey.objects.filter(pk=kept.pk).update(created_at=timezone.now() - age)


def worker(folder, *options, **environment):
    command = [sys.executable, "-m", "celery", "--app", "config", "worker", "--beat", "--pool", "solo"]
    command += ["--loglevel", "INFO", "--schedule", str(folder / "schedule"), *options]
    env = {**os.environ, "GODOWN_VAR": str(folder), "DJANGO_SETTINGS_MODULE": "config.settings.local", **environment}
    return subprocess.Popen(command, env=env, cwd=ROOT, stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True)


def heartbeat_comes(process):
    return any("core.tasks.heartbeat" in line and "succeeded" in line for line in process.stdout)


def test_every_scheduled_job_exists():
    app.loader.import_default_modules()
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= set(app.tasks)


def test_the_nightly_check_is_silent_while_the_ledger_holds(db, caplog):
    make_product(on_hand=5)
    check_ledger()
    assert caplog.records == []


def test_the_nightly_check_raises_the_alarm_for_a_quantity_that_differs(db, caplog):
    product = make_product(on_hand=5)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE inventory SET quantity = 6 WHERE product_id = %s", [product.pk])

    check_ledger()

    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.ERROR, f"ledger differs: {product.internal_sku} has 6 on hand, 5 in the ledger")
    ]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE inventory SET quantity = 5 WHERE product_id = %s", [product.pk])


def test_the_nightly_cleaning_forgets_answers_after_a_week_and_no_sooner(db):
    user = make_user()
    keep_answer(user, "old", age=timedelta(days=7, minutes=1))
    keep_answer(user, "young", age=timedelta(days=6, hours=23))

    clean_up()

    assert list(IdempotencyKey.objects.values_list("key", flat=True)) == ["young"]


@pytest.mark.parametrize("broker", ["the folder of a laptop", pytest.param("Redis", marks=pytest.mark.postgres)])
def test_a_worker_beats_at_once_and_stops_when_told(tmp_path, broker):
    redis = settings.REDIS_URL if broker == "Redis" else ""
    process = worker(tmp_path, DATABASE_URL="", REDIS_URL=redis)
    try:
        assert heartbeat_comes(process)
        if redis:
            assert caches["default"].get(HEARTBEAT) is not None
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.stdout.close()


# Who acts in a job


@pytest.fixture
def job():
    """A task that changes the user it is given, and a second one that starts it."""

    @app.task(name="tests.change")
    def change(user_id, role):
        users.change(user_id, role=role, actor=None)
        return operations.origin()

    @app.task(name="tests.start")
    def start(user_id, role):
        change.delay(user_id, role)

    yield change
    for name in ("tests.change", "tests.start"):
        del app.tasks[name]


def who():
    row = AuditLog.objects.latest("pk")
    return (row.user_id, row.user_agent, row.ip_address)


@pytest.mark.abuse("AUD-10")
def test_a_job_started_by_somebody_is_theirs_and_names_itself(admin, job):
    mei = make_user(Role.STAFF)

    with operations.acting_from(operations.Origin(admin.pk, "203.0.113.5", "curl/8")):
        job.delay(mei.pk, "BUYER")
        assert operations.origin() == operations.Origin(admin.pk, "203.0.113.5", "curl/8")

    assert User.objects.get(pk=mei.pk).role == "BUYER"
    assert who() == (admin.pk, "job tests.change", None)


@pytest.mark.abuse("AUD-10")
def test_a_job_that_a_job_starts_is_still_theirs(admin, job):
    mei = make_user(Role.STAFF)

    with operations.acting_from(operations.Origin(admin.pk)):
        app.tasks["tests.start"].delay(mei.pk, "BUYER")

    assert who() == (admin.pk, "job tests.change", None)


@pytest.mark.parametrize("run", ["delay", "apply", "call"])
def test_a_job_that_nobody_started_names_itself_alone(db, job, run):
    mei = make_user(Role.STAFF)

    {"delay": job.delay, "apply": lambda *given: job.apply(given), "call": job}[run](mei.pk, "BUYER")

    assert who() == (None, "job tests.change", None)
    assert operations.origin() == operations.Origin()


def test_a_job_starts_when_the_change_that_asks_for_it_is_committed(admin, job, django_capture_on_commit_callbacks):
    mei = make_user(Role.STAFF)

    with django_capture_on_commit_callbacks(execute=True), operations.acting_from(operations.Origin(admin.pk)):
        job.delay_on_commit(mei.pk, "BUYER")
        assert User.objects.get(pk=mei.pk).role == "STAFF"

    assert User.objects.get(pk=mei.pk).role == "BUYER"


def test_the_message_carries_an_id_and_no_address_or_agent(job):
    with (
        app.connection_for_write("memory://") as connected,
        operations.acting_from(operations.Origin(7, "203.0.113.5", "curl/8")),
    ):
        app.conf.task_always_eager = False
        try:
            job.apply_async((1, "BUYER"), connection=connected)
        finally:
            app.conf.task_always_eager = True
        message = connected.SimpleQueue("celery").get_nowait()

    assert message.headers["actor_id"] == 7
    assert "203.0.113.5" not in str(message.headers) + str(message.body)
    assert "curl/8" not in str(message.headers) + str(message.body)


def test_a_job_is_tried_again_as_often_as_it_says_and_stays_theirs(admin):
    tried = []

    @app.task(name="tests.fails", bind=True, autoretry_for=(Unavailable,), max_retries=2, default_retry_delay=0)
    def fails(self):
        tried.append((self.request.retries, operations.origin().actor_id))
        raise Unavailable("down")

    try:
        with operations.acting_from(operations.Origin(admin.pk)):
            fails.delay()
    finally:
        del app.tasks["tests.fails"]

    assert tried == [(0, admin.pk), (1, admin.pk), (2, admin.pk)]


def test_every_job_is_one_of_ours():
    app.loader.import_default_modules()
    ours = [task for name, task in app.tasks.items() if not name.startswith("celery.")]
    assert [task.name for task in ours if not isinstance(task, Job)] == []
    assert len(ours) >= 4
