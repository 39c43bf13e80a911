"""Attacks that belong to no single part: guessed keys, fields, parameters and addresses that nobody offered."""

import ast
import os
import re
import subprocess
import sys

import pytest
from django.conf import settings as project
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditLog, User
from accounts.rights import Role
from inventory.models import StockLevel, StockMovement
from purchasing.workflow import Stage
from tests.browser import signed_in
from tests.factories import make_order, make_product, make_supplier, make_user, orders
from tests.test_access import ACCESS
from tests.test_architecture import ROOT, sources
from tests.test_bad_input import everything
from tests.test_pages import every_page
from tests.test_settings import SAFE

# Keys that could be guessed


def published():
    """What somebody who has the repository would try for a key, as it is and repeated until it is long enough."""
    example = (ROOT / ".env.example").read_text()
    shown = set(re.findall(r"^\w+(?:_KEY|_SECRET|_PASSWORD)=(.*)$", example, re.M))
    words = {"secret", "changeme", "change-me", "example", "django-insecure-", project.SECRET_KEY}
    return sorted(shown | words | {word * 60 for word in words})


@pytest.mark.abuse("AUTH-16")
def test_nothing_that_is_published_is_taken_for_a_key_in_production():
    code = (
        "import config.settings.base as b; from django.core.exceptions import ImproperlyConfigured\n"
        "import os, sys, runpy\n"
        "for value in sys.argv[1:]:\n"
        "    os.environ['SECRET_KEY'] = value\n"
        "    try: runpy.run_module('config.settings.production')\n"
        "    except ImproperlyConfigured as error: assert 'SECRET_KEY' in str(error), error\n"
        "    else: print('taken:', value)\n"
    )
    environ = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "config.settings.production", **SAFE}

    told = subprocess.run(
        [sys.executable, "-c", code, *published()], env=environ, cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert len(published()) > 10, published()
    assert told.stdout == ""


@pytest.mark.abuse("AUTH-16")
def test_each_laptop_makes_a_key_of_its_own_and_tokens_are_signed_with_another_than_sessions(tmp_path):
    code = "import config.settings.local as s; print(s.SECRET_KEY); print(s.SIMPLE_JWT['SIGNING_KEY'])"

    def keys(folder):
        environ = {"PATH": os.environ["PATH"], "GODOWN_VAR": str(tmp_path / folder)}
        told = subprocess.run(
            [sys.executable, "-c", code], env=environ, cwd=ROOT, capture_output=True, text=True, check=True
        )
        return told.stdout.split()

    (mine, signing), (theirs, _) = keys("a"), keys("b")
    assert len({mine, theirs, signing}) == 3
    assert keys("a") == [mine, signing]
    assert min(len(mine), len(signing)) >= 43


# What was not offered

DOCUMENTS = {"/api/docs", "/api/schema"}
LISTS = sorted(path for path, table in ACCESS.items() if "GET" in table and "999" not in path and path not in DOCUMENTS)
NOT_OFFERED = [
    "ordering=password", "ordering=-account_number", "order_by=password", "o=-1", "sort=price_usd",
    "user__password__startswith=bcrypt", "owner__password__startswith=b", "supplier__bank_accounts__account_last4=8642",
    "supplier__bank_accounts__account_number__regex=^g", "_connector=OR", "_negated=1", "pk__in=1", "id=1",
    "is_active__exact=0", "include_deleted=1", "all=1", "fields=password", "expand=supplier.bank_accounts",
    "format=api", "format=html", "limit=1", "offset=1", "q=1", "__proto__=1", "password=x", "search__regex=.*",
]  # fmt: skip


@pytest.mark.abuse("AUTHZ-06", "AUTHZ-14")
@pytest.mark.parametrize("path", LISTS)
def test_a_parameter_that_nobody_offered_is_refused_or_changes_nothing(client_api, time_machine, path):
    time_machine.move_to(timezone.now(), tick=False)  # some answers tell when a job is due
    make_product(on_hand=3)
    make_product(is_active=False)
    make_supplier(contacts=[{"name": "Li", "contact_value": "li"}])
    plain = client_api.get(path)

    for query in NOT_OFFERED:
        answer = client_api.get(f"{path}?{query}")

        assert answer.status_code in (200, 400), query
        if answer.status_code == 200:
            assert (answer.content, answer["Content-Type"]) == (plain.content, plain["Content-Type"]), query


EXTRA = {
    "id": 777, "pk": 777, "created_at": "2000-01-01T00:00:00Z", "updated_at": "2000-01-01T00:00:00Z", "is_deleted": 1,
    "created_by": 1, "created_by_id": 1, "changed_by": 1, "user": 1, "user_id": 1, "actor": 1, "owner": 1,
    "po_number": "PO-1999-001", "status": "STOCKED", "subtotal_usd": 1, "total_usd": 1, "cancelled_at": "2000-01-01",
    "quantity_received": 5, "balance_after": 9_999, "movement_type": "ADJUSTMENT", "reference_type": "ADJUSTMENT",
    "on_hand": 99, "stock": 99, "last_counted_at": "2000-01-01T00:00:00Z", "account_last4": "0000", "role": "ADMIN",
}  # fmt: skip
NEVER_TAKEN = {"quantity": 99, "reorder_point": 0, "price": 1}


@pytest.mark.abuse("AUTHZ-04")
def test_fields_that_are_not_the_clients_are_not_taken(client_api, admin):
    """Everything is sent twice: as it is meant, and with every other field of the tables beside it."""
    product, mei = make_product(price="10.00", on_hand=9), make_user(Role.STAFF)
    extra = {**EXTRA, **dict.fromkeys(("created_by", "created_by_id", "changed_by", "user", "user_id"), mei.pk)}
    supplier = {"name": "Factory"}
    kit = {"name": "Kit", "price_usd": 5, **NEVER_TAKEN}
    line = {"product_id": product.pk, "quantity": 2}
    order = {"supplier_id": make_supplier().pk, "line_items": [{**line, **extra}], "shipping_usd": 3}
    sale = {"product_id": product.pk, "quantity": 1, "unit_price_usd": 12}

    answers = [
        client_api.post("/api/suppliers", {**extra, **supplier}, format="json"),
        client_api.post("/api/products", {**extra, **kit, "internal_sku": "LUMI-NEW1"}, format="json"),
        client_api.post("/api/orders", {**extra, **order}, format="json"),
        client_api.post("/api/inventory/sale", {**extra, **sale}, format="json"),
    ]
    made, listed, ordered, sold = (answer.json() for answer in answers)
    changed = client_api.patch(f"/api/orders/{ordered['id']}", {**extra, "notes": "x"}, format="json")
    client_api.patch(f"/api/products/{listed['id']}", {**extra, "name": "Kit", **NEVER_TAKEN}, format="json")

    assert [answer.status_code for answer in (*answers, changed)] == [201, 201, 201, 201, 200]
    assert 777 not in {answer["id"] for answer in (made, listed, ordered, sold)}
    assert not [answer for answer in (made, listed, ordered, sold) if "2000-01-01" in str(answer)]
    assert StockLevel.objects.values_list("quantity", "reorder_point").get(product_id=listed["id"]) == (0, 10)
    for stored in (ordered, changed.json()):
        assert (stored["status"], stored["cancelled_at"]) == ("DRAFT", None)
        assert (stored["subtotal_usd"], stored["total_usd"]) == (20, 23)
        assert stored["po_number"] == f"PO-{timezone.localdate().year}-001"
        assert [row["quantity_received"] for row in stored["line_items"]] == [0]
    movement = StockMovement.objects.latest("pk")
    assert (movement.quantity, movement.balance_after, movement.movement_type) == (-1, 8, "OUT")
    assert movement.created_by == admin
    assert set(AuditLog.objects.filter(table_name="purchase_orders").values_list("user_id", flat=True)) == {admin.pk}
    assert not User.objects.filter(role="ADMIN").exclude(pk=admin.pk).exists()


@pytest.mark.abuse("AUTHZ-07")
@pytest.mark.parametrize("end", ["stocked", "cancelled"])
def test_an_order_that_left_the_desk_keeps_its_lines_and_a_closed_one_is_closed(as_role, end):
    product = make_product(price="10.00")
    buyer, boss = as_role(Role.BUYER), as_role(Role.ADMIN)
    order = make_order(orders.Line(product.pk, 5), stage=Stage.QCD if end == "stocked" else Stage.SENT)
    path, line = f"/api/orders/{order.pk}", order.line_items.get().pk
    more = {"line_items": [{"product_id": product.pk, "quantity": 5_000}]}
    assert buyer.patch(path, more, format="json").json()["code"] == "lines_fixed"
    assert buyer.post(f"{path}/status", {"status": "DRAFT"}, format="json").status_code == 400
    last = ("status", {"status": "STOCKED"}) if end == "stocked" else ("cancel", {"reason": "late"})
    assert buyer.post(f"{path}/{last[0]}", last[1], format="json").status_code == 200
    closed, before = boss.get(path).json(), everything()

    answers = [
        client.post(f"{path}/{what}", body, format="json").status_code
        for client in (buyer, boss)
        for what, body in [
            *(("status", {"status": stage}) for stage in Stage),
            ("receive", {"lines": [{"line_item_id": line, "quantity": 1}]}),
            ("cancel", {"reason": "again"}),
        ]
    ]

    assert set(answers) == {400}
    assert boss.patch(path, more, format="json").status_code == 400
    assert everything() == before
    assert boss.get(path).json() == closed


@pytest.mark.abuse("AUTHZ-14")
def test_what_was_deleted_stays_readable_and_nothing_new_is_begun_with_it(client_api, as_role):
    product, supplier = make_product(), make_supplier()
    for path in (f"/api/products/{product.pk}", f"/api/suppliers/{supplier.pk}"):
        assert client_api.delete(path).status_code == 200
        assert as_role(Role.VIEWER).get(path).json()["is_active"] is False
        assert as_role(Role.SYNC).get(path).status_code == 403
    before = everything()
    line = {"product_id": product.pk, "quantity": 1}

    answers = [
        client_api.post("/api/orders", {"supplier_id": supplier.pk}, format="json"),
        client_api.post("/api/orders", {"supplier_id": make_supplier().pk, "line_items": [line]}, format="json"),
        client_api.post("/api/inventory/receive-shipment", {"items": [line]}, format="json"),
    ]

    assert [answer.status_code for answer in answers] == [400, 400, 201]
    assert everything()[0]["purchase_orders"] == before[0]["purchase_orders"] == 0


# Addresses that nobody wrote

FORGOTTEN = [
    "/.env", "/.git/HEAD", "/.git/config", "/manage.py", "/var/secret_key", "/var/godown.sqlite3", "/media/",
    "/__debug__/", "/silk/", "/metrics", "/flower", "/server-status", "/phpmyadmin/", "/wp-login.php", "/backup.sql",
    "/api", "/api/v1/products", "/api/v2/products", "/api/users", "/api/auth", "/api/auth/verify", "/api/token",
    "/api/auth/token/verify", "/api/auth/users", "/api/schema.yaml", "/api/swagger", "/api/redoc", "/api-auth/login/",
    "/accounts/login/", "/accounts/password_reset/", "/password-reset", "/admin/doc/", "/admin/auth/user/",
    "/admin/otp_totp/totpdevice/", "/admin/sessions/session/", "/admin/accounts/totpdevice/", "/admin/accounts/signin/",
    "/admin/accounts/servicekey/", "/admin/accounts/idempotencykey/", "/admin/auditlog/logentry/",
    "/static/../manage.py", "/static/..%2fmanage.py", "/static/%2e%2e/config/settings/base.py", "/static//etc/passwd",
    "/static/", "/static/admin/", "/docs/", "/tests/", "/config/settings/base.py",
]  # fmt: skip


@pytest.mark.abuse("AUTHZ-16", "AUTHZ-08")
@pytest.mark.parametrize("path", FORGOTTEN)
def test_there_is_nothing_at_an_address_that_nobody_wrote(db, path):
    boss = signed_in(make_user(Role.ADMIN))

    for client in (Client(), boss):
        answer = client.get(path, follow=True)
        assert answer.status_code == 404 or answer.redirect_chain[-1][0].startswith("/admin/login/"), path
    assert boss.get(path).status_code == 404


@pytest.mark.abuse("AUTHZ-16")
@pytest.mark.parametrize("accept", ["text/html", "text/html,*/*;q=0.1", "application/json;q=0.1,text/html"])
def test_the_api_has_no_pages_to_browse(client_api, accept):
    for path in [*LISTS, "/api/schema"]:
        answer = client_api.get(path, HTTP_ACCEPT=accept)

        assert "text/html" not in answer["Content-Type"], path
        assert b"<form" not in answer.content


@pytest.mark.abuse("AUTHZ-16")
@pytest.mark.parametrize("path", ["/api/schema", "/api/docs"])
def test_what_the_api_can_do_is_told_to_nobody_who_is_not_signed_in(db, path):
    answer = Client().get(path)

    assert answer.status_code in (302, 401)
    assert b"/api/products" not in answer.content


# What a browser keeps


@pytest.mark.abuse("AUTH-35")
def test_no_page_holds_a_token_and_no_script_of_ours_could_keep_one(db):
    user = make_user(Role.STAFF)
    pages = [answer.content.decode() for answer in every_page().values()]
    browser = signed_in(user)
    scripts = [path for path in [*ROOT.glob("static/**/*"), *ROOT.glob("templates/**/*")] if path.is_file()]
    keeping = re.compile(r"localStorage|sessionStorage|indexedDB|access_token|refresh_token|eyJ[\w-]{10}|gdk_[\w-]{8}")

    assert [page for page in pages if keeping.search(page)] == []
    assert [path.name for path in scripts if keeping.search(path.read_text(errors="replace"))] == []
    assert set(browser.cookies) <= {"sessionid", "csrftoken", "messages"}
    assert browser.cookies["sessionid"]["httponly"]
    assert browser.session.session_key not in "".join(pages)


# What is expensive, and what would start the counters anew


@pytest.mark.postgres
@pytest.mark.abuse("RATE-11")
def test_no_statement_and_no_idle_transaction_lasts_longer_than_a_minute(db):
    found = {}
    for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
        with connection.cursor() as cursor:
            cursor.execute(f"SHOW {name}")
            found[name] = cursor.fetchone()[0]

    assert found == {"statement_timeout": "1min", "idle_in_transaction_session_timeout": "1min"}


@pytest.mark.abuse("RATE-11")
@pytest.mark.parametrize("size", ["501", "100000", "9" * 30])
def test_no_list_is_longer_than_500_rows(client_api, size):
    for path in ("/api/products", "/api/suppliers", "/api/inventory", "/api/orders", "/api/sales", "/api/audit-log"):
        with CaptureQueriesContext(connection) as queries:
            assert client_api.get(f"{path}?page_size={size}").status_code == 200

        wanted = re.findall(r"LIMIT (\d+)", " ".join(query["sql"] for query in queries))
        assert [limit for limit in wanted if int(limit) > 501] == [], path


def calls(path):
    tree = ast.parse(path.read_text())
    return {
        node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }


@pytest.mark.abuse("RATE-13")
def test_nothing_in_godown_empties_the_place_where_requests_are_counted():
    """On Redis that would be FLUSHDB: the counters would begin anew, and the queue would be gone."""
    emptying = {"clear", "flushdb", "flushall", "delete_pattern"}

    assert [path.name for path in sources() if calls(path) & emptying] == []
