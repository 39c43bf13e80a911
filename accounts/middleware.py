"""Who a page request comes from."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponseBase
from django_otp.middleware import OTPMiddleware

from core import operations


class VerifiedSession(OTPMiddleware):
    """django-otp's, and it fails closed: with MFA on, a session without the second factor is nobody's.

    The sign-in page never makes such a session. Should another door ever make one, no view has to remember to ask.
    """

    def _verify_user_sync(self, request: HttpRequest, user: Any) -> Any:
        user = super()._verify_user_sync(request, user)
        if user.is_authenticated and (user.is_service or (user.mfa_enabled and not user.is_verified())):
            return AnonymousUser()
        return user


class SessionActor:
    """Names the user of the session to the audit log; a token is identified where it is checked."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
            operations.identify(request.user.pk)
        return self.get_response(request)
