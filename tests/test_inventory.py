"""The shelf over HTTP: what comes in, what is counted, what the lists and figures say."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
import time_machine

from accounts.models import AuditLog
from inventory import selectors
from inventory.models import RowCount, StockLevel, StockMovement, StockStatus, status_of
from inventory.services import products
from sales.models import MonthlySales, Sale
from tests.conftest import api
from tests.factories import TODAY, an_admin, make_product, on_hand

MONDAY = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)


def post(client, action, **body):
    return client.post(f"/api/inventory/{action}", body, format="json")


def lines(*pairs):
    return [{"product_id": product.pk, "quantity": quantity} for product, quantity in pairs]


def receive(client, *pairs, reference=""):
    return post(client, "receive-shipment", items=lines(*pairs), shipment_reference=reference)


def bulk_sale(client, *pairs):
    return post(client, "bulk-sale", items=lines(*pairs))


def adjust(client, product, quantity, reason="count"):
    return post(client, "adjust", product_id=product.pk, quantity=quantity, reason=reason)


def skus(response):
    return [row["internal_sku"] for row in response.json()["results"]]


def deltas(product):
    return list(StockMovement.objects.filter(product=product).order_by("id").values_list("quantity", "balance_after"))


def written():
    """How much has been written by anything that moves stock."""
    tables = (Sale, StockMovement, MonthlySales, AuditLog)
    return {table.__name__: table.objects.count() for table in tables}


def stock_of(product, *, reorder_point):
    StockLevel.objects.filter(product=product).update(reorder_point=reorder_point)


@pytest.mark.parametrize(
    ("quantity", "reorder_point", "status"),
    [
        (0, 0, "OUT_OF_STOCK"),
        (0, 10, "OUT_OF_STOCK"),
        (1, 0, "OK"),
        (1, 1, "LOW"),
        (9, 10, "LOW"),
        (10, 10, "LOW"),
        (11, 10, "OK"),
    ],
)
def test_status_follows_quantity_and_reorder_point(quantity, reorder_point, status):
    assert status_of(quantity, reorder_point) == status


@pytest.mark.usefixtures("db")
def test_status_is_the_same_in_sql_and_in_python():
    for quantity in range(5):
        make_product(on_hand=quantity)

    for reorder_point in range(6):
        StockLevel.objects.update(reorder_point=reorder_point)
        for status in StockStatus:
            in_sql = set(StockLevel.objects.with_status(status).values_list("quantity", flat=True))
            in_python = {quantity for quantity in range(5) if status_of(quantity, reorder_point) is status}
            assert in_sql == in_python, (status, reorder_point)


def test_a_received_shipment_is_on_the_shelf_with_its_reference(client_api):
    first, second = make_product("LUMI-0001", on_hand=3), make_product("LUMI-0002")

    response = receive(client_api, (first, 4), (second, 5), reference="SH-1")

    movements = list(StockMovement.objects.filter(reference_id="SH-1").order_by("id"))
    assert response.status_code == 201
    assert response.json() == {
        "shipment_reference": "SH-1",
        "count": 2,
        "units": 9,
        "movements": [
            {
                "id": movements[0].pk,
                "product_id": first.pk,
                "internal_sku": "LUMI-0001",
                "quantity": 4,
                "balance_after": 7,
            },
            {
                "id": movements[1].pk,
                "product_id": second.pk,
                "internal_sku": "LUMI-0002",
                "quantity": 5,
                "balance_after": 5,
            },
        ],
    }
    assert {(row.movement_type, row.reference_type) for row in movements} == {("IN", "SHIPMENT")}
    assert (on_hand(first), on_hand(second)) == (7, 5)


def test_the_same_product_on_several_received_lines_adds_up(client_api):
    product = make_product()

    response = receive(client_api, (product, 2), (product, 3))

    assert [row["balance_after"] for row in response.json()["movements"]] == [2, 5]
    assert deltas(product) == [(2, 2), (3, 5)]
    assert on_hand(product) == 5


def test_a_shipment_with_an_unknown_product_is_refused_whole(client_api):
    known = make_product()
    before = written()

    response = post(
        client_api,
        "receive-shipment",
        items=[*lines((known, 4)), {"product_id": 999_998, "quantity": 1}, {"product_id": 999_999, "quantity": 1}],
    )

    assert response.status_code == 404
    assert response.json()["code"] == "unknown_products"
    assert response.json()["context"] == {"product_ids": [999_998, 999_999]}
    assert on_hand(known) == 0
    assert written() == before


def test_counting_45_when_50_are_booked_books_minus_5(client_api):
    product = make_product(on_hand=50)

    response = adjust(client_api, product, 45, reason="two broken")

    movement = StockMovement.objects.latest("id")
    assert response.status_code == 200
    assert response.json()["quantity"] == 45
    assert response.json()["movement"]["quantity"] == -5
    assert response.json()["movement"]["balance_after"] == 45
    assert (movement.movement_type, movement.reference_type, movement.quantity, movement.notes) == (
        "ADJUSTMENT",
        "ADJUSTMENT",
        -5,
        "two broken",
    )
    assert deltas(product) == [(50, 50), (-5, 45)]


def test_counting_more_than_is_booked_books_the_difference(client_api):
    product = make_product(on_hand=2)

    adjust(client_api, product, 7)

    assert deltas(product) == [(2, 2), (5, 7)]


def test_counting_nothing_empties_the_shelf(client_api):
    product = make_product(on_hand=2)

    response = adjust(client_api, product, 0)

    assert response.json()["status"] == "OUT_OF_STOCK"
    assert on_hand(product) == 0


@pytest.mark.parametrize("counted", [8, 5])
def test_a_count_sets_the_time_of_the_last_count(admin, counted):
    product = make_product(on_hand=8)

    with time_machine.travel(MONDAY, tick=False):
        adjust(api(admin), product, counted)

    assert StockLevel.objects.get(product=product).last_counted_at == MONDAY


def test_a_count_that_agrees_books_no_movement(client_api):
    product = make_product(on_hand=8)

    response = adjust(client_api, product, 8)

    assert response.status_code == 200
    assert response.json()["movement"] is None
    assert deltas(product) == [(8, 8)]
    assert on_hand(product) == 8


def test_a_negative_count_is_refused(client_api):
    product = make_product(on_hand=8)
    before = written()

    response = adjust(client_api, product, -1)

    assert response.status_code == 400
    assert "quantity" in response.json()["errors"]
    assert StockLevel.objects.get(product=product).last_counted_at is None
    assert written() == before


def test_a_sale_beyond_stock_is_refused_with_the_figures(client_api):
    product = make_product("LUMI-0001", on_hand=3)
    before = written()

    response = post(client_api, "sale", product_id=product.pk, quantity=4)

    assert response.status_code == 400
    assert response.json() == {
        "code": "insufficient_stock",
        "detail": "Not enough stock. LUMI-0001: 4 requested, 3 on hand.",
        "context": {
            "shortages": [{"product_id": product.pk, "sku": "LUMI-0001", "requested": 4, "on_hand": 3, "lines": [0]}]
        },
    }
    assert on_hand(product) == 3
    assert written() == before


def test_the_last_unit_can_be_sold_and_no_other(client_api):
    product = make_product(on_hand=1)

    first = post(client_api, "sale", product_id=product.pk, quantity=1)
    second = post(client_api, "sale", product_id=product.pk, quantity=1)

    assert (first.status_code, second.status_code) == (201, 400)
    assert deltas(product) == [(1, 1), (-1, 0)]


def test_bulk_sale_is_all_or_nothing_and_names_every_shortage(client_api):
    plenty = make_product("LUMI-0001", on_hand=5)
    none = make_product("LUMI-0002")
    few = make_product("LUMI-0003", on_hand=1)
    before = written()

    response = bulk_sale(client_api, (few, 2), (plenty, 2), (none, 1), (few, 3))

    assert response.status_code == 400
    assert response.json() == {
        "code": "insufficient_stock",
        "detail": "Not enough stock. LUMI-0003: 5 requested, 1 on hand; LUMI-0002: 1 requested, 0 on hand.",
        "context": {
            "shortages": [
                {"product_id": few.pk, "sku": "LUMI-0003", "requested": 5, "on_hand": 1, "lines": [0, 3]},
                {"product_id": none.pk, "sku": "LUMI-0002", "requested": 1, "on_hand": 0, "lines": [2]},
            ]
        },
    }
    assert [on_hand(product) for product in (plenty, none, few)] == [5, 0, 1]
    assert not Sale.objects.exists()
    assert not MonthlySales.objects.exists()
    assert written() == before


def test_the_same_product_on_several_sold_lines_counts_as_the_sum(client_api):
    product = make_product(on_hand=5)

    refused = bulk_sale(client_api, (product, 3), (product, 3))
    sold = bulk_sale(client_api, (product, 3), (product, 2))

    assert refused.status_code == 400
    assert refused.json()["context"]["shortages"][0]["requested"] == 6
    assert sold.status_code == 201
    assert [row["balance_after"] for row in sold.json()["sales"]] == [2, 0]
    assert deltas(product) == [(5, 5), (-3, 2), (-2, 0)]


def test_bulk_sale_answers_lines_units_and_total(client_api):
    cheap, dear = make_product(price="0.10", on_hand=9), make_product(price="19.99", on_hand=9)

    response = bulk_sale(client_api, (cheap, 3), (dear, 2))

    assert response.status_code == 201
    assert [response.json()[name] for name in ("count", "units", "total_usd")] == [2, 5, 40.28]
    assert [row["unit_price_usd"] for row in response.json()["sales"]] == [0.1, 19.99]


def test_5000_sold_lines_pass(client_api):
    many = [make_product(on_hand=1_000) for _ in range(5)]

    response = bulk_sale(client_api, *[(product, 1) for product in many for _ in range(1_000)])

    assert response.status_code == 201
    assert response.json()["count"] == 5_000
    assert [on_hand(product) for product in many] == [0] * 5
    assert Sale.objects.count() == 5_000


@pytest.mark.parametrize("action", ["bulk-sale", "receive-shipment"])
def test_5001_lines_are_refused(client_api, action):
    product = make_product(on_hand=10_000)
    before = written()

    response = post(client_api, action, items=lines(*[(product, 1)] * 5_001))

    assert response.status_code == 400
    assert list(response.json()["errors"]) == ["items"]
    assert on_hand(product) == 10_000
    assert written() == before


def test_5000_received_lines_pass(client_api):
    product = make_product()

    response = receive(client_api, *[(product, 1)] * 5_000)

    assert response.status_code == 201
    assert on_hand(product) == 5_000


def test_stock_of_a_product_shows_price_levels_and_status(client_api):
    product = make_product("LUMI-0001", name="Kit", price="12.50", on_hand=3)

    response = client_api.get(f"/api/inventory/{product.pk}")

    shown = response.json()
    del shown["updated_at"]
    assert response.status_code == 200
    assert shown == {
        "product_id": product.pk,
        "internal_sku": "LUMI-0001",
        "name": "Kit",
        "price_usd": 12.5,
        "quantity": 3,
        "reorder_point": 10,
        "safety_stock_days": 14,
        "status": "LOW",
        "last_counted_at": None,
    }


def test_a_product_never_stocked_gets_its_level_with_0_units(client_api):
    product = make_product()
    StockLevel.objects.filter(product=product).delete()

    response = client_api.get(f"/api/inventory/{product.pk}")

    level = StockLevel.objects.get(product=product)
    assert response.status_code == 200
    assert (response.json()["quantity"], response.json()["status"]) == (0, "OUT_OF_STOCK")
    assert (level.quantity, level.reorder_point, level.safety_stock_days) == (0, 10, 14)
    assert AuditLog.objects.filter(table_name="inventory", record_id=level.pk, action="CREATE").count() == 1


def test_looking_at_stock_twice_makes_one_level(client_api):
    product = make_product()

    for _ in range(2):
        client_api.get(f"/api/inventory/{product.pk}")

    assert StockLevel.objects.filter(product=product).count() == 1


def test_stock_of_an_unknown_product_is_not_found(client_api):
    response = client_api.get("/api/inventory/999999")

    assert response.status_code == 404
    assert not StockLevel.objects.exists()


def test_a_product_never_stocked_can_be_received(client_api):
    product = make_product()
    StockLevel.objects.filter(product=product).delete()

    response = receive(client_api, (product, 4))

    assert response.status_code == 201
    assert on_hand(product) == 4


def test_movements_are_listed_newest_first(client_api):
    product, other = make_product(), make_product(on_hand=1)
    receive(client_api, (product, 9), reference="SH-7")
    post(client_api, "sale", product_id=product.pk, quantity=2, order_reference="A-1")
    adjust(client_api, product, 5, reason="lost")

    response = client_api.get(f"/api/inventory/{product.pk}/movements")

    columns = ("movement_type", "quantity", "balance_after", "reference_type", "reference_id", "notes")
    assert response.status_code == 200
    assert [tuple(row[name] for name in columns) for row in response.json()["results"]] == [
        ("ADJUSTMENT", -2, 5, "ADJUSTMENT", "", "lost"),
        ("OUT", -2, 7, "SALE", "A-1", ""),
        ("IN", 9, 9, "SHIPMENT", "SH-7", ""),
    ]
    assert {row["product_id"] for row in response.json()["results"]} == {product.pk} != {other.pk}


def test_movements_page_by_cursor_without_losing_any(client_api):
    product = make_product()
    receive(client_api, *[(product, quantity) for quantity in (1, 2, 3, 4, 5)])

    seen, link = [], f"/api/inventory/{product.pk}/movements?page_size=2"
    while link:
        page = client_api.get(link).json()
        assert set(page) == {"next", "previous", "results"}
        seen += [row["quantity"] for row in page["results"]]
        link = page["next"]

    assert seen == [5, 4, 3, 2, 1]


def test_movements_of_an_unknown_product_are_not_found(client_api):
    assert client_api.get("/api/inventory/999999/movements").status_code == 404


def test_stats_count_by_status_and_value_the_shelf(client_api):
    make_product(price="19.99", on_hand=11)
    make_product(price="0.10", on_hand=10)
    make_product(price="0.70", on_hand=1)
    make_product(price="5.00")

    assert client_api.get("/api/inventory/stats").json() == {
        "total_value": 221.59,
        "total_products": 4,
        "in_stock_count": 1,
        "low_stock_count": 2,
        "out_of_stock_count": 1,
    }


def test_stats_of_an_empty_shelf_are_zero(client_api):
    assert client_api.get("/api/inventory/stats").json() == {
        "total_value": 0.0,
        "total_products": 0,
        "in_stock_count": 0,
        "low_stock_count": 0,
        "out_of_stock_count": 0,
    }


@pytest.mark.usefixtures("db")
def test_the_total_value_is_exact_to_the_cent():
    for _ in range(3):
        make_product(price="0.10", on_hand=1)

    assert selectors.stats()["total_value"] == Decimal("0.30")


def test_an_inactive_product_is_neither_listed_nor_counted(client_api, admin):
    gone = make_product("LUMI-0001", price="100.00", on_hand=20)
    make_product("LUMI-0002", price="1.00", on_hand=20)
    products.deactivate(gone.pk, today=TODAY, actor=admin)

    assert skus(client_api.get("/api/inventory")) == ["LUMI-0002"]
    assert client_api.get("/api/inventory/stats").json() == {
        "total_value": 20.0,
        "total_products": 1,
        "in_stock_count": 1,
        "low_stock_count": 0,
        "out_of_stock_count": 0,
    }
    assert client_api.get(f"/api/inventory/{gone.pk}").json()["quantity"] == 20


@pytest.mark.parametrize(
    ("status", "expected"), [("OUT_OF_STOCK", ["LUMI-0001"]), ("LOW", ["LUMI-0002"]), ("OK", ["LUMI-0003"])]
)
def test_the_list_filters_by_status(client_api, status, expected):
    make_product("LUMI-0001")
    make_product("LUMI-0002", on_hand=4)
    stock_of(make_product("LUMI-0003", on_hand=4), reorder_point=3)

    found = client_api.get("/api/inventory", {"status_filter": status})

    assert skus(found) == expected
    assert {row["status"] for row in found.json()["results"]} == {status}


@pytest.mark.parametrize("search", ["0002", "lumi-0002", "BLOCKS", "fx-9", " fx-9 "])
def test_the_list_searches_sku_name_and_supplier_sku_in_any_case(client_api, search):
    make_product("LUMI-0001", name="Puzzle", supplier_sku="FX-1")
    make_product("LUMI-0002", name="Wooden blocks", supplier_sku="FX-9")

    assert skus(client_api.get("/api/inventory", {"search": search})) == ["LUMI-0002"]


def test_filters_narrow_together(client_api):
    make_product("LUMI-0001", name="Puzzle", on_hand=4)
    make_product("LUMI-0002", name="Puzzle")
    make_product("LUMI-0003", name="Blocks", on_hand=4)

    assert skus(client_api.get("/api/inventory", {"status_filter": "LOW", "search": "puzzle"})) == ["LUMI-0001"]


def test_a_percent_sign_searches_for_a_percent_sign(client_api):
    make_product("LUMI-0001", name="100% cotton")
    make_product("LUMI-0002", name="100 blocks")

    assert skus(client_api.get("/api/inventory", {"search": "100%"})) == ["LUMI-0001"]


def test_the_list_is_paged_by_sku(client_api):
    for number in (3, 1, 2):
        make_product(f"LUMI-000{number}")

    first = client_api.get("/api/inventory", {"page_size": 2})
    second = client_api.get(first.json()["next"])

    assert first.json()["count"] == 3
    assert first.json()["previous"] is None
    assert skus(first) == ["LUMI-0001", "LUMI-0002"]
    assert skus(second) == ["LUMI-0003"]
    assert second.json()["next"] is None


def test_a_page_holds_at_most_500_rows(client_api, admin):
    rows = [{"internal_sku": f"LUMI-{number:04d}", "name": "Kit", "price_usd": 1} for number in range(501)]
    products.create_missing(rows, today=TODAY, actor=admin)

    assert len(client_api.get("/api/inventory", {"page_size": 10_000}).json()["results"]) == 500
    assert len(client_api.get("/api/inventory").json()["results"]) == 50


@pytest.mark.parametrize("query", [{"status_filter": "GOOD"}, {"status": "LOW"}, {"search": "x" * 101}])
def test_an_unknown_filter_or_value_is_refused(client_api, query):
    response = client_api.get("/api/inventory", query)

    assert response.status_code == 400
    assert list(response.json()["errors"]) == list(query)


@pytest.mark.parametrize("path", ["/api/inventory", "/api/inventory/stats"])
def test_a_trailing_slash_answers_the_same(client_api, path):
    make_product(on_hand=3)

    assert client_api.get(f"{path}/").json() == client_api.get(path).json()


def test_a_post_with_a_trailing_slash_is_answered_not_redirected(client_api):
    product = make_product()

    response = client_api.post("/api/inventory/receive-shipment/", {"items": lines((product, 2))}, format="json")

    assert response.status_code == 201
    assert on_hand(product) == 2


def test_the_count_of_the_list_is_the_number_of_active_products(client_api):
    made = [make_product() for _ in range(5)]
    products.deactivate(made[0].pk, today=TODAY, actor=an_admin())

    answer = client_api.get("/api/inventory", {"page_size": 2}).json()

    assert (answer["count"], len(answer["results"])) == (4, 2)
    assert selectors.stock_level_count() == selectors.stock_levels().count() == 4


def test_the_kept_count_follows_levels_that_come_and_go(db):
    made = [make_product() for _ in range(3)]
    StockLevel.objects.filter(product=made[0]).delete()

    assert RowCount.objects.get().number == StockLevel.objects.count() == 2
