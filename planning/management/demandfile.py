"""A history out of CSV files of sales, without a database."""

import gzip
import io
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np

from planning.demand import History
from sales.salesfile import Mapped, Reader

GZIP_MAGIC = b"\x1f\x8b"


class FileHistory(NamedTuple):
    """What was read: the history, lines read, and how many of them were no sale of a product."""

    history: History
    lines: int
    refused: int


class _Lines:
    """Sales as three columns of whole numbers."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.product, self.day, self.units = array("q"), array("q"), array("q")
        self.read = self.refused = 0

    def take(self, source: TextIO, mapped: Mapped) -> None:
        reader = Reader(source, mapped, self._refuse)
        for line in reader:
            self.product.append(self.rows.setdefault(line.sku, len(self.rows)))
            self.day.append(line.sale_date.toordinal())
            self.units.append(line.quantity)
        self.read += reader.lines_read

    def _refuse(self, number: int, text: str, reason: str) -> None:
        self.refused += 1

    def history(self, days: int) -> History:
        if not self.product:
            return History(date.min, np.zeros((0, 0), np.int32), np.zeros((0, 0), np.bool_), np.zeros(0, np.int32))
        product, day, sold = (np.frombuffer(column, np.int64) for column in (self.product, self.day, self.units))
        last = int(day.max())
        first = max(int(day.min()), last - days + 1)
        born = np.full(len(self.rows), last)
        np.minimum.at(born, product, day)
        units = np.zeros((len(self.rows), last - first + 1), np.int32)
        inside = day >= first
        np.add.at(units, (product[inside], day[inside] - first), sold[inside])
        born = np.maximum(born - first, 0).astype(np.int32)
        return History(date.fromordinal(first), units, np.ones(units.shape, np.bool_), born)


def history(names: Sequence[str], mapped: Mapped, *, encoding: str, days: int) -> FileHistory:
    """Read CSV or CSV.gz files into the last ``days`` days up to the last sale. Nothing is known of empty shelves.

    Raises OSError when a file cannot be opened, and what csv, gzip and codecs raise when it is none.
    """
    lines = _Lines()
    for name in names:
        with _text(name, encoding) as source:
            lines.take(source, mapped)
    return FileHistory(lines.history(days), lines.read, lines.refused)


@contextmanager
def _text(name: str, encoding: str) -> Iterator[TextIO]:
    """Open ``name`` as text, unpacking gzip by its first bytes."""
    with Path(name).open("rb") as source:
        packed = source.peek(len(GZIP_MAGIC))[:2] == GZIP_MAGIC
        yield io.TextIOWrapper(gzip.GzipFile(fileobj=source) if packed else source, encoding=encoding, newline="")
