"""The OpenAPI document and its page."""

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.generators import SchemaGenerator

from accounts.rights import Role
from config.docs import Docs, SchemaView
from tests.factories import make_user

ROOT = Path(__file__).resolve().parents[1]
METHODS = ("get", "post", "put", "patch", "delete")


def routes(patterns, prefix=""):
    """Yield every address with its view."""
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern):
            yield path, getattr(pattern.callback, "cls", None)


def operations():
    """Return method and path of every operation that the API answers."""
    return {
        (method, "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", path))
        for path, view in routes(get_resolver().url_patterns)
        if path.startswith("api/") and view not in (Docs, SchemaView)
        for method in METHODS
        if hasattr(view, method)
    }


@pytest.fixture(scope="module")
def document():
    return SchemaGenerator().get_schema(request=None, public=True)


def described(document):
    return {(method, path) for path, methods in document["paths"].items() for method in methods}


def test_the_document_is_made_and_valid_without_a_warning(tmp_path):
    written = tmp_path / "openapi.yaml"

    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(written))

    assert written.read_text().startswith("openapi: 3.1")


def test_every_operation_of_the_api_is_in_the_document_and_nothing_else(document):
    assert described(document) == operations()


def test_operation_ids_are_unique(document):
    ids = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]

    assert len(ids) == len(set(ids)) == len(operations())


def test_every_operation_tells_its_errors_in_the_one_shape(document):
    for methods in document["paths"].values():
        for operation in methods.values():
            assert {"400", "401", "403", "404", "429"} <= set(operation["responses"])
    assert document["components"]["schemas"]["Error"]["required"] == ["code", "detail"]


def test_every_reference_in_the_document_leads_somewhere(document):
    schemas = document["components"]["schemas"]

    references = set(re.findall(r"'#/components/schemas/(\w+)'", str(document)))

    assert "Error" in references
    assert references <= set(schemas)


def test_every_operation_has_a_sentence_for_people(document):
    silent = [
        (method, path)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if not operation.get("description")
    ]

    assert silent == []


@pytest.mark.parametrize(
    ("path", "is_documented"),
    [
        ("/api/inventory/sale", True),
        ("/api/inventory/receive-shipment", True),
        ("/api/inventory/adjust", True),
        ("/api/orders/{order_id}/receive", True),
        ("/api/products", False),
    ],
)
def test_what_moves_stock_or_money_documents_its_idempotency_key(document, path, is_documented):
    names = [parameter["name"] for parameter in document["paths"][path]["post"].get("parameters", [])]

    assert ("Idempotency-Key" in names) is is_documented


def test_the_document_is_openapi_3_1_for_any_role(as_role):
    response = as_role(Role.SYNC).get("/api/schema")

    assert response.status_code == 200
    assert response.json()["openapi"].startswith("3.1")


@pytest.mark.parametrize("path", ["/api/schema", "/api/schema/"])
def test_the_document_is_not_for_everybody(db, client, path):
    response = client.get(path)

    assert response.status_code == 401
    assert response.json()["code"] == "not_authenticated"


@pytest.mark.parametrize("path", ["/api/docs", "/api/docs/"])
def test_the_docs_page_sends_anonymous_people_to_sign_in_and_back(db, client, settings, path):
    response = client.get(path)

    assert response.status_code == 302
    assert response["Location"] == f"{settings.LOGIN_URL}?next=/api/docs"


def test_the_docs_page_opens_for_who_is_signed_in(db, client):
    client.force_login(make_user(Role.VIEWER))

    response = client.get("/api/docs")

    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/html")
    assert "'unsafe" not in response["Content-Security-Policy"]


def test_the_docs_page_loads_everything_from_godown_itself(db, client):
    client.force_login(make_user(Role.VIEWER))
    page = client.get("/api/docs").content.decode()

    addresses = re.findall(r'(?:src|href)="([^"]*)"', page)

    assert len(addresses) == 5
    for address in addresses:
        assert re.match(r"/(static|api)/", address)
        if address.startswith("/static/"):
            assert finders.find(address.removeprefix("/static/"))


def test_the_docs_template_names_no_other_host_and_holds_no_inline_code():
    source = (ROOT / "templates" / "docs.html").read_text()

    assert "//" not in source
    assert not re.search(r"<style|\son\w+=|\sstyle=|<script(?![^>]*\ssrc=)", source)


def test_the_script_of_the_docs_page_names_no_other_host(db, client):
    client.force_login(make_user(Role.VIEWER))

    script = client.get("/api/docs?script").content.decode()

    assert "SwaggerUIBundle" in script
    assert not re.search(r"https?://(?!testserver)", script)
