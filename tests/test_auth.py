"""Signing in, staying in, going out, and who may do what."""

import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest
import time_machine
from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.db import IntegrityError, transaction
from django.urls import URLPattern, get_resolver
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from accounts import rights
from accounts.models import AuditLog, User
from accounts.rights import Right, Role
from config.settings import base
from tests.conftest import api
from tests.factories import PASSWORD, make_user

ME, LOGIN, REFRESH, LOGOUT = "/api/auth/me", "/api/auth/login", "/api/auth/refresh", "/api/auth/logout"
BAD_CREDENTIALS = {
    "code": "bad_credentials",
    "detail": "There is no active account with this e-mail and password.",
}
BAD_TOKEN = {"code": "bad_token", "detail": "This refresh token is not valid. Sign in again."}


def login(email, password=PASSWORD):
    return APIClient().post(LOGIN, {"email": email, "password": password}, format="json")


def refresh(token):
    return APIClient().post(REFRESH, {"refresh_token": token}, format="json")


def logout(access, token):
    return bearing(access).post(LOGOUT, {"refresh_token": token}, format="json")


def bearing(token):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def me(token):
    return bearing(token).get(ME)


def signed(user, **changes):
    """Sign the claims of a good access token of ``user`` with ``changes`` to claims, key or algorithm."""
    key = changes.pop("key", settings.SIMPLE_JWT["SIGNING_KEY"])
    algorithm = changes.pop("algorithm", "HS256")
    claims = {**AccessToken.for_user(user).payload, "aud": "godown-api", "iss": "godown", **changes}
    return jwt.encode(
        {name: value for name, value in claims.items() if value is not None}, key or None, algorithm=algorithm
    )


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
    assert not OutstandingToken.objects.exists()


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
        {"hash_password": None},
        {"hash_password": "x"},
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
    assert not OutstandingToken.objects.exists()


def test_a_refresh_token_that_was_never_given_out_is_refused(user):
    token = RefreshToken.for_user(user)
    OutstandingToken.objects.all().delete()

    assert refresh(str(token)).status_code == 401


def test_the_database_keeps_no_usable_token(tokens):
    assert list(OutstandingToken.objects.values_list("token", flat=True)) == [""]
    assert tokens["refresh_token"] not in json.dumps(list(AuditLog.objects.values("old_values", "new_values")))


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


def test_logout_ends_every_refresh_token_of_the_account(user, tokens):
    other = login(user.email).json()

    response = logout(tokens["access_token"], tokens["refresh_token"])

    assert response.status_code == 204
    assert response.content == b""
    assert refresh(tokens["refresh_token"]).status_code == 401
    assert refresh(other["refresh_token"]).status_code == 401


def test_logout_leaves_other_accounts_signed_in(tokens):
    other = make_user()
    theirs = login(other.email).json()

    logout(tokens["access_token"], tokens["refresh_token"])

    assert refresh(theirs["refresh_token"]).status_code == 200


def test_logout_twice_is_no_error(tokens):
    for _ in range(2):
        assert logout(tokens["access_token"], tokens["refresh_token"]).status_code == 204

    assert BlacklistedToken.objects.count() == 1


def test_logout_needs_a_refresh_token(tokens):
    client = bearing(tokens["access_token"])

    assert client.post(LOGOUT, {}, format="json").status_code == 400
    assert logout(tokens["access_token"], tokens["access_token"]).status_code == 401
    assert refresh(tokens["refresh_token"]).status_code == 200


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


# Who may do what: one line for each method of each address.
A, S, B, Y, V = "ADMIN", "STAFF", "BUYER", "SYNC", "VIEWER"
EVERYBODY = {A, S, B, Y, V}
READERS = {A, S, B, V}
BUYERS = {A, S, B}
OFFICE = {A, S}
STOCK = EVERYBODY
SELLERS = {A, S, Y}
OPEN = "open"

ACCESS = {
    "/api/auth/login": {"POST": OPEN},
    "/api/auth/refresh": {"POST": OPEN},
    "/api/auth/logout": {"POST": EVERYBODY},
    "/api/auth/me": {"GET": EVERYBODY},
    "/api/products": {"GET": READERS, "POST": BUYERS},
    "/api/products/999": {"GET": READERS, "PUT": BUYERS, "PATCH": BUYERS, "DELETE": BUYERS},
    "/api/products/999/price-history": {"GET": READERS},
    "/api/suppliers": {"GET": READERS, "POST": BUYERS},
    "/api/suppliers/999": {"GET": READERS, "PUT": BUYERS, "PATCH": BUYERS, "DELETE": BUYERS},
    "/api/suppliers/999/contacts": {"GET": READERS, "POST": BUYERS},
    "/api/suppliers/999/contacts/999": {"PUT": BUYERS, "PATCH": BUYERS, "DELETE": BUYERS},
    "/api/suppliers/999/bank-accounts": {"GET": OFFICE, "POST": OFFICE},
    "/api/inventory": {"GET": STOCK},
    "/api/inventory/stats": {"GET": STOCK},
    "/api/inventory/receive-shipment": {"POST": BUYERS},
    "/api/inventory/adjust": {"POST": BUYERS},
    "/api/inventory/sale": {"POST": SELLERS},
    "/api/inventory/bulk-sale": {"POST": SELLERS},
    "/api/inventory/return": {"POST": SELLERS},
    "/api/inventory/999": {"GET": STOCK},
    "/api/inventory/999/movements": {"GET": STOCK},
    "/api/sales": {"GET": READERS},
    "/api/orders": {"GET": READERS, "POST": BUYERS},
    "/api/orders/workflow-stats": {"GET": READERS},
    "/api/orders/999": {"GET": READERS, "PUT": BUYERS, "PATCH": BUYERS},
    "/api/orders/999/status": {"POST": BUYERS, "PUT": BUYERS, "PATCH": BUYERS},
    "/api/orders/999/receive": {"POST": BUYERS},
    "/api/orders/999/cancel": {"POST": BUYERS},
    "/api/dashboard": {"GET": READERS},
    "/api/dashboard/kpis": {"GET": READERS},
    "/api/dashboard/order-pipeline": {"GET": READERS},
    "/api/dashboard/inventory-health": {"GET": READERS},
    "/api/schema": {"GET": EVERYBODY},
    "/api/docs": {"GET": EVERYBODY},
}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def addresses():
    """Every address of the API, with 999 for an id."""
    for pattern in get_resolver("config.api_urls").url_patterns:
        assert isinstance(pattern, URLPattern)
        yield "/api/" + "/".join("999" if "<" in part else part for part in str(pattern.pattern).split("/"))


def outcomes(client):
    """What ``client`` gets at each address with each method: refused as nobody, as this role, by method, or let in."""
    words = {401: "nobody", 403: "forbidden", 405: "no such method"}
    return {
        (path, method): words.get(client.generic(method, path, "{}", content_type="application/json").status_code, "in")
        for path in ACCESS
        for method in METHODS
    }


def expected(role):
    def outcome(allowed):
        if allowed is None:
            return "no such method"
        if allowed == OPEN:
            return "in"
        return "in" if role in allowed else "forbidden"

    return {(path, method): outcome(ACCESS[path].get(method)) for path in ACCESS for method in METHODS}


def test_the_table_below_knows_every_address_of_the_api():
    assert set(addresses()) == set(ACCESS)


@pytest.mark.parametrize("role", sorted(EVERYBODY))
def test_a_role_gets_in_where_the_table_says_and_nowhere_else(as_role, role):
    found = outcomes(as_role(Role(role)))

    wanted = expected(role)
    assert {at: found[at] for at in found if found[at] != wanted[at]} == {}


def test_nobody_gets_in_without_signing_in(db):
    doors = {(path, method) for path, methods in ACCESS.items() for method in methods if methods[method] == OPEN}
    found = outcomes(APIClient())

    assert {at for at in found if found[at] == "in" and at[0] != "/api/docs"} == doors


def test_the_docs_send_nobody_to_the_sign_in_page(db):
    response = APIClient().get("/api/docs")

    assert response.status_code == 302
    assert response["Location"] == "/admin/login/?next=/api/docs"


def test_a_role_changes_with_the_next_request(user):
    client = api(user)
    assert client.post("/api/products", {}, format="json").status_code == 400

    User.objects.filter(pk=user.pk).update(role=Role.VIEWER)

    assert client.post("/api/products", {}, format="json").status_code == 403


def test_a_refused_role_is_told_in_the_shape_of_errors(as_role):
    response = as_role(Role.SYNC).get("/api/products")

    assert response.status_code == 403
    assert response.json() == {"code": "permission_denied", "detail": "Your role may not do this."}


def test_an_unknown_role_has_no_right():
    assert rights.of("BOSS") == frozenset()


def test_a_deactivated_user_has_no_right():
    assert not any(User(role=Role.ADMIN, is_active=False).may(right) for right in Right)


def test_only_the_admin_manages_users():
    assert {role for role in Role if Right.MANAGE_USERS in rights.of(role)} == {Role.ADMIN}


def test_sync_reads_stock_and_records_sales_and_nothing_else():
    assert rights.of(Role.SYNC) == {Right.VIEW_STOCK, Right.RECORD_SALES}


def test_a_viewer_only_reads():
    assert {right.name.split("_")[0] for right in rights.of(Role.VIEWER)} == {"VIEW"}


@pytest.mark.parametrize("role", ["BUYER", "SYNC", "VIEWER"])
def test_bank_data_needs_its_own_right(role):
    assert not rights.of(role) & {Right.VIEW_BANK_ACCOUNTS, Right.CHANGE_BANK_ACCOUNTS}
