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

from accounts.models import IdempotencyKey
from accounts.tasks import clean_up
from config.celery import app
from core.health import HEARTBEAT
from inventory.tasks import check_ledger
from tests.factories import make_product, make_user

ROOT = Path(__file__).resolve().parents[1]


def keep_answer(user, key, *, age):
    kept = IdempotencyKey.objects.create(user=user, key=key, fingerprint="f", status=201, response="{}")
    IdempotencyKey.objects.filter(pk=kept.pk).update(created_at=timezone.now() - age)


def worker(folder, **environment):
    command = [sys.executable, "-m", "celery", "--app", "config", "worker", "--beat", "--pool", "solo"]
    command += ["--loglevel", "INFO", "--schedule", str(folder / "schedule")]
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
