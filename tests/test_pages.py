"""What holds for every page: no inline code, headers, CSRF, errors with a way on, and who gets in."""

import re
from html.parser import HTMLParser

import pytest
from django.core.exceptions import SuspiciousOperation
from django.db import OperationalError, connection
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import pages, urls, views
from accounts.rights import Right, Role
from core import error_pages
from core.errors import NotFound
from core.limits import TooManyRequests
from tests.browser import is_signed_in, password_step, signed_in
from tests.codes import code_of, enable_mfa
from tests.factories import PASSWORD, make_product, make_user
from tests.test_limits import HEADERS, crash

PUBLIC = {"sign-in", "sign-in/code", "sign-out", "register"}
POSTS = ["sign-in", "sign-out", "register", "account/password", "account/mfa", "account/sign-out-everywhere"]
GUARDED_POSTS = ["account/mfa/disable", "account/mfa/recovery-codes"]


@pytest.fixture
def user(db):
    return make_user(Role.STAFF, email="mei@example.net")


def text_of(response):
    return response.content.decode()


class Inline(HTMLParser):
    """Finds what ``default-src 'self'`` forbids, and what is loaded from elsewhere."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        """Look at one element."""
        given = dict(attrs)
        sources = [given.get(name) or "" for name in ("src", "href", "action") if tag != "a"]
        if tag in ("script", "style") or "style" in given or any(name.startswith("on") for name in given):
            self.found.append((tag, attrs))
        if any(re.match(r"(?i)\s*(https?:|//|data:|javascript:)", source) for source in sources):
            self.found.append((tag, attrs))


def inline_in(response):
    parser = Inline()
    parser.feed(text_of(response))
    return parser.found


def every_page():
    """Return an answer of every page and every state that looks different."""
    shown = {}
    stranger = Client()
    for path in ("/sign-in", "/admin/login/", "/register", "/nothing", "/sign-out"):
        shown[path] = stranger.get(path)
    shown["wrong password"] = stranger.post("/sign-in", {"username": "x", "password": "y"})
    person = make_user(Role.STAFF)
    browser = signed_in(person)
    make_product(name="<script>alert(1)</script>")
    for path in ("/account", "/account/password", "/account/mfa", "/audit", "/audit?record=x", "/audit?record=999"):
        shown[path] = browser.get(path)
    browser.post("/account/mfa")
    shown["secret"] = browser.get("/account/mfa/verify")
    shown["recovery codes"] = browser.post("/account/mfa/verify", {"code": code_of(person)})
    for path in ("/account/mfa", "/account/mfa/disable", "/account/mfa/recovery-codes"):
        shown[f"{path} with mfa"] = browser.get(path)
    waiting, _ = password_step(person)
    shown["code"] = waiting.get("/sign-in/code")
    shown["wrong code"] = waiting.post("/sign-in/code", {"code": "no"})
    shown["too many codes"] = waiting.post("/sign-in/code", {"code": "no"})
    shown["403"] = signed_in(make_user(Role.VIEWER)).get("/audit")
    shown["400"] = stranger.get("/sign-in", HTTP_HOST="evil.example")
    shown["413"] = stranger.post("/sign-in", {"username": "x" * 6_000_000})
    shown["csrf"] = Client(enforce_csrf_checks=True).post("/sign-in")
    return shown


@pytest.mark.abuse("WEB-03", "WEB-07")
def test_no_page_has_inline_code_or_loads_from_elsewhere(db):
    shown = every_page()

    assert {name: inline_in(answer) for name, answer in shown.items() if inline_in(answer)} == {}
    assert {name for name, answer in shown.items() if answer.status_code >= 300} == {
        "/nothing", "/sign-out", "wrong password", "/audit?record=x", "wrong code", "too many codes",
        "400", "403", "413", "csrf",
    }  # fmt: skip


@pytest.mark.abuse("WEB-01", "WEB-13", "DATA-13")
def test_every_page_carries_the_headers_and_is_a_whole_page(db):
    for name, answer in every_page().items():
        page = text_of(answer)
        assert {header: answer.headers.get(header) for header in HEADERS} == HEADERS | {
            "Cache-Control": answer["Cache-Control"]
        }, name
        assert "no-store" in answer["Cache-Control"], name
        assert answer["Content-Type"] == "text/html; charset=utf-8", name
        assert page.count("<h1") == page.count('<main id="main"') == 1, name
        assert '<html lang="en">' in page, name
        assert re.search(r"<title>[^<]+ · Godown</title>", page), name


@pytest.mark.abuse("WEB-04")
def test_every_field_has_a_label_and_every_form_that_posts_a_token(db):
    for name, answer in every_page().items():
        page = text_of(answer)
        fields = re.findall(r'<(?:input|select)\b(?![^>]*(?:type="hidden"| hidden>))[^>]*\bid="([^"]+)"', page)
        assert [field for field in fields if f'<label for="{field}"' not in page] == [], name
        assert page.count('<form method="post"') + page.count('<form class="actions" method="post"') == page.count(
            'name="csrfmiddlewaretoken"'
        ), name


def test_the_navigation_tells_where_one_is_and_shows_what_one_may_open(user):
    staff = text_of(signed_in(user).get("/audit"))
    viewer = text_of(signed_in(make_user(Role.VIEWER)).get("/account"))

    assert re.findall(r'href="([^"]+)" aria-current="page"', staff) == ["/audit"]
    assert 'href="/admin/"' in staff
    assert re.findall(r'href="([^"]+)" aria-current="page"', viewer) == ["/account"]
    assert 'href="/audit"' not in viewer
    assert 'href="/admin/"' not in viewer


def test_the_header_names_who_is_signed_in_and_nobody_for_strangers(user):
    assert user.email in text_of(signed_in(user).get("/account"))
    assert "Sign out" not in text_of(Client().get("/sign-in"))


@pytest.mark.parametrize("path", sorted({str(entry.pattern) for entry in urls.urlpatterns} - PUBLIC))
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_is_sent_to_the_sign_in_page(db, path, method):
    answer = getattr(Client(), method)(f"/{path}")

    assert (answer.status_code, answer["Location"]) == (302, f"/sign-in?next=/{path}")


def test_the_start_page_leads_to_the_account(user):
    assert signed_in(user).get("/", follow=True).redirect_chain == [("/account", 302)]


@pytest.mark.parametrize(("path", "title"), [("/account/", "Account"), ("/account/password/", "Change the password")])
def test_a_slash_at_the_end_changes_nothing(user, path, title):
    assert f"<h1>{title}</h1>" in text_of(signed_in(user).get(path))


def test_a_right_is_asked_for_and_its_lack_is_recorded(db, monkeypatch):
    told = []
    monkeypatch.setattr(pages.security_log, "event", lambda name, **facts: told.append((name, facts)))
    viewer = make_user(Role.VIEWER)
    browser = signed_in(viewer)

    answer = browser.get("/audit")

    assert answer.status_code == 403
    assert "<h1>Not allowed</h1>" in text_of(answer)
    assert told[-1] == ("right_refused", {"user_id": viewer.pk, "right": Right.VIEW_AUDIT, "path": "/audit"})


@pytest.mark.abuse("WEB-04")
@pytest.mark.parametrize("path", POSTS + GUARDED_POSTS)
def test_a_post_without_a_token_is_refused_with_a_page_that_says_how_to_go_on(user, path):
    if path in GUARDED_POSTS:
        enable_mfa(user)
    browser = signed_in(user)
    browser.handler.enforce_csrf_checks = True

    answer = browser.post(f"/{path}", {"username": user.email, "password": PASSWORD})

    assert answer.status_code == 403
    assert "<h1>This form is out of date</h1>" in text_of(answer)
    assert "load the page again" in text_of(answer)
    assert is_signed_in(browser)


@pytest.mark.abuse("WEB-04")
def test_a_post_without_a_token_signs_nobody_in(user):
    browser = Client(enforce_csrf_checks=True)

    answer = browser.post("/sign-in", {"username": user.email, "password": PASSWORD})

    assert answer.status_code == 403
    assert not is_signed_in(browser)


@pytest.mark.abuse("WEB-04")
def test_a_form_with_its_token_works_and_the_token_of_before_the_sign_in_does_not(user):
    browser = Client(enforce_csrf_checks=True)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', text_of(browser.get("/sign-in"))).group(1)
    form = {"username": user.email, "password": PASSWORD, "csrfmiddlewaretoken": token}

    assert browser.post("/sign-in", form).status_code == 302
    assert browser.post("/sign-out", {"csrfmiddlewaretoken": token}).status_code == 403
    assert is_signed_in(browser)


@pytest.mark.abuse("WEB-04")
@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_a_post_from_elsewhere_is_refused(user, origin):
    browser = Client(enforce_csrf_checks=True)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', text_of(browser.get("/sign-in"))).group(1)
    form = {"username": user.email, "password": PASSWORD, "csrfmiddlewaretoken": token}

    assert browser.post("/sign-in", form, HTTP_ORIGIN=origin).status_code == 403
    assert not is_signed_in(browser)


ERRORS = {
    400: lambda request: error_pages.bad_request(request, SuspiciousOperation()),
    403: lambda request: error_pages.permission_denied(request, PermissionError()),
    404: lambda request: error_pages.page_not_found(request, LookupError()),
    405: lambda request: error_pages.method_not_allowed(request, ["POST"]),
    429: lambda request: error_pages.too_many(request, TooManyRequests(7)),
    500: error_pages.server_error,
}


@pytest.mark.parametrize("status", ERRORS)
def test_an_error_page_needs_no_session_no_database_and_no_user(status):
    request = HttpRequest()
    request.method, request.path_info = "GET", "/somewhere"

    answer = ERRORS[status](request)

    assert answer.status_code == status
    assert f"<h1>{error_pages.TITLES[status]}</h1>" in text_of(answer)
    assert '<a class="button" href="/">Go to the start page</a>' in text_of(answer)
    assert inline_in(answer) == []


@pytest.mark.parametrize("status", ERRORS)
def test_under_api_an_error_is_json(status):
    request = HttpRequest()
    request.method, request.path_info = "GET", "/api/somewhere"

    answer = ERRORS[status](request)

    assert answer.status_code == status
    assert answer["Content-Type"] == "application/json"


@pytest.mark.abuse("DATA-07")
def test_a_bug_is_a_page_that_tells_nothing(user, monkeypatch):
    browser = signed_in(user)
    browser.raise_request_exception = False
    monkeypatch.setattr(views.selectors, "audit_log", crash)

    answer = browser.get("/audit")

    assert answer.status_code == 500
    assert "<h1>Something broke</h1>" in text_of(answer)
    assert "a bug" not in text_of(answer)
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


@pytest.mark.abuse("INP-05")
def test_a_body_of_megabytes_is_too_large(db):
    answer = Client().post("/sign-in", {"username": "x" * 6_000_000})

    assert answer.status_code == 413
    assert "<h1>Too large</h1>" in text_of(answer)


@pytest.mark.parametrize(
    ("path", "allowed"), [("/account", "GET, HEAD"), ("/audit", "GET, HEAD"), ("/sign-out", "POST")]
)
def test_another_method_is_405_and_told_what_works(user, path, allowed):
    answer = signed_in(user).put(path)

    assert (answer.status_code, answer["Allow"]) == (405, allowed)
    assert "<h1>Not possible here</h1>" in text_of(answer)


@pytest.mark.parametrize("path", ["/account", "/account/password", "/account/mfa"])
def test_a_page_of_the_account_costs_few_queries(user, path):
    browser = signed_in(user)

    with CaptureQueriesContext(connection) as queries:
        browser.get(path)

    assert len(queries) == 2


def test_a_refusal_that_no_form_takes_is_a_page_with_its_status(db, client, monkeypatch):
    def refuse(request):
        raise NotFound("There is no such thing.")

    client.force_login(make_user())
    monkeypatch.setattr("accounts.pages.person", refuse)

    answer = client.get("/account")

    assert answer.status_code == 404
    assert "There is no such thing." in answer.content.decode()


@pytest.mark.abuse("CON-09")
def test_a_database_that_is_gone_is_a_503_and_no_500(db, client, monkeypatch):
    def gone(*_):
        raise OperationalError("secret-host: connection refused")

    client.raise_request_exception = False
    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.load", gone)
    client.cookies["sessionid"] = "x" * 32

    answer = client.get("/account")

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "secret-host" not in answer.content.decode()
