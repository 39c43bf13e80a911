"""Counting requests against a limit, in the one place that all processes share."""

import logging

from django.conf import settings
from django.http import HttpRequest
from django_ratelimit.core import get_usage

from core import security_log
from core.errors import DomainError
from core.network import client_ip, household

WAIT_WHEN_DOWN = 60
ACCOUNT_FACTOR = 20


class TooManyRequests(DomainError):
    """The limit is used up, or nobody can tell because the counters are down."""

    code = "too_many_requests"

    def __init__(self, wait: int) -> None:
        super().__init__(f"Too many requests. Try again in {wait} seconds.")
        self.wait = wait


def count(request: HttpRequest, *, group: str, rate: str, fail_closed: bool, by: str = "") -> None:
    """Count this request towards ``rate`` ("100/m") of ``group``: by whose address it comes from, or by ``by``.

    Raises TooManyRequests past the limit. When the counters cannot be reached, sign-in doors fail closed and
    everything else stays open: a lost Redis must neither open the doors nor stop the sales.
    """
    try:
        who = by or household(client_ip(request))
        usage = get_usage(request, group=group, key=lambda *_: who, rate=rate, increment=True)
    except Exception as error:
        security_log.event("counters_down", level=logging.ERROR, reason=type(error).__name__)
        if fail_closed:
            raise TooManyRequests(WAIT_WHEN_DOWN) from error
        return
    if usage and usage["should_limit"]:
        security_log.event("limit_reached", limit=group, ip=client_ip(request), path=request.path_info)
        raise TooManyRequests(max(1, usage["time_left"] + 1))


def knock(request: HttpRequest, door: str) -> None:
    """Count an attempt at a sign-in door by the address it comes from: 5 a minute. Raises TooManyRequests."""
    count(request, group=door, rate=settings.RATE_LIMIT_AUTH, fail_closed=True)


def knock_account(request: HttpRequest, door: str, account: str) -> None:
    """Count an attempt at a sign-in door by the account that is tried: twenty times as many.

    This slows down many addresses that try one account. It is wide and short on purpose: a narrow one would let
    anybody lock anybody else out. Raises TooManyRequests.
    """
    number, _, period = settings.RATE_LIMIT_AUTH.partition("/")
    rate = f"{int(number) * ACCOUNT_FACTOR}/{period}"
    count(request, group=f"{door}-account", rate=rate, fail_closed=True, by=account.strip().lower())
