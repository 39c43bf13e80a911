"""What every test may ask for."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from accounts.models import User
from accounts.rights import Role
from inventory import selectors
from tests.factories import make_user


def api(user: User | None = None) -> APIClient:
    """A client of the API, signed in as ``user``."""
    client = APIClient()
    if user is not None:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {AccessToken.for_user(user)}")
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
