"""Many rows in one statement, on PostgreSQL and SQLite alike.

``bulk_create`` splits its rows over as many statements as SQLite's limit of 999 parameters asks for, and
``bulk_update`` builds a CASE as long as its rows. Here a set of rows travels as a few parameters (one array a column
on PostgreSQL, one JSON document on SQLite), so 5,000 rows cost as many statements as one.

Table and column names come from the models, never from input; values are always parameters.
"""

from collections.abc import Sequence
from typing import Any

import orjson
from django.db import connection
from django.db.models import Field, Model

_ARRAY_TYPES = {
    "AutoField": "integer",
    "BigAutoField": "bigint",
    "ForeignKey": "bigint",
    "OneToOneField": "bigint",
    "IntegerField": "integer",
    "PositiveIntegerField": "integer",
    "PositiveSmallIntegerField": "smallint",
    "BigIntegerField": "bigint",
    "DecimalField": "numeric",
    "DateField": "date",
    "DateTimeField": "timestamptz",
    "BooleanField": "boolean",
    "GenericIPAddressField": "inet",
    "JSONField": "jsonb",
}


def insert(model: type[Model], names: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[int]:
    """Insert ``rows``, their values in the order of the field ``names``, and return the new ids in row order.

    A JSON field takes JSON text. No signal is sent and no default of the model is applied.
    """
    return [key for (key,) in _run(*_insert(model, names, rows), returning='"id"')]


def insert_or_add(model: type[Model], keys: Sequence[str], sums: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert ``rows``, or add their ``sums`` to the row that already has the same ``keys`` (which are unique).

    ``rows`` hold the keys, then the sums, and no two rows have the same keys.
    """
    fields = _fields(model, [*keys, *sums])
    table = _quoted(model._meta.db_table)
    conflict = ", ".join(_quoted(field.column) for field in fields[: len(keys)])
    adds = ", ".join(
        f"{column} = {table}.{column} + EXCLUDED.{column}"
        for column in (_quoted(field.column) for field in fields[len(keys) :])
    )
    statement, params = _insert(model, [*keys, *sums], rows)
    _run(f"{statement} ON CONFLICT ({conflict}) DO UPDATE SET {adds}", params)


def update(model: type[Model], key: str, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Set the fields ``names`` of the rows found by ``key``; ``rows`` hold the key first, then the new values."""
    fields = _fields(model, [key, *names])
    table = _quoted(model._meta.db_table)
    sets = ", ".join(f"{_quoted(field.column)} = given.{_quoted(field.column)}" for field in fields[1:])
    source, params = _source(fields, rows)
    column = _quoted(fields[0].column)
    _run(f"UPDATE {table} SET {sets} FROM {source} WHERE {table}.{column} = given.{column}", params)


def among(column: str, ids: Sequence[int]) -> tuple[str, list[Any]]:
    """Return a condition "``column`` is one of ``ids``" with its one parameter, whatever the number of ids."""
    if connection.vendor == "postgresql":
        return f"{column} = ANY(%s::bigint[])", [list(ids)]
    return f"{column} IN (SELECT value FROM json_each(%s))", [orjson.dumps(list(ids)).decode()]


def _insert(model: type[Model], names: Sequence[str], rows: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
    fields = _fields(model, names)
    columns = ", ".join(_quoted(field.column) for field in fields)
    source, params = _source(fields, rows)
    # "WHERE true" keeps SQLite from reading a following ON CONFLICT as a join condition.
    table = _quoted(model._meta.db_table)
    return f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {source} WHERE true", params


def _source(fields: "Sequence[Field[Any, Any]]", rows: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
    """Return a FROM item named ``given`` that holds ``rows``, and its parameters."""
    if connection.vendor == "postgresql":
        arrays = ", ".join(f"%s::{_ARRAY_TYPES.get(field.get_internal_type(), 'text')}[]" for field in fields)
        columns = ", ".join(_quoted(field.column) for field in fields)
        return f"unnest({arrays}) AS given({columns})", [list(column) for column in zip(*rows, strict=True)]
    extracts = ", ".join(
        f"json_extract(value, '$[{position}]') AS {_quoted(field.column)}" for position, field in enumerate(fields)
    )
    document = orjson.dumps(
        [[_for_sqlite(field, value) for field, value in zip(fields, row, strict=True)] for row in rows],
        default=str,  # Decimal: as text, which the column's affinity makes a number
    )
    return f"(SELECT {extracts} FROM json_each(%s) ORDER BY key) AS given", [document.decode()]


def _for_sqlite(field: "Field[Any, Any]", value: Any) -> Any:
    if field.get_internal_type() == "JSONField" or value is None or type(value) in (int, str, bool):
        return value
    return field.get_db_prep_save(value, connection)


def _run(statement: str, params: list[Any], returning: str = "") -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(f"{statement} RETURNING {returning}" if returning else statement, params)
        return cursor.fetchall() if returning else []


def _fields(model: type[Model], names: Sequence[str]) -> "list[Field[Any, Any]]":
    return [model._meta.get_field(name) for name in names]  # type: ignore[misc]


def _quoted(name: str | None) -> str:
    return connection.ops.quote_name(str(name))
