"""Signing in, staying in, going out, passwords and registration."""

import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest
import time_machine
from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.db import IntegrityError, transaction
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from accounts.models import AuditLog, SignIn, User
from accounts.rights import Role
from accounts.services import authentication, users
from config.settings import base
from tests.conftest import bearing
from tests.factories import PASSWORD, make_user

ME, LOGIN, REFRESH, LOGOUT = "/api/auth/me", "/api/auth/login", "/api/auth/refresh", "/api/auth/logout"
REGISTER, CHANGE = "/api/auth/register", "/api/auth/password"
BETTER = "another good battery"
BAD_CREDENTIALS = {
    "code": "bad_credentials",
    "detail": "There is no active account with this e-mail and password.",
}
BAD_TOKEN = {"code": "bad_token", "detail": "This refresh token is not valid. Sign in again."}


def login(email, password=PASSWORD):
    return APIClient().post(LOGIN, {"email": email, "password": password}, format="json")


def refresh(token):
    return APIClient().post(REFRESH, {"refresh_token": token}, format="json")


def logout(access, **body):
    return bearing(access).post(LOGOUT, body, format="json")


def me(token):
    return bearing(token).get(ME)


def signed(user, **changes):
    """Sign the claims of a good access token of ``user`` with ``changes`` to claims, key or algorithm."""
    key = changes.pop("key", settings.SIMPLE_JWT["SIGNING_KEY"])
    algorithm = changes.pop("algorithm", "HS256")
    good = jwt.decode(authentication.begin(actor=user).access, options={"verify_signature": False})
    claims = {name: value for name, value in {**good, **changes}.items() if value is not None}
    return jwt.encode(claims, key or None, algorithm=algorithm)


@pytest.fixture
def user(db):
    return make_user(Role.STAFF, email="mei@example.net")


@pytest.fixture
def tokens(user):
    return login(user.email).json()


def test_login_answers_a_pair_of_tokens(user):
    response = login("mei@example.net")

    answer = response.json()
    assert response.status_code == 200
    assert set(answer) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 900)
    assert me(answer["access_token"]).json()["email"] == "mei@example.net"


def test_me_tells_who_one_is_and_no_secret(user, tokens):
    answer = me(tokens["access_token"]).json()

    assert set(answer) == {"id", "email", "role", "mfa_enabled", "is_active", "created_at"}
    assert (answer["id"], answer["role"]) == (user.pk, "STAFF")


@pytest.mark.parametrize("email", ["MEI@EXAMPLE.NET", "Mei@Example.net", "  mei@example.net "])
def test_the_e_mail_is_known_in_any_case(user, email):
    assert login(email).status_code == 200


def test_an_e_mail_that_only_looks_alike_in_capitals_is_another(db):
    mine, theirs = make_user(email="mei@example.net"), make_user(email="me\u0131@example.net")

    tokens = [login(user.email).json()["access_token"] for user in (mine, theirs)]

    assert [me(token).json()["id"] for token in tokens] == [mine.pk, theirs.pk]


def test_wrong_unknown_and_deactivated_get_the_same_answer(user):
    make_user(email="gone@example.net", is_active=False)

    answers = [
        login("mei@example.net", "wrong"),
        login("nobody@example.net"),
        login("gone@example.net"),
        login("mei@example.net%"),
        login("mei@example.net", PASSWORD + " "),
        login("mei@example.net", PASSWORD.upper()),
    ]

    assert [answer.status_code for answer in answers] == [401] * 6
    assert [answer.json() for answer in answers] == [BAD_CREDENTIALS] * 6
    assert not SignIn.objects.exists()


def test_an_unknown_e_mail_costs_a_password_check_too(user, monkeypatch):
    hashed = []
    hasher = "tests.hashing.FastBCrypt.encode"
    monkeypatch.setattr(hasher, lambda self, password, salt: hashed.append(password) or "x$x")

    login("nobody@example.net", "guess")

    assert hashed == ["guess"]


def test_an_account_without_a_password_cannot_sign_in(db):
    User.objects.create_user("sync@example.net", None, role=Role.SYNC)

    assert login("sync@example.net", "").status_code == 400
    assert login("sync@example.net", "None").status_code == 401


def test_a_token_is_needed():
    response = APIClient().get(ME)

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="api"'
    assert response.json()["code"] == "not_authenticated"


@pytest.mark.filterwarnings("ignore:The HMAC key")
@pytest.mark.parametrize(
    "changes",
    [
        {"algorithm": "none", "key": ""},
        {"algorithm": "HS512"},
        {"algorithm": "HS384"},
        {"key": "another key that is long enough to sign with"},
        {"key": "only-for-tests-and-long-enough-to-sign-tokens"},
        {"token_type": "refresh"},
        {"token_type": None},
        {"exp": datetime(2020, 1, 1, tzinfo=UTC)},
        {"exp": None},
        {"iss": "somebody"},
        {"iss": None},
        {"aud": "another-api"},
        {"aud": None},
        {"user_id": None},
        {"user_id": "999999"},
        {"user_id": "abc"},
        {"user_id": "1_0"},
        {"stamp": None},
        {"stamp": "x"},
        {"sid": None},
        {"sid": "abc"},
        {"sid": 9_223_372_036_854_775_807},
    ],
    ids=str,
)
def test_a_token_that_is_not_ours_opens_nothing(user, changes):
    assert me(signed(user)).status_code == 200

    assert me(signed(user, **changes)).status_code == 401


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer a b", "Bearer abc", "Bearer ...", "Token x", "Basic bWVpOng=", ""]
)
def test_a_junk_authorization_header_is_401(db, header):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=header)

    response = client.get(ME)

    assert response.status_code == 401
    assert response.json()["detail"]


def test_a_refresh_token_is_no_access_token(tokens):
    assert me(tokens["refresh_token"]).status_code == 401


def test_an_access_token_is_no_refresh_token(tokens):
    response = refresh(tokens["access_token"])

    assert response.status_code == 401
    assert response.json() == BAD_TOKEN


def test_an_access_token_lives_15_minutes(user):
    start = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)
    with time_machine.travel(start, tick=False) as clock:
        token = login(user.email).json()["access_token"]
        clock.move_to(start + timedelta(minutes=14, seconds=59))
        alive = me(token).status_code
        clock.move_to(start + timedelta(minutes=15, seconds=1))
        dead = me(token).status_code

    assert (alive, dead) == (200, 401)


def test_a_refresh_token_lives_7_days(user):
    start = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)
    with time_machine.travel(start, tick=False) as clock:
        first, second = (login(user.email).json()["refresh_token"] for _ in range(2))
        clock.move_to(start + timedelta(days=6, hours=23))
        alive = refresh(first).status_code
        clock.move_to(start + timedelta(days=7, seconds=1))
        dead = refresh(second).status_code

    assert (alive, dead) == (200, 401)


def test_refresh_answers_a_new_pair(tokens):
    response = refresh(tokens["refresh_token"])

    fresh = response.json()
    assert response.status_code == 200
    assert fresh["refresh_token"] != tokens["refresh_token"]
    assert me(fresh["access_token"]).status_code == 200


def test_a_used_refresh_token_is_dead_and_using_it_ends_the_family(tokens):
    fresh = refresh(tokens["refresh_token"]).json()

    reused = refresh(tokens["refresh_token"])

    assert reused.status_code == 401
    assert reused.json() == BAD_TOKEN
    assert refresh(fresh["refresh_token"]).status_code == 401


@pytest.mark.parametrize("token", ["", "abc", "a.b.c", "x" * 4_001])
def test_a_junk_refresh_token_is_refused(db, token):
    assert refresh(token).status_code in (400, 401)
    assert not SignIn.objects.exists()


def test_a_token_of_ours_that_names_no_sign_in_opens_nothing(user):
    assert me(str(AccessToken.for_user(user))).status_code == 401
    assert refresh(str(RefreshToken.for_user(user))).status_code == 401


def test_a_token_with_the_sign_in_of_another_user_opens_nothing(user):
    theirs = authentication.begin(actor=make_user())
    sign_in = jwt.decode(theirs.access, options={"verify_signature": False})["sid"]

    assert me(signed(user, sid=sign_in)).status_code == 401


def test_the_database_keeps_no_usable_token(tokens):
    stored = json.dumps([*SignIn.objects.values(), *AuditLog.objects.values()], default=str)

    assert tokens["refresh_token"] not in stored
    assert tokens["access_token"] not in stored


def test_a_token_tells_nothing_of_the_stored_password(user, tokens):
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})

    assert set(claims) == {"aud", "exp", "iat", "iss", "jti", "sid", "stamp", "token_type", "user_id"}
    assert user.password not in json.dumps(claims)


def test_a_changed_password_kills_access_and_refresh_tokens_at_once(user, tokens):
    user.set_password("another good battery")
    user.save()

    assert me(tokens["access_token"]).status_code == 401
    assert refresh(tokens["refresh_token"]).status_code == 401
    assert login(user.email).status_code == 401
    assert login(user.email, "another good battery").status_code == 200


def test_deactivation_kills_access_and_refresh_tokens_at_once(user, tokens):
    user.is_active = False
    user.save()

    assert me(tokens["access_token"]).status_code == 401
    assert refresh(tokens["refresh_token"]).status_code == 401


def test_the_tokens_of_a_deleted_user_are_dead(user, tokens):
    user.delete()

    assert me(tokens["access_token"]).status_code == 401
    assert refresh(tokens["refresh_token"]).status_code == 401


def test_logout_kills_the_access_and_refresh_tokens_of_this_sign_in_at_once(tokens):
    later = refresh(tokens["refresh_token"]).json()

    response = logout(later["access_token"])

    assert (response.status_code, response.content) == (204, b"")
    assert me(tokens["access_token"]).status_code == me(later["access_token"]).status_code == 401
    assert refresh(later["refresh_token"]).status_code == 401


def test_logout_leaves_other_devices_and_other_accounts_signed_in(user, tokens):
    other_device, other_account = login(user.email).json(), login(make_user().email).json()

    logout(tokens["access_token"])

    assert me(other_device["access_token"]).status_code == me(other_account["access_token"]).status_code == 200
    assert refresh(other_device["refresh_token"]).status_code == 200


def test_logout_everywhere_ends_every_sign_in_of_the_account_and_no_other(user, tokens):
    other_device, other_account = login(user.email).json(), login(make_user().email).json()

    assert logout(tokens["access_token"], everywhere=True).status_code == 204

    assert me(tokens["access_token"]).status_code == me(other_device["access_token"]).status_code == 401
    assert refresh(other_device["refresh_token"]).status_code == 401
    assert me(other_account["access_token"]).status_code == 200


def test_logout_with_somebody_elses_refresh_token_ends_ones_own_sign_in_only(tokens):
    theirs = login(make_user().email).json()

    assert logout(tokens["access_token"], refresh_token=theirs["refresh_token"]).status_code == 204

    assert me(tokens["access_token"]).status_code == 401
    assert refresh(theirs["refresh_token"]).status_code == 200


def test_logout_twice_is_refused_and_changes_nothing(user, tokens):
    other_device = login(user.email).json()
    logout(tokens["access_token"])

    assert logout(tokens["access_token"]).status_code == 401

    assert me(other_device["access_token"]).status_code == 200


@pytest.mark.parametrize("change", [{"role": Role.VIEWER}, {"mfa_enabled": True}, {"credentials_version": 9}], ids=str)
def test_a_changed_role_or_second_factor_kills_tokens_at_once_however_it_was_changed(user, tokens, change):
    User.objects.filter(pk=user.pk).update(**change)

    assert me(tokens["access_token"]).status_code == 401
    assert refresh(tokens["refresh_token"]).status_code == 401


def test_a_role_that_is_changed_back_brings_no_token_back(user, tokens):
    admin = make_user()

    for role in (Role.VIEWER, Role.STAFF):
        users.change(user.pk, role=role, actor=admin)

    assert me(tokens["access_token"]).status_code == 401
    assert not SignIn.objects.filter(user=user).exists()


def test_expired_sign_ins_are_forgotten_and_live_ones_kept(user, tokens):
    SignIn.objects.create(user=user, refresh_jti="old", expires_at=datetime(2020, 1, 1, tzinfo=UTC))

    assert authentication.forget_ended() == 1

    assert me(tokens["access_token"]).status_code == 200


@pytest.fixture
def production_hashers(settings):
    settings.PASSWORD_HASHERS = base.PASSWORD_HASHERS


def test_production_hashes_with_bcrypt_sha256_at_cost_12(production_hashers):
    assert make_password(PASSWORD).startswith("bcrypt_sha256$$2b$12$")


def test_passwords_are_told_apart_beyond_72_bytes(production_hashers):
    stored = make_password("a" * 72 + "b")

    assert check_password("a" * 72 + "b", stored)
    assert not check_password("a" * 72 + "c", stored)
    assert not check_password("a" * 72, stored)


def test_e_mails_are_unique_in_any_case(user):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create(email="MEI@example.net", password="x")

    assert User.objects.filter(email__iexact="mei@example.net").count() == 1


def change_password(token, current=PASSWORD, new=BETTER):
    return bearing(token).post(CHANGE, {"current_password": current, "new_password": new}, format="json")


def test_a_new_password_ends_every_sign_in_and_the_answer_is_a_new_one(user, tokens):
    other_device = login(user.email).json()

    answer = change_password(tokens["access_token"])

    assert answer.status_code == 200
    assert me(answer.json()["access_token"]).status_code == 200
    for dead in (tokens, other_device):
        assert me(dead["access_token"]).status_code == 401
        assert refresh(dead["refresh_token"]).status_code == 401
    assert login(user.email).status_code == 401
    assert login(user.email, BETTER).status_code == 200


def test_a_new_password_needs_the_current_one(user, tokens):
    answer = change_password(tokens["access_token"], current="guess")

    assert (answer.status_code, answer.json()["code"]) == (400, "wrong_password")
    assert me(tokens["access_token"]).status_code == 200
    assert login(user.email).status_code == 200


@pytest.mark.parametrize("weak", ["1", "password", "12345678", "mei@example.net", "x" * 129])
def test_a_weak_password_is_refused_with_its_reasons(user, tokens, weak):
    answer = change_password(tokens["access_token"], new=weak)

    assert answer.status_code == 400
    assert answer.json()["detail"]
    assert me(tokens["access_token"]).status_code == 200
    assert login(user.email).status_code == 200


@pytest.mark.parametrize(
    "password",
    ["x" * 64 + "y1", "ก" * 40 + "a1", "😀" * 20, " leading and trailing ", "b" * 72 + "cc", "q" * 127 + "z"],
)
def test_long_and_odd_passwords_work_as_typed(user, tokens, password):
    assert change_password(tokens["access_token"], new=password).status_code == 200

    assert login(user.email, password).status_code == 200
    assert login(user.email, password[:-1]).status_code == 401


def test_a_password_of_megabytes_is_refused_before_it_is_hashed(user, monkeypatch):
    monkeypatch.setattr("tests.hashing.FastBCrypt.encode", lambda *_: pytest.fail("hashed"))

    assert login(user.email, "x" * 2_000_000).status_code == 400


def test_a_changed_password_is_in_the_audit_log_and_what_it_is_is_not(user, tokens):
    change_password(tokens["access_token"])

    row = AuditLog.objects.latest("pk")
    assert (row.table_name, row.record_id, row.action, row.user_id) == ("users", user.pk, "UPDATE", user.pk)
    assert (row.old_values, row.new_values) == ({"password": "(hidden)"}, {"password": "(hidden)"})


def register(email="new@example.net", password=BETTER, **more):
    return APIClient().post(REGISTER, {"email": email, "password": password, **more}, format="json")


def test_registration_makes_an_account_of_the_staff(db):
    answer = register("New@Example.net")

    assert answer.status_code == 201
    assert answer.json() == {"email": "new@example.net", "role": "STAFF"}
    assert login("new@example.net", BETTER).status_code == 200


def test_registration_gives_nothing_that_was_asked_for_besides(db):
    wanted = {"role": "ADMIN", "is_staff": True, "is_superuser": True, "is_active": False, "mfa_enabled": True, "id": 7}

    assert register(**wanted, credentials_version=9, groups=[1]).status_code == 201

    made = User.objects.get()
    assert (made.role, made.is_active, made.mfa_enabled, made.credentials_version) == ("STAFF", True, False, 1)
    assert made.password.startswith("bcrypt_sha256$")


def test_registration_tells_nobody_whether_an_e_mail_is_known(user):
    known, unknown = register("MEI@example.net"), register("new@example.net")

    assert known.status_code == unknown.status_code == 201
    assert known.json() == {**unknown.json(), "email": "mei@example.net"}
    assert login(user.email).status_code == 200
    assert login(user.email, BETTER).status_code == 401
    assert User.objects.count() == 2


@pytest.mark.parametrize("password", ["1", "password", "new@example.net", "x" * 129])
def test_registration_refuses_a_weak_password(db, password):
    assert register(password=password).status_code == 400
    assert not User.objects.exists()


def test_closed_registration_is_closed(db, settings):
    settings.REGISTRATION = "closed"

    answer = register()

    assert (answer.status_code, answer.json()["code"]) == (403, "registration_closed")
    assert not User.objects.exists()


def test_the_first_one_to_register_is_no_administrator(db):
    register()

    assert User.objects.get().role == "STAFF"
