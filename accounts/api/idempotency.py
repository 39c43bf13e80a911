"""Idempotency-Key on a view's method."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.permissions import actor_of
from accounts.errors import BadIdempotencyKey
from accounts.services import idempotency
from core.api import errors
from core.api.rendering import dumps
from core.errors import InvalidInput, NotFound, Refused

Handler = TypeVar("Handler", bound=Callable[..., Response])
MAX_KEY_LENGTH = 200


def idempotent(handler: Handler) -> Handler:
    """Let a POST be repeated safely: the same key and body get the first answer, the work is done once.

    The refusals of the business are answers too and are kept. A body of the wrong shape is not: it never got
    as far as the work.
    """

    @wraps(handler)
    def post(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response | HttpResponse:
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return handler(view, request, *args, **kwargs)
        once = _identified(request, key)

        def work() -> idempotency.Answer:
            response = handler(view, request, *args, **kwargs)
            return idempotency.Answer(response.status_code, dumps(response.data).decode())

        try:
            answer = idempotency.answer_once(once, work)
        except errors.InvalidBody:
            raise
        except (InvalidInput, Refused, NotFound) as refusal:
            response = errors.answer(refusal, {})
            assert response is not None
            body = dumps(response.data).decode()
            answer = idempotency.remember(once, idempotency.Answer(response.status_code, body))
        return _sent(answer)

    post.is_idempotent = True  # type: ignore[attr-defined]
    return post  # type: ignore[return-value]


def _identified(request: Request, key: str) -> idempotency.Request:
    if not (1 <= len(key) <= MAX_KEY_LENGTH and key.isascii() and key.isprintable()):
        raise BadIdempotencyKey
    body = request._request.body  # read before the parser, which then reads the same bytes
    fingerprint = idempotency.fingerprint(request.method or "", request.path_info.rstrip("/"), body)
    return idempotency.Request(actor_of(request).pk, key, fingerprint)


def _sent(answer: idempotency.Answer) -> HttpResponse:
    response = HttpResponse(answer.body, status=answer.status, content_type="application/json")
    if answer.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response
