"""Whatever a client sends: an answer of 4xx with a sentence, and nothing written."""

import json
from base64 import b64encode

import pytest
from django.apps import apps
from rest_framework.test import APIClient

from inventory.models import StockLevel
from purchasing.services import shipments
from purchasing.workflow import Stage
from sales.services import recording
from tests.factories import TODAY, make_order, make_product, make_supplier, orders

BUSINESS = ("accounts", "inventory", "planning", "purchasing", "sales")
HOLE = "@@"

SALE, BULK, RETURN = "/api/inventory/sale", "/api/inventory/bulk-sale", "/api/inventory/return"
RECEIVE, ADJUST = "/api/inventory/receive-shipment", "/api/inventory/adjust"
ORDERS, ORDER_RECEIVE, ORDER_STATUS = "/api/orders", "/api/orders/{order}/receive", "/api/orders/{order}/status"
ORDER_CANCEL = "/api/orders/{order}/cancel"
REORDER = "/api/planning/reorder/orders"
SHIPMENTS, MILESTONES = "/api/shipments", "/api/shipments/{shipment}/milestones"
PRODUCTS, SUPPLIERS = "/api/products", "/api/suppliers"
DOORS = ("/api/auth/login", "/api/auth/refresh")

BODIES = {
    SALE: {
        "product_id": "{product}",
        "quantity": 1,
        "unit_price_usd": 5,
        "platform": "SHOPEE",
        "order_reference": "A-2",
        "sale_date": "2026-06-15",
    },
    BULK: {"items": [{"product_id": "{product}", "quantity": 1}, {"product_id": "{product}", "quantity": 1}]},
    RECEIVE: {"items": [{"product_id": "{product}", "quantity": 1}], "shipment_reference": "SH-1"},
    ADJUST: {"product_id": "{product}", "quantity": 1, "reason": "count"},
    RETURN: {"product_id": "{product}", "quantity": 1, "platform": "DIRECT", "order_reference": "A-1"},
    ORDERS: {
        "supplier_id": "{supplier}",
        "line_items": [{"product_id": "{product}", "quantity": 1, "unit_price_usd": 5}],
        "shipping_usd": 1,
        "order_date": "2026-06-15",
        "notes": "soon",
    },
    ORDER_RECEIVE: {"lines": [{"line_item_id": "{line}", "quantity": 1}], "notes": ""},
    ORDER_STATUS: {"status": "CONFIRMED", "notes": ""},
    SHIPMENTS: {
        "po_id": "{order}",
        "carrier": "COSCO",
        "milestones": [{"milestone_type": "SHIPPED", "actual_date": "2026-06-15"}],
    },
    MILESTONES: {
        "milestones": [{"milestone_type": "SHIPPED", "expected_date": "2026-06-15", "actual_date": "2026-06-15"}]
    },
    PRODUCTS: {
        "internal_sku": "LUMI-NEW1",
        "name": "Kit",
        "price_usd": 5,
        "supplier_id": "{supplier}",
        "units_per_carton": 4,
        "age_range_start": 6,
    },
    SUPPLIERS: {"name": "Factory", "lead_time_days": 45},
    REORDER: {"items": [{"product_id": "{product}", "quantity": 1}, {"product_id": "{product}", "quantity": 1}]},
}

IDS = [
    (SALE, "product_id"),
    (BULK, "items.1.product_id"),
    (RECEIVE, "items.0.product_id"),
    (ADJUST, "product_id"),
    (RETURN, "product_id"),
    (ORDERS, "supplier_id"),
    (ORDERS, "line_items.0.product_id"),
    (ORDER_RECEIVE, "lines.0.line_item_id"),
    (SHIPMENTS, "po_id"),
    (PRODUCTS, "supplier_id"),
    (REORDER, "items.1.product_id"),
]
QUANTITIES = [
    (SALE, "quantity"),
    (BULK, "items.1.quantity"),
    (RECEIVE, "items.0.quantity"),
    (ADJUST, "quantity"),
    (RETURN, "quantity"),
    (ORDERS, "line_items.0.quantity"),
    (ORDER_RECEIVE, "lines.0.quantity"),
    (PRODUCTS, "units_per_carton"),
    (PRODUCTS, "age_range_start"),
    (SUPPLIERS, "lead_time_days"),
    (REORDER, "items.1.quantity"),
]
PRICES = [
    (SALE, "unit_price_usd"),
    (ORDERS, "line_items.0.unit_price_usd"),
    (ORDERS, "shipping_usd"),
    (PRODUCTS, "price_usd"),
]
TEXTS = [
    (SALE, "order_reference"),
    (RECEIVE, "shipment_reference"),
    (ADJUST, "reason"),
    (RETURN, "order_reference"),
    (ORDERS, "notes"),
    (ORDER_STATUS, "notes"),
    (SHIPMENTS, "carrier"),
    (PRODUCTS, "name"),
    (SUPPLIERS, "name"),
]
REFERENCES = [(SALE, "order_reference"), (RETURN, "order_reference"), (RECEIVE, "shipment_reference")]
CHOICES = [
    (SALE, "platform"),
    (RETURN, "platform"),
    (ORDER_STATUS, "status"),
    (MILESTONES, "milestones.0.milestone_type"),
]
DATES = [
    (SALE, "sale_date"),
    (ORDERS, "order_date"),
    (SHIPMENTS, "milestones.0.actual_date"),
    (MILESTONES, "milestones.0.expected_date"),
]
REQUIRED = [
    *((path, field) for path, field in IDS if (path, field) != (PRODUCTS, "supplier_id")),
    *QUANTITIES[:7],
    (BULK, "items"),
    (RECEIVE, "items"),
    (REORDER, "items"),
    (RETURN, "order_reference"),
    (ORDER_RECEIVE, "lines"),
    (ORDER_STATUS, "status"),
    (MILESTONES, "milestones"),
    (MILESTONES, "milestones.0.milestone_type"),
    (PRODUCTS, "internal_sku"),
    (PRODUCTS, "name"),
    (PRODUCTS, "price_usd"),
    (SUPPLIERS, "name"),
]
LISTS = [
    (BULK, "items"),
    (RECEIVE, "items"),
    (ORDER_RECEIVE, "lines"),
    (ORDERS, "line_items"),
    (MILESTONES, "milestones"),
    (REORDER, "items"),
]

NOT_JSON_NUMBERS = ["NaN", "Infinity", "-Infinity", "1_000", "0x10", "1.", "01"]
NOT_WHOLE = [
    "-1", "9223372036854775808", "-9223372036854775809", "1e30", "1.5", '"1.5"', '"abc"', '""', '" "', "true", "false",
    '"true"', '"1_000"', '"١٢"', '"１２"', '"1e3"', '"NaN"', '"0x10"', "[]", "[1]", "{}", "0.001", '"0.001"', "1e400",
    "1" * 1_001, f'"{"1" * 1_001}"', *NOT_JSON_NUMBERS,
]  # fmt: skip
NOT_AMOUNTS = [
    "-1", "-0.01", "1.005", '"1.005"', "1e30", "10000000000", '"abc"', '""', "true", '"1_000"', '"١٢"', '"1,5"',
    '"NaN"', '"Infinity"', '"-Infinity"', '"sNaN"', '"1e400"', "[]", "{}", "0.001", '"0.001"', "1e400",
    "1" * 1_001, f'"{"1" * 1_001}"', *NOT_JSON_NUMBERS,
]  # fmt: skip
NOT_TEXT = [
    '"\\u0000"', '"a\\u0000b"', '"a\0b"', '"\\ud800"', '"\\udfff\\ud800"', "true", "[]", "{}", '["a"]', "NaN",
    '"a\nb"', '"\\x00"',
]  # fmt: skip
NOT_CHOICES = ['"EBAY"', '"shopee "', '"draft"', '""', "null", "1", "true", "[]", '["SHOPEE"]', "{}"]
NOT_DATES = [
    '"2026-02-30"', '"2026-13-01"', '"15.06.2026"', '"tomorrow"', '""', "true", "[]", "{}", '"0000-00-00"',
    '"99999-01-01"', "1e30",
]  # fmt: skip
NOT_OBJECTS = ["[]", "[1]", '[{"quantity": 1}]', '"text"', "null", "1", "true", "false", "1.5", '""']
NOT_LISTS = ["null", "{}", '"abc"', "1", "true", "[1]", "[null]", "[[]]", '["a"]', "[{}]"]
NOT_JSON_TYPES = [
    "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "junk",
]  # fmt: skip
NOT_POSITIONS = ["p=abc", "p=1_0", "p=-1", "p=%00", "p=%D9%A1", "p=", f"p={2**63}", f"p={10**30}", "o=abc", "o=-1"]
NOT_JSON = [
    b"", b"{", b"}", b'{"product_id": 1', b"{'product_id': 1}", b'{"product_id": 1,}', b'{"product_id"}', b"\xff\xfe",
    b'{"name": "\xff"}', b'{"name": "\xc3\x28"}', b'{"name": "\xed\xa0\x80"}', b"\xef\xbb\xbf{}", b"product_id=1",
    b"<xml/>", b"\x00", b"{}{}", b"// {}", b'{"a": 1} x',
]  # fmt: skip


@pytest.fixture
def shop(db):
    """One product that was sold, one open order, and their ids for the bodies above."""
    supplier = make_supplier()
    product = make_product(on_hand=50, supplier_id=supplier.pk)
    order = make_order(orders.Line(product.pk, 10), supplier=supplier, stage=Stage.SENT)
    actor = order.status_history.first().changed_by
    line = recording.Line(product.pk, 5, TODAY, order_reference="A-1")
    recording.record_sales([line], today=TODAY, actor=actor)
    return {
        "{product}": product.pk,
        "{supplier}": supplier.pk,
        "{order}": order.pk,
        "{line}": order.line_items.get().pk,
        "{shipment}": shipments.create(order.pk, today=TODAY, actor=actor).pk,
    }


def everything():
    """The number of rows of every business table, and every quantity on the shelf."""
    rows = {
        model._meta.db_table: model.objects.count()
        for model in apps.get_models()
        if model._meta.app_label in BUSINESS or model._meta.app_label == "token_blacklist"
    }
    return rows, list(StockLevel.objects.order_by("id").values_list("product_id", "quantity", "last_counted_at"))


def body_of(path, field, value):
    """The valid body of ``path`` as JSON with ``value`` (JSON, or not) in the place of ``field``."""
    body = json.loads(json.dumps(BODIES[path]))
    target = body
    *way, last = [int(part) if part.isdigit() else part for part in field.split(".")]
    for part in way:
        target = target[part]
    if value is None:
        del target[last]
    else:
        target[last] = HOLE
    return json.dumps(body).replace(f'"{HOLE}"', value or "")


def filled(text, shop):
    for name, key in shop.items():
        text = text.replace(f'"{name}"', str(key)).replace(name, str(key))
    return text


def send(client, shop, path, body, content_type="application/json", **headers):
    data = body if isinstance(body, bytes) else filled(body, shop).encode("utf-8", "surrogatepass")
    return client.generic("POST", filled(path, shop), data, content_type=content_type, **headers)


def assert_refusal(response, *statuses, sent=None):
    assert response.status_code in (statuses or (400,)), (sent, response.content)
    assert response["Content-Type"] == "application/json"
    answer = response.json()
    assert isinstance(answer["code"], str)
    assert answer["code"]
    assert isinstance(answer["detail"], str)
    assert answer["detail"].strip()


def assert_refused(response, before, *statuses):
    assert_refusal(response, *statuses)
    assert everything() == before


def for_each(fields):
    return pytest.mark.parametrize(("path", "field"), fields)


def assert_refuses_all(values, client, shop, path, field, *statuses):
    before = everything()
    for value in values:
        assert_refusal(send(client, shop, path, body_of(path, field, value)), *statuses, sent=value)

    assert everything() == before


@pytest.mark.parametrize("path", [path for path in BODIES if path != ORDER_STATUS])
def test_the_bodies_below_are_valid_but_for_what_is_put_into_them(client_api, shop, path):
    before = everything()

    response = send(client_api, shop, path, json.dumps(BODIES[path]))

    assert response.status_code in (200, 201), response.content
    assert everything() != before


@pytest.mark.abuse("INP-01", "INP-02")
@for_each(IDS)
def test_an_id_that_is_none_is_refused(client_api, shop, path, field):
    assert_refuses_all(["0", *NOT_WHOLE], client_api, shop, path, field)


@pytest.mark.abuse("INP-01")
@for_each(IDS)
def test_an_unknown_id_is_refused(client_api, shop, path, field):
    unknown = ["999999", "2147483648", "9223372036854775807"]

    assert_refuses_all(unknown, client_api, shop, path, field, 400, 404)


@pytest.mark.abuse("INP-01", "INP-02")
@for_each(QUANTITIES)
def test_a_quantity_that_is_none_is_refused(client_api, shop, path, field):
    assert_refuses_all(["2147483648", *NOT_WHOLE], client_api, shop, path, field)


@pytest.mark.abuse("INP-01")
@for_each([case for case in QUANTITIES if case not in ((ADJUST, "quantity"), (PRODUCTS, "age_range_start"))])
def test_a_quantity_of_zero_is_refused(client_api, shop, path, field):
    assert_refuses_all(["0", '"0"', "-0"], client_api, shop, path, field)


@pytest.mark.abuse("INP-01", "INP-02")
@for_each(PRICES)
def test_an_amount_that_is_none_is_refused(client_api, shop, path, field):
    assert_refuses_all(NOT_AMOUNTS, client_api, shop, path, field)


@pytest.mark.abuse("INP-06", "INP-09")
@for_each(TEXTS)
def test_a_text_that_is_none_or_too_long_is_refused(client_api, shop, path, field):
    assert_refuses_all([*NOT_TEXT, json.dumps("x" * 10_001)], client_api, shop, path, field)


@for_each(REFERENCES)
def test_a_reference_longer_than_64_characters_is_refused(client_api, shop, path, field):
    assert_refuses_all([json.dumps("x" * 65)], client_api, shop, path, field)


@pytest.mark.abuse("INP-09")
@for_each([(PRODUCTS, "name"), (SUPPLIERS, "name"), (RETURN, "order_reference")])
def test_a_needed_text_that_is_empty_once_cleaned_is_refused(client_api, shop, path, field):
    assert_refuses_all(['""', '"  "', '"<b></b>"', "null"], client_api, shop, path, field)


@for_each(CHOICES)
def test_an_unknown_choice_is_refused(client_api, shop, path, field):
    assert_refuses_all(NOT_CHOICES, client_api, shop, path, field)


@for_each(DATES)
def test_a_day_that_is_none_is_refused(client_api, shop, path, field):
    assert_refuses_all(NOT_DATES, client_api, shop, path, field)


@for_each(REQUIRED)
def test_a_missing_field_is_refused_by_name(client_api, shop, path, field):
    before = everything()

    response = send(client_api, shop, path, body_of(path, field, None))

    assert_refused(response, before)
    assert field.rsplit(".", maxsplit=1)[-1] in json.dumps(response.json()["errors"])


@for_each(REQUIRED)
def test_null_in_a_needed_field_is_refused(client_api, shop, path, field):
    assert_refuses_all(["null"], client_api, shop, path, field)


@pytest.mark.abuse("INP-18")
@for_each(LISTS)
def test_a_list_that_is_none_or_holds_other_things_is_refused(client_api, shop, path, field):
    without_lines = [] if path == ORDERS else ["[]"]

    assert_refuses_all([*without_lines, *NOT_LISTS], client_api, shop, path, field)


@pytest.mark.abuse("INP-11", "INP-18")
@for_each(LISTS)
def test_a_list_of_5001_lines_is_refused(client_api, shop, path, field):
    assert_refuses_all([json.dumps(BODIES[path][field][:1] * 5_001)], client_api, shop, path, field)


@pytest.mark.parametrize("path", [*BODIES, ORDER_CANCEL, *DOORS, "/api/auth/logout"])
def test_a_body_that_is_no_object_is_refused(client_api, shop, path):
    before = everything()

    for root in NOT_OBJECTS:
        assert_refusal(send(client_api, shop, path, root), sent=root)

    assert everything() == before


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize(
    "path",
    ["/api/products/{product}", "/api/suppliers/{supplier}", "/api/orders/{order}", "/api/shipments/{shipment}"],
)
def test_a_change_that_is_no_object_is_refused(client_api, shop, method, path):
    before = everything()

    for root in NOT_OBJECTS:
        response = client_api.generic(method, filled(path, shop), root, content_type="application/json")
        assert_refusal(response, sent=root)

    assert everything() == before


@pytest.mark.abuse("INP-02", "INP-06")
@pytest.mark.parametrize("path", [*BODIES, *DOORS])
def test_a_body_that_is_no_json_is_refused(client_api, shop, path):
    before = everything()

    for body in NOT_JSON:
        assert_refusal(send(client_api, shop, path, body), sent=body)

    assert everything() == before


@pytest.mark.abuse("INP-05")
@pytest.mark.parametrize("nest", [('{"a":', "1", "}"), ("[", "1", "]"), ('{"items":[', "1", "]}")])
@pytest.mark.parametrize("path", [SALE, BULK, PRODUCTS, *DOORS])
def test_json_nested_deeper_than_20_levels_is_refused(client_api, shop, path, nest):
    before = everything()
    opening, core, closing = nest

    for depth in (21, 200, 10_000, 100_000):
        assert_refusal(send(client_api, shop, path, opening * depth + core + closing * depth), sent=depth)

    assert everything() == before


def test_a_good_body_may_be_nested_20_levels_and_no_deeper(client_api, shop):
    before = everything()

    refused = send(client_api, shop, SALE, body_of(SALE, "padding", "[" * 20 + "]" * 20))
    assert_refused(refused, before)
    taken = send(client_api, shop, SALE, body_of(SALE, "padding", "[" * 19 + "]" * 19))

    assert taken.status_code == 201


@pytest.mark.parametrize("path", [*BODIES, *DOORS])
def test_a_body_of_another_type_is_refused(client_api, shop, path):
    before = everything()
    body = json.dumps(BODIES.get(path, {}))

    for content_type in NOT_JSON_TYPES:
        assert_refusal(send(client_api, shop, path, body, content_type=content_type), 415, sent=content_type)

    assert everything() == before


@pytest.mark.abuse("INP-05")
@pytest.mark.parametrize("headers", [{}, {"HTTP_IDEMPOTENCY_KEY": "k-1"}])
@pytest.mark.parametrize("path", [*BODIES])
def test_a_body_over_5_mib_is_refused(client_api, shop, path, headers):
    before = everything()
    body = body_of(path, "padding", json.dumps("x" * 5 * 1024 * 1024))

    assert_refused(send(client_api, shop, path, body, **headers), before, 413)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "BREW"])
@pytest.mark.parametrize("path", [SALE, BULK, RETURN, RECEIVE, ADJUST, ORDER_RECEIVE, ORDERS, PRODUCTS])
def test_an_unknown_method_is_refused(client_api, shop, path, method):
    before = everything()

    response = client_api.generic(method, filled(path, shop), "{}", content_type="application/json")

    assert_refused(response, before, 405)
    assert response.json()["code"] == "method_not_allowed"


@pytest.mark.abuse("INP-06")
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "path", ["/api/", "/api/nothing", "/api/products/abc", "/api/products/-1", "/api/products/1.5", "/api/x%00y"]
)
def test_an_unknown_path_is_not_found_in_json(client_api, shop, method, path):
    before = everything()

    assert_refused(client_api.generic(method, path), before, 404)


ID_PATHS = [
    "/api/products/{id}",
    "/api/products/{id}/price-history",
    "/api/suppliers/{id}",
    "/api/suppliers/{id}/contacts",
    "/api/inventory/{id}",
    "/api/inventory/{id}/movements",
    "/api/orders/{id}",
    "/api/shipments/{id}",
]


@pytest.mark.abuse("INP-01", "INP-06")
@pytest.mark.parametrize(
    "key", ["0", "999999", "2147483648", "9223372036854775808", "9" * 18, "9" * 19, "9" * 400, "١٢", "%D9%A1", "1_0"]
)
@pytest.mark.parametrize("path", ID_PATHS)
def test_an_unknown_or_huge_id_in_the_path_is_not_found(client_api, shop, path, key):
    before = everything()

    assert_refused(client_api.get(path.replace("{id}", key)), before, 404)


@pytest.mark.parametrize("key", ["0", "999999", "9" * 18, "9" * 400])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/orders/{id}/status", {"status": "SENT"}),
        ("/api/orders/{id}/cancel", {}),
        ("/api/orders/{id}/receive", {"lines": [{"line_item_id": 1, "quantity": 1}]}),
        ("/api/shipments/{id}/milestones", {"milestone_type": "SHIPPED", "actual_date": "2026-06-15"}),
        ("/api/suppliers/{id}/contacts", {"name": "Li", "contact_value": "li"}),
    ],
)
def test_work_on_an_unknown_id_is_not_found(client_api, shop, path, body, key):
    before = everything()

    assert_refused(client_api.post(path.replace("{id}", key), body, format="json"), before, 404)


@pytest.mark.abuse("INP-06", "INP-17")
@pytest.mark.parametrize(
    "query",
    [
        "/api/sales?platform=EBAY",
        "/api/sales?from=yesterday",
        "/api/sales?to=2026-02-30",
        "/api/sales?product_id=abc",
        "/api/sales?product_id=9223372036854775808",
        "/api/sales?product_id=1_0",
        "/api/sales?order_reference=%00",
        "/api/sales?order_reference=" + "x" * 65,
        "/api/sales?unknown=1",
        "/api/inventory?status_filter=GOOD",
        "/api/inventory?status_filter=%00",
        "/api/inventory?search=%00",
        "/api/inventory?search=a%00b",
        "/api/products?search=%00",
        "/api/products?search=" + "x" * 101,
        "/api/products?active=maybe",
        "/api/products?best_seller=2",
        "/api/products?supplier_id=-1",
        "/api/products?supplier_id=1e3",
        "/api/suppliers?search=%00",
        "/api/suppliers?active=%00",
        "/api/orders?status=LOST",
        "/api/orders?supplier_id=x",
        "/api/orders?from=2026-06-31",
        "/api/orders?order_date=2026-06-15",
        "/api/orders/incoming?product_id=1_0",
        "/api/shipments?po_id=9223372036854775808",
        "/api/shipments?status=LOST",
        "/api/shipments?order_id=1",
    ],
)
def test_an_unknown_filter_or_value_is_refused_by_name(client_api, shop, query):
    before = everything()

    response = client_api.get(query)

    assert_refused(response, before)
    assert list(response.json()["errors"]) == [query.split("?")[1].split("=")[0]]


@pytest.mark.abuse("INP-01", "INP-06")
@pytest.mark.parametrize("page", ["0", "-1", "abc", "2", "9" * 400, "%00", "1_0"])
@pytest.mark.parametrize("path", ["/api/products", "/api/suppliers", "/api/inventory", "/api/orders", "/api/shipments"])
def test_a_page_that_is_none_is_not_found(client_api, shop, path, page):
    before = everything()

    assert_refused(client_api.get(f"{path}?page={page}"), before, 404)


@pytest.mark.abuse("INP-06")
@pytest.mark.parametrize(
    "cursor",
    ["abc", "%FF", "é", *(b64encode(text.encode()).decode() for text in NOT_POSITIONS)],
)
@pytest.mark.parametrize("path", ["/api/sales", "/api/inventory/{product}/movements"])
def test_a_cursor_that_is_none_is_not_found(client_api, shop, path, cursor):
    before = everything()

    assert_refused(client_api.get(f"{filled(path, shop)}?cursor={cursor}"), before, 404)


@pytest.mark.parametrize("size", ["0", "-1", "abc", "9" * 400, "%00"])
@pytest.mark.parametrize("path", ["/api/products", "/api/sales"])
def test_a_page_size_that_is_none_is_no_error(client_api, shop, path, size):
    assert client_api.get(f"{path}?page_size={size}").status_code == 200


@pytest.mark.abuse("INP-06")
@pytest.mark.parametrize("agent", ["\x00", "x" * 100_000, "ÿþ", "<script>"])
@pytest.mark.parametrize("header", ["HTTP_USER_AGENT", "HTTP_X_FORWARDED_FOR", "HTTP_REFERER", "HTTP_ACCEPT_LANGUAGE"])
def test_a_junk_header_is_no_error(client_api, shop, header, agent):
    response = send(client_api, shop, SALE, json.dumps(BODIES[SALE]), **{header: agent})

    assert response.status_code == 201


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "junk", "application/json; q=x", "\x00"])
def test_whatever_is_accepted_the_answer_is_json(client_api, shop, accept):
    before = everything()

    response = send(client_api, shop, SALE, "{}", HTTP_ACCEPT=accept)

    assert_refused(response, before, 400, 406)


@pytest.mark.abuse("INP-11", "INP-19")
def test_an_order_worth_more_than_can_be_stored_is_refused(client_api, shop):
    before = everything()
    line = '{"product_id": "{product}", "quantity": 2147483647, "unit_price_usd": 9999999999.99}'

    assert_refused(send(client_api, shop, ORDERS, body_of(ORDERS, "line_items.0", line)), before)


@pytest.mark.abuse("INP-19")
@pytest.mark.postgres
def test_a_month_worth_more_than_can_be_stored_is_refused(client_api, shop):
    product = make_product(on_hand=2_147_483_647)
    before = everything()
    body = {"product_id": product.pk, "quantity": 2_147_483_647, "unit_price_usd": 9_999_999_999.99}

    assert_refused(send(client_api, shop, SALE, json.dumps(body)), before)


@pytest.mark.parametrize("path", [*BODIES])
def test_nobody_signed_in_is_told_so_whatever_is_sent(shop, path):
    before = everything()

    assert_refused(send(APIClient(), shop, path, "{"), before, 401)
