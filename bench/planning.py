"""Planning a whole catalogue with two years of daily sales, against reading the same rows and throwing them away.

Run as a program (``python -m bench.planning``, with DATABASE_URL) it plans once and prints what that took. Each round
is a process of its own, so that its memory is its own, too.
"""

import json
import os
import resource
import subprocess
import sys
import time
from statistics import median
from typing import NamedTuple

import psycopg

from bench import data, report
from bench.server import cores

PRODUCTS, QUICK_PRODUCTS = 50_000, 2_000
DAYS = 730
_FILL = """
SET session_replication_role = replica;
INSERT INTO sales (product_id, sale_date, quantity, unit_price_usd, platform, order_reference, created_at)
SELECT p.id, current_date - d, 1 + (p.id * 7 + d * 13) %% 9, p.price_usd, 'SHOPEE', '', now()
FROM products p CROSS JOIN generate_series(0, %(days)s - 1) d;
UPDATE inventory SET quantity = 30 + product_id %% 900;
UPDATE stock_movements m SET quantity = i.quantity, balance_after = i.quantity
FROM inventory i WHERE i.product_id = m.product_id;
SET session_replication_role = DEFAULT
"""
_READ = (
    "SELECT p.*, s.*, i.* FROM products p JOIN suppliers s ON s.id = p.supplier_id"
    " JOIN inventory i ON i.product_id = p.id",
    f"SELECT product_id, sale_date, quantity FROM sales WHERE sale_date > current_date - {DAYS}",
    "SELECT product_id, balance_after, created_at FROM stock_movements",
)


class Round(NamedTuple):
    """Seconds of planning and of reading, statements of planning, MiB at its peak, products planned."""

    planned: float
    read: float
    statements: int
    mib: float
    products: int


def measure(server_url: str, *, quick: bool) -> str:
    """Measure and return the section of the report."""
    products = QUICK_PRODUCTS if quick else PRODUCTS
    with data.filled(server_url, products=products) as url:
        with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
            connection.execute(_FILL, {"days": DAYS})
            connection.execute("VACUUM ANALYZE")
        rounds = [_round(url) for _ in range(3)]
    planned, read = median(one.planned for one in rounds), median(one.read for one in rounds)
    ratio = median(one.planned / one.read for one in rounds)
    row = [
        f"{products:,}", f"{products * DAYS:,}", f"{planned:.2f}", f"{read:.2f}", f"{ratio:.1f}",
        f"{max(one.mib for one in rounds):,.0f}", str(rounds[0].statements),
    ]  # fmt: skip
    head = ["products", "sales", "plan, s", "reading, s", "plan as a multiple", "memory at most, MiB", "statements"]
    return f"{cores()} cores, medians of {len(rounds)} rounds.\n\n{report.table(head, [row])}"


def _round(url: str) -> Round:
    command = [sys.executable, "-m", "bench.planning"]
    done = subprocess.run(command, env={**os.environ, "DATABASE_URL": url}, check=True, capture_output=True, text=True)
    seconds, statements, mib, products = json.loads(done.stdout.splitlines()[-1])
    return Round(seconds, _read(url), statements, mib, products)


def _read(url: str) -> float:
    """Return the seconds in which the server hands over the same rows and nothing is made of them."""
    began = time.perf_counter()
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for statement in _READ:
            with cursor.copy(f"COPY ({statement}) TO STDOUT") as rows:  # type: ignore[arg-type] # written above
                for _ in rows:
                    pass
    return time.perf_counter() - began


def _plan() -> None:
    import django

    django.setup()
    from django.db import connection
    from django.utils import timezone

    from planning.selectors import reorder

    statements: list[str] = []

    def count(execute, sql, params, many, context):  # type: ignore[no-untyped-def] # as Django calls it
        statements.append(sql)
        return execute(sql, params, many, context)

    began = time.perf_counter()
    with connection.execute_wrapper(count):
        products = len(reorder.suggestions(today=timezone.localdate()))
    elapsed = time.perf_counter() - began
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps([elapsed, len(statements), mib, products]) + "\n")


if __name__ == "__main__":
    _plan()
