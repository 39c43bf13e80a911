"""An operation of the business: one transaction, one actor, and what it leaves to be written at its end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import transaction

from core import rowsets
from core.rowsets import Write

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Origin:
    """Who acts and from where, as the audit log will tell it."""

    actor_id: int | None = None
    ip_address: str | None = None
    user_agent: str = ""


_origin: ContextVar[Origin] = ContextVar("origin", default=Origin())  # noqa: B039 - frozen
Leftovers = dict[Callable[[list[Any]], Write], list[Any]]
_leftovers: ContextVar[Leftovers | None] = ContextVar("leftovers", default=None)


def origin() -> Origin:
    """Who acts here and now."""
    return _origin.get()


@contextmanager
def acting_from(there: Origin) -> Iterator[None]:
    """Everything inside is done by and from ``there``: a request, a job or a command wraps itself in this."""
    token = _origin.set(there)
    try:
        yield
    finally:
        _origin.reset(token)


def identify(actor_id: int | None) -> None:
    """Name the actor of the running request once authentication knows it."""
    _origin.set(replace(_origin.get(), actor_id=actor_id))


def at_the_end(describe: Callable[[list[Any]], Write], rows: list[Any]) -> None:
    """Have ``rows`` written as the last thing of the open operation: all rows of one ``describe`` by one write.

    Outside of an operation (a shell, a fixture) they are written at once.
    """
    leftovers = _leftovers.get()
    if leftovers is None:
        rowsets.run(describe(rows))
        return
    leftovers.setdefault(describe, []).extend(rows)


@contextmanager
def one_transaction() -> Iterator[None]:
    """Open the transaction of an operation, or join the one that is open.

    Joining makes no savepoint (two round trips each): an operation that fails inside another takes the whole with
    it, which is what all-or-nothing means.
    """
    if _leftovers.get() is not None:
        with transaction.atomic(savepoint=False):
            yield
        return
    leftovers: Leftovers = {}
    token = _leftovers.set(leftovers)
    try:
        with transaction.atomic():
            yield
            rowsets.run(*(describe(rows) for describe, rows in leftovers.items()))
    finally:
        _leftovers.reset(token)


def operation(function: Callable[P, R]) -> Callable[P, R]:
    """Run ``function`` in one transaction, with its keyword ``actor`` as the one the audit log names."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        actor: Any = kwargs.get("actor")
        there = _origin.get()
        if actor is not None and actor.pk != there.actor_id:
            there = replace(there, actor_id=actor.pk)
        with acting_from(there), one_transaction():
            return function(*args, **kwargs)

    return run
