"""JSON as it goes over the wire: amounts exact, and nothing that only Python takes for JSON."""

import json
from decimal import Decimal

import orjson


def loads(body: bytes) -> object:
    """Return what ``body`` says, numbers with a point as Decimal. Raises ValueError for what is no JSON.

    orjson goes first: it refuses NaN, numbers beyond all bounds, lone surrogates and a thousand nested lists. It knows
    no Decimal, so the standard library reads the same again.
    """
    try:
        orjson.loads(body)
        return json.loads(body, parse_float=Decimal)
    except (ArithmeticError, RecursionError) as error:
        raise ValueError("A number or a depth beyond all bounds.") from error


def dumps(value: object) -> bytes:
    """Return ``value`` as JSON, a Decimal as the number it is."""
    return orjson.dumps(value, default=_number)


def _number(value: object) -> orjson.Fragment:
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(format(value, "f"))
    raise TypeError
