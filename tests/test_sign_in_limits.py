"""How often one may try at the doors, and who counts as one."""

import ipaddress

import pytest
import time_machine
from django.test import Client

from accounts.rights import Role
from accounts.services import authentication
from tests.browser import is_signed_in, password_step, signed_in
from tests.codes import code_of, enable_mfa
from tests.conftest import bearing
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


@pytest.mark.abuse("AUTH-25", "RATE-01")
@pytest.mark.parametrize("door", DOORS)
def test_the_password_step_is_limited_by_address_and_the_right_password_does_not_help(user, settings, door):
    settings.RATE_LIMIT_AUTH = "2/m"
    [password_step(user, at=door, password="wrong") for _ in range(2)]

    browser, answer = password_step(user, at=door)

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) >= 1
    assert "<h1>Please wait</h1>" in text_of(answer)
    assert not is_signed_in(browser)


@pytest.mark.abuse("AUTH-25")
def test_both_doors_share_one_limit_with_each_other_and_the_api(user, settings):
    settings.RATE_LIMIT_AUTH = "2/m"
    password_step(user, at="/sign-in", password="wrong")
    Client().post("/api/auth/login", {"email": "x", "password": "y"}, content_type="application/json")

    assert password_step(user, at="/admin/login/")[1].status_code == 429


@pytest.mark.abuse("AUTH-25")
def test_the_password_step_is_limited_by_account_too(user, settings):
    settings.RATE_LIMIT_AUTH = "1/m"
    for number in range(20):
        Client(REMOTE_ADDR=f"203.0.113.{number}").post("/sign-in", {"username": user.email, "password": "wrong"})

    answer = Client(REMOTE_ADDR="203.0.113.99").post("/sign-in", {"username": user.email, "password": PASSWORD})

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) >= 1


@pytest.mark.abuse("AUTH-25")
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


@pytest.mark.abuse("AUTH-25")
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


@pytest.mark.abuse("AUTH-25")
def test_registering_is_limited(db, settings):
    settings.RATE_LIMIT_AUTH = "1/m"
    Client().post("/register", {})

    answer = Client().post("/register", {})

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) >= 1


@pytest.mark.abuse("RATE-06")
@pytest.mark.parametrize("path", ["/sign-in", "/admin/login/", "/register"])
def test_the_doors_stay_shut_while_nobody_can_count(user, settings, path):
    down = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    settings.CACHES = {**settings.CACHES, "counters": down}
    browser = Client()

    answer = browser.post(path, {"username": user.email, "password": PASSWORD})

    assert (answer.status_code, answer["Retry-After"]) == (429, "60")
    assert not is_signed_in(browser)


def guess(address, email="mei@example.net", password="wrong"):
    body = {"email": email, "password": password}
    return Client(REMOTE_ADDR=address).post("/api/auth/login", body, content_type="application/json").status_code


@pytest.mark.abuse("AUTH-25", "RATE-02")
def test_all_addresses_of_one_ipv6_customer_count_as_one(user, settings):
    """A single machine has 2^64 of them."""
    settings.RATE_LIMIT_AUTH = "3/m"

    tried = [guess(f"2001:db8:0:7:{number:x}::1") for number in range(5)]

    assert tried == [401] * 3 + [429] * 2
    assert guess("2001:db8:0:8::1") == 401


@pytest.mark.abuse("AUTH-25")
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/auth/password", {"current_password": "guess", "new_password": "another good battery"}),
        ("/api/auth/mfa/disable", {"password": "guess", "code": "no"}),
        ("/api/auth/mfa/recovery-codes", {"password": "guess", "code": "no"}),
        ("/account/password", {"current_password": "x", "new_password": "y", "new_password_again": "y"}),
        ("/account/mfa/disable", {"password": "x", "code": "y"}),
    ],
)
def test_a_stolen_sign_in_guesses_no_password_from_many_addresses(user, settings, path, body):
    enable_mfa(user)
    api = bearing(authentication.begin(actor=user).access)
    client, form = (api, {"format": "json"}) if path.startswith("/api/") else (signed_in(user), {})
    settings.RATE_LIMIT_AUTH = "1/m"

    answers = [client.post(path, body, REMOTE_ADDR=f"203.0.113.{n}", **form).status_code for n in range(22)]

    assert 429 not in answers[:20]
    assert answers[20:] == [429, 429]


@pytest.mark.abuse("RATE-10")
def test_who_guesses_from_one_address_locks_nobody_out(user, settings):
    """The account is counted after the address, so that one address has 5 of its 100 attempts."""
    settings.RATE_LIMIT_AUTH = "5/m"
    tried = [guess("203.0.113.5") for _ in range(120)]

    assert tried == [401] * 5 + [429] * 115
    assert guess("203.0.113.6", password=PASSWORD) == 200


@pytest.mark.abuse("RATE-03")
def test_ipv4_clients_of_a_dual_stack_proxy_count_each_for_itself(user, settings):
    settings.RATE_LIMIT_AUTH = "2/m"

    first = [guess(address) for address in ("::ffff:203.0.113.5", "203.0.113.5", "::ffff:203.0.113.5")]

    assert first == [401, 401, 429]
    assert guess("::ffff:203.0.113.6") == 401


@pytest.mark.abuse("RATE-04")
@pytest.mark.parametrize("peer", ["10.0.0.1", "", "unix:", "junk", "::1", "fe80::1%eth0"])
@pytest.mark.parametrize(
    "forwarded", [None, "", "junk", ",", "a, b", "[::1]:99", "1.2.3.4:99", "::", "\xff\xfe", "1.2.3.4," * 500]
)
def test_no_address_breaks_the_count_or_gets_past_it(user, settings, peer, forwarded):
    settings.RATE_LIMIT_AUTH = "2/m"
    settings.TRUSTED_PROXIES = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::1/128")]
    headers = {"REMOTE_ADDR": peer} | ({} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded})

    def knock():
        return Client(**headers).post(
            "/api/auth/login", {"email": "x", "password": "y"}, content_type="application/json"
        )

    assert [knock().status_code for _ in range(3)] == [401, 401, 429]


@pytest.mark.abuse("RATE-08")
def test_requests_are_counted_by_address_whoever_is_signed_in(db, settings):
    settings.RATE_LIMIT_GLOBAL = "2/m"
    mei, lin = (bearing(authentication.begin(actor=make_user(Role.STAFF)).access) for _ in range(2))

    def ask(client, address):
        return client.get("/api/auth/me", REMOTE_ADDR=address).status_code

    assert [ask(mei, "203.0.113.5"), ask(lin, "203.0.113.5"), ask(lin, "203.0.113.5")] == [200, 200, 429]
    assert ask(lin, "203.0.113.6") == 200
