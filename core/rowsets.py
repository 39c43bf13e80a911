"""Many rows in one statement, on PostgreSQL and SQLite alike.

``bulk_create`` splits its rows over as many statements as SQLite's limit of 999 parameters asks for, and
``bulk_update`` builds a CASE as long as its rows. Here a set of rows travels as a few parameters (one array a column
on PostgreSQL, one JSON document on SQLite), so 5,000 rows cost as many statements as one.

A write is first described (``inserting``, ``updating``) and then run. Writes that are run together cost
one round trip on PostgreSQL and one each on SQLite, where a round trip costs nothing.

Table and column names come from the models, never from input; values are always parameters.
"""

from collections.abc import Callable, Sequence
from enum import Enum
from functools import cache
from typing import Any, NamedTuple

import orjson
from django.db import connection
from django.db.models import Field, Model

Names = tuple[str, ...]
Rows = Sequence[Sequence[Any]]

_TYPES = {
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


class Shape(Enum):
    """How a set of rows travels to the database."""

    ROW = "one row of values"
    ARRAYS = "an array a column"
    DOCUMENT = "one JSON document"


class Write(NamedTuple):
    """One statement over a set of rows, to be run; an insert returns the ids it made."""

    statement: str
    params: list[Any]
    returns_ids: bool = False


def inserting(model: type[Model], names: Names, rows: Rows) -> Write:
    """Insert ``rows``, their values in the order of the field ``names``; running it returns the ids in row order.

    A JSON field takes JSON text. No signal is sent and no default of the model is applied.
    """
    statement = f'{_insert(_shape(rows), model, names)} RETURNING "id"'
    return Write(statement, _params(model, names, rows), returns_ids=True)


def updating(model: type[Model], key: str, names: Names, rows: Rows) -> Write:
    """Set the fields ``names`` of the rows found by ``key``; ``rows`` hold the key first, then the new values."""
    return Write(_update(_shape(rows), model, key, names), _params(model, (key, *names), rows))


def run(*writes: Write) -> list[list[int]]:
    """Run ``writes``, to different tables, and return the ids that each made (none for what is no insert)."""
    if connection.vendor == "postgresql" and len(writes) > 1:
        return _run_together(writes)
    return [_run(write) for write in writes]


def insert(model: type[Model], names: Names, rows: Rows) -> list[int]:
    """Insert ``rows`` and return their ids, in row order."""
    return run(inserting(model, names, rows))[0]


def update(model: type[Model], key: str, names: Names, rows: Rows) -> None:
    """Set the fields ``names`` of the rows found by ``key``."""
    run(updating(model, key, names, rows))


def among(column: str, ids: Sequence[int]) -> tuple[str, list[Any]]:
    """Return a condition "``column`` is one of ``ids``" with its one parameter, whatever the number of ids."""
    if connection.vendor == "postgresql":
        return f"{column} = ANY(%s::bigint[])", [_array(ids)]
    return f"{column} IN (SELECT value FROM json_each(%s))", [orjson.dumps(list(ids)).decode()]  # nosec B608


def _run(write: Write) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(write.statement, write.params)
        return [key for (key,) in cursor.fetchall()] if write.returns_ids else []


def _run_together(writes: Sequence[Write]) -> list[list[int]]:
    """Run all as one statement; PostgreSQL carries out every WITH that changes data, selected from or not."""
    parts = ", ".join(f"w{number} AS ({write.statement})" for number, write in enumerate(writes))
    ids = ", ".join(
        f"(SELECT array_agg(id) FROM w{number})" if write.returns_ids else "NULL"  # nosec B608
        for number, write in enumerate(writes)
    )
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {parts} SELECT {ids}", [value for write in writes for value in write.params])
        return [made or [] for made in cursor.fetchone()]


@cache
def _insert(shape: Shape, model: type[Model], names: Names) -> str:
    columns = ", ".join(_quoted(field.column) for field in _fields(model, names))
    source = _source(shape, model, names)
    return f"INSERT INTO {_quoted(model._meta.db_table)} ({columns}) SELECT {columns} FROM {source}"  # nosec B608


@cache
def _update(shape: Shape, model: type[Model], key: str, names: Names) -> str:
    table = _quoted(model._meta.db_table)
    column = _quoted(_fields(model, (key,))[0].column)
    changed = [_quoted(field.column) for field in _fields(model, names)]
    sets = ", ".join(f"{name} = given.{name}" for name in changed)
    source = _source(shape, model, (key, *names))
    return f"UPDATE {table} SET {sets} FROM {source} WHERE {table}.{column} = given.{column}"  # nosec B608


def _shape(rows: Rows) -> Shape:
    """Return how ``rows`` travel; PostgreSQL plans and runs a single row faster without an array around it."""
    if connection.vendor == "postgresql":
        return Shape.ROW if len(rows) == 1 else Shape.ARRAYS
    return Shape.DOCUMENT


def _source(shape: Shape, model: type[Model], names: Names) -> str:
    """Return a FROM item named ``given`` that holds the rows of a write."""
    fields = _fields(model, names)
    columns = [_quoted(field.column) for field in fields]
    types = [_TYPES.get(field.get_internal_type(), "text") for field in fields]
    if shape is Shape.ROW:
        return f"(VALUES ({', '.join(f'%s::{name}' for name in types)})) AS given({', '.join(columns)})"
    if shape is Shape.ARRAYS:
        return f"unnest({', '.join(f'%s::{name}[]' for name in types)}) AS given({', '.join(columns)})"
    extracts = ", ".join(f"json_extract(value, '$[{place}]') AS {column}" for place, column in enumerate(columns))
    return f"(SELECT {extracts} FROM json_each(%s) ORDER BY key) AS given"  # nosec B608


def _params(model: type[Model], names: Names, rows: Rows) -> list[Any]:
    shape = _shape(rows)
    if shape is Shape.ROW:
        # As text, so that a statement has the same types, and is planned once, whatever the size of its numbers.
        return [None if value is None else str(value) for value in rows[0]]
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    if shape is Shape.ARRAYS:
        return [_array(column) for column in columns]
    stored = [_for_sqlite(field, column) for field, column in zip(_fields(model, names), columns, strict=True)]
    # Decimal goes as text, which the column's affinity makes a number.
    return [orjson.dumps(list(zip(*stored, strict=True)), default=str).decode()]


def _array(values: Sequence[Any]) -> str:
    """Return ``values`` as PostgreSQL writes an array; the driver would escape a list character by character."""
    return f"{{{','.join(_each(_item, values))}}}"


def _item(value: Any) -> str:
    if type(value) is int:
        return str(value)
    if value is None:
        return "NULL"
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _for_sqlite(field: "Field[Any, Any]", values: Sequence[Any]) -> list[Any]:
    if field.get_internal_type() == "JSONField":
        return list(values)
    return _each(lambda value: _stored(field, value), values)


def _stored(field: "Field[Any, Any]", value: Any) -> Any:
    return value if value is None or type(value) in (int, str, bool) else field.get_db_prep_save(value, connection)


def _each(convert: Callable[[Any], Any], values: Sequence[Any]) -> list[Any]:
    """Convert ``values``; a column that says the same in every row, such as the time, only once."""
    if values and values.count(values[0]) == len(values):
        return [convert(values[0])] * len(values)
    return [convert(value) for value in values]


@cache
def _fields(model: type[Model], names: Names) -> "list[Field[Any, Any]]":
    return [model._meta.get_field(name) for name in names]  # type: ignore[misc]


def _quoted(name: str | None) -> str:
    return connection.ops.quote_name(str(name))
