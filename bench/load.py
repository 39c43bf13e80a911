"""Load over HTTP: a process and a kept connection for each client, on a bare socket, to leave the CPU to the server."""

import json
import multiprocessing
import random
import secrets
import socket
import time
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from typing import Any, NamedTuple

from bench.server import Server

TIMEOUT_SECONDS = 60
_READ = 1 << 18


class Work(NamedTuple):
    """How much is asked for: sales of random products out of so many, by so many clients, for so long."""

    products: int
    clients: int
    seconds: float


class Round(NamedTuple):
    """What all clients did together; ``client_cpu`` is what one request cost the load generator, in seconds."""

    per_second: float
    client_cpu: float


class Client:
    """One kept connection that is signed in."""

    def __init__(self, server: Server, token: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._common = (
            f"Host: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nX-Forwarded-Proto: https\r\nUser-Agent: bench\r\n"
        )

    def get(self, path: str) -> tuple[int, bytes]:
        """Return status and body of a GET."""
        return self._exchange(f"GET {path} HTTP/1.1\r\n{self._common}\r\n".encode())

    def post(self, path: str, body: str, key: str) -> tuple[int, bytes]:
        """Return status and body of a POST with an Idempotency-Key."""
        return self._exchange(
            f"POST {path} HTTP/1.1\r\n{self._common}Idempotency-Key: {key}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _exchange(self, request: bytes) -> tuple[int, bytes]:
        self._socket.sendall(request)
        data = self._socket.recv(_READ)
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more()
        rest = _content_length(data[:end]) - (len(data) - end - 4)
        parts = [data[end + 4 :]]
        while rest > 0:
            parts.append(self._more())
            rest -= len(parts[-1])
        return int(data[9:12]), b"".join(parts)

    def _more(self) -> bytes:
        part = self._socket.recv(_READ)
        if not part:
            raise ConnectionError("The server hung up in the middle of an answer.")
        return part


def sell(server: Server, token: str, work: Work) -> Round:
    """Sell one unit of a random product at a time; every answer must be 201."""
    done = together(_sell, (server, token, work), work.clients)
    count = sum(sold for sold, _, _ in done)
    return Round(sum(sold / elapsed for sold, elapsed, _ in done), sum(cpu for _, _, cpu in done) / count)


def together(target: Callable[..., None], arguments: tuple[Any, ...], clients: int) -> list[Any]:
    """Run ``target`` in as many processes; each gets a barrier to start at and a queue for its one answer."""
    context = multiprocessing.get_context("spawn")
    start, answers = context.Barrier(clients), context.SimpleQueue()
    workers = [context.Process(target=target, args=(*arguments, start, answers), daemon=True) for _ in range(clients)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        raise RuntimeError("A client of the load failed.")
    return [answers.get() for _ in workers]


def _sell(server: Server, token: str, work: Work, start: Barrier, answers: Any) -> None:
    client, key, sold = Client(server, token), secrets.token_hex(12), 0
    start.wait(TIMEOUT_SECONDS)
    began, cpu = time.perf_counter(), time.process_time()
    while time.perf_counter() - began < work.seconds:
        body = (
            f'{{"product_id":{random.randint(1, work.products)},"quantity":1,"unit_price_usd":12.50,'
            '"platform":"SHOPEE","order_reference":"BENCH-1"}'
        )
        status, answer = client.post("/api/inventory/sale", body, f"{key}-{sold}")
        if status != 201:
            raise RuntimeError(f"A sale was answered with {status}: {json.loads(answer)}")
        sold += 1
    answers.put((sold, time.perf_counter() - began, time.process_time() - cpu))
    client.close()


def _content_length(head: bytes) -> int:
    lower = head.lower()
    start = lower.index(b"content-length:") + len(b"content-length:")
    end = lower.find(b"\r\n", start)
    return int(lower[start:end] if end >= 0 else lower[start:])
