"""The servers of the test run: they answer, keep to themselves, and leave nothing behind."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from tests import servers

ASK = (
    "import os, psycopg, redis;"
    "print(psycopg.connect(os.environ['DATABASE_URL']).execute('SHOW fsync').fetchone()[0]);"
    "print(redis.Redis.from_url(os.environ['REDIS_URL']).ping())"
)


@pytest.fixture(scope="module")
def postgres() -> Iterator[servers.Server]:
    server = servers.start_postgres()
    yield server
    server.stop()


def test_postgres_answers(postgres):
    with psycopg.connect(postgres.url) as connection:
        row = connection.execute("SELECT current_database(), current_setting('fsync')").fetchone()

    assert row == ("godown", "off")


def test_postgres_asks_for_its_password(postgres):
    without = re.sub(r":[0-9a-f]+@", ":wrong@", postgres.url)

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(without)


def test_postgres_is_gone_after_stop():
    server = servers.start_postgres()
    assert (server.folder / "data" / "PG_VERSION").exists()

    server.stop()

    assert not server.folder.exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.url)


def test_redis_answers_and_is_gone_after_stop():
    server = servers.start_redis()
    with redis.Redis.from_url(server.url) as client:
        assert client.incr("calls") == 1

    server.stop()

    assert not server.folder.exists()
    with redis.Redis.from_url(server.url) as client, pytest.raises(redis.ConnectionError):
        client.ping()


def test_given_addresses_are_respected(monkeypatch):
    given = {"TEST_DATABASE_URL": "postgres://elsewhere/db", "TEST_REDIS_URL": "redis://elsewhere/0"}
    monkeypatch.setattr(servers, "start_redis", pytest.fail)
    monkeypatch.setattr(servers, "start_postgres", pytest.fail)

    with servers.running(given) as urls:
        assert urls == given


def test_without_any_redis_the_message_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(servers.shutil, "which", lambda name: None)
    monkeypatch.setattr(servers.sysconfig, "get_path", lambda name: str(tmp_path))

    with pytest.raises(servers.ServerMissing, match="TEST_REDIS_URL"):
        servers.start_redis()


def test_without_any_postgres_the_message_says_what_to_do(monkeypatch):
    monkeypatch.setattr(servers, "_can_run", lambda *arguments: False)
    monkeypatch.setattr(servers.importlib.util, "find_spec", lambda name: None)

    with pytest.raises(servers.ServerMissing, match="TEST_DATABASE_URL"):
        servers.start_postgres()


@pytest.mark.parametrize(("options", "fsync"), [([], "off"), (["--durable"], "on")])
def test_a_command_runs_with_both_servers(options, fsync):
    done = subprocess.run(
        [*servers_command(*options), sys.executable, "-c", ASK],
        env=without_addresses(),
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (done.returncode, done.stdout.split()) == (0, [fsync, "True"]), done.stderr


def test_the_exit_code_is_that_of_the_command():
    given = {"TEST_DATABASE_URL": "postgres://elsewhere/db", "TEST_REDIS_URL": "redis://elsewhere/0"}

    done = subprocess.run([*servers_command(), "sh", "-c", "exit 7"], env=os.environ | given, timeout=60)

    assert done.returncode == 7


def test_servers_end_when_their_starter_is_killed():
    show = "import os, sys; print(os.environ['DATABASE_URL'], flush=True); sys.stdin.read()"
    starter = subprocess.Popen(
        [*servers_command(), sys.executable, "-c", show],
        env=without_addresses(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with starter:
        assert starter.stdout is not None
        url = starter.stdout.readline().strip()
        folder = data_folder(url).parent

        starter.send_signal(signal.SIGKILL)

    wait_until_gone(folder)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


def servers_command(*options: str) -> list[str]:
    return [sys.executable, "-m", "tests.servers", *options, "--"]


def without_addresses() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("TEST_")}


def data_folder(url: str) -> Path:
    with psycopg.connect(url) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row
    return Path(row[0])


def wait_until_gone(folder: Path) -> None:
    deadline = time.monotonic() + 30
    while folder.exists():
        assert time.monotonic() < deadline, f"{folder} is still there"
        time.sleep(0.02)
