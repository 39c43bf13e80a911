"""One's own account in the browser: registration, password, second factor, signing out everywhere."""

import re

import pytest
import time_machine
from django.test import Client

from accounts.models import AuditLog, SignIn, TotpDevice, User
from accounts.rights import Role
from accounts.services import mfa
from tests.browser import is_signed_in, password_step, signed_in
from tests.codes import code_of, enable_mfa
from tests.conftest import api
from tests.factories import PASSWORD, make_user

BETTER = "another good battery"
STRANGER = {"email": "new@example.net", "password": BETTER, "password_again": BETTER}
CHANGE = {"current_password": PASSWORD, "new_password": BETTER, "new_password_again": BETTER}
MFA, VERIFY, DISABLE, CODES = (f"/account/mfa{step}" for step in ("", "/verify", "/disable", "/recovery-codes"))
RECOVERY_CODE = re.compile("<code>([a-z2-7-]{29})</code>")


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
def browser(user):
    return signed_in(user)


def text_of(response):
    return response.content.decode()


def test_registration_makes_an_account_of_the_staff(db):
    answer = Client().post("/register", STRANGER, follow=True)

    assert answer.redirect_chain == [("/sign-in", 302)]
    assert User.objects.values_list("email", "role", "is_active").get() == ("new@example.net", "STAFF", True)
    assert password_step(User.objects.get(), password=BETTER)[1].status_code == 302


@pytest.mark.abuse("AUTH-27")
def test_registration_answers_alike_for_a_known_e_mail_and_changes_nothing(user):
    known = Client().post("/register", {**STRANGER, "email": "Mei@example.net"}, follow=True)
    new = Client().post("/register", STRANGER, follow=True)

    def told(answer, email):
        notice = re.search(r'notice-success" role="status">(.*?)</li>', text_of(answer)).group(1)
        return notice.replace(email, "")

    assert told(known, "Mei@example.net") == told(new, "new@example.net") != ""
    assert known.redirect_chain == new.redirect_chain
    assert User.objects.get(pk=user.pk).check_password(PASSWORD)
    assert User.objects.count() == 2


@pytest.mark.abuse("AUTH-28")
def test_registration_takes_no_role(db):
    Client().post("/register", {**STRANGER, "role": "ADMIN", "is_active": "0"})

    assert User.objects.get().role == Role.STAFF


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_closed_registration_is_403_and_makes_nobody(db, settings, method):
    settings.REGISTRATION = "closed"

    answer = getattr(Client(), method)("/register", STRANGER)

    assert answer.status_code == 403
    assert "Registration is closed. Ask an administrator for an account." in text_of(answer)
    assert not User.objects.exists()
    assert "/register" not in text_of(Client().get("/sign-in"))


@pytest.mark.abuse("AUTH-32")
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"password": "short", "password_again": "short"}, "This password is too short."),
        ({"password": "password1", "password_again": "password1"}, "This password is too common."),
        ({"password_again": "something else"}, "The two passwords differ."),
        ({"email": "no e-mail"}, "Enter a valid email address."),
        ({"email": "a\x00@example.net"}, "Null characters are not allowed."),
        ({"password": "x" * 129, "password_again": "x" * 129}, "at most 128 characters"),
    ],
)
def test_registration_says_what_is_wrong_and_makes_nobody(db, change, told):
    answer = Client().post("/register", {**STRANGER, **change})

    assert answer.status_code == 422
    assert told in text_of(answer)
    assert not User.objects.exists()


def test_the_account_page_tells_who_one_is_in_words(browser, user):
    page = text_of(browser.get("/account"))

    assert "<dd>mei@example.net</dd>" in page
    assert "<dd>Office staff</dd>" in page
    assert "15 Jun 2026, 10:00" in page


def test_the_account_page_counts_the_recovery_codes(guarded):
    browser, _ = password_step(guarded)
    browser.post("/sign-in/code", {"code": enabled_again(guarded)})

    assert "9 recovery codes left." in text_of(browser.get("/account"))


def enabled_again(user):
    """Return a recovery code of ``user``, who gets new ones."""
    return mfa.renew_recovery_codes(PASSWORD, code_of(user), actor=user)[0]


@pytest.mark.abuse("AUTH-22")
def test_the_password_is_changed_and_only_this_session_goes_on(user, browser):
    elsewhere, key = signed_in(user), browser.session.session_key
    token = api(user)

    answer = browser.post("/account/password", CHANGE, follow=True)

    assert answer.redirect_chain == [("/account", 302)]
    assert "Your password is changed. Everywhere else you were signed out." in text_of(answer)
    assert User.objects.get().check_password(BETTER)
    assert browser.session.session_key != key
    assert not is_signed_in(elsewhere)
    assert token.get("/api/auth/me").status_code == 401
    assert not SignIn.objects.exists()


def test_a_changed_password_leaves_this_session_verified(guarded):
    browser = signed_in(guarded)

    browser.post("/account/password", CHANGE)

    assert is_signed_in(browser)
    assert browser.get("/api/auth/me").json()["mfa_enabled"] is True


@pytest.mark.abuse("AUTH-32", "AUTH-33")
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"current_password": "wrong"}, "This is not your current password."),
        ({"new_password": "short", "new_password_again": "short"}, "This password is too short."),
        ({"new_password": "mei@example.net", "new_password_again": "mei@example.net"}, "too similar to the email"),
        ({"new_password_again": "something else"}, "The two passwords differ."),
        ({"new_password": "", "new_password_again": ""}, "This field is required."),
    ],
)
def test_a_refused_password_is_told_next_to_its_field_and_changes_nothing(user, browser, change, told):
    elsewhere = signed_in(user)

    answer = browser.post("/account/password", {**CHANGE, **change})

    field = "current_password" if "current_password" in change else "new_password"
    assert answer.status_code == 422
    assert re.search(rf'id="id_{field}(_again)?_error"[^>]*>\s*<li>[^<]*{told}', text_of(answer))
    assert User.objects.get().check_password(PASSWORD)
    assert is_signed_in(elsewhere)
    assert not AuditLog.objects.filter(action="UPDATE").exists()


def test_setting_up_shows_secret_and_qr_code_and_guards_nothing_yet(user, browser):
    shown = browser.post(MFA, follow=True)

    secret = TotpDevice.objects.get().reveal_secret()
    assert shown.redirect_chain == [(VERIFY, 302)]
    assert secret in text_of(shown)
    assert f"otpauth://totp/Godown%3Amei%40example.net?secret={secret}" in text_of(shown)
    assert re.search(r"<svg[^>]*><path[^>]*/></svg>", text_of(shown))
    assert User.objects.get().mfa_enabled is False


def test_a_secret_that_is_not_verified_yet_is_shown_again_and_to_nobody_else(user, browser):
    browser.post(MFA)
    secret = TotpDevice.objects.get().reveal_secret()

    assert secret in text_of(browser.get(VERIFY))
    assert secret not in text_of(browser.get(MFA))
    assert signed_in(make_user(Role.ADMIN)).get(VERIFY)["Location"] == MFA


@pytest.mark.abuse("AUTH-09")
def test_the_first_code_turns_it_on_shows_ten_codes_once_and_keeps_only_this_session(user, browser):
    elsewhere, token = signed_in(user), api(user)
    browser.post(MFA)

    answer = browser.post(VERIFY, {"code": code_of(user)})

    codes = RECOVERY_CODE.findall(text_of(answer))
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    assert len(set(codes)) == 10
    assert User.objects.get().mfa_enabled is True
    assert is_signed_in(browser)
    assert not is_signed_in(elsewhere)
    assert token.get("/api/auth/me").status_code == 401
    assert codes[0] not in text_of(browser.get(MFA))
    assert password_step(user)[1]["Location"] == "/sign-in/code"


def test_the_page_with_the_codes_knows_that_the_second_factor_is_on(browser, user, settings):
    settings.MFA_REQUIRED_ROLES = {"STAFF"}
    browser.post(MFA)

    answer = browser.post(VERIFY, {"code": code_of(user)})

    assert 'href="/audit"' in text_of(answer)


def test_a_wrong_first_code_turns_nothing_on(user, browser):
    browser.post(MFA)

    answer = browser.post(VERIFY, {"code": "no"})

    assert answer.status_code == 422
    assert "This code is not valid" in text_of(answer)
    assert TotpDevice.objects.get().reveal_secret() in text_of(answer)
    assert User.objects.get().mfa_enabled is False


@pytest.mark.abuse("AUTH-04")
def test_who_has_a_second_factor_is_shown_no_secret_and_cannot_replace_it(guarded):
    browser = signed_in(guarded)
    device = TotpDevice.objects.get()

    shown = [browser.get(MFA), browser.get(VERIFY, follow=True), browser.post(MFA, follow=True)]
    verified = browser.post(VERIFY, {"code": code_of(guarded, step=1)})

    assert [device.reveal_secret() in text_of(page) for page in shown] == [False, False, False]
    assert "This account has a second factor already." in text_of(shown[2])
    assert verified["Location"] == MFA
    assert TotpDevice.objects.get().secret == device.secret


def test_it_is_turned_off_with_password_and_code_and_only_this_session_goes_on(guarded):
    browser = signed_in(guarded)

    answer = browser.post(DISABLE, {"password": PASSWORD, "code": code_of(guarded, step=1)}, follow=True)

    assert answer.redirect_chain == [(MFA, 302)]
    assert "Your second factor is off." in text_of(answer)
    assert User.objects.get().mfa_enabled is False
    assert not TotpDevice.objects.exists()
    assert is_signed_in(browser)


@pytest.mark.abuse("AUTH-09")
def test_new_recovery_codes_are_shown_once_and_end_the_old_ones(user):
    old = enable_mfa(user)
    browser = signed_in(user)

    answer = browser.post(CODES, {"password": PASSWORD, "code": code_of(user, step=1)})

    new = RECOVERY_CODE.findall(text_of(answer))
    assert answer["Cache-Control"] == "no-store"
    assert len(set(new) | set(old)) == 20
    other, _ = password_step(user)
    assert other.post("/sign-in/code", {"code": old[0]}).status_code == 422
    assert other.post("/sign-in/code", {"code": new[0]}).status_code == 302


@pytest.mark.abuse("AUTH-10")
@pytest.mark.parametrize("path", [DISABLE, CODES])
@pytest.mark.parametrize(
    ("password", "code", "told"),
    [
        ("wrong", "good", "This is not your current password."),
        (PASSWORD, "bad", "This code is not valid"),
        ("", "good", "This field is required."),
    ],
)
def test_without_password_and_code_the_second_factor_stays(guarded, path, password, code, told):
    browser = signed_in(guarded)
    device = TotpDevice.objects.get()

    answer = browser.post(path, {"password": password, "code": code_of(guarded, step=1) if code == "good" else code})

    assert answer.status_code == 422
    assert told in text_of(answer)
    assert User.objects.get().mfa_enabled is True
    assert TotpDevice.objects.get().recovery_digests == device.recovery_digests


@pytest.mark.parametrize("path", [DISABLE, CODES])
def test_without_a_second_factor_there_is_nothing_to_change(browser, path):
    assert browser.get(path)["Location"] == MFA
    assert browser.post(path, {"password": PASSWORD, "code": "123456"})["Location"] == MFA


@pytest.mark.abuse("AUTH-23")
def test_signing_out_everywhere_ends_every_session_and_token(user, browser):
    elsewhere, token = signed_in(user), api(user)

    answer = browser.post("/account/sign-out-everywhere", follow=True)

    assert answer.redirect_chain == [("/sign-in", 302)]
    assert "You are signed out everywhere." in text_of(answer)
    assert [is_signed_in(one) for one in (browser, elsewhere)] == [False, False]
    assert token.get("/api/auth/me").status_code == 401


def test_looking_at_sign_out_everywhere_ends_nothing(browser):
    assert browser.get("/account/sign-out-everywhere")["Location"] == "/account"
    assert is_signed_in(browser)


def test_until_the_second_factor_is_set_up_only_the_account_opens(user, settings):
    settings.MFA_REQUIRED_ROLES = {"STAFF"}
    browser = signed_in(user)

    page = text_of(browser.get("/account"))
    refused = browser.get("/audit", follow=True)

    assert "Your role needs a second factor." in page
    assert 'href="/audit"' not in page
    assert 'href="/admin/"' not in page
    assert refused.redirect_chain == [("/account", 302)]
    assert "That page opens once your second factor is set up." in text_of(refused)
    assert browser.get("/admin/", follow=True).redirect_chain[-1] == ("/account", 302)
    assert browser.get("/api/products").json()["code"] == "mfa_setup_required"
    assert browser.get(MFA).status_code == 200


def test_once_it_is_set_up_the_rest_opens(user, settings):
    settings.MFA_REQUIRED_ROLES = {"STAFF"}
    browser = signed_in(user)
    browser.post(MFA)
    browser.post(VERIFY, {"code": code_of(user)})

    assert browser.get("/audit").status_code == 200
    assert browser.get("/admin/").status_code == 200


def test_signing_out_twice_is_no_error(user):
    browser = signed_in(user)
    browser.post("/sign-out")

    assert browser.post("/sign-out")["Location"] == "/sign-in"


@pytest.mark.abuse("AUTH-23")
def test_a_copy_of_the_cookie_is_dead_after_signing_out(user):
    browser, thief = signed_in(user), Client()
    thief.cookies = browser.cookies.copy()

    browser.post("/sign-out")

    assert thief.get("/api/auth/me").status_code == 401
