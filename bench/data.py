"""Databases of a known shape, filled by the server itself in a few set-based statements."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

TEMPLATE = "godown_bench"
TABLES = (
    "inventory", "stock_movements", "sales", "sales_months", "audit_log", "idempotency_keys", "users", "products",
)  # fmt: skip
PLENTY = 1_000_000
_SUPPLIER = """
INSERT INTO suppliers (name, legal_name, website, address, payment_terms, deposit_percent, lead_time_days, moq, notes,
                       is_active, created_at, updated_at)
VALUES ('Bench', '', '', '', '', 30, 45, 1, '', true, now(), now())
"""
_PRODUCTS = """
INSERT INTO products (internal_sku, supplier_sku, name, price_usd, units_per_carton, is_best_seller, is_active,
                      supplier_id, created_at, updated_at)
SELECT 'LUMI-' || lpad(n::text, 6, '0'), 'S-' || n, 'Toy kit ' || n, 5 + n %% 50 + 0.5, 12, n %% 10 = 0, true,
       (SELECT min(id) FROM suppliers), now(), now()
FROM generate_series(1, %(products)s) n
"""
# In turn 10 units come in and 4 go out, so the balance after movement k (from 0) of a product has a closed form.
_MOVEMENTS = """
INSERT INTO stock_movements (product_id, movement_type, quantity, balance_after, reference_type, reference_id, notes,
                             created_by_id, created_at)
SELECT 1 + n %% %(products)s, CASE WHEN k %% 2 = 0 THEN 'IN' ELSE 'OUT' END, CASE WHEN k %% 2 = 0 THEN 10 ELSE -4 END,
       10 * (k / 2 + 1) - 4 * ((k + 1) / 2), CASE WHEN k %% 2 = 0 THEN 'SHIPMENT' ELSE 'SALE' END, 'REF-' || n, '',
       (SELECT min(id) FROM users), now() - interval '365 days' * (1 - n::float / %(movements)s)
FROM (SELECT n, n / %(products)s AS k FROM generate_series(0, %(movements)s - 1) n) numbered
ORDER BY n
"""
_STOCK = """
INSERT INTO stock_movements (product_id, movement_type, quantity, balance_after, reference_type, reference_id, notes,
                             created_by_id, created_at)
SELECT id, 'IN', %(units)s, %(units)s, 'SHIPMENT', 'BENCH', '', (SELECT min(id) FROM users), now() FROM products
"""
_LEVELS = """
INSERT INTO inventory (product_id, quantity, reorder_point, safety_stock_days, created_at, updated_at)
SELECT p.id, coalesce(sum(m.quantity), 0), CASE WHEN p.id %% 7 = 0 THEN 100000 ELSE 10 END, 14, now(), now()
FROM products p LEFT JOIN stock_movements m ON m.product_id = p.id
GROUP BY p.id ORDER BY p.id
"""
_SALES = """
INSERT INTO sales (product_id, sale_date, quantity, unit_price_usd, platform, order_reference, created_at)
SELECT m.product_id, m.created_at::date, -m.quantity, p.price_usd, 'SHOPEE', m.reference_id, m.created_at
FROM stock_movements m JOIN products p ON p.id = m.product_id
WHERE m.reference_type = 'SALE' ORDER BY m.id
"""


@contextmanager
def template(server_url: str) -> Iterator[str]:
    """Make an empty database for the migrations, from which the filled ones are copied; drop it in the end."""
    _recreate(server_url, TEMPLATE)
    try:
        yield at(server_url, TEMPLATE)
    finally:
        _drop(server_url, TEMPLATE)


@contextmanager
def filled(server_url: str, *, products: int, movements: int = 0) -> Iterator[str]:
    """Copy the template and fill it: a year of ``movements``, or plenty of stock when there are none."""
    name = f"{TEMPLATE}_{products}_{movements}"
    _recreate(server_url, name, template=TEMPLATE)
    url = at(server_url, name)
    try:
        _fill(url, products, movements)
        yield url
    finally:
        _drop(server_url, name)


def at(server_url: str, name: str) -> str:
    """Return the address of another database of the same server."""
    return urlsplit(server_url)._replace(path=f"/{name}").geturl()


def counts(url: str) -> Mapping[str, int]:
    """Return how many rows each table of a sale holds."""
    with psycopg.connect(url) as connection:
        return {
            table: connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()[0]  # type: ignore[index]
            for table in TABLES
        }


def _fill(url: str, products: int, movements: int) -> None:
    values = {"products": products, "movements": movements, "units": PLENTY}
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        steps = (_MOVEMENTS, _LEVELS, _SALES) if movements else (_STOCK, _LEVELS)
        for step in (_SUPPLIER, _PRODUCTS, *steps, "VACUUM ANALYZE", "CHECKPOINT"):
            connection.execute(step, values)


def _recreate(server_url: str, name: str, template: str = "template1") -> None:
    _drop(server_url, name)
    _administer(server_url, "CREATE DATABASE {} TEMPLATE {}", name, template)


def _drop(server_url: str, name: str) -> None:
    _administer(server_url, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def _administer(server_url: str, statement: str, *names: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
