"""Replay one real year of a wholesaler: prepare a database, import the published file, measure, report in Markdown.

DATABASE_URL=… python -m bench.real_year FILE [--check]

FILE is the first year of UCI Online Retail II as CSV or CSV.gz (Chen, D., 2012, doi 10.24432/C5CG6D, CC BY 4.0).
DATABASE_URL names an empty database. ``--check`` also imports again, which must book nothing, and imports into a copy
of the prepared database with the process killed half-way, which must end in the same state to the unit.
"""

import argparse
import csv
import gzip
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import django

COLUMNS = {
    "order_reference": "Invoice",
    "internal_sku": "StockCode",
    "quantity": "Quantity",
    "unit_price_usd": "Price",
    "sale_date": "InvoiceDate",
}
SKU_PATTERN = r"^\d{5}[A-Z]{0,2}$"
CHUNK = 5_000
KILL_AFTER_LINES = 200_000
PROGRESS = re.compile(r"^\s*([\d,]+) lines")
COUNT = re.compile(r"^\s*(.+?)\s+([\d,]+)$")


@dataclass
class Survey:
    """What the published file holds: products with name, price and units sold; orders that were posted."""

    names: dict[str, str] = field(default_factory=dict)
    prices: dict[str, Decimal] = field(default_factory=dict)
    units: Counter[str] = field(default_factory=Counter)
    posted: set[str] = field(default_factory=set)
    lines: int = 0
    plain_sales: int = 0


class Import(NamedTuple):
    """One run of the command. Memory in MB: at the first and at the last progress line."""

    seconds: float
    counts: dict[str, int]
    first_peak: int
    last_peak: int


class State(NamedTuple):
    """Everything that an import leaves behind, to be compared with ``==``."""

    sales: int
    units: int
    revenue: Decimal
    movements: int
    shelf: dict[str, int]
    months: dict[tuple[str, str], tuple[int, Decimal]]


def survey(path: Path) -> Survey:
    """Read the published file once and learn what has to be there before it can be imported."""
    found = Survey()
    for row in _rows(path):
        found.lines += 1
        sku = row["StockCode"].strip().upper()
        if sku == "DOT":
            found.posted.add(row["Invoice"])
        if re.fullmatch(SKU_PATTERN, sku):
            _learn(found, sku, row)
    return found


def add_platform(source: Path, target: Path, posted: set[str]) -> None:
    """Copy the file with one column more: SHOPEE for the orders in ``posted``, DIRECT for the others."""
    with gzip.open(target, "wt", encoding="utf-8", newline="", compresslevel=1) as file:
        writer = csv.writer(file)
        for number, row in enumerate(_rows(source)):
            if number == 0:
                writer.writerow([*row, "platform"])
            writer.writerow([*row.values(), "SHOPEE" if row["Invoice"] in posted else "DIRECT"])


def prepare(found: Survey) -> None:
    """Fill the empty database: an ADMIN, the products, and as much stock as the year will sell."""
    from django.core.management import call_command
    from django.utils import timezone

    from accounts.models import User
    from accounts.rights import Role
    from core import cleaning
    from inventory.models import Product
    from inventory.services import ledger, products

    call_command("migrate", verbosity=0)
    if Product.objects.exists():
        sys.exit("DATABASE_URL must name an empty database: this one holds products.")
    actor = User.objects.create_user("real-year@example.net", os.urandom(16).hex(), role=Role.ADMIN)
    rows = [
        {"internal_sku": sku, "name": cleaning.text(found.names.get(sku, "")) or sku, "price_usd": price}
        for sku, price in found.prices.items()
    ]
    for chunk in _chunks(rows):
        products.create_missing(chunk, today=timezone.localdate(), actor=actor)
    ids = dict(Product.objects.values_list("internal_sku", "id"))
    for lines in _chunks([ledger.Line(ids[sku], units, "OPENING") for sku, units in found.units.items()]):
        ledger.receive(lines, notes="Opening stock of the real year", actor=actor)


def copy_database() -> str:
    """Copy the prepared database and return the address of the copy."""
    from django.db import connection

    settings = connection.settings_dict
    copy = f"{settings['NAME']}_killed"
    connection.close()
    if connection.vendor == "postgresql":
        with connection._nodb_cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{settings["NAME"]}"')
    else:
        shutil.copyfile(settings["NAME"], copy)
    return f"{os.environ['DATABASE_URL']}_killed"


def import_file(path: Path, database_url: str, rejects: Path, *, kill_after: int | None = None) -> Import:
    """Run the command in a process of its own; with ``kill_after`` lines, kill it in the middle of the next batch."""
    command = [sys.executable, "manage.py", "import_sales", str(path), "--rejects", str(rejects)]
    for name, header in COLUMNS.items():
        command += ["--column", f"{name}={header}"]
    environ = {**os.environ, "DATABASE_URL": database_url}
    started = reported = time.monotonic()
    peaks = [0]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr or ():
            progress = PROGRESS.match(line)
            if progress is None:
                sys.stderr.write(line)
                continue
            peaks.append(_peak_megabytes(process.pid) or peaks[-1])
            pace, reported = time.monotonic() - reported, time.monotonic()
            if kill_after is not None and _number(progress[1]) >= kill_after:
                time.sleep(pace / 2)
                process.kill()
                break
        told = process.stdout.read() if process.stdout else ""
    if kill_after is None and process.returncode != 0:
        sys.exit(f"import_sales ended with {process.returncode}.\n{told}")
    return Import(time.monotonic() - started, _counts(told), peaks[min(1, len(peaks) - 1)], peaks[-1])


def state(database_url: str) -> State:
    """Read what a database holds after an import."""
    from django.db import connections
    from django.db.models import Count, Sum

    from inventory.models import StockLevel, StockMovement
    from sales.models import MonthlySales, Sale

    alias = database_url.rpartition("/")[2]
    name = database_url.removeprefix(os.environ["DATABASE_URL"])
    default = connections.databases["default"]
    connections.databases[alias] = {**default, "NAME": f"{default['NAME']}{name}"}
    sales = Sale.objects.using(alias).aggregate(lines=Count("id"), units=Sum("quantity"))
    months = MonthlySales.objects.using(alias).values_list("month", "product__internal_sku", "units", "revenue_usd")
    by_month = {(str(month), sku): (units, revenue) for month, sku, units, revenue in months}
    found = State(
        sales=sales["lines"],
        units=sales["units"],
        revenue=_revenue(alias),
        movements=StockMovement.objects.using(alias).count(),
        shelf=dict(StockLevel.objects.using(alias).values_list("product__internal_sku", "quantity")),
        months=by_month,
    )
    connections[alias].close()
    return found


def database_megabytes() -> int:
    """Return the size of the database on disk, its write-ahead log included."""
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0]) >> 20
    paths = [Path(f"{connection.settings_dict['NAME']}{suffix}") for suffix in ("", "-wal", "-shm")]
    return sum(path.stat().st_size for path in paths if path.exists()) >> 20


def verify() -> str:
    """Run verify_ledger and return its sentence."""
    command = [sys.executable, "manage.py", "verify_ledger"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def main() -> None:
    """Prepare, import, check, report."""
    parser = argparse.ArgumentParser(prog="python -m bench.real_year", description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--check", action="store_true", help="import again, and once with the process killed half-way")
    options = parser.parse_args()
    if not os.environ.get("DATABASE_URL"):
        sys.exit("Set DATABASE_URL to an empty database.")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
    os.environ["SKU_PATTERN"] = SKU_PATTERN
    django.setup()
    with tempfile.TemporaryDirectory(prefix="godown-real-year-") as folder:
        _run(options.file, Path(folder), check=options.check)


def _run(source: Path, folder: Path, *, check: bool) -> None:
    url = os.environ["DATABASE_URL"]
    replay, rejects = folder / "year.csv.gz", folder / "rejects.csv"
    found = survey(source)
    add_platform(source, replay, found.posted)
    prepare(found)
    killed_url = copy_database() if check else ""
    before = database_megabytes()
    done = import_file(replay, url, rejects)
    _say_first(found, done, before)
    if check:
        after = state(url)
        _say_again(import_file(replay, url, rejects), state(url) == after)
        import_file(replay, killed_url, rejects, kill_after=KILL_AFTER_LINES)
        halfway = state(killed_url)
        resumed = import_file(replay, killed_url, rejects)
        _say_killed(halfway, resumed, after, state(killed_url))


def _say_first(found: Survey, done: Import, before: int) -> None:
    counts = done.counts
    print(f"# One real year on {_engine()}\n")
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}.\n")
    print("| import | |\n|---|---:|")
    rows = [
        ("lines in the file", f"{found.lines:,}"),
        ("seconds", f"{done.seconds:.1f}"),
        ("lines a second, start of the process included", f"{counts['read'] / done.seconds:,.0f}"),
        ("peak memory after the first batch, at the end", f"{done.first_peak} MB, {done.last_peak} MB"),
        ("database before, after", f"{before} MB, {database_megabytes()} MB"),
        ("plain sale lines counted independently", f"{found.plain_sales:,}"),
        *((name, f"{count:,}") for name, count in counts.items()),
    ]
    print("\n".join(f"| {name} | {figure} |" for name, figure in rows))
    print(f"\nverify_ledger: {verify()}")


def _say_again(again: Import, same: bool) -> None:
    booked = again.counts["booked"] + again.counts["returned"]
    print("\n| the same file again | |\n|---|---:|")
    print(f"| seconds | {again.seconds:.1f} |\n| booked | {booked:,} |")
    print(f"| booked before | {again.counts['booked before']:,} |\n| state | {_verdict(same and not booked)} |")


def _say_killed(halfway: State, resumed: Import, whole: State, killed: State) -> None:
    print("\n| | whole | killed | killed, then run again |\n|---|---:|---:|---:|")
    for name in ("sales", "units", "revenue", "movements"):
        print(f"| {name} | " + " | ".join(f"{getattr(one, name):,}" for one in (whole, halfway, killed)) + " |")
    for name in ("shelf", "months"):
        print(
            f"| rows in {name} | "
            + " | ".join(f"{len(getattr(one, name)):,}" for one in (whole, halfway, killed))
            + " |"
        )
    booked = resumed.counts["booked"] + resumed.counts["returned"]
    before = resumed.counts["booked before"]
    print(f"\nThe run after the kill found {before:,} lines booked before and booked {booked:,}.")
    print(f"Both ways end in the same state: {_verdict(whole == killed)}.")


def _verdict(same: bool) -> str:
    if not same:
        sys.exit("DIFFERENT: see above.")
    return "the same to the unit"


def _learn(found: Survey, sku: str, row: dict[str, str]) -> None:
    """Remember the first name and price of a product, and the units of its sales."""
    name, price, units = row["Description"].strip(), Decimal(row["Price"]), int(row["Quantity"])
    if name:
        found.names.setdefault(sku, name)
    rounded = price.quantize(Decimal("0.01"))
    if rounded > 0:
        found.prices.setdefault(sku, rounded)
        if units > 0:
            found.units[sku] += units
            found.plain_sales += 1


def _rows(path: Path) -> Iterator[dict[str, str]]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _chunks(items: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


def _counts(told: str) -> dict[str, int]:
    return {found[1]: _number(found[2]) for line in told.splitlines() if (found := COUNT.match(line))}


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def _peak_megabytes(pid: int) -> int:
    """Return the most memory the process ever held; 0 when it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    peak = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(peak[1]) >> 10 if peak else 0


def _revenue(alias: str) -> Decimal:
    """Add up in whole cents: SQLite adds decimals in floating point."""
    from sales.models import Sale

    rows = Sale.objects.using(alias).values_list("quantity", "unit_price_usd")
    return sum((quantity * price for quantity, price in rows.iterator(chunk_size=CHUNK)), Decimal(0))


def _engine() -> str:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT version()" if connection.vendor == "postgresql" else "SELECT 'SQLite ' || sqlite_version()"
        )
        return " ".join(str(cursor.fetchone()[0]).split()[:2])


if __name__ == "__main__":
    main()
