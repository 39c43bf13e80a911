"""A thousand lines in one request: Godown's API against one set-based statement."""

import json
import random
import secrets
import time
from collections.abc import Mapping
from itertools import pairwise
from statistics import median
from typing import NamedTuple

import psycopg

from bench import data, load, raw, report
from bench.server import cores, running, sign_in

PRODUCTS = 2_000
LINES = 1_000


class Kind(NamedTuple):
    """A bulk operation: its address, what stands in its lines and around them, and the statements that do the same."""

    path: str
    line: Mapping[str, object]
    around: Mapping[str, object]
    same_rows: str
    reference: str


KINDS = (
    Kind(
        "/api/inventory/receive-shipment",
        {},
        {"shipment_reference": "BENCH-1"},
        raw.RECEIVE_SAME_ROWS,
        raw.RECEIVE_REFERENCE,
    ),
    Kind(
        "/api/inventory/bulk-sale",
        {"unit_price_usd": 12.5, "platform": "SHOPEE", "order_reference": "BENCH-1"},
        {},
        raw.SELL_SAME_ROWS,
        raw.SELL_REFERENCE,
    ),
)


class Round(NamedTuple):
    """Seconds of the same lines each way."""

    api: float
    same_rows: float
    reference: float


def measure(server_url: str, *, workers: int, quick: bool) -> str:
    """Measure and return the section of the report."""
    rounds = 5 if quick else 31
    with data.filled(server_url, products=PRODUCTS) as url, running(url, workers=workers) as server:
        client = load.Client(server, sign_in(server))
        with psycopg.connect(url) as connection:
            for kind in KINDS:
                _check_rows(url, client, connection, kind)
            found = [(kind, [_round(client, connection, kind) for _ in range(rounds)][1:]) for kind in KINDS]
        client.close()
    rows = [_row(kind, measured) for kind, measured in found]
    head = [
        "request", "share of raw, same rows", "share of the reference", "request, ms", "raw, same rows, ms",
        "reference, ms",
    ]  # fmt: skip
    return (
        f"{cores()} cores, {LINES:,} lines of different products out of {PRODUCTS:,}, medians of {rounds - 1}"
        f" alternating rounds on one connection each.\n\n{report.table(head, rows)}"
    )


def _check_rows(
    url: str, client: load.Client, connection: "psycopg.Connection[tuple[object, ...]]", kind: Kind
) -> None:
    """Refuse to compare when the raw statement adds other rows than the request."""
    counts = [data.counts(url)]
    _request(client, kind, _lines())
    counts.append(data.counts(url))
    raw.book(connection, kind.same_rows, _lines(), keep=True)
    counts.append(data.counts(url))
    by_api, by_raw = (
        {table: after[table] - before[table] for table in before if table != "sales_months"}
        for before, after in pairwise(counts)
    )
    if by_api != by_raw:
        raise RuntimeError(f"{kind.path}: the raw statement writes other rows: {by_raw} instead of {by_api}.")


def _round(client: load.Client, connection: "psycopg.Connection[tuple[object, ...]]", kind: Kind) -> Round:
    lines = _lines()
    return Round(
        _request(client, kind, lines),
        raw.book(connection, kind.same_rows, lines, keep=True),
        raw.book(connection, kind.reference, lines, keep=False),
    )


def _request(client: load.Client, kind: Kind, lines: Mapping[int, int]) -> float:
    items = [{"product_id": product, "quantity": units, **kind.line} for product, units in lines.items()]
    body = json.dumps({"items": items, **kind.around})
    key = secrets.token_hex(12)
    began = time.perf_counter()
    status, answer = client.post(kind.path, body, key)
    elapsed = time.perf_counter() - began
    if status != 201:
        raise RuntimeError(f"{kind.path} was answered with {status}: {answer[:500]!r}")
    return elapsed


def _lines() -> dict[int, int]:
    return {product: random.randint(1, 20) for product in random.sample(range(1, PRODUCTS + 1), LINES)}


def _row(kind: Kind, rounds: list[Round]) -> list[str]:
    api, same_rows, reference = (median(column) for column in zip(*rounds, strict=True))
    shares = (
        report.percent(median(one.same_rows / one.api for one in rounds)),
        report.percent(median(one.reference / one.api for one in rounds)),
    )
    return [f"`{kind.path}`", *shares, *map(report.milliseconds, (api, same_rows, reference))]
