"""What is on order and on the way, product by product."""

from datetime import date

import pytest

from accounts.rights import Role
from inventory.services import products
from purchasing.models import MilestoneType
from purchasing.selectors import incoming
from purchasing.selectors.incoming import Arrival
from purchasing.services import orders, receipts, shipments
from purchasing.services.shipments import Mark
from purchasing.workflow import ORDER, Stage
from tests.factories import TODAY, an_admin, make_order, make_product, make_supplier

URL = "/api/orders/incoming"
PLACED, SHIPPED, ARRIVED, CLEARED, DELIVERED = MilestoneType
pytestmark = [pytest.mark.django_db, pytest.mark.time_machine("2026-06-15T05:00Z", tick=False)]


def day(number):
    return date(2026, 6, number)


def ship(order, *marks):
    return shipments.create(order.pk, milestones=marks, today=TODAY, actor=an_admin())


def receive(order, quantity):
    receipts.receive(order.pk, [receipts.Line(order.line_items.first().pk, quantity)], actor=an_admin())


def listed(client, query=""):
    response = client.get(f"{URL}{query}")
    assert response.status_code == 200
    return response.json()["results"]


def only_arrival(client):
    ((arrival,),) = [row["arrivals"] for row in listed(client)]
    return arrival


@pytest.fixture
def kit(db):
    return make_product("LUMI-KIT")


def test_incoming_goods_are_told_product_by_product_with_their_orders(client_api, kit):
    sent = make_order(orders.Line(kit.pk, 100), stage=Stage.SENT)
    gone = make_order(orders.Line(kit.pk, 40), stage=Stage.IN_TRANSIT)
    orders.update(sent.pk, expected_ready_date=day(20), actor=an_admin())
    ship(gone, Mark(SHIPPED, actual_date=day(1)), Mark(DELIVERED, expected_date=day(30)))
    receive(gone, 15)

    answer = client_api.get(URL).json()

    assert (answer["count"], answer["next"], answer["previous"]) == (1, None, None)
    assert answer["results"] == [
        {
            "product_id": kit.pk,
            "internal_sku": "LUMI-KIT",
            "name": "Kit LUMI-KIT",
            "quantity_on_order": 125,
            "quantity_on_the_way": 25,
            "next_arrival_date": "2026-06-30",
            "arrivals": [
                {
                    "po_id": gone.pk, "po_number": gone.po_number, "status": "IN_TRANSIT", "quantity": 25,
                    "is_on_the_way": True, "expected_date": "2026-06-30", "ready_date": None, "is_late": False,
                },
                {
                    "po_id": sent.pk, "po_number": sent.po_number, "status": "SENT", "quantity": 100,
                    "is_on_the_way": False, "expected_date": None, "ready_date": "2026-06-20", "is_late": False,
                },
            ],
        }
    ]  # fmt: skip


@pytest.mark.parametrize("stage", ORDER)
def test_units_count_from_sent_until_stocked_and_are_on_the_way_from_shipped_on(client_api, kit, stage):
    order = make_order(orders.Line(kit.pk, 10), stage=Stage.QCD if stage is Stage.STOCKED else stage)
    receive(order, 4)
    if stage is Stage.STOCKED:
        orders.advance(order.pk, to=stage, actor=an_admin())

    found = [(row["quantity_on_order"], row["quantity_on_the_way"]) for row in listed(client_api)]

    before, on_the_way = ORDER.index(stage) < ORDER.index(Stage.SHIPPED), stage not in (Stage.DRAFT, Stage.STOCKED)
    assert found == ([(6, 0 if before else 6)] if on_the_way else [])


def test_a_cancelled_order_brings_nothing(client_api, kit):
    order = make_order(orders.Line(kit.pk, 10), stage=Stage.SHIPPED)
    ship(order, Mark(SHIPPED, actual_date=day(1)))
    orders.cancel(order.pk, reason="", now=order.created_at, actor=an_admin())

    assert listed(client_api) == []
    assert incoming.arrivals([kit.pk]) == {}


def test_a_line_that_is_received_in_full_brings_nothing(client_api, kit):
    other = make_product("LUMI-OTHER")
    order = make_order(orders.Line(kit.pk, 10), orders.Line(other.pk, 3), stage=Stage.RECEIVED)
    receive(order, 10)

    assert [(row["internal_sku"], row["quantity_on_order"]) for row in listed(client_api)] == [("LUMI-OTHER", 3)]


def test_the_same_product_on_two_lines_of_an_order_arrives_once(client_api, kit):
    order = make_order(orders.Line(kit.pk, 10), orders.Line(kit.pk, 5), stage=Stage.SENT)
    receive(order, 3)

    assert only_arrival(client_api)["quantity"] == 12


def test_a_product_that_is_not_sold_any_more_still_arrives(client_api, kit):
    make_order(orders.Line(kit.pk, 10), stage=Stage.SENT)
    products.deactivate(kit.pk, today=TODAY, actor=an_admin())

    assert [row["quantity_on_order"] for row in listed(client_api)] == [10]


# On the way


@pytest.mark.parametrize("step", MilestoneType)
def test_a_shipment_that_has_left_puts_its_order_on_the_way_before_its_stage_does(client_api, kit, step):
    order = make_order(orders.Line(kit.pk, 10), stage=Stage.IN_PRODUCTION)
    ship(order)
    ship(order, Mark(step, actual_date=day(1)))
    ship(order, Mark(SHIPPED, expected_date=day(1)))

    assert only_arrival(client_api)["is_on_the_way"] is (step is not PLACED)
    assert listed(client_api)[0]["quantity_on_the_way"] == (0 if step is PLACED else 10)


def test_a_shipment_of_another_order_puts_nothing_on_the_way(client_api, kit):
    make_order(orders.Line(kit.pk, 10), stage=Stage.SENT)
    ship(make_order(stage=Stage.SENT), Mark(SHIPPED, actual_date=day(1)), Mark(ARRIVED, expected_date=day(9)))

    arrival = only_arrival(client_api)

    assert (arrival["is_on_the_way"], arrival["expected_date"]) == (False, None)


def test_a_departure_that_is_taken_back_takes_the_goods_off_the_way(client_api, kit):
    order = make_order(orders.Line(kit.pk, 10), stage=Stage.CONFIRMED)
    shipment = ship(order, Mark(SHIPPED, actual_date=day(1)))
    assert only_arrival(client_api)["is_on_the_way"] is True

    shipments.set_milestones(shipment.pk, [Mark(SHIPPED, actual_date=None)], today=TODAY, actor=an_admin())

    assert only_arrival(client_api)["is_on_the_way"] is False


# When


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([{SHIPPED: 20}], None),
        ([{ARRIVED: 25}], 25),
        ([{ARRIVED: 25, CLEARED: 26}], 26),
        ([{ARRIVED: 25, CLEARED: 26, DELIVERED: 28}], 28),
        ([{ARRIVED: 25}, {ARRIVED: 20, DELIVERED: 22}], 25),
        ([{ARRIVED: 20}, {DELIVERED: 27}, {}], 27),
    ],
)
def test_open_units_are_expected_with_the_last_of_the_shipments(client_api, kit, told, expected):
    order = make_order(orders.Line(kit.pk, 10), stage=Stage.SENT)
    for dates in told:
        ship(order, *(Mark(step, expected_date=day(number)) for step, number in dates.items()))

    arrival = only_arrival(client_api)

    assert arrival["expected_date"] == (expected and f"2026-06-{expected}")
    assert listed(client_api)[0]["next_arrival_date"] == arrival["expected_date"]


def test_a_shipment_that_was_delivered_tells_no_date_any_more(client_api, kit):
    order = make_order(orders.Line(kit.pk, 10), stage=Stage.SENT)
    ship(order, Mark(DELIVERED, expected_date=day(29), actual_date=day(14)))
    assert only_arrival(client_api)["expected_date"] is None

    ship(order, Mark(ARRIVED, expected_date=day(18)))

    assert only_arrival(client_api)["expected_date"] == "2026-06-18"


@pytest.mark.parametrize(("number", "is_late"), [(14, True), (15, False), (16, False)])
def test_goods_are_late_once_the_day_they_were_expected_has_passed(client_api, kit, number, is_late):
    ship(make_order(orders.Line(kit.pk, 10), stage=Stage.SENT), Mark(ARRIVED, expected_date=day(number)))

    assert only_arrival(client_api)["is_late"] is is_late


def test_goods_without_a_date_are_not_late(client_api, kit):
    order = make_order(orders.Line(kit.pk, 10), stage=Stage.SENT)
    orders.update(order.pk, expected_ready_date=day(1), actor=an_admin())

    assert only_arrival(client_api)["is_late"] is False


def test_the_next_arrival_is_the_earliest_and_what_has_no_date_comes_last(client_api, kit):
    nowhere, later, sooner = (make_order(orders.Line(kit.pk, units), stage=Stage.SENT) for units in (1, 2, 3))
    ship(later, Mark(ARRIVED, expected_date=day(28)))
    ship(sooner, Mark(ARRIVED, expected_date=day(27)))

    (row,) = listed(client_api)

    assert row["next_arrival_date"] == "2026-06-27"
    assert [arrival["po_id"] for arrival in row["arrivals"]] == [sooner.pk, later.pk, nowhere.pk]


# Lists


def test_products_come_by_sku_and_in_pages(client_api):
    skus = ["LUMI-C00", "LUMI-A00", "LUMI-B00"]
    make_order(*(orders.Line(make_product(sku).pk, 1) for sku in skus), stage=Stage.SENT)

    first = client_api.get(f"{URL}?page_size=2").json()
    second = client_api.get(first["next"]).json()

    assert first["count"] == 3
    assert [[row["internal_sku"] for row in page["results"]] for page in (first, second)] == [
        ["LUMI-A00", "LUMI-B00"],
        ["LUMI-C00"],
    ]


def test_a_product_filter_shows_that_product(client_api, kit):
    other = make_product("LUMI-OTHER")
    make_order(orders.Line(kit.pk, 1), orders.Line(other.pk, 2), stage=Stage.SENT)

    assert [row["product_id"] for row in listed(client_api, f"?product_id={other.pk}")] == [other.pk]
    assert listed(client_api, "?product_id=999999") == []


def test_a_supplier_filter_counts_the_orders_of_that_supplier_only(client_api, kit):
    ours, theirs = make_supplier(), make_supplier()
    mine = make_order(orders.Line(kit.pk, 10), supplier=ours, stage=Stage.SENT)
    make_order(orders.Line(kit.pk, 7), supplier=theirs, stage=Stage.SHIPPED)

    (row,) = listed(client_api, f"?supplier_id={ours.pk}")

    assert (row["quantity_on_order"], row["quantity_on_the_way"]) == (10, 0)
    assert [arrival["po_id"] for arrival in row["arrivals"]] == [mine.pk]
    assert listed(client_api, f"?supplier_id={make_supplier().pk}") == []
    assert listed(client_api)[0]["quantity_on_order"] == 17


@pytest.mark.parametrize("name", ["product_id=x", "supplier_id=0", "status=SENT"])
def test_a_filter_that_is_none_is_refused_by_name(client_api, name):
    response = client_api.get(f"{URL}?{name}")

    assert response.status_code == 400
    assert list(response.json()["errors"]) == [name.split("=")[0]]


def test_incoming_goods_tell_no_amount(as_role, kit):
    make_order(orders.Line(kit.pk, 10), stage=Stage.SENT)

    (row,) = listed(as_role(Role.VIEWER))

    assert row == listed(as_role(Role.ADMIN))[0]
    assert not [name for name in (*row, *row["arrivals"][0]) if "usd" in name]


# For the planner


def test_arrivals_are_told_by_product(kit):
    other, nothing = make_product("LUMI-OTHER"), make_product("LUMI-NOTHING")
    order = make_order(orders.Line(kit.pk, 10), orders.Line(other.pk, 2), stage=Stage.SENT)
    orders.update(order.pk, expected_ready_date=day(20), actor=an_admin())
    ship(order, Mark(ARRIVED, expected_date=day(30)))

    found = incoming.arrivals([kit.pk, nothing.pk])

    assert found == {
        kit.pk: [
            Arrival(
                order_id=order.pk,
                po_number=order.po_number,
                quantity=10,
                expected_date=day(30),
                ready_date=day(20),
                is_on_the_way=False,
                status=Stage.SENT,
            )
        ]
    }


@pytest.mark.parametrize("many", [1, 5])
def test_arrivals_cost_two_queries_whatever_the_number_of_products(django_assert_num_queries, many):
    made = [make_product() for _ in range(many)]
    for product in made:
        order = make_order(orders.Line(product.pk, 10), stage=Stage.SENT)
        ship(order, Mark(ARRIVED, expected_date=day(30)))
        ship(order, Mark(ARRIVED, expected_date=day(28)))

    with django_assert_num_queries(2):
        found = incoming.arrivals([*(product.pk for product in made), *range(10**6, 10**6 + 5_000)])

    assert {arrival.expected_date for arrivals in found.values() for arrival in arrivals} == {day(30)}
    assert len(found) == many
