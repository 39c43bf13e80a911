"""Reading a CSV file of sales: which column means what, and what is no sale. Knows no database."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from core import money
from sales.models import Platform
from sales.services.importing import SaleLine

COLUMNS = ("order_reference", "internal_sku", "quantity", "unit_price_usd", "sale_date", "platform")
REQUIRED = COLUMNS[:-1]
MAX_UNITS = 2_147_483_647
MAX_PRICE = Decimal("9999999999.99")
MAX_REFERENCE = 64


class BadFile(Exception):
    """The file cannot be read as sales at all: a column is missing, or it is not text."""


@dataclass(frozen=True)
class Mapped:
    """How the file is to be understood."""

    columns: Mapping[str, str]
    sku_pattern: str
    platform: Platform
    credit_note_prefix: str = ""
    date_format: str = ""


@dataclass
class Refusal(Exception):
    """One line that is no sale, and why."""

    reason: str


@dataclass
class Reader:
    """Yields the sale lines of a file and hands everything else, with its reason, to ``reject``."""

    rows: Iterable[str]
    mapped: Mapped
    lines_read: int = 0
    rejected: list[tuple[int, dict[str, str], str]] = field(default_factory=list)
    header: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[SaleLine]:
        reader = csv.DictReader(self.rows, restkey="", restval="")
        self.header = list(reader.fieldnames or [])
        missing = [name for name in REQUIRED if self._column(name) not in self.header]
        if missing:
            wanted = ", ".join(f"{name} (--column {name}=…)" for name in missing)
            raise BadFile(f"The file has no column for: {wanted}. It has: {', '.join(self.header)}.")
        for number, row in enumerate(reader, start=1):
            self.lines_read = number
            try:
                yield self._line(number, row)
            except Refusal as refusal:
                self.rejected.append((number, row, refusal.reason))

    def _column(self, name: str) -> str:
        return self.mapped.columns.get(name, name)

    def _line(self, number: int, row: dict[str, str]) -> SaleLine:
        def value(name: str) -> str:
            return (row.get(self._column(name)) or "").strip()

        reference = _reference(value("order_reference"))
        sku = value("internal_sku").upper()
        if not re.fullmatch(self.mapped.sku_pattern, sku):
            raise Refusal("not_a_product")
        price = _price(value("unit_price_usd"))
        quantity = _quantity(value("quantity"))
        prefix = self.mapped.credit_note_prefix
        is_credit_note = quantity < 0 and bool(prefix) and reference.startswith(prefix)
        if price == 0:
            raise Refusal("write_off" if quantity < 0 else "no_price")
        return SaleLine(
            number,
            sku,
            quantity,
            price,
            self._date(value("sale_date")),
            self._platform(value("platform")),
            reference,
            is_credit_note,
        )

    def _date(self, text: str) -> date:
        try:
            if self.mapped.date_format:
                return datetime.strptime(text, self.mapped.date_format).date()  # noqa: DTZ007 - the day as written
            return datetime.fromisoformat(text).date()
        except ValueError as error:
            raise Refusal("bad_date") from error

    def _platform(self, text: str) -> Platform:
        if not text:
            return self.mapped.platform
        if text.upper() not in Platform.values:
            raise Refusal("bad_platform")
        return Platform(text.upper())


def _reference(text: str) -> str:
    if not text:
        raise Refusal("no_order_reference")
    if len(text) > MAX_REFERENCE or not text.isprintable():
        raise Refusal("bad_order_reference")
    return text


def _quantity(text: str) -> int:
    number = _decimal(text, "bad_quantity")
    if number != number.to_integral_value() or abs(number) > MAX_UNITS:
        raise Refusal("bad_quantity")
    if number == 0:
        raise Refusal("zero_quantity")
    return int(number)


def _price(text: str) -> Decimal:
    number = _decimal(text, "bad_price")
    if number < 0:
        raise Refusal("negative_price")
    if number > MAX_PRICE:
        raise Refusal("bad_price")
    return money.cents(number)


def _decimal(text: str, reason: str) -> Decimal:
    if not (text.isascii() and "_" not in text):
        raise Refusal(reason)
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise Refusal(reason) from error
    if not number.is_finite():
        raise Refusal(reason)
    return number
