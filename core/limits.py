"""Counting requests against a limit, in the one place that all processes share."""

import logging

from django.http import HttpRequest
from django_ratelimit.core import get_usage

from core.errors import DomainError
from core.network import client_ip

log = logging.getLogger("godown.security")
WAIT_WHEN_DOWN = 60


class TooManyRequests(DomainError):
    """The limit is used up, or nobody can tell because the counters are down."""

    code = "too_many_requests"

    def __init__(self, wait: int) -> None:
        super().__init__(f"Too many requests. Try again in {wait} seconds.")
        self.wait = wait


def count(request: HttpRequest, *, group: str, rate: str, fail_closed: bool) -> None:
    """Count this request of its client address towards ``rate`` ("100/m") of ``group``.

    Raises TooManyRequests past the limit. When the counters cannot be reached, sign-in doors fail closed and
    everything else stays open: a lost Redis must neither open the doors nor stop the sales.
    """
    try:
        usage = get_usage(request, group=group, key=_key, rate=rate, increment=True)
    except Exception as error:
        log.error("rate counters fail: %s: %s", type(error).__name__, error)
        if fail_closed:
            raise TooManyRequests(WAIT_WHEN_DOWN) from error
        return
    if usage and usage["should_limit"]:
        raise TooManyRequests(max(1, usage["time_left"] + 1))


def _key(group: str, request: HttpRequest) -> str:
    return client_ip(request)
