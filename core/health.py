"""Whether Godown lives, and whether it can work."""

import time
from collections.abc import Callable, Mapping

import redis
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.cache import caches
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

HEARTBEAT = "beat:last"
BEAT_IS_LATE_AFTER = 180

_reports: dict[str, Callable[[], Mapping[str, object]]] = {}


def tell_also(name: str, report: Callable[[], Mapping[str, object]]) -> None:
    """Have /health/ready tell what ``report`` finds in the database, as ``name``. It never makes it 503."""
    _reports[name] = report


@login_not_required
@require_safe
def alive(request: HttpRequest) -> JsonResponse:
    """GET /health: this process answers."""
    return JsonResponse({"status": "ok"})


@login_not_required
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """GET /health/ready: everything that work needs is there; 503 when one part is down.

    What else is told, such as how jobs ended, is for people: starting anew repairs none of it.
    """
    parts = {
        "database": _works(_database),
        "cache": _works(_cache),
        "broker": _works(_broker),
        "beat": _works(_beat),
    }
    ok = all(parts.values())
    checks = {name: "ok" if works else "down" for name, works in parts.items()}
    told = _told() if parts["database"] else {}
    return JsonResponse({"status": "ok" if ok else "down", "checks": checks, **told}, status=200 if ok else 503)


def _told() -> dict[str, Mapping[str, object]]:
    """Return the reports that have something to tell."""
    try:
        found = {name: report() for name, report in _reports.items()}
    except DatabaseError:
        return {}
    return {name: facts for name, facts in found.items() if facts}


def _works(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except Exception:  # noqa: BLE001 - every client library has its own; whatever it is, this part is down
        return False


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone())


def _cache() -> bool:
    stamp = str(time.time())
    caches["counters"].set("health", stamp, 60)
    return caches["counters"].get("health") is not None


def _broker() -> bool:
    if settings.CELERY_BROKER_URL == "filesystem://":
        return True
    waits = {"socket_connect_timeout": settings.REDIS_SECONDS, "socket_timeout": settings.REDIS_SECONDS}
    with redis.Redis.from_url(settings.CELERY_BROKER_URL, **waits) as broker:
        return bool(broker.ping())


def _beat() -> bool:
    last = caches["default"].get(HEARTBEAT)
    return last is not None and time.time() - last < BEAT_IS_LATE_AFTER
