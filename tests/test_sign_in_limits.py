"""How often one may try at the doors of the pages."""

import pytest
import time_machine
from django.test import Client

from accounts.rights import Role
from tests.browser import is_signed_in, password_step, signed_in
from tests.codes import code_of, enable_mfa
from tests.factories import PASSWORD, make_user

CODE = "/sign-in/code"
DOORS = ["/sign-in", "/admin/login/"]


@pytest.fixture(autouse=True)
def _one_window():
    """Time stands still, so that no test crosses from one counted minute into the next."""
    with time_machine.travel("2026-06-15T03:00:10Z", tick=False):
        yield


@pytest.fixture
def user(db):
    return make_user(Role.STAFF, email="mei@example.net")


def text_of(response):
    return response.content.decode()


@pytest.mark.parametrize("door", DOORS)
def test_the_password_step_is_limited_by_address_and_the_right_password_does_not_help(user, settings, door):
    settings.RATE_LIMIT_AUTH = "2/m"
    [password_step(user, at=door, password="wrong") for _ in range(2)]

    browser, answer = password_step(user, at=door)

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) >= 1
    assert "<h1>Please wait</h1>" in text_of(answer)
    assert not is_signed_in(browser)


def test_both_doors_share_one_limit_with_each_other_and_the_api(user, settings):
    settings.RATE_LIMIT_AUTH = "2/m"
    password_step(user, at="/sign-in", password="wrong")
    Client().post("/api/auth/login", {"email": "x", "password": "y"}, content_type="application/json")

    assert password_step(user, at="/admin/login/")[1].status_code == 429


def test_the_password_step_is_limited_by_account_too(user, settings):
    settings.RATE_LIMIT_AUTH = "1/m"
    for number in range(20):
        Client(REMOTE_ADDR=f"203.0.113.{number}").post("/sign-in", {"username": user.email, "password": "wrong"})

    answer = Client(REMOTE_ADDR="203.0.113.99").post("/sign-in", {"username": user.email, "password": PASSWORD})

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) >= 1


def test_the_code_step_is_limited(user, settings):
    enable_mfa(user)
    browser, _ = password_step(user)
    settings.RATE_LIMIT_AUTH = "1/m"
    browser.post(CODE, {"code": "no"})

    answer = browser.post(CODE, {"code": code_of(user)})

    assert answer.status_code == 429
    assert "<h1>Please wait</h1>" in text_of(answer)
    assert not is_signed_in(browser)


def test_looking_at_the_doors_does_not_count(user, settings):
    settings.RATE_LIMIT_AUTH = "1/m"
    browser = Client()
    for _ in range(3):
        assert browser.get("/sign-in").status_code == 200

    assert browser.post("/sign-in", {"username": user.email, "password": PASSWORD}).status_code == 302


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/account/password", {"current_password": "x", "new_password": "y", "new_password_again": "y"}),
        ("/account/mfa/disable", {"password": "x", "code": "y"}),
        ("/account/mfa/recovery-codes", {"password": "x", "code": "y"}),
    ],
)
def test_whatever_asks_for_a_password_or_a_code_is_limited(user, settings, path, body):
    enable_mfa(user)
    browser = signed_in(user)
    settings.RATE_LIMIT_AUTH = "2/m"

    answers = [browser.post(path, body).status_code for _ in range(3)]

    assert answers == [422, 422, 429]
    assert is_signed_in(browser)


def test_registering_is_limited(db, settings):
    settings.RATE_LIMIT_AUTH = "1/m"
    Client().post("/register", {})

    answer = Client().post("/register", {})

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) >= 1


@pytest.mark.parametrize("path", ["/sign-in", "/admin/login/", "/register"])
def test_the_doors_stay_shut_while_nobody_can_count(user, settings, path):
    down = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    settings.CACHES = {**settings.CACHES, "counters": down}
    browser = Client()

    answer = browser.post(path, {"username": user.email, "password": PASSWORD})

    assert (answer.status_code, answer["Retry-After"]) == (429, "60")
    assert not is_signed_in(browser)
