"""Migrate, seed, then serve Godown with its worker and its schedule, until Ctrl-C, SIGTERM or a closed terminal."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import environ
from honcho import manager
from honcho.environ import parse_procfile
from honcho.printer import Printer

ROOT = Path(__file__).resolve().parents[1]
RETRY_SECONDS = 0.1
manager.KILL_WAIT = 30  # seconds; honcho's 5 would cut off the job in hand
BANNER = """
  Godown is at http://127.0.0.1:{PORT}
  Sign in as admin@example.com with password admin123. Ctrl-C stops it.

"""


class TerminalPrinter(Printer):
    """Takes a closed terminal for a wish to stop, and stays silent from then on."""

    closed = False

    def write(self, message: Any) -> None:
        """Print one message."""
        if self.closed:
            return
        try:
            super().write(message)
        except OSError:
            self.closed = True
            signal.raise_signal(signal.SIGTERM)


class Crew(manager.Manager):
    """Honcho's manager, for which a signal may also come while it starts its processes."""

    def terminate(self) -> None:
        """Tell every process to stop, as soon as all have started."""
        if self._all_started():
            super().terminate()
        else:
            signal.setitimer(signal.ITIMER_REAL, RETRY_SECONDS)


def main() -> int:
    """Run until a signal or the end of one process; returns the exit code."""
    os.chdir(ROOT)
    read_settings()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    refuse_port_in_use(int(os.environ["PORT"]))
    manage("migrate", "--noinput")
    manage("seed")
    sys.stdout.write(BANNER.format_map(os.environ))
    sys.stdout.flush()
    return serve()


def read_settings() -> None:
    """The environment wins, then .env, then these."""
    environ.Env.read_env(ROOT / ".env")
    defaults = {"PORT": "8000", "WEB_WORKERS": "2", "GODOWN_VAR": str(ROOT / "var")}
    for name, value in defaults.items():
        os.environ[name] = os.environ.get(name) or value
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    os.environ["PYTHONUNBUFFERED"] = "1"


def refuse_port_in_use(port: int) -> None:
    """The web server shares its port with whoever asks, so a second Godown would answer every other request."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            sys.exit(f"Port {port} cannot be used ({error.strerror}). Try another: make run PORT={port + 1}")


def manage(*arguments: str) -> None:
    """Run a management command; a failure ends this program with the same code."""
    done = subprocess.run([sys.executable, "manage.py", *arguments], check=False)  # noqa: S603 - our own words
    if done.returncode != 0:
        sys.exit(done.returncode)


def serve() -> int:
    """Run the lines of the Procfile; when one ends, all end."""
    crew = Crew(TerminalPrinter(sys.stdout))
    for name, command in parse_procfile((ROOT / "Procfile").read_text()).processes.items():
        crew.add_process(name, command)
    signal.signal(signal.SIGALRM, lambda *_: crew.terminate())
    crew.loop()
    code: int = crew.returncode
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
