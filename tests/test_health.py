"""Whether Godown lives, whether it can work, and what it answers while something that it needs is down."""

import contextlib
import os
import pickle
import socket
import time
from collections.abc import Iterator
from threading import Event, Thread
from types import SimpleNamespace
from urllib.parse import urlsplit

import httpx
import pytest
from celery import signals
from django.core.cache import caches
from django.db import DatabaseError
from django.test import Client
from kombu.exceptions import ContentDisallowed, OperationalError
from kombu.serialization import loads, prepare_accept_content

from accounts.models import User
from accounts.services import authentication
from config.celery import app
from core import health
from core.tasks import heartbeat
from sales.models import Sale
from tests.browser import signed_in
from tests.factories import PASSWORD, make_product, make_user, on_hand
from tests.live import database_url, server

READY = "/health/ready"
ALL_OK = {"database": "ok", "cache": "ok", "broker": "ok", "beat": "ok"}


@pytest.fixture
def beating():
    heartbeat()


def crash():
    raise DatabaseError("gone")


@pytest.mark.abuse("DEP-10")
@pytest.mark.parametrize("path", ["/health", "/health/"])
def test_health_is_open_and_says_ok(path):
    response = Client().get(path)

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response.json() == {"status": "ok"}
    assert not response.cookies


def test_health_asks_no_database(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        Client().get("/health")


@pytest.mark.parametrize("path", ["/health", READY])
def test_health_answers_head_without_a_body(db, beating, path):
    response = Client().head(path)

    assert response.status_code == 200
    assert response.content == b""


@pytest.mark.parametrize("path", ["/health", READY])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_health_only_answers_questions(path, method):
    assert Client().generic(method, path).status_code == 405


def test_ready_names_every_part(db, beating):
    response = Client().get(READY)

    assert response.status_code == 200
    assert response.json() == {"status": "ok", "checks": ALL_OK}


@pytest.mark.parametrize("part", ["database", "cache", "broker", "beat"])
@pytest.mark.parametrize("failure", [crash, lambda: False])
def test_one_part_down_is_503_and_named(db, beating, monkeypatch, part, failure):
    monkeypatch.setattr(health, f"_{part}", failure)

    response = Client().get(READY)

    assert response.status_code == 503
    assert response.json() == {"status": "down", "checks": {**ALL_OK, part: "down"}}


@pytest.mark.abuse("DEP-10")
def test_ready_does_not_tell_why(db, beating, monkeypatch):
    monkeypatch.setattr(health, "_database", crash)

    assert b"gone" not in Client().get(READY).content


def test_a_beat_that_never_was_is_down(db):
    assert Client().get(READY).json()["checks"] == {**ALL_OK, "beat": "down"}


@pytest.mark.parametrize(("age", "beat"), [(170, "ok"), (190, "down")])
def test_a_beat_is_late_after_three_minutes(db, age, beat):
    caches["default"].set(health.HEARTBEAT, time.time() - age, None)

    assert Client().get(READY).json()["checks"]["beat"] == beat


def test_a_cache_that_cannot_be_reached_is_down(db, beating, settings):
    nowhere = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    settings.CACHES = {**settings.CACHES, "counters": nowhere}

    response = Client().get(READY)

    assert response.status_code == 503
    assert response.json()["checks"]["cache"] == "down"


# While something is down


class Wire:
    """A line between Godown and one of its servers, which can be cut, held and mended."""

    def __init__(self, url: str) -> None:
        self._there = urlsplit(url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._is_cut = False
        self._flowing = Event()
        self._flowing.set()
        self._open: list[socket.socket] = []
        Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """The address of the server, by this line."""
        account = self._there.netloc.rpartition("@")[0]
        port = self._listener.getsockname()[1]
        return self._there._replace(netloc=f"{account}@127.0.0.1:{port}").geturl()

    def cut(self) -> None:
        """Hang up, and do so at once with whoever calls."""
        self._is_cut = True
        while self._open:
            _hang_up(self._open.pop())

    def hold(self) -> None:
        """Let calls come in and nothing come out."""
        self._flowing.clear()

    def mend(self) -> None:
        """Be as before."""
        self._is_cut = False
        self._flowing.set()

    def end(self) -> None:
        """Hang up for good."""
        self.cut()
        self._flowing.set()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self._listener.accept()
            except OSError:
                return
            self._flowing.wait()
            if self._is_cut:
                _hang_up(here)
                continue
            there = socket.create_connection((self._there.hostname, self._there.port))
            self._open += [here, there]
            for source, target in ((here, there), (there, here)):
                Thread(target=self._pump, args=(source, target), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                self._flowing.wait()
                target.sendall(data)
        _hang_up(source)
        _hang_up(target)


def _hang_up(line: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the other side may have been first
        line.shutdown(socket.SHUT_RDWR)
    line.close()


@pytest.fixture
def wired(transactional_db: None) -> Iterator[SimpleNamespace]:
    """The real server behind two such lines, and a client that is signed in at the API and at the pages."""
    user, product = make_user(), make_product(on_hand=5)
    database, redis = Wire(database_url()), Wire(os.environ["REDIS_URL"])
    session = signed_in(user).cookies["sessionid"].value
    token = authentication.begin(actor=User.objects.get(pk=user.pk)).access
    headers = {"Authorization": f"Bearer {token}", "Cookie": f"sessionid={session}"}
    try:
        with (
            server(workers=1, DATABASE_URL=database.url, REDIS_URL=redis.url) as running,
            httpx.Client(base_url=running.address, headers=headers, timeout=10) as client,
        ):
            yield SimpleNamespace(client=client, database=database, redis=redis, user=user, product=product)
    finally:
        database.end()
        redis.end()


def sell_one(wired: SimpleNamespace, key: str) -> httpx.Response:
    body = {"product_id": wired.product.pk, "quantity": 1}
    return wired.client.post("/api/inventory/sale", json=body, headers={"Idempotency-Key": key})


def healths(wired: SimpleNamespace) -> list[httpx.Response]:
    """What a probe is told: one without cookies."""
    return [httpx.get(wired.client.base_url.join(path), timeout=10) for path in ("/health", READY)]


def log_in(wired: SimpleNamespace) -> httpx.Response:
    return wired.client.post("/api/auth/login", json={"email": wired.user.email, "password": PASSWORD})


@pytest.mark.postgres
@pytest.mark.abuse("CON-09")
def test_without_its_database_godown_says_so_loses_nothing_and_goes_on_once_it_is_back(wired):
    assert [wired.client.get(path).status_code for path in ("/account", "/api/products")] == [200, 200]

    wired.database.cut()
    down = [wired.client.get(path) for path in ("/account", "/admin/", "/api/products", "/api/auth/me", "/nothing")]
    down += [sell_one(wired, "once"), log_in(wired)]
    alive, ready = healths(wired)
    wired.database.mend()
    after = [wired.client.get("/api/products").status_code for _ in range(3)]
    sold = [sell_one(wired, "once") for _ in range(2)]

    assert [(answer.status_code, answer.headers["Retry-After"]) for answer in down] == [(503, "5")] * 7
    assert {answer.headers["Content-Type"] for answer in down} == {"application/json", "text/html; charset=utf-8"}
    assert not [answer.text for answer in down if "127.0.0.1" in answer.text or "postgres" in answer.text]
    assert (alive.status_code, ready.json()["checks"]["database"]) == (200, "down")
    assert after[1:] == [200, 200]
    assert [answer.status_code for answer in sold] == [201, 201]
    assert (Sale.objects.count(), on_hand(wired.product)) == (1, 4)


@pytest.mark.postgres
@pytest.mark.abuse("CON-09")
@pytest.mark.parametrize("how", ["cut", "hold"])
def test_without_redis_the_doors_are_shut_everything_else_is_open_and_no_request_hangs(wired, how):
    assert log_in(wired).status_code == 200

    getattr(wired.redis, how)()
    shut, sold = log_in(wired), sell_one(wired, how)
    page, (alive, ready) = wired.client.get("/account"), healths(wired)
    wired.redis.mend()
    opened = [log_in(wired).status_code for _ in range(2)]

    assert (shut.status_code, shut.headers["Retry-After"]) == (429, "60")
    assert (sold.status_code, page.status_code, alive.status_code) == (201, 200, 200)
    assert ready.json()["checks"] == {"database": "ok", "cache": "down", "broker": "down", "beat": "down"}
    assert opened[-1] == 200
    assert (Sale.objects.count(), on_hand(wired.product)) == (1, 4)


@pytest.mark.postgres
@pytest.mark.abuse("CON-09")
def test_a_request_does_not_wait_for_ever_to_put_a_job_into_a_queue_that_hangs(monkeypatch):
    redis = Wire(os.environ["REDIS_URL"])
    redis.hold()
    waits = app.conf.broker_transport_options
    assert max(waits["socket_timeout"], waits["socket_connect_timeout"]) <= 5
    monkeypatch.setitem(waits, "socket_timeout", 0.1)
    try:
        with pytest.raises(OperationalError), app.connection_for_write(redis.url) as line:
            app.send_task("core.tasks.heartbeat", connection=line)
    finally:
        redis.end()


@pytest.mark.abuse("INT-11")
@pytest.mark.parametrize("kind", ["application/x-python-serialize", "application/x-yaml", "application/x-msgpack"])
def test_a_job_that_is_no_json_is_not_unpacked(kind):
    taken = prepare_accept_content(app.conf.accept_content)
    assert loads(b'{"a": 1}', "application/json", "utf-8", accept=taken) == {"a": 1}

    with pytest.raises(ContentDisallowed):
        loads(pickle.dumps({"a": 1}), kind, "binary", accept=taken)


@pytest.mark.abuse("CON-09", "CON-11")
def test_a_worker_waits_for_a_queue_that_hangs_and_keeps_its_jobs():
    conf = SimpleNamespace(broker_transport_options={"socket_timeout": 3, "socket_connect_timeout": 3, "other": 1})

    signals.celeryd_init.send(sender="celery@here", instance=None, conf=conf)

    assert conf.broker_transport_options == {"other": 1}
