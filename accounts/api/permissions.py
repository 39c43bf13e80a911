"""The table of rights at the door of the API."""

from typing import TYPE_CHECKING, Any

from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.models import User
from accounts.rights import Right

if TYPE_CHECKING:  # the framework's views load this module while they are being loaded
    from rest_framework.views import APIView


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
        table: dict[str, Right] = getattr(view, "rights", {})
        method = {"HEAD": "GET", "OPTIONS": "GET"}.get(request.method or "", request.method or "")
        user: Any = request.user
        if not user.is_authenticated:
            return False
        if method not in table:
            # An unknown method is answered with 405 by the framework; a known one without a right is refused.
            return not hasattr(view, method.lower())
        return bool(user.may(table[method]))


class SignedIn(BasePermission):
    """Any signed-in user, whatever the role: for what concerns only oneself."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Whether somebody is signed in."""
        return bool(request.user.is_authenticated)
