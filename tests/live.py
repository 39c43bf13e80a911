"""The real server, with several worker processes, on the test database."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parents[1]
STARTS_WITHIN = 60


def database_url() -> str:
    """Return DATABASE_URL with the name of the database that this test runs on."""
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A running Godown: its address, and the means to end it."""

    def __init__(self, process: subprocess.Popen[bytes], address: str) -> None:
        self.process = process
        self.address = address

    def kill(self) -> None:
        """SIGKILL to the server and all its workers at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def wait_until_it_answers(self) -> None:
        """Return once /health says ok."""
        deadline = time.monotonic() + STARTS_WITHIN
        while True:
            try:
                httpx.get(f"{self.address}/health", timeout=2).raise_for_status()
            except httpx.HTTPError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.05)
            else:
                return


@contextmanager
def server(*, workers: int = 4, **environment: str) -> Iterator[Server]:
    """Serve on loopback with ``workers`` processes until the block ends."""
    port = _free_port()
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", str(workers), "--blocking-threads", "1", "--no-access-log", "config.wsgi:application"]
    env = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": settings.SETTINGS_MODULE,
        **environment,
    }
    process = subprocess.Popen(command, env=env, cwd=ROOT, start_new_session=True)
    running = Server(process, f"http://127.0.0.1:{port}")
    try:
        running.wait_until_it_answers()
        yield running
    finally:
        if process.poll() is None:
            running.kill()
