"""Shipments: planned, changed, and how far they are."""

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditLog
from accounts.rights import Role
from purchasing import milestones
from purchasing.errors import ImpossibleMilestones
from purchasing.milestones import Dates
from purchasing.models import Milestone, MilestoneType, Shipment
from purchasing.selectors import shipments as selectors
from purchasing.services import orders, shipments
from purchasing.services.shipments import Mark
from purchasing.workflow import ORDER, Stage
from tests.conftest import api
from tests.factories import TODAY, make_order, make_supplier

URL = "/api/shipments"
PLACED, SHIPPED, ARRIVED, CLEARED, DELIVERED = MilestoneType
NOON = "2026-06-15T05:00Z"
pytestmark = [pytest.mark.django_db, pytest.mark.time_machine(NOON, tick=False)]


def day(number):
    return date(2026, 6, number)


def make_shipment(order, *marks, **fields):
    return shipments.create(
        order.pk, milestones=marks, today=TODAY, actor=order.status_history.first().changed_by, **fields
    )


def create(client, order, **fields):
    return client.post(URL, {"po_id": order.pk, **fields}, format="json")


def row(step, **dates):
    return {"milestone_type": step.value, **{f"{name}_date": dates[name] for name in dates}}


def happened(step, number):
    return row(step, actual=f"2026-06-{number:02d}")


def expected(step, number):
    return row(step, expected=f"2026-06-{number:02d}")


def mark(client, shipment, *rows):
    return client.post(f"{URL}/{shipment.pk}/milestones", {"milestones": rows}, format="json")


def dates(answer):
    return {
        line["milestone_type"]: (line["expected_date"], line["actual_date"])
        for line in answer["milestones"]
        if line["expected_date"] or line["actual_date"]
    }


def stored():
    rows = Milestone.objects.order_by("id").values_list("milestone_type", "expected_date", "actual_date")
    return list(rows), list(Shipment.objects.order_by("id").values_list("status", flat=True)), AuditLog.objects.count()


def refusal(response, code):
    assert response.status_code == 400
    assert response.json()["code"] == code
    return response.json()


@pytest.fixture
def order(db):
    return make_order(stage=Stage.CONFIRMED)


@pytest.fixture
def shipment(order):
    return make_shipment(order)


# Made


def test_a_new_shipment_has_its_order_and_all_five_milestones(client_api, order):
    fields = {
        "carrier": "COSCO", "tracking_number": "CSNU123", "bill_of_lading": "BL-1", "origin_port": "Shantou",
        "destination_port": "Laem Chabang",
    }  # fmt: skip

    response = create(client_api, order, **fields)

    assert response.status_code == 201
    answer = response.json()
    made = Shipment.objects.get()
    assert {name: answer[name] for name in fields} == fields
    assert (answer["id"], answer["po_id"], answer["po_number"]) == (made.pk, order.pk, order.po_number)
    assert answer["supplier"] == {"id": order.supplier_id, "name": order.supplier.name}
    assert (answer["status"], answer["is_late"]) == ("ORDER_PLACED", False)
    assert answer["milestones"] == [
        {"milestone_type": step, "expected_date": None, "actual_date": None, "is_late": False}
        for step in ("ORDER_PLACED", "SHIPPED", "ARRIVED", "CLEARED", "DELIVERED")
    ]
    assert client_api.get(f"{URL}/{made.pk}").json() == answer
    assert not Milestone.objects.exists()


def test_a_new_shipment_may_bring_milestones_and_its_status_follows(client_api, order):
    rows = [happened(PLACED, 1), row(SHIPPED, expected="2026-06-09", actual="2026-06-10"), expected(ARRIVED, 30)]

    answer = create(client_api, order, milestones=rows).json()

    assert answer["status"] == "SHIPPED"
    assert dates(answer) == {
        "ORDER_PLACED": (None, "2026-06-01"),
        "SHIPPED": ("2026-06-09", "2026-06-10"),
        "ARRIVED": ("2026-06-30", None),
    }
    assert Milestone.objects.count() == 3
    made = AuditLog.objects.filter(table_name__in=["shipments", "shipment_milestones"])
    assert sorted(made.values_list("table_name", "action")) == [
        ("shipment_milestones", "CREATE"), ("shipment_milestones", "CREATE"), ("shipment_milestones", "CREATE"),
        ("shipments", "CREATE"),
    ]  # fmt: skip


def test_an_order_may_have_several_shipments(client_api, order):
    first, second = (create(client_api, order).json()["id"] for _ in range(2))

    assert [one.pk for one in selectors.of_order(order.pk)] == [first, second]


@pytest.mark.parametrize("stage", ORDER)
def test_a_shipment_belongs_to_an_order_that_was_sent(client_api, stage):
    order = make_order(stage=stage)

    response = create(client_api, order)

    if stage is Stage.DRAFT:
        answer = refusal(response, "order_not_sent")
        assert answer["detail"] == f"{order.po_number} is a DRAFT: a shipment belongs to an order that was sent."
    assert Shipment.objects.count() == (stage is not Stage.DRAFT)


def test_a_shipment_of_an_order_that_is_not_there_is_not_made(client_api):
    response = client_api.post(URL, {"po_id": 999_999}, format="json")

    assert (response.status_code, response.json()["code"]) == (404, "order_not_found")
    assert not Shipment.objects.exists()


def test_a_new_shipment_with_an_impossible_milestone_is_not_made(client_api, order):
    before = stored()

    refusal(create(client_api, order, milestones=[happened(PLACED, 1), happened(SHIPPED, 16)]), "impossible_milestones")

    assert stored() == before


@pytest.mark.parametrize("verb", ["post", "put", "patch"])
def test_the_status_is_never_taken_from_a_client(client_api, order, shipment, verb):
    forged = {"status": "DELIVERED", "po_id": order.pk, "is_late": True, "id": 999}
    address = URL if verb == "post" else f"{URL}/{shipment.pk}"

    answer = getattr(client_api, verb)(address, forged, format="json").json()

    assert (answer["status"], answer["is_late"]) == ("ORDER_PLACED", False)
    assert set(Shipment.objects.values_list("status", flat=True)) == {"ORDER_PLACED"}


# Changed


@pytest.mark.parametrize("verb", ["put", "patch"])
def test_a_change_touches_the_given_fields_only(client_api, order, verb):
    shipment = make_shipment(order, Mark(SHIPPED, actual_date=day(3)), carrier="COSCO", origin_port="Shantou")

    answer = getattr(client_api, verb)(f"{URL}/{shipment.pk}", {"carrier": "Maersk"}, format="json").json()

    assert (answer["carrier"], answer["origin_port"], answer["status"]) == ("Maersk", "Shantou", "SHIPPED")
    assert dates(answer) == {"SHIPPED": (None, "2026-06-03")}
    recorded = AuditLog.objects.latest("pk")
    assert (recorded.table_name, recorded.old_values, recorded.new_values) == (
        "shipments", {"carrier": "COSCO"}, {"carrier": "Maersk"},
    )  # fmt: skip


def test_a_change_to_what_is_already_there_writes_nothing(client_api, order, time_machine):
    shipment = make_shipment(order, Mark(SHIPPED, actual_date=day(3)), carrier="COSCO")
    before = (stored(), Shipment.objects.values().get(), Milestone.objects.values().get())
    time_machine.move_to("2026-06-15T05:05Z", tick=False)

    client_api.patch(f"{URL}/{shipment.pk}", {"carrier": "COSCO"}, format="json")
    mark(client_api, shipment, happened(SHIPPED, 3))

    assert (stored(), Shipment.objects.values().get(), Milestone.objects.values().get()) == before


def test_a_shipment_stays_with_its_order(client_api, shipment, order):
    other = make_order(stage=Stage.SENT)

    client_api.patch(f"{URL}/{shipment.pk}", {"po_id": other.pk, "order_id": other.pk}, format="json")

    shipment.refresh_from_db()
    assert shipment.order_id == order.pk


# Milestones


@pytest.mark.parametrize("last", MilestoneType)
def test_the_status_is_the_last_milestone_that_happened(client_api, shipment, last):
    steps = list(MilestoneType)[: list(MilestoneType).index(last) + 1]

    answer = mark(client_api, shipment, *(happened(step, 1 + place) for place, step in enumerate(steps))).json()

    shipment.refresh_from_db()
    assert answer["status"] == shipment.status == last


def test_expected_dates_move_no_status(client_api, shipment):
    answer = mark(client_api, shipment, expected(SHIPPED, 1), expected(DELIVERED, 2)).json()

    assert answer["status"] == "ORDER_PLACED"


def test_a_milestone_that_nobody_wrote_down_does_not_hold_up_the_later_ones(client_api, shipment):
    answer = mark(client_api, shipment, happened(ARRIVED, 10)).json()

    assert (answer["status"], dates(answer)) == ("ARRIVED", {"ARRIVED": (None, "2026-06-10")})


def test_one_milestone_may_be_the_body_itself(client_api, shipment):
    body = {"milestone_type": "SHIPPED", "actual_date": "2026-06-10"}

    answer = client_api.post(f"{URL}/{shipment.pk}/milestones", body, format="json").json()

    assert (answer["status"], dates(answer)) == ("SHIPPED", {"SHIPPED": (None, "2026-06-10")})


def test_a_date_that_is_left_out_stays_and_one_that_is_null_goes(client_api, shipment):
    mark(client_api, shipment, row(SHIPPED, expected="2026-06-08", actual="2026-06-10"), expected(ARRIVED, 20))

    kept = mark(client_api, shipment, expected(SHIPPED, 9)).json()
    assert dates(kept) == {"SHIPPED": ("2026-06-09", "2026-06-10"), "ARRIVED": ("2026-06-20", None)}

    gone = mark(client_api, shipment, row(SHIPPED, actual=None), row(ARRIVED, expected=None)).json()
    assert dates(gone) == {"SHIPPED": ("2026-06-09", None)}
    assert gone["status"] == "ORDER_PLACED"
    assert Milestone.objects.count() == 2


def test_a_correction_takes_the_status_back_to_the_last_that_stands(client_api, shipment):
    mark(client_api, shipment, happened(PLACED, 1), happened(SHIPPED, 5), happened(CLEARED, 9))

    answer = mark(client_api, shipment, row(CLEARED, actual=None)).json()

    assert answer["status"] == "SHIPPED"
    changes = AuditLog.objects.order_by("-pk")[:2]
    assert {(one.table_name, str(one.old_values), str(one.new_values)) for one in changes} == {
        ("shipments", "{'status': 'CLEARED'}", "{'status': 'SHIPPED'}"),
        ("shipment_milestones", "{'actual_date': '2026-06-09'}", "None"),
    }


def test_taking_away_a_date_that_is_not_there_makes_no_row(client_api, shipment):
    answer = mark(client_api, shipment, row(SHIPPED, actual=None, expected=None)).json()

    assert dates(answer) == {}
    assert not Milestone.objects.exists()


@pytest.mark.parametrize(("number", "is_taken"), [(15, True), (16, False)])
def test_nothing_has_happened_after_today(client_api, shipment, number, is_taken):
    before = stored()

    response = mark(client_api, shipment, happened(SHIPPED, number))

    assert response.status_code == (200 if is_taken else 400)
    assert (stored() == before) is not is_taken


@pytest.mark.parametrize(("moment", "is_taken"), [("2026-06-15T16:59Z", False), ("2026-06-15T17:01Z", True)])
def test_today_is_a_day_in_the_time_zone_of_the_business(admin, shipment, time_machine, moment, is_taken):
    time_machine.move_to(moment, tick=False)

    assert mark(api(admin), shipment, happened(SHIPPED, 16)).status_code == (200 if is_taken else 400)


def test_what_is_expected_may_lie_in_the_future_or_in_the_past(client_api, shipment):
    rows = [row(SHIPPED, expected="2020-01-01"), row(DELIVERED, expected="2027-01-01")]

    assert mark(client_api, shipment, *rows).status_code == 200


@pytest.mark.parametrize("write", [happened, expected], ids=["actual", "expected"])
@pytest.mark.parametrize(("number", "is_taken"), [(9, False), (10, True), (11, True)])
def test_dates_do_not_run_backwards_against_what_is_stored(client_api, shipment, write, number, is_taken):
    mark(client_api, shipment, write(SHIPPED, 10))
    before = stored()

    response = mark(client_api, shipment, write(CLEARED, number))

    assert response.status_code == (200 if is_taken else 400)
    assert (stored() == before) is not is_taken


@pytest.mark.parametrize("write", [happened, expected], ids=["actual", "expected"])
def test_an_earlier_milestone_does_not_come_after_a_later_one_that_is_stored(client_api, shipment, write):
    mark(client_api, shipment, write(ARRIVED, 5))
    before = stored()

    answer = refusal(mark(client_api, shipment, write(SHIPPED, 6)), "impossible_milestones")

    assert answer["context"]["milestones"][0]["milestone_type"] == "ARRIVED"
    assert stored() == before


def test_dates_are_compared_as_they_are_after_the_change(client_api, shipment):
    mark(client_api, shipment, happened(SHIPPED, 5), happened(ARRIVED, 8))

    moved = mark(client_api, shipment, happened(SHIPPED, 10), happened(ARRIVED, 12))
    removed = mark(client_api, shipment, row(SHIPPED, actual=None), happened(ARRIVED, 2))

    assert (moved.status_code, removed.status_code) == (200, 200)
    assert dates(removed.json()) == {"ARRIVED": (None, "2026-06-02")}


def test_an_expected_date_and_an_actual_one_are_not_compared(client_api, shipment):
    assert mark(client_api, shipment, happened(SHIPPED, 10), expected(ARRIVED, 5)).status_code == 200


def test_every_milestone_that_cannot_be_is_named_and_none_is_written(client_api, shipment):
    mark(client_api, shipment, happened(SHIPPED, 10))
    before = stored()

    answer = refusal(
        mark(
            client_api, shipment, happened(PLACED, 1), happened(ARRIVED, 9), expected(CLEARED, 20),
            row(DELIVERED, expected="2026-06-19", actual="2026-06-16"),
        ),
        "impossible_milestones",
    )  # fmt: skip

    assert answer["context"]["milestones"] == [
        {
            "milestone_type": "DELIVERED",
            "field": "actual_date",
            "reason": "it cannot have happened on 2026-06-16, today is 2026-06-15",
        },
        {
            "milestone_type": "DELIVERED",
            "field": "expected_date",
            "reason": "expected date 2026-06-19 is before CLEARED on 2026-06-20",
        },
        {
            "milestone_type": "ARRIVED",
            "field": "actual_date",
            "reason": "actual date 2026-06-09 is before SHIPPED on 2026-06-10",
        },
    ]
    assert answer["detail"] == (
        "These milestones cannot be. DELIVERED: it cannot have happened on 2026-06-16, today is 2026-06-15; "
        "DELIVERED: expected date 2026-06-19 is before CLEARED on 2026-06-20; "
        "ARRIVED: actual date 2026-06-09 is before SHIPPED on 2026-06-10."
    )
    assert stored() == before


def test_a_milestone_is_given_once_in_a_request(client_api, shipment):
    before = stored()

    answer = refusal(mark(client_api, shipment, happened(SHIPPED, 1), happened(SHIPPED, 2)), "impossible_milestones")

    assert answer["context"]["milestones"] == [
        {"milestone_type": "SHIPPED", "field": "milestone_type", "reason": "given 2 times"}
    ]
    assert stored() == before


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "milestones"),
        ({"milestones": []}, "milestones"),
        ({"milestones": [happened(SHIPPED, 1)] * 6}, "milestones"),
        ({"milestones": [{"milestone_type": "SHIPPED"}]}, "milestones"),
        ({"milestone_type": "SHIPPED"}, "non_field_errors"),
        ({"milestone_type": "LOST", "actual_date": "2026-06-01"}, "milestone_type"),
        ({"milestone_type": "SHIPPED", "actual_date": "soon"}, "actual_date"),
        ({"milestone_type": "SHIPPED", "expected_date": "1899-12-31"}, "expected_date"),
        ({"milestone_type": "SHIPPED", "expected_date": "3000-01-01"}, "expected_date"),
    ],
)
def test_a_body_of_the_wrong_shape_is_refused_by_field(client_api, shipment, body, field):
    before = stored()

    answer = refusal(client_api.post(f"{URL}/{shipment.pk}/milestones", body, format="json"), "invalid")

    assert list(answer["errors"]) == [field]
    assert stored() == before


def test_each_further_milestone_costs_two_statements(order, admin):
    shipment = make_shipment(order, *(Mark(step, expected_date=day(20)) for step in MilestoneType))

    def queries(steps):
        marks = [Mark(step, actual_date=day(len(steps))) for step in steps]
        with CaptureQueriesContext(connection) as found:
            shipments.set_milestones(shipment.pk, marks, today=TODAY, actor=admin)
        return len(found)

    one, five = queries([SHIPPED]), queries(list(MilestoneType))

    assert five - one == 2 * 4  # the audit log reads a row before it is written
    assert five < 20


# A cancelled order


def test_nothing_changes_on_the_shipments_of_a_cancelled_order(client_api, order, shipment, admin):
    orders.cancel(order.pk, reason="late", now=order.created_at, actor=admin)
    before = stored()

    answers = [
        create(client_api, order),
        client_api.patch(f"{URL}/{shipment.pk}", {"carrier": "COSCO"}, format="json"),
        client_api.put(f"{URL}/{shipment.pk}", {"carrier": "COSCO"}, format="json"),
        mark(client_api, shipment, happened(SHIPPED, 1)),
    ]

    assert [refusal(answer, "order_cancelled")["detail"] for answer in answers] == [
        f"{order.po_number} is cancelled."
    ] * 4
    assert stored() == before
    assert client_api.get(f"{URL}/{shipment.pk}").json()["carrier"] == ""


def test_a_stocked_order_still_takes_what_somebody_forgot(client_api):
    shipment = make_shipment(make_order(stage=Stage.STOCKED))

    assert mark(client_api, shipment, happened(DELIVERED, 10)).json()["status"] == "DELIVERED"


# Late


def late(answer):
    return [line["milestone_type"] for line in answer["milestones"] if line["is_late"]]


@pytest.mark.parametrize(("number", "is_late"), [(14, True), (15, False), (16, False)])
def test_a_milestone_is_late_once_its_expected_day_has_passed(client_api, shipment, number, is_late):
    answer = mark(client_api, shipment, expected(SHIPPED, number)).json()

    assert (answer["is_late"], late(answer)) == (is_late, ["SHIPPED"] if is_late else [])


def test_what_happened_is_not_late_however_late_it_was(client_api, shipment):
    answer = mark(client_api, shipment, row(SHIPPED, expected="2026-06-01", actual="2026-06-10")).json()

    assert (answer["is_late"], late(answer)) == (False, [])


def test_a_step_before_one_that_happened_is_not_late(client_api, shipment):
    rows = [expected(SHIPPED, 1), expected(ARRIVED, 2), expected(CLEARED, 3), happened(ARRIVED, 5)]
    answer = mark(
        client_api, shipment, rows[0], row(ARRIVED, expected="2026-06-02", actual="2026-06-05"), rows[2]
    ).json()

    assert (answer["is_late"], late(answer)) == (True, ["CLEARED"])


@pytest.mark.parametrize("end", ["stocked", "cancelled"])
def test_nothing_is_late_once_the_order_has_ended(client_api, admin, end):
    order = make_order(stage=Stage.QCD)
    shipment = make_shipment(order, Mark(DELIVERED, expected_date=day(1)))
    assert client_api.get(f"{URL}/{shipment.pk}").json()["is_late"] is True

    if end == "stocked":
        orders.advance(order.pk, to=Stage.STOCKED, actor=admin)
    else:
        orders.cancel(order.pk, reason="", now=order.created_at, actor=admin)

    answer = client_api.get(f"{URL}/{shipment.pk}").json()
    assert (answer["is_late"], late(answer)) == (False, [])


# Read


def listed(client, query=""):
    return [one["id"] for one in client.get(f"{URL}{query}").json()["results"]]


def test_shipments_are_listed_newest_first_with_order_and_milestones(client_api, order):
    first, second = make_shipment(order), make_shipment(order, Mark(SHIPPED, actual_date=day(3)))

    answer = client_api.get(URL).json()

    assert (answer["count"], [one["id"] for one in answer["results"]]) == (2, [second.pk, first.pk])
    assert answer["results"][0] == client_api.get(f"{URL}/{second.pk}").json()
    assert dates(answer["results"][0]) == {"SHIPPED": (None, "2026-06-03")}


def test_shipments_are_filtered_by_order_status_and_supplier(client_api):
    ours, theirs = (make_order(supplier=make_supplier(), stage=Stage.SENT) for _ in range(2))
    placed, gone = make_shipment(ours), make_shipment(ours, Mark(SHIPPED, actual_date=day(1)))
    other = make_shipment(theirs, Mark(SHIPPED, actual_date=day(1)))

    assert listed(client_api, f"?po_id={ours.pk}") == [gone.pk, placed.pk]
    assert listed(client_api, f"?supplier_id={theirs.supplier_id}") == [other.pk]
    assert listed(client_api, "?status=SHIPPED") == [other.pk, gone.pk]
    assert listed(client_api, f"?status=SHIPPED&po_id={ours.pk}") == [gone.pk]
    assert listed(client_api, f"?po_id={ours.pk}&supplier_id={theirs.supplier_id}") == []


@pytest.mark.parametrize("name", ["order_id=1", "po_id=x", "status=LOST", "supplier_id=0", "carrier=COSCO"])
def test_a_filter_that_is_none_is_refused_by_name(client_api, name):
    answer = refusal(client_api.get(f"{URL}?{name}"), "invalid")

    assert list(answer["errors"]) == [name.split("=")[0]]


@pytest.mark.parametrize(("verb", "path"), [("get", ""), ("patch", ""), ("put", ""), ("post", "/milestones")])
def test_a_shipment_that_is_not_there_is_not_found(client_api, verb, path):
    body = None if verb == "get" else {"milestones": [happened(SHIPPED, 1)]}

    response = getattr(client_api, verb)(f"{URL}/999999{path}", body, format="json")

    assert (response.status_code, response.json()) == (
        404, {"code": "shipment_not_found", "detail": "There is no shipment 999999."},
    )  # fmt: skip


def test_the_shipments_of_an_order_cost_two_queries(order, django_assert_num_queries):
    for _ in range(3):
        make_shipment(order, Mark(SHIPPED, actual_date=day(1)))
    make_shipment(make_order(stage=Stage.SENT))

    with django_assert_num_queries(2):
        found = selectors.of_order(order.pk)
        told = [(one.order.supplier.name, selectors.steps(one, today=TODAY)[1].actual_date) for one in found]

    assert told == [(order.supplier.name, day(1))] * 3


# By right


@pytest.mark.parametrize("role", [Role.VIEWER, Role.SYNC])
def test_who_may_not_change_orders_changes_no_shipment(as_role, order, shipment, role):
    client, before = as_role(role), stored()

    answers = [
        create(client, order),
        client.patch(f"{URL}/{shipment.pk}", {"carrier": "COSCO"}, format="json"),
        mark(client, shipment, happened(SHIPPED, 1)),
    ]

    assert [answer.status_code for answer in answers] == [403] * 3
    assert stored() == before


# The rules, without a database


def test_all_rules_hold_over_the_whole_chain():
    plan = {step: Dates(actual_date=day(10 - place)) for place, step in enumerate(MilestoneType)}

    found = milestones.problems(plan, today=day(9))

    assert [(one["milestone_type"], one["reason"].split(" ", 2)[2].split(",")[0]) for one in found] == [
        ("ORDER_PLACED", "have happened on 2026-06-10"),
        ("SHIPPED", "2026-06-09 is before ORDER_PLACED on 2026-06-10"),
        ("ARRIVED", "2026-06-08 is before ORDER_PLACED on 2026-06-10"),
        ("CLEARED", "2026-06-07 is before ORDER_PLACED on 2026-06-10"),
        ("DELIVERED", "2026-06-06 is before ORDER_PLACED on 2026-06-10"),
    ]


@pytest.mark.parametrize(
    ("told", "arrival"),
    [
        ({}, None),
        ({SHIPPED: 1}, None),
        ({ARRIVED: 5}, 5),
        ({ARRIVED: 5, CLEARED: 6}, 6),
        ({ARRIVED: 5, CLEARED: 6, DELIVERED: 8}, 8),
        ({ARRIVED: 5, DELIVERED: 8}, 8),
    ],
)
def test_goods_are_expected_when_they_are_delivered_else_cleared_else_landed(told, arrival):
    plan = {step: Dates(expected_date=day(number)) for step, number in told.items()}

    assert milestones.expected_arrival(plan) == (arrival and day(arrival))


def test_the_operation_itself_refuses_what_the_door_would_let_through(shipment, admin):
    with pytest.raises(ImpossibleMilestones, match="given 3 times"):
        shipments.set_milestones(shipment.pk, [Mark(SHIPPED, actual_date=None)] * 3, today=TODAY, actor=admin)
