"""The catalogue: products, their prices, and what it takes to be one."""

from datetime import date
from decimal import Decimal

import pytest

from accounts.models import AuditLog
from accounts.rights import Role
from inventory.models import PriceHistory, Product, StockLevel
from inventory.services import suppliers
from purchasing.services import orders
from tests.factories import make_order, make_product, make_supplier, on_hand

URL = "/api/products"
BODY = {"internal_sku": "LUMI-0003M", "name": "Play kit", "price_usd": 12.5}


def prices(product):
    rows = PriceHistory.objects.filter(product=product).order_by("id")
    return [str(price) for price in rows.values_list("price_usd", flat=True)]


def listed(client, query=""):
    response = client.get(f"{URL}{query}")
    assert response.status_code == 200
    return [row["internal_sku"] for row in response.json()["results"]]


def assert_refused(response, code, field=None):
    assert response.status_code == 400
    assert response.json()["code"] == code
    if field:
        assert list(response.json()["errors"]) == [field]


def test_a_new_product_is_answered_with_its_supplier_and_its_defaults(client_api):
    supplier = make_supplier("Bright Blocks")

    response = client_api.post(URL, {**BODY, "supplier_id": supplier.pk}, format="json")

    assert response.status_code == 201
    answer = response.json()
    assert answer["internal_sku"] == "LUMI-0003M"
    assert answer["supplier"] == {"id": supplier.pk, "name": "Bright Blocks"}
    assert answer["units_per_carton"] == 1
    assert answer["is_active"] is True
    assert answer["is_best_seller"] is False
    assert answer["age_range_start"] is None


def test_a_price_is_a_json_number_with_two_decimals(client_api):
    response = client_api.post(URL, BODY, format="json")

    assert b'"price_usd":12.50,' in response.content


def test_a_sku_is_trimmed_and_upper_cased_on_its_way_in(client_api):
    response = client_api.post(URL, {**BODY, "internal_sku": " lumi-0003m "}, format="json")

    assert response.json()["internal_sku"] == "LUMI-0003M"


@pytest.mark.parametrize(
    "sku", ["LUMI-AB", "TOY-0003M", "LUMI--003M", "LUMI-0003M!", "LUMI-00000000000000003", "LUMI-٣٣٣"]
)
def test_a_sku_that_breaks_the_pattern_is_refused_and_nothing_is_written(client_api, sku):
    assert_refused(client_api.post(URL, {**BODY, "internal_sku": sku}, format="json"), "bad_sku")

    assert not Product.objects.exists()
    assert not PriceHistory.objects.exists()
    assert not StockLevel.objects.exists()


def test_a_sku_that_is_taken_in_any_case_is_refused(client_api):
    make_product("LUMI-0003M")

    assert_refused(client_api.post(URL, {**BODY, "internal_sku": "lumi-0003m"}, format="json"), "sku_taken")

    assert Product.objects.count() == 1
    assert PriceHistory.objects.count() == 1


def test_a_product_cannot_take_the_sku_of_another(client_api):
    make_product("LUMI-0003M")
    other = make_product("LUMI-0306M")

    assert_refused(client_api.patch(f"{URL}/{other.pk}", {"internal_sku": "LUMI-0003M"}, format="json"), "sku_taken")

    other.refresh_from_db()
    assert other.internal_sku == "LUMI-0306M"


def test_a_product_may_be_sent_its_own_sku(client_api):
    product = make_product("LUMI-0003M")

    response = client_api.patch(f"{URL}/{product.pk}", {"internal_sku": "lumi-0003m", "name": "New"}, format="json")

    assert response.status_code == 200
    assert response.json()["name"] == "New"


@pytest.mark.parametrize("is_known", [True, False])
def test_a_supplier_that_is_unknown_or_deactivated_is_refused(client_api, admin, is_known):
    supplier = make_supplier()
    suppliers.deactivate(supplier.pk, actor=admin)
    supplier_id = supplier.pk if is_known else supplier.pk + 1

    response = client_api.post(URL, {**BODY, "supplier_id": supplier_id}, format="json")

    assert_refused(response, "unknown_supplier")
    assert not Product.objects.exists()


def test_a_product_keeps_a_supplier_that_was_deactivated_since(client_api, admin):
    supplier = make_supplier()
    product = make_product(supplier_id=supplier.pk)
    suppliers.deactivate(supplier.pk, actor=admin)

    response = client_api.patch(f"{URL}/{product.pk}", {"supplier_id": supplier.pk, "name": "New"}, format="json")

    assert response.status_code == 200
    assert response.json()["supplier_id"] == supplier.pk


def test_an_age_range_that_ends_before_it_starts_is_refused(client_api):
    product = make_product(age_range_start=6, age_range_end=9)

    made = client_api.post(URL, {**BODY, "age_range_start": 9, "age_range_end": 8}, format="json")
    changed = client_api.patch(f"{URL}/{product.pk}", {"age_range_end": 5}, format="json")

    assert_refused(made, "bad_age_range")
    assert_refused(changed, "bad_age_range")
    product.refresh_from_db()
    assert product.age_range_end == 9
    assert Product.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("price_usd", -0.01),
        ("price_usd", 1.234),
        ("price_usd", "12 dollars"),
        ("price_usd", 10_000_000_000),
        ("price_usd", None),
        ("name", ""),
        ("name", "<b></b>"),
        ("name", "x" * 201),
        ("units_per_carton", 0),
        ("units_per_carton", 2_147_483_648),
        ("age_range_start", -1),
        ("carton_cbm", 0.00001),
        ("supplier_id", "factory"),
    ],
)
def test_a_field_that_makes_no_sense_is_named_and_nothing_is_written(client_api, field, value):
    assert_refused(client_api.post(URL, {**BODY, field: value}, format="json"), "invalid", field)

    assert not Product.objects.exists()


def test_a_product_needs_sku_name_and_price(client_api):
    response = client_api.post(URL, {}, format="json")

    assert response.status_code == 400
    assert set(response.json()["errors"]) == {"internal_sku", "name", "price_usd"}


def test_names_are_cleaned_and_an_ampersand_stays(client_api):
    response = client_api.post(URL, {**BODY, "name": "<i>Stack</i> & <script>x</script>learn"}, format="json")

    assert response.json()["name"] == "Stack & xlearn"


def test_a_new_product_gets_an_empty_stock_level(client_api):
    client_api.post(URL, BODY, format="json")

    level = StockLevel.objects.get()
    assert (level.quantity, level.reorder_point, level.safety_stock_days) == (0, 10, 14)


def test_the_first_price_is_remembered(client_api):
    supplier = make_supplier()

    client_api.post(URL, {**BODY, "supplier_id": supplier.pk}, format="json")

    row = PriceHistory.objects.get()
    assert (row.price_usd, row.supplier_id) == (Decimal("12.50"), supplier.pk)


@pytest.mark.time_machine("2026-06-30T17:30Z")
def test_a_price_counts_from_the_day_in_the_business_time_zone(client_api):
    client_api.post(URL, BODY, format="json")

    assert PriceHistory.objects.get().effective_date == date(2026, 7, 1)


@pytest.mark.parametrize("price", [12.5, "12.5", "12.50"])
def test_the_same_price_written_otherwise_is_no_new_price(client_api, price):
    product = make_product(price="12.50")

    client_api.patch(f"{URL}/{product.pk}", {"price_usd": price}, format="json")

    assert prices(product) == ["12.50"]


def test_each_real_change_of_the_price_is_remembered_once(client_api):
    product = make_product(price="12.50")

    for price in (13, 13, 12.5):
        client_api.patch(f"{URL}/{product.pk}", {"price_usd": price}, format="json")

    assert prices(product) == ["12.50", "13.00", "12.50"]
    rows = client_api.get(f"{URL}/{product.pk}/price-history").json()["results"]
    assert [row["price_usd"] for row in rows] == [12.5, 13, 12.5]
    assert rows[0]["id"] > rows[1]["id"] > rows[2]["id"]


def test_other_changes_leave_the_price_history_alone(client_api):
    product = make_product(price="12.50")

    client_api.patch(f"{URL}/{product.pk}", {"name": "New name", "is_best_seller": True}, format="json")

    assert prices(product) == ["12.50"]


@pytest.mark.parametrize("verb", ["put", "patch"])
def test_put_and_patch_change_only_the_fields_they_are_given(client_api, verb):
    product = make_product(price="12.50", name="Old name", supplier_sku="BB-1", is_best_seller=True)

    response = getattr(client_api, verb)(f"{URL}/{product.pk}", {"name": "New name"}, format="json")

    assert response.status_code == 200
    product.refresh_from_db()
    assert product.name == "New name"
    assert (product.price_usd, product.supplier_sku, product.is_best_seller) == (Decimal("12.50"), "BB-1", True)


def test_a_change_that_changes_nothing_writes_nothing(client_api):
    product = make_product(price="12.50", name="Kit")
    recorded = AuditLog.objects.count()

    client_api.put(f"{URL}/{product.pk}", {"name": "Kit", "price_usd": 12.5}, format="json")

    assert AuditLog.objects.count() == recorded
    assert Product.objects.get().updated_at == product.updated_at


def test_fields_that_are_not_the_clients_are_ignored(client_api):
    product = make_product()

    response = client_api.patch(f"{URL}/{product.pk}", {"id": 999, "created_at": "2001-01-01"}, format="json")

    assert response.status_code == 200
    assert response.json()["id"] == product.pk
    assert not response.json()["created_at"].startswith("2001")


def test_deleting_deactivates_and_the_history_stays_whole(client_api):
    product = make_product("LUMI-0003M", on_hand=5)
    order = make_order(orders.Line(product.pk, 2))

    response = client_api.delete(f"{URL}/{product.pk}")

    assert response.status_code == 200
    assert response.json()["is_active"] is False
    assert client_api.get(f"{URL}/{product.pk}").json()["internal_sku"] == "LUMI-0003M"
    assert prices(product) == ["10.00"]
    assert on_hand(product) == 5
    assert product.movements.count() == 1
    assert order.line_items.get().product_id == product.pk


def test_deleting_twice_is_recorded_once(client_api):
    product = make_product()

    codes = [client_api.delete(f"{URL}/{product.pk}").status_code for _ in range(2)]

    assert codes == [200, 200]
    assert AuditLog.objects.filter(table_name="products", action="DELETE").count() == 1


def test_a_deactivated_product_can_be_taken_back(client_api):
    product = make_product(is_active=False)

    client_api.patch(f"{URL}/{product.pk}", {"is_active": True}, format="json")

    assert Product.objects.get().is_active is True


def test_the_list_is_sorted_by_sku_and_shows_deactivated_products_too(client_api):
    make_product("LUMI-BBB")
    make_product("LUMI-AAA", is_active=False)

    assert listed(client_api) == ["LUMI-AAA", "LUMI-BBB"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?best_seller=true", ["LUMI-BEST"]),
        ("?best_seller=false", ["LUMI-GONE", "LUMI-MADE"]),
        ("?active=true", ["LUMI-BEST", "LUMI-MADE"]),
        ("?active=false", ["LUMI-GONE"]),
        ("?search=lumi-b", ["LUMI-BEST"]),
        ("?search=bb-77", ["LUMI-GONE"]),
        ("?search=RATTLE", ["LUMI-MADE"]),
        ("?search=nothing", []),
        ("?search=%25", []),
        ("?active=true&best_seller=false", ["LUMI-MADE"]),
        ("?search=", ["LUMI-BEST", "LUMI-GONE", "LUMI-MADE"]),
    ],
)
def test_the_list_can_be_filtered(client_api, query, found):
    make_product("LUMI-BEST", is_best_seller=True)
    make_product("LUMI-GONE", is_active=False, supplier_sku="BB-77")
    make_product("LUMI-MADE", name="Rattle")

    assert listed(client_api, query) == found


def test_the_list_can_be_filtered_by_supplier(client_api):
    ours, theirs = make_supplier(), make_supplier()
    make_product("LUMI-OURS", supplier_id=ours.pk)
    make_product("LUMI-THEIRS", supplier_id=theirs.pk)

    assert listed(client_api, f"?supplier_id={ours.pk}") == ["LUMI-OURS"]


@pytest.mark.parametrize("verb", ["get", "put", "patch", "delete"])
def test_an_unknown_product_is_not_found(client_api, verb):
    response = getattr(client_api, verb)(f"{URL}/471147114711", format="json")

    assert response.status_code == 404
    assert response.json() == {"code": "product_not_found", "detail": "There is no product 471147114711."}


def test_every_address_answers_with_and_without_the_slash(client_api):
    product = make_product()

    for path in (URL, f"{URL}/{product.pk}", f"{URL}/{product.pk}/price-history"):
        assert client_api.get(path).status_code == client_api.get(f"{path}/").status_code == 200
    assert client_api.post(f"{URL}/", BODY, format="json").status_code == 201
    assert client_api.delete(f"{URL}/{product.pk}/").status_code == 200


@pytest.mark.parametrize("role", [Role.VIEWER, Role.SYNC])
def test_who_may_not_change_the_catalogue_is_refused_and_nothing_changes(as_role, role):
    product = make_product(name="Kit")
    client = as_role(role)

    codes = [
        client.post(URL, BODY, format="json").status_code,
        client.patch(f"{URL}/{product.pk}", {"name": "New"}, format="json").status_code,
        client.delete(f"{URL}/{product.pk}").status_code,
    ]

    assert codes == [403, 403, 403]
    kept = Product.objects.get()
    assert (kept.name, kept.is_active) == ("Kit", True)


def test_prices_are_nothing_for_who_may_not_see_costs(as_role):
    product = make_product(price="12.50")
    client = as_role(Role.VIEWER)

    answers = [client.get(URL).json()["results"][0], client.get(f"{URL}/{product.pk}").json()]

    assert [answer["internal_sku"] for answer in answers] == [product.internal_sku] * 2
    assert not any("price_usd" in answer for answer in answers)
    assert client.get(f"{URL}/{product.pk}/price-history").status_code == 403
    assert as_role(Role.BUYER).get(f"{URL}/{product.pk}/price-history").json()["results"][0]["price_usd"] == 12.5
