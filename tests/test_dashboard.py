"""The figures of the first page."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.rights import Role
from inventory.models import Product
from planning.selectors import dashboard
from purchasing.models import PurchaseOrder
from purchasing.services import orders
from purchasing.workflow import ORDER, Stage
from sales.models import Sale
from tests.factories import TODAY, an_admin, make_order, make_product, make_supplier, on_hand, sell

URL = "/api/dashboard"
NOON = "2026-06-15T05:00Z"

pytestmark = pytest.mark.django_db


def figures(client):
    response = client.get(URL)
    assert response.status_code == 200
    return response.json()


def health(client, query=""):
    response = client.get(f"{URL}/inventory-health{query}")
    assert response.status_code == 200
    return response.json()["results"]


def days_left(*, on_hand, sold):
    return dashboard.days_until_stockout(on_hand, sold)


def cancel(order):
    orders.cancel(order.pk, reason="", now=timezone.now(), actor=an_admin())


def test_an_empty_business_has_four_zeros(client_api):
    assert figures(client_api) == {
        "total_inventory_value": 0,
        "pending_orders": 0,
        "low_stock_alerts": 0,
        "mtd_revenue": 0,
    }


@pytest.mark.parametrize("path", ["", "/", "/kpis", "/kpis/"])
def test_the_cards_answer_at_every_address(client_api, path):
    make_product(price="2.50", on_hand=4)

    assert client_api.get(f"{URL}{path}").json()["total_inventory_value"] == 10


def test_inventory_value_is_quantity_times_price_over_active_products(client_api):
    make_product(price="12.50", on_hand=3)
    make_product(price="0.99", on_hand=100)
    make_product(price="1000.00", on_hand=5, is_active=False)

    assert figures(client_api)["total_inventory_value"] == 136.5


def test_money_on_the_cards_is_exact_to_the_cent(client_api):
    for _ in range(7):
        make_product(price="0.10", on_hand=7)

    assert b'"total_inventory_value":4.90,' in client_api.get(URL).content


def test_pending_orders_are_neither_stocked_nor_cancelled(client_api):
    supplier = make_supplier()
    for stage in ORDER:
        make_order(supplier=supplier, stage=stage)
    cancel(make_order(supplier=supplier, stage=Stage.SENT))

    assert figures(client_api)["pending_orders"] == 9


@pytest.mark.parametrize(("quantity", "alerts"), [(0, 1), (1, 1), (10, 1), (11, 0)])
def test_low_stock_alerts_count_up_to_the_reorder_point(client_api, quantity, alerts):
    make_product(on_hand=quantity)

    assert figures(client_api)["low_stock_alerts"] == alerts


def test_low_stock_alerts_leave_deactivated_products_out(client_api):
    make_product(is_active=False)

    assert figures(client_api)["low_stock_alerts"] == 0


@pytest.mark.time_machine(NOON)
def test_revenue_of_the_month_is_net_of_returns(client_api):
    product = make_product(on_hand=100)
    sell(product, 5, price="20.00", reference="A-1")
    sell(product, -2, reference="A-1")

    assert figures(client_api)["mtd_revenue"] == 60


@pytest.mark.time_machine(NOON)
def test_a_month_of_returns_only_has_negative_revenue(client_api):
    product = make_product(on_hand=100)
    sell(product, 5, price="20.00", reference="A-1", on=date(2026, 5, 31))
    sell(product, -2, reference="A-1")

    assert figures(client_api)["mtd_revenue"] == -40


@pytest.mark.time_machine(NOON)
def test_revenue_counts_sales_dated_this_month_only(client_api):
    product = make_product(on_hand=100)
    sales = {date(2025, 6, 15): "1.00", date(2026, 5, 31): "10.00", date(2026, 6, 1): "100.00", TODAY: "1000.00"}
    for day, price in sales.items():
        sell(product, 1, on=day, price=price)

    assert figures(client_api)["mtd_revenue"] == 1100


@pytest.mark.parametrize(
    ("moment", "revenue"),
    [
        ("2026-05-31T16:59:59Z", 1),
        ("2026-05-31T17:00:00Z", 10),
        ("2026-06-30T16:59:59Z", 10),
        ("2026-06-30T17:00:00Z", 100),
    ],
)
def test_the_month_begins_and_ends_at_midnight_in_bangkok(as_role, time_machine, moment, revenue):
    time_machine.move_to(moment)
    product = make_product(on_hand=100)
    sell(product, 1, on=date(2026, 5, 31), price="1.00")
    sell(product, 1, on=date(2026, 6, 30), price="10.00")
    sell(product, 1, on=date(2026, 7, 1), price="100.00")

    assert figures(as_role(Role.BUYER))["mtd_revenue"] == revenue


def test_a_sale_without_a_date_belongs_to_the_month_in_bangkok(as_role, time_machine):
    time_machine.move_to("2026-06-30T17:00:00Z")
    client = as_role(Role.STAFF)
    product = make_product(price="10.00", on_hand=5)

    client.post("/api/inventory/sale", {"product_id": product.pk, "quantity": 2}, format="json")

    assert Sale.objects.get().sale_date == date(2026, 7, 1)
    assert figures(client)["mtd_revenue"] == 20


@pytest.mark.time_machine(NOON)
def test_the_cards_equal_a_straight_computation(client_api):
    supplier, ordered = make_supplier(), make_product(price="3.33")
    for number in range(12):
        product = make_product(price=f"{number}.37", on_hand=number * 7, is_active=number % 5 != 0)
        for step in range(number):
            sell(product, 2, on=TODAY - timedelta(days=7 * step), price=f"{step}.19", reference=f"A-{step}")
        if number > 3:
            sell(product, -1, reference="A-1")
        order = make_order(orders.Line(ordered.pk, number + 1), supplier=supplier, stage=ORDER[number % 10])
        if number % 4 == 0 and number % 10 != 9:
            cancel(order)

    active = list(Product.objects.filter(is_active=True))
    month = [sale for sale in Sale.objects.all() if (sale.sale_date.year, sale.sale_date.month) == (2026, 6)]
    pending = [order for order in PurchaseOrder.objects.all() if order.status != "STOCKED" and not order.cancelled_at]
    assert dashboard.kpis(today=TODAY) == {
        "total_inventory_value": sum(product.price_usd * on_hand(product) for product in active),
        "pending_orders": len(pending),
        "low_stock_alerts": len([product for product in active if on_hand(product) <= 10]),
        "mtd_revenue": sum(sale.quantity * sale.unit_price_usd for sale in month),
    }
    assert figures(client_api) == {key: float(value) for key, value in dashboard.kpis(today=TODAY).items()}


def test_the_pipeline_shows_ten_stages_with_count_and_value(client_api):
    product = make_product(price="10.00")
    make_order(orders.Line(product.pk, 2), stage=Stage.CUSTOMS)
    make_order(orders.Line(product.pk, 3), stage=Stage.CUSTOMS)
    make_order(stage=Stage.STOCKED)
    cancel(make_order(orders.Line(product.pk, 5), stage=Stage.CUSTOMS))

    answer = client_api.get(f"{URL}/order-pipeline").json()

    found = {"CUSTOMS": (2, 50), "STOCKED": (1, 0)}
    assert [(row["status"], row["count"], row["total_usd"]) for row in answer] == [
        (stage, *found.get(stage, (0, 0))) for stage in ORDER
    ]


@pytest.mark.time_machine(NOON)
def test_health_tells_how_a_sku_stands(client_api):
    product = make_product("LUMI-KIT", name="Kit", price="12.50", on_hand=105)
    sell(product, 45)

    assert health(client_api) == [
        {
            "product_id": product.pk,
            "internal_sku": "LUMI-KIT",
            "name": "Kit",
            "status": "OK",
            "quantity": 60,
            "reorder_point": 10,
            "value": 750,
            "daily_velocity": 0.5,
            "days_until_stockout": 120,
        }
    ]


def test_what_was_never_sold_never_runs_out(client_api):
    make_product(on_hand=5)

    (row,) = health(client_api)
    assert (row["daily_velocity"], row["days_until_stockout"]) == (0, None)


@pytest.mark.time_machine(NOON)
def test_velocity_is_net_of_returns(client_api):
    product = make_product(on_hand=100)
    sell(product, 60, reference="A-1")
    sell(product, -15, reference="A-1")

    (row,) = health(client_api)
    assert (row["quantity"], row["daily_velocity"], row["days_until_stockout"]) == (55, 0.5, 110)


@pytest.mark.time_machine(NOON)
def test_what_all_came_back_was_not_sold(client_api):
    product = make_product(on_hand=10)
    sell(product, 9, reference="A-1")
    sell(product, -9, reference="A-1")

    (row,) = health(client_api)
    assert (row["daily_velocity"], row["days_until_stockout"]) == (0, None)


@pytest.mark.time_machine(NOON)
def test_more_returned_than_sold_in_90_days_never_runs_out(client_api):
    product = make_product(on_hand=100)
    sell(product, 90, reference="A-1", on=TODAY - timedelta(days=100))
    sell(product, -9, reference="A-1")

    (row,) = health(client_api)
    assert (row["daily_velocity"], row["days_until_stockout"]) == (-0.1, None)


@pytest.mark.parametrize(("days_ago", "velocity"), [(0, 0.1), (89, 0.1), (90, 0), (91, 0)])
@pytest.mark.time_machine(NOON)
def test_velocity_looks_at_90_days_today_included(client_api, days_ago, velocity):
    product = make_product(on_hand=20)
    sell(product, 9, on=TODAY - timedelta(days=days_ago))

    assert health(client_api)[0]["daily_velocity"] == velocity


def test_the_90_days_end_with_today_in_bangkok(as_role, time_machine):
    product = make_product(on_hand=20)
    sell(product, 9, on=date(2026, 3, 18))
    velocities = []
    for moment in ("2026-06-15T16:59:59Z", "2026-06-15T17:00:00Z"):
        time_machine.move_to(moment)
        velocities.append(health(as_role(Role.VIEWER))[0]["daily_velocity"])

    assert velocities == [0.1, 0]


@pytest.mark.parametrize(
    ("quantity", "sold", "days"),
    [(0, 9, "0.0"), (60, 45, "120.0"), (1, 7, "12.9"), (1, 180, "0.5"), (10, 90, "10.0"), (5, 0, None), (5, -1, None)],
)
def test_days_until_stockout_is_quantity_over_velocity_to_a_tenth(quantity, sold, days):
    assert days_left(on_hand=quantity, sold=sold) == (None if days is None else Decimal(days))


def test_half_a_tenth_of_a_day_is_rounded_up():
    assert days_left(on_hand=1, sold=1_200) == Decimal("0.1")
    assert days_left(on_hand=1, sold=360) == Decimal("0.3")


def test_health_lists_active_products_by_sku_with_their_status(client_api):
    make_product("LUMI-CCC", on_hand=11)
    make_product("LUMI-AAA")
    make_product("LUMI-BBB", on_hand=10)
    make_product("LUMI-DDD", is_active=False, on_hand=5)

    rows = health(client_api)

    assert [(row["internal_sku"], row["status"]) for row in rows] == [
        ("LUMI-AAA", "OUT_OF_STOCK"),
        ("LUMI-BBB", "LOW"),
        ("LUMI-CCC", "OK"),
    ]


@pytest.mark.time_machine(NOON)
def test_health_keeps_products_and_their_sales_apart(client_api):
    sold, unsold = make_product("LUMI-AAA", on_hand=50), make_product("LUMI-BBB", on_hand=50)
    sell(sold, 9)

    rows = health(client_api)

    assert [row["product_id"] for row in rows] == [sold.pk, unsold.pk]
    assert [row["daily_velocity"] for row in rows] == [0.1, 0]


def test_health_is_paged(client_api):
    for sku in ("LUMI-AAA", "LUMI-BBB", "LUMI-CCC"):
        make_product(sku)

    response = client_api.get(f"{URL}/inventory-health?page_size=2&page=2").json()

    assert response["count"] == 3
    assert [row["internal_sku"] for row in response["results"]] == ["LUMI-CCC"]


def test_who_may_not_see_costs_gets_the_figures_that_tell_none(as_role):
    make_product(on_hand=3)
    client = as_role(Role.VIEWER)

    assert figures(client) == {"pending_orders": 0, "low_stock_alerts": 1}
    assert client.get(f"{URL}/order-pipeline").json()[0] == {"status": "DRAFT", "count": 0}
    (row,) = health(client)
    assert "value" not in row
    assert (row["quantity"], row["status"], row["daily_velocity"]) == (3, "LOW", 0)


@pytest.mark.parametrize("path", ["", "/kpis", "/order-pipeline", "/inventory-health"])
def test_a_sync_account_sees_no_figures(as_role, path):
    response = as_role(Role.SYNC).get(f"{URL}{path}")

    assert response.status_code == 403
    assert set(response.json()) == {"code", "detail"}
