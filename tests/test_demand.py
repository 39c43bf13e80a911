"""The arithmetic of demand: exact small cases, and what must hold for any history."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from planning.demand import LEVEL_SEASON, METHODS, MIN_WEEKS, History, forecast, window_units
from planning.demand.choice import trials
from planning.demand.history import demand, without_returned

MONDAY = date(2026, 1, 5)
BY_NAME = {method.name: method for method in METHODS}
NAMES = tuple(BY_NAME)


def a_history(*rows, first_day=MONDAY, in_stock=None, born=0):
    units = np.array(rows, np.int32)
    on_shelf = np.ones(units.shape, bool) if in_stock is None else np.array(in_stock, bool)
    return History(first_day, units, on_shelf, np.full(len(units), born, np.int32))


def days(number, units=0, **at):
    """A row of ``number`` days of ``units``, with others at the named days: d5=40."""
    row = [units] * number
    for name, value in at.items():
        row[int(name[1:])] = value
    return row


def rate(name, history, season=LEVEL_SEASON, horizon_days=90):
    return BY_NAME[name].rate(history, season, horizon_days).tolist()


def expected(history, season=LEVEL_SEASON, horizon_days=30):
    return forecast(history, season, horizon_days=horizon_days)


def test_the_names_are_stable_and_the_contract_comes_first():
    assert NAMES == ("velocity_90", "tsb", "level", "year_ago")


# velocity_90


def test_velocity_is_the_net_units_of_90_days_by_90():
    assert rate("velocity_90", a_history(days(100, 0, d3=900, d10=50, d50=-5, d99=45))) == [90 / 90]


def test_a_day_with_an_empty_shelf_counts_neither_in_the_units_nor_in_the_days():
    # Two units a day on the 60 days in stock. What is written on an empty day (a late booking) does not count either.
    shelf = [False] * 30 + [True] * 60

    assert rate("velocity_90", a_history([7] * 30 + [2] * 60, in_stock=[shelf])) == [2.0]


def test_days_before_a_product_existed_do_not_count():
    assert rate("velocity_90", a_history(days(90, 0, d80=20), born=70)) == [1.0]


def test_a_product_born_yesterday_is_judged_as_if_it_were_a_week_old():
    history = a_history(days(90, 0, d88=14), born=88)

    assert rate("velocity_90", history) == [2.0]
    assert expected(history).weeks.tolist() == [0]


def test_an_empty_shelf_for_90_days_is_no_reason_to_expect_nothing():
    shelf = [True] * 30 + [False] * 95

    assert rate("velocity_90", a_history([3] * 30 + [0] * 95, in_stock=[shelf])) == [3.0]


def test_a_cancellation_of_74215_units_nets_to_nothing():
    same_day = days(200, 0)
    weeks_later = days(200, 0, d150=74_215, d171=-74_215)
    history = a_history(same_day, weeks_later)

    for name in NAMES:
        assert rate(name, history) == [0, 0]
    assert expected(history).sigma.tolist() == [0, 0]


def test_a_return_of_what_was_sold_before_the_window_makes_no_negative_demand():
    history = a_history(days(200, 0, d20=60, d150=-60))

    for name in NAMES:
        assert rate(name, history) == [0]


def test_what_came_back_is_taken_off_the_last_sales_before_it():
    table = np.array([[5, 3, -4, 2, 0], [1, 0, -9, 4, -1]], np.float32)

    assert without_returned(table).tolist() == [[4, 0, 0, 2, 0], [0, 0, 0, 3, 0]]


# Season


def test_the_season_is_taken_out_of_the_history_and_put_into_the_window():
    season = np.array([0.5, 1.5, *[1.0] * 10])
    # January at one a day, February at three a day: both are two a day without season.
    history = a_history([1] * 31 + [3] * 28, first_day=date(2026, 1, 1))

    assert rate("velocity_90", history, season) == [2.0]
    # 25 to 31 January: 7 × 0.5; 1 to 3 February: 3 × 1.5.
    assert window_units(np.array([2.0]), season, date(2027, 1, 25), 10).tolist() == [2 * (7 * 0.5 + 3 * 1.5)]


def test_a_window_is_summed_day_by_day_over_the_end_of_the_year_and_a_leap_day():
    season = np.array([0, 2.0, *[1.0] * 9, 1.0])

    assert window_units(np.array([1.0]), season, date(2027, 12, 30), 4).tolist() == [2.0]
    assert window_units(np.array([1.0]), season, date(2028, 2, 1), 29).tolist() == [58.0]
    assert window_units(np.array([1.0]), season, date(2028, 2, 1), 0).tolist() == [0.0]


def test_days_of_a_month_in_which_nothing_is_expected_do_not_count():
    season = np.array([0.0, *[12 / 11] * 11])
    history = a_history([9] * 31 + [12] * 28, first_day=date(2026, 1, 1))

    assert rate("velocity_90", history, season) == pytest.approx([11.0])
    assert expected(history, np.zeros(12)).rate.tolist() == [0.0]


# Slow, changing and seasonal sellers


def test_tsb_is_the_chance_of_a_selling_week_times_its_size():
    # Every second week sells 14: half of the weeks, two a day.
    history = a_history(([14] + [0] * 13) * 26)

    assert rate("tsb", history) == pytest.approx([1.0], rel=0.15)


def test_tsb_lets_a_dead_product_go_and_a_mean_of_90_days_does_not():
    history = a_history([2] * 200 + [0] * 56)

    assert rate("tsb", history)[0] < 2 * 0.8**8 + 1e-6
    assert rate("velocity_90", history) == [2 * 34 / 90]


def test_one_wholesale_order_does_not_become_a_habit():
    history = a_history(days(210, 1, d206=5_000))

    assert rate("velocity_90", history)[0] > 50
    assert rate("tsb", history)[0] == pytest.approx(1 + 0.2 * 2)
    assert rate("level", history)[0] == pytest.approx(1 + 0.3 * 3)


def test_weeks_with_an_empty_shelf_leave_the_smoothed_methods_where_they_were():
    shelf = [True] * 140 + [False] * 28
    with_gap = a_history([3] * 140 + [0] * 28, in_stock=[shelf])

    assert rate("tsb", with_gap) == pytest.approx([3.0])
    assert rate("level", with_gap) == pytest.approx([3.0])


def test_the_same_weeks_of_last_year_are_scaled_by_the_recent_level():
    # Ten a day, and thirty in four weeks of last year; this year twice as much. What comes are those four weeks.
    peak = slice(365, 365 + 28)
    row = np.array([10] * 420 + [20] * 309)
    row[peak] = 30
    history = a_history(row.tolist())
    smooth = 20  # units that pull the change towards 1

    told = BY_NAME["year_ago"].rate(history, LEVEL_SEASON, 28)[0]

    usual = (56 * 10 + 28 * 30) / 84
    change = ((28 * 30 + smooth) / (28 + smooth / usual)) / ((56 * 10 + smooth) / (56 + smooth / usual))
    assert told == pytest.approx(20 * change)
    assert told > 55


def test_without_a_year_of_history_last_year_says_nothing():
    history = a_history([3] * 7 * 59)

    assert rate("year_ago", history) == rate("velocity_90", history)


# The choice


def test_under_eight_weeks_the_velocity_stays_and_the_error_is_unknown():
    told = expected(a_history([4] * (MIN_WEEKS * 7 - 1)))

    assert told.weeks.tolist() == [MIN_WEEKS - 1]
    assert told.method.tolist() == [0]
    assert np.isnan(told.error).all()


def test_steady_sales_leave_the_velocity_alone():
    told = expected(a_history([5] * 365))

    assert told.method.tolist() == [0]
    assert (told.rate.tolist(), told.sigma.tolist(), told.error.tolist()) == ([5.0], [0.0], [0.0])


def test_noise_alone_changes_few_products_and_costs_nothing():
    numbers = np.random.default_rng(7).poisson(3, (1_000, 460)).astype(np.int32)
    told = expected(a_history(*numbers[:, :370]), horizon_days=90)

    sold = numbers[:, 370:].sum(axis=1)
    velocity = BY_NAME["velocity_90"].rate(a_history(*numbers[:, :370]), LEVEL_SEASON)
    assert (told.method == 0).mean() > 0.8
    assert np.abs(told.rate * 90 - sold).sum() < 1.05 * np.abs(velocity * 90 - sold).sum()


def test_a_product_that_grows_is_followed_because_its_past_says_so():
    growing = [round(1.02**day) for day in range(300)]
    told = expected(a_history(growing))

    assert NAMES[told.method[0]] == "level"
    assert told.rate[0] > 2 * BY_NAME["velocity_90"].rate(a_history(growing), LEVEL_SEASON)[0] * 0.7
    assert 0 < told.error[0] < 1


def test_a_seasonal_product_is_forecast_from_last_year():
    wave = [round(30 + 25 * np.sin(2 * np.pi * day / 364)) for day in range(728)]
    told = expected(a_history(wave), horizon_days=90)

    assert NAMES[told.method[0]] == "year_ago"
    assert told.rate[0] * 90 == pytest.approx(sum(30 + 25 * np.sin(2 * np.pi * d / 364) for d in range(90)), rel=0.1)


def test_an_origin_sees_nothing_of_what_came_after_it():
    calm = a_history([4] * 200)
    surprised = a_history([4] * 186 + [400] * 14)

    known = [method.reckon(demand(surprised, LEVEL_SEASON).before(186), 14).tolist() for method in METHODS]

    assert known == [method.reckon(demand(calm, LEVEL_SEASON).before(186), 14).tolist() for method in METHODS]
    assert trials(demand(surprised, LEVEL_SEASON), 30).errors.min() > 0


def test_a_forecast_does_not_depend_on_which_other_products_are_asked_about():
    numbers = np.random.default_rng(3).poisson(np.linspace(0.05, 20, 40)[:, None], (40, 400))
    together = expected(a_history(*numbers))

    for row in (0, 17, 39):
        alone = expected(a_history(numbers[row]))
        assert (alone.rate[0], alone.method[0]) == (together.rate[row], together.method[row])


def test_many_products_are_forecast_in_portions_with_the_same_result(monkeypatch):
    numbers = np.random.default_rng(5).poisson(1.0, (10, 200))
    whole = expected(a_history(*numbers))

    monkeypatch.setattr("planning.demand.history._ROWS_AT_ONCE", 3)
    parts = expected(a_history(*numbers))

    assert parts.rate.tolist() == whole.rate.tolist()
    assert parts.is_intermittent.tolist() == whole.is_intermittent.tolist()


def test_intermittent_is_more_than_half_of_the_weeks_without_a_sale():
    every_second = ([5] + [0] * 13) * 10
    less = [5] + [0] * 20
    history = a_history(every_second, (less * 7)[:140])

    assert expected(history).is_intermittent.tolist() == [False, True]


def test_sigma_is_the_spread_of_days_in_stock():
    shelf = [True] * 100 + [False] * 50
    history = a_history([2, 4] * 50 + [90] * 50, in_stock=[shelf])

    assert expected(history).sigma.tolist() == [1.0]


# Whatever the history


def test_no_products_and_no_days():
    assert expected(_empty(0, 50)).rate.tolist() == []
    nothing = expected(_empty(3, 0))
    assert (nothing.rate.tolist(), nothing.weeks.tolist(), nothing.method.tolist()) == ([0] * 3, [0] * 3, [0] * 3)


def _empty(products, columns):
    shape = (products, columns)
    return History(MONDAY, np.zeros(shape, np.int32), np.ones(shape, bool), np.zeros(products, np.int32))


@pytest.mark.parametrize(
    ("row", "most"),
    [(days(400), 0), (days(400, d200=1), 0.05), (days(400, d399=1), 0.2), (days(400, -2), 0)],
    ids=["no sale", "one sale long ago", "one sale today", "only returns"],
)
def test_next_to_nothing_sold_is_next_to_nothing_expected(row, most):
    told = expected(a_history(row))

    assert 0 <= told.rate[0] <= most
    assert told.is_intermittent.tolist() == [True]


def test_a_shelf_that_was_always_empty_says_nothing():
    told = expected(a_history([3] * 400, in_stock=[[False] * 400]))

    assert (told.rate.tolist(), told.sigma.tolist(), told.weeks.tolist()) == ([0.0], [0.0], [0])
    assert np.isnan(told.error).all()


histories = st.integers(0, 480).flatmap(
    lambda columns: st.tuples(
        arrays.arrays(np.int32, (3, columns), elements=st.integers(-80_000, 80_000), fill=st.just(0)),
        arrays.arrays(np.bool_, (3, columns)),
        arrays.arrays(np.int32, 3, elements=st.integers(0, columns + 5)),
    )
)
seasons = arrays.arrays(np.float64, 12, elements=st.sampled_from([0.0, 0.001, 0.5, 1.0, 2.0]))


@settings(max_examples=60, deadline=None)
@given(histories, seasons, st.integers(1, 400))
def test_a_forecast_is_never_negative_and_never_nan(drawn, season, horizon_days):
    history = History(MONDAY, *drawn)

    told = forecast(history, season, horizon_days=horizon_days)

    for figures in (told.rate, told.sigma, window_units(told.rate, season, MONDAY, horizon_days)):
        assert np.isfinite(figures).all()
        assert (figures >= 0).all()
    assert set(told.method.tolist()) <= set(range(len(METHODS)))
    assert not (told.error < 0).any()
    assert (told.weeks * 7 <= history.days).all()
    for method in METHODS:
        rates = method.rate(history, season, horizon_days)
        assert np.isfinite(rates).all()
        assert (rates >= 0).all()


@settings(max_examples=40, deadline=None)
@given(seasons, st.integers(0, 800), st.integers(0, 800))
def test_windows_add_up(season, first, second):
    rates = np.array([1.5, 0.0])
    together = window_units(rates, season, MONDAY, first + second)
    later = MONDAY + timedelta(days=first)

    parts = window_units(rates, season, MONDAY, first) + window_units(rates, season, later, second)
    assert parts == pytest.approx(together)
