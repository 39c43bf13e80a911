"""Secrets at rest: Fernet with rotation, every value bound to the row it belongs to."""

import json
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from core.errors import Unavailable


class Undecryptable(Unavailable):
    """The value was not written by Godown for this row, or its key is gone."""

    code = "undecryptable"

    def __init__(self) -> None:
        super().__init__("This value cannot be read: its key is missing or it belongs to another row.")


@cache
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def _current() -> MultiFernet:
    return _fernet(tuple(settings.DB_ENCRYPTION_KEYS))


def encrypt(value: str, *, bound_to: str) -> str:
    """Encrypt ``value`` with the newest key; ``bound_to`` names its place, such as "supplier_bank_accounts:7"."""
    return _current().encrypt(json.dumps([bound_to, value]).encode()).decode()


def with_newest_key(token: str) -> str | None:
    """Return ``token`` encrypted anew with the newest key, or None when it already is. Raises Undecryptable."""
    try:
        _fernet((settings.DB_ENCRYPTION_KEYS[0],)).decrypt(token.encode())
    except InvalidToken:
        pass
    else:
        return None
    try:
        return _current().rotate(token.encode()).decode()
    except InvalidToken as error:
        raise Undecryptable from error


def decrypt(token: str, *, bound_to: str) -> str:
    """Return what ``encrypt`` was given. Raises Undecryptable for a moved, altered or foreign value."""
    try:
        place, value = json.loads(_current().decrypt(token.encode()))
    except (InvalidToken, ValueError, TypeError) as error:
        raise Undecryptable from error
    if place != bound_to:
        raise Undecryptable
    return str(value)
