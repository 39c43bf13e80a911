"""Encrypting what is stored encrypted anew, when the key is replaced."""

from django.db.models import Model
from django.utils import timezone

from accounts import audit
from core import encryption, rowsets, security_log


def encrypt_with_newest_key(model: type[Model], field: str) -> int:
    """Encrypt ``field`` of every row with the newest key and return how many were not yet. Records each.

    Part of an operation: locks the rows until its transaction ends. Raises Undecryptable for a row whose key is gone;
    nothing has been changed then.
    """
    now = timezone.now()
    rows = model._default_manager.select_for_update().order_by("pk").values_list("pk", field)
    tokens = [(row_id, _with_newest_key(model, row_id, token)) for row_id, token in rows]
    changed = [(row_id, token, now) for row_id, token in tokens if token is not None]
    if changed:
        rowsets.update(model, "id", (field, "updated_at"), changed)
        audit.record_encrypted_anew(model, field, [row_id for row_id, *_ in changed])
    return len(changed)


def _with_newest_key(model: type[Model], row_id: int, token: str) -> str | None:
    try:
        return encryption.with_newest_key(token)
    except encryption.Undecryptable:
        security_log.event("undecryptable", table=model._meta.db_table, row=row_id)
        raise
