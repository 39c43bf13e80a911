"""Shapes of signing in."""

from typing import Any

from rest_framework import serializers

from accounts.models import User


class LoginInput(serializers.Serializer[Any]):
    """E-mail and password."""

    email = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=1_000, trim_whitespace=False)


class RefreshInput(serializers.Serializer[Any]):
    """A refresh token."""

    refresh_token = serializers.CharField(max_length=4_000)


class TokensOutput(serializers.Serializer[Any]):
    """A fresh pair of tokens."""

    access_token = serializers.CharField()
    refresh_token = serializers.CharField()
    token_type = serializers.CharField(help_text="Always Bearer.")
    expires_in = serializers.IntegerField(help_text="Seconds until the access token ends.")


class UserOutput(serializers.ModelSerializer[User]):
    """Who one is."""

    class Meta:
        model = User
        fields = ("id", "email", "role", "mfa_enabled", "is_active", "created_at")
