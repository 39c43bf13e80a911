"""The wire to Wise: no proxy, no redirect, no endless answer, and an end to every attempt.

httpx limits each single wait for bytes; a server that sends one byte a second passes that for ever. So an attempt has
a budget of seconds over all.
"""

import logging
import ssl
import threading
import time
import zlib
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx

MAX_BODY = 2 * 1024 * 1024


class UnreadableBody(Exception):
    """The answer is too large, or packed in a way nobody asked for."""


class _Deadline(threading.local):
    """When the attempt that this thread is making ends, on the monotonic clock."""

    at = float("inf")

    def left(self, timeout: float | None, error: type[Exception]) -> float:
        """Return the seconds that one wait may take, or raise ``error`` when there are none."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise error("The time is up.")
        return left if timeout is None else min(left, timeout)


class _Stream(httpcore.NetworkStream):
    """A connection whose every wait ends with the attempt."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.SyncBackend):
    """Opens such connections."""

    def __init__(self, deadline: _Deadline) -> None:
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(timeout, httpcore.ConnectTimeout)
        return _Stream(super().connect_tcp(host, port, left, local_address, socket_options), self._deadline)


class Transport(httpx.HTTPTransport):
    """httpx's own, with verified certificates, no proxy of the environment, and ``seconds`` for an attempt over all."""

    def __init__(self, seconds: float) -> None:
        super().__init__(verify=True, trust_env=False)
        self._seconds = seconds
        self._deadline = _Deadline()
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            max_connections=4,
            keepalive_expiry=5,
            network_backend=_Backend(self._deadline),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._deadline.at = time.monotonic() + self._seconds
        return super().handle_request(request)


def body_of(response: httpx.Response) -> bytes:
    """Return the body of a streamed answer, of at most MAX_BODY bytes packed and unpacked. Raises UnreadableBody."""
    announced = response.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > MAX_BODY:
        raise UnreadableBody("too large")
    packed = bytearray()
    for chunk in response.iter_raw():
        packed += chunk
        if len(packed) > MAX_BODY:
            raise UnreadableBody("too large")
    return _unpacked(bytes(packed), response.headers.get("content-encoding", "identity").strip().lower())


def _unpacked(packed: bytes, encoding: str) -> bytes:
    """Unpack gzip, which some proxies apply although ``identity`` was asked for."""
    if encoding in {"", "identity"}:
        return packed
    if encoding not in {"gzip", "x-gzip"}:
        raise UnreadableBody("packed")
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        body = unpacker.decompress(packed, MAX_BODY + 1)
    except zlib.error as error:
        raise UnreadableBody("packed wrongly") from error
    if len(body) > MAX_BODY:
        raise UnreadableBody("too large")
    return body


class _HeadersUnsaid(logging.Filter):
    """Drops the one record of httpcore that holds what a server's headers say, such as one-time tokens."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to keep ``record``."""
        return not record.getMessage().startswith("receive_response_headers.complete")


logging.getLogger("httpcore.http11").addFilter(_HeadersUnsaid())
