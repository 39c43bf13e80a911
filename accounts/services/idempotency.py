"""The same request twice is done once.

The answer is stored in the transaction of the work, so there is no moment at which the work is done and its answer
unknown: a server that dies leaves both or neither.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import IntegrityError, connection

from accounts.errors import KeyReused, StillRunning
from accounts.models import IdempotencyKey
from core import operations

KEPT_FOR = timedelta(days=7)


class Answer(NamedTuple):
    """What the client got: an HTTP status and a JSON body."""

    status: int
    body: str
    replayed: bool = False


class Request(NamedTuple):
    """One request that must not be done twice: whose it is, its key, and what it asks for."""

    user_id: int
    key: str
    fingerprint: str


def fingerprint(method: str, path: str, body: bytes) -> str:
    """Return what tells one request from another: SHA-256 over method, path and body."""
    return hashlib.sha256(b"\0".join([method.encode(), path.encode(), body])).hexdigest()


def answer_once(request: Request, work: Callable[[], Answer]) -> Answer:
    """Do ``work`` unless this request was answered before; then return the first answer, marked as replayed.

    ``work`` runs inside the transaction that stores its answer. When it raises, nothing is stored.

    Raises:
        StillRunning: the first request with this key is at work right now (PostgreSQL; SQLite makes it wait).
        KeyReused: the key belongs to a request with another method, path or body.
    """
    try:
        with operations.one_transaction():
            return _stored(request) or _done(request, work)
    except IntegrityError:
        # The first request committed between our look and our write. Ours is rolled back; its answer counts.
        answer = _stored(request)
        if answer is None:
            raise
        return answer


def remember(request: Request, answer: Answer) -> Answer:
    """Store the refusal of ``request``, whose work was rolled back, and return the answer that counts."""
    try:
        with operations.one_transaction():
            return _stored(request) or _done(request, lambda: answer)
    except IntegrityError:
        return _stored(request) or answer


def forget_old(*, now: datetime) -> int:
    """Delete the answers older than a week and return their number."""
    return IdempotencyKey.objects.filter(created_at__lt=now - KEPT_FOR).delete()[0]


def _stored(request: Request) -> Answer | None:
    if connection.vendor == "postgresql" and connection.in_atomic_block:
        _claim(request)
    row = (
        IdempotencyKey.objects.filter(user_id=request.user_id, key=request.key)
        .values_list("fingerprint", "status", "response")
        .first()
    )
    if row is None:
        return None
    if row[0] != request.fingerprint:
        raise KeyReused
    return Answer(row[1], row[2], replayed=True)


def _claim(request: Request) -> None:
    """Hold the key until the transaction ends; the lock goes with the connection, so a killed server frees it."""
    digest = hashlib.blake2b(f"{request.user_id}:{request.key}".encode(), digest_size=8).digest()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [int.from_bytes(digest, "big", signed=True)])
        if not cursor.fetchone()[0]:
            raise StillRunning


def _done(request: Request, work: Callable[[], Answer]) -> Answer:
    answer = work()
    IdempotencyKey.objects.create(
        user_id=request.user_id,
        key=request.key,
        fingerprint=request.fingerprint,
        status=answer.status,
        response=answer.body,
    )
    return answer
