"""What something cost, and where suppliers are paid, is shown to nobody without the right: all addresses are walked."""

import re
from collections import defaultdict
from decimal import Decimal
from itertools import product as combinations

import pytest
from django.apps import apps
from django.test import RequestFactory
from django.urls import get_resolver
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from rest_framework import serializers

from accounts.api.privacy import CostField, shown_rows
from accounts.api.serializers import AuditOutput
from accounts.models import AuditLog, IdempotencyKey
from accounts.rights import Right, Role
from core.api.fields import AmountField
from core.api.rendering import dumps
from inventory import selectors
from inventory.api.serializers import ProductOutput, StatsOutput
from inventory.models import Product, Supplier, SupplierBankAccount, SupplierContact
from inventory.services import products as catalogue
from inventory.services import suppliers
from purchasing.models import Payment, PurchaseOrder, Shipment
from purchasing.services import orders, payments, shipments
from purchasing.workflow import Stage
from sales import selectors as sales
from tests import pdf
from tests.conftest import api
from tests.factories import TODAY, make_product, make_supplier, make_user, on_hand, sell
from tests.test_architecture import FLOORS
from tests.test_openapi import operations, routes

NOON = "2026-06-15T05:00Z"
PRICE, OLD_PRICE, ORDER_PRICE, SALE_PRICE = (Decimal(p) for p in ("7331.17", "6871.31", "4409.83", "5903.71"))
SHIPPING, FEES = Decimal("1763.29"), Decimal("3187.53")
PAID, FEE, RECEIVED, REFUNDED = (Decimal(p) for p in ("2897.43", "1219.57", "2741.86", "2533.79"))
NUMBER, HOLDER, BANK, SWIFT = "6222987654329876", "Marker Holder Ltd.", "Marker Bank", "MARKCNBS"

# Names that sound like money and are none.
NO_COST = {
    "AuditOutput.old_values": "accounts.selectors.shown_values decides which",
    "AuditOutput.new_values": "accounts.selectors.shown_values decides which",
    "ContactOutput.contact_value": "a telephone number",
    "SettingOutput.value": "what a setting of the planner says; none is an amount",
    "SummaryOutput.monthly_totals": "rows, whose own amounts are walked like all others",
}
SOUNDS_LIKE_MONEY = re.compile("_usd|value|revenue|total|price|cost|margin|profit|amount|fee|paid")


@pytest.fixture
def shop(db, admin, time_machine):
    """A business in which everything that may not be told is told by its looks."""
    time_machine.move_to(NOON, tick=False)
    contact = {"name": "Lin Mei", "platform": "WECHAT", "contact_value": "lin-88"}
    supplier = make_supplier(contacts=[contact])
    bank = {"holder": HOLDER, "bank_name": BANK, "swift": SWIFT, "account_number": NUMBER}
    suppliers.add_bank_account(supplier.pk, **bank, actor=admin)
    product = make_product(price=str(OLD_PRICE), on_hand=9, supplier_id=supplier.pk)
    catalogue.update(product.pk, price_usd=PRICE, today=TODAY, actor=admin)
    lines = [orders.Line(product.pk, 3, ORDER_PRICE)]
    charges = {"shipping_usd": SHIPPING, "other_fees_usd": FEES}
    order = orders.create(supplier_id=supplier.pk, lines=lines, **charges, today=TODAY, actor=admin)
    orders.advance(order.pk, to=Stage.SENT, actor=admin)
    shipments.create(order.pk, today=TODAY, actor=admin)
    pay(order, admin)
    sell(product, 1)
    sell(product, 1, price=str(SALE_PRICE), reference="A-1")
    return product


def pay(order, admin):
    """A payment of which everything is told that Wise and people may say of it."""
    now = timezone.now()
    payment = payments.create(order_id=order.pk, amount_usd=PAID, fee_usd=FEE, today=TODAY, now=now, actor=admin)
    words = f"The transfer pays out {RECEIVED} USD, the payment is of {PAID} USD."
    told = {"attention": words, "amount_received": RECEIVED, "amount_refunded": REFUNDED}
    Payment.objects.filter(pk=payment.pk).update(**told)


def amounts():
    """Every amount of the shop by its name: the prices, their multiples, and what is added up of them."""
    order = PurchaseOrder.objects.get()
    prices = {"price": PRICE, "old price": OLD_PRICE, "order price": ORDER_PRICE, "sale price": SALE_PRICE}
    multiples = {f"{n} × {name}": n * price for name, price in prices.items() for n in range(2, 10)}
    sums = {
        "subtotal": order.subtotal_usd,
        "total": order.total_usd,
        "shipping": SHIPPING,
        "fees": FEES,
        "paid": PAID,
        "fee": FEE,
        "received": RECEIVED,
        "refunded": REFUNDED,
        "open": order.total_usd - PAID,
        "revenue": sales.revenue_of_month(TODAY),
        "stock value": selectors.stats()["total_value"],
    }
    return {**prices, **multiples, **sums}


def spellings(amount):
    """Every way to write an amount, whole dollars included: 7331.17, 7331,17, 7,331.17, 7'331, 733117."""
    whole, cents = f"{amount:,.2f}".split(".")
    grouped = whole.replace(",", "[ ,.\u00a0’']?")
    return rf"(?<!\w){grouped}(?:[.,]?{cents})?(?!\w)"


def cost_markers():
    return {name: re.compile(spellings(amount)) for name, amount in amounts().items()}


def bank_markers():
    """The number, all of it but its last four, any of its groups; whose it is and where; what is stored of it."""
    shown = {"number": NUMBER, "first digits": NUMBER[:-4], "holder": HOLDER, "bank": BANK, "swift": SWIFT}
    groups = {f"grouped by {sign!r}": sign.join(NUMBER[i : i + 4] for i in (0, 4, 8)) for sign in " -"}
    stored = {"token": SupplierBankAccount.objects.get().account_number, "any token": "gAAAA"}
    found = {name: re.compile(re.escape(text), re.IGNORECASE) for name, text in {**shown, **groups, **stored}.items()}
    return {**found, "last four": re.compile(rf"(?<!\w){NUMBER[-4:]}(?!\w)")}


def told(answers, markers):
    """Return which markers stand where, of ``answers`` as pairs of address and text."""
    found = defaultdict(set)
    for address, text in answers:
        found[address] |= {name for name, marker in markers.items() if marker.search(text)}
    return {address: names for address, names in found.items() if names}


def ids():
    """Return what may stand for each parameter of an address; for one that has no entry, any id of the business."""
    keys = {model: list(model.objects.values_list("pk", flat=True)) for model in apps.get_models()}
    business = {key for model in keys if model._meta.app_label in FLOORS for key in keys[model] if model != AuditLog}
    named = {
        "product_id": keys[Product],
        "supplier_id": keys[Supplier],
        "contact_id": keys[SupplierContact],
        "account_id": keys[SupplierBankAccount],
        "order_id": keys[PurchaseOrder],
        "shipment_id": keys[Shipment],
        "payment_id": keys[Payment],
        "month": [1, 13],
        "key": ["transit_days", "nothing"],
        "app_label": sorted(FLOORS),
    }
    of_office = {f"admin/{model._meta.label_lower.replace('.', '/')}/": keys[model] for model in keys}
    return defaultdict(lambda: sorted(business), named), of_office


def addresses():
    """Yield every address of Godown, as it is written and as it is asked for."""
    known, of_office = ids()
    for route, _view in routes(get_resolver().url_patterns):
        plain = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<\1>", route).replace("^", "").replace("$", "")
        names = re.findall(r"<(?:\w+:)?(\w+)>", plain)
        for office, keys in of_office.items():
            if plain.startswith(office):
                known["object_id"] = keys
        for values in combinations(*(known[name] for name in names)):
            filled = iter(values)
            yield "/" + plain, "/" + re.sub(r"<[^>]+>", lambda _, filled=filled: str(next(filled)), plain)


def client_of(role):
    """A client that is signed in at all doors: with a token at the API, with a session at the pages."""
    user = make_user(role)
    client = api(user)
    client.force_login(user)
    return client


def text_of(response):
    body = b"".join(response.streaming_content) if response.streaming else response.content
    text = pdf.text_of(body) if response.headers.get("Content-Type") == "application/pdf" else body.decode()
    return f"{response.headers} {text}"


def walk(client):
    """Yield what each address answers: as a page, as part of a page, and to who asks what may be asked."""
    for address, path in addresses():
        yield address, text_of(client.get(path))
        if path.startswith("/api/"):
            yield address, text_of(client.options(path))
        elif not path.startswith("/admin/"):
            yield address, text_of(client.get(path, HTTP_HX_REQUEST="true"))


def write(client, body):
    """Yield what each address of the API answers to ``body``, with each method that writes."""
    written = {path for method, path in operations() if method != "get" and not path.startswith("/api/auth/")}
    for address, path in addresses():
        if re.sub(r"<\w+:(\w+)>", r"{\1}", address) in written:
            for method in ("post", "put", "patch", "delete"):
                yield address, text_of(getattr(client, method)(path, body, format="json"))


@pytest.mark.abuse("AUTHZ-05")
@pytest.mark.parametrize("role", [Role.VIEWER, Role.SYNC])
def test_without_the_right_no_address_tells_what_something_cost(shop, role):
    client = client_of(role)

    assert told(walk(client), cost_markers()) == {}


@pytest.mark.parametrize("role", [Role.ADMIN, Role.STAFF, Role.BUYER])
def test_with_the_right_the_same_walk_finds_every_amount(shop, role):
    found = told(walk(client_of(role)), cost_markers())

    assert found["/api/products"] == found["/api/products/<id:product_id>"] == {"price"}
    assert found["/api/products/<id:product_id>/price-history"] == {"price", "old price"}
    assert found["/api/inventory"] == found["/api/inventory/<id:product_id>"] == {"price"}
    assert found["/api/inventory/stats"] == found["/api/dashboard/inventory-health"]
    assert {"stock value", "revenue"} <= found["/api/dashboard"] == found["/api/dashboard/kpis"]
    assert found["/api/sales"] == {"price", "sale price"}
    assert {"subtotal", "shipping", "fees", "total"} <= found["/api/orders"] < found["/api/orders/<id:order_id>"]
    assert "order price" in found["/api/orders/<id:order_id>"]
    on_paper = found["/api/orders/<id:order_id>/pdf"]
    assert {"subtotal", "shipping", "fees", "total", "order price"} <= on_paper == found["/orders/<id:order_id>/pdf"]
    assert found["/api/payments"] == found["/api/payments/<id:payment_id>"] == {"paid", "fee", "received", "refunded"}
    assert {"paid", "fee", "open"} <= found["/api/orders/<id:order_id>"]
    assert {"paid", "fee"} <= found["/api/payments/summary"]
    assert "open" in found["/api/payments/due"]
    assert found["/api/orders/workflow-stats"] == found["/api/dashboard/order-pipeline"] == {"total"}
    if role != Role.BUYER:
        assert {"price", "old price", "order price", "sale price"} <= found["/api/audit-log"]
        assert (
            "price" in found["/admin/inventory/product/"] & found["/admin/inventory/product/<path:object_id>/change/"]
        )


@pytest.mark.parametrize(
    "spelling", ["7331.17", "7331,17", "7,331.17", "7.331,17", "7 331", "7'331.2", "733117", "$7331"]
)
def test_the_walk_knows_an_amount_in_any_spelling(spelling):
    assert re.search(spellings(PRICE), f'"x": {spelling}, "y"')
    assert not re.search(spellings(PRICE), '"x": 17331.17, "y": 73311.7, "z": "a7331"')


@pytest.mark.abuse("AUTHZ-05", "DATA-06")
@pytest.mark.parametrize("role", [Role.BUYER, Role.VIEWER, Role.SYNC])
def test_without_the_right_no_address_tells_where_a_supplier_is_paid(shop, role):
    client = client_of(role)

    assert told(walk(client), bank_markers()) == {}
    assert told(write(client, {}), bank_markers()) == {}


@pytest.mark.abuse("DATA-06")
@pytest.mark.parametrize("role", [Role.ADMIN, Role.STAFF])
def test_with_the_right_no_address_that_reads_tells_more_of_a_number_than_its_last_four(shop, role):
    found = told(walk(client_of(role)), bank_markers())

    assert found["/api/suppliers/<id:supplier_id>/bank-accounts"] == {"holder", "bank", "swift", "last four"}
    assert set().union(*found.values()) == {"holder", "bank", "swift", "last four"}


def sell_and_return(client, product, **headers):
    """Yield the answers to everything that a marketplace sends, refusals included."""
    line = {"product_id": product.pk, "quantity": 1}
    bodies = [
        ("sale", line),
        ("sale", {**line, "unit_price_usd": None}),
        ("sale", {**line, "unit_price_usd": 24.5}),
        ("bulk-sale", {"items": [line, {**line, "unit_price_usd": 24.5}]}),
        ("return", {**line, "platform": "DIRECT", "order_reference": "A-1"}),
        ("return", {**line, "platform": "DIRECT", "order_reference": "A-1"}),
        ("sale", {**line, "quantity": 99}),
        ("sale", {**line, "sale_date": "2026-12-31"}),
        ("sale", {**line, "unit_price_usd": -1}),
        ("sale", {**line, "product_id": 999_999}),
        ("bulk-sale", {"items": [{**line, "quantity": 99}, {**line, "quantity": 98}]}),
        ("bulk-sale", {"items": []}),
    ]
    for number, (name, body) in enumerate(bodies):
        keyed = {name: f"{value}-{number}" for name, value in headers.items()}
        yield name, client.post(f"/api/inventory/{name}", body, format="json", **keyed)


@pytest.mark.abuse("AUTHZ-05")
@pytest.mark.parametrize("headers", [{}, {"HTTP_IDEMPOTENCY_KEY": "key"}], ids=["without a key", "with a key"])
def test_selling_and_returning_tells_no_cost(shop, headers):
    client = client_of(Role.SYNC)

    answers = list(sell_and_return(client, shop, **headers))
    again = [response for _, response in sell_and_return(client, shop, **headers)] if headers else []

    assert [response.status_code for _, response in answers] == [201] * 5 + [400] * 4 + [404] + [400] * 2
    assert told(((name, text_of(response)) for name, response in answers), cost_markers()) == {}
    assert told((("again", text_of(response)) for response in again), cost_markers()) == {}
    stored = " ".join(IdempotencyKey.objects.values_list("response", flat=True))
    assert bool(stored) is bool(headers)
    assert told([("stored", stored)], cost_markers()) == {}


def test_the_same_sales_tell_the_office_every_price(shop):
    answers = sell_and_return(client_of(Role.STAFF), shop)

    found = told(((name, text_of(response)) for name, response in answers), cost_markers())
    assert found == {"sale": {"price"}, "bulk-sale": {"price"}, "return": {"sale price"}}


def test_a_price_that_the_request_named_is_answered_and_no_other(shop):
    answers = [response.json() for _, response in sell_and_return(client_of(Role.SYNC), shop)][:5]

    left_out, null, named, bulk, returned = answers
    assert named["unit_price_usd"] == 24.5
    assert [line.get("unit_price_usd") for line in bulk["sales"]] == [None, 24.5]
    assert not any("unit_price_usd" in answer for answer in (left_out, null, bulk["sales"][0], returned))
    assert set(bulk) == {"count", "units", "sales"}


@pytest.mark.abuse("AUTHZ-05")
def test_refused_writes_tell_no_cost_and_write_nothing(shop):
    for role in (Role.VIEWER, Role.SYNC):
        client = client_of(role)
        before = AuditLog.objects.count(), on_hand(shop)
        assert told(write(client, {}), cost_markers()) == {}
        assert (AuditLog.objects.count(), on_hand(shop)) == before


@pytest.fixture(scope="module")
def document():
    return SchemaGenerator().get_schema(request=None, public=True)


def referenced(tree):
    if isinstance(tree, dict):
        if "$ref" in tree:
            yield tree["$ref"].rsplit("/", 1)[1]
        tree = list(tree.values())
    if isinstance(tree, list):
        for branch in tree:
            yield from referenced(branch)


@pytest.fixture(scope="module")
def answered(document):
    """Every serializer that something is answered in, by the document's own word."""
    responses = [operation["responses"] for methods in document["paths"].values() for operation in methods.values()]
    names, waiting = set(), set(referenced(responses))
    while waiting:
        names |= waiting
        schemas = [document["components"]["schemas"][name] for name in waiting]
        waiting = set(referenced(schemas)) - names
    classes = {shape.__name__: shape for shape in subclasses(serializers.BaseSerializer)}
    return [classes[name] for name in sorted(names & set(classes))]


def subclasses(kind):
    for found in kind.__subclasses__():
        yield found
        yield from subclasses(found)


@pytest.mark.abuse("AUTHZ-05")
def test_every_amount_of_an_answer_needs_the_right_to_be_seen(answered):
    loose = {
        f"{shape.__name__}.{name}"
        for shape in answered
        for name, field in shape().fields.items()
        if type(field) is AmountField
        or (SOUNDS_LIKE_MONEY.search(name) and not isinstance(field, (CostField, serializers.IntegerField)))
    }

    assert loose == set(NO_COST)


def test_the_shapes_of_all_answers_are_known(answered):
    assert {"ProductOutput", "LevelOutput", "OrderDetail", "LineOutput", "RecordedOutput", "StatsOutput"} <= {
        shape.__name__ for shape in answered
    }


def test_the_document_says_that_an_amount_may_be_absent_and_why(document, answered):
    schemas = document["components"]["schemas"]
    costs = [
        (schemas[shape.__name__], name)
        for shape in answered
        for name, field in shape().fields.items()
        if isinstance(field, CostField)
    ]

    assert len(costs) > 15
    for schema, name in costs:
        assert name not in schema["required"]
        assert Right.VIEW_COST in schema["properties"][name]["description"]
    assert "internal_sku" in schemas["ProductOutput"]["required"]


def test_an_answer_that_forgot_who_asks_tells_no_cost(shop):
    assert "price_usd" not in ProductOutput(shop).data
    assert "price_usd" not in ProductOutput([shop], many=True).data[0]
    assert "total_value" not in shown_rows(StatsOutput, [selectors.stats()], None)[0]


@pytest.mark.abuse("AUTHZ-05")
def test_the_audit_log_tells_a_reader_without_the_right_no_cost(shop):
    asked = RequestFactory().get("/api/audit-log")
    asked.user = make_user(Role.VIEWER)
    rows = AuditLog.objects.exclude(table_name="supplier_bank_accounts")

    shown = dumps(AuditOutput(rows, many=True, context={"request": asked}).data).decode()

    assert "internal_sku" in shown
    assert told([("audit log", shown)], cost_markers()) == {}


def test_figures_that_no_shape_knows_are_shown_to_nobody_without_the_right(shop):
    row = {**selectors.stats(), "margin": PRICE}

    assert shown_rows(StatsOutput, [row], None) == [
        {"total_products": 1, "in_stock_count": 0, "low_stock_count": 1, "out_of_stock_count": 0}
    ]


@pytest.mark.abuse("AUTHZ-05")
def test_a_deactivated_or_a_lesser_role_loses_the_amounts_with_the_next_request(shop):
    user = make_user(Role.BUYER)
    client = api(user)
    assert "price_usd" in client.get(f"/api/products/{shop.pk}").json()

    type(user).objects.filter(pk=user.pk).update(role=Role.VIEWER)

    assert "price_usd" not in client.get(f"/api/products/{shop.pk}").json()
