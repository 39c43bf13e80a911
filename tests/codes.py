"""Codes of authenticator apps, as the app would show them."""

import base64
from datetime import datetime

import time_machine
from django.utils import timezone
from django_otp.oath import TOTP

from accounts.models import TotpDevice, User
from accounts.services import mfa


def code_of(user: User, *, at: datetime | None = None, step: int = 0) -> str:
    """Return what the app of ``user`` shows now or ``at`` a moment, ``step`` times 30 seconds later.

    Each works once. Accepted are the steps -1, 0 and 1, and none that is not later than the last one used.
    """
    secret = TotpDevice.objects.get(user=user).reveal_secret()
    totp = TOTP(base64.b32decode(secret), mfa.STEP_SECONDS)
    totp.time = (at or timezone.now()).timestamp() + step * mfa.STEP_SECONDS
    return f"{totp.token():06d}"


def enable_mfa(user: User) -> list[str]:
    """Turn the second factor of ``user`` on and return the recovery codes.

    It takes the code of the step before, so that two more are left to sign in with at this moment.
    """
    mfa.set_up(actor=user)
    with time_machine.travel(timezone.now(), tick=False):
        codes = mfa.enable(code_of(user, step=-1), actor=user)
    user.refresh_from_db()
    return codes
