"""What may go wrong between a client and Wise. Each fault is consumed by one request."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http import HTTPStatus
from threading import Event

from tests.fake_wise.answers import Answer, Seen, invalid_token, plain

Work = Callable[[], Answer]


class Fault(ABC):
    """Stands between a request and its answer. None closes the connection without one."""

    @abstractmethod
    def play(self, call: Seen, work: Work, stopping: Event) -> Answer | None:
        """Return what the client gets; ``work`` does what was asked for."""


@dataclass(frozen=True)
class Status(Fault):
    """This status, and nothing done. 429 and 503 may say when to come back, in seconds."""

    status: int
    retry_after: int | None = None

    def play(self, call: Seen, work: Work, stopping: Event) -> Answer | None:
        """Answer at once."""
        if self.status == HTTPStatus.UNAUTHORIZED:
            return invalid_token()
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        if self.status == HTTPStatus.TOO_MANY_REQUESTS:
            headers["X-Rate-Limited-By"] = "rate-limit-per-minute"
        return plain(self.status, call, headers=headers)


@dataclass(frozen=True)
class Slow(Fault):
    """The right answer, so many real seconds late."""

    seconds: float

    def play(self, call: Seen, work: Work, stopping: Event) -> Answer | None:
        """Wait, or until the server stops, then do it."""
        stopping.wait(self.seconds)
        return work()


class Hang(Fault):
    """No answer ever, and nothing done."""

    def play(self, call: Seen, work: Work, stopping: Event) -> Answer | None:
        """Wait until the server stops."""
        stopping.wait()
        return None


class Drop(Fault):
    """The connection closes, and nothing is done."""

    def play(self, call: Seen, work: Work, stopping: Event) -> Answer | None:
        """Say nothing."""
        return None


@dataclass(frozen=True)
class AfterWork(Fault):
    """Does the work, then fails: the time-out after creating."""

    fault: Fault | type[Fault]

    def play(self, call: Seen, work: Work, stopping: Event) -> Answer | None:
        """Throw the true answer away."""
        work()
        return made(self.fault).play(call, work, stopping)


class Half(Fault):
    """Does the work and sends half of the answer before the connection closes."""

    def play(self, call: Seen, work: Work, stopping: Event) -> Answer | None:
        """Cut the answer."""
        answer = work()
        return Answer(answer.status, answer.content(), answer.headers, cut=True)


@dataclass(frozen=True)
class Body(Fault):
    """A lie: any answer, and nothing done."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def play(self, call: Seen, work: Work, stopping: Event) -> Answer | None:
        """Answer at once."""
        return Answer(self.status, self.body, self.headers)


@dataclass(frozen=True)
class Redirect(Fault):
    """Sends the client, and with luck its token, elsewhere."""

    location: str
    status: int = HTTPStatus.FOUND

    def play(self, call: Seen, work: Work, stopping: Event) -> Answer | None:
        """Answer at once."""
        return Answer(self.status, b"", {"Location": self.location})


def made(fault: Fault | type[Fault]) -> Fault:
    """Return the fault; ``Hang`` and ``Drop`` may come as classes."""
    return fault() if isinstance(fault, type) else fault


@dataclass(frozen=True)
class Planned:
    """A fault that waits for its request."""

    method: str
    pattern: str
    fault: Fault

    def fits(self, method: str, *paths: str) -> bool:
        """Tell whether this request, whose path may be written in several ways, meets the fault."""
        return self.method.upper() in ("*", method) and any(_fits(self.pattern, path) for path in paths)


def _fits(pattern: str, path: str) -> bool:
    """A pattern that begins with / is a whole path with {names}, or /* or regular parts; else it is searched for."""
    if not pattern.startswith("/"):
        return re.search(pattern, path) is not None
    if "/*" in pattern:
        return fnmatchcase(path, pattern)
    regular = re.sub(r"\{[A-Za-z_]+\}", "[^/]+", pattern)
    return path == pattern or re.fullmatch(regular, path) is not None
