"""The same request twice is done once.

The answer is stored in the transaction of the work, so there is no moment at which the work is done and its answer
unknown: a server that dies leaves both or neither.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import IntegrityError, connection
from django.utils import timezone

from accounts.errors import KeyReused, StillRunning
from accounts.models import IdempotencyKey
from core import operations, rowsets

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
    can_claim = connection.vendor == "postgresql" and connection.in_atomic_block
    row = _claimed(request) if can_claim else _found(request)
    if row is None:
        return None
    fingerprint, status, response = row
    if fingerprint != request.fingerprint:
        raise KeyReused
    return Answer(status, response, replayed=True)


def _found(request: Request) -> Any:
    kept = IdempotencyKey.objects.filter(user_id=request.user_id, key=request.key)
    return kept.values_list("fingerprint", "status", "response").first()


def _claimed(request: Request) -> Any:
    """Hold the key until the transaction ends, and look for its answer, in one statement.

    The lock goes with the connection, so a killed server frees it. An answer that is committed between the
    statement's snapshot and its lock is not seen here; the unique constraint then refuses ours.
    """
    digest = hashlib.blake2b(f"{request.user_id}:{request.key}".encode(), digest_size=8).digest()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(%s), kept.fingerprint, kept.status, kept.response"
            " FROM (SELECT 1) AS one LEFT JOIN idempotency_keys AS kept ON kept.user_id = %s AND kept.key = %s",
            [int.from_bytes(digest, "big", signed=True), request.user_id, request.key],
        )
        locked, *row = cursor.fetchone()
    if not locked:
        raise StillRunning
    return None if row[0] is None else row


def _done(request: Request, work: Callable[[], Answer]) -> Answer:
    answer = work()
    operations.at_the_end(_writing, [(*request, answer.status, answer.body)])
    return answer


def _writing(rows: list[tuple[Any, ...]]) -> rowsets.Write:
    now = timezone.now()
    names = ("user", "key", "fingerprint", "status", "response", "created_at")
    return rowsets.inserting(IdempotencyKey, names, [(*row, now) for row in rows])
