"""Bearer tokens."""

from typing import Any

from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import Token
from rest_framework_simplejwt.utils import get_md5_hash_password

from accounts.models import User
from core import operations


class TokenAuthentication(JWTAuthentication):
    """simplejwt's, with our own look-up of the user, and it names the user to the audit log."""

    def authenticate(self, request: Request) -> tuple[Any, Token] | None:
        """Return the user and the token, or None when there is no token."""
        signed_in = super().authenticate(request)
        if signed_in is not None:
            operations.identify(signed_in[0].pk)
        return signed_in

    def get_user(self, validated_token: Token) -> Any:
        """Return the active user of a token that is no older than their password. Raises AuthenticationFailed."""
        user_id = validated_token.get(api_settings.USER_ID_CLAIM)
        user = User.objects.of_token(int(user_id)) if str(user_id).isdigit() else None
        if user is None or not user.is_active:
            raise AuthenticationFailed("This account is not active.", code="user_inactive")
        if validated_token.get(api_settings.REVOKE_TOKEN_CLAIM) != get_md5_hash_password(user.password):
            raise AuthenticationFailed("The password was changed. Sign in again.", code="password_changed")
        return user
