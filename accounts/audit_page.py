"""The audit log as a page: fifty changes at a time, newest first, in words."""

import json
from typing import Any, NamedTuple

from django.db.models import QuerySet

from accounts import selectors
from accounts.models import AuditLog, User

PAGE_SIZE = 50


class Change(NamedTuple):
    """One field: as it was and as it is. None: there is nothing to show."""

    field: str
    old: str | None
    new: str | None


class Line(NamedTuple):
    """One row of the log."""

    row: AuditLog
    table: str
    changes: list[Change]


class Page(NamedTuple):
    """Rows, and the ids to ask for older and newer ones by; None where there are none."""

    rows: list[AuditLog]
    older: int | None
    newer: int | None


def page(rows: QuerySet[AuditLog], *, before: int | None, after: int | None) -> Page:
    """Return the rows before an id or after one, or the newest. The cost does not grow with the log."""
    if after is not None and before is None:
        found = list(rows.filter(pk__gt=after).order_by("pk")[: PAGE_SIZE + 1])
        shown = found[:PAGE_SIZE][::-1]
        return Page(shown, older=shown[-1].pk if shown else None, newer=shown[0].pk if len(found) > PAGE_SIZE else None)
    earlier = rows if before is None else rows.filter(pk__lt=before)
    found = list(earlier.order_by("-pk")[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    newer = shown[0].pk if shown and before is not None else None
    return Page(shown, older=shown[-1].pk if len(found) > PAGE_SIZE else None, newer=newer)


def lines(rows: list[AuditLog], *, reader: User, tables: dict[str, str]) -> list[Line]:
    """Return what ``reader`` may see of ``rows``, in words."""
    return [Line(row, tables.get(row.table_name, row.table_name), _changes(row, reader)) for row in rows]


def _changes(row: AuditLog, reader: User) -> list[Change]:
    old = selectors.shown_values(row.old_values, reader) or {}
    new = selectors.shown_values(row.new_values, reader) or {}
    return [
        Change(
            name.replace("_", " "),
            _words(old[name]) if name in old else None,
            _words(new[name]) if name in new else None,
        )
        for name in sorted({**old, **new})  # PostgreSQL and SQLite each have their own order
        if name != "id"
    ]


def _words(value: Any) -> str:
    if value in (None, ""):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
