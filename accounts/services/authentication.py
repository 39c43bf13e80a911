"""Signing in and out with tokens: simplejwt makes and checks them, the rules of their life are here."""

from datetime import timedelta
from typing import Any, NamedTuple

from django.contrib.auth import authenticate
from django.http import HttpRequest
from django.utils import timezone
from rest_framework_simplejwt.exceptions import TokenBackendError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.state import token_backend
from rest_framework_simplejwt.tokens import RefreshToken

from accounts.errors import BadCredentials, BadToken, MfaRequired
from accounts.models import SignIn, User
from accounts.services import mfa
from core import security_log
from core.operations import operation

SIGN_IN_CLAIM = "sid"
STAMP_CLAIM = "stamp"


class Tokens(NamedTuple):
    """A fresh pair: the access token lives minutes, the refresh token days."""

    access: str
    refresh: str


def check_password(request: HttpRequest, *, email: str, password: str) -> User:
    """Return the account with this e-mail and password: the first half of signing in, at every door.

    Raises BadCredentials for an unknown e-mail, a wrong password, a deactivated and a service account alike, after
    the same time: Django hashes a password even when there is no account.
    """
    user = authenticate(request, username=email, password=password)
    if isinstance(user, User) and not user.is_service:
        return user
    known = User.objects.with_email(email).values_list("pk", flat=True).first()
    security_log.event("sign_in_refused", user_id=known, reason="password", path=request.path_info)
    raise BadCredentials


def sign_in(request: HttpRequest, *, email: str, password: str, code: str = "") -> Tokens:
    """Return tokens for the account with this e-mail and password, and with ``code`` when its second factor is on.

    Raises:
        BadCredentials: e-mail and password do not belong together.
        MfaRequired: they do, and a code is missing.
        BadCodeAtSignIn, TooManyCodes: the code is wrong, or comes too soon after a wrong one.
    """
    user = check_password(request, email=email, password=password)
    if user.mfa_enabled:
        if not code:
            raise MfaRequired
        mfa.prove_at_sign_in(code, actor=user)
    return begin(actor=user)


@operation
def begin(*, actor: User) -> Tokens:
    """Start a sign-in of the actor, who has proved who they are, and return its first tokens."""
    now = timezone.now()
    User.objects.filter(pk=actor.pk).update(last_login=now)
    row = SignIn(user=actor, expires_at=now + _lifetime())
    tokens = _pair(actor, row)
    security_log.event("signed_in", user_id=actor.pk, door="api")
    return tokens


def refresh(token: str) -> Tokens:
    """Swap a refresh token for a new pair; the old one is dead.

    Presenting a dead one means that somebody has a copy: that sign-in ends, whoever holds its tokens. Raises BadToken.
    """
    fresh = _rotate(token)
    if fresh is None:
        raise BadToken
    return fresh


@operation
def sign_out(sign_in_id: int, *, actor: User) -> None:
    """End one sign-in of the actor: its access and refresh tokens are dead at once."""
    SignIn.objects.filter(pk=sign_in_id, user=actor).delete()
    security_log.event("signed_out", user_id=actor.pk)


def user_of(claims: Any) -> User | None:
    """Return the active user of an access token's claims, or None when their sign-in has ended.

    One query. What the token carries of the user must be what is stored: a changed password, role or second factor
    makes it another.
    """
    numbers = (claims.get(SIGN_IN_CLAIM), claims.get("user_id"))
    if not all(str(number).isdecimal() for number in numbers):
        return None
    user = User.objects.of_sign_in(int(numbers[0]), int(numbers[1]))
    if user is None or claims.get(STAMP_CLAIM) != user.get_session_auth_hash():
        return None
    return user


def forget_ended() -> int:
    """Delete the sign-ins whose refresh token has run out and return their number."""
    return SignIn.objects.filter(expires_at__lt=timezone.now()).delete()[0]


@operation
def _rotate(token: str) -> Tokens | None:
    """Return the next pair, or None when the token is dead. None commits, so that the end of a family stays."""
    claims = _refresh_claims(token)
    # Locked, because two requests with one token at the same instant would both find it alive.
    rows = SignIn.objects.select_for_update(of=("self",)).filter(pk=claims[SIGN_IN_CLAIM])
    row = rows.select_related("user").first()
    if row is None:
        return None
    if row.refresh_jti != claims["jti"]:
        security_log.event("refresh_token_reused", user_id=row.user_id)
        row.delete()
        return None
    if not row.user.is_active or claims.get(STAMP_CLAIM) != row.user.get_session_auth_hash():
        row.delete()
        return None
    row.expires_at = timezone.now() + _lifetime()
    return _pair(row.user, row)


def _refresh_claims(token: str) -> dict[str, Any]:
    try:
        claims = token_backend.decode(token)  # type: ignore[arg-type] # it takes the text of a token
    except TokenBackendError as error:
        raise BadToken from error
    is_ours = claims.get("token_type") == "refresh" and claims.get("jti") and claims.get(SIGN_IN_CLAIM)
    if not is_ours:
        raise BadToken
    return dict(claims)


def _pair(user: User, row: SignIn) -> Tokens:
    """Make the next tokens of a sign-in and remember which refresh token it is that works."""
    token = RefreshToken()
    row.refresh_jti = token["jti"]
    row.save()
    token["user_id"] = str(user.pk)
    token[SIGN_IN_CLAIM] = row.pk
    token[STAMP_CLAIM] = user.get_session_auth_hash()
    return Tokens(access=str(token.access_token), refresh=str(token))


def _lifetime() -> timedelta:
    lifetime: timedelta = api_settings.REFRESH_TOKEN_LIFETIME
    return lifetime
