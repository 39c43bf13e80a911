"""Bearer tokens and the keys of service accounts."""

from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed
from rest_framework_simplejwt.tokens import Token

from accounts.services import authentication, users
from core import operations


class TokenAuthentication(JWTAuthentication):
    """simplejwt's, with our own look-up of the user, and it names the user to the audit log."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """Return the user and the token, or None when there is no token."""
        raw = self._raw(request)
        signed_in = self._by_key(raw) if raw.startswith(users.KEY_PREFIX.encode()) else super().authenticate(request)
        if signed_in is not None:
            operations.identify(signed_in[0].pk)
        return signed_in

    def get_user(self, validated_token: Token) -> Any:
        """Return the active user of a token whose sign-in has not ended. Raises AuthenticationFailed."""
        user = authentication.user_of(validated_token)
        if user is None:
            raise AuthenticationFailed("This sign-in has ended. Sign in again.", code="signed_out")
        return user

    def _raw(self, request: Request) -> bytes:
        header = self.get_header(request)
        return (self.get_raw_token(header) or b"") if header else b""

    def _by_key(self, raw: bytes) -> tuple[Any, None]:
        user = users.of_service_key(raw.decode("ascii", "replace"), now=timezone.now())
        if user is None:
            raise AuthenticationFailed("This service key is not valid, or it was rotated.", code="bad_service_key")
        return user, None
