"""How often one may ask, what happens when nobody can count, and the headers on every answer."""

import os
import subprocess
import sys

import pytest
import time_machine
from rest_framework.test import APIClient

from accounts.rights import Role
from inventory import selectors
from sales.models import Sale
from tests.conftest import api
from tests.factories import PASSWORD, make_product, make_user

LOGIN, REFRESH, ME = "/api/auth/login", "/api/auth/refresh", "/api/auth/me"
NOWHERE = "redis://127.0.0.1:1/0"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    ),
    "Cache-Control": "no-store",
}


@pytest.fixture(autouse=True)
def _one_window():
    """Time stands still, so that no test crosses from one counted minute into the next."""
    with time_machine.travel("2026-06-15T03:00:00Z", tick=False):
        yield


@pytest.fixture
def counters_down(settings):
    settings.CACHES = {
        **settings.CACHES,
        "counters": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": NOWHERE},
    }


def log_in(email="nobody@example.net", password="wrong", **headers):
    return APIClient().post(LOGIN, {"email": email, "password": password}, format="json", **headers)


def statuses(times, ask):
    return [ask().status_code for _ in range(times)]


def assert_too_many(response):
    wait = int(response["Retry-After"])
    assert response.status_code == 429
    assert response["Content-Type"] == "application/json"
    assert 1 <= wait <= 61
    assert response.json() == {
        "code": "too_many_requests",
        "detail": f"Too many requests. Try again in {wait} seconds.",
    }


def test_the_limits_are_100_a_minute_and_5_for_a_sign_in_door():
    environ = {name: value for name, value in os.environ.items() if not name.startswith("RATE_LIMIT")}
    code = "from config.settings import base; print(base.RATE_LIMIT_GLOBAL, base.RATE_LIMIT_AUTH)"
    told = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)

    assert told.stdout.split() == ["100/m", "5/m"]


@pytest.mark.abuse("RATE-01")
def test_everything_together_is_limited(client_api, settings):
    settings.RATE_LIMIT_GLOBAL = "3/m"
    product = make_product(on_hand=5)
    body = {"product_id": product.pk, "quantity": 1}

    allowed = statuses(3, lambda: client_api.get(ME))
    refused = client_api.post("/api/inventory/sale", body, format="json")

    assert allowed == [200, 200, 200]
    assert_too_many(refused)
    assert not Sale.objects.exists()


def test_refused_and_unknown_requests_count_too(db, settings):
    settings.RATE_LIMIT_GLOBAL = "3/m"
    client = APIClient()

    found = [client.get(path).status_code for path in ("/api/nothing", ME, "/nothing", ME)]

    assert found == [404, 401, 404, 429]


@pytest.mark.abuse("RATE-01")
def test_the_limit_is_a_page_for_people(db, settings):
    settings.RATE_LIMIT_GLOBAL = "1/m"
    client = APIClient()
    client.get("/nothing")

    response = client.get("/nothing")

    assert response.status_code == 429
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert "<h1>Please wait</h1>" in response.content.decode()
    assert int(response["Retry-After"]) >= 1


def test_the_count_starts_anew_after_the_window(client_api, admin, settings):
    settings.RATE_LIMIT_GLOBAL = "1/m"

    assert statuses(2, lambda: client_api.get(ME)) == [200, 429]
    with time_machine.travel("2026-06-15T03:01:01Z", tick=False):
        assert api(admin).get(ME).status_code == 200


@pytest.mark.abuse("RATE-03")
def test_another_address_has_its_own_count(client_api, settings):
    settings.RATE_LIMIT_GLOBAL = "1/m"

    assert statuses(2, lambda: client_api.get(ME, REMOTE_ADDR="203.0.113.5")) == [200, 429]
    assert client_api.get(ME, REMOTE_ADDR="203.0.113.6").status_code == 200


@pytest.mark.abuse("RATE-02")
def test_a_made_up_x_forwarded_for_gives_no_new_count(db, settings):
    settings.RATE_LIMIT_AUTH = "2/m"

    found = [log_in(HTTP_X_FORWARDED_FOR=f"198.51.100.{number}").status_code for number in range(3)]

    assert found == [401, 401, 429]


@pytest.mark.abuse("RATE-12")
@pytest.mark.parametrize("path", ["/health", "/health/", "/health/ready", "/static/nothing.css"])
def test_health_and_static_files_do_not_count(db, settings, path):
    settings.RATE_LIMIT_GLOBAL = "1/m"
    client = APIClient()

    assert 429 not in statuses(3, lambda: client.get(path))
    assert client.get(ME).status_code == 401


@pytest.mark.abuse("AUTH-25", "RATE-01")
def test_a_sign_in_door_is_limited_and_the_right_password_does_not_help(db, settings):
    settings.RATE_LIMIT_AUTH = "5/m"
    user = make_user(Role.STAFF)

    wrong = statuses(5, log_in)
    right = log_in(user.email, PASSWORD)

    assert wrong == [401] * 5
    assert_too_many(right)


def test_successful_sign_ins_count_too(db, settings):
    settings.RATE_LIMIT_AUTH = "2/m"
    user = make_user(Role.STAFF)

    assert statuses(3, lambda: log_in(user.email, PASSWORD)) == [200, 200, 429]


@pytest.mark.abuse("AUTH-25", "RATE-01")
def test_the_refresh_door_is_limited(db, settings):
    settings.RATE_LIMIT_AUTH = "2/m"
    client = APIClient()

    def refresh():
        return client.post(REFRESH, {"refresh_token": "abc"}, format="json")

    assert statuses(2, refresh) == [401, 401]
    assert_too_many(refresh())


def test_a_full_sign_in_door_leaves_the_rest_open(client_api, settings):
    settings.RATE_LIMIT_AUTH = "1/m"

    assert statuses(2, log_in) == [401, 429]
    assert client_api.get(ME).status_code == 200


@pytest.mark.abuse("RATE-06")
@pytest.mark.parametrize("path", [LOGIN, REFRESH])
def test_a_sign_in_door_stays_shut_while_nobody_can_count(db, counters_down, path, told):
    user = make_user(Role.STAFF)

    response = APIClient().post(path, {"email": user.email, "password": PASSWORD}, format="json")

    assert_too_many(response)
    assert response["Retry-After"] == "60"
    assert ("counters_down", "ConnectionError") in [(event["event"], event.get("reason")) for event in told()]


@pytest.mark.abuse("RATE-06")
def test_everything_else_stays_open_while_nobody_can_count(client_api, counters_down):
    product = make_product(on_hand=5)

    response = client_api.post("/api/inventory/sale", {"product_id": product.pk, "quantity": 1}, format="json")

    assert response.status_code == 201


def crash(*_, **__):
    raise RuntimeError("a bug")


ANSWERS = {
    200: ("GET", "/api/inventory"),
    201: ("POST", "/api/suppliers"),
    302: ("GET", "/"),
    400: ("POST", "/api/products"),
    401: ("GET", ME),
    404: ("GET", "/api/nothing"),
    405: ("DELETE", "/api/products"),
    429: ("GET", ME),
    500: ("GET", "/api/inventory/stats"),
}


@pytest.mark.abuse("WEB-01", "WEB-13", "DATA-13")
@pytest.mark.parametrize("status", ANSWERS)
def test_every_answer_carries_the_security_headers(client_api, settings, monkeypatch, status):
    method, path = ANSWERS[status]
    client = APIClient() if status == 401 else client_api
    client.raise_request_exception = False
    monkeypatch.setattr(selectors, "stats", crash)
    settings.RATE_LIMIT_GLOBAL = "0/m" if status == 429 else "100/m"
    body = {"name": "Factory"} if status == 201 else {}

    response = client.generic(method, path, str(body).replace("'", '"'), content_type="application/json")

    assert response.status_code == status
    assert {name: response.headers.get(name) for name in HEADERS} == HEADERS


@pytest.mark.abuse("WEB-01", "WEB-13", "DATA-13")
@pytest.mark.parametrize("path", ["/health", "/nothing", "/admin/login/"])
def test_pages_carry_them_too(db, path):
    response = APIClient().get(path)

    assert {name: response.headers.get(name) for name in HEADERS} == {
        **HEADERS,
        "Cache-Control": response.headers["Cache-Control"],
    }
    assert "no-store" in response["Cache-Control"]


@pytest.mark.abuse("DATA-07")
def test_a_bug_is_answered_in_the_shape_of_errors_and_tells_nothing(client_api, monkeypatch):
    client_api.raise_request_exception = False
    monkeypatch.setattr(selectors, "stats", crash)

    response = client_api.get("/api/inventory/stats")

    assert response.status_code == 500
    assert response.json() == {
        "code": "error",
        "detail": "Something went wrong on our side. It has been recorded.",
    }


@pytest.mark.abuse("WEB-14")
@pytest.mark.parametrize("origin", ["https://inventory.yourdomain.com", "http://localhost:3000"])
def test_a_listed_origin_may_read(client_api, origin):
    assert client_api.get(ME, HTTP_ORIGIN=origin)["Access-Control-Allow-Origin"] == origin


@pytest.mark.abuse("WEB-14")
@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://localhost:3001",
        "https://inventory.yourdomain.com.evil.example",
        "https://inventoryXyourdomain.com",
        "http://inventory.yourdomain.com",
    ],
)
def test_another_origin_may_not(client_api, origin):
    response = client_api.get(ME, HTTP_ORIGIN=origin)

    assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.abuse("WEB-10")
def test_a_host_that_is_not_ours_is_refused_in_the_shape_of_errors(db):
    response = APIClient().get(ME, HTTP_HOST="evil.example")

    assert response.status_code == 400
    assert response.json() == {"code": "bad_request", "detail": "This request cannot be read."}
