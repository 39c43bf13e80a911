"""One sale after the other, by 1, 4 and 16 clients: Godown's API against pgbench."""

from collections.abc import Mapping
from statistics import median
from typing import NamedTuple

import redis

from bench import cpu, data, load, raw, report
from bench.server import Server, cores, running, sign_in

PRODUCTS = 1_000
CLIENTS = (1, 4, 16)


class Plan(NamedTuple):
    """How long to measure."""

    rounds: int
    seconds: int


class Subject(NamedTuple):
    """What is measured: the server, signed in, and what it stands on."""

    server: Server
    url: str
    redis_url: str


class Round(NamedTuple):
    """One round: sales per second each way, and what one sale through the API cost in CPU seconds."""

    api: float
    same_rows: float
    reference: float
    reference_simple: float
    application: float
    database: float
    cache: float
    client: float


def measure(server_url: str, redis_url: str, *, workers: int, quick: bool) -> str:
    """Measure and return the section of the report."""
    plan = Plan(rounds=1, seconds=2) if quick else Plan(rounds=5, seconds=4)
    with data.filled(server_url, products=PRODUCTS) as url, running(url, workers=workers) as server:
        rows = _rows_written(url, server)
        subject = Subject(server, url, redis_url)
        found = {clients: _rounds(subject, clients, plan) for clients in CLIENTS}
    return _report(found, rows, plan, workers)


def _rows_written(url: str, server: Server) -> Mapping[str, int]:
    """Return the rows one sale adds, having checked that the raw transaction adds the same."""
    before = data.counts(url)
    client = load.Client(server, sign_in(server))
    status, answer = client.post("/api/inventory/sale", '{"product_id":1,"quantity":1}', "bench-first")
    client.close()
    if status != 201:
        raise RuntimeError(f"A sale was answered with {status}: {answer!r}")
    between = data.counts(url)
    raw.once(url, raw.SAME_ROWS, product=2)
    after = data.counts(url)
    by_api = {table: between[table] - before[table] for table in before if between[table] != before[table]}
    by_raw = {table: after[table] - between[table] for table in before if after[table] != between[table]}
    if by_api != by_raw:
        raise RuntimeError(f"The raw transaction writes other rows than a sale: {by_raw} instead of {by_api}.")
    return by_api


def _rounds(subject: Subject, clients: int, plan: Plan) -> list[Round]:
    token = sign_in(subject.server)
    _api(subject, token, load.Work(PRODUCTS, clients, 1))  # every worker has its connections and its plans
    work = load.Work(PRODUCTS, clients, plan.seconds)
    return [_round(subject, token, work) for _ in range(plan.rounds)]


def _round(subject: Subject, token: str, work: load.Work) -> Round:
    same_rows = raw.sell(subject.url, raw.SAME_ROWS, work)
    reference = raw.sell(subject.url, raw.REFERENCE, work)
    api, *costs = _api(subject, token, work)
    return Round(api, same_rows, reference, raw.sell(subject.url, raw.REFERENCE, work, mode="simple"), *costs)


def _api(subject: Subject, token: str, work: load.Work) -> tuple[float, float, float, float, float]:
    """Return sales per second and the CPU seconds of one: application, database, Redis, load generator."""
    before = _spent(subject)
    sold = load.sell(subject.server, token, work)
    count = sold.per_second * work.seconds
    application, database, cache = ((after - was) / count for after, was in zip(_spent(subject), before, strict=True))
    return sold.per_second, application, database, cache, sold.client_cpu


def _spent(subject: Subject) -> tuple[float, float, float]:
    postmaster = cpu.postmaster(subject.url)
    database = cpu.of_tree(postmaster) if postmaster else 0.0
    return cpu.of_tree(subject.server.pid), database, _redis_cpu(subject.redis_url)


def _redis_cpu(redis_url: str) -> float:
    with redis.Redis.from_url(redis_url) as client:
        used = client.info("cpu")
    return float(used["used_cpu_sys"]) + float(used["used_cpu_user"])


def _report(found: Mapping[int, list[Round]], rows: Mapping[str, int], plan: Plan, workers: int) -> str:
    speeds = report.table(
        [
            "clients", "share of raw, same rows", "share of the reference, prepared", "share of the reference, simple",
            "sales/s", "raw/s, same rows", "reference/s, prepared", "reference/s, simple",
        ],
        [_speed(clients, rounds) for clients, rounds in found.items()],
    )  # fmt: skip
    costs = report.table(
        ["clients", "application", "database", "Redis", "load generator"],
        [_cost(clients, rounds) for clients, rounds in found.items()],
    )
    written = ", ".join(f"{count} {table}" for table, count in rows.items())
    return (
        f"{cores()} cores, {workers} workers, {PRODUCTS:,} products, medians of {plan.rounds} rounds of"
        f" {plan.seconds} s; raw by {raw.generator().name}. Rows added by one sale, either way: {written}; and one"
        f" row of inventory changed.\n\n{speeds}\n\nCPU of one sale through the API, in ms:\n\n{costs}"
    )


def _speed(clients: int, rounds: list[Round]) -> list[str]:
    shares = [
        report.percent(median(one.api / other for one, other in pairs))
        for pairs in (
            [(one, one.same_rows) for one in rounds],
            [(one, one.reference) for one in rounds],
            [(one, one.reference_simple) for one in rounds],
        )
    ]
    speeds = [f"{median(column):,.0f}" for column in list(zip(*rounds, strict=True))[:4]]
    return [str(clients), *shares, *speeds]


def _cost(clients: int, rounds: list[Round]) -> list[str]:
    return [str(clients), *(f"{median(column) * 1000:.2f}" for column in list(zip(*rounds, strict=True))[4:])]
