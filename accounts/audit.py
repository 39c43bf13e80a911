"""Writing the audit log: one row a change, in the transaction of the change.

Saves and deletes of single rows are noticed by django-auditlog (``watch`` registers a model). Set-based writes send
no signal, so the code that does them calls ``record`` itself. Either way the rows of an operation are kept until its
end and written by one statement.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from auditlog.registry import auditlog
from django.db import models
from django.utils import timezone
from django.utils.text import capfirst

from accounts.models import AuditLog
from core import operations, rowsets

Action = AuditLog.Action
Values = Mapping[str, Any]

_FIELDS = (
    "table_name",
    "record_id",
    "action",
    "old_values",
    "new_values",
    "user",
    "ip_address",
    "user_agent",
    "created_at",
)
_HOUSEKEEPING = ("created_at", "updated_at")


HIDDEN = "(hidden)"
_by_hand: list[type[models.Model]] = []


def watch(*models_: type[models.Model], but: Sequence[str] = (), hide: Sequence[str] = ()) -> None:
    """Have every save and delete of these models recorded.

    The fields named in ``but`` are left out. Of those in ``hide`` it is recorded that they changed, and not what.
    """
    for model in models_:
        names = {field.name for field in model._meta.fields} - {*_HOUSEKEEPING, *but}
        auditlog.register(
            model, include_fields=sorted(names), mask_fields=list(hide), mask_callable="accounts.audit.hidden"
        )


def recorded_by_hand(*models_: type[models.Model]) -> None:
    """Name the models that are written by sets, whose code records each row itself."""
    _by_hand.extend(models_)


def tables() -> dict[str, str]:
    """Return what the tables that the log tells of hold, in words, by their names."""
    told = [*auditlog.get_models(), *_by_hand]
    return {model._meta.db_table: str(capfirst(model._meta.verbose_name)) for model in told}


def hidden(value: object) -> str:
    """Return what the log tells of a secret, whatever it is."""
    return HIDDEN


def record(
    model: type[models.Model], action: AuditLog.Action, changes: Iterable[tuple[int, Values | None, Values | None]]
) -> None:
    """Record set-based writes to ``model``: for each row its id, the old and the new values of what changed."""
    table = model._meta.db_table
    operations.at_the_end(
        _writing, [(table, row_id, action.value, _json(old), _json(new)) for row_id, old, new in changes]
    )


def record_difference(instance: models.Model, *, action: AuditLog.Action, changes: Mapping[str, Sequence[Any]]) -> None:
    """Record what one save or delete changed; taking ``is_active`` away is how Godown deletes."""
    old = {name: pair[0] for name, pair in changes.items()}
    new = {name: pair[1] for name, pair in changes.items()}
    if action == Action.UPDATE and old.get("is_active") is True and new.get("is_active") is False:
        action = Action.DELETE
    old_values = None if action == Action.CREATE else _json(old)
    new_values = None if new and all(value is None for value in new.values()) else _json(new)
    operations.at_the_end(_writing, [(instance._meta.db_table, instance.pk, str(action), old_values, new_values)])


def record_encrypted_anew(model: type[models.Model], field: str, row_ids: Iterable[int]) -> None:
    """Record that secrets are encrypted with another key. What they say has not changed."""
    change = ({field: "(encrypted with an older key)"}, {field: "(encrypted with the newest key)"})
    record(model, Action.UPDATE, [(row_id, *change) for row_id in row_ids])


def _writing(rows: list[tuple[Any, ...]]) -> rowsets.Write:
    there = operations.origin()
    common = (there.actor_id, there.ip_address, there.user_agent, timezone.now())
    return rowsets.inserting(AuditLog, _FIELDS, [row + common for row in rows])


def _json(values: Values | None) -> str | None:
    return None if values is None else orjson.dumps(values, default=str).decode()
