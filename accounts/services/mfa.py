"""The second factor: setting it up, proving it, giving it up.

django-otp computes the codes and the waits; what a code is worth is decided here, under a lock on the device, so that a
code works once also when it comes twice at the same instant. A wrong code is counted in a transaction of its own that
commits, because the request it came with fails.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote, urlencode

import segno
from django.utils import timezone
from django_otp.oath import TOTP

from accounts import audit, notices, rotation
from accounts.errors import (
    BadCode,
    BadCodeAtSignIn,
    MfaAlreadyOn,
    MfaNotOn,
    OnlyForPeople,
    TooManyCodes,
    WrongPassword,
)
from accounts.models import TotpDevice, User
from accounts.services import credentials
from core import encryption, security_log
from core.errors import DomainError
from core.operations import operation

ISSUER = "Godown"
STEP_SECONDS = 30
RECOVERY_CODES = 10
_DIGITS = re.compile("[0-9]{6}", re.ASCII)
_RECOVERY = re.compile("[a-z2-7]{24}", re.ASCII)


class SetUp(NamedTuple):
    """What an authenticator app needs: the base32 secret, also as an otpauth address and as its QR code."""

    secret: str
    provisioning_uri: str
    qr_code_uri: str
    qr_svg: str


@operation
def set_up(*, actor: User) -> SetUp:
    """Make a secret for the actor's authenticator app. It guards nothing before ``enable`` has seen a code of it.

    Asking again replaces the secret. Raises MfaAlreadyOn, OnlyForPeople.
    """
    user = _locked(actor)
    if user.is_service:
        raise OnlyForPeople
    if user.mfa_enabled:
        raise MfaAlreadyOn
    TotpDevice.objects.filter(user=user).delete()
    device = TotpDevice(user=user, name="Authenticator app", confirmed=False)
    secret = base64.b32encode(secrets.token_bytes(20)).decode()
    device.secret = encryption.encrypt(secret, bound_to=device.binding)
    device.save()
    return _shown(user, secret)


def pending(user: User) -> SetUp | None:
    """Return what ``set_up`` made and ``enable`` has not confirmed yet, to be shown again."""
    device = TotpDevice.objects.filter(user=user, confirmed=False).first()
    return _shown(user, device.reveal_secret()) if device else None


def enable(code: str, *, actor: User) -> list[str]:
    """Turn the second factor on with the first code of the app, and return ten recovery codes, shown once.

    Everything the actor is signed in with ends. Raises MfaAlreadyOn, MfaNotOn, BadCode, TooManyCodes.
    """
    if actor.mfa_enabled:
        raise MfaAlreadyOn
    device = _prove(code, confirmed=False, wrong=BadCode, actor=actor)
    return _enabled(device.pk, actor=actor)


def disable(password: str, code: str, *, actor: User) -> None:
    """Turn the second factor off, with the password and a code. Everything the actor is signed in with ends.

    Raises MfaNotOn, WrongPassword, BadCode, TooManyCodes.
    """
    _prove_both(password, code, actor)
    _disabled(actor.pk, actor=actor)
    notices.send(actor, "mfa_disabled")


def renew_recovery_codes(password: str, code: str, *, actor: User) -> list[str]:
    """Return ten new recovery codes; the old ones are dead. Raises as ``disable`` does."""
    _prove_both(password, code, actor)
    return _renewed(actor=actor)


@operation
def reset(user_id: int, *, actor: User | None) -> None:
    """Take the lost second factor of a user away; the role may demand a new one at once. For administrators.

    Raises MfaNotOn.
    """
    _disabled(user_id, actor=actor)
    notices.send(User.objects.get(pk=user_id), "mfa_reset")


def prove_at_sign_in(code: str, *, actor: User) -> TotpDevice:
    """Use up ``code``, of the app or of recovery, and return the device. Raises BadCodeAtSignIn, TooManyCodes."""
    return _prove(code, confirmed=True, wrong=BadCodeAtSignIn, actor=actor)


@operation
def encrypt_with_newest_key() -> int:
    """Encrypt every secret with the newest key and return how many were not yet. Records each."""
    return rotation.encrypt_with_newest_key(TotpDevice, "secret")


@operation
def _enabled(device_id: int, *, actor: User) -> list[str]:
    user = _locked(actor)
    # The device that was proved, and no other that was set up meanwhile.
    device = TotpDevice.objects.filter(pk=device_id, confirmed=False).first()
    if device is None:
        raise MfaNotOn
    codes = _fill(device)
    device.confirmed = True
    device.save()
    user.mfa_enabled = True
    credentials.end_everything(user, "mfa_enabled")
    notices.send(user, "mfa_enabled")
    return codes


@operation
def _disabled(user_id: int, *, actor: User | None) -> None:
    user = User.objects.select_for_update().get(pk=user_id)
    if not user.mfa_enabled:
        raise MfaNotOn
    TotpDevice.objects.get(user=user).delete()
    user.mfa_enabled = False
    credentials.end_everything(user, "mfa_disabled")


@operation
def _renewed(*, actor: User) -> list[str]:
    device = TotpDevice.objects.select_for_update().filter(user=actor, confirmed=True).first()
    if device is None:
        raise MfaNotOn
    left = len(device.recovery_digests)
    codes = _fill(device)
    device.save(update_fields=["recovery_digests", "updated_at"])
    _record_codes(device, left)
    notices.send(actor, "recovery_codes_renewed")
    return codes


def _prove_both(password: str, code: str, actor: User) -> None:
    if not actor.mfa_enabled:
        raise MfaNotOn
    if not actor.check_password(password):
        security_log.event("password_refused", user_id=actor.pk)
        raise WrongPassword
    _prove(code, confirmed=True, wrong=BadCode, actor=actor)


def _prove(code: str, *, confirmed: bool, wrong: Callable[[], DomainError], actor: User) -> TotpDevice:
    device, refusal = _use(code, confirmed=confirmed, actor=actor)
    if device is not None and refusal is None:
        return device
    security_log.event("code_refused", user_id=actor.pk)
    raise refusal or wrong()


@operation
def _use(code: str, *, confirmed: bool, actor: User) -> tuple[TotpDevice | None, DomainError | None]:
    """Use ``code`` up. Returns the device when it was right, and instead of raising, the refusal: a raise would
    take back the count of wrong codes with everything else."""
    device = TotpDevice.objects.select_for_update().filter(user=actor, confirmed=confirmed).first()
    if device is None:
        return None, MfaNotOn()
    plain = code.replace(" ", "").replace("-", "").lower()
    if _RECOVERY.fullmatch(plain):
        # Not throttled: 120 random bits cannot be guessed, and this is the way past somebody else's wrong codes.
        return (device if _use_recovery(device, plain) else None), None
    allowed, why = device.verify_is_allowed()
    if not allowed:
        wait = (why["locked_until"] - timezone.now()).total_seconds()
        return None, TooManyCodes(max(1, int(wait) + 1))
    if not _use_digits(device, plain):
        device.throttle_increment()
        return None, None
    return device, None


def _use_digits(device: TotpDevice, digits: str) -> bool:
    if not _DIGITS.fullmatch(digits):
        return False
    totp = TOTP(base64.b32decode(device.reveal_secret()), STEP_SECONDS)
    totp.time = timezone.now().timestamp()
    # One step to each side, for clocks that differ; never a step that was used, nor one before it.
    if not totp.verify(int(digits), tolerance=1, min_t=device.last_step + 1):
        return False
    device.last_step = totp.t()
    device.throttle_reset(commit=False)
    device.save(update_fields=["last_step", "throttling_failure_count", "throttling_failure_timestamp"])
    return True


def _use_recovery(device: TotpDevice, plain: str) -> bool:
    digest = _digest(plain)
    if digest not in device.recovery_digests:
        return False
    left = len(device.recovery_digests)
    device.recovery_digests.remove(digest)
    device.throttle_reset(commit=False)
    device.save(update_fields=["recovery_digests", "throttling_failure_count", "throttling_failure_timestamp"])
    _record_codes(device, left)
    security_log.event("recovery_code_used", user_id=device.user_id)
    return True


def _fill(device: TotpDevice) -> list[str]:
    plain = [base64.b32encode(secrets.token_bytes(15)).decode().lower() for _ in range(RECOVERY_CODES)]
    device.recovery_digests = [_digest(code) for code in plain]
    return ["-".join(code[i : i + 4] for i in range(0, 24, 4)) for code in plain]


def _digest(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()


def _record_codes(device: TotpDevice, before: int) -> None:
    change = ({"recovery_codes_left": before}, {"recovery_codes_left": len(device.recovery_digests)})
    audit.record(TotpDevice, audit.Action.UPDATE, [(device.pk, *change)])


def _locked(actor: User) -> User:
    return User.objects.select_for_update().get(pk=actor.pk)


def _shown(user: User, secret: str) -> SetUp:
    label = quote(f"{ISSUER}:{user.email}")
    facts = urlencode({"secret": secret, "issuer": ISSUER, "digits": 6, "period": STEP_SECONDS})
    uri = f"otpauth://totp/{label}?{facts}"
    code = segno.make_qr(uri, error="m")
    return SetUp(secret, uri, code.png_data_uri(scale=5), code.svg_inline(scale=5, omitsize=True))
