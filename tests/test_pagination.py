"""Pages for lists, cursors for ledgers that grow without end."""

from base64 import b64encode
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory.models import Supplier
from inventory.services import ledger
from sales.services import recording
from tests.factories import TODAY, an_admin, make_product, make_supplier, sell

SUPPLIERS = "/api/suppliers"


def many_suppliers(count):
    Supplier.objects.bulk_create(Supplier(name=f"Factory {number:04d}") for number in range(count))


def movements_of(product):
    return f"/api/inventory/{product.pk}/movements"


@pytest.fixture
def long_ledger(db):
    """Return a product with 120 movements in and 60 sales out."""
    product = make_product()
    ledger.receive([ledger.Line(product.pk, 1, f"IN-{number}") for number in range(120)], actor=an_admin())
    lines = [recording.Line(product.pk, 1, TODAY, order_reference=f"S-{number}") for number in range(60)]
    recording.record_sales(lines, today=TODAY, actor=an_admin())
    return product


def walk(client, url):
    while url:
        answer = client.get(url).json()
        yield [row["id"] for row in answer["results"]]
        url = answer["next"]


def test_a_page_holds_50_rows_unless_asked_otherwise(client_api):
    many_suppliers(51)

    first = client_api.get(SUPPLIERS).json()
    second = client_api.get(first["next"]).json()

    assert (first["count"], len(first["results"]), first["previous"]) == (51, 50, None)
    assert (second["count"], len(second["results"]), second["next"]) == (51, 1, None)
    assert second["results"][0]["name"] == "Factory 0050"
    assert client_api.get(second["previous"]).json()["results"] == first["results"]


@pytest.mark.parametrize(("asked", "given"), [("1", 1), ("500", 500), ("501", 500), ("1000000", 500)])
def test_a_page_holds_500_rows_at_most(client_api, asked, given):
    many_suppliers(502)

    assert len(client_api.get(f"{SUPPLIERS}?page_size={asked}").json()["results"]) == given


@pytest.mark.parametrize("asked", ["0", "-1", "many", "1.5", ""])
def test_a_page_size_that_makes_no_sense_gives_the_usual_50(client_api, asked):
    many_suppliers(51)

    assert len(client_api.get(f"{SUPPLIERS}?page_size={asked}").json()["results"]) == 50


@pytest.mark.parametrize("page", ["2", "0", "-1", "1.5", "first", "99999999999999999999"])
def test_a_page_out_of_range_is_not_found(client_api, page):
    make_supplier()

    response = client_api.get(f"{SUPPLIERS}?page={page}")

    assert response.status_code == 404
    assert response.json()["code"] == "not_found"


def test_an_empty_list_is_an_empty_first_page(client_api):
    assert client_api.get(SUPPLIERS).json() == {"count": 0, "next": None, "previous": None, "results": []}


def test_the_next_page_keeps_the_filters(client_api):
    many_suppliers(3)
    Supplier.objects.filter(name="Factory 0001").update(is_active=False)

    first = client_api.get(f"{SUPPLIERS}?active=true&page_size=1").json()

    assert client_api.get(first["next"]).json()["results"][0]["name"] == "Factory 0002"


@pytest.mark.parametrize("url", ["/api/suppliers", "/api/products", "/api/orders", "/api/inventory", "/api/sales"])
def test_a_filter_that_does_not_exist_is_refused_and_the_known_ones_are_named(client_api, url):
    response = client_api.get(f"{url}?colour=red")

    assert response.status_code == 400
    assert response.json()["code"] == "invalid"
    assert list(response.json()["errors"]) == ["colour"]
    known = response.json()["detail"].partition("Known here: ")[2]
    assert {"search", "supplier_id", "order_reference"} & set(known.rstrip(".").split(", "))


@pytest.mark.parametrize(
    ("url", "name", "value"),
    [
        ("/api/suppliers", "active", "perhaps"),
        ("/api/products", "best_seller", "perhaps"),
        ("/api/products", "supplier_id", "factory"),
        ("/api/products", "supplier_id", "0"),
        ("/api/products", "supplier_id", str(2**63)),
        ("/api/products", "search", "x" * 101),
        ("/api/products", "search", "\x00"),
        ("/api/inventory", "status_filter", "EMPTY"),
        ("/api/sales", "platform", "EBAY"),
        ("/api/sales", "product_id", "x"),
        ("/api/sales", "from", "2026-13-01"),
        ("/api/orders", "status", "draft"),
    ],
)
def test_a_filter_value_that_makes_no_sense_is_refused(client_api, url, name, value):
    response = client_api.get(f"{url}?{urlencode({name: value})}")

    assert response.status_code == 400
    assert list(response.json()["errors"]) == [name]


@pytest.mark.parametrize(("kind", "total"), [("movements", 180), ("sales", 60)])
def test_a_cursor_walks_a_ledger_newest_first_and_meets_every_row_once(client_api, long_ledger, kind, total):
    url = movements_of(long_ledger) if kind == "movements" else "/api/sales"

    pages = list(walk(client_api, f"{url}?page_size=25"))

    ids = [row_id for page in pages for row_id in page]
    assert ids == sorted(set(ids), reverse=True)
    assert len(ids) == total
    assert {len(page) for page in pages[:-1]} == {25}


@pytest.mark.parametrize("kind", ["movements", "sales"])
def test_a_page_of_a_ledger_has_no_count_and_counts_nothing(client_api, long_ledger, kind):
    url = movements_of(long_ledger) if kind == "movements" else "/api/sales"

    with CaptureQueriesContext(connection) as queries:
        answer = client_api.get(url).json()

    assert set(answer) == {"next", "previous", "results"}
    assert len(answer["results"]) == 50
    assert not [query for query in queries if "COUNT(" in query["sql"].upper()]


@pytest.mark.parametrize(("asked", "given"), [("10", 10), ("1000", 180), ("0", 50)])
def test_the_size_of_a_ledger_page_can_be_chosen(client_api, long_ledger, asked, given):
    assert len(client_api.get(f"{movements_of(long_ledger)}?page_size={asked}").json()["results"]) == given


def test_a_ledger_page_holds_500_rows_at_most(client_api, long_ledger):
    lines = [ledger.Line(long_ledger.pk, 1) for _ in range(400)]
    ledger.receive(lines, actor=an_admin())

    assert len(client_api.get(f"{movements_of(long_ledger)}?page_size=1000").json()["results"]) == 500


def test_rows_that_arrive_meanwhile_move_nothing_on_the_next_page(client_api, long_ledger):
    first = client_api.get("/api/sales?page_size=10").json()
    sell(long_ledger, 3)

    second = client_api.get(first["next"]).json()

    assert second["results"][0]["id"] == first["results"][-1]["id"] - 1
    back = client_api.get(second["previous"]).json()
    assert [row["id"] for row in back["results"]] == [row["id"] for row in first["results"]]


@pytest.mark.parametrize("position", ["p=abc", "p=-1", "p=1.5", "p=1e3", "p=", f"p={10**30}", "o=-1", "o=x", "r=x"])
def test_a_cursor_that_makes_no_sense_is_not_found(client_api, long_ledger, position):
    cursor = b64encode(position.encode()).decode()

    response = client_api.get(f"/api/sales?{urlencode({'cursor': cursor})}")

    assert response.status_code == 404
    assert response.json()["code"] == "not_found"


@pytest.mark.parametrize("cursor", ["x", "é", "cD0"])
def test_a_cursor_that_cannot_be_read_is_not_found(client_api, cursor):
    response = client_api.get(f"{movements_of(make_product())}?{urlencode({'cursor': cursor})}")

    assert response.status_code == 404


@pytest.mark.parametrize(("url", "paging"), [("/api/sales", "page=2"), ("/api/inventory", "cursor=abc")])
def test_the_paging_of_another_kind_of_list_is_refused(client_api, url, paging):
    response = client_api.get(f"{url}?{paging}")

    assert response.status_code == 400
    assert list(response.json()["errors"]) == [paging.partition("=")[0]]
