"""Signing in and out with a browser: password, code, session, and where it leads."""

import json

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client

from accounts.models import TotpDevice, User
from accounts.rights import Role
from accounts.services import users
from core import security_log
from tests.browser import is_signed_in, password_step, signed_in
from tests.codes import code_of, enable_mfa
from tests.factories import PASSWORD, make_user

WRONG = "There is no active account with this e-mail and password."
BAD_CODE = "This code is not valid, or it was used already. Wait for the next one."
CODE = "/sign-in/code"
DOORS = ["/sign-in", "/admin/login/"]


@pytest.fixture(autouse=True)
def clock():
    """Time moves only when a test moves it."""
    with time_machine.travel("2026-06-15T03:00:10Z", tick=False) as traveller:
        yield traveller


@pytest.fixture
def user(db):
    return make_user(Role.STAFF, email="mei@example.net")


@pytest.fixture
def guarded(user):
    """``user`` with a second factor."""
    enable_mfa(user)
    return user


@pytest.fixture
def events(monkeypatch):
    """What the security log is told, as it goes."""
    told = []
    monkeypatch.setattr(security_log.log, "log", lambda level, form, line: told.append(json.loads(line)))
    return told


def text_of(response):
    return response.content.decode()


@pytest.mark.parametrize("door", DOORS)
def test_e_mail_and_password_sign_in(user, door):
    browser, answer = password_step(user, at=door)

    assert answer.status_code == 302
    assert is_signed_in(browser)


def test_the_start_page_is_next_and_at_the_admin_the_admin(user):
    assert password_step(user)[1]["Location"] == "/"
    assert password_step(user, at="/admin/login/")[1]["Location"] == "/admin/"


@pytest.mark.parametrize("door", DOORS)
def test_the_form_is_posted_where_it_came_from_and_has_names_that_password_managers_know(db, door):
    page = text_of(Client().get(door))

    assert f'<form method="post" action="{door}"' in page
    assert 'name="username" autocomplete="username"' in page
    assert 'autocomplete="current-password"' in page


def test_the_e_mail_may_be_typed_in_any_case(user):
    answer = Client().post("/sign-in", {"username": "MEI@example.net", "password": PASSWORD})

    assert answer.status_code == 302


@pytest.mark.abuse("AUTH-20", "AUTH-27")
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("mei@example.net", "wrong"),
        ("nobody@example.net", PASSWORD),
        ("left@example.net", PASSWORD),
        ("sync@example.net", PASSWORD),
    ],
)
def test_wrong_unknown_deactivated_and_service_accounts_get_the_same_page(user, door, email, password):
    make_user(Role.STAFF, email="left@example.net", is_active=False)
    make_user(Role.SYNC, email="sync@example.net")
    browser = Client()

    answer = browser.post(door, {"username": email, "password": password})

    assert answer.status_code == 422
    assert WRONG in text_of(answer)
    assert f'value="{email}"' in text_of(answer)
    assert password not in text_of(answer)
    assert not is_signed_in(browser)


def test_empty_fields_are_said_to_be_so(db):
    answer = Client().post("/sign-in", {})

    assert answer.status_code == 422
    assert text_of(answer).count("This field is required.") == 2


@pytest.mark.parametrize("email", ["a\x00b@example.net", "x" * 300, "' OR 1=1 --", "<script>"])
def test_an_odd_e_mail_is_an_error_of_the_form_and_comes_back_as_text(db, email):
    answer = Client().post("/sign-in", {"username": email, "password": "x"})

    assert answer.status_code == 422
    assert "<script" not in text_of(answer)


@pytest.mark.abuse("AUTH-31")
def test_a_password_of_megabytes_is_refused_before_it_is_hashed(user, monkeypatch):
    monkeypatch.setattr("tests.hashing.FastBCrypt.encode", lambda *_: pytest.fail("hashed"))

    assert password_step(user, password="x" * 2_000_000)[1].status_code == 422


def test_the_id_of_the_session_changes_at_sign_in(user):
    browser = Client()
    session = browser.session
    session["planted"] = "by somebody else"
    session.save()
    before = session.session_key

    browser.post("/sign-in", {"username": user.email, "password": PASSWORD})

    assert browser.session.session_key != before
    assert "planted" not in browser.session
    assert not Session.objects.filter(pk=before).exists()


def test_signing_in_is_told_to_the_security_log_and_nobody_else(user, events):
    password_step(user)

    (told,) = [event for event in events if event["event"] == "signed_in"]
    assert (told["user_id"], told["door"], told["ip_address"]) == (user.pk, "page", "127.0.0.1")


@pytest.mark.abuse("AUTH-02")
def test_after_the_password_those_with_a_second_factor_are_asked_for_a_code_and_nobody_is_signed_in(guarded, events):
    browser, answer = password_step(guarded)

    assert (answer.status_code, answer["Location"]) == (302, CODE)
    assert set(browser.session.keys()) == {"held_sign_in"}
    assert "signed_in" not in [event["event"] for event in events]
    assert User.objects.get().last_login is None


@pytest.mark.abuse("AUTH-02", "AUTHZ-09")
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("path", "sent_to"),
    [
        ("/", "/sign-in?next=/"),
        ("/account", "/sign-in?next=/account"),
        ("/account/password", "/sign-in?next=/account/password"),
        ("/account/mfa", "/sign-in?next=/account/mfa"),
        ("/account/mfa/verify", "/sign-in?next=/account/mfa/verify"),
        ("/account/mfa/disable", "/sign-in?next=/account/mfa/disable"),
        ("/account/mfa/recovery-codes", "/sign-in?next=/account/mfa/recovery-codes"),
        ("/audit", "/sign-in?next=/audit"),
        ("/api/docs", "/sign-in?next=/api/docs"),
        ("/admin/", "/admin/login/?next=/admin/"),
    ],
)
def test_the_password_alone_opens_no_page(guarded, door, path, sent_to):
    browser, _ = password_step(guarded, at=door)

    answer = browser.get(path)

    assert (answer.status_code, answer["Location"]) == (302, sent_to)


@pytest.mark.abuse("AUTH-02")
@pytest.mark.parametrize("path", ["/api/auth/me", "/api/products", "/api/schema", "/api/audit-log"])
def test_the_password_alone_opens_no_api(guarded, path):
    browser, _ = password_step(guarded)

    assert browser.get(path).status_code == 401


def test_a_code_completes_the_sign_in(guarded):
    browser, _ = password_step(guarded, next="/account/password")
    held = browser.session.session_key

    answer = browser.post(CODE, {"code": code_of(guarded)})

    assert (answer.status_code, answer["Location"]) == (302, "/account/password")
    assert is_signed_in(browser)
    assert browser.get("/api/auth/me").status_code == 200
    assert browser.session.session_key != held
    assert "held_sign_in" not in browser.session
    assert not Session.objects.filter(pk=held).exists()


def test_at_the_admin_the_code_leads_to_the_admin(guarded):
    browser, _ = password_step(guarded, at="/admin/login/")

    answer = browser.post(CODE, {"code": code_of(guarded)})

    assert answer["Location"] == "/admin/"
    assert browser.get("/admin/").status_code == 200


def test_a_wrong_code_signs_nobody_in(guarded):
    browser, _ = password_step(guarded)
    wrong = "000000" if code_of(guarded) != "000000" else "111111"

    answer = browser.post(CODE, {"code": wrong})

    assert answer.status_code == 422
    assert BAD_CODE in text_of(answer)
    assert not is_signed_in(browser)


@pytest.mark.abuse("AUTH-07")
def test_a_code_works_once(guarded):
    code = code_of(guarded)
    first, _ = password_step(guarded)
    second, _ = password_step(guarded)

    assert first.post(CODE, {"code": code}).status_code == 302
    assert second.post(CODE, {"code": code}).status_code == 422
    assert not is_signed_in(second)


@pytest.mark.abuse("AUTH-05")
def test_after_a_wrong_code_one_has_to_wait_and_is_told_how_long(guarded):
    browser, _ = password_step(guarded)
    browser.post(CODE, {"code": "no"})

    answer = browser.post(CODE, {"code": code_of(guarded)})

    assert (answer.status_code, answer["Retry-After"]) == (429, "2")
    assert "Try again in 2 seconds, or use a recovery code." in text_of(answer)
    assert 'name="code"' in text_of(answer)
    assert not is_signed_in(browser)


@pytest.mark.abuse("AUTH-09", "AUTH-13")
def test_a_recovery_code_replaces_the_app_once_and_does_not_wait(user):
    code = enable_mfa(user)[0]
    browser, _ = password_step(user)
    browser.post(CODE, {"code": "no"})
    other, _ = password_step(user)

    assert browser.post(f"{CODE}?recovery", {"code": code}).status_code == 302
    assert other.post(f"{CODE}?recovery", {"code": code}).status_code == 422
    assert is_signed_in(browser)
    assert not is_signed_in(other)
    assert len(TotpDevice.objects.get().recovery_digests) == 9


def test_the_code_page_asks_for_digits_and_on_request_for_a_recovery_code(guarded):
    browser, _ = password_step(guarded)

    digits, recovery = text_of(browser.get(CODE)), text_of(browser.get(f"{CODE}?recovery"))

    assert 'autocomplete="one-time-code" inputmode="numeric"' in digits
    assert 'inputmode="text"' in recovery
    assert f'action="{CODE}?recovery"' in recovery


@pytest.mark.parametrize(("seconds", "leads_to"), [(299, "/"), (300, "/sign-in"), (3_600, "/sign-in")])
def test_the_code_has_to_follow_within_five_minutes(guarded, clock, seconds, leads_to):
    browser, _ = password_step(guarded)
    clock.shift(seconds)

    answer = browser.post(CODE, {"code": code_of(guarded)})

    assert (answer.status_code, answer["Location"]) == (302, leads_to)
    assert is_signed_in(browser) == (seconds < 300)


def test_without_a_password_there_is_nothing_to_send_a_code_for(guarded):
    browser = Client()

    answer = browser.post(CODE, {"code": code_of(guarded)}, follow=True)

    assert answer.redirect_chain == [("/sign-in", 302)]
    assert "Sign in with your password first." in text_of(answer)
    assert not is_signed_in(browser)


@pytest.mark.abuse("AUTH-20", "AUTH-22", "AUTH-24")
@pytest.mark.parametrize("change", ["password", "deactivated", "deactivated by SQL", "role", "signed out everywhere"])
def test_a_changed_account_ends_a_sign_in_that_waits_for_its_code(guarded, change):
    browser, _ = password_step(guarded)
    {
        "password": lambda: users.change_password(PASSWORD, "another good battery", actor=guarded),
        "deactivated": lambda: users.change(guarded.pk, is_active=False, actor=make_user()),
        "deactivated by SQL": lambda: User.objects.filter(pk=guarded.pk).update(is_active=False),
        "role": lambda: users.change(guarded.pk, role=Role.VIEWER, actor=make_user()),
        "signed out everywhere": lambda: users.end_sign_ins(actor=guarded),
    }[change]()

    answer = browser.post(CODE, {"code": code_of(guarded)})

    assert answer["Location"] == "/sign-in"
    assert not is_signed_in(browser)


def test_the_password_of_another_account_takes_the_place_of_a_sign_in_that_waits(guarded):
    other = make_user(Role.STAFF)
    browser, _ = password_step(guarded)

    browser.post("/sign-in", {"username": other.email, "password": PASSWORD})

    assert browser.get("/api/auth/me").json()["email"] == other.email
    assert browser.post(CODE, {"code": code_of(guarded)})["Location"] == "/sign-in"
    assert browser.get("/api/auth/me").json()["email"] == other.email


OURS = ["/audit", "/account/password?x=1", "/audit?table=users&record=1", "http://testserver/audit"]
NOT_OURS = [
    "https://evil.example/",
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "http:///evil.example",
    "javascript:alert(1)",
    "https:evil.example",
    " https://evil.example",
    "http://testserver@evil.example/",
    "http://testserver.evil.example/",
    "x" * 2_001,
]
DOORS_AGAIN = ["/sign-in", "/sign-in?next=/sign-in", "/sign-in/code", "/sign-out", "/admin/login/?next=/admin/"]


@pytest.mark.parametrize("target", OURS)
def test_next_leads_to_a_page_of_ours(user, target):
    assert password_step(user, next=target)[1]["Location"] == target


@pytest.mark.parametrize("target", NOT_OURS + DOORS_AGAIN)
def test_next_leads_nowhere_else_and_in_no_circle(user, target):
    assert password_step(user, next=target)[1]["Location"] == "/"
    assert signed_in(user).get("/sign-in", {"next": target})["Location"] == "/"


@pytest.mark.parametrize("target", NOT_OURS)
def test_next_leads_nowhere_else_after_a_code(guarded, target):
    browser, _ = password_step(guarded, next=target)

    assert browser.post(CODE, {"code": code_of(guarded)})["Location"] == "/"


def test_next_of_the_address_is_kept_by_the_form(db):
    assert 'name="next" value="/audit?table=users"' in text_of(Client().get("/sign-in?next=/audit%3Ftable=users"))
    assert 'name="next" value="/"' in text_of(Client().get("/sign-in?next=//evil.example"))


def test_who_is_signed_in_already_is_sent_on(user):
    assert signed_in(user).get("/sign-in?next=/audit")["Location"] == "/audit"


def test_who_may_not_use_the_office_is_told_so_and_not_sent_in_circles(db, events):
    browser = signed_in(make_user(Role.VIEWER))

    answer = browser.get("/admin/login/?next=/admin/")

    assert answer.status_code == 403
    assert "right_refused" in [event["event"] for event in events]


def test_signing_out_ends_the_session(user, events):
    browser = signed_in(user)
    key = browser.session.session_key

    answer = browser.post("/sign-out", follow=True)

    assert answer.redirect_chain == [("/sign-in", 302)]
    assert "You are signed out." in text_of(answer)
    assert not Session.objects.filter(pk=key).exists()
    assert [event["user_id"] for event in events if event["event"] == "signed_out"] == [user.pk]


@pytest.mark.parametrize("method", ["get", "head", "put", "delete"])
def test_signing_out_takes_a_post(user, method):
    browser = signed_in(user)

    answer = getattr(browser, method)("/sign-out")

    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert is_signed_in(browser)
