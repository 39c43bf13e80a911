"""Signing in, staying in, going out, passwords and registration."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import jwt
import pytest
import time_machine
from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.db import IntegrityError, transaction
from django.test import Client
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from accounts.models import AuditLog, SignIn, User
from accounts.rights import Role
from accounts.services import authentication, users
from config.settings import base
from tests.browser import is_signed_in, signed_in
from tests.conftest import bearing
from tests.factories import PASSWORD, make_user

ME, LOGIN, REFRESH, LOGOUT = "/api/auth/me", "/api/auth/login", "/api/auth/refresh", "/api/auth/logout"
REGISTER, CHANGE, SUPPLIERS = "/api/auth/register", "/api/auth/password", "/api/suppliers"
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


@pytest.mark.abuse("AUTH-25")
@pytest.mark.parametrize("email", ["me\u0130@example.net", "ME\u0130@EXAMPLE.NET"])
def test_an_e_mail_has_no_second_spelling_that_would_be_counted_apart(user, email):
    """PostgreSQL lowers "İ" to "i" and Python does not: the limit of the account would not see these attempts."""
    assert login(email).status_code == 401


@pytest.mark.abuse("AUTH-20", "AUTH-27")
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


@pytest.mark.abuse("AUTH-26")
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


@pytest.mark.abuse("AUTH-14", "AUTH-15", "AUTH-16")
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


def segment(content):
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def forged(header, key=None):
    """Return what makes a token of the claims of a good one with ``header``, signed by a stranger with ``key``."""

    def make(claims):
        text = f"{segment(header)}.{claims}"
        signature = b"" if key is None else hmac.new(key, text.encode(), hashlib.sha256).digest()
        return f"{text}.{segment(signature)}"

    return make


KEY = b"a key of a stranger that is long enough"
FORGERIES = {
    "no signature": forged({"alg": "HS256", "typ": "JWT"}),
    "no dot for one": lambda claims: f"{segment({'alg': 'HS256'})}.{claims}",
    "an empty key": forged({"alg": "HS256"}, b""),
    **{f"alg {alg!r}": forged({"alg": alg}) for alg in ("none", "None", "nOnE", "", None, 0, ["HS256"], {"HS256": 1})},
    **{f"alg {alg}": forged({"alg": alg}, KEY) for alg in ("RS256", "ES256", "EdDSA", "HS256 ", "hs256")},
    "no alg": forged({}),
    "a key by its name": forged({"alg": "HS256", "kid": "../../../../dev/null"}, b""),
    "a key id that is none": forged({"alg": "HS256", "kid": {"a": 1}}, KEY),
    "a key by address": forged({"alg": "HS256", "jku": "http://127.0.0.1:1/", "x5u": "http://127.0.0.1:1/"}, KEY),
    "a key it brings along": forged({"alg": "HS256", "jwk": {"kty": "oct", "k": segment(KEY)}}, KEY),
    "a critical header": forged({"alg": "HS256", "crit": ["exp"], "exp": 1}, KEY),
    "detached": forged({"alg": "HS256", "b64": False, "crit": ["b64"]}, KEY),
    "a header of another kind": forged([]),
    "no JSON": forged(b"\xff\xfe{"),
    "a number of megabits": forged(b'{"alg":' + b"9" * 4_500 + b"}"),
    "a deep header": forged(b"[" * 2_500),
    "a deeper header": forged(b'{"a":' * 20_000 + b"1" + b"}" * 20_000),
}


@pytest.mark.abuse("AUTH-15")
@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forged_token_opens_nothing_and_breaks_nothing(tokens, forge):
    access, stolen = (forge(tokens[name].split(".")[1]) for name in ("access_token", "refresh_token"))
    since = SignIn.objects.values().get()

    assert me(access).json()["code"] == "token_not_valid"
    assert refresh(stolen).json()["code"] in ("bad_token", "invalid")
    assert logout(access).status_code == 401
    assert SignIn.objects.values().get() == since


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer a b", "Bearer abc", "Bearer ...", "Token x", "Basic bWVpOng=", ""]
)
def test_a_junk_authorization_header_is_401(db, header):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=header)

    response = client.get(ME)

    assert response.status_code == 401
    assert response.json()["detail"]


@pytest.mark.abuse("AUTH-14")
def test_a_refresh_token_is_no_access_token(tokens):
    assert me(tokens["refresh_token"]).status_code == 401


@pytest.mark.abuse("AUTH-14")
def test_an_access_token_is_no_refresh_token(tokens):
    response = refresh(tokens["access_token"])

    assert response.status_code == 401
    assert response.json() == BAD_TOKEN


@pytest.mark.abuse("AUD-01")
def test_of_a_token_and_a_session_the_token_counts_and_is_named(user, tokens):
    boss = signed_in(make_user(Role.ADMIN))
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {tokens['access_token']}"}

    answer = boss.post(SUPPLIERS, {"name": "Factory"}, content_type="application/json", **bearer)

    assert boss.get(ME, **bearer).json()["id"] == user.pk
    assert answer.status_code == 201
    assert AuditLog.objects.get(table_name="suppliers").user_id == user.pk


@pytest.mark.abuse("AUTH-14")
@pytest.mark.parametrize("token", ["a.b.c", "gdk_x", "x", "a b"])
def test_a_bad_token_is_not_made_good_by_a_session(db, token):
    boss = signed_in(make_user(Role.ADMIN))

    assert boss.get(ME, HTTP_AUTHORIZATION=f"Bearer {token}").status_code == 401
    assert boss.get(ME).status_code == 200


@pytest.mark.abuse("AUTH-03", "AUTH-14")
@pytest.mark.parametrize("path", ["/account", "/account/mfa", "/audit", "/admin/", "/admin/accounts/user/"])
def test_a_token_opens_no_page(db, path):
    token = authentication.begin(actor=make_user(Role.ADMIN)).access

    answer = Client().get(path, HTTP_AUTHORIZATION=f"Bearer {token}")

    assert answer.status_code == 302
    assert answer["Location"].startswith(("/sign-in?next=", "/admin/login/?next="))


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


@pytest.mark.abuse("AUTH-18", "AUTH-19")
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


@pytest.mark.abuse("AUTH-19")
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


@pytest.mark.abuse("AUTH-22")
def test_a_changed_password_kills_access_and_refresh_tokens_at_once(user, tokens):
    user.set_password("another good battery")
    user.save()

    assert me(tokens["access_token"]).status_code == 401
    assert refresh(tokens["refresh_token"]).status_code == 401
    assert login(user.email).status_code == 401
    assert login(user.email, "another good battery").status_code == 200


@pytest.mark.abuse("AUTH-20")
def test_deactivation_kills_access_and_refresh_tokens_at_once(user, tokens):
    user.is_active = False
    user.save()

    assert me(tokens["access_token"]).status_code == 401
    assert refresh(tokens["refresh_token"]).status_code == 401


@pytest.mark.abuse("AUTH-21")
def test_the_tokens_of_a_deleted_user_are_dead(user, tokens):
    user.delete()

    assert me(tokens["access_token"]).status_code == 401
    assert refresh(tokens["refresh_token"]).status_code == 401


@pytest.mark.abuse("AUTH-23")
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


@pytest.mark.abuse("AUTH-23")
@pytest.mark.parametrize("everywhere", [False, True])
def test_logout_with_a_session_ends_the_session(user, everywhere):
    browser, elsewhere = signed_in(user), signed_in(user)

    answer = browser.post(LOGOUT, {"everywhere": everywhere}, content_type="application/json")

    assert (answer.status_code, answer.content) == (204, b"")
    assert not is_signed_in(browser)
    assert is_signed_in(elsewhere) is not everywhere


@pytest.mark.abuse("AUTH-23")
def test_logout_everywhere_ends_every_sign_in_of_the_account_and_no_other(user, tokens):
    other_device, other_account = login(user.email).json(), login(make_user().email).json()

    assert logout(tokens["access_token"], everywhere=True).status_code == 204

    assert me(tokens["access_token"]).status_code == me(other_device["access_token"]).status_code == 401
    assert refresh(other_device["refresh_token"]).status_code == 401
    assert me(other_account["access_token"]).status_code == 200


@pytest.mark.abuse("AUTH-23")
def test_logout_with_somebody_elses_refresh_token_ends_ones_own_sign_in_only(tokens):
    theirs = login(make_user().email).json()

    assert logout(tokens["access_token"], refresh_token=theirs["refresh_token"]).status_code == 204

    assert me(tokens["access_token"]).status_code == 401
    assert refresh(theirs["refresh_token"]).status_code == 200


@pytest.mark.abuse("AUTH-23")
def test_logout_twice_is_refused_and_changes_nothing(user, tokens):
    other_device = login(user.email).json()
    logout(tokens["access_token"])

    assert logout(tokens["access_token"]).status_code == 401

    assert me(other_device["access_token"]).status_code == 200


@pytest.mark.abuse("AUTH-22", "AUTH-24")
@pytest.mark.parametrize("change", [{"role": Role.VIEWER}, {"mfa_enabled": True}, {"credentials_version": 9}], ids=str)
def test_a_changed_role_or_second_factor_kills_tokens_at_once_however_it_was_changed(user, tokens, change):
    User.objects.filter(pk=user.pk).update(**change)

    assert me(tokens["access_token"]).status_code == 401
    assert refresh(tokens["refresh_token"]).status_code == 401


@pytest.mark.abuse("AUTH-24")
def test_a_role_that_is_changed_back_brings_no_token_back(user, tokens):
    admin = make_user()

    for role in (Role.VIEWER, Role.STAFF):
        users.change(user.pk, role=role, actor=admin)

    assert me(tokens["access_token"]).status_code == 401
    assert not SignIn.objects.filter(user=user).exists()


@pytest.mark.abuse("AUTH-37")
def test_expired_sign_ins_are_forgotten_and_live_ones_kept(user, tokens):
    SignIn.objects.create(user=user, refresh_jti="old", expires_at=datetime(2020, 1, 1, tzinfo=UTC))

    assert authentication.forget_ended() == 1

    assert me(tokens["access_token"]).status_code == 200


@pytest.fixture
def production_hashers(settings):
    settings.PASSWORD_HASHERS = base.PASSWORD_HASHERS


@pytest.mark.abuse("AUTH-30")
def test_production_hashes_with_bcrypt_sha256_at_cost_12(production_hashers):
    assert make_password(PASSWORD).startswith("bcrypt_sha256$$2b$12$")


@pytest.mark.abuse("AUTH-31")
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


@pytest.mark.abuse("AUTH-22")
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


@pytest.mark.abuse("AUTH-33")
def test_a_new_password_needs_the_current_one(user, tokens):
    answer = change_password(tokens["access_token"], current="guess")

    assert (answer.status_code, answer.json()["code"]) == (400, "wrong_password")
    assert me(tokens["access_token"]).status_code == 200
    assert login(user.email).status_code == 200


@pytest.mark.abuse("AUTH-32")
@pytest.mark.parametrize("weak", ["1", "password", "12345678", "mei@example.net", "x" * 129])
def test_a_weak_password_is_refused_with_its_reasons(user, tokens, weak):
    answer = change_password(tokens["access_token"], new=weak)

    assert answer.status_code == 400
    assert answer.json()["detail"]
    assert me(tokens["access_token"]).status_code == 200
    assert login(user.email).status_code == 200


@pytest.mark.abuse("AUTH-31")
@pytest.mark.parametrize(
    "password",
    ["x" * 64 + "y1", "ก" * 40 + "a1", "😀" * 20, " leading and trailing ", "b" * 72 + "cc", "q" * 127 + "z"],
)
def test_long_and_odd_passwords_work_as_typed(user, tokens, password):
    assert change_password(tokens["access_token"], new=password).status_code == 200

    assert login(user.email, password).status_code == 200
    assert login(user.email, password[:-1]).status_code == 401


@pytest.mark.abuse("AUTH-31")
def test_a_password_of_megabytes_is_refused_before_it_is_hashed(user, monkeypatch):
    monkeypatch.setattr("tests.hashing.FastBCrypt.encode", lambda *_: pytest.fail("hashed"))

    assert login(user.email, "x" * 2_000_000).status_code == 400


@pytest.mark.abuse("AUTH-31")
@pytest.mark.parametrize("password", ["a\x00another good battery", "\x00", "another good battery\x00"])
def test_a_password_with_nul_is_refused_and_not_cut_short(user, tokens, password):
    assert change_password(tokens["access_token"], new=password).status_code == 400
    assert login(user.email, f"{PASSWORD}\x00").status_code == 400
    assert register(password=password).status_code == 400
    assert login(user.email).status_code == 200
    assert User.objects.count() == 1


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


@pytest.mark.abuse("AUTH-28", "AUTH-30")
def test_registration_gives_nothing_that_was_asked_for_besides(db):
    wanted = {"role": "ADMIN", "is_staff": True, "is_superuser": True, "is_active": False, "mfa_enabled": True, "id": 7}

    assert register(**wanted, credentials_version=9, groups=[1]).status_code == 201

    made = User.objects.get()
    assert (made.role, made.is_active, made.mfa_enabled, made.credentials_version) == ("STAFF", True, False, 1)
    assert made.password.startswith("bcrypt_sha256$")


@pytest.mark.abuse("AUTH-27")
def test_registration_tells_nobody_whether_an_e_mail_is_known(user):
    known, unknown = register("MEI@example.net"), register("new@example.net")

    assert known.status_code == unknown.status_code == 201
    assert known.json() == {**unknown.json(), "email": "mei@example.net"}
    assert login(user.email).status_code == 200
    assert login(user.email, BETTER).status_code == 401
    assert User.objects.count() == 2


@pytest.mark.abuse("AUTH-28")
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nobody_makes_more_of_their_own_account(user, tokens, method):
    wanted = {"role": "ADMIN", "is_staff": True, "is_superuser": True, "mfa_enabled": True, "email": "x@example.net"}
    before = User.objects.values().get(pk=user.pk)

    answer = getattr(bearing(tokens["access_token"]), method)(ME, {**wanted, "id": 7}, format="json")

    assert answer.status_code == 405
    assert User.objects.values().get() == before


@pytest.mark.abuse("AUTH-30")
def test_a_password_that_comes_over_the_api_is_stored_as_production_stores_it(db, production_hashers):
    register()
    registered = User.objects.get()
    change_password(login(registered.email, BETTER).json()["access_token"], BETTER, "yet another battery")
    changed = User.objects.get()

    assert registered.password.startswith("bcrypt_sha256$$2b$12$")
    assert changed.password.startswith("bcrypt_sha256$$2b$12$")
    assert changed.check_password("yet another battery")


@pytest.mark.abuse("INP-09")
@pytest.mark.parametrize(
    "email",
    [
        '"<script>alert(1)</script>"@example.net',
        '"<b>x</b>"@example.net',
        '"a\x01b"@example.net',
        "a@ex\u202eample.net",
    ],
)
def test_registration_takes_no_e_mail_with_markup_or_invisible_characters(db, email):
    page = {"email": email, "password": BETTER, "password_again": BETTER}

    assert register(email).json()["errors"] == {"email": ["Enter a valid email address."]}
    assert Client().post("/register", page).status_code == 422
    assert not User.objects.exists()


@pytest.mark.abuse("AUTH-32")
@pytest.mark.parametrize("password", ["1", "password", "new@example.net", "x" * 129])
def test_registration_refuses_a_weak_password(db, password):
    assert register(password=password).status_code == 400
    assert not User.objects.exists()


def test_closed_registration_is_closed(db, settings):
    settings.REGISTRATION = "closed"

    answer = register()

    assert (answer.status_code, answer.json()["code"]) == (403, "registration_closed")
    assert not User.objects.exists()


@pytest.mark.abuse("AUTH-29")
def test_the_first_one_to_register_is_no_administrator(db):
    register()

    assert User.objects.get().role == "STAFF"
