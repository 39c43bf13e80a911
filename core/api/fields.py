"""Shapes of input that appear in many bodies."""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import pydantic
from rest_framework import serializers

from core import cleaning

MAX_UNITS = 2_147_483_647
MAX_ID = 2**63 - 1
MAX_PRICE = Decimal("9999999999.99")
MAX_DIGITS = 20
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _whole(value: Any) -> Any:
    """Take an integer or its plain decimal digits; not 1.0, true, "1_000" or "١٢"."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError("A whole number is needed.")
    if isinstance(value, str):
        digits = value.strip()
        if not (digits.isascii() and digits.lstrip("-").isdigit()) or len(digits) > MAX_DIGITS:
            raise ValueError("A whole number is needed.")
        return int(digits)
    return value


def _money(value: Any) -> Any:
    """Take a number, or its digits, with at most two decimals."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError("An amount is needed.")
    text = str(value).strip()
    if not text.isascii() or "_" in text or not text:
        raise ValueError("An amount is needed.")
    return text


def _day(value: Any) -> Any:
    """Take a day as YYYY-MM-DD; not a time, and not seconds since 1970."""
    if value is not None and not (isinstance(value, str) and _DAY.fullmatch(value)):
        raise ValueError("A day is needed, as YYYY-MM-DD.")
    return value


Clean = pydantic.AfterValidator(cleaning.text)
Id = Annotated[int, pydantic.Field(ge=1, le=MAX_ID), pydantic.BeforeValidator(_whole)]
Units = Annotated[int, pydantic.Field(ge=1, le=MAX_UNITS), pydantic.BeforeValidator(_whole)]
Count = Annotated[int, pydantic.Field(ge=0, le=MAX_UNITS), pydantic.BeforeValidator(_whole)]
Price = Annotated[
    Decimal,
    pydantic.Field(ge=0, le=MAX_PRICE, decimal_places=2, allow_inf_nan=False),
    pydantic.BeforeValidator(_money),
    pydantic.WithJsonSchema({"type": "number", "minimum": 0, "maximum": float(MAX_PRICE), "multipleOf": 0.01}),
]
Reference = Annotated[str, pydantic.StringConstraints(strip_whitespace=True, max_length=64), Clean]
Text = Annotated[str, pydantic.StringConstraints(max_length=10_000), Clean]
Day = Annotated[date, pydantic.Field(ge=date(1900, 1, 1)), pydantic.BeforeValidator(_day)]


class CleanCharField(serializers.CharField):
    """Free text, cleaned on its way in."""

    def to_internal_value(self, data: Any) -> str:
        """Return the text without markup and control characters; text that is nothing else is blank."""
        text = super().to_internal_value(data)
        if self.max_length is not None and len(text) > self.max_length:
            self.fail("max_length", max_length=self.max_length)  # before megabytes of markup are parsed
        cleaned = cleaning.text(text)
        if not cleaned and not self.allow_blank:
            self.fail("blank")
        return cleaned


class WholeField(serializers.IntegerField):
    """A whole number, as strict as in the bodies above: the framework's own reads "1_000" and "١٢"."""

    def to_internal_value(self, data: Any) -> int:
        """Return the number."""
        try:
            return super().to_internal_value(_whole(data))
        except ValueError:
            self.fail("invalid")


class IdField(WholeField):
    """The id of something: a positive number that fits a BIGINT."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=MAX_ID, **kwargs)


class AmountField(serializers.DecimalField):
    """Dollars and cents, not negative; a JSON number on the way out."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs = {"max_digits": 12, "decimal_places": 2, "coerce_to_string": False, "min_value": Decimal(0), **kwargs}
        super().__init__(**kwargs)

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        """Take null for no amount where that is allowed; the framework's own takes "" for it too."""
        return serializers.Field.validate_empty_values(self, data)

    def to_internal_value(self, data: Any) -> Decimal:
        """Return the amount."""
        try:
            return super().to_internal_value(_money(data))
        except ValueError:
            self.fail("invalid")
