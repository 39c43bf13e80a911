"""The same work in raw SQL, as fast as PostgreSQL does it for a client without any rule but the stock's."""

import json
import os
import random
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from multiprocessing.synchronize import Barrier
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psycopg
from psycopg.rows import dict_row

from bench.load import TIMEOUT_SECONDS, Work, together
from bench.server import cores

Script = Sequence[str]

_TAKE = """UPDATE inventory SET quantity = quantity - 1, updated_at = now()
 WHERE product_id = :product::bigint AND quantity >= 1 RETURNING id AS level, quantity AS balance"""
_MOVEMENT = """INSERT INTO stock_movements (product_id, quantity, movement_type, reference_type, reference_id, notes,
 balance_after, created_by_id, created_at)
 VALUES (:product::bigint, -1, 'OUT', 'SALE', 'BENCH-1', '', :balance::int, 1, now()) RETURNING id AS movement"""
_SALE = """INSERT INTO sales (product_id, sale_date, quantity, unit_price_usd, platform, order_reference, created_at)
 VALUES (:product::bigint, current_date, 1, 12.50, 'SHOPEE', 'BENCH-1', now()) RETURNING id AS sale"""
_KEY = """INSERT INTO idempotency_keys (user_id, key, fingerprint, status, response, created_at)
 VALUES (1, 'raw-' || :key::text, repeat('0', 64), 201, jsonb_build_object('id', :sale::bigint,
 'product_id', :product::bigint, 'sale_date', current_date, 'quantity', 1, 'unit_price_usd', 12.50,
 'platform', 'SHOPEE', 'order_reference', 'BENCH-1', 'balance_after', :balance::int, 'internal_sku', 'LUMI-000001'
 )::text, now())"""
_AUDIT_COLUMNS = """INSERT INTO audit_log (table_name, record_id, action, old_values, new_values, user_id, ip_address,
 user_agent, created_at)"""
_AUDIT_MOVEMENT = """('stock_movements', :movement::bigint, 'CREATE', NULL, jsonb_build_object(
 'product', :product::bigint, 'quantity', -1, 'movement_type', 'OUT', 'reference_type', 'SALE',
 'reference_id', 'BENCH-1', 'notes', '', 'balance_after', :balance::int, 'created_by', 1),
 1, '127.0.0.1', 'bench', now())"""
_AUDIT_LEVEL = """('inventory', :level::bigint, 'UPDATE', jsonb_build_object('quantity', :balance::int + 1),
 jsonb_build_object('quantity', :balance::int), 1, '127.0.0.1', 'bench', now())"""
_AUDIT_SALE = """('sales', :sale::bigint, 'CREATE', NULL, jsonb_build_object('product', :product::bigint,
 'sale_date', current_date, 'quantity', 1, 'unit_price_usd', '12.50', 'platform', 'SHOPEE',
 'order_reference', 'BENCH-1'), 1, '127.0.0.1', 'bench', now())"""

SAME_ROWS: Script = (
    "BEGIN", _TAKE, _MOVEMENT, _SALE, _KEY,
    f"{_AUDIT_COLUMNS} VALUES {_AUDIT_MOVEMENT}, {_AUDIT_LEVEL}, {_AUDIT_SALE}", "COMMIT",
)  # fmt: skip
REFERENCE: Script = ("BEGIN", _TAKE, _MOVEMENT, _SALE, f"{_AUDIT_COLUMNS} VALUES {_AUDIT_LEVEL}", "COMMIT")

_RECEIVED = """WITH given AS (SELECT * FROM unnest(%(products)s::bigint[], %(units)s::int[]) AS g(product_id, units)),
level AS (
    UPDATE inventory i SET quantity = i.quantity + g.units, updated_at = now()
    FROM given g WHERE i.product_id = g.product_id RETURNING i.id, i.product_id, g.units, i.quantity),
movement AS (
    INSERT INTO stock_movements (product_id, quantity, movement_type, reference_type, reference_id, notes,
                                 balance_after, created_by_id, created_at)
    SELECT product_id, units, 'IN', 'SHIPMENT', 'BENCH-1', '', quantity, 1, now() FROM level
    RETURNING id, product_id, quantity, balance_after)"""
_SOLD = """WITH given AS (SELECT * FROM unnest(%(products)s::bigint[], %(units)s::int[]) AS g(product_id, units)),
level AS (
    UPDATE inventory i SET quantity = i.quantity - g.units, updated_at = now()
    FROM given g WHERE i.product_id = g.product_id AND i.quantity >= g.units
    RETURNING i.id, i.product_id, -g.units AS units, i.quantity),
movement AS (
    INSERT INTO stock_movements (product_id, quantity, movement_type, reference_type, reference_id, notes,
                                 balance_after, created_by_id, created_at)
    SELECT product_id, units, 'OUT', 'SALE', 'BENCH-1', '', quantity, 1, now() FROM level
    RETURNING id, product_id, quantity, balance_after),
sale AS (
    INSERT INTO sales (product_id, sale_date, quantity, unit_price_usd, platform, order_reference, created_at)
    SELECT product_id, current_date, -units, 12.50, 'SHOPEE', 'BENCH-1', now() FROM level
    RETURNING id, product_id, quantity, unit_price_usd)"""
_WHO = "1, '127.0.0.1'::inet, 'bench', now()"
_LEVEL_ROWS = f"""SELECT 'inventory', id, 'UPDATE', jsonb_build_object('quantity', quantity - units),
           jsonb_build_object('quantity', quantity), {_WHO} FROM level"""
_MOVEMENT_ROWS = f"""SELECT 'stock_movements', id, 'CREATE', NULL::jsonb, jsonb_build_object('product', product_id,
           'quantity', quantity, 'movement_type', 'OUT', 'reference_type', 'SALE', 'reference_id', 'BENCH-1',
           'notes', '', 'balance_after', balance_after, 'created_by', 1), {_WHO} FROM movement"""
_SALE_ROWS = f"""SELECT 'sales', id, 'CREATE', NULL::jsonb, jsonb_build_object('product', product_id,
           'sale_date', current_date, 'quantity', quantity, 'unit_price_usd', '12.50', 'platform', 'SHOPEE',
           'order_reference', 'BENCH-1'), {_WHO} FROM sale"""
_ANSWER = "SELECT id, product_id, quantity, balance_after FROM movement"


def _audited(*sources: str) -> str:
    return f"audit AS ({_AUDIT_COLUMNS} {' UNION ALL '.join(sources)})"


RECEIVE_SAME_ROWS = f"{_RECEIVED}, {_audited(_MOVEMENT_ROWS, _LEVEL_ROWS)} {_ANSWER}"
RECEIVE_REFERENCE = f"{_RECEIVED}, {_audited(_LEVEL_ROWS)} {_ANSWER}"
SELL_SAME_ROWS = f"{_SOLD}, {_audited(_MOVEMENT_ROWS, _LEVEL_ROWS, _SALE_ROWS)} {_ANSWER}"
SELL_REFERENCE = f"{_SOLD}, {_audited(_LEVEL_ROWS)} {_ANSWER}"
KEEP_ANSWER = """INSERT INTO idempotency_keys (user_id, key, fingerprint, status, response, created_at)
 VALUES (1, gen_random_uuid()::text, repeat('0', 64), 201, %(answer)s, now())"""

_SHELF = "FROM inventory i JOIN products p ON p.id = i.product_id WHERE p.is_active"
READS: Mapping[str, Sequence[str]] = {
    "/api/inventory": (
        f"SELECT count(*) {_SHELF}",
        "SELECT i.product_id, p.internal_sku, p.name, p.price_usd, i.quantity, i.reorder_point, i.safety_stock_days,"
        f" i.last_counted_at, i.updated_at {_SHELF} ORDER BY p.internal_sku LIMIT 50",
    ),
    "/api/inventory/stats": (
        "SELECT sum(i.quantity * p.price_usd), count(*), count(*) FILTER (WHERE i.quantity > i.reorder_point),"
        " count(*) FILTER (WHERE i.quantity > 0 AND i.quantity <= i.reorder_point),"
        f" count(*) FILTER (WHERE i.quantity = 0) {_SHELF}",
    ),
    "/api/dashboard/kpis": (
        f"SELECT sum(i.quantity * p.price_usd), count(*) FILTER (WHERE i.quantity <= i.reorder_point) {_SHELF}",
        "SELECT count(*) FROM purchase_orders WHERE status <> 'STOCKED' AND cancelled_at IS NULL",
        "SELECT sum(revenue_usd) FROM sales_months WHERE month = date_trunc('month', now())::date",
    ),
}


class Generator(NamedTuple):
    """What sends the raw transactions: its name for the report, and the path of pgbench when there is one."""

    name: str
    program: str | None


def generator() -> Generator:
    """Return pgbench, or processes with psycopg where there is none."""
    program = shutil.which("pgbench")
    return Generator("pgbench" if program else "psycopg in processes, always prepared (no pgbench here)", program)


def sell(url: str, script: Script, work: Work, *, mode: str = "prepared") -> float:
    """Run the transaction on random products and return transactions per second."""
    program = generator().program
    if program:
        return _pgbench(program, url, script, work, mode)
    return sum(together(_transact, (url, script, work), work.clients))


def _pgbench(program: str, url: str, script: Script, work: Work, mode: str) -> float:
    lines = [f"\\set product random(1, {work.products})", "\\set key random(1, 9000000000000000000)"]
    lines += [" ".join(statement.split()) + (" \\gset" if "RETURNING" in statement else ";") for statement in script]
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        amount = ["-c", str(work.clients), "-j", str(min(work.clients, cores())), "-T", str(int(work.seconds))]
        done = subprocess.run(
            [program, "-n", "-f", file.name, "-M", mode, *amount],
            env=os.environ | _libpq(url),
            capture_output=True,
            text=True,
            timeout=work.seconds + 60,
            check=False,
        )
    found = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
    if done.returncode != 0 or not found:
        raise RuntimeError(f"pgbench failed: {done.stdout[-500:]} {done.stderr[-1500:]}")
    return float(found.group(1))


def _libpq(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    return {
        "PGHOST": parts.hostname or "127.0.0.1",
        "PGPORT": str(parts.port or 5432),
        "PGUSER": parts.username or "",
        "PGPASSWORD": parts.password or "",
        "PGDATABASE": parts.path.lstrip("/"),
    }


def once(url: str, script: Script, *, product: int) -> None:
    """Run the transaction one time."""
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection, connection.cursor() as cursor:
        _run(cursor, _named(script), product)


def _named(script: Script) -> list[str]:
    """Return the statements with psycopg's placeholders instead of pgbench's."""
    return [re.sub(r"(?<!:):(\w+)", r"%(\1)s", statement) for statement in script]


def _run(cursor: "psycopg.Cursor[dict[str, Any]]", statements: Sequence[str], product: int) -> None:
    values: dict[str, Any] = {"product": product, "key": random.getrandbits(62)}
    for statement in statements:
        cursor.execute(statement, values, prepare=True)
        if cursor.description:
            values |= cursor.fetchone() or {}


def _transact(url: str, script: Script, work: Work, start: Barrier, answers: Any) -> None:
    statements = _named(script)
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection, connection.cursor() as cursor:
        start.wait(TIMEOUT_SECONDS)
        began, done = time.perf_counter(), 0
        while time.perf_counter() - began < work.seconds:
            _run(cursor, statements, random.randint(1, work.products))
            done += 1
        answers.put(done / (time.perf_counter() - began))


def book(connection: "psycopg.Connection[Any]", statement: str, lines: Mapping[int, int], *, keep: bool) -> float:
    """Book ``lines`` (units by product) in one transaction; return the seconds. ``keep`` stores the answer too."""
    began = time.perf_counter()
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(statement, {"products": list(lines), "units": list(lines.values())}, prepare=True)
        rows = cursor.fetchall()
        if keep:
            cursor.execute(KEEP_ANSWER, {"answer": json.dumps(rows)}, prepare=True)
    if len(rows) != len(lines):
        raise RuntimeError(f"{len(rows)} of {len(lines)} lines were booked.")
    return time.perf_counter() - began


def read(connection: "psycopg.Connection[Any]", path: str) -> float:
    """Run the queries behind ``path`` and return the seconds."""
    began = time.perf_counter()
    for statement in READS[path]:
        connection.execute(statement, prepare=True).fetchall()
    return time.perf_counter() - began
