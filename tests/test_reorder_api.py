"""The reorder planner from made-up sales to what the API tells, and to the drafts it makes."""

import csv
import io
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditLog
from accounts.rights import Role
from inventory.services import ledger, suppliers
from planning import demand, spreadsheet
from planning.models import Holiday, SeasonalityFactor, Setting
from planning.reorder import season_by_day
from planning.selectors import reorder
from planning.services import drafts
from purchasing.models import MilestoneType, PurchaseOrder
from purchasing.services import orders, shipments
from purchasing.workflow import Stage
from sales.services import recording
from tests.factories import TODAY, make_order, make_product, make_supplier, sell

NOON = "2026-06-15T05:00Z"
REORDER, FILE, ORDERS = "/api/planning/reorder", "/api/planning/reorder.csv", "/api/planning/reorder/orders"
CARTON = {"units_per_carton": 12, "carton_cbm": Decimal("0.06"), "carton_kg": Decimal("9.5")}

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon(time_machine):
    time_machine.move_to(NOON, tick=False)


def sold_daily(product, units, *, days, actor, until=TODAY):
    lines = [recording.Line(product.pk, units, until - timedelta(days=n), None) for n in range(days)]
    recording.record_sales(lines, today=TODAY, actor=actor)


@pytest.fixture
def supplier():
    return make_supplier("Bright Blocks", lead_time_days=45, moq=50)


@pytest.fixture
def kit(admin, supplier):
    """Two a day for 120 days, of which 60 are left: enough for a month."""
    product = make_product("LUMI-0001", price="7.50", on_hand=300, supplier_id=supplier.pk, **CARTON)
    sold_daily(product, 2, days=120, actor=admin)
    return product


def coming(product, units, *, on, admin):
    """An order that was sent, with a shipment that is expected ``on`` a day, or without one."""
    order = make_order(orders.Line(product.pk, units), supplier=product.supplier, stage=Stage.SENT)
    marks = [shipments.Mark(MilestoneType.DELIVERED, expected_date=on)] if on else []
    shipments.create(order.pk, milestones=marks, today=TODAY, actor=admin)
    return order


def only(**filters):
    (found,) = reorder.suggestions(today=TODAY, **filters)
    return found


def closed(first, last, country="CN", kind="FACTORY_CLOSURE"):
    return Holiday.objects.create(
        country=country, holiday_name="Spring Festival", start_date=first, end_date=last, type=kind
    )


# Suggestions


def test_a_suggestion_is_exact_to_the_unit_the_day_and_the_cent(client_api, kit, supplier):
    answer = client_api.get(REORDER).json()

    assert answer["count"] == 1
    found = answer["results"][0]
    assert found.pop("method") in {method.label for method in demand.METHODS}
    assert found == {
        "product_id": kit.pk,
        "internal_sku": "LUMI-0001",
        "name": "Kit LUMI-0001",
        "supplier_id": supplier.pk,
        "supplier_name": "Bright Blocks",
        "urgency": "OVERDUE",
        "order_by_date": "2026-05-01",
        "run_out_date": "2026-07-15",
        "arrival_date": "2026-08-16",
        "quantity": 108,
        "quantity_needed": 104,
        "cartons": 9,
        "units_per_carton": 12,
        "moq": 50,
        "quantity_on_hand": 60,
        "quantity_arriving": 0,
        "quantity_on_order": 0,
        "quantity_in_drafts": 0,
        "daily_demand": 2.0,
        "interval_days": 69,
        "forecast_units": 138.0,
        "safety_stock": 26,
        "safety_days": 13,
        "cbm": 0.54,
        "kg": 85.5,
        "unit_price_usd": 7.5,
        "cost_usd": 810.0,
        "reason": "Sells 2.00 a day and runs out on 2026-07-15 with 60 on hand: order 108 now, due since 2026-05-01,"
        " to cover 69 days (138) and keep 26 in reserve.",
    }


def test_what_arrives_in_time_is_supply_and_what_has_no_date_or_comes_later_is_not(kit, admin):
    coming(kit, 40, on=date(2026, 7, 1), admin=admin)
    coming(kit, 500, on=date(2026, 8, 23), admin=admin)  # the day after the interval
    coming(kit, 700, on=None, admin=admin)

    found = only()

    assert (found["quantity_arriving"], found["quantity_on_order"]) == (40, 1240)
    assert found["quantity_needed"] == 104 - 40
    assert found["run_out_date"] == date(2026, 8, 4)
    assert "60 on hand and 40 arriving in time" in found["reason"]
    assert "700 on order without a date do not count" in found["reason"]


def test_drafts_are_told_and_are_no_supply(kit, supplier):
    make_order(orders.Line(kit.pk, 108), supplier=supplier)

    found = only()

    assert (found["quantity_in_drafts"], found["quantity_needed"]) == (108, 104)
    assert "108 are on drafts already" in found["reason"]


def test_the_closure_of_the_factory_moves_order_by_and_arrival_dates(kit):
    before = only()
    closed(date(2026, 6, 20), date(2026, 7, 19))

    found = only()

    assert found["arrival_date"] == before["arrival_date"] + timedelta(days=30)
    assert found["interval_days"] == 97  # what is ordered at the next review waits for the 20th of July
    assert found["order_by_date"] == before["order_by_date"]  # it lies before the closure


@pytest.mark.parametrize(("country", "kind"), [("TH", "FACTORY_CLOSURE"), ("CN", "HIGH_DEMAND")])
def test_other_holidays_close_no_factory(kit, country, kind):
    before = only()
    closed(date(2026, 6, 20), date(2026, 7, 19), country, kind)

    assert only() == before


def test_the_settings_of_the_office_hold(kit):
    closed(date(2026, 7, 10), date(2026, 7, 19), "VN")
    given = {
        "factory_country": "VN", "transit_days": "20", "customs_days": "0", "review_period_days": "14",
        "lead_time_sigma_days": "0", "service_level": "0.98",
    }  # fmt: skip
    for key, value in given.items():
        Setting.objects.create(key=key, value=value)

    found = only()

    assert (found["arrival_date"] - TODAY).days == 45 + 10 + 20
    assert (found["interval_days"], found["safety_stock"]) == (45 + 10 + 20 + 14, 0)


def test_a_season_is_taken_out_of_the_past_and_put_into_the_future(kit):
    for month in range(1, 13):
        SeasonalityFactor.objects.create(month=month, multiplier=Decimal(3) if month in (7, 8) else Decimal("0.6"))

    found = only()

    in_season = 16 * 0.6 + 31 * 3 + 22 * 3
    assert float(found["forecast_units"]) == pytest.approx(2 / 0.6 * in_season, rel=0.01)
    assert found["run_out_date"] < date(2026, 7, 15)


def test_planner_and_forecast_mean_the_same_by_a_season():
    season = np.array([0.5, 0, 1, 1, 1, 1, 2, 1.5, 1, 1, 1, 1])

    by_day = season_by_day(season, today=date(2026, 12, 20), days=200)

    units = demand.window_units(np.array([3.0]), season, date(2026, 12, 20), 200)
    assert 3 * by_day.sum() == pytest.approx(units[0])


def test_under_eight_weeks_the_reserve_is_the_days_of_the_shelf(admin, supplier):
    young = make_product(on_hand=200, supplier_id=supplier.pk)
    sold_daily(young, 2, days=42, actor=admin)

    found = only()

    assert (found["safety_days"], found["safety_stock"]) == (14, 28)


def test_products_without_sales_with_returns_only_and_born_today_order_nothing(admin, supplier):
    make_product("LUMI-0001", on_hand=5, supplier_id=supplier.pk)
    make_product("LUMI-0002")
    returned = make_product("LUMI-0003", on_hand=9, supplier_id=supplier.pk)
    sell(returned, 4, on=date(2026, 3, 1), reference="A-1")
    line = recording.Line(returned.pk, 4, TODAY, None, order_reference="A-1")
    recording.record_return(line, today=TODAY, actor=admin)
    gone = make_product("LUMI-0004", supplier_id=supplier.pk)
    gone.stock_level.delete()

    found = reorder.suggestions(today=TODAY)

    assert [one["internal_sku"] for one in found] == [f"LUMI-000{n}" for n in (1, 2, 3, 4)]
    assert {(one["urgency"], one["quantity"], one["order_by_date"], one["run_out_date"]) for one in found} == {
        ("NONE", 0, None, None)
    }
    assert found[0]["reason"] == "Nothing is sold, net of returns: 5 on hand, nothing to order."


def test_a_product_without_supplier_and_volume_is_planned_and_says_so(admin):
    orphan = make_product("LUMI-0001", on_hand=240)
    sold_daily(orphan, 2, days=120, actor=admin)

    found = only()

    assert (found["supplier_id"], found["supplier_name"], found["cbm"], found["kg"]) == (None, None, None, None)
    assert (found["quantity"], found["cartons"], found["moq"]) == (164, 164, 0)
    assert found["reason"].endswith(
        "keep 26 in reserve; it has no supplier, so a lead time of 45 days is taken; its volume is not known."
    )


def test_inactive_products_are_not_planned(kit):
    kit.is_active = False
    kit.save(update_fields=["is_active"])

    assert reorder.suggestions(today=TODAY) == []


def test_the_most_pressing_comes_first_then_by_sku(client_api, admin, supplier):
    stock = {"LUMI-0005": 900, "LUMI-0004": 500, "LUMI-0003": 300, "LUMI-0002": 500, "LUMI-0001": 2000}
    for sku, units in stock.items():
        sold_daily(make_product(sku, on_hand=units, supplier_id=supplier.pk), 2, days=120, actor=admin)

    found = client_api.get(REORDER).json()["results"]

    assert [(one["internal_sku"], one["urgency"]) for one in found] == [
        ("LUMI-0003", "OVERDUE"),
        ("LUMI-0002", "LATER"),
        ("LUMI-0004", "LATER"),
        ("LUMI-0001", "NONE"),
        ("LUMI-0005", "NONE"),
    ]


def test_the_list_is_paged_and_filtered_by_supplier_and_urgency(client_api, kit):
    other = make_supplier("Other")
    make_product("LUMI-0002", supplier_id=other.pk)

    def skus(query):
        return [one["internal_sku"] for one in client_api.get(f"{REORDER}{query}").json()["results"]]

    assert skus("?page_size=1") == ["LUMI-0001"]
    assert skus("?page_size=1&page=2") == ["LUMI-0002"]
    assert skus(f"?supplier_id={other.pk}") == ["LUMI-0002"]
    assert skus("?urgency=OVERDUE") == ["LUMI-0001"]
    assert skus("?urgency=SOON") == []
    assert client_api.get(f"{REORDER}?urgency=YESTERDAY").status_code == 400


@pytest.mark.parametrize("products", [3, 30])
def test_the_number_of_statements_does_not_grow_with_the_products(admin, supplier, products):
    for _ in range(products):
        product = make_product(on_hand=50, supplier_id=supplier.pk)
        sold_daily(product, 1, days=10, actor=admin)
        coming(product, 5, on=date(2026, 7, 1), admin=admin)

    with CaptureQueriesContext(connection) as queries:
        assert len(reorder.suggestions(today=TODAY)) == products

    assert len(queries) == 11


# CSV


def rows_of(response):
    text = response.content.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_the_file_tells_what_the_list_tells(client_api, kit):
    (listed,) = client_api.get(REORDER).json()["results"]

    response = client_api.get(FILE)

    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="reorder-2026-06-15.csv"'
    (row,) = rows_of(response)
    assert list(row) == list(listed)
    assert (row["order_by_date"], row["quantity"], row["cost_usd"]) == ("2026-05-01", "108", "810.00")
    assert row["reason"] == listed["reason"]


@pytest.mark.abuse("AUTHZ-05", "FILE-02")
def test_who_may_not_see_costs_has_no_column_of_them(as_role, kit):
    viewer = as_role(Role.VIEWER)

    for query in ("", "?urgency=SOON"):
        head = viewer.get(FILE + query).content.decode("utf-8-sig").splitlines()[0]
        assert "reason" in head
        assert "usd" not in head
    assert "usd" not in str(viewer.get(REORDER).json())


@pytest.mark.abuse("FILE-02")
@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(1)", '=HYPERLINK("http://x","y")'])
def test_a_name_that_is_a_formula_is_text_in_the_file(client_api, name):
    make_product(name=name)

    (row,) = rows_of(client_api.get(FILE))

    assert row["name"] == f"'{name}"


def test_only_text_is_made_harmless_and_real_numbers_stay():
    rows = [{"a": "\tx", "b": "\r=1", "c": -5, "d": Decimal("-1.50"), "e": "a=b", "f": None}]

    text = spreadsheet.as_csv(rows, list("abcdef"))

    head, row = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    assert head == list("abcdef")
    assert row == ["'\tx", "'\r=1", "-5", "-1.50", "a=b", ""]


# Drafts


def items(*lines):
    return {"items": [{"product_id": product.pk, "quantity": units} for product, units in lines]}


def test_suggestions_become_one_draft_a_supplier(client_api, kit, supplier):
    other = make_supplier("Other")
    second = make_product("LUMI-0002", price="2.00", supplier_id=supplier.pk, **CARTON)
    third = make_product("LUMI-0003", price="1.00", supplier_id=other.pk)

    body = items((kit, 108), (third, 5), (second, 13), (kit, 12))
    response = client_api.post(ORDERS, body, format="json")

    assert response.status_code == 201
    first, last = response.json()["orders"]
    assert first == {
        "po_id": PurchaseOrder.objects.get(supplier=supplier).pk,
        "po_number": "PO-2026-001",
        "status": "DRAFT",
        "supplier_id": supplier.pk,
        "supplier_name": "Bright Blocks",
        "lines": 3,
        "quantity": 133,
        "cbm": 0.72,
        "kg": 114.0,
        "container": "20'",
        "containers": 1,
        "container_filled": 0.03,
        "lcl_charged": 1,
        "total_usd": 926.0,
    }
    assert (last["po_number"], last["quantity"], last["cbm"], last["container"]) == ("PO-2026-002", 5, None, None)
    lines = PurchaseOrder.objects.get(supplier=supplier).line_items.order_by("id")
    assert list(lines.values_list("product_id", "quantity")) == [(kit.pk, 108), (second.pk, 13), (kit.pk, 12)]


def test_products_without_an_active_supplier_are_refused_by_name_and_nothing_is_made(client_api, kit, admin):
    closed_down = make_supplier("Gone")
    orphan = make_product("LUMI-0008")
    stranded = make_product("LUMI-0009", supplier_id=closed_down.pk)
    suppliers.deactivate(closed_down.pk, actor=admin)
    logged = AuditLog.objects.count()

    response = client_api.post(ORDERS, items((kit, 108), (stranded, 1), (orphan, 1)), format="json")

    assert response.status_code == 400
    assert response.json() == {
        "code": "no_active_supplier",
        "detail": "These have no active supplier to order from: LUMI-0008, LUMI-0009.",
        "context": {"skus": ["LUMI-0008", "LUMI-0009"]},
    }
    assert not PurchaseOrder.objects.exists()
    assert AuditLog.objects.count() == logged


def test_the_drafts_of_all_suppliers_are_made_or_none(client_api, kit):
    dear = make_product(price="9999999999.99", supplier_id=make_supplier("Other").pk)

    response = client_api.post(ORDERS, items((kit, 108), (dear, 2_000_000_000)), format="json")

    assert (response.status_code, response.json()["code"]) == (400, "order_too_large")
    assert not PurchaseOrder.objects.exists()


def test_inactive_and_unknown_products_are_refused(client_api, kit):
    gone = make_product(is_active=False, supplier_id=kit.supplier_id)

    response = client_api.post(ORDERS, items((kit, 1), (gone, 1)), format="json")

    assert (response.status_code, response.json()["code"]) == (400, "unorderable_products")
    assert response.json()["context"] == {"product_ids": [gone.pk]}
    assert not PurchaseOrder.objects.exists()


@pytest.mark.parametrize("body", [{}, {"items": []}, {"items": [{"product_id": 1, "quantity": 1}] * 501}])
def test_drafts_are_of_one_to_500_items(client_api, body):
    assert client_api.post(ORDERS, body, format="json").status_code == 400


@pytest.mark.parametrize("products", [3, 30])
def test_the_statements_of_a_draft_do_not_grow_with_its_lines(admin, supplier, products):
    lines = [drafts.Item(make_product(supplier_id=supplier.pk).pk, 1) for _ in range(products)]

    with CaptureQueriesContext(connection) as queries:
        drafts.create(lines, today=TODAY, actor=admin)

    kept = [query for query in queries if "SAVEPOINT" not in query["sql"]]
    assert len(kept) == 10


@pytest.mark.parametrize(("role", "status"), [(Role.BUYER, 201), (Role.VIEWER, 403), (Role.SYNC, 403)])
def test_drafts_are_for_those_who_buy(as_role, kit, role, status):
    assert as_role(role).post(ORDERS, items((kit, 5)), format="json").status_code == status
    assert PurchaseOrder.objects.exists() == (status == 201)


# Projection


def test_a_projection_tells_the_past_from_the_ledger_and_the_future_day_by_day(
    client_api, admin, supplier, time_machine
):
    time_machine.move_to("2026-06-10T16:59Z", tick=False)  # 23:59 in Bangkok
    product = make_product("LUMI-0001", on_hand=100, supplier_id=supplier.pk)
    time_machine.move_to("2026-06-12T17:01Z", tick=False)  # 00:01 on the 13th
    ledger.issue([ledger.Line(product.pk, 40)], actor=admin)
    time_machine.move_to(NOON, tick=False)
    sold_daily(product, 1, days=30, actor=admin)
    order = coming(product, 20, on=date(2026, 7, 20), admin=admin)
    closed(date(2026, 10, 1), date(2026, 10, 7))
    closed(date(2027, 2, 1), date(2027, 2, 20))

    found = client_api.get(f"/api/planning/projection/{product.pk}").json()

    past = {one["date"]: one["quantity"] for one in found["past"]}
    assert (len(past), found["past"][0]["date"], found["past"][-1]["date"]) == (90, "2026-03-17", "2026-06-14")
    assert [past[f"2026-06-{day}"] for day in ("09", "10", "12", "13", "14")] == [0, 100, 100, 60, 60]
    assert found["quantity_on_hand"] == 30
    expected = {one["date"]: one for one in found["expected"]}
    assert (len(expected), found["expected"][0]["date"]) == (180, "2026-06-15")
    assert expected["2026-06-15"] == {"date": "2026-06-15", "quantity": 29.0, "demand": 1.0, "arriving": 0}
    assert expected["2026-07-14"]["quantity"] == expected["2026-07-19"]["quantity"] == 0
    assert expected["2026-07-20"] == {"date": "2026-07-20", "quantity": 19.0, "demand": 1.0, "arriving": 20}
    assert found["run_out_date"] == "2026-07-15"
    assert found["arrivals"] == [
        {
            "po_id": order.pk,
            "po_number": order.po_number,
            "quantity": 20,
            "expected_date": "2026-07-20",
            "is_late": False,
        }
    ]
    assert found["closures"] == [
        {"holiday_name": "Spring Festival", "start_date": "2026-10-01", "end_date": "2026-10-07"}
    ]


def test_late_goods_are_taken_to_come_today_and_are_told(client_api, kit, admin):
    coming(kit, 20, on=date(2026, 6, 1), admin=admin)

    found = client_api.get(f"/api/planning/projection/{kit.pk}").json()

    assert found["expected"][0]["arriving"] == 20
    assert found["expected"][0]["quantity"] == 78
    assert found["arrivals"][0]["is_late"]


def test_an_inactive_product_has_a_projection_too_and_an_unknown_one_has_not(client_api):
    product = make_product(is_active=False, on_hand=7)

    found = client_api.get(f"/api/planning/projection/{product.pk}")

    assert (found.status_code, found.json()["run_out_date"]) == (200, None)
    assert {one["quantity"] for one in found.json()["expected"]} == {7}
    assert client_api.get("/api/planning/projection/999999").status_code == 404
