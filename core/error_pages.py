"""Errors outside of the API's views: a page for people, JSON under /api/."""

import sys
from collections.abc import Iterable

from django.core.exceptions import RequestDataTooBig
from django.db import DataError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from core import errors
from core.api.errors import STATUS_BY_KIND, json_answer
from core.limits import TooManyRequests

TITLES = {
    400: "That did not work",
    403: "Not allowed",
    404: "Not found",
    405: "Not possible here",
    413: "Too large",
    429: "Please wait",
    500: "Something broke",
    503: "Not available",
}


def is_api(request: HttpRequest) -> bool:
    """Whether a program asked, so that errors are JSON."""
    return f"{request.path_info}/".startswith(("/api/", "/webhooks/"))


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's 404."""
    return answer(request, 404, "not_found", "There is nothing at this address.")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's 400: a host that is not ours, a malformed request, and a body of megabytes, which is 413."""
    if isinstance(exception, RequestDataTooBig):
        return answer(request, 413, "too_large", "The body of the request is too large.")
    return answer(request, 400, "bad_request", "This request cannot be read.")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's 403."""
    return answer(request, 403, "permission_denied", "You may not do this.", way_on="ask")


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's 403 for a form without the token of this session: mostly one that was open while its owner signed in
    somewhere else."""
    detail = "This form was open for too long, or you have signed in or out since. Nothing was changed."
    return answer(request, 403, "csrf_failed", detail, title="This form is out of date", way_on="reload")


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's 500; 503 when it is the database that is gone, 400 for what no column takes. The cause is in the log."""
    if isinstance(sys.exception(), DataError):
        return answer(request, 400, "out_of_range", "Something in this request is larger than can be stored.")
    if isinstance(sys.exception(), OperationalError):
        response = answer(request, 503, "unavailable", "The database cannot be reached right now.", way_on="wait")
        response.headers["Retry-After"] = "5"
        return response
    return answer(request, 500, "error", "Something went wrong on our side. It has been recorded.")


def method_not_allowed(request: HttpRequest, allowed: Iterable[str]) -> HttpResponse:
    """405: the address is there, for another method."""
    response = answer(request, 405, "method_not_allowed", f"{request.method} is not possible at this address.")
    response.headers["Allow"] = ", ".join(allowed)
    return response


def too_many(request: HttpRequest, refusal: TooManyRequests) -> HttpResponse:
    """429, with the seconds to wait."""
    response = answer(request, 429, refusal.code, refusal.message, way_on="wait")
    response.headers["Retry-After"] = str(refusal.wait)
    return response


def refused(request: HttpRequest, refusal: errors.DomainError) -> HttpResponse:
    """Answer a refusal that belongs to no form."""
    if isinstance(refusal, TooManyRequests):
        return too_many(request, refusal)
    code = next(code for kind, code in STATUS_BY_KIND.items() if isinstance(refusal, kind))
    return answer(request, code, refusal.code, refusal.message)


def answer(
    request: HttpRequest, code: int, name: str, detail: str, *, title: str = "", way_on: str = ""
) -> HttpResponse:
    """Return an error in the language of the asker.

    The page is rendered without the request: no context processor, hence no session and no database, which may be
    what is broken. ``way_on`` names the advice of the template.
    """
    if is_api(request):
        return json_answer(code, name, detail)
    facts = {"code": code, "title": title or TITLES.get(code, TITLES[400]), "detail": detail, "way_on": way_on}
    return HttpResponse(render_to_string("error.html", facts), status=code)
