"""What goes over the wire: a call, an answer, and the three shapes of a refusal."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from tests.fake_wise.clock import with_offset

Json = dict[str, Any]


@dataclass(frozen=True)
class Seen:
    """One request as it came in. Names of headers are lower-case, ``path`` is without the query."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    time: datetime


@dataclass(frozen=True)
class Answer:
    """A status, a body (bytes as they are, anything else as JSON) and headers. ``cut`` sends only half of it."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False

    def content(self) -> bytes:
        """Return the body in bytes."""
        if isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body, ensure_ascii=False, default=number).encode()


class Refusal(Exception):
    """The answer is no; it travels with the exception."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def invalid(code: str, message: str, path: str = "", arguments: Sequence[Any] = (), status: int = 422) -> Refusal:
    """Refuse in the first shape, a list of errors. Wise says itself that its codes are not unique."""
    error: Json = {"code": code, "message": message, "path": path, "arguments": list(arguments)}
    if not path:
        del error["path"]
    return Refusal(Answer(status, {"errors": [error]}))


def invalid_token(description: str = "Invalid token") -> Answer:
    """Answer 401 in the second shape."""
    return Answer(HTTPStatus.UNAUTHORIZED, {"error": "invalid_token", "error_description": description})


def plain(status: int, call: Seen, message: str = "", headers: Mapping[str, str] | None = None) -> Answer:
    """Answer in the third shape, which names the path and the time."""
    phrase = HTTPStatus(status).phrase
    body = {
        "timestamp": with_offset(call.time),
        "status": int(status),
        "error": phrase,
        "message": message or phrase,
        "path": call.path,
    }
    return Answer(status, body, headers or {})


def missing(call: Seen) -> Refusal:
    """Refuse with 404: there is none, or it is somebody else's."""
    return Refusal(plain(HTTPStatus.NOT_FOUND, call, "No message available"))


def read_json(call: Seen) -> Json:
    """Return the body of a request; numbers with a point as Decimal.

    Raises:
        Refusal: it is not a JSON object (400).
    """
    try:
        body = json.loads(call.body, parse_float=Decimal)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refusal(plain(HTTPStatus.BAD_REQUEST, call, "Malformed JSON request"))
    return body


def number(amount: Decimal) -> int | float:
    """Return the amount as JSON writes it: 100, 129.24."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)
