"""Whether Godown lives, and whether it can work."""

import time

import pytest
from django.core.cache import caches
from django.db import DatabaseError
from django.test import Client

from core import health
from core.tasks import heartbeat

READY = "/health/ready"
ALL_OK = {"database": "ok", "cache": "ok", "broker": "ok", "beat": "ok"}


@pytest.fixture
def beating():
    heartbeat()


def crash():
    raise DatabaseError("gone")


@pytest.mark.parametrize("path", ["/health", "/health/"])
def test_health_is_open_and_says_ok(path):
    response = Client().get(path)

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response.json() == {"status": "ok"}
    assert not response.cookies


def test_health_asks_no_database(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        Client().get("/health")


@pytest.mark.parametrize("path", ["/health", READY])
def test_health_answers_head_without_a_body(db, beating, path):
    response = Client().head(path)

    assert response.status_code == 200
    assert response.content == b""


@pytest.mark.parametrize("path", ["/health", READY])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_health_only_answers_questions(path, method):
    assert Client().generic(method, path).status_code == 405


def test_ready_names_every_part(db, beating):
    response = Client().get(READY)

    assert response.status_code == 200
    assert response.json() == {"status": "ok", "checks": ALL_OK}


@pytest.mark.parametrize("part", ["database", "cache", "broker", "beat"])
@pytest.mark.parametrize("failure", [crash, lambda: False])
def test_one_part_down_is_503_and_named(db, beating, monkeypatch, part, failure):
    monkeypatch.setattr(health, f"_{part}", failure)

    response = Client().get(READY)

    assert response.status_code == 503
    assert response.json() == {"status": "down", "checks": {**ALL_OK, part: "down"}}


def test_ready_does_not_tell_why(db, beating, monkeypatch):
    monkeypatch.setattr(health, "_database", crash)

    assert b"gone" not in Client().get(READY).content


def test_a_beat_that_never_was_is_down(db):
    assert Client().get(READY).json()["checks"] == {**ALL_OK, "beat": "down"}


@pytest.mark.parametrize(("age", "beat"), [(170, "ok"), (190, "down")])
def test_a_beat_is_late_after_three_minutes(db, age, beat):
    caches["default"].set(health.HEARTBEAT, time.time() - age, None)

    assert Client().get(READY).json()["checks"]["beat"] == beat


def test_a_cache_that_cannot_be_reached_is_down(db, beating, settings):
    nowhere = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    settings.CACHES = {**settings.CACHES, "counters": nowhere}

    response = Client().get(READY)

    assert response.status_code == 503
    assert response.json()["checks"]["cache"] == "down"
