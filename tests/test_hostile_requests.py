"""Requests that no browser and no honest program sends: they are answered like any other, and nothing happens."""

import contextlib
import json
import re
import secrets
import socket
from html.parser import HTMLParser
from io import BytesIO
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes, urlencode, urlsplit

import httpx
import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.core import signals
from django.core.files import uploadhandler
from django.db import close_old_connections, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from accounts.rights import Role
from config.wsgi import application
from core import operations
from core.tasks import heartbeat
from inventory.models import Product, Supplier
from inventory.services import ledger, suppliers
from purchasing.models import PurchaseOrder
from purchasing.services import orders
from purchasing.workflow import Stage
from sales.services import recording
from tests.browser import is_signed_in, signed_in
from tests.codes import enable_mfa
from tests.conftest import api
from tests.factories import PASSWORD, TODAY, make_order, make_product, make_supplier, make_user, sell
from tests.live import server
from tests.test_limits import HEADERS
from tests.test_openapi import operations as operations_of_the_api
from tests.test_privacy import addresses

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=x"
NUL = "a\x00b"
# Every list with every filter that takes text.
SEARCHES = [
    "/api/products?search=",
    "/api/suppliers?search=",
    "/api/inventory?search=",
    "/api/sales?order_reference=",
    "/api/audit-log?table_name=",
    "/audit?table=",
    "/admin/accounts/user/?q=",
    "/admin/accounts/auditlog/?q=",
    "/admin/inventory/product/?q=",
    "/admin/inventory/supplier/?q=",
    "/admin/sales/sale/?q=",
    "/admin/purchasing/purchaseorder/?q=",
]


@pytest.fixture
def shop(admin):
    """A little of everything, so that every address shows something."""
    supplier = make_supplier("Factory", contacts=[{"name": "Li", "contact_value": "li-1"}])
    account = {"holder": "Factory", "bank_name": "Bank", "account_number": "6222000011118642"}
    suppliers.add_bank_account(supplier.pk, **account, actor=admin)
    product = make_product("LUMI-SHOP", on_hand=9, supplier_id=supplier.pk)
    sell(product, 2, reference="A-1")
    make_order(orders.Line(product.pk, 3), supplier=supplier, stage=Stage.SENT)
    return product


@pytest.fixture
def everywhere(admin):
    """A client of the administrator's that is signed in at all doors: by token at the API, by session at the pages."""
    client = api(admin)
    client.force_login(admin)
    client.raise_request_exception = False
    return client


class Answer(NamedTuple):
    """What came back from the application itself."""

    status_code: int
    headers: dict[str, str]


def over_wsgi(method, path, *, kind="", body=b"", **headers):
    """Ask the application as the web server asks it: no test client between."""
    place, _, query = path.partition("?")
    environ = {
        "REQUEST_METHOD": method, "PATH_INFO": unquote_to_bytes(place).decode("latin-1"), "QUERY_STRING": query,
        "SERVER_NAME": "testserver", "SERVER_PORT": "80", "REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http",
        "CONTENT_TYPE": kind, "CONTENT_LENGTH": str(len(body)), "wsgi.input": BytesIO(body), **headers,
    }  # fmt: skip
    started = []
    signals.request_started.disconnect(close_old_connections)  # it would end the transaction of the test
    try:
        list(application(environ, lambda status, given: started.append((status, given))))
    finally:
        signals.request_started.connect(close_old_connections)
    status, given = started[-1]
    return Answer(int(status[:3]), dict(given))


def every_row():
    """Return the content of every table but that of the sessions."""
    tables = [model for model in apps.get_models() if model._meta.label != "sessions.Session"]
    return {model._meta.label: list(model.objects.order_by("pk").values()) for model in tables}


def headers_of(answer):
    return {name: answer.headers.get(name) for name in HEADERS if name != "Cache-Control"}


SAFE_HEADERS = {name: value for name, value in HEADERS.items() if name != "Cache-Control"}

# Before any middleware: what the web server hands over

CHARSETS = [
    "charset=bz2_codec", "charset=rot13", "charset=idna", "charset=undefined", "charset=utf-16", 'charset="uu"',
    "charset=latin-1", "charset=none-such", "charset*=idna''%ff", "x*=none-such''%41", "charset*=utf-8''hex",
    "x*; x*0*",
]  # fmt: skip


@pytest.mark.abuse("INP-06", "WEB-01")
@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize(
    ("method", "path", "kind", "status"),
    [
        ("GET", "/sign-in?next=%41%ff", "text/plain", 200),
        ("POST", "/sign-in?next=%41%ff", FORM, 403),
        ("GET", "/api/products?search=%41%ff", JSON, 401),
        ("POST", "/api/auth/login?a=%41%ff", JSON, 415),
    ],
)
@pytest.mark.usefixtures("db")
def test_a_charset_other_than_utf_8_is_a_type_that_nobody_reads(method, path, kind, status, charset):
    answer = over_wsgi(method, path, kind=f"{kind}; {charset}", body=b"{}" if method == "POST" else b"")

    assert answer.status_code == status
    assert headers_of(answer) == SAFE_HEADERS


@pytest.mark.parametrize("kind", [JSON, f"{JSON}; charset=utf-8", f"{JSON};charset=UTF8", f'{JSON}; charset="ascii"'])
def test_utf_8_by_any_of_its_names_is_read(db, kind):
    body = json.dumps({"email": make_user().email, "password": PASSWORD}).encode()

    assert over_wsgi("POST", "/api/auth/login", kind=kind, body=body).status_code == 200


@pytest.mark.abuse("INP-05")
@pytest.mark.parametrize("kind", [JSON, f"{JSON}; charset=utf-8"])
@pytest.mark.parametrize("path", ["/api/products", "/api/auth/login", "/sign-in", "/audit", "/admin/", "/nothing"])
def test_a_query_of_2000_parameters_is_no_error(db, path, kind):
    query = "&".join(f"a{number}=1" for number in range(2_000))

    answer = over_wsgi("GET", f"{path}?{query}", kind=kind)

    assert 200 <= answer.status_code < 500
    assert headers_of(answer) == SAFE_HEADERS


@pytest.mark.abuse("INP-06")
@pytest.mark.parametrize(
    "head",
    [
        'Content-Disposition: form-data; name="a"; x*; x*0*',
        'Content-Disposition: form-data; name="a"; filename="b"; x*; x*0*',
        'Content-Disposition: form-data; name="a"\r\nContent-Type: text/plain; x*; x*0*',
    ],
)
def test_a_part_whose_header_cannot_be_read_is_a_400(db, head):
    body = f"--x\r\n{head}\r\n\r\nabc\r\n--x--\r\n".encode()

    answer = over_wsgi("POST", "/sign-in", kind=MULTIPART, body=body, HTTP_COOKIE=f"csrftoken={'a' * 32}")

    assert answer.status_code == 400
    assert headers_of(answer) == SAFE_HEADERS


@pytest.mark.abuse("INP-06")
@pytest.mark.parametrize("path", ["/api/auth/me", "/api/products", "/api/nothing", "/api/schema"])
def test_an_accept_header_that_cannot_be_read_is_no_error(client_api, path):
    answer = client_api.get(path, HTTP_ACCEPT="application/json; x*; x*0*")

    assert answer.status_code in (404, 406)
    assert answer["Content-Type"].endswith("json")


# Cookies, forms, uploads


@pytest.mark.abuse("INP-06")
@pytest.mark.parametrize(
    "cookie",
    ['"aaaaaaaa\\000bbbbbbbbbbbbbbbbbbbbbbb"', "a" * 100_000, "short", '"\\377\\376aaaaaaaaaa"', "A" * 32, "ä" * 32],
)
@pytest.mark.parametrize("path", ["/sign-in", "/account", "/admin/", "/api/auth/me", "/nothing"])
def test_a_session_id_that_we_never_made_is_looked_up_nowhere(db, path, cookie):
    with CaptureQueriesContext(connection) as queries:
        answer = Client().get(path, HTTP_COOKIE=f"sessionid={cookie}")

    assert [query["sql"] for query in queries if "django_session" in query["sql"]] == []
    assert answer.status_code in (200, 302, 401, 404)


@pytest.mark.abuse("INP-05", "FILE-08", "FILE-11")
@pytest.mark.parametrize(("size", "status"), [(10, 403), (3_000_000, 403), (6_000_000, 413)])
@pytest.mark.parametrize("path", ["/sign-in", "/register", "/admin/login/"])
def test_a_file_that_a_stranger_sends_is_kept_nowhere(db, monkeypatch, path, size, status):
    kept = []
    for kind in ("TemporaryUploadedFile", "InMemoryUploadedFile"):
        monkeypatch.setattr(uploadhandler, kind, lambda *given, **_: kept.append(given))
    head = b'--x\r\nContent-Disposition: form-data; name="a"; filename="../a.svg"\r\n\r\n'
    body = head + b"<" * size + b"\r\n--x--\r\n"

    browser = Client(enforce_csrf_checks=True)
    browser.cookies["csrftoken"] = "a" * 32
    answer = browser.generic("POST", path, body, MULTIPART)

    assert answer.status_code == status
    assert kept == []


@pytest.mark.abuse("FILE-08")
def test_what_comes_with_a_form_in_place_of_a_field_is_no_field(db):
    user = make_user()
    head = b'--x\r\nContent-Disposition: form-data; name="username"; filename="a"\r\n\r\n'
    rest = f'--x\r\nContent-Disposition: form-data; name="password"\r\n\r\n{PASSWORD}\r\n--x--\r\n'

    browser = Client()
    answer = browser.generic("POST", "/sign-in", head + user.email.encode() + b"\r\n" + rest.encode(), MULTIPART)

    assert answer.status_code == 422
    assert not is_signed_in(browser)


PAGES_WITH_FORMS = [
    "/sign-in", "/register", "/account/password", "/account/mfa/verify", "/account/mfa/disable",
    "/account/mfa/recovery-codes", "/admin/login/", "/admin/accounts/user/add/", "/admin/accounts/user/add-service/",
    "/admin/accounts/user/{user}/change/", "/admin/accounts/user/{user}/password/",
]  # fmt: skip
FIELDS = ("username", "email", "password", "current_password", "new_password", "code", "role", "is_active", "next")
REPEATED = ("password_again", "new_password_again", "again")
JUNK = {
    "NUL": quote(NUL), "surrogate": "%ED%A0%80", "no UTF-8": "%FF%FE", "line ends": "a%0D%0Ab", "markup": "%3Cb%3E",
    "right to left": quote("\u202ea"), "digits": "9" * 1_000, "other digits": quote("١٢٣٤٥٦"),
    "megabytes": "x" * 4_000_000,
}  # fmt: skip


@pytest.mark.abuse("INP-05", "INP-06")
@pytest.mark.parametrize("value", JUNK.values(), ids=JUNK.keys())
@pytest.mark.parametrize("path", PAGES_WITH_FORMS)
def test_junk_in_every_field_of_a_form_is_told_and_changes_nothing(admin, path, value):
    other = make_user(Role.VIEWER)
    browser = Client() if path in ("/sign-in", "/register", "/admin/login/") else signed_in(admin)
    browser.raise_request_exception = False
    before = every_row()
    fields = [f"{name}={value}" for name in FIELDS] + [f"{name}=other" for name in REPEATED]

    answer = browser.generic("POST", path.format(user=other.pk), "&".join(fields).encode(), FORM)

    assert answer.status_code in (302, 413, 422)
    assert every_row() == before


@pytest.mark.abuse("INP-05")
@pytest.mark.parametrize("path", PAGES_WITH_FORMS)
def test_a_form_of_2000_fields_is_refused(admin, path):
    browser = signed_in(admin)
    browser.handler.enforce_csrf_checks = True
    fields = "&".join(f"a{number}=1" for number in range(2_000))

    answer = browser.generic("POST", path.format(user=admin.pk), fields.encode(), FORM)

    assert answer.status_code == 400
    assert headers_of(answer) == SAFE_HEADERS


# Queries


INJECTIONS = [
    "a'", "' OR '1'='1", "') OR 1=1 --", "1; SELECT pg_sleep(30)", "\\' OR 1=1 --", "%' OR ''='", "{1}", "$1", "%s",
]  # fmt: skip


@pytest.mark.abuse("INP-16")
@pytest.mark.parametrize("text", INJECTIONS)
@pytest.mark.parametrize("path", SEARCHES)
def test_sql_in_a_search_finds_nothing(everywhere, shop, path, text):
    before = every_row()

    answer = everywhere.get(path + quote(text))

    assert answer.status_code in (200, 400, 422)
    assert b"LUMI-SHOP" not in answer.content
    assert every_row() == before


@pytest.mark.abuse("INP-16")
@pytest.mark.parametrize("text", INJECTIONS)
def test_sql_in_a_text_is_stored_as_it_is(client_api, text):
    answer = client_api.post("/api/suppliers", {"name": "Factory", "notes": f"a{text}b"}, format="json")

    assert answer.json()["notes"] == Supplier.objects.get().notes == f"a{text}b"


@pytest.mark.abuse("INP-17")
@pytest.mark.parametrize("wildcards", ["%" * 50, "_" * 50, "%_" * 50, "a%" * 50, "*" * 50])
def test_wildcards_in_a_search_are_letters(client_api, shop, wildcards):
    for path in ("/api/products", "/api/inventory", "/api/suppliers"):
        assert client_api.get(path, {"search": wildcards}).json()["count"] == 0


@pytest.mark.abuse("INP-17")
@pytest.mark.parametrize("path", ["/api/products", "/api/inventory", "/api/suppliers"])
def test_a_search_of_500_words_is_refused(client_api, path):
    answer = client_api.get(path, {"search": "a " * 500})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["search"])


@pytest.mark.postgres
@pytest.mark.abuse("INP-17", "CON-12")
def test_no_statement_and_no_forgotten_transaction_runs_longer_than_a_minute(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout')"
        )

        assert cursor.fetchone() == ("1min", "1min")


# Markup that got into the database all the same

MARKUP = """'"><x7 hx-get=/sign-out onclick=x>{{7*7}}{% debug %}</x7>"""
SHORT = """'"><x7 onclick=a>"""


class Elements(HTMLParser):
    """Finds what the markup above would become if it were not shown as text."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        """Look at one element."""
        if tag == "x7" or any(name.startswith(("hx-", "data-hx-", "on")) for name, _ in attrs):
            self.found.append((tag, attrs))


def elements_in(page):
    parser = Elements()
    parser.feed(page)
    return parser.found


def fill_with_markup():
    """Make rows of which every text is markup: past the door that would clean it, through what writes the audit log."""
    person = User.objects.create_user(f'"{SHORT[2:]}"@example.net', PASSWORD, role=Role.ADMIN)
    contact = dict.fromkeys(("name", "role", "contact_value"), MARKUP)
    texts = dict.fromkeys(("name", "legal_name", "website", "address", "payment_terms", "notes"), MARKUP)
    with operations.acting_from(operations.Origin(person.pk, "203.0.113.5", MARKUP)):
        supplier = suppliers.create(**texts, contacts=[contact], actor=person)
        bank = {"holder": MARKUP, "bank_name": MARKUP, "swift": MARKUP[:11], "account_number": "6222000011118642"}
        suppliers.add_bank_account(supplier.pk, **bank, actor=person)
        product = make_product(name=MARKUP, supplier_sku=MARKUP, on_hand=9, supplier_id=supplier.pk)
        Product.objects.update(internal_sku=SHORT)
        ledger.receive([ledger.Line(product.pk, 1, MARKUP)], notes=MARKUP, actor=person)
        line = recording.Line(product.pk, 1, TODAY, order_reference=MARKUP)
        recording.record_sales([line], today=TODAY, actor=person)
        order = make_order(orders.Line(product.pk, 3), supplier=supplier)
        orders.update(order.pk, notes=MARKUP, supplier_pi=MARKUP, actor=person)
        orders.cancel(order.pk, reason=MARKUP, now=timezone.now(), actor=person)
        PurchaseOrder.objects.update(po_number=SHORT)
    return person


@pytest.mark.abuse("INP-09", "WEB-07")
def test_markup_in_any_text_is_text_on_every_page(db):
    person = fill_with_markup()
    client = api(person)
    client.force_login(person)
    shown, executed = set(), {}

    for address, path in addresses():
        answer = client.get(path)
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        if answer["Content-Type"].startswith("text/html"):
            body = content.decode()
            executed[path] = elements_in(body)
            shown |= {address} if "&lt;x7 " in body else set()
        else:
            assert answer["Content-Type"].partition(";")[0] in (
                JSON, "text/javascript", "application/vnd.oai.openapi+json", "application/vnd.oai.openapi", "text/csv",
                "application/pdf",
            )  # fmt: skip
        assert answer["X-Content-Type-Options"] == "nosniff"

    assert {path: found for path, found in executed.items() if found} == {}
    assert {"/audit", "/account", "/admin/inventory/product/", "/admin/accounts/auditlog/"} <= shown
    assert len(shown) > 20


@pytest.mark.abuse("WEB-07")
@pytest.mark.parametrize(
    ("method", "path", "fields"),
    [
        ("GET", f"/sign-in?next={quote(MARKUP)}", {}),
        ("POST", "/sign-in", {"username": MARKUP, "password": "x"}),
        ("POST", "/register", {"email": MARKUP, "password": MARKUP, "password_again": "x"}),
        ("GET", f"/nothing/{quote(MARKUP)}", {}),
        ("GET", f"/audit?table={quote(MARKUP)}&record={quote(MARKUP)}&user={quote(MARKUP)}&from={quote(MARKUP)}", {}),
        ("GET", f"/admin/inventory/product/?q={quote(MARKUP)}", {}),
        ("GET", f"/admin/inventory/product/?is_active={quote(MARKUP)}&p={quote(MARKUP)}&o={quote(MARKUP)}", {}),
        ("GET", f"/admin/inventory/product/{quote(MARKUP)}/change/", {}),
        ("GET", f"/admin/accounts/user/?q={quote(MARKUP)}&{quote(MARKUP)}=1", {}),
        ("POST", "/admin/accounts/user/add/", {"email": MARKUP, "role": MARKUP, "password": MARKUP, "again": "x"}),
        ("GET", f"/api/docs?lang={quote(MARKUP)}&{quote(MARKUP)}", {}),
    ],
)
def test_markup_that_comes_back_in_an_answer_is_text(everywhere, method, path, fields):
    everywhere.cookies.clear() if path.startswith(("/sign-in", "/register")) else None

    answer = everywhere.generic(method, path, urlencode(fields).encode(), FORM)

    assert answer.status_code < 500
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert elements_in(answer.content.decode()) == []


# Looking changes nothing; changing takes the token of the session


@pytest.mark.abuse("WEB-05")
@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_looking_at_every_address_changes_nothing(everywhere, shop, method):
    heartbeat()
    before = every_row()

    statuses = {path: getattr(everywhere, method)(path).status_code for _, path in addresses()}

    assert [path for path, status in statuses.items() if status >= 500] == []
    assert every_row() == before
    assert is_signed_in(everywhere)


def writes():
    """Yield method and path of every operation of the API that a session may ask for."""
    doors = ("/api/auth/login", "/api/auth/register", "/api/auth/refresh")  # they do not look at the session
    for method, path in sorted(operations_of_the_api()):
        if method != "get" and path not in doors:
            yield method, re.sub(r"\{\w+\}", "1", path)


def token_of(browser):
    page = browser.get("/account").content.decode()
    return re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page).group(1)


FORGED = {
    "none": lambda token, other: {},
    "empty": lambda token, other: {"HTTP_X_CSRFTOKEN": ""},
    "cut": lambda token, other: {"HTTP_X_CSRFTOKEN": token[:-1]},
    "of another session": lambda token, other: {"HTTP_X_CSRFTOKEN": other},
    "not ASCII": lambda token, other: {"HTTP_X_CSRFTOKEN": "ä" * 64},
    "from elsewhere": lambda token, other: {"HTTP_X_CSRFTOKEN": token, "HTTP_ORIGIN": "https://evil.example"},
    "from nowhere": lambda token, other: {"HTTP_X_CSRFTOKEN": token, "HTTP_ORIGIN": "null"},
    "referred from elsewhere": lambda token, other: {
        "HTTP_X_CSRFTOKEN": token, "HTTP_REFERER": "https://evil.example/", "wsgi.url_scheme": "https",
    },
    "referred from nowhere": lambda token, other: {"HTTP_X_CSRFTOKEN": token, "wsgi.url_scheme": "https"},
}  # fmt: skip


@pytest.mark.abuse("WEB-04")
@pytest.mark.parametrize("kind", [JSON, "text/plain", FORM])
@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
def test_a_session_without_its_own_token_changes_nothing_over_the_api(admin, shop, forge, kind):
    browser = signed_in(admin)
    given = forge(token_of(browser), token_of(signed_in(make_user())))
    browser.handler.enforce_csrf_checks = True
    before = every_row()

    answers = {
        (method, path): browser.generic(method.upper(), path, b"{}", kind, **given).status_code
        for method, path in writes()
    }

    assert set(answers.values()) <= {403, 415}
    assert len(answers) > 30
    assert every_row() == before


@pytest.mark.abuse("WEB-04")
def test_with_its_token_a_session_may_use_the_api(admin):
    browser = signed_in(admin)
    token = token_of(browser)
    browser.handler.enforce_csrf_checks = True

    answer = browser.post("/api/suppliers", {"name": "Factory"}, JSON, HTTP_X_CSRFTOKEN=token)

    assert answer.status_code == 201


# Hosts, origins, cookies


@pytest.mark.abuse("WEB-10")
@pytest.mark.parametrize(
    "host",
    ["evil.example", "testserver.evil.example", "testserver@evil.example", "testserver, evil.example", "", "a b"],
)
@pytest.mark.parametrize("path", ["/sign-in", "/api/auth/me", "/health", "/admin/", "/nothing"])
def test_another_host_is_nobodys(db, path, host):
    answer = Client().get(path, HTTP_HOST=host)

    assert answer.status_code == 400
    assert "evil" not in answer.content.decode() + str(answer.headers)
    assert headers_of(answer) == SAFE_HEADERS


@pytest.mark.abuse("WEB-10", "DEP-04")
def test_no_header_but_host_makes_an_address(client_api):
    for _ in range(3):
        make_product()
    forged = {
        "HTTP_X_FORWARDED_HOST": "evil.example",
        "HTTP_X_FORWARDED_PORT": "99",
        "HTTP_FORWARDED": "host=evil.example",
    }

    listed = client_api.get("/api/products?page_size=1", **forged).json()
    led = APIClient().get("/account", **forged)

    assert listed["next"] == "http://testserver/api/products?page=2&page_size=1"
    assert led["Location"] == "/sign-in?next=/account"


@pytest.mark.abuse("WEB-14")
@pytest.mark.parametrize(
    ("origin", "may"),
    [
        ("https://inventory.yourdomain.com", True),
        ("https://inventory.yourdomain.com.evil.example", False),
        ("https://inventoryXyourdomain.com", False),
        ("http://inventory.yourdomain.com", False),
        ("https://evil.example", False),
        ("null", False),
    ],
)
def test_a_preflight_is_answered_to_listed_origins_only_and_never_with_credentials(db, origin, may):
    asked = {"HTTP_ORIGIN": origin, "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "POST"}

    answer = APIClient().options("/api/inventory/sale", **asked)

    assert answer.headers.get("Access-Control-Allow-Origin") == (origin if may else None)
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "evil" not in str(answer.headers)


@pytest.mark.abuse("WEB-12")
def test_a_session_id_that_was_planted_belongs_to_nobody(db):
    user = make_user()
    thief, browser = Client(), Client()
    planted = thief.session.session_key  # a session of nobody's, which is in the database
    browser.cookies["sessionid"] = planted

    answer = browser.post("/sign-in", {"username": user.email, "password": PASSWORD})

    assert answer.status_code == 302
    assert is_signed_in(browser)
    assert not is_signed_in(thief)
    assert browser.cookies["sessionid"].value != planted


@pytest.mark.abuse("WEB-12")
def test_a_session_ends_after_eight_hours_with_its_owner_and_with_the_password(db, time_machine):
    time_machine.move_to("2026-06-15T03:00Z", tick=False)
    user = make_user()
    old, lost = signed_in(user), signed_in(user)
    copy = Client()
    copy.cookies["sessionid"] = lost.cookies["sessionid"].value
    lost.post("/sign-out")
    assert not is_signed_in(copy)

    time_machine.move_to("2026-06-15T10:59Z", tick=False)
    assert is_signed_in(old)
    time_machine.move_to("2026-06-15T11:01Z", tick=False)
    assert not is_signed_in(old)

    changed = signed_in(user)
    user.set_password("another horse battery")
    user.save()
    assert not is_signed_in(changed)


@pytest.mark.abuse("WEB-17")
def test_the_door_of_the_office_is_the_door_of_the_api_and_counts_with_it(db, settings):
    settings.RATE_LIMIT_AUTH = "5/m"
    user = make_user(Role.ADMIN)
    enable_mfa(user)
    browser = Client()

    tried = [browser.post("/admin/login/", {"username": user.email, "password": "wrong"}).status_code for _ in range(5)]
    api_too = APIClient().post("/api/auth/login", {"email": user.email, "password": PASSWORD}, format="json")

    assert tried == [422] * 5
    assert api_too.status_code == 429
    assert browser.get("/admin/").status_code == 302


# Addresses that are none


@pytest.mark.abuse("DEP-09", "FILE-12")
@pytest.mark.parametrize(
    "path",
    [
        "/.env", "/.git/HEAD", "/.git/config", "/manage.py", "/var/secret_key", "/var/godown.sqlite3", "/backup.sql",
        "/media/", "/media/x", "/static/", "/static", "/static/admin/", "/static/../manage.py",
        "/static/%2e%2e/manage.py", "/static/..%2fmanage.py", "/static../manage.py", "/static//etc/passwd",
        "/static/%2fetc%2fpasswd", "/static/app.css%00", "/static/%ff", "/static/" + "a" * 999, "/metrics", "/flower",
        "/debug", "/silk/", "/__debug__/", "/server-status", "/admin/doc/", "/api/", "/api/v1/products", "/swagger",
        "/openapi.json", "/%", "/%zz", "/%ff%fe", "/%ED%A0%80", "//evil.example/", "/sign-in/../admin",
    ],
)  # fmt: skip
def test_nothing_lies_about(db, path):
    answer = over_wsgi("GET", path)

    assert answer.status_code in (404, 302)
    assert answer.status_code == 404 or answer.headers["Location"].startswith(("/sign-in?next=", "/admin/login/?next="))
    assert headers_of(answer) == SAFE_HEADERS


@pytest.mark.abuse("WEB-01", "WEB-13")
@pytest.mark.parametrize("path", ["/static/app.css", "/static/icon.svg", "/static/admin/css/base.css", "/favicon.ico"])
def test_static_files_carry_the_headers_too(db, path):
    answer = over_wsgi("GET", path)

    assert answer.status_code in (200, 301)
    assert headers_of(answer) == SAFE_HEADERS


@pytest.mark.parametrize("path", ["/nothing", "/sign-in"])
def test_a_static_file_that_was_not_collected_breaks_no_page(db, settings, tmp_path, path):
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": "core.static_storage.LenientStorage"}}

    answer = Client().get(path)

    assert answer.status_code in (200, 404)
    assert '<link rel="stylesheet" href="/static/app.css">' in answer.content.decode()


# The real server with the settings of production


GET, LOGIN = b"GET /sign-in HTTP/1.1", b"POST /api/auth/login HTTP/1.1"
HOST, HTTPS, AS_JSON = b"Host: 127.0.0.1", b"X-Forwarded-Proto: https", b"Content-Type: application/json"
CHUNKED, SECOND = b"Transfer-Encoding: chunked", b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"
# What is sent as lines and body, and the one answer to it.
RAW = {
    "as it should be": ([GET, HOST], b"", 200),
    "HTTP/1.0": ([b"GET /sign-in HTTP/1.0", HOST], b"", 200),
    "two hosts": ([GET, HOST, b"Host: evil.example"], b"", 400),
    "two hosts, ours last": ([GET, b"Host: evil.example", HOST], b"", 400),
    "no host": ([GET], b"", 400),
    "the host of somebody else": ([GET, b"Host: evil.example"], b"", 400),
    "an address with a host in it": ([b"GET http://evil.example/sign-in HTTP/1.1", b"Host: evil.example"], b"", 400),
    "NUL in a header": ([GET, HOST, b"User-Agent: a\x00b"], b"", 400),
    "NUL in the method": ([b"G\x00ET /sign-in HTTP/1.1", HOST], b"", 400),
    "a header in two lines": ([GET, HOST, b"X-A: a\r\n b"], b"", 400),
    "a blank before the colon": ([GET, HOST, b"X-A : a"], b"", 400),
    "no ASCII in the address": ([b"GET /\xff HTTP/1.1", HOST], b"", 400),
    "a header of a megabyte": ([GET, HOST, b"X-A: " + b"a" * 1_000_000], b"", 431),
    "a thousand headers": ([GET, HOST, *(b"X-%d: a" % number for number in range(1_000))], b"", 431),
    "length and chunks": ([LOGIN, HOST, AS_JSON, b"Content-Length: 5", CHUNKED], LAST_CHUNK + SECOND, 411),
    "chunks and length": ([LOGIN, HOST, AS_JSON, CHUNKED, b"Content-Length: 5"], LAST_CHUNK + SECOND, 411),
    "chunks of another kind": ([LOGIN, HOST, AS_JSON, b"Transfer-Encoding: xchunked"], LAST_CHUNK + SECOND, 400),
    "chunks twice": ([LOGIN, HOST, AS_JSON, CHUNKED, b"Transfer-Encoding: identity"], LAST_CHUNK + SECOND, 400),
    "a chunk that is none": ([LOGIN, HOST, AS_JSON, CHUNKED], b"zz\r\n{}\r\n" + LAST_CHUNK + SECOND, 411),
    "two lengths": ([LOGIN, HOST, AS_JSON, b"Content-Length: 2", b"Content-Length: 5"], b"{}", 400),
    "a length below zero": ([LOGIN, HOST, AS_JSON, b"Content-Length: -1"], b"{}", 400),
    "a length with a sign": ([LOGIN, HOST, AS_JSON, b"Content-Length: +2"], b"{}", 400),
    "a length without end": ([LOGIN, HOST, AS_JSON, b"Content-Length: 99999999999999999999"], b"{}", 400),
    "another protocol": ([b"GET /sign-in HTTP/9.9", HOST], b"", 400),
    "no HTTP at all": ([b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"], b"", 400),
}


def answers_to(address, lines, body):
    """Return the status of each answer to these bytes, read until the server hangs up."""
    port = urlsplit(address).port
    closing = [] if b"HTTP/1" not in lines[0] or CHUNKED in lines else [b"Connection: close"]
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connected:
        received = b""
        with contextlib.suppress(ConnectionError):  # an answer may come before all was read
            connected.sendall(b"\r\n".join([*lines, HTTPS, *closing, b"", b""]) + body)
        with contextlib.suppress(ConnectionError):
            while more := connected.recv(65_536):
                received += more
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", received)]


def production():
    """The settings of production, with secrets of one test."""
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings.production",
        "SECRET_KEY": secrets.token_urlsafe(60),
        "DB_ENCRYPTION_KEY": Fernet.generate_key().decode(),
        "ALLOWED_HOSTS": "127.0.0.1",
        "MFA_REQUIRED_ROLES": "NONE",
    }


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.abuse("WEB-10", "WEB-18")
def test_bytes_that_are_no_request_or_two_in_one_get_one_answer():
    with server(workers=1, **production()) as running:
        found = {name: answers_to(running.address, lines, body) for name, (lines, body, _) in RAW.items()}

    assert found == {name: [status] for name, (_, _, status) in RAW.items()}


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.abuse("WEB-01", "WEB-11", "WEB-20", "DEP-02", "DEP-05")
def test_production_keeps_to_https_and_its_cookies_to_itself():
    user = make_user()
    https = {"X-Forwarded-Proto": "https"}
    with server(workers=1, **production()) as running, httpx.Client(base_url=running.address) as client:
        plain = {path: client.get(path) for path in ("/sign-in", "/api/auth/me", "/health")}
        shown = client.get("/sign-in", headers=https)
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', shown.text).group(1)
        asked = {**https, "Referer": f"https://{client.base_url.netloc.decode()}/sign-in"}
        asked["Cookie"] = shown.headers["Set-Cookie"].partition(";")[0]
        form = {"username": user.email, "password": PASSWORD, "csrfmiddlewaretoken": token}
        signed = client.post("/sign-in", data=form, headers=asked)
        others = [client.get(path, headers=https) for path in ("/nothing", "/static/none.css", "/api/auth/me")]

    assert [answer.status_code for answer in plain.values()] == [301, 301, 200]
    assert plain["/sign-in"].headers["Location"] == f"https://{client.base_url.netloc.decode()}/sign-in"
    assert signed.status_code == 302, signed.text
    cookies = [cookie for answer in (shown, signed) for cookie in answer.headers.get_list("Set-Cookie")]
    assert {cookie.partition("=")[0] for cookie in cookies} == {"__Host-csrftoken", "__Host-sessionid"}
    for cookie in cookies:
        kind, *given = cookie.split("; ")
        assert {"Secure", "SameSite=Lax", "Path=/"} <= set(given)
        assert not [item for item in given if item.startswith("Domain")]
        assert "HttpOnly" in given or kind.startswith("__Host-csrftoken=")
        assert "Max-Age=28800" in given or kind.startswith("__Host-csrftoken=")
    for answer in (shown, signed, *others):
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers_of(answer) == SAFE_HEADERS
    assert [answer.status_code for answer in others] == [404, 404, 401]


@pytest.mark.abuse("WEB-18")
def test_a_body_of_unknown_length_is_refused_and_not_taken_for_an_empty_one(client_api):
    product = make_product()

    answer = client_api.generic("PATCH", f"/api/products/{product.pk}", b"", HTTP_TRANSFER_ENCODING="chunked")

    assert (answer.status_code, answer.json()["code"]) == (411, "length_required")
