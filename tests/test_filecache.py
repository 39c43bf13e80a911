"""The file cache of the laptop mode counts exactly, across processes and through accidents."""

import multiprocessing
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from core.filecache import SHARDS, LockedFileCache

PROCESSES = 4
CALLS = 100
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

_start: Any = None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def cache(folder: Path) -> LockedFileCache:
    return LockedFileCache(folder, {})


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def test_get_and_set(cache):
    cache.set("colour", {"red": 1})

    assert cache.get("colour") == {"red": 1}
    assert cache.get("shape", "round") == "round"


def test_a_cached_none_is_not_a_miss(cache):
    cache.set("nothing", None)

    assert "nothing" in cache
    assert cache.get("nothing", "default") is None
    assert not cache.add("nothing", 1)


def test_versions_are_separate(cache):
    cache.set("key", "one", version=1)
    cache.set("key", "two", version=2)

    assert (cache.get("key", version=1), cache.get("key", version=2)) == ("one", "two")


def test_delete(cache):
    cache.set("key", 1)

    assert cache.delete("key")
    assert not cache.delete("key")
    assert "key" not in cache


def test_clear_removes_every_key(cache):
    cache.set_many({f"key-{n}": n for n in range(3 * SHARDS)})

    cache.clear()

    assert cache.get_many([f"key-{n}" for n in range(3 * SHARDS)]) == {}


def test_incr_and_decr(cache):
    cache.set("stock", 5)

    assert cache.incr("stock", 3) == 8
    assert cache.decr("stock") == 7


def test_incr_of_a_missing_key_is_refused(cache):
    with pytest.raises(ValueError, match="not found"):
        cache.incr("missing")

    assert "missing" not in cache


def test_an_expired_key_is_a_miss(cache, clock):
    cache.set("key", 1, timeout=60)

    clock.shift(timedelta(seconds=60))

    assert cache.get("key") is None
    assert "key" not in cache
    assert not cache.touch("key")
    with pytest.raises(ValueError, match="not found"):
        cache.incr("key")
    assert cache.add("key", 2)


def test_incr_keeps_the_deadline(cache, clock):
    cache.add("calls", 1, timeout=60)

    clock.shift(timedelta(seconds=59))
    assert cache.incr("calls") == 2
    clock.shift(timedelta(seconds=1))

    assert cache.get("calls") is None


def test_touch_moves_the_deadline(cache, clock):
    cache.set("key", 1, timeout=60)

    assert cache.touch("key", timeout=120)
    clock.shift(timedelta(seconds=119))

    assert cache.get("key") == 1


def test_no_timeout_keeps_a_key_for_ever(cache, clock):
    cache.set("key", 1, timeout=None)

    clock.shift(timedelta(days=3650))

    assert cache.get("key") == 1


@pytest.mark.parametrize("damage", [b"", b"not a cache entry", None], ids=["empty", "garbage", "half"])
def test_a_damaged_file_is_a_miss_and_can_be_written_again(cache, folder, damage):
    cache.set("key", "value")
    (file,) = folder.glob("*.entry")
    file.write_bytes(file.read_bytes()[:-4] if damage is None else damage)

    assert cache.get("key") is None
    assert cache.add("key", "again")
    assert cache.get("key") == "again"


def test_the_folder_may_be_deleted_at_any_time(cache, folder):
    cache.set("key", 1)

    shutil.rmtree(folder)

    assert cache.get("key") is None
    assert not cache.delete("key")
    assert cache.add("key", 2)
    assert cache.incr("key") == 3


@pytest.mark.abuse("RATE-13")
def test_expired_entries_are_swept_and_live_ones_never(cache, folder, clock):
    small = LockedFileCache(folder, {"OPTIONS": {"MAX_ENTRIES": 2, "CULL_FREQUENCY": 1}})
    small.set_many({f"old-{n}": n for n in range(5)}, timeout=60)
    small.set_many({f"new-{n}": n for n in range(5)}, timeout=600)

    clock.shift(timedelta(seconds=61))
    small.set("last", 1)

    assert len(list(folder.glob("*.entry"))) == 6
    assert small.get_many([f"new-{n}" for n in range(5)]) == {f"new-{n}": n for n in range(5)}


@pytest.mark.abuse("RATE-05")
def test_processes_count_exactly(cache, folder):
    cache.add("calls", 0)

    totals = in_processes(count_calls, str(folder))

    assert cache.get("calls") == PROCESSES * CALLS
    assert sorted(total for part in totals for total in part) == list(range(1, PROCESSES * CALLS + 1))


def test_processes_count_exactly_while_other_keys_are_culled(cache, folder):
    cache.add("calls", 0)

    in_processes(count_calls_and_sweep, str(folder))

    assert cache.get("calls") == PROCESSES * CALLS


def test_add_succeeds_once_among_processes(folder):
    won = in_processes(add_keys, str(folder))

    assert sorted(key for keys in won for key in keys) == list(range(CALLS))


def test_processes_survive_the_deletion_of_the_folder(cache, folder):
    in_processes(write_and_delete_the_folder, str(folder))

    assert cache.add("afterwards", 1)


def test_a_folder_that_comes_and_goes_while_it_is_made_is_made_again(cache, monkeypatch):
    """Another process makes the folder first, and a third has deleted it before we look."""
    make = Path.mkdir
    beaten = iter([True, True])

    def mkdir(folder, *args, **options):
        if next(beaten, False):
            raise FileExistsError(folder)
        make(folder, *args, **options)

    monkeypatch.setattr(Path, "mkdir", mkdir)

    assert cache.add("calls", 1)
    assert cache.get("calls") == 1


@pytest.mark.abuse("RATE-05")
def test_a_rate_limit_of_100_lets_exactly_100_of_400_calls_through(folder):
    allowed = in_processes(call_under_a_limit, str(folder))

    assert sum(allowed) == 100


def in_processes(work: Callable[[str], Any], folder: str) -> list[Any]:
    """Run ``work`` in four fresh processes that begin at the same moment."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(PROCESSES, timeout=60)
    with ProcessPoolExecutor(PROCESSES, mp_context=context, initializer=_remember, initargs=(barrier,)) as pool:
        return list(pool.map(work, [folder] * PROCESSES))


def _remember(barrier: Any) -> None:
    global _start
    _start = barrier


def count_calls(folder: str) -> list[int]:
    """Count to 100 on the shared key; returns each total seen."""
    cache = LockedFileCache(folder, {})
    _start.wait()
    return [cache.incr("calls") for _ in range(CALLS)]


def count_calls_and_sweep(folder: str) -> None:
    """Count to 100 while expired entries come and are culled."""
    cache = LockedFileCache(folder, {})
    _start.wait()
    for call in range(CALLS):
        cache.incr("calls")
        cache.set(f"expired-{call}", 1, timeout=-1)
        cache._sweep()


def add_keys(folder: str) -> list[int]:
    """Try to add a hundred keys; returns those this process was the first to add."""
    cache = LockedFileCache(folder, {})
    _start.wait()
    return [key for key in range(CALLS) if cache.add(str(key), 1)]


def write_and_delete_the_folder(folder: str) -> None:
    """Use the cache while every process keeps deleting its folder."""
    cache = LockedFileCache(folder, {})
    _start.wait()
    for call in range(CALLS):
        cache.add("calls", 0)
        cache.set(f"key-{call % 7}", call)
        cache.get("calls")
        cache.touch("calls")
        if call % 5 == 0:
            shutil.rmtree(folder, ignore_errors=True)


def call_under_a_limit(folder: str) -> int:
    """Make 100 calls under django-ratelimit's 100/h; returns how many were let through."""
    from django.conf import settings
    from django.http import HttpRequest

    settings.configure(CACHES={"default": {"BACKEND": "core.filecache.LockedFileCache", "LOCATION": folder}})
    from django_ratelimit.core import get_usage

    request = HttpRequest()
    request.META["REMOTE_ADDR"] = "203.0.113.9"
    _start.wait()
    with time_machine.travel(NOW, tick=False):
        usages = [get_usage(request, group="door", key="ip", rate="100/h", increment=True) for _ in range(CALLS)]
    return sum(not usage["should_limit"] for usage in usages)
