"""Two people at one shipment at once, on a real PostgreSQL."""

from datetime import date

import pytest

from accounts.models import AuditLog
from purchasing.models import Milestone, MilestoneType
from purchasing.services import orders, shipments
from purchasing.services.shipments import Mark
from purchasing.workflow import Stage
from tests.factories import TODAY, make_order, make_user
from tests.test_races import at_once, kinds

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

PLACED, SHIPPED, ARRIVED, CLEARED, DELIVERED = MilestoneType


def day(number):
    return date(2026, 6, number)


def make_shipment(buyer):
    return shipments.create(make_order(stage=Stage.SENT).pk, today=TODAY, actor=buyer)


def test_dates_that_contradict_each_other_are_not_both_written():
    buyer = make_user()
    contradicting = [Mark(SHIPPED, actual_date=day(10)), Mark(ARRIVED, actual_date=day(5))]

    for _ in range(10):
        shipment = make_shipment(buyer)
        results = at_once(
            2,
            lambda number, shipment=shipment: shipments.set_milestones(
                shipment.pk, [contradicting[number]], today=TODAY, actor=buyer
            ),
        )
        shipment.refresh_from_db()
        written = shipment.milestones.get()
        assert kinds(results) == {"Shipment": 1, "ImpossibleMilestones": 1}
        assert shipment.status == written.milestone_type


def test_one_milestone_first_written_by_8_at_once_exists_once():
    buyer = make_user()
    shipment = make_shipment(buyer)

    results = at_once(
        8,
        lambda number: shipments.set_milestones(
            shipment.pk, [Mark(SHIPPED, actual_date=day(1 + number))], today=TODAY, actor=buyer
        ),
    )

    assert kinds(results) == {"Shipment": 8}
    written = Milestone.objects.get()
    history = AuditLog.objects.filter(table_name="shipment_milestones").order_by("pk")
    assert [row.action for row in history] == ["CREATE"] + ["UPDATE"] * 7
    assert history.last().new_values == {"actual_date": str(written.actual_date)}


def test_the_status_follows_when_two_people_write_different_milestones():
    buyer = make_user()
    marks = [Mark(SHIPPED, actual_date=day(1)), Mark(ARRIVED, actual_date=day(9))]

    for _ in range(10):
        shipment = make_shipment(buyer)
        at_once(
            2,
            lambda number, shipment=shipment: shipments.set_milestones(
                shipment.pk, [marks[number]], today=TODAY, actor=buyer
            ),
        )
        shipment.refresh_from_db()
        assert shipment.status == ARRIVED
        assert shipment.milestones.count() == 2


def test_a_shipment_that_moves_while_its_order_is_cancelled_moved_before_or_not_at_all():
    buyer = make_user()

    for _ in range(10):
        shipment = make_shipment(buyer)
        acts = [
            lambda shipment=shipment: orders.cancel(shipment.order_id, reason="", now=shipment.created_at, actor=buyer),
            lambda shipment=shipment: shipments.set_milestones(
                shipment.pk, [Mark(SHIPPED, actual_date=day(1))], today=TODAY, actor=buyer
            ),
        ]
        cancelled, moved = at_once(2, lambda number, acts=acts: acts[number]())
        shipment.refresh_from_db()
        assert type(cancelled).__name__ == "PurchaseOrder"
        assert type(moved).__name__ in {"Shipment", "OrderCancelled"}
        assert shipment.status == (SHIPPED if type(moved).__name__ == "Shipment" else PLACED)
        if shipment.status == SHIPPED:
            ended = AuditLog.objects.filter(table_name="purchase_orders", record_id=shipment.order_id).latest("pk")
            assert AuditLog.objects.filter(table_name="shipment_milestones").latest("pk").pk < ended.pk
