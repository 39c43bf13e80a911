"""What must not grow: the list, the statistics and the dashboard at more products and more movements."""

import time
from collections.abc import Mapping
from statistics import median
from typing import NamedTuple

import psycopg

from bench import data, load, raw, report
from bench.server import cores, running, sign_in

PRODUCTS = (1_000, 50_000)
MOVEMENTS = (100_000, 1_000_000)
WARM_UP = 12


class Times(NamedTuple):
    """Median seconds of a request and of the same queries in raw SQL."""

    api: float
    raw: float


Shape = tuple[int, int]


def measure(server_url: str, *, workers: int, quick: bool) -> str:
    """Measure and return the section of the report."""
    movements = tuple(number // 10 for number in MOVEMENTS) if quick else MOVEMENTS
    requests = 20 if quick else 100
    shapes = [(products, moved) for products in PRODUCTS for moved in movements]
    found = {shape: _shape(server_url, shape, workers, requests) for shape in shapes}
    return _report(found, shapes, requests)


def _shape(server_url: str, shape: Shape, workers: int, requests: int) -> Mapping[str, Times]:
    products, movements = shape
    with (
        data.filled(server_url, products=products, movements=movements) as url,
        running(url, workers=workers) as server,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        client = load.Client(server, sign_in(server))
        times = {path: _alternate(client, connection, path, requests) for path in raw.READS}
        client.close()
    return times


def _alternate(
    client: load.Client, connection: "psycopg.Connection[tuple[object, ...]]", path: str, requests: int
) -> Times:
    pairs = [(_get(client, path), raw.read(connection, path)) for _ in range(WARM_UP + requests)][WARM_UP:]
    return Times(*(median(column) for column in zip(*pairs, strict=True)))


def _get(client: load.Client, path: str) -> float:
    began = time.perf_counter()
    status, answer = client.get(path)
    elapsed = time.perf_counter() - began
    if status != 200:
        raise RuntimeError(f"{path} was answered with {status}: {answer[:500]!r}")
    return elapsed


def _report(found: Mapping[Shape, Mapping[str, Times]], shapes: list[Shape], requests: int) -> str:
    head = ["request", *(f"{products:,} × {movements:,}" for products, movements in shapes)]
    api = [[f"`{path}`", *(report.milliseconds(found[shape][path].api) for shape in shapes)] for path in raw.READS]
    times_raw = [
        [f"`{path}`", *(f"{found[shape][path].api / found[shape][path].raw:.1f}" for shape in shapes)]
        for path in raw.READS
    ]
    raw_only = [[f"`{path}`", *(report.milliseconds(found[shape][path].raw) for shape in shapes)] for path in raw.READS]
    growth_head = ["request", "10 × the movements, few products", "10 × the movements, many", "50 × the products"]
    growth = [[f"`{path}`", *_growth(found, shapes, path)] for path in raw.READS]
    return "\n\n".join(
        [
            f"{cores()} cores; products × movements, half of them sales over a year; medians of {requests} requests"
            " on one connection, in ms:",
            report.table(head, api),
            "How many times slower with more of them:",
            report.table(growth_head, growth),
            "The same queries in raw SQL, in ms:",
            report.table(head, raw_only),
            "Request as a multiple of the raw queries:",
            report.table(head, times_raw),
        ]
    )


def _growth(found: Mapping[Shape, Mapping[str, Times]], shapes: list[Shape], path: str) -> list[str]:
    few, few_moved, many, many_moved = (found[shape][path].api for shape in shapes)
    return [f"{factor:.2f} ×" for factor in (few_moved / few, many_moved / many, many_moved / few_moved)]
