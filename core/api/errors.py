"""One shape of error for the whole API: ``{"code", "detail"}`` with ``errors`` or ``context`` where it helps."""

from typing import Any

import orjson
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import DataError, OperationalError
from django.http import Http404, HttpResponse
from rest_framework import exceptions, status
from rest_framework.response import Response

from core import errors
from core.limits import TooManyRequests

STATUS_BY_KIND: dict[type[errors.DomainError], int] = {
    errors.InvalidInput: status.HTTP_400_BAD_REQUEST,
    errors.Refused: status.HTTP_400_BAD_REQUEST,
    errors.Unauthenticated: status.HTTP_401_UNAUTHORIZED,
    errors.Forbidden: status.HTTP_403_FORBIDDEN,
    errors.NotFound: status.HTTP_404_NOT_FOUND,
    errors.Conflict: status.HTTP_409_CONFLICT,
    errors.Mismatch: status.HTTP_422_UNPROCESSABLE_ENTITY,
    TooManyRequests: status.HTTP_429_TOO_MANY_REQUESTS,
    errors.Unavailable: status.HTTP_503_SERVICE_UNAVAILABLE,
}


class InvalidBody(errors.InvalidInput):
    """The request does not have the shape that the operation takes."""

    code = "invalid"

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__(sentence(fields))
        self.fields = fields


_PLAIN: dict[type[Exception], tuple[int, str, str]] = {
    Http404: (404, "not_found", "There is nothing at this address."),
    PermissionDenied: (403, "permission_denied", "You may not do this."),
    RequestDataTooBig: (413, "too_large", "The body of the request is too large."),
    DataError: (400, "out_of_range", "A number here is larger than can be stored."),
    OperationalError: (503, "unavailable", "The database cannot be reached right now. Try again in a moment."),
}


def answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn what a view raised into a response; None (a bug) goes on to become a logged 500."""
    if isinstance(error, errors.DomainError):
        return _domain(error)
    if isinstance(error, exceptions.ValidationError):
        fields = error.detail if isinstance(error.detail, dict) else {"non_field_errors": error.detail}
        return Response({"code": "invalid", "detail": sentence(fields), "errors": fields}, status=400)
    if isinstance(error, exceptions.APIException):
        return _framework(error)
    for kind, (code, name, detail) in _PLAIN.items():
        if isinstance(error, kind):
            headers = {"Retry-After": "5"} if code == status.HTTP_503_SERVICE_UNAVAILABLE else {}
            return Response({"code": name, "detail": detail}, status=code, headers=headers)
    return None


def _domain(error: errors.DomainError) -> Response:
    code = next(code for kind, code in STATUS_BY_KIND.items() if isinstance(error, kind))
    body: dict[str, Any] = {"code": error.code, "detail": error.message}
    if isinstance(error, InvalidBody):
        body["errors"] = error.fields
    elif error.context:
        body["context"] = error.context
    headers = {"Retry-After": str(getattr(error, "wait", 1))} if code in (409, 429, 503) else {}
    return Response(body, status=code, headers=headers)


def _framework(error: exceptions.APIException) -> Response:
    headers = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header  # type: ignore[attr-defined]
    codes: Any = error.get_codes()
    detail: Any = error.detail
    if isinstance(detail, dict):  # simplejwt nests its messages
        detail, codes = detail.get("detail", "Not allowed."), detail.get("code", "invalid")
    return Response({"code": str(codes), "detail": str(detail)}, status=error.status_code, headers=headers)


def sentence(fields: dict[str, Any]) -> str:
    """Say the first field error in words: what a log line or a toast shows."""
    path, message = _first(fields)
    return f"{path}: {message}" if path else message


def _first(tree: Any, path: str = "") -> tuple[str, str]:
    if isinstance(tree, dict) and tree:
        name, below = next(iter(tree.items()))
        here = path if name == "non_field_errors" else f"{path}.{name}" if path else str(name)
        return _first(below, here)
    if isinstance(tree, list) and tree:
        position = next((i for i, item in enumerate(tree) if item), 0)
        is_row = isinstance(tree[position], dict)
        return _first(tree[position], f"{path}[{position}]" if is_row else path)
    return path, str(tree)


def json_answer(code: int, name: str, detail: str) -> HttpResponse:
    """Return an API error from outside of the framework: middleware and Django's own handlers."""
    return HttpResponse(orjson.dumps({"code": name, "detail": detail}), status=code, content_type="application/json")
