"""The clock of the fake, and the five ways in which Wise writes a moment."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo


class Clock:
    """Stands still until somebody advances it. Starts at ``now``, else at the real time."""

    def __init__(self, now: datetime | None = None) -> None:
        self._now = (now or datetime.now(UTC)).astimezone(UTC)
        self._lock = threading.RLock()
        self._watchers: list[Callable[[], None]] = []

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        with self._lock:
            return self._now

    def advance(self, by: timedelta) -> None:
        """Move forward; what falls due meanwhile happens before this returns."""
        if by < timedelta(0):
            raise ValueError("Time does not run back.")
        with self._lock:
            self._now += by
        for watcher in list(self._watchers):
            watcher()

    def watch(self, watcher: Callable[[], None]) -> None:
        """Call ``watcher`` after each advance."""
        self._watchers.append(watcher)


def seconds(moment: datetime) -> str:
    """2020-01-01T12:34:56Z, as in quotes and in webhooks of schema 2.0.0."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def milliseconds(moment: datetime) -> str:
    """2020-01-01T12:34:56.789Z, as in webhooks of schema 4.0.0."""
    return f"{_to_milliseconds(moment.astimezone(UTC))}Z"


def naive(moment: datetime) -> str:
    """2017-11-24 10:47:49, as in the ``created`` of a transfer: no T and no zone."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def with_offset(moment: datetime, zone: tzinfo = UTC) -> str:
    """2018-01-10T12:15:00.000+0000, as in delivery estimates: no colon in the offset."""
    local = moment.astimezone(zone)
    return f"{_to_milliseconds(local)}{local:%z}"


def with_colon(moment: datetime) -> str:
    """2023-08-10T10:17:23.000+00:00, as in transfers#payout-failure."""
    return f"{_to_milliseconds(moment.astimezone(UTC))}+00:00"


def parse(text: str) -> datetime:
    """Read any of these, and a date alone. Without a zone it is UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _to_milliseconds(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}"
