"""Recording what is sold and what comes back."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Sum
from django.db.models.functions import TruncMonth
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core import money
from core.errors import DomainError, InvalidInput
from inventory.models import StockMovement
from sales import selectors
from sales.errors import FutureSale
from sales.models import MonthlySales, Sale
from sales.services import recording
from tests.conftest import api
from tests.factories import TODAY, make_product, on_hand, sell


def post(client, action, **body):
    return client.post(f"/api/inventory/{action}", body, format="json")


def sell_over_api(client, product, **body):
    return post(client, "sale", product_id=product.pk, **{"quantity": 1, **body})


def bring_back(client, product, quantity, **body):
    return post(client, "return", product_id=product.pk, quantity=quantity, **{"order_reference": "A-1", **body})


def references(response):
    return [row["order_reference"] for row in response.json()["results"]]


def months_of_sales():
    rows = Sale.objects.annotate(month=TruncMonth("sale_date")).values_list("month", "product_id")
    totals = rows.annotate(units=Sum("quantity"), revenue=Sum(F("quantity") * F("unit_price_usd")))
    return {(month, key): (units, round(Decimal(revenue), 2)) for month, key, units, revenue in totals}


def months_kept():
    rows = MonthlySales.objects.values_list("month", "product_id", "units", "revenue_usd")
    return {(month, key): (units, revenue) for month, key, units, revenue in rows}


def test_a_sale_is_recorded_and_leaves_the_shelf(client_api):
    product = make_product("LUMI-0001", on_hand=5)

    response = sell_over_api(
        client_api,
        product,
        quantity=2,
        unit_price_usd=12.5,
        platform="SHOPEE",
        order_reference="A-1",
        sale_date="2026-06-15",
    )

    sale = Sale.objects.get()
    assert response.status_code == 201
    assert response.json() == {
        "id": sale.pk,
        "product_id": product.pk,
        "internal_sku": "LUMI-0001",
        "sale_date": "2026-06-15",
        "quantity": 2,
        "unit_price_usd": 12.5,
        "platform": "SHOPEE",
        "order_reference": "A-1",
        "balance_after": 3,
    }
    assert (sale.quantity, sale.unit_price_usd, sale.sale_date) == (2, Decimal("12.50"), date(2026, 6, 15))
    movement = StockMovement.objects.latest("pk")
    assert (movement.movement_type, movement.quantity, movement.reference_type, movement.reference_id) == (
        "OUT",
        -2,
        "SALE",
        "A-1",
    )


def test_price_defaults_to_the_products_and_platform_to_direct(client_api):
    product = make_product(price="19.99", on_hand=1)

    answer = sell_over_api(client_api, product).json()

    assert (answer["unit_price_usd"], answer["platform"], answer["order_reference"]) == (19.99, "DIRECT", "")


def test_a_price_of_zero_is_a_price(client_api):
    product = make_product(price="19.99", on_hand=1)

    assert sell_over_api(client_api, product, unit_price_usd=0).json()["unit_price_usd"] == 0


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2026-06-14T16:59:59Z", "2026-06-14"),
        ("2026-06-14T17:00:00Z", "2026-06-15"),
        ("2026-06-15T16:59:59Z", "2026-06-15"),
        ("2025-12-31T17:00:00Z", "2026-01-01"),
    ],
)
def test_the_day_of_a_sale_defaults_to_today_in_bangkok(admin, instant, day):
    product = make_product(on_hand=1)

    with time_machine.travel(instant, tick=False):
        answer = sell_over_api(api(admin), product).json()

    assert answer["sale_date"] == day
    assert str(MonthlySales.objects.get().month) == day[:7] + "-01"


@time_machine.travel("2026-06-14T17:30:00Z", tick=False)
def test_a_sale_dated_today_in_bangkok_is_taken_while_utc_is_a_day_behind(admin):
    product = make_product(on_hand=1)

    assert sell_over_api(api(admin), product, sale_date="2026-06-15").status_code == 201


@time_machine.travel("2026-06-14T16:30:00Z", tick=False)
def test_a_sale_dated_tomorrow_is_refused(admin):
    product = make_product(on_hand=1)

    response = sell_over_api(api(admin), product, sale_date="2026-06-15")

    assert response.status_code == 400
    assert response.json() == {
        "code": "future_sale",
        "detail": "A sale cannot be dated after today.",
        "context": {"lines": [0]},
    }
    assert on_hand(product) == 1
    assert not Sale.objects.exists()


def test_every_line_dated_after_today_is_named(admin):
    product = make_product(on_hand=9)
    days = (TODAY, TODAY + timedelta(days=1), TODAY, TODAY + timedelta(days=9))

    with pytest.raises(FutureSale) as refusal:
        recording.record_sales([recording.Line(product.pk, 1, day) for day in days], today=TODAY, actor=admin)

    assert refusal.value.context == {"lines": [1, 3]}
    assert on_hand(product) == 9
    assert not Sale.objects.exists()


def record_one_sale(line, **given):
    return recording.record_sales([line], **given)


@pytest.mark.parametrize("quantity", [0, -1])
@pytest.mark.parametrize("record", [record_one_sale, recording.record_return])
def test_only_positive_quantities_are_sold_or_returned(admin, record, quantity):
    product = make_product(on_hand=9)
    line = recording.Line(product.pk, quantity, TODAY, order_reference="A-1")

    with pytest.raises(InvalidInput):
        record(line, today=TODAY, actor=admin)

    assert not Sale.objects.exists()
    assert on_hand(product) == 9


def test_a_return_puts_the_units_back_at_the_price_they_were_sold_for(client_api):
    product = make_product(price="10.00", on_hand=5)
    sell(product, 3, price="7.50", reference="A-1")

    response = bring_back(client_api, product, 2)

    answer = response.json()
    movement = StockMovement.objects.latest("pk")
    assert response.status_code == 201
    assert (answer["quantity"], answer["unit_price_usd"], answer["balance_after"]) == (-2, 7.5, 4)
    assert (movement.movement_type, movement.quantity, movement.reference_type, movement.reference_id) == (
        "IN",
        2,
        "RETURN",
        "A-1",
    )
    assert on_hand(product) == 4


def test_a_return_that_cannot_be_sold_again_moves_nothing(client_api):
    product = make_product(on_hand=5)
    sell(product, 3, reference="A-1")
    movements = StockMovement.objects.count()

    response = bring_back(client_api, product, 2, restock=False)

    assert response.status_code == 201
    assert (response.json()["quantity"], response.json()["balance_after"]) == (-2, None)
    assert StockMovement.objects.count() == movements
    assert on_hand(product) == 2
    assert Sale.objects.aggregate(units=Sum("quantity"))["units"] == 1


@pytest.mark.abuse("INP-12")
def test_no_more_comes_back_than_was_sold(client_api):
    product = make_product("LUMI-0001", on_hand=5)
    sell(product, 3, reference="A-1")

    response = bring_back(client_api, product, 4)

    assert response.status_code == 400
    assert response.json() == {
        "code": "return_exceeds_sale",
        "detail": "LUMI-0001: 4 units cannot come back, 3 are sold and not returned under A-1 on DIRECT.",
        "context": {"sku": "LUMI-0001", "requested": 4, "sold": 3},
    }
    assert on_hand(product) == 2
    assert Sale.objects.count() == 1


@pytest.mark.abuse("INP-12")
@pytest.mark.parametrize("restock", [True, False])
def test_returns_of_one_order_add_up(client_api, restock):
    product = make_product(on_hand=5)
    sell(product, 3, reference="A-1")

    answers = [bring_back(client_api, product, 2, restock=restock) for _ in range(2)]
    last = bring_back(client_api, product, 1, restock=restock)
    none_left = bring_back(client_api, product, 1, restock=restock)

    assert [answer.status_code for answer in (*answers, last, none_left)] == [201, 400, 201, 400]
    assert Sale.objects.aggregate(units=Sum("quantity"))["units"] == 0


def test_what_was_sold_again_under_the_reference_can_come_back(client_api):
    product = make_product(on_hand=5)
    for quantity in (1, -1, 2):
        sell(product, quantity, reference="A-1")

    assert bring_back(client_api, product, 2).status_code == 201


@pytest.mark.parametrize("change", [{"platform": "SHOPEE"}, {"order_reference": "A-2"}, {"order_reference": "a-1"}])
def test_a_return_belongs_to_its_reference_and_platform(client_api, change):
    product = make_product(on_hand=5)
    sell(product, 3, reference="A-1")

    response = bring_back(client_api, product, 1, **change)

    assert response.status_code == 400
    assert response.json()["context"]["sold"] == 0
    assert on_hand(product) == 2


def test_another_product_of_the_order_cannot_come_back_instead(client_api):
    sold, other = make_product(on_hand=5), make_product(on_hand=5)
    sell(sold, 3, reference="A-1")

    assert bring_back(client_api, other, 1).status_code == 400
    assert on_hand(other) == 5


def test_a_return_without_a_reference_is_refused(client_api):
    product = make_product(on_hand=5)
    sell(product, 3)

    assert bring_back(client_api, product, 1, order_reference="").status_code == 400
    assert on_hand(product) == 2


@pytest.mark.abuse("INP-01")
@pytest.mark.parametrize("field", ["quantity", "unit_price_usd", "platform"])
def test_the_database_refuses_a_sale_that_is_none(db, field):
    good = {"product": make_product(), "sale_date": TODAY, "quantity": 1, "unit_price_usd": 1, "platform": "DIRECT"}
    wrong = {"quantity": 0, "unit_price_usd": -1, "platform": "EBAY"}

    with pytest.raises(IntegrityError, match="sales_"), transaction.atomic():
        Sale.objects.create(**{**good, field: wrong[field]})

    assert not Sale.objects.exists()


def test_a_month_keeps_net_units_and_revenue(db):
    product = make_product(price="0.10", on_hand=50)
    sell(product, 3, on=date(2026, 5, 31), reference="A-1")
    sell(product, 3, on=date(2026, 6, 1), reference="A-2")
    sell(product, 4, on=date(2026, 6, 30), price="7.00", reference="A-3")
    sell(product, -1, on=date(2026, 6, 30), reference="A-3")

    assert months_kept() == {
        (date(2026, 5, 1), product.pk): (3, Decimal("0.30")),
        (date(2026, 6, 1), product.pk): (6, Decimal("21.30")),
    }
    assert selectors.revenue_of_month(date(2026, 6, 15)) == Decimal("21.30")
    assert selectors.revenue_of_month(date(2026, 7, 1)) == Decimal("0.00")


def test_a_refused_sale_counts_in_no_month(client_api):
    product = make_product(on_hand=1)

    assert sell_over_api(client_api, product, quantity=2).status_code == 400
    assert not MonthlySales.objects.exists()


LINES = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.integers(1, 6),
        st.dates(date(2026, 4, 28), date(2026, 6, 2)),
        st.decimals("0.00", "9999.99", places=2),
    ),
    min_size=1,
    max_size=4,
)


@pytest.mark.abuse("CON-13")
@given(batches=st.lists(st.tuples(st.booleans(), LINES), max_size=6))
@hypothesis_settings(
    max_examples=40,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_months_are_always_the_sum_of_the_sales(admin, batches):
    with transaction.atomic():
        ids = [make_product(on_hand=20).pk for _ in range(2)]
        for is_return, batch in batches:
            lines = [
                recording.Line(ids[index], units, day, price, order_reference="A-1")
                for index, units, day, price in batch
            ]
            kept = months_kept()
            try:
                if is_return:
                    recording.record_return(lines[0], today=TODAY, actor=admin)
                else:
                    recording.record_sales(lines, today=TODAY, actor=admin)
            except DomainError:
                assert months_kept() == kept
            assert months_kept() == months_of_sales()
        transaction.set_rollback(True)


def three_sales():
    product, other = make_product(on_hand=9), make_product(on_hand=9)
    sell(product, 1, on=date(2026, 6, 1), reference="A-1")
    sell(product, 1, on=date(2026, 6, 2), reference="A-2")
    sell(other, 1, on=date(2026, 6, 3), reference="A-3")
    return product, other


def test_sales_are_listed_newest_first(client_api):
    product, _ = three_sales()

    response = client_api.get("/api/sales")

    assert response.status_code == 200
    assert set(response.json()) == {"next", "previous", "results"}
    assert references(response) == ["A-3", "A-2", "A-1"]
    shown = response.json()["results"][-1]
    del shown["created_at"]
    assert shown == {
        "id": Sale.objects.earliest("pk").pk,
        "product_id": product.pk,
        "internal_sku": product.internal_sku,
        "sale_date": "2026-06-01",
        "quantity": 1,
        "unit_price_usd": 10.0,
        "platform": "DIRECT",
        "order_reference": "A-1",
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"from": "2026-06-02"}, ["A-3", "A-2"]),
        ({"to": "2026-06-02"}, ["A-2", "A-1"]),
        ({"from": "2026-06-02", "to": "2026-06-02"}, ["A-2"]),
        ({"order_reference": "A-1"}, ["A-1"]),
        ({"order_reference": "a-1"}, []),
        ({"order_reference": ""}, ["A-3", "A-2", "A-1"]),
        ({"platform": "DIRECT"}, ["A-3", "A-2", "A-1"]),
        ({"platform": "SHOPEE"}, []),
        ({"product_id": 999_999}, []),
        ({"platform": "DIRECT", "from": "2026-06-02", "order_reference": "A-3"}, ["A-3"]),
    ],
    ids=str,
)
def test_the_list_filters(client_api, query, found):
    three_sales()

    assert references(client_api.get("/api/sales", query)) == found


def test_days_in_the_wrong_order_are_refused(client_api):
    response = client_api.get("/api/sales", {"from": "2026-06-03", "to": "2026-06-02"})

    assert (response.status_code, list(response.json()["errors"])) == (400, ["to"])


def test_the_list_filters_by_product(client_api):
    _, other = three_sales()

    assert references(client_api.get("/api/sales", {"product_id": other.pk})) == ["A-3"]


def test_the_list_pages_by_cursor_and_keeps_its_filters(client_api):
    three_sales()

    first = client_api.get("/api/sales", {"page_size": 1, "to": "2026-06-02"})
    second = client_api.get(first.json()["next"])

    assert references(first) + references(second) == ["A-2", "A-1"]
    assert second.json()["next"] is None


def test_a_return_is_listed_as_a_negative_line(client_api):
    product = make_product(on_hand=5)
    sell(product, 3, reference="A-1")
    bring_back(client_api, product, 2)

    quantities = [row["quantity"] for row in client_api.get("/api/sales").json()["results"]]

    assert quantities == [-2, 3]


def test_units_sold_are_net_over_90_days(db):
    product, other = make_product(on_hand=50), make_product(on_hand=50)
    sell(product, 5, on=TODAY - timedelta(days=90), reference="A-0")
    sell(product, 4, on=TODAY - timedelta(days=89), reference="A-1")
    sell(product, 3, on=TODAY, reference="A-2")
    sell(product, -1, on=TODAY, reference="A-2")

    assert selectors.units_sold([product.pk, other.pk], today=TODAY) == {product.pk: 6}
    assert selectors.velocity(90) == 1


def test_a_sale_of_a_day_long_ago_is_taken(client_api):
    product = make_product(on_hand=1)

    assert sell_over_api(client_api, product, sale_date="2019-02-28").status_code == 201
    assert MonthlySales.objects.get().month == date(2019, 2, 1)


def test_the_month_follows_a_sale_that_a_hand_wrote_into_the_database(db):
    product = make_product()
    sale = "INSERT INTO sales (product_id, sale_date, quantity, unit_price_usd, platform, order_reference, created_at)"
    values = "(%s, '2026-06-30', 3, 2.50, 'DIRECT', '', '2026-06-30 00:00:00+00:00')"

    with connection.cursor() as cursor:
        cursor.execute(f"{sale} VALUES {values}, {values}", [product.pk, product.pk])

    month = MonthlySales.objects.get()
    assert (month.product_id, month.month, month.units) == (product.pk, date(2026, 6, 1), 6)
    assert money.cents(month.revenue_usd) == Decimal("15.00")


@pytest.mark.abuse("INP-01")
@pytest.mark.parametrize(
    "day", [0, 1763856000, "1763856000", "2026-06-01T00:00:00Z", "20260601", "٢٠٢٦-٠٦-٠١", "2026-02-30"]
)
def test_a_sale_date_is_a_day_and_nothing_else(client_api, day):
    product = make_product(on_hand=1)

    response = client_api.post(
        "/api/inventory/sale", {"product_id": product.pk, "quantity": 1, "sale_date": day}, format="json"
    )

    assert (response.status_code, list(response.json()["errors"])) == (400, ["sale_date"])
    assert not Sale.objects.exists()


def test_two_slashes_are_no_address(client_api):
    product = make_product(on_hand=1)

    response = client_api.post("/api/inventory/sale//", {"product_id": product.pk, "quantity": 1}, format="json")

    assert response.status_code == 404
    assert not Sale.objects.exists()
