"""Shipments of an order and how far they are. Nothing changes on those of a cancelled order."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from enum import Enum
from typing import Any, Literal, NamedTuple

from accounts.models import User
from core.operations import operation
from purchasing import milestones as chain
from purchasing.errors import ImpossibleMilestones, OrderNotSent, ShipmentNotFound
from purchasing.milestones import Dates, Plan
from purchasing.models import Milestone, MilestoneType, Shipment
from purchasing.services import locks
from purchasing.workflow import Stage


class Keep(Enum):
    """Stands for a date that is left as it is; None takes a date away."""

    KEEP = "keep"


KEEP = Keep.KEEP
Given = date | None | Literal[Keep.KEEP]


class Mark(NamedTuple):
    """Dates to write on one milestone."""

    milestone_type: MilestoneType
    expected_date: Given = KEEP
    actual_date: Given = KEEP


@operation
def create(order_id: int, *, milestones: Sequence[Mark] = (), today: date, actor: User, **fields: Any) -> Shipment:
    """Add a shipment to an order that was sent; one may be planned before anything is ready, or entered afterwards.

    Raises OrderNotFound, OrderCancelled, OrderNotSent, or ImpossibleMilestones, which names all that cannot be.
    """
    order = locks.open_order(order_id)
    if order.stage is Stage.DRAFT:
        raise OrderNotSent(order.po_number)
    plan = _planned({}, milestones, today)
    shipment = Shipment.objects.create(order=order, status=chain.reached(plan), **fields)
    _write(shipment, {}, plan)
    return shipment


@operation
def update(shipment_id: int, *, actor: User, **fields: Any) -> Shipment:
    """Change the fields given. Raises ShipmentNotFound or OrderCancelled."""
    shipment = _locked(shipment_id)
    _save(shipment, fields)
    return shipment


@operation
def set_milestones(shipment_id: int, milestones: Sequence[Mark], *, today: date, actor: User) -> Shipment:
    """Write dates on milestones, all or none; the status of the shipment follows.

    What happened lies not after ``today``, a day in the business's time zone. Neither what happened nor what is
    expected may run backwards along the chain, compared with what is stored afterwards; a step may be left out.
    None takes a date away: a correction.

    Raises ShipmentNotFound, OrderCancelled, or ImpossibleMilestones, which names all that cannot be.
    """
    shipment = _locked(shipment_id)
    stored = {MilestoneType(row.milestone_type): row for row in shipment.milestones.all()}
    before = {step: Dates(row.expected_date, row.actual_date) for step, row in stored.items()}
    plan = _planned(before, milestones, today)
    _write(shipment, stored, plan)
    _save(shipment, {"status": chain.reached(plan)})
    return shipment


def _locked(shipment_id: int) -> Shipment:
    """Lock a shipment, its order first. A shipment never changes its order, so that is looked up before."""
    row = Shipment.objects.filter(pk=shipment_id).values_list("order_id").first()
    if row is None:
        raise ShipmentNotFound(shipment_id)
    order = locks.open_order(row[0])
    shipment = Shipment.objects.select_for_update().get(pk=shipment_id)
    shipment.order = order
    return shipment


def _planned(before: Plan, marks: Sequence[Mark], today: date) -> Plan:
    """Return the milestones as they are after ``marks``. Raises ImpossibleMilestones."""
    plan = dict(before)
    for mark in marks:
        old = plan.get(mark.milestone_type, Dates())
        plan[mark.milestone_type] = Dates(
            old.expected_date if mark.expected_date is KEEP else mark.expected_date,
            old.actual_date if mark.actual_date is KEEP else mark.actual_date,
        )
    impossible = [*_repeated(marks), *chain.problems(plan, today=today)]
    if impossible:
        raise ImpossibleMilestones(impossible)
    return plan


def _repeated(marks: Sequence[Mark]) -> Iterator[dict[str, str]]:
    for step, times in Counter(mark.milestone_type for mark in marks).items():
        if times > 1:
            yield chain.problem(step, "milestone_type", f"given {times} times")


def _write(shipment: Shipment, stored: Mapping[MilestoneType, Milestone], plan: Plan) -> None:
    """Save the milestones that differ from what is ``stored``: five at most."""
    for step, dates in plan.items():
        row = stored.get(step) or Milestone(shipment=shipment, milestone_type=step)
        if (row.expected_date, row.actual_date) != dates:
            row.expected_date, row.actual_date = dates
            row.save(update_fields=["expected_date", "actual_date", "updated_at"] if row.pk else None)


def _save(shipment: Shipment, fields: Mapping[str, Any]) -> None:
    changed = [name for name, value in fields.items() if getattr(shipment, name) != value]
    for name in changed:
        setattr(shipment, name, fields[name])
    if changed:
        shipment.save(update_fields=[*changed, "updated_at"])
