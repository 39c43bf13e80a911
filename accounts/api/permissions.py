"""The table of rights at the door of the API."""

from typing import TYPE_CHECKING, Any

from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.errors import MfaSetUpRequired, OnlyForPeople
from accounts.models import User
from accounts.rights import Right
from core import security_log

if TYPE_CHECKING:  # the framework's views load this module while they are being loaded
    from rest_framework.views import APIView


_SAFE = {"HEAD": "GET", "OPTIONS": "GET"}


def actor_of(request: Request) -> User:
    """Return who makes this request; the permissions let nobody else get here."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user


class HasRight(BasePermission):
    """The user holds the right that the view's ``rights`` name for this method. No entry: nobody may."""

    message = "Your role may not do this."

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Look the method up in the view's table; HEAD is GET."""
        user: Any = request.user
        if not user.is_authenticated:
            return False
        table: dict[str, Right] = getattr(view, "rights", {})
        method = _SAFE.get(request.method or "", request.method or "")
        if method not in table and not _answers(view, method):
            return True  # the framework answers 405
        if user.must_set_up_mfa:
            raise MfaSetUpRequired
        right = table.get(method)
        if right is None or not user.may(right):
            security_log.event("right_refused", right=right, method=method, path=request.path_info)
            return False
        return True


class SignedIn(BasePermission):
    """Any signed-in user, whatever the role: for what concerns only oneself."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Whether somebody is signed in."""
        return bool(request.user.is_authenticated)


class Person(SignedIn):
    """Any signed-in person: passwords and second factors are nothing for a service account."""

    message = OnlyForPeople().message

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Whether somebody is signed in who is no program."""
        user: Any = request.user
        if user.is_authenticated and user.is_service:
            security_log.event("right_refused", right="person", path=request.path_info)
            return False
        return super().has_permission(request, view)


def _answers(view: "APIView", method: str) -> bool:
    return method.lower() in view.http_method_names and hasattr(view, method.lower())
