"""Godown as it runs in production: production settings, granian with several workers, Redis, every guard on."""

import base64
import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

START_SECONDS = 60
STOP_SECONDS = 15
EMAIL = "bench@example.com"
PASSWORD = secrets.token_urlsafe(24)


class Server(NamedTuple):
    """A running Godown: where it listens and the process that stops it."""

    port: int
    pid: int


def cores() -> int:
    """Return how many cores this process, and so everything it starts, may use."""
    return len(os.sched_getaffinity(0))


def environment() -> dict[str, str]:
    """Return production settings for one run. Rate limits are out of reach, but counted all the same."""
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings.production",
        "SECRET_KEY": secrets.token_hex(40),
        "DB_ENCRYPTION_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "ALLOWED_HOSTS": "127.0.0.1",
        "RATE_LIMIT_GLOBAL": "100000000/m",
        "RATE_LIMIT_AUTH": "1000/m",
        "DEBUG": "false",
        "LOG_LEVEL": "WARNING",
    }


@contextmanager
def running(database: str, *, workers: int) -> Iterator[Server]:
    """Serve the database at this address with granian, on a free port of loopback."""
    port = _free_port()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(_command(port, workers), env=_environ(database), stdout=log, stderr=log)
        try:
            _wait_until_healthy(port, process)
            yield Server(port, process.pid)
        except BaseException:
            log.seek(0)
            sys.stderr.write(log.read()[-4000:].decode(errors="replace"))
            raise
        finally:
            _stop(process)


def sign_in(server: Server) -> str:
    """Return a fresh access token, signed in for like every client."""
    body = json.dumps({"email": EMAIL, "password": PASSWORD})
    headers = {"Content-Type": "application/json", "X-Forwarded-Proto": "https"}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("POST", "/api/auth/login", body, headers)
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    if response.status != http.client.OK:
        raise RuntimeError(f"Signing in failed: {response.status} {answer}")
    return str(answer["access_token"])


def _command(port: int, workers: int) -> list[str]:
    return [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws", "--host", "127.0.0.1"),
        *("--port", str(port), "--http", "1", "--workers", str(workers), "--blocking-threads", "1"),
        *("--workers-kill-timeout", "4", "config.wsgi:application"),
    ]


def _environ(database: str) -> Mapping[str, str]:
    return os.environ | {"DATABASE_URL": database}


def _wait_until_healthy(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/health")
            if connection.getresponse().status == http.client.OK:
                return
        except OSError:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("Godown does not start.")
        time.sleep(0.1)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
