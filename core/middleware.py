"""What happens to every request on its way in and to every answer on its way out."""

import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from core import error_pages, limits, operations
from core.errors import DomainError
from core.network import client_ip

GetResponse = Callable[[HttpRequest], HttpResponseBase]
USER_AGENT_LENGTH = 512
_SESSION_ID = re.compile("[a-z0-9]{32}")


class SecurityHeaders:
    """The headers that every answer carries, errors and static files included."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        policy = settings.CONTENT_SECURITY_POLICY
        if request.path_info == "/api/docs":
            policy += "; img-src 'self' data:"  # Swagger UI draws its logo from a data URL
        response.headers.setdefault("Content-Security-Policy", policy)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("X-Frame-Options", settings.X_FRAME_OPTIONS)
        response.headers.setdefault("Referrer-Policy", settings.SECURE_REFERRER_POLICY)
        if not request.path_info.startswith(settings.STATIC_URL):
            response.headers.setdefault("Cache-Control", "no-store")
        return response


class OptionalSlash:
    """``/sign-in/`` is ``/sign-in``: answered, not redirected, for every method. The admin has its own way."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info != "/" and not request.path_info.startswith("/admin/"):
            request.path_info = request.path_info.removesuffix("/")
        return self.get_response(request)


class KnownLength:
    """Refuses a body of unknown length: WSGI would read it as empty, and half of a request would be carried out."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.META.get("HTTP_TRANSFER_ENCODING") and not request.META.get("CONTENT_LENGTH"):
            return error_pages.answer(request, 411, "length_required", "Send the body with a Content-Length.")
        return self.get_response(request)


class RateLimit:
    """The limit by client address over everything but health checks, static files and signed webhooks.

    A webhook's door counts those whose signature is wrong: Wise may have much to tell in a minute.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(("/health", "/webhooks/", settings.STATIC_URL)):
            try:
                limits.count(request, group="global", rate=settings.RATE_LIMIT_GLOBAL, fail_closed=False)
            except limits.TooManyRequests as refusal:
                return error_pages.too_many(request, refusal)
        return self.get_response(request)


class SessionIds:
    """Forgets a session id that is none: PostgreSQL fails to look for one that holds a NUL."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        name = settings.SESSION_COOKIE_NAME
        if not _SESSION_ID.fullmatch(request.COOKIES.get(name, "")):
            request.COOKIES.pop(name, None)
        return self.get_response(request)


class Refusals:
    """A refusal that a page took into no form is answered with a page of its own; the API answers its own."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer a refusal; anything else goes on. Django calls this."""
        return error_pages.refused(request, exception) if isinstance(exception, DomainError) else None


class RequestOrigin:
    """Tells the audit log from where this request comes; authentication adds who."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        agent = request.META.get("HTTP_USER_AGENT", "").replace("\x00", "")[:USER_AGENT_LENGTH]
        with operations.acting_from(operations.Origin(ip_address=client_ip(request), user_agent=agent)):
            return self.get_response(request)
