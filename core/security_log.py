"""What the security log tells: one JSON object a line, on the logger ``godown.security``.

The audit log holds what was changed. This one holds what was tried: sign-ins, refusals, spent limits. It is a stream
and not a table, because a refused request leaves nothing behind in the database, the record of it included.
"""

import logging
from datetime import UTC, datetime

import orjson

from core import operations

log = logging.getLogger("godown.security")


def event(name: str, *, user_id: int | None = None, level: int = logging.INFO, **facts: str | int | None) -> None:
    """Record that ``name`` happened, with who, from where and ``facts``. Never pass a secret, or what might be one.

    Values are JSON strings, so that a line feed in a user agent begins no new line.
    """
    there = operations.origin()
    line = {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "event": name,
        "user_id": user_id if user_id is not None else there.actor_id,
        "ip_address": there.ip_address,
        "user_agent": there.user_agent,
        **facts,
    }
    log.log(level, "%s", orjson.dumps(line).decode())
