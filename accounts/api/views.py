"""Signing in and out over HTTP."""

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api import serializers as shapes
from accounts.api.permissions import SignedIn, actor_of
from accounts.services import authentication
from core import limits


class Login(APIView):
    """The door."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(request=shapes.LoginInput, responses=shapes.TokensOutput, auth=[])
    def post(self, request: Request) -> Response:
        """Swap e-mail and password for tokens."""
        limits.count(request._request, group="auth", rate=settings.RATE_LIMIT_AUTH, fail_closed=True)
        form = shapes.LoginInput(data=request.data)
        form.is_valid(raise_exception=True)
        return _answer(authentication.sign_in(request._request, **form.validated_data))


class Refresh(APIView):
    """The next pair of tokens."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(request=shapes.RefreshInput, responses=shapes.TokensOutput, auth=[])
    def post(self, request: Request) -> Response:
        """Swap a refresh token for a new pair; the old one is dead."""
        limits.count(request._request, group="refresh", rate=settings.RATE_LIMIT_AUTH, fail_closed=True)
        form = shapes.RefreshInput(data=request.data)
        form.is_valid(raise_exception=True)
        return _answer(authentication.refresh(form.validated_data["refresh_token"]))


class Logout(APIView):
    """The way out."""

    permission_classes = [SignedIn]

    @extend_schema(request=shapes.RefreshInput, responses={204: None})
    def post(self, request: Request) -> Response:
        """End the refresh tokens of the account that the token belongs to."""
        form = shapes.RefreshInput(data=request.data)
        form.is_valid(raise_exception=True)
        authentication.sign_out(form.validated_data["refresh_token"])
        return Response(status=status.HTTP_204_NO_CONTENT)


class Me(APIView):
    """Oneself."""

    permission_classes = [SignedIn]

    @extend_schema(responses=shapes.UserOutput)
    def get(self, request: Request) -> Response:
        """Return who is signed in."""
        return Response(shapes.UserOutput(actor_of(request)).data)


def _answer(tokens: authentication.Tokens) -> Response:
    lifetime = settings.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"]
    return Response(
        {
            "access_token": tokens.access,
            "refresh_token": tokens.refresh,
            "token_type": "Bearer",
            "expires_in": int(lifetime.total_seconds()),
        }
    )
