"""Bearer tokens."""

from typing import Any

from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.tokens import Token

from core import operations


class TokenAuthentication(JWTAuthentication):
    """simplejwt's, and it names the user to the audit log."""

    def authenticate(self, request: Request) -> tuple[Any, Token] | None:
        """Return the user and the token, or None when there is no token."""
        signed_in = super().authenticate(request)
        if signed_in is not None:
            operations.identify(signed_in[0].pk)
        return signed_in
