"""Signing in and out with tokens: simplejwt makes and checks them, the rules of their life are here."""

from typing import NamedTuple

from django.contrib.auth import authenticate
from django.http import HttpRequest
from rest_framework_simplejwt.exceptions import TokenBackendError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.state import token_backend
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken
from rest_framework_simplejwt.utils import get_md5_hash_password

from accounts.errors import BadCredentials, BadToken
from accounts.models import User
from core.operations import operation


class Tokens(NamedTuple):
    """A fresh pair: the access token lives minutes, the refresh token days."""

    access: str
    refresh: str


def sign_in(request: HttpRequest, *, email: str, password: str) -> Tokens:
    """Return tokens for the account with this e-mail and password.

    Raises BadCredentials for an unknown e-mail, a wrong password and a deactivated account alike, after the same
    time: Django hashes a password even when there is no account.
    """
    user = authenticate(request, username=email, password=password)
    if not isinstance(user, User):
        raise BadCredentials
    return _pair(user)


def refresh(token: str) -> Tokens:
    """Swap a refresh token for a new pair; the old one is dead.

    Presenting a dead one means that somebody has a copy: every token of that user ends. Raises BadToken.
    """
    fresh = _rotate(token)
    if fresh is None:
        raise BadToken
    return fresh


@operation
def sign_out(token: str) -> None:
    """End every refresh token of the user to whom ``token`` was given; a token already dead is no error."""
    claims = _claims(token)
    row = OutstandingToken.objects.filter(jti=claims["jti"]).first()
    if row is not None and row.user_id is not None:
        revoke_all(row.user_id)


def revoke_all(user_id: int) -> None:
    """End every refresh token of a user."""
    alive = OutstandingToken.objects.filter(user_id=user_id, blacklistedtoken__isnull=True)
    BlacklistedToken.objects.bulk_create([BlacklistedToken(token=row) for row in alive], ignore_conflicts=True)


@operation
def _rotate(token: str) -> Tokens | None:
    """Return the next pair, or None when the token is dead. None commits, so that a revocation stays."""
    claims = _claims(token)
    # Locked, because two requests with one token at the same instant would both find it alive.
    row = OutstandingToken.objects.select_for_update().filter(jti=claims["jti"]).first()
    if row is None:
        return None
    if BlacklistedToken.objects.filter(token=row).exists():
        if row.user_id is not None:
            revoke_all(row.user_id)
        return None
    user = User.objects.filter(pk=row.user_id or 0, is_active=True).first()
    if user is None or claims.get(api_settings.REVOKE_TOKEN_CLAIM) != get_md5_hash_password(user.password):
        return None
    BlacklistedToken.objects.create(token=row)
    return _pair(user)


def _claims(token: str) -> dict[str, str]:
    try:
        claims = token_backend.decode(token)  # type: ignore[arg-type] # it takes the text of a token
    except TokenBackendError as error:
        raise BadToken from error
    if claims.get("token_type") != "refresh" or not claims.get("jti"):
        raise BadToken
    return dict(claims)


def _pair(user: User) -> Tokens:
    refresh_token = RefreshToken.for_user(user)
    # The table needs no copy of a usable token: it is found by its jti.
    OutstandingToken.objects.filter(jti=refresh_token["jti"]).update(token="")
    return Tokens(access=str(refresh_token.access_token), refresh=str(refresh_token))
