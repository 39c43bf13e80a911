"""What an operation may answer instead of doing its work.

Services raise these; ``core.api.errors`` turns the kind into an HTTP status, pages into a form error.
"""

from typing import Any


class DomainError(Exception):
    """A refusal with a sentence for people and figures for programs. Raise one of the kinds below."""

    code = "error"

    def __init__(self, message: str, **context: Any) -> None:
        super().__init__(message)
        self.message = message
        self.context = context


class InvalidInput(DomainError):
    """What was asked for makes no sense: a quantity of zero, an unknown status."""

    code = "invalid"


class Refused(DomainError):
    """It makes sense, and the rules of the business say no."""

    code = "refused"


class NotFound(DomainError):
    """The thing addressed does not exist."""

    code = "not_found"


class Conflict(DomainError):
    """The same request is still running, or the thing changed meanwhile."""

    code = "conflict"


class Mismatch(DomainError):
    """The request contradicts an earlier one that it claims to be."""

    code = "mismatch"


class Unauthenticated(DomainError):
    """Nobody is signed in, or the proof of it is not valid."""

    code = "not_authenticated"


class Forbidden(DomainError):
    """It is known who asks, and they may not."""

    code = "permission_denied"


class Unavailable(DomainError):
    """Something that is needed is down; trying again later may work."""

    code = "unavailable"
