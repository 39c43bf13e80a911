"""One call to Wise: asked, logged, judged, and asked again where that is safe."""

import logging
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from purchasing.wise import errors, wire
from purchasing.wise.transport import Transport, UnreadableBody, body_of

log = logging.getLogger("godown.wise")

_KEY = re.compile(r"[\x21-\x7e]{1,4096}")
_PREFIX = re.compile(r"(/[A-Za-z0-9_-]+)*")
_CALENDAR = re.compile(r"/\d{4}Q[1-4]")
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_QUOTED = re.compile(r"[\w-]{1,64}", re.ASCII)


@dataclass(frozen=True)
class Call:
    """What to ask. ``path`` is a template with its legacy version; ``ids`` fill it; ``query`` and ``body`` go along.

    ``is_repeatable`` says that asking twice does no more than asking once.
    """

    method: str
    path: str
    ids: Mapping[str, str | int] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: object = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    is_repeatable: bool = True


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: Mapping[str, str] = field(repr=False)  # tracebacks may show local variables
    body: bytes = field(repr=False)


class Line:
    """The line to one Wise, with its key, which nothing ever shows."""

    def __init__(
        self,
        *,
        key: str,
        base: str,
        prefix: str,
        timeout: float,
        attempts: int,
        max_wait: float,
        sleep: Callable[[float], None],
        transport: httpx.BaseTransport | None,
    ) -> None:
        self._base = _checked_base(base)
        self._prefix = _checked_prefix(prefix)
        self._key = _checked_key(key)
        self._max_wait = max_wait
        self._backoff = wait_exponential_jitter(multiplier=0.5, max=min(8.0, max_wait), jitter=0.5)
        self._retrying = Retrying(
            stop=stop_after_attempt(attempts),
            retry=retry_if_exception(self._is_worth_another_try),
            wait=self._wait,
            sleep=sleep,
            reraise=True,
        )
        self._http = httpx.Client(
            transport=transport or Transport(timeout),
            timeout=timeout,
            follow_redirects=False,
            headers={
                "Authorization": f"Bearer {self._key}",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": "Godown",
            },
        )

    def __repr__(self) -> str:
        return f"<Line to {self._base}>"

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def ask(self, call: Call) -> object:
        """Return what Wise answers, as JSON says it. Raises WiseError."""
        correlation = str(uuid.uuid4())
        if call.is_repeatable:
            return self._retrying(self._ask_once, call, correlation)
        return self._ask_once(call, correlation)

    def _ask_once(self, call: Call, correlation: str) -> object:
        started = time.monotonic()
        answer = self._answer(call, correlation)
        trace = "" if isinstance(answer, str) else errors.trace_id(answer.headers, mask=self._masked)
        told = answer if isinstance(answer, str) else answer.status
        level = logging.INFO if isinstance(told, int) and told < 400 else logging.WARNING
        took = (time.monotonic() - started) * 1000
        log.log(level, "%s %s %s trace=%s %.0f ms", call.method, call.path, told, trace or "-", took)
        return self._judged(answer)

    def _answer(self, call: Call, correlation: str) -> _Answer | str:
        """Return the answer, or the name of what came instead.

        A name and not the exception: that carries the request, and the request carries the key.
        """
        try:
            with self._http.stream(
                call.method,
                self._base + self._path(call),
                params=dict(call.query) or None,
                content=None if call.body is None else wire.dumps(call.body),
                headers=self._headers(call, correlation),
            ) as response:
                body = b"" if response.status_code >= 500 else body_of(response)
                return _Answer(response.status_code, response.headers, body)
        except UnreadableBody as error:
            return f"{error} to be read"
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return type(error).__name__

    def _judged(self, answer: _Answer | str) -> object:
        if isinstance(answer, str):
            raise _silence(answer)
        if not 200 <= answer.status < 300:
            raise errors.refusal(answer.status, answer.headers, answer.body, mask=self._masked)
        try:
            return wire.loads(answer.body)
        except ValueError:
            pass
        raise errors.nonsense("not JSON")

    def _path(self, call: Call) -> str:
        """Fill the path. A calendar version stands in the place of the legacy one, any other prefix before it."""
        path = call.path.format(**call.ids)
        return re.sub(r"^/v\d", self._prefix, path) if _CALENDAR.fullmatch(self._prefix) else self._prefix + path

    def _headers(self, call: Call, correlation: str) -> dict[str, str]:
        kind = {} if call.body is None else {"Content-Type": "application/json"}
        return {"X-External-Correlation-Id": correlation, **kind, **call.headers}

    def _masked(self, text: str) -> str:
        return text.replace(self._key, "***")

    def _is_worth_another_try(self, error: BaseException) -> bool:
        if isinstance(error, errors.RateLimited):
            return error.retry_after <= self._max_wait
        return isinstance(error, errors.Unreachable) and error.is_passing

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return error.retry_after if isinstance(error, errors.RateLimited) else self._backoff(state)


def _silence(name: str) -> errors.Unreachable:
    if " " in name:
        return errors.nonsense(name)
    told = "did not answer in time" if name.endswith("Timeout") else "cannot be reached"
    return errors.Unreachable(f"Wise {told} ({name}).", is_passing=True)


def _checked_base(base: str) -> str:
    """Return the address of Wise: https, or this machine for trying things by hand. Raises ValueError."""
    try:
        url = httpx.URL(base.strip())
    except httpx.InvalidURL:
        raise ValueError("The address of Wise is no address.") from None
    is_safe = url.scheme == "https" or (url.scheme == "http" and url.host in _LOOPBACK)
    if not is_safe or not url.host or url.userinfo or url.query or url.fragment:
        raise ValueError("The address of Wise is https:// and a host; only this machine may be asked without TLS.")
    return str(url).rstrip("/")


def _checked_prefix(prefix: str) -> str:
    cleaned = f"/{prefix.strip().strip('/')}".rstrip("/")
    if not _PREFIX.fullmatch(cleaned):
        raise ValueError("The path prefix of Wise consists of letters, digits and slashes, such as /2026Q3.")
    return cleaned


def _checked_key(key: str) -> str:
    """Refuse a key that no header can carry: the error of the HTTP library would show it."""
    if not _KEY.fullmatch(key.strip()):
        raise ValueError("The key of Wise is empty, or holds a character that no key has.")
    return key.strip()


def quoted(quote_id: str) -> str:
    """Return the id of a quote, which goes into a path. Raises UnknownToWise for what cannot be one."""
    if not _QUOTED.fullmatch(quote_id):
        raise errors.UnknownToWise("This is no id of a quote at Wise.")
    return quote_id
