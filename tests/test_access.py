"""Who may do what: every address of Godown, with every method, as every role, against the table written here."""

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver
from django.utils import timezone

from accounts import rights
from accounts.models import User
from accounts.rights import Right, Role
from accounts.services import users
from tests.conftest import api, bearing
from tests.factories import make_user

# One line for each method of each address.
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
    "/api/auth/register": {"POST": OPEN},
    "/api/auth/refresh": {"POST": OPEN},
    "/api/auth/logout": {"POST": EVERYBODY},
    "/api/auth/me": {"GET": EVERYBODY},
    "/api/auth/password": {"POST": {A, S, B, V}},
    "/api/auth/mfa/setup": {"POST": {A, S, B, V}},
    "/api/auth/mfa/verify": {"POST": {A, S, B, V}},
    "/api/auth/mfa/disable": {"POST": {A, S, B, V}},
    "/api/auth/mfa/recovery-codes": {"POST": {A, S, B, V}},
    "/api/audit-log": {"GET": OFFICE},
    "/api/products": {"GET": READERS, "POST": BUYERS},
    "/api/products/999": {"GET": READERS, "PUT": BUYERS, "PATCH": BUYERS, "DELETE": BUYERS},
    "/api/products/999/price-history": {"GET": BUYERS},
    "/api/suppliers": {"GET": READERS, "POST": BUYERS},
    "/api/suppliers/999": {"GET": READERS, "PUT": BUYERS, "PATCH": BUYERS, "DELETE": BUYERS},
    "/api/suppliers/999/contacts": {"GET": READERS, "POST": BUYERS},
    "/api/suppliers/999/contacts/999": {"PUT": BUYERS, "PATCH": BUYERS, "DELETE": BUYERS},
    "/api/suppliers/999/bank-accounts": {"GET": OFFICE, "POST": OFFICE},
    "/api/suppliers/999/bank-accounts/999/reveal": {"POST": OFFICE},
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
PEOPLE = {A, S, B, V}
EVERY_METHOD_FOR_PEOPLE = dict.fromkeys(METHODS, PEOPLE)

# Pages are for sessions, which a service account cannot have.
PAGES = {
    "/": EVERY_METHOD_FOR_PEOPLE,
    "/admin": EVERY_METHOD_FOR_PEOPLE,
    "/health": {"GET": OPEN},
    "/health/ready": {"GET": OPEN},
    "/favicon.ico": dict.fromkeys(METHODS, OPEN),
    "/sign-in": {"GET": OPEN, "POST": OPEN},
    "/sign-in/code": {"GET": OPEN, "POST": OPEN},
    "/sign-out": {"POST": OPEN},
    "/register": {"GET": OPEN, "POST": OPEN},
    "/account": {"GET": PEOPLE},
    "/account/password": {"GET": PEOPLE, "POST": PEOPLE},
    "/account/mfa": {"GET": PEOPLE, "POST": PEOPLE},
    "/account/mfa/verify": {"GET": PEOPLE, "POST": PEOPLE},
    "/account/mfa/disable": {"GET": PEOPLE, "POST": PEOPLE},
    "/account/mfa/recovery-codes": {"GET": PEOPLE, "POST": PEOPLE},
    "/account/sign-out-everywhere": {"GET": PEOPLE, "POST": PEOPLE},
    "/audit": {"GET": OFFICE},
}


def addresses(patterns, prefix="/"):
    """Every address but the office's (tests/test_admin.py walks those), with 999 for an id."""
    for pattern in patterns:
        path = prefix + "/".join("999" if "<" in part else part for part in str(pattern.pattern).split("/"))
        if isinstance(pattern, URLPattern):
            yield path
        elif path != "/admin/":
            yield from addresses(pattern.url_patterns, path)


def outcome(response):
    """What the answer means: refused as nobody, as this role, by method, or let in."""
    if response.status_code == 302 and response["Location"].startswith("/sign-in?next="):
        return "nobody"
    return {401: "nobody", 403: "forbidden", 405: "no such method"}.get(response.status_code, "in")


def ask(client, method, path):
    return client.generic(method, path, "{}", content_type="application/json")


def outcomes(table, client):
    """What the clients that ``client`` makes get at each address of ``table`` with each method."""
    return {(path, method): outcome(ask(client(), method, path)) for path in table for method in METHODS}


def expected(table, role, shut="forbidden"):
    def of(allowed):
        if allowed is None:
            return {"no such method", shut}
        return {"in"} if allowed == OPEN or role in allowed else {shut}

    return {(path, method): of(table[path].get(method)) for path in table for method in METHODS}


def surprises(found, wanted):
    return {at: found[at] for at in found if found[at] not in wanted[at]}


def test_the_tables_know_every_address():
    assert set(addresses(get_resolver().url_patterns)) == set(ACCESS) | set(PAGES)


@pytest.mark.abuse("AUTHZ-01")
@pytest.mark.parametrize("role", sorted(EVERYBODY))
def test_a_role_gets_into_the_api_where_the_table_says_and_nowhere_else(role, admin):
    def client():
        # Each request signs in anew: some of them end the sign-in they came with.
        if role == Y:
            return bearing(users.rotate_service_key(shop.pk, now=timezone.now(), actor=admin))
        return api(user)

    shop, _ = users.create_service("shop@example.net", actor=admin)
    user = make_user(Role(role))

    assert surprises(outcomes(ACCESS, client), expected(ACCESS, role)) == {}


@pytest.mark.abuse("AUTHZ-01")
@pytest.mark.parametrize("role", sorted(PEOPLE))
def test_a_role_gets_into_the_pages_where_the_table_says_and_nowhere_else(role, db):
    def client():
        fresh = Client()
        fresh.force_login(User.objects.get(pk=user.pk))
        return fresh

    user = make_user(Role(role))

    assert surprises(outcomes(PAGES, client), expected(PAGES, role)) == {}


@pytest.mark.abuse("AUTHZ-01", "AUTH-02", "AUTH-20", "AUTH-21")
@pytest.mark.parametrize("who", ["anonymous", "deactivated", "deleted", "without the second factor", "service"])
def test_nobody_gets_in_who_is_not_fully_signed_in(who, db):
    user = make_user(
        Role.SYNC if who == "service" else Role.ADMIN,
        is_active=who != "deactivated",
        mfa_enabled=who == "without the second factor",
    )
    everything = {**ACCESS, **PAGES}
    gone = Client()
    gone.force_login(user)
    if who == "deleted":
        user.delete()

    def client():
        if who == "deleted":
            return gone
        session = Client()
        if who != "anonymous":
            session.force_login(user)
        return session

    found = surprises(outcomes(everything, client), expected(everything, None, shut="nobody"))

    assert {at: what for at, what in found.items() if at[0] != "/api/docs"} == {}


@pytest.mark.abuse("AUTH-24")
def test_a_lower_role_holds_at_once_and_after_signing_in_again(admin):
    user = make_user(Role.STAFF)
    before = api(user)
    assert before.post("/api/products", {}, format="json").status_code == 400

    users.change(user.pk, role=Role.VIEWER, actor=admin)

    assert before.post("/api/products", {}, format="json").status_code == 401
    assert api(User.objects.get(pk=user.pk)).post("/api/products", {}, format="json").status_code == 403


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
    assert not rights.of(role) & {Right.VIEW_BANK_DETAILS, Right.CHANGE_BANK_DETAILS}
