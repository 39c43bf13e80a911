"""What happens to every request on its way in and to every answer on its way out."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from core import limits, operations
from core.api import errors
from core.network import client_ip

GetResponse = Callable[[HttpRequest], HttpResponseBase]
USER_AGENT_LENGTH = 512


def is_api(request: HttpRequest) -> bool:
    """Whether a program asked, so that errors are JSON."""
    return f"{request.path_info}/".startswith("/api/")


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
    """``/api/products/`` is ``/api/products``: answered, not redirected, for every method."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if is_api(request) or request.path_info.startswith("/health"):
            request.path_info = request.path_info.removesuffix("/")
        return self.get_response(request)


class RateLimit:
    """The limits by client address: one over everything but health checks and static files, one at the sign-in page."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            self._count(request)
        except limits.TooManyRequests as refusal:
            return too_many(request, refusal)
        return self.get_response(request)

    def _count(self, request: HttpRequest) -> None:
        if not request.path_info.startswith(("/health", settings.STATIC_URL)):
            limits.count(request, group="global", rate=settings.RATE_LIMIT_GLOBAL, fail_closed=False)
        if request.method == "POST" and request.path_info == settings.LOGIN_URL:
            limits.count(request, group="auth", rate=settings.RATE_LIMIT_AUTH, fail_closed=True)


class RequestOrigin:
    """Tells the audit log from where this request comes; authentication adds who."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        agent = request.META.get("HTTP_USER_AGENT", "").replace("\x00", "")[:USER_AGENT_LENGTH]
        with operations.acting_from(operations.Origin(ip_address=client_ip(request), user_agent=agent)):
            return self.get_response(request)


def too_many(request: HttpRequest, refusal: limits.TooManyRequests) -> HttpResponse:
    """Answer 429 in the language of the asker, with the seconds to wait."""
    if is_api(request):
        response = errors.json_answer(429, refusal.code, refusal.message)
    else:
        response = HttpResponse(refusal.message, status=429, content_type="text/plain; charset=utf-8")
    response.headers["Retry-After"] = str(refusal.wait)
    return response
