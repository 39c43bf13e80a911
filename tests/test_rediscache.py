"""Counters on a real Redis: exact across processes, and never without their deadline."""

import pytest
from django.core.cache import caches

from core.rediscache import CountingRedisCache
from tests.test_races import at_once

pytestmark = pytest.mark.postgres


@pytest.fixture
def counters():
    assert isinstance(caches["counters"], CountingRedisCache)
    return caches["counters"]


def time_left(counters, key):
    return counters._cache.get_client().ttl(counters.make_and_validate_key(key))


def test_an_increment_keeps_the_deadline(counters):
    counters.add("k", 1, 100)

    assert counters.incr("k") == 2
    assert 0 < time_left(counters, "k") <= 100


@pytest.mark.abuse("RATE-05")
def test_a_counter_that_has_expired_is_not_made_anew_without_a_deadline(counters):
    with pytest.raises(ValueError, match="not found"):
        counters.incr("gone")
    assert counters.get("gone") is None


@pytest.mark.abuse("RATE-05")
def test_80_increments_at_once_are_all_counted(counters):
    counters.add("k", 0, 100)

    at_once(8, lambda _: [counters.incr("k") for _ in range(10)])

    assert counters.get("k") == 80
