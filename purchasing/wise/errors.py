"""What can come back from Wise instead of an answer.

Facts: https://docs.wise.com/guides/developer/errors, read in 2026.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from core import cleaning
from core.errors import DomainError, NotFound, Refused, Unavailable
from purchasing.wise import wire

_TRACE = re.compile(r"[\w.:-]{1,64}", re.ASCII)
_SECONDS = re.compile(r"\d{1,6}(\.\d{1,6})?", re.ASCII)
_NO_RETRY_AFTER = 5.0
_MAX_PROBLEMS = 10
_MAX_MESSAGE = 200
_MAX_CODE = 100


class WiseError(DomainError):
    """Wise did not do what it was asked. ``status`` is HTTP's, None when there was no answer.

    ``codes`` are those of Wise, which are not unique; ``trace_id`` is what its support asks for.
    """

    code = "wise_error"

    def __init__(
        self, message: str, *, status: int | None = None, codes: Sequence[str] = (), trace_id: str = ""
    ) -> None:
        super().__init__(message, **({"codes": list(codes)} if codes else {}))
        self.status = status
        self.codes = tuple(codes)
        self.trace_id = trace_id


class Unreachable(WiseError, Unavailable):
    """No connection, no answer in time, a fault at Wise or an answer without sense: the outcome is unknown.

    ``is_passing`` says that asking again at once may help: not when the answer made no sense.
    """

    code = "wise_unreachable"

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        codes: Sequence[str] = (),
        trace_id: str = "",
        is_passing: bool = False,
    ) -> None:
        super().__init__(message, status=status, codes=codes, trace_id=trace_id)
        self.is_passing = is_passing


class RateLimited(Unreachable):
    """Too many requests. Nothing was done; Wise wants to be left alone for ``retry_after`` seconds."""

    code = "wise_rate_limited"

    def __init__(self, message: str, *, retry_after: float = _NO_RETRY_AFTER, trace_id: str = "") -> None:
        super().__init__(message, status=429, trace_id=trace_id)
        self.retry_after = retry_after

    @property
    def wait(self) -> int:
        """Whole seconds, for the Retry-After header of our own answer."""
        return math.ceil(self.retry_after)


class NotPermitted(WiseError, Refused):
    """Wise does not let this key do this, or does not know the key."""

    code = "wise_not_permitted"


class ApprovalNeeded(NotPermitted):
    """A person has to approve this at Wise (strong customer authentication)."""

    code = "wise_approval_needed"


class UnknownToWise(WiseError, NotFound):
    """Wise knows no such thing, or not for this key."""

    code = "unknown_to_wise"


class RefusedByWise(WiseError, Refused):
    """Wise understood, and says no: nothing was done."""

    code = "refused_by_wise"


def nonsense(detail: str) -> Unreachable:
    """Return the error for an answer that cannot be what was asked for; ``detail`` names the place, not the value."""
    return Unreachable(f"Wise answered something that makes no sense ({detail}).")


def refusal(status: int, headers: Mapping[str, str], body: bytes, *, mask: Callable[[str], str]) -> WiseError:
    """Return the error that an answer other than 2xx stands for.

    ``mask`` takes the key out of a text: servers have been known to repeat the token they refuse.
    """
    trace = trace_id(headers, mask=mask)
    if status == 429:
        seconds = _retry_after(headers)
        told = f"Wise asks for fewer requests: try again in {math.ceil(seconds)} seconds."
        return RateLimited(told, retry_after=seconds, trace_id=trace)
    if status >= 500 or status == 408:
        return Unreachable(f"Wise has a fault of its own ({status}).", status=status, trace_id=trace, is_passing=True)
    if status < 400:
        return Unreachable(f"Wise answered something that makes no sense ({status}).", status=status, trace_id=trace)
    messages, codes = _problems(body)
    told = mask("; ".join(messages) or ", ".join(codes) or f"status {status}")[:_MAX_MESSAGE]
    kind, sentence = _kind(status, headers)
    return kind(sentence.format(told), status=status, codes=[mask(code) for code in codes], trace_id=trace)


def trace_id(headers: Mapping[str, str], *, mask: Callable[[str], str]) -> str:
    """Return Wise's id of the request, empty when there is none that can be shown."""
    found = headers.get("x-trace-id", "")
    return mask(found) if _TRACE.fullmatch(found) else ""


def _kind(status: int, headers: Mapping[str, str]) -> tuple[type[WiseError], str]:
    if status == 403 and headers.get("x-2fa-approval-result", "").upper() == "REJECTED":
        return ApprovalNeeded, "Wise wants this approved by a person first: approve or fund it in Wise itself."
    if status == 401:
        return NotPermitted, "Wise does not accept the key."  # its description may repeat the token
    if status == 403:
        return NotPermitted, "Wise does not let this key do this: {}"
    if status == 404:
        return UnknownToWise, "Wise knows nothing under this id: {}"
    return RefusedByWise, "Wise refuses: {}"


def _retry_after(headers: Mapping[str, str]) -> float:
    found = headers.get("retry-after", "").strip()
    return float(found) if _SECONDS.fullmatch(found) else _NO_RETRY_AFTER


def _problems(body: bytes) -> tuple[list[str], list[str]]:
    """Return messages and codes of any of the shapes: a list of errors, OAuth's, the framework's, a payment's."""
    try:
        answer = wire.loads(body)
    except ValueError:
        return [], []
    told = [_problem(part) for part in _parts(answer)]
    return [message for message, _ in told if message], [code for _, code in told if code]


def _parts(answer: object) -> Iterator[Mapping[str, object]]:
    if not isinstance(answer, dict):
        return
    listed = answer.get("errors")
    for part in listed[:_MAX_PROBLEMS] if isinstance(listed, list) else [answer]:
        if isinstance(part, dict):
            yield part


def _problem(part: Mapping[str, object]) -> tuple[str, str]:
    message = _first(part, "message", "error_description")
    code = _first(part, "code", "errorCode", "error")
    return cleaning.text(message[:_MAX_MESSAGE]), cleaning.text(code[:_MAX_CODE])


def _first(part: Mapping[str, object], *names: str) -> str:
    return next((value for name in names if isinstance(value := part.get(name), str) and value), "")
