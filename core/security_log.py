"""What the security log tells: one JSON object a line, on the logger ``godown.security``.

The audit log holds what was changed. This one holds what was tried: sign-ins, refusals, spent limits. It is a stream
and not a table, because a refused request leaves nothing behind in the database, the record of it included.
"""

import json
import logging
from datetime import UTC, datetime

from core import operations

log = logging.getLogger("godown.security")


def event(name: str, *, user_id: int | None = None, level: int = logging.INFO, **facts: str | int | None) -> None:
    """Record that ``name`` happened, with who, from where and ``facts``. Never pass a secret, or what might be one."""
    log.log(level, "%s", _line(name, user_id, **facts))


class OneLine(logging.Formatter):
    """Makes an event of what Django finds suspicious, too: a host that is not ours, a filter that nobody offers.

    Without the traceback: anybody can send a thousand of these.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return one line of JSON."""
        if record.name == log.name:
            return record.getMessage()
        return _line("suspicious_request", None, kind=record.name.rpartition(".")[2], detail=record.getMessage())


def _line(name: str, user_id: int | None, **facts: str | int | None) -> str:
    """Return one line of JSON. A line feed in a user agent is escaped, so it begins no new line."""
    there = operations.origin()
    line = {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "event": name,
        "user_id": user_id if user_id is not None else there.actor_id,
        "ip_address": there.ip_address,
        "user_agent": there.user_agent,
        **facts,
    }
    return json.dumps(line, separators=(",", ":"))
