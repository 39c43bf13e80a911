"""Who may do what: every address of Godown, with every method, as every role, against the table written here."""

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver
from django.utils import timezone

from accounts import rights
from accounts.models import AuditLog, User
from accounts.rights import Right, Role
from accounts.services import users
from inventory.models import Product
from inventory.services import suppliers
from purchasing.services import payments, shipments
from purchasing.workflow import Stage
from tests.conftest import api, bearing
from tests.factories import TODAY, make_order, make_product, make_supplier, make_user, orders
from tests.planning_factories import make_holiday, make_notification
from tests.test_bad_input import everything

# One line for each method of each address.
A, S, B, Y, V = "ADMIN", "STAFF", "BUYER", "SYNC", "VIEWER"
EVERYBODY = {A, S, B, Y, V}
READERS = {A, S, B, V}
BUYERS = {A, S, B}
OFFICE = {A, S}
STOCK = EVERYBODY
SELLERS = {A, S, Y}
OPEN = "open"
SIGNED = "signed"  # by another program, for nobody in particular

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
    "/api/suppliers/999/bank-accounts/999": {"PUT": OFFICE, "PATCH": OFFICE},
    "/api/suppliers/999/bank-accounts/999/reveal": {"POST": OFFICE},
    "/api/suppliers/999/bank-accounts/999/wise-recipient": {"GET": OFFICE, "POST": OFFICE},
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
    "/api/orders/incoming": {"GET": READERS},
    "/api/orders/999": {"GET": READERS, "PUT": BUYERS, "PATCH": BUYERS},
    "/api/orders/999/status": {"POST": BUYERS, "PUT": BUYERS, "PATCH": BUYERS},
    "/api/orders/999/receive": {"POST": BUYERS},
    "/api/orders/999/cancel": {"POST": BUYERS},
    "/api/orders/999/pdf": {"GET": BUYERS},
    "/api/shipments": {"GET": READERS, "POST": BUYERS},
    "/api/shipments/999": {"GET": READERS, "PUT": BUYERS, "PATCH": BUYERS},
    "/api/shipments/999/milestones": {"POST": BUYERS},
    "/api/payments": {"GET": READERS, "POST": BUYERS},
    "/api/payments/summary": {"GET": READERS},
    "/api/payments/due": {"GET": READERS},
    "/api/payments/999": {"GET": READERS, "PUT": BUYERS, "PATCH": BUYERS},
    "/api/payments/999/sync-wise": {"GET": READERS, "POST": BUYERS},
    "/api/payments/999/wise-transfer": {"POST": OFFICE, "DELETE": OFFICE},
    "/api/payments/999/wise-funding": {"POST": OFFICE},
    "/api/dashboard": {"GET": READERS},
    "/api/dashboard/kpis": {"GET": READERS},
    "/api/dashboard/order-pipeline": {"GET": READERS},
    "/api/dashboard/inventory-health": {"GET": READERS},
    "/api/planning/seasonality": {"GET": READERS, "PUT": BUYERS, "PATCH": BUYERS},
    "/api/planning/seasonality/999": {"GET": READERS, "PUT": BUYERS, "PATCH": BUYERS},
    "/api/planning/holidays": {"GET": READERS, "POST": BUYERS},
    "/api/planning/holidays/999": {"GET": READERS, "PUT": BUYERS, "PATCH": BUYERS, "DELETE": BUYERS},
    "/api/planning/settings": {"GET": READERS},
    "/api/planning/settings/999": {"GET": READERS, "PUT": OFFICE, "PATCH": OFFICE, "DELETE": OFFICE},
    "/api/planning/notifications": {"GET": READERS},
    "/api/planning/notifications/999": {"GET": READERS, "DELETE": OFFICE},
    "/api/planning/jobs": {"GET": OFFICE},
    "/api/planning/reorder": {"GET": READERS},
    "/api/planning/reorder.csv": {"GET": READERS},
    "/api/planning/reorder/orders": {"POST": BUYERS},
    "/api/planning/projection/999": {"GET": READERS},
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
    "/webhooks/wise": {"POST": SIGNED},
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
    "/orders/new": {"GET": BUYERS, "POST": BUYERS},
    "/orders/999/made": {"GET": BUYERS},
    "/orders/999/pdf": {"GET": BUYERS},
    "/jobs": {"GET": OFFICE},
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
        if allowed == SIGNED:
            return {"nobody"}
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


# What is there, and what is not


@pytest.fixture
def ids(admin):
    """One of everything that addresses name, by the word before its id."""
    supplier = make_supplier(contacts=[{"name": "Li", "contact_value": "li"}])
    account = {"holder": "Factory", "bank_name": "ICBC", "account_number": "6222000011118642"}
    product = make_product(on_hand=5, supplier_id=supplier.pk)
    return {
        "products": product.pk,
        "projection": product.pk,
        "inventory": product.pk,
        "suppliers": supplier.pk,
        "contacts": supplier.contacts.get().pk,
        "bank-accounts": suppliers.add_bank_account(supplier.pk, **account, actor=admin).pk,
        "orders": make_order(orders.Line(product.pk, 3), supplier=supplier).pk,
        "payments": payments.create(
            supplier_id=supplier.pk, amount_usd=Decimal(5), today=TODAY, now=timezone.now(), actor=admin
        ).pk,
        "shipments": shipments.create(make_order(stage=Stage.SENT).pk, today=TODAY, actor=admin).pk,
        "holidays": make_holiday().pk,
        "seasonality": 5,
        "settings": "transit_days",
        "notifications": make_notification(product).pk,
    }


def of_something(path, ids):
    """Return ``path`` with the ids of what is there; the table has 999, which nobody has."""
    for word, number in ids.items():
        path = path.replace(f"{word}/999", f"{word}/{number}")
    return path


@pytest.mark.abuse("AUTHZ-02")
@pytest.mark.parametrize("role", sorted(EVERYBODY - {A}))
def test_who_may_not_is_not_told_what_is_there(role, ids):
    client = api(make_user(Role(role))) if role != Y else bearing(users.create_service("s@x.net", actor=None)[1])
    shut = [(method, path) for path, table in ACCESS.items() if "999" in path for method in table]
    shut = [(method, path) for method, path in shut if role not in ACCESS[path][method]]
    before = everything()

    there = [ask(client, method, of_something(path, ids)) for method, path in shut]
    nowhere = [ask(client, method, path) for method, path in shut]

    assert {answer.status_code for answer in there} <= {403}
    assert [answer.content for answer in there] == [answer.content for answer in nowhere]
    assert everything() == before


NESTED = [
    ("PATCH", "/api/suppliers/{}/contacts/{contacts}"),
    ("PUT", "/api/suppliers/{}/contacts/{contacts}"),
    ("DELETE", "/api/suppliers/{}/contacts/{contacts}"),
    ("PATCH", "/api/suppliers/{}/bank-accounts/{bank-accounts}"),
    ("POST", "/api/suppliers/{}/bank-accounts/{bank-accounts}/reveal"),
]


@pytest.mark.abuse("AUTHZ-02")
@pytest.mark.parametrize(("method", "path"), NESTED)
def test_a_part_is_reached_through_its_own_whole_only(client_api, ids, method, path):
    other, before, row = make_supplier().pk, everything(), AuditLog.objects.latest("pk")

    def body(answer):
        return answer.json() | {"detail": answer.json()["detail"].rstrip("0123456789.")}

    through_another = ask(client_api, method, path.format(other, **ids))
    missing = ask(client_api, method, path.format(other, **dict.fromkeys(ids, 999_999)))

    assert (through_another.status_code, missing.status_code) == (404, 404)
    assert body(through_another) == body(missing)
    assert everything() == before
    assert AuditLog.objects.latest("pk") == row


@pytest.mark.abuse("AUTHZ-03")
def test_an_order_takes_no_lines_that_are_not_its_own_or_not_for_sale(client_api, ids):
    gone = make_product(is_active=False)
    other = make_order(orders.Line(ids["products"], 9))
    line = {"product_id": gone.pk, "quantity": 1}
    before = everything()

    answers = [
        client_api.post("/api/orders", {"supplier_id": ids["suppliers"], "line_items": [line]}, format="json"),
        client_api.post("/api/orders", {"supplier_id": 999_999, "line_items": []}, format="json"),
        client_api.patch(f"/api/orders/{ids['orders']}", {"line_items": [line]}, format="json"),
        client_api.post(
            f"/api/orders/{ids['orders']}/receive",
            {"lines": [{"line_item_id": other.line_items.get().pk, "quantity": 1}]},
            format="json",
        ),
    ]

    assert [answer.status_code for answer in answers] == [400, 400, 400, 400]
    assert everything() == before


# Methods that are none


@pytest.mark.abuse("AUTHZ-11")
@pytest.mark.parametrize("role", sorted(EVERYBODY))
def test_head_opens_what_get_opens_and_options_tells_nothing_of_what_is_there(role, ids):
    service = users.create_service("s@x.net", actor=None)[1]
    client = bearing(service) if role == Y else api(make_user(Role(role)))
    paths = [path for path in ACCESS if "/auth/" not in path and path != "/api/docs"]
    before = everything()

    gets = {path: ask(client, "GET", of_something(path, ids)) for path in paths}
    heads = {path: ask(client, "HEAD", of_something(path, ids)) for path in paths}
    options = {path: ask(client, "OPTIONS", of_something(path, ids)) for path in paths}

    assert {path: answer.status_code for path, answer in heads.items()} == {
        path: answer.status_code for path, answer in gets.items()
    }
    assert {answer.content for answer in heads.values()} == {b""}
    assert {answer.status_code for answer in options.values()} <= {200, 403}
    told = [set(answer.json()) for answer in options.values() if answer.status_code == 200]
    assert all(names == {"name", "description", "renders", "parses"} for names in told)
    assert everything() == before


@pytest.mark.abuse("AUTHZ-11")
@pytest.mark.parametrize("method", ["DELETE", "PATCH", "PUT"])
def test_no_header_field_or_parameter_makes_another_method_of_a_post(client_api, ids, method):
    product = f"/api/products/{ids['products']}"
    before = Product.objects.values().get()
    header = {f"HTTP_X_{name}": method for name in ("HTTP_METHOD_OVERRIDE", "HTTP_METHOD", "METHOD_OVERRIDE")}

    answers = [
        client_api.post(f"{product}?_method={method}", {"_method": method, "name": "x"}, format="json", **header),
        client_api.post(product, f"_method={method}", content_type="application/x-www-form-urlencoded", **header),
        client_api.get(f"{product}?_method={method}&method={method}", **header),
    ]

    assert [answer.status_code for answer in answers] == [405, 405, 200]
    assert Product.objects.values().get() == before


# Reading the audit log


@pytest.mark.abuse("AUTHZ-15")
def test_office_staff_read_nothing_about_accounts_over_the_api_either(admin, ids):
    mei = make_user(Role.VIEWER, email="mei@example.net")
    users.change(mei.pk, role=Role.BUYER, actor=admin)
    staff, boss = api(make_user(Role.STAFF)), api(admin)

    def tables(client, query=""):
        return {row["table_name"] for row in client.get(f"/api/audit-log?page_size=500{query}").json()["results"]}

    assert {"users", "products"} <= tables(boss)
    assert "products" in tables(staff)
    for query in ("", "&table_name=users", f"&record_id={mei.pk}&table_name=users", "&action=UPDATE"):
        assert not tables(staff, query) & {"users", "service_keys", "totp_devices"}, query


@pytest.mark.abuse("AUTHZ-15", "AUD-07")
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nobody_writes_to_the_audit_log_over_the_api(client_api, ids, method):
    row, before = AuditLog.objects.latest("pk"), list(AuditLog.objects.values())

    for path in ("/api/audit-log", f"/api/audit-log/{row.pk}"):
        assert ask(client_api, method, path).status_code in (404, 405)

    assert list(AuditLog.objects.values()) == before
