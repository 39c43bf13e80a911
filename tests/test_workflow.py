"""The ten stages and the one way through them."""

from itertools import pairwise, product

import pytest

from purchasing import workflow
from purchasing.models import PurchaseOrder
from purchasing.workflow import Stage

TEN = ["DRAFT", "SENT", "CONFIRMED", "IN_PRODUCTION", "SHIPPED", "IN_TRANSIT", "CUSTOMS", "RECEIVED", "QCD", "STOCKED"]


def test_there_are_ten_stages_in_this_order():
    assert list(Stage) == TEN
    assert list(workflow.ORDER) == TEN


@pytest.mark.parametrize(("current", "following"), list(pairwise(TEN)))
def test_a_stage_is_followed_by_the_next_one(current, following):
    assert workflow.next_stage(Stage(current)) == following


def test_nothing_follows_the_last_stage():
    assert workflow.next_stage(Stage.STOCKED) is None


def test_of_the_hundred_moves_only_the_nine_steps_forward_are_allowed():
    allowed = [(a, b) for a, b in product(TEN, TEN) if workflow.can_advance(Stage(a), Stage(b))]

    assert allowed == list(pairwise(TEN))


@pytest.mark.parametrize(("current", "following"), [*pairwise(TEN), ("STOCKED", None)])
def test_an_order_knows_the_stage_it_may_move_to(current, following):
    assert PurchaseOrder(status=current).allowed_next == following


@pytest.mark.parametrize("current", TEN)
def test_a_cancelled_order_may_move_nowhere(current):
    assert PurchaseOrder(status=current, cancelled_at="2026-06-15T00:00Z").allowed_next is None
