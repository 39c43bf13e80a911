"""What past demand is read as: daily sales, empty shelves, and since when a product exists."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inventory.models import StockMovement
from inventory.services import ledger
from planning.models import SeasonalityFactor
from planning.selectors import demand
from tests.factories import an_admin, make_product, sell

pytestmark = pytest.mark.django_db

TODAY = date(2026, 6, 15)
DAYS = 30


@pytest.fixture
def clock(monkeypatch):
    """Return a function that sets the time: noon in Bangkok on the day so many days before TODAY, or that hour."""

    def at(days_ago, hour=12):
        moment = datetime(2026, 6, 15, tzinfo=UTC) - timedelta(days=days_ago) + timedelta(hours=hour - 7)
        monkeypatch.setattr(timezone, "now", lambda: moment)
        return TODAY - timedelta(days=days_ago)

    at(100)
    return at


def read(*products, days=DAYS):
    return demand.history([product.pk for product in products], today=TODAY, days=days)


def receive(product, units):
    ledger.receive([ledger.Line(product.pk, units, "MORE")], actor=an_admin())


def out_days(history, row=0):
    """Days before TODAY on which the shelf was empty all day."""
    return sorted(int(history.days - 1 - column) for column in np.flatnonzero(~history.in_stock[row]))


def test_sales_are_netted_by_day_and_today_is_the_last_column(clock):
    product = make_product(on_hand=500)
    other = make_product(on_hand=5)
    for days_ago, units in ((30, 9), (29, 4), (3, 10), (3, 2), (3, -5), (1, -6), (0, 7)):
        sell(product, units, on=clock(days_ago), reference="R1")

    ids, history = read(product, other)

    assert ids == [product.pk, other.pk]
    assert history.first_day == TODAY - timedelta(days=DAYS - 1)
    sold = {int(DAYS - 1 - column): int(history.units[0, column]) for column in np.flatnonzero(history.units[0])}
    assert sold == {29: 4, 3: 7, 1: -6, 0: 7}  # 30 days ago is before the first column
    assert not history.units[1].any()


def test_a_day_is_out_of_stock_when_the_shelf_was_empty_all_day(clock):
    product = make_product(on_hand=5)
    sell(product, 5, on=clock(20))  # sold out on day 20, which began with stock
    clock(15)
    receive(product, 3)  # in stock again on day 15
    clock(15, hour=13)
    sell(product, 3, on=clock(15, hour=13))
    clock(10)
    receive(product, 8)

    _, history = read(product)

    assert out_days(history) == [11, 12, 13, 14, 16, 17, 18, 19]


def test_an_empty_shelf_stays_empty_until_today(clock):
    product = make_product(on_hand=2)
    sell(product, 2, on=clock(50))

    _, history = read(product)

    assert out_days(history) == list(range(DAYS))


def test_days_are_those_of_the_business_not_of_utc(clock):
    product = make_product(on_hand=2)
    sell(product, 2, on=clock(5, hour=1))  # 18:00 UTC of the day before
    clock(3, hour=23)
    receive(product, 1)

    _, history = read(product)

    assert out_days(history) == [4]


def test_a_shelf_emptied_and_filled_in_the_same_instant_was_not_empty(clock):
    product = make_product(on_hand=2)
    sell(product, 2, on=clock(9))
    receive(product, 4)

    _, history = read(product)

    assert StockMovement.objects.filter(product=product).values("created_at").distinct().count() == 2
    assert out_days(history) == []


def test_a_day_with_a_sale_was_in_stock_whatever_the_ledger_says(clock):
    product = make_product(on_hand=2)
    sell(product, 2, on=clock(9))
    clock(2)
    receive(product, 6)
    sell(product, 1, on=TODAY - timedelta(days=6))  # booked four days late

    _, history = read(product)

    assert out_days(history) == [3, 4, 5, 7, 8]


def test_a_product_is_born_with_its_first_movement_or_sale(clock):
    clock(40)
    old, fresh, late, never = (make_product() for _ in range(4))
    clock(35)
    receive(old, 5)
    clock(4)
    receive(fresh, 5)
    receive(late, 5)
    sell(late, 1, on=TODAY - timedelta(days=12))

    _, history = read(old, fresh, late, never)

    assert history.born.tolist() == [0, DAYS - 1 - 4, DAYS - 1 - 12, 0]
    assert out_days(history, row=2) == []  # the ledger says nothing about the days before its first line
    assert out_days(history, row=3) == list(range(DAYS))  # what was never on the shelf could not be sold


def test_a_product_made_today_has_one_day(clock):
    clock(0)
    product = make_product(on_hand=1)

    _, history = read(product)

    assert history.born.tolist() == [DAYS - 1]


def test_all_means_active_products_and_unknown_ids_are_left_out(clock):
    active, retired = make_product(on_hand=1), make_product(on_hand=1)
    type(retired).objects.filter(pk=retired.pk).update(is_active=False)

    everyone, _ = demand.history(None, today=TODAY, days=DAYS)
    named, _ = demand.history([retired.pk, 10**9, active.pk], today=TODAY, days=DAYS)

    assert everyone == [active.pk]
    assert named == [active.pk, retired.pk]


def test_nothing_there_is_an_empty_history():
    ids, history = demand.history(None, today=TODAY, days=DAYS)

    assert (ids, history.units.shape, history.born.shape) == ([], (0, DAYS), (0,))


@pytest.mark.parametrize("most_named", [500, 2])
def test_many_products_are_read_without_being_named(clock, monkeypatch, most_named):
    monkeypatch.setattr(demand, "_MAX_NAMED", most_named)
    products = [make_product(on_hand=3) for _ in range(4)]
    for product in products:
        sell(product, 3, on=clock(5))

    ids, history = read(*products[:3])

    assert ids == [product.pk for product in products[:3]]
    assert history.units.sum(axis=1).tolist() == [3, 3, 3]
    assert [out_days(history, row) for row in range(3)] == [[0, 1, 2, 3, 4]] * 3


def test_the_number_of_statements_does_not_grow(clock):
    counts = []
    for _ in (3, 30):
        for _ in range(3 if not counts else 27):
            sell(make_product(on_hand=2), 2, on=clock(5))
        with CaptureQueriesContext(connection) as queries:
            ids, _ = demand.history(None, today=TODAY, days=DAYS)
        counts.append((len(ids), len(queries)))

    assert counts == [(3, 3), (30, 3)]


def test_the_season_is_what_the_office_says_and_1_elsewhere():
    SeasonalityFactor.objects.all().delete()
    SeasonalityFactor.objects.create(month=11, multiplier="1.750")

    assert demand.season().tolist() == [1] * 10 + [1.75, 1]
