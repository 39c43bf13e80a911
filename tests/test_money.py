"""Whole cents, rounded half up, and parts that add up."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import money

charges = st.decimals(min_value=0, max_value=10_000_000, places=2)
weights = st.lists(st.decimals(min_value=0, max_value=100_000, places=4), min_size=1, max_size=30).filter(any)


@pytest.mark.parametrize(
    ("amount", "cents"),
    [
        ("0.005", "0.01"),
        ("0.0049999", "0.00"),
        ("2.675", "2.68"),
        ("2.665", "2.67"),
        ("-0.005", "-0.01"),
        ("1E+3", "1000.00"),
        (Decimal("12.5"), "12.50"),
        (7, "7.00"),
        (490.000000000006, "490.00"),
        (1.005, "1.01"),
    ],
)
def test_amounts_are_rounded_half_up_to_whole_cents(amount, cents):
    assert str(money.cents(amount)) == cents


def test_the_sum_of_no_rows_is_zero():
    assert str(money.cents(None)) == "0.00"


@settings(deadline=None)
@given(st.decimals(min_value=-1_000_000, max_value=1_000_000, places=6))
def test_rounding_moves_an_amount_by_half_a_cent_at_most(amount):
    rounded = money.cents(amount)

    assert abs(rounded - amount) <= Decimal("0.005")
    assert money.cents(rounded) == rounded
    assert rounded.as_tuple().exponent == -2


def test_the_worked_case_gives_the_left_over_cents_to_the_largest_remainders():
    parts = money.split(Decimal("3.33"), [666, 133, 131, 525])

    assert parts == [Decimal("1.52"), Decimal("0.31"), Decimal("0.30"), Decimal("1.20")]


def test_rounding_each_part_of_the_worked_case_by_itself_would_lose_a_cent():
    plain = [money.cents(Decimal("3.33") * weight / 1455) for weight in (666, 133, 131, 525)]

    assert sum(plain) == Decimal("3.32")


@settings(deadline=None)
@given(charges, weights)
def test_the_parts_of_a_charge_always_add_up(charge, weights):
    assert sum(money.split(charge, weights)) == charge


@settings(deadline=None)
@given(charges, weights)
def test_every_part_is_whole_cents_and_less_than_a_cent_from_its_exact_share(charge, weights):
    total = sum(weights)
    for part, weight in zip(money.split(charge, weights), weights, strict=True):
        assert part.as_tuple().exponent == -2
        assert part >= 0
        assert abs(part - charge * weight / total) < money.CENT


@settings(deadline=None)
@given(charges, weights)
def test_what_weighs_nothing_pays_nothing(charge, weights):
    parts = money.split(charge, [*weights, 0])

    assert parts[-1] == 0


@settings(deadline=None)
@given(charges, st.integers(1, 1_000), st.integers(1, 50))
def test_equal_weights_differ_by_a_cent_at_most(charge, weight, count):
    parts = money.split(charge, [weight] * count)

    assert max(parts) - min(parts) <= money.CENT
    assert parts == sorted(parts, reverse=True)


@settings(deadline=None)
@given(charges)
def test_one_weight_takes_the_whole_charge(charge):
    assert money.split(charge, [Decimal("0.0001")]) == [charge]


@pytest.mark.parametrize("weights", [[], [0], [0, 0, Decimal("0.0")]])
def test_weights_that_add_up_to_zero_are_refused_and_not_split_evenly(weights):
    with pytest.raises(ValueError, match="add up to zero"):
        money.split(Decimal("1.00"), weights)
