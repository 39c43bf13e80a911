"""Signing in and out over HTTP, one's own account, and the audit log."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import Token

from accounts import selectors, sessions
from accounts.api import serializers as shapes
from accounts.api.permissions import Person, SignedIn, actor_of
from accounts.models import User
from accounts.rights import Right, Role
from accounts.services import authentication, mfa, users
from core import limits
from core.api.documents import paged
from core.api.filters import read
from core.api.pagination import Cursor, page


class Login(APIView):
    """The door."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(request=shapes.LoginInput, responses=shapes.TokensOutput, auth=[])
    def post(self, request: Request) -> Response:
        """Swap e-mail and password, and the code of a second factor, for tokens."""
        limits.knock(request._request, "auth")
        given = _read(shapes.LoginInput, request)
        limits.knock_account(request._request, "auth", given["email"])
        return Response(_pair(authentication.sign_in(request._request, **given)))


class Register(APIView):
    """The door for strangers, where it is open."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(request=shapes.RegisterInput, responses={201: shapes.RegisterOutput}, auth=[])
    def post(self, request: Request) -> Response:
        """Make an account of the office staff. The answer is the same when there is one already."""
        limits.knock(request._request, "register")
        given = _read(shapes.RegisterInput, request)
        users.register(**given)
        return Response({"email": given["email"].lower(), "role": Role.STAFF}, status=status.HTTP_201_CREATED)


class Refresh(APIView):
    """The next pair of tokens."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(request=shapes.RefreshInput, responses=shapes.TokensOutput, auth=[])
    def post(self, request: Request) -> Response:
        """Swap a refresh token for a new pair; the old one is dead."""
        limits.knock(request._request, "refresh")
        given = _read(shapes.RefreshInput, request)
        return Response(_pair(authentication.refresh(given["refresh_token"])))


class Logout(APIView):
    """The way out."""

    permission_classes = [SignedIn]

    @extend_schema(request=shapes.LogoutInput, responses={204: None})
    def post(self, request: Request) -> Response:
        """End this sign-in, or all of the account: access and refresh tokens are dead at once."""
        actor = actor_of(request)
        if _read(shapes.LogoutInput, request)["everywhere"]:
            users.end_sign_ins(actor=actor)
        elif isinstance(request.auth, Token):
            authentication.sign_out(request.auth[authentication.SIGN_IN_CLAIM], actor=actor)
        elif not actor.is_service:
            sessions.end(request._request)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Me(APIView):
    """Oneself."""

    permission_classes = [SignedIn]

    @extend_schema(responses=shapes.UserOutput)
    def get(self, request: Request) -> Response:
        """Return who is signed in."""
        return Response(shapes.UserOutput(actor_of(request)).data)


class Password(APIView):
    """One's own password."""

    permission_classes = [Person]

    @extend_schema(request=shapes.PasswordInput, responses=shapes.TokensOutput)
    def post(self, request: Request) -> Response:
        """Change one's password. Every sign-in ends, this one too; the answer is a new one."""
        actor = _knock(request, "password")
        given = _read(shapes.PasswordInput, request)
        user = users.change_password(given["current_password"], given["new_password"], actor=actor)
        return Response(_pair(authentication.begin(actor=user)))


class MfaSetUp(APIView):
    """The first step to a second factor."""

    permission_classes = [Person]

    @extend_schema(request=None, responses=shapes.SetUpOutput)
    def post(self, request: Request) -> Response:
        """Make a secret for an authenticator app. Asking again makes another one."""
        return Response(mfa.set_up(actor=actor_of(request))._asdict())


class MfaVerify(APIView):
    """The second step to a second factor."""

    permission_classes = [Person]

    @extend_schema(request=shapes.CodeInput, responses=shapes.EnabledOutput)
    def post(self, request: Request) -> Response:
        """Turn the second factor on with the app's first code. Every sign-in ends; the answer has a new one."""
        actor = _knock(request, "code")
        codes = mfa.enable(_read(shapes.CodeInput, request)["code"], actor=actor)
        return Response({"recovery_codes": codes, **_again(actor.pk)})


class MfaDisable(APIView):
    """The way back to one factor."""

    permission_classes = [Person]

    @extend_schema(request=shapes.ProofInput, responses=shapes.TokensOutput)
    def post(self, request: Request) -> Response:
        """Turn the second factor off, with password and code. Every sign-in ends; the answer is a new one."""
        actor = _knock(request, "code")
        mfa.disable(**_read(shapes.ProofInput, request), actor=actor)
        return Response(_again(actor.pk))


class MfaRecoveryCodes(APIView):
    """What replaces a lost app."""

    permission_classes = [Person]

    @extend_schema(request=shapes.ProofInput, responses=shapes.RecoveryCodesOutput)
    def post(self, request: Request) -> Response:
        """Make ten new recovery codes, with password and code; the old ones are dead."""
        actor = _knock(request, "code")
        codes = mfa.renew_recovery_codes(**_read(shapes.ProofInput, request), actor=actor)
        return Response({"recovery_codes": codes})


class AuditLogList(APIView):
    """Who changed what."""

    rights = {"GET": Right.VIEW_AUDIT}

    @extend_schema(parameters=[shapes.AuditFilters], responses=paged(shapes.AuditOutput, Cursor))
    def get(self, request: Request) -> Response:
        """List changes, newest first, by cursor."""
        rows = selectors.audit_log(actor_of(request), **read(shapes.AuditFilters, request))
        return page(rows, request, self, shapes.AuditOutput, Cursor())


def _knock(request: Request, door: str) -> User:
    """Count an attempt to prove oneself, by address and by account, and return whose it is. Raises TooManyRequests."""
    actor = actor_of(request)
    limits.knock(request._request, door)
    limits.knock_account(request._request, door, str(actor.pk))
    return actor


def _read(shape: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    form = shape(data=request.data)
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)


def _again(user_id: int) -> dict[str, Any]:
    """Sign the user in anew: what they were signed in with has just ended."""
    return _pair(authentication.begin(actor=users.by_id(user_id)))


def _pair(tokens: authentication.Tokens) -> dict[str, Any]:
    return {
        "access_token": tokens.access,
        "refresh_token": tokens.refresh,
        "token_type": "Bearer",
        "expires_in": int(api_settings.ACCESS_TOKEN_LIFETIME.total_seconds()),
    }
