"""What every test may ask for."""

import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection
from rest_framework.test import APIClient

from accounts.models import User
from accounts.rights import Role
from accounts.services import authentication
from core import security_log
from inventory import selectors
from purchasing import wise_connection, wise_webhooks
from tests.factories import make_user
from tests.fake_wise import Clock, FakeWise


def api(user: User | None = None) -> APIClient:
    """A client of the API, signed in as ``user``."""
    return APIClient() if user is None else bearing(authentication.begin(actor=user).access)


def bearing(token: str) -> APIClient:
    """A client of the API with this token, or key."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


@pytest.fixture
def as_role(db: None) -> Callable[[Role], APIClient]:
    return lambda role: api(make_user(role))


@pytest.fixture
def admin(db: None) -> User:
    return make_user(Role.ADMIN)


@pytest.fixture
def client_api(admin: User) -> APIClient:
    return api(admin)


class Kept(logging.Handler):
    """Keeps what it is told."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


@pytest.fixture
def told():
    """Return a function that tells the events since the last call."""
    kept = Kept()
    security_log.log.addHandler(kept)

    def events():
        lines, kept.lines = kept.lines, []
        assert not [line for line in lines if "\n" in line]
        return [json.loads(line) for line in lines]

    yield events
    security_log.log.removeHandler(kept)


APPEND_ONLY = ("audit_log", "stock_movements")


@pytest.fixture(autouse=True, scope="session")
def _the_flush_may_empty_the_ledger() -> None:
    """Tests that commit end with a TRUNCATE of everything; only there the append-only triggers stand aside."""
    flush = connection.ops.execute_sql_flush

    def without_triggers(sql_list: list[str]) -> None:
        toggled = [f"ALTER TABLE {table} {{}} TRIGGER USER" for table in APPEND_ONLY]
        # CASCADE reaches django-auditlog's own table, which stays empty and is in nobody's list.
        cascading = [statement.replace(";", " CASCADE;") for statement in sql_list]
        flush([s.format("DISABLE") for s in toggled] + cascading + [s.format("ENABLE") for s in toggled])

    if connection.vendor == "postgresql":
        connection.ops.execute_sql_flush = without_triggers


@pytest.fixture(autouse=True)
def _own_counters() -> Iterator[None]:
    """No test sees what another one counted."""
    yield
    for name in ("default", "counters"):
        caches[name].clear()


@pytest.fixture(autouse=True)
def _ledger_holds(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test that touched the database, each quantity is the sum of its movements."""
    touched = {"db", "transactional_db"} & set(request.fixturenames)
    for name in touched:
        request.getfixturevalue(name)  # first in, last out: the database is still there when the test has ended
    yield
    if touched and not connection.needs_rollback:
        assert list(selectors.ledger_differences()) == []


def pytest_collection_modifyitems(items: list[Any]) -> None:
    """What only real servers can prove runs only where they are."""
    skip = pytest.mark.skip(reason="needs PostgreSQL: set DATABASE_URL, or run make test")
    for item in items:
        if item.get_closest_marker("postgres") and connection.vendor != "postgresql":
            item.add_marker(skip)


@pytest.fixture
def fake_wise(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeWise]:
    """A pretended Wise on 127.0.0.1 that Godown is connected to, in the minute of the test's own clock."""
    with FakeWise(clock=Clock(datetime.now(UTC))) as fake:
        settings.WISE_API_KEY = fake.key
        settings.WISE_API_BASE = fake.base
        settings.WISE_PROFILE_ID = str(fake.profile_id)
        settings.WISE_TIMEOUT_SECONDS = 1
        settings.WISE_WEBHOOK_KEY = wise_webhooks.public_key(fake.public_key_pem)
        monkeypatch.setattr(wise_connection, "sleep", lambda seconds: None)
        yield fake
