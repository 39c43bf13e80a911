"""When and how much to order: the formulas, their worked cases, and what holds for any input."""

from dataclasses import fields, replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning import explaining, factory, freight, reorder
from planning.factory import Closure, Factory, Route
from planning.reorder import NEVER, Arrivals, Shelf, Terms, Urgency

TODAY = date(2026, 6, 15)
NEW_YEAR = Closure(date(2027, 1, 23), date(2027, 2, 21))
BY_SEA = Route(transit_days=12, customs_days=5)
FLAT = [1.0] * 12


def terms(*closures, level=0.95, review=7, route=BY_SEA, sigma=0.0, horizon=180):
    return Terms(level, review, route, sigma, horizon, Factory(closures))


def shelf(**columns):
    """Make one product: 12 a day, evenly, with a year of history, of which nothing is there."""
    given = {
        "on_hand": 0, "production_days": 45, "cover_days": 14, "moq": 0, "units_per_carton": 1, "rate": 12.0,
        "sigma": 0.0, "weeks": 52.0, "is_intermittent": False, **columns,
    }  # fmt: skip
    return Shelf(**{name: np.array([value]) for name, value in given.items()})


def arrivals(*coming, row=0):
    days, units = zip(*coming, strict=True) if coming else ((), ())
    columns = (np.full(len(days), row), np.array(days), np.array(units))
    return Arrivals(*(column.astype(np.int64) for column in columns))


def planned(*coming, season=FLAT, of=None, today=TODAY, **columns):
    plan = reorder.plan(shelf(**columns), arrivals(*coming), season=season, terms=of or terms(), today=today)
    return plan._replace(rounded=type(plan.rounded)(*(one[0] for one in plan.rounded)))


def order_by(needed, *closures, production=45):
    return factory.order_by(needed, production_days=production, route=BY_SEA, factory=Factory(closures))


def arrival(ordered, *closures, production=45):
    return factory.arrival(ordered, production_days=production, route=BY_SEA, factory=Factory(closures))


# Safety stock


@pytest.mark.parametrize(("level", "sigmas"), [(0.90, 1.282), (0.95, 1.645), (0.98, 2.054)])
def test_a_service_level_is_so_many_sigmas(level, sigmas):
    assert reorder.z(level) == sigmas


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0, 1.5, -3.0])
def test_no_service_level_is_endless_or_below_nothing(level):
    assert 0 <= reorder.z(level) < 4


def test_safety_stock_against_demand_alone_is_76():
    assert reorder.safety_stock(1.645, sigma=6, days=60) == 76


def test_safety_stock_against_demand_and_late_goods_is_175():
    assert reorder.safety_stock(1.645, sigma=6, days=60, demand=12, lead_time_sigma=8) == 175


def test_the_spread_of_a_known_demand_makes_the_reserve():
    of = terms(sigma=8, review=0, route=Route(10, 5))

    plan = planned(of=of, sigma=6.0, weeks=8.0, production_days=45)

    assert (plan.interval[0], plan.safety_stock[0], plan.safety_days[0]) == (60, 175, 15)


@pytest.mark.parametrize(("weeks", "intermittent"), [(7.9, False), (52.0, True), (0.0, False), (float("nan"), False)])
def test_too_little_history_or_intermittent_demand_is_covered_by_days(weeks, intermittent):
    plan = planned(sigma=6.0, weeks=weeks, is_intermittent=intermittent, of=terms(sigma=8))

    assert (plan.safety_stock[0], plan.safety_days[0]) == (14 * 12, 14)


# How much


def test_an_order_lasts_until_the_one_of_the_next_review_is_there():
    plan = planned(on_hand=300)

    assert (plan.arrival[0], plan.interval[0]) == (62, 69)
    assert plan.forecast[0] == pytest.approx(69 * 12)
    assert plan.needed[0] == 69 * 12 - 300


def test_a_closure_between_this_order_and_the_next_is_bridged_by_this_one():
    today = date(2026, 12, 4)

    plan = planned(of=terms(NEW_YEAR), today=today)

    assert plan.arrival[0] == (date(2027, 2, 4) - today).days == 62
    assert plan.interval[0] == (date(2027, 3, 13) - today).days == 99
    assert plan.needed[0] == 99 * 12


@pytest.mark.parametrize(
    ("day", "is_supply"), [(-30, True), (0, True), (61, True), (68, True), (69, False), (200, False)]
)
def test_only_what_comes_inside_the_interval_is_supply(day, is_supply):
    plan = planned((day, 100), on_hand=50)

    assert plan.supply[0] == (150 if is_supply else 50)
    assert plan.needed[0] == 69 * 12 - plan.supply[0]


def test_a_forecast_is_summed_day_by_day_over_the_season():
    season = [1.0] * 12
    season[6], season[7] = 2.0, 0.5  # July and August

    plan = planned(season=season)

    assert plan.forecast[0] == pytest.approx(12 * (16 * 1 + 31 * 2 + 22 * 0.5))


@pytest.mark.parametrize(
    ("needed", "moq", "carton", "ordered"),
    [
        (0, 500, 12, (0, 0, False)),
        (-40, 500, 12, (0, 0, False)),
        (1, 0, 1, (1, 1, False)),
        (100, 1, 12, (108, 9, False)),
        (100, 125, 1, (125, 125, False)),
        (100, 126, 1, (126, 126, True)),
        (100, 100, 126, (126, 1, True)),
        (96, 0, 12, (96, 8, False)),
        (10, 500, 24, (504, 21, True)),
        (7, 0, 0, (7, 7, False)),
    ],
)
def test_an_order_is_the_minimum_in_whole_cartons_and_says_when_that_is_much_more(needed, moq, carton, ordered):
    assert reorder.round_up(needed, moq=moq, units_per_carton=carton) == ordered


@given(st.integers(-(10**6), 10**6), st.integers(0, 10**5), st.integers(0, 10**4))
def test_rounding_never_gives_less_and_never_a_carton_too_many(needed, moq, carton):
    units, cartons, says = reorder.round_up(needed, moq=moq, units_per_carton=carton)

    if needed <= 0:
        assert (units, cartons, says) == (0, 0, False)
    else:
        size = max(carton, 1)
        assert units == cartons * size
        assert max(needed, moq) <= units < max(needed, moq) + size
        assert says == (units > needed * 1.25)


# When


def test_the_worked_case_is_ordered_before_the_new_year():
    assert order_by(date(2027, 3, 20), NEW_YEAR) == date(2026, 12, 18)


def test_ignoring_the_closure_would_be_a_month_too_late():
    assert order_by(date(2027, 3, 20)) == date(2027, 1, 17)


def test_an_order_of_the_last_day_is_there_in_time_and_one_of_the_day_after_is_not():
    assert arrival(date(2026, 12, 18), NEW_YEAR) == date(2027, 3, 20)
    assert arrival(date(2026, 12, 19), NEW_YEAR) == date(2027, 3, 21)


def test_overlapping_closures_are_counted_once():
    parts = [
        Closure(date(2027, 1, 23), date(2027, 2, 10)),
        Closure(date(2027, 2, 5), date(2027, 2, 21)),
        Closure(date(2027, 2, 6), date(2027, 2, 8)),
        Closure(date(2027, 1, 23), date(2027, 2, 10)),
    ]

    assert order_by(date(2027, 3, 20), *reversed(parts)) == date(2026, 12, 18)


def test_a_closure_longer_than_the_lead_time_is_waited_out():
    assert order_by(date(2027, 3, 13), NEW_YEAR, production=5) == date(2027, 1, 20)
    assert arrival(date(2027, 1, 20), NEW_YEAR, production=5) == date(2027, 3, 13)
    assert order_by(date(2027, 3, 12), NEW_YEAR, production=5) == date(2027, 1, 19)


@pytest.mark.parametrize(
    ("ready", "expected"),
    [
        (date(2027, 1, 23), date(2027, 1, 13)),  # ready as it closes
        (date(2027, 2, 10), date(2027, 1, 13)),  # nothing is finished while it is closed
        (date(2027, 2, 22), date(2027, 1, 13)),  # nor on the morning it opens
        (date(2027, 2, 23), date(2027, 1, 14)),
        (date(2027, 3, 4), date(2027, 2, 22)),  # all of it after the closure
    ],
)
def test_a_closure_at_either_end_of_production(ready, expected):
    assert order_by(ready + timedelta(days=BY_SEA.days), NEW_YEAR, production=10) == expected


def test_without_production_only_the_way_counts():
    assert order_by(date(2027, 2, 18), NEW_YEAR, production=0) == date(2027, 2, 1)
    assert arrival(date(2027, 2, 1), NEW_YEAR, production=0) == date(2027, 2, 18)


days = st.dates(date(2026, 1, 1), date(2028, 12, 31))
closures = st.lists(st.builds(lambda first, n: Closure(first, first + timedelta(days=n)), days, st.integers(0, 90)))


def open_days(first, end, closed):
    every = (first + timedelta(days=n) for n in range((end - first).days))
    return sum(not any(one.first <= day <= one.last for one in closed) for day in every)


@given(days, st.integers(0, 200), closures)
def test_an_order_is_ready_as_soon_as_the_factory_worked_long_enough(ordered, production, closed):
    found = Factory(closed)
    ready = date.fromordinal(int(found.ready(ordered.toordinal(), production)))

    assert open_days(ordered, ready, closed) == production
    assert ready == ordered or not open_days(ordered, ready - timedelta(days=1), closed) >= production


@given(days, st.integers(0, 200), closures)
def test_the_order_by_date_is_the_last_one_in_time(needed, production, closed):
    last = order_by(needed, *closed, production=production)

    assert arrival(last, *closed, production=production) <= needed
    assert arrival(last + timedelta(days=1), *closed, production=production) > needed


@given(days, st.integers(1, 200), closures)
def test_an_order_by_date_is_a_day_on_which_the_factory_works(needed, production, closed):
    last = order_by(needed, *closed, production=production)

    assert not any(one.first <= last <= one.last for one in closed)


# Run-out


def test_the_shelf_runs_out_on_the_first_day_that_cannot_be_served():
    assert planned(on_hand=120).run_out[0] == 10
    assert planned(on_hand=119).run_out[0] == 9
    assert planned(on_hand=0).run_out[0] == 0


def test_the_run_out_date_is_that_of_the_contract():
    plan = planned(on_hand=300, rate=1000 / 90)

    assert plan.run_out[0] == 27  # 300 ÷ (1000 ÷ 90)


def test_dated_arrivals_put_the_run_out_off_and_undated_ones_do_not():
    assert planned((5, 60), on_hand=120).run_out[0] == 15
    assert planned((10, 60), on_hand=120).run_out[0] == 15  # on the morning of the day that would be short
    assert planned((11, 60), on_hand=120).run_out[0] == 10  # a day too late
    assert planned((-9, 60), on_hand=120).run_out[0] == 15  # late, and taken to come today


def test_a_season_brings_the_run_out_closer():
    season = [1.0] * 12
    season[6] = 3.0

    assert planned(on_hand=12 * (16 + 9), season=season).run_out[0] == 16 + 3


def test_the_order_by_date_keeps_the_reserve():
    plan = planned(on_hand=12 * 100, weeks=1.0)

    assert (plan.run_out[0], plan.safety_days[0]) == (100, 14)
    assert plan.order_by[0] == (TODAY + timedelta(days=100 - 14 - 62)).toordinal()
    assert plan.urgency[0] == Urgency.SOON


def test_the_order_by_date_goes_around_the_closure():
    today, needed = date(2026, 10, 1), date(2027, 3, 20)

    plan = planned(on_hand=12 * (needed - today).days, today=today, cover_days=0, weeks=0.0, of=terms(NEW_YEAR))

    assert plan.order_by[0] == date(2026, 12, 18).toordinal()
    assert (plan.urgency[0], plan.needed[0]) == (Urgency.LATER, 0)


def test_a_gap_that_closes_before_an_order_could_arrive_is_no_reason_to_order():
    plan = planned((20, 12 * 150), on_hand=0)

    assert plan.run_out[0] == 0
    assert plan.need[0] == 20 + 150
    assert plan.needed[0] == 0
    assert plan.urgency[0] == Urgency.LATER


def test_a_gap_that_an_order_would_end_earlier_is_one():
    plan = planned((80, 12 * 150), on_hand=0)

    assert plan.need[0] == 0
    assert plan.urgency[0] == Urgency.OVERDUE


@pytest.mark.parametrize(
    ("days_of_stock", "urgency"),
    [
        (0, Urgency.OVERDUE),
        (61, Urgency.OVERDUE),
        (62, Urgency.NOW),
        (68, Urgency.NOW),
        (69, Urgency.SOON),
        (92, Urgency.SOON),
        (93, Urgency.LATER),
        (179, Urgency.LATER),
        (180, Urgency.NONE),
        (400, Urgency.NONE),
    ],
)
def test_urgency_follows_from_the_order_by_date(days_of_stock, urgency):
    plan = planned(on_hand=12 * days_of_stock)

    assert plan.urgency[0] == urgency
    assert (plan.needed[0] > 0) == (urgency in (Urgency.OVERDUE, Urgency.NOW))
    assert (plan.order_by[0] > 0) == (urgency is not Urgency.NONE)


# Bad input


@pytest.mark.parametrize("rate", [0.0, -3.5, float("nan"), float("inf"), float("-inf")])
def test_no_demand_orders_nothing_and_never_runs_out(rate):
    plan = planned(rate=rate, sigma=float("nan"), moq=500)

    assert (plan.needed[0], plan.rounded.units, plan.run_out[0], plan.order_by[0]) == (0, 0, NEVER, 0)
    assert plan.forecast[0] == 0
    assert plan.urgency[0] == Urgency.NONE


def test_a_lead_time_that_cannot_be_meant_is_taken_for_two_years():
    plan = planned(production_days=2_000_000_000, cover_days=2_000_000_000, weeks=0.0)

    assert plan.arrival[0] == 730 + 17
    assert plan.safety_days[0] == 365
    assert plan.urgency[0] == Urgency.OVERDUE


def test_a_plan_of_nothing_is_nothing():
    empty = Shelf(**{one.name: np.array([], dtype=np.int64) for one in fields(Shelf)})

    plan = reorder.plan(empty, arrivals(), season=FLAT, terms=terms(), today=TODAY)

    assert [len(column) for column in plan[:10]] == [0] * 10


@pytest.mark.parametrize("today", [date(2026, 12, 31), date(2027, 1, 1), date(2028, 2, 29)])
def test_the_end_of_a_year_is_a_day_like_any_other(today):
    assert planned(today=today, on_hand=120).run_out[0] == 10


product = st.fixed_dictionaries(
    {
        "on_hand": st.integers(0, 2**31),
        "production_days": st.integers(0, 2**31),
        "cover_days": st.integers(0, 2**31),
        "moq": st.integers(0, 2**31),
        "units_per_carton": st.integers(0, 2**31),
        "rate": st.floats(),
        "sigma": st.floats(),
        "weeks": st.floats(),
        "is_intermittent": st.booleans(),
    }
)
coming = st.lists(st.tuples(st.integers(-500, 500), st.integers(1, 2**31)), max_size=4)


@given(product, coming, st.lists(st.floats(), min_size=12, max_size=12), closures)
def test_whatever_comes_in_a_plan_is_made_of_numbers(columns, comes, season, closed):
    plan = planned(*comes, season=season, of=terms(*closed, sigma=8), **columns)

    assert np.isfinite(plan.forecast).all()
    assert all((column >= 0).all() for column in (plan.forecast, plan.safety_stock, plan.needed, plan.safety_days))
    assert plan.rounded.units >= plan.needed[0]
    assert plan.urgency[0] in set(Urgency)
    assert (plan.order_by[0] > 0) == (plan.urgency[0] != Urgency.NONE)


@given(st.integers(0, 3000), st.integers(1, 50), st.integers(0, 60), closures)
def test_what_is_due_before_the_next_review_is_what_there_is_something_to_order_of(on_hand, rate, cover, closed):
    """Both follow from the same days, closures or not: quantity and date never contradict each other."""
    plan = planned(on_hand=on_hand, rate=float(rate), cover_days=cover, weeks=0.0, of=terms(*closed))

    if plan.need[0] != NEVER:
        assert (plan.needed[0] > 0) == (plan.order_by[0] < TODAY.toordinal() + 7)


@given(st.integers(0, 5000), st.floats(0.01, 50), coming)
def test_more_on_hand_never_orders_more_nor_earlier(on_hand, rate, comes):
    less, more = (planned(*comes, on_hand=units, rate=rate) for units in (on_hand, on_hand + 100))

    assert more.needed[0] <= less.needed[0]
    assert more.run_out[0] == NEVER or more.run_out[0] >= less.run_out[0] >= 0


@given(st.lists(st.tuples(st.integers(0, 400), st.floats(0, 9)), min_size=2, max_size=6), coming)
def test_a_product_is_planned_alike_alone_and_among_others(products, comes):
    one = shelf()
    together = replace(
        one,
        **{field.name: np.repeat(getattr(one, field.name), len(products)) for field in fields(Shelf)}
        | {"on_hand": np.array([n for n, _ in products]), "rate": np.array([rate for _, rate in products])},
    )
    last = len(products) - 1

    alone = planned(*comes, on_hand=products[last][0], rate=products[last][1])
    plan = reorder.plan(together, arrivals(*comes, row=last), season=FLAT, terms=terms(), today=TODAY)

    assert (plan.run_out[last], plan.needed[last], plan.order_by[last]) == (
        alone.run_out[0], alone.needed[0], alone.order_by[0],
    )  # fmt: skip


# Containers


def test_a_carton_of_60_by_40_by_50_cm_is_a_ninth_of_a_cubic_metre():
    assert freight.carton_cbm(60, 40, 50) == Decimal("0.12")


@pytest.mark.parametrize(
    ("cbm", "kg", "container", "number", "filled"),
    [
        (26, 22_000, "20'", 1, "1.00"),
        (13, 1_000, "20'", 1, "0.50"),
        ("26.1", 1_000, "40'", 1, "0.47"),
        (10, 22_001, "40'", 1, "0.92"),
        (56, 24_000, "40'", 1, "1.00"),
        (64, 24_000, "40'HC", 1, "1.00"),
        (65, 1_000, "40'HC", 2, "0.51"),
        (10, 24_001, "40'HC", 2, "0.50"),
        (0, 0, "20'", 1, "0.00"),
    ],
)
def test_a_container_holds_the_load_by_volume_and_by_weight(cbm, kg, container, number, filled):
    assert freight.load(Decimal(cbm), kg) == (container, number, Decimal(filled))


@pytest.mark.parametrize(("cbm", "kg", "charged"), [("2.5", 900, "2.5"), ("2.5", 3_100, "3.1"), ("0.2", 90, "1")])
def test_less_than_a_container_is_charged_by_volume_or_weight_and_for_one_at_least(cbm, kg, charged):
    assert freight.lcl_charged(Decimal(cbm), kg) == Decimal(charged)


# In words

CASE = explaining.Case(
    daily=12.0,
    on_hand=300,
    arriving=200,
    days=69,
    forecast=828.0,
    reserve=175,
    needed=503,
    quantity=504,
    adds_much=False,
    run_out=date(2026, 7, 26),
    order_by=date(2026, 6, 18),
    today=TODAY,
    horizon=date(2026, 12, 12),
)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {},
            "Sells 12.00 a day and runs out on 2026-07-26 with 300 on hand and 200 arriving in time: order 504 by"
            " 2026-06-18 to cover 69 days (828) and keep 175 in reserve.",
        ),
        (
            {"order_by": date(2026, 5, 1), "arriving": 0},
            "Sells 12.00 a day and runs out on 2026-07-26 with 300 on hand: order 504 now, due since 2026-05-01, to"
            " cover 69 days (828) and keep 175 in reserve.",
        ),
        (
            {"quantity": 1000, "adds_much": True, "notes": ["its volume is not known"]},
            "Sells 12.00 a day and runs out on 2026-07-26 with 300 on hand and 200 arriving in time: order 1,000 by"
            " 2026-06-18 to cover 69 days (828) and keep 175 in reserve; 503 are needed, and the minimum and whole"
            " cartons add 497 (99%); its volume is not known.",
        ),
        (
            {"quantity": 0, "needed": 0, "order_by": date(2026, 7, 1)},
            "Sells 12.00 a day and runs out on 2026-07-26 with 300 on hand and 200 arriving in time: nothing to order"
            " yet, order by 2026-07-01.",
        ),
        (
            {"quantity": 0, "needed": 0, "order_by": None},
            "Sells 12.00 a day and runs out on 2026-07-26 with 300 on hand and 200 arriving in time, until what is on"
            " order arrives: nothing more to order.",
        ),
        (
            {"quantity": 0, "needed": 0, "order_by": None, "run_out": None},
            "Sells 12.00 a day: 300 on hand and 200 arriving in time last beyond 2026-12-12, nothing to order.",
        ),
        (
            {"daily": 0.0, "arriving": 0},
            "Nothing is sold, net of returns: 300 on hand, nothing to order.",
        ),
    ],
)
def test_a_suggestion_explains_itself_in_one_sentence_with_its_figures(change, words):
    assert explaining.sentence(CASE._replace(**change)) == words
