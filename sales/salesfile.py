"""Reading a CSV file of sales: which column means what, and what is no sale. Knows no database."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache

from core import money
from inventory.errors import MAX_ON_HAND
from sales.models import Platform
from sales.services.importing import SaleLine

COLUMNS = ("order_reference", "internal_sku", "quantity", "unit_price_usd", "sale_date", "platform")
REQUIRED = COLUMNS[:-1]
MAX_PRICE = Decimal("9999999999.99")
MAX_AMOUNT = Decimal("99999999999999.99")  # what the month of one product can hold
MAX_REFERENCE = 64
_NUMBER = re.compile(r"[+-]?(\d{1,19}(\.\d{0,19})?|\.\d{1,19})", re.ASCII)


class BadFile(Exception):
    """The file cannot be read as sales at all: a column is missing, or it is not text."""


class Refusal(Exception):
    """One line that is no sale, and why, in one word."""


@dataclass(frozen=True)
class Mapped:
    """How the file is to be understood."""

    columns: Mapping[str, str]
    sku_pattern: str
    platform: Platform
    today: date
    credit_note_prefix: str = ""
    date_format: str = ""


class Reader:
    """Yields the sale lines of a file; everything else goes to ``reject`` with its line, its text and the reason."""

    def __init__(self, rows: Iterable[str], mapped: Mapped, reject: Callable[[int, str, str], None]) -> None:
        self.rows = rows
        self.mapped = mapped
        self.reject = reject
        self.lines_read = 0
        self._is_sku = re.compile(mapped.sku_pattern).fullmatch
        self._platforms = {"": mapped.platform, **{platform.value: platform for platform in Platform}}

    def __iter__(self) -> Iterator[SaleLine]:
        table = csv.reader(self.rows)
        header = [name.strip() for name in next(table, [])]
        places = self._places(header)
        for row in filter(None, table):
            self.lines_read += 1
            try:
                if len(row) != len(header):
                    raise Refusal("column_count")
                line = self._line(table.line_num, [row[place].strip() for place in places])
            except Refusal as refusal:
                self.reject(table.line_num, " | ".join(row), str(refusal))
            else:
                yield line

    def _places(self, header: Sequence[str]) -> list[int]:
        """Return where the columns are, in the order of COLUMNS; the platform may be missing."""
        headers = {name: self.mapped.columns.get(name, name) for name in COLUMNS}
        has = f"It has: {', '.join(header)}."
        wanted = [name for name in COLUMNS if name in REQUIRED or name in self.mapped.columns]
        missing = [f"{name} (--column {name}=…)" for name in wanted if headers[name] not in header]
        if missing:
            raise BadFile(f"The file has no column for: {', '.join(missing)}. {has}")
        double = [headers[name] for name in COLUMNS if header.count(headers[name]) > 1]
        if double:
            raise BadFile(f"The file has more than one column {', '.join(double)}. {has}")
        return [header.index(headers[name]) for name in COLUMNS if headers[name] in header]

    def _line(self, number: int, values: Sequence[str]) -> SaleLine:
        reference, sku, quantity, price, day, platform, *_ = (*values, "")
        _check_reference(reference)
        sku = sku.upper()
        if not self._is_sku(sku):
            raise Refusal("not_a_product")
        price_usd, units = _price(price), _quantity(quantity)
        if not price_usd:
            raise Refusal("write_off" if units < 0 else "no_price")
        if abs(units) * price_usd > MAX_AMOUNT:
            raise Refusal("amount_too_large")
        sale_date = _day(day, self.mapped.date_format)
        if sale_date > self.mapped.today:
            raise Refusal("future_date")
        sold_on = self._platforms.get(platform.upper())
        if sold_on is None:
            raise Refusal("bad_platform")
        prefix = self.mapped.credit_note_prefix
        is_credit_note = units < 0 and bool(prefix) and reference.startswith(prefix)
        return SaleLine(number, sku, units, price_usd, sale_date, sold_on, reference, is_credit_note)


def _check_reference(text: str) -> None:
    if not text:
        raise Refusal("no_order_reference")
    if len(text) > MAX_REFERENCE or not text.isprintable():
        raise Refusal("bad_order_reference")


# The same few prices, quantities and days come again and again.


@lru_cache(maxsize=4_096)
def _day(text: str, date_format: str) -> date:
    try:
        if date_format:
            return datetime.strptime(text, date_format).date()  # noqa: DTZ007 - the day as written
        return datetime.fromisoformat(text).date()
    except ValueError as error:
        raise Refusal("bad_date") from error


@lru_cache(maxsize=4_096)
def _quantity(text: str) -> int:
    number = _decimal(text, "bad_quantity")
    if number != number.to_integral_value() or abs(number) > MAX_ON_HAND:
        raise Refusal("bad_quantity")
    if number == 0:
        raise Refusal("zero_quantity")
    return int(number)


@lru_cache(maxsize=4_096)
def _price(text: str) -> Decimal:
    number = _decimal(text, "bad_price")
    if number < 0:
        raise Refusal("negative_price")
    price = money.cents(number)
    if price > MAX_PRICE:
        raise Refusal("bad_price")
    return price


def _decimal(text: str, reason: str) -> Decimal:
    """Read a plain number; Decimal itself would take "1_000", "NaN" and an exponent of a million."""
    if not _NUMBER.fullmatch(text):
        raise Refusal(reason)
    return Decimal(text)
