"""The way to Wise, as the settings describe it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from purchasing import wise
from purchasing.errors import WiseNotConnected

sleep = time.sleep  # between two attempts


def is_set_up() -> bool:
    """Whether there is a key for Wise. Without one, payments are kept by hand."""
    return bool(settings.WISE_API_KEY)


@contextmanager
def client(*, somebody_waits: bool = False) -> Iterator[wise.Wise]:
    """Open a client. When ``somebody_waits`` for a page it asks once, and not for long; jobs have patience.

    Raises WiseNotConnected without a key.
    """
    if not is_set_up():
        raise WiseNotConnected
    with wise.Wise(
        key=settings.WISE_API_KEY,
        base=settings.WISE_API_BASE,
        prefix=settings.WISE_PATH_PREFIX,
        timeout=settings.WISE_TIMEOUT_SECONDS / (2 if somebody_waits else 1),
        attempts=1 if somebody_waits else 3,
        sleep=sleep,
    ) as opened:
        yield opened


def profile_of(opened: wise.Wise) -> int:
    """Return the profile that pays: the one of the settings, or else the only business, or the only one at all.

    Raises RefusedByWise when it cannot be told, and whatever asking Wise raises.
    """
    if settings.WISE_PROFILE_ID:
        return int(settings.WISE_PROFILE_ID)
    profiles = opened.profiles()
    businesses = [profile for profile in profiles if profile.type == "BUSINESS"]
    candidates = businesses or profiles
    if len(candidates) != 1:
        ids = ", ".join(str(profile.id) for profile in candidates) or "none"
        raise wise.RefusedByWise(f"Set WISE_PROFILE_ID to the profile that pays; the key opens: {ids}.")
    return candidates[0].id
