"""Booking a file of sales: streamed, in batches, and safe to run again.

A line is known by what it says (order reference, product, day, quantity, price) and by how often the file has said
exactly that so far. The n-th such line is booked when the database holds fewer than n of them, so a second run, a run
after a crash and a file that overlaps another book nothing twice, and two equal lines that are real are both booked.
The line counts live in a temporary file: memory does not grow with the input.
"""

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import date
from decimal import Decimal
from hashlib import blake2b
from typing import NamedTuple

from django.db.models import Count, QuerySet, Sum

from accounts.models import User
from core.operations import operation
from inventory.models import Product
from inventory.services import ledger
from sales.models import Platform, Sale
from sales.services import recording

Identity = tuple[str, int, date, int, Decimal]
LONGEST_BATCH = 20_000


class SaleLine(NamedTuple):
    """One line of the file, understood. ``quantity`` is negative on a return; ``number`` is its place in the file.

    ``is_credit_note`` says that ``order_reference`` numbers the return itself, not the order that is returned.
    """

    number: int
    sku: str
    quantity: int
    unit_price_usd: Decimal
    sale_date: date
    platform: Platform
    order_reference: str
    is_credit_note: bool = False


class Outcome(NamedTuple):
    """What became of a batch: lines sold, lines returned, lines booked before, and the refused with their reason."""

    sold: int
    returned: int
    known: int
    refused: list[tuple[SaleLine, str]]


class Occurrences:
    """Counts how often each thing was seen, on disk: in a nameless file that is gone even after SIGKILL."""

    def __init__(self) -> None:
        self._counts = sqlite3.connect("", isolation_level=None)
        self._counts.execute("PRAGMA journal_mode=OFF")
        self._counts.execute("PRAGMA synchronous=OFF")
        self._counts.execute("CREATE TABLE seen (digest BLOB PRIMARY KEY, times INTEGER NOT NULL) WITHOUT ROWID")

    def close(self) -> None:
        """Release the file."""
        self._counts.close()

    def count(self, things: Iterable[object]) -> list[int]:
        """Return, for each of ``things``, how often it was seen up to and with now."""
        self._counts.execute("BEGIN")
        times = [self._next(thing) for thing in things]
        self._counts.execute("COMMIT")
        return times

    def _next(self, thing: object) -> int:
        digest = blake2b(repr(thing).encode(), digest_size=16).digest()
        row = self._counts.execute(
            "INSERT INTO seen VALUES (?, 1) ON CONFLICT DO UPDATE SET times = times + 1 RETURNING times", (digest,)
        ).fetchone()
        return int(row[0])


@contextmanager
def occurrences() -> Iterator[Occurrences]:
    """Open counters that vanish at the end."""
    with closing(Occurrences()) as counts:
        yield counts


def batches(lines: Iterable[SaleLine], *, size: int) -> Iterator[list[SaleLine]]:
    """Cut ``lines`` into batches that end with a day, once they hold ``size`` lines.

    Whole days, because what may come back on a day depends on what was sold until its evening. Only a day that makes
    a batch longer than ``LONGEST_BATCH`` is cut: memory is bounded whatever the file.
    """
    batch: list[SaleLine] = []
    for line in lines:
        whole_days = len(batch) >= size and line.sale_date != batch[-1].sale_date
        if whole_days or len(batch) >= LONGEST_BATCH:
            yield batch
            batch = []
        batch.append(line)
    if batch:
        yield batch


@operation
def book(lines: Sequence[SaleLine], *, seen: Occurrences, actor: User) -> Outcome:
    """Book one batch in one transaction; what is refused is left out and told.

    Lines are taken day by day, the sales of a day before its returns. A line is refused as ``unknown_product``,
    ``insufficient_stock`` or ``return_exceeds_sale``.
    """
    ids = _product_ids(lines)
    refused = [(line, "unknown_product") for line in lines if line.sku not in ids]
    known_products = [line for line in lines if line.sku in ids]
    if not known_products:
        return Outcome(0, 0, 0, refused)
    levels = ledger.lock(ids.values())
    fresh = _not_booked_yet(known_products, ids, seen)
    accepted = _Sieve(ledger.Shelf(levels), ids, fresh).sift(refused)
    if accepted:
        recording.write([_line(line, ids) for line in accepted], held=levels, actor=actor)
    sold = sum(line.quantity > 0 for line in accepted)
    return Outcome(sold, len(accepted) - sold, len(known_products) - len(fresh), refused)


class _Sieve:
    """Decides line by line what can be booked. Stock is the shelf's word; returns are bounded by what was sold."""

    def __init__(self, shelf: ledger.Shelf, ids: dict[str, int], lines: Sequence[SaleLine]) -> None:
        self.shelf = shelf
        self.ids = ids
        self.lines = sorted(lines, key=lambda line: (line.sale_date, line.quantity < 0))
        returns = [line for line in self.lines if line.quantity < 0]
        self.sold_by_day = _sold_by_day({ids[line.sku] for line in returns if line.is_credit_note})
        self.sold_by_order = _sold_by_order([line for line in returns if not line.is_credit_note], ids)

    def sift(self, refused: list[tuple[SaleLine, str]]) -> list[SaleLine]:
        """Return the lines to book, in booking order; the others go to ``refused``."""
        accepted = []
        for line in self.lines:
            reason = self._reason_against(line)
            if reason:
                refused.append((line, reason))
            else:
                accepted.append(line)
                self._remember(line)
        return accepted

    def _reason_against(self, line: SaleLine) -> str:
        if line.quantity < 0 and -line.quantity > self._returnable(line):
            return "return_exceeds_sale"
        if self.shelf.move(self.ids[line.sku], -line.quantity) is None:
            return "insufficient_stock"
        return ""

    def _returnable(self, line: SaleLine) -> int:
        product_id = self.ids[line.sku]
        if line.is_credit_note:
            return _least_from(line.sale_date, self.sold_by_day[product_id])
        return self.sold_by_order[product_id, line.order_reference]

    def _remember(self, line: SaleLine) -> None:
        product_id = self.ids[line.sku]
        if product_id in self.sold_by_day:
            self.sold_by_day[product_id][line.sale_date] += line.quantity
        self.sold_by_order[product_id, line.order_reference] += line.quantity


def _least_from(first: date, days: Mapping[date, int]) -> int:
    """Return the net units sold until the evening of ``first``, or of a later day when less was left by then.

    A file may be imported after a later one: what came back in the later one cannot come back again.
    """
    least = net = sum(units for day, units in days.items() if day <= first)
    for day in sorted(day for day in days if day > first):
        net += days[day]
        least = min(least, net)
    return least


def _product_ids(lines: Sequence[SaleLine]) -> dict[str, int]:
    skus = list({line.sku for line in lines})
    return dict(Product.objects.filter(internal_sku__in=skus).values_list("internal_sku", "id"))


def _not_booked_yet(lines: Sequence[SaleLine], ids: dict[str, int], seen: Occurrences) -> list[SaleLine]:
    identities = [_identity(line, ids) for line in lines]
    booked = _booked(lines)
    times = seen.count(identities)
    return [
        line for line, identity, time in zip(lines, identities, times, strict=True) if time > booked.get(identity, 0)
    ]


def _identity(line: SaleLine, ids: dict[str, int]) -> Identity:
    return (line.order_reference, ids[line.sku], line.sale_date, line.quantity, line.unit_price_usd)


def _booked(lines: Sequence[SaleLine]) -> dict[Identity, int]:
    """Return how often the database holds each line of these orders."""
    columns = ("order_reference", "product_id", "sale_date", "quantity", "unit_price_usd")
    references = list({line.order_reference for line in lines})
    rows = _sales_of(references).values_list(*columns).annotate(times=Count("id"))
    return {row[:-1]: row[-1] for row in rows}


def _sales_of(references: Collection[str]) -> QuerySet[Sale]:
    """Return the sales of these orders; the second condition lets databases use the partial index of references."""
    return Sale.objects.filter(order_reference__in=references).exclude(order_reference="")


def _sold_by_day(product_ids: set[int]) -> dict[int, Counter[date]]:
    """Return the net units of these products, by product and day."""
    days: dict[int, Counter[date]] = {product_id: Counter() for product_id in product_ids}
    if product_ids:
        rows = Sale.objects.filter(product_id__in=product_ids).values_list("product_id", "sale_date")
        for product_id, day, units in rows.annotate(units=Sum("quantity")):
            days[product_id][day] = units
    return days


def _sold_by_order(returns: Sequence[SaleLine], ids: dict[str, int]) -> Counter[tuple[int, str]]:
    """Return the net units of the orders that these lines return, by product and order reference."""
    sold: Counter[tuple[int, str]] = Counter()
    if returns:
        orders = _sales_of({line.order_reference for line in returns})
        rows = orders.filter(product_id__in={ids[line.sku] for line in returns}).values_list(
            "product_id", "order_reference"
        )
        for product_id, reference, units in rows.annotate(units=Sum("quantity")):
            sold[product_id, reference] = units
    return sold


def _line(line: SaleLine, ids: dict[str, int]) -> recording.Line:
    return recording.Line(
        ids[line.sku], line.quantity, line.sale_date, line.unit_price_usd, line.platform, line.order_reference
    )
