"""manage.py seed: a small business to look at."""

from datetime import date, timedelta
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from accounts.models import AuditLog, User
from config import seed_data
from inventory.models import Product, StockLevel, StockMovement, StockStatus, Supplier
from planning.models import Holiday, SeasonalityFactor
from purchasing.models import PurchaseOrder
from sales.models import MonthlySales, Sale
from tests.factories import TODAY

pytestmark = [pytest.mark.django_db, pytest.mark.time_machine("2026-06-15T05:00Z")]

BUSINESS = ("accounts", "inventory", "sales", "purchasing", "planning")


def seed(*options):
    told = StringIO()
    call_command("seed", *options, stdout=told)
    return told.getvalue()


def everything():
    models = [model for label in BUSINESS for model in apps.get_app_config(label).get_models()]
    return {model: list(model.objects.order_by("pk").values()) for model in models}


def test_the_demo_user_is_an_administrator_who_can_sign_in(client):
    seed()

    user = User.objects.get()
    assert (user.email, user.role, user.is_active) == ("admin@example.com", "ADMIN", True)
    body = {"email": "admin@example.com", "password": "admin123"}
    assert client.post("/api/auth/login", body, content_type="application/json").status_code == 200


def test_there_is_one_supplier_with_contacts_and_a_bank_account():
    seed()

    supplier = Supplier.objects.get()
    account = supplier.bank_accounts.get()
    assert (supplier.lead_time_days, supplier.is_active) == (45, True)
    assert supplier.contacts.count() == 2
    assert account.masked_number.endswith(account.reveal_account_number()[-4:])


def test_there_are_eight_products_of_that_supplier():
    seed()

    assert Product.objects.filter(is_active=True, supplier=Supplier.objects.get()).count() == 8
    assert Product.objects.filter(is_best_seller=True).exists()
    assert all(product.price_history.count() == 1 for product in Product.objects.all())


def test_there_are_a_confirmed_order_and_a_draft_with_lines():
    seed()

    confirmed, draft = PurchaseOrder.objects.order_by("id")
    assert [confirmed.po_number, draft.po_number] == ["PO-2026-001", "PO-2026-002"]
    assert (confirmed.status, confirmed.line_items.count(), confirmed.status_history.count()) == ("CONFIRMED", 4, 3)
    assert (draft.status, draft.line_items.count(), draft.status_history.count()) == ("DRAFT", 4, 1)
    for order in (confirmed, draft):
        value = sum(line.line_total_usd for line in order.line_items.all())
        assert order.total_usd == value + order.shipping_usd + order.other_fees_usd


def test_every_product_has_stock_some_healthy_and_some_low():
    seed()

    levels = StockLevel.objects.all()
    statuses = {level.status for level in levels}
    assert levels.count() == 8
    assert {StockStatus.OK, StockStatus.LOW} <= statuses


def test_there_are_movements_in_and_out():
    seed()

    assert set(StockMovement.objects.values_list("movement_type", flat=True)) == {"IN", "OUT"}
    assert StockMovement.objects.filter(movement_type="OUT").count() == Sale.objects.count()


def test_there_are_sales_over_the_last_90_days():
    seed()

    days = set(Sale.objects.values_list("sale_date", flat=True))
    assert days == {TODAY - timedelta(days=ago) for ago in range(91)}
    assert sum(row.units for row in MonthlySales.objects.all()) == sum(sale.quantity for sale in Sale.objects.all())


def test_there_are_twelve_seasonality_factors_with_a_mean_of_one():
    seed()

    factors = SeasonalityFactor.objects.order_by("month")
    assert [factor.month for factor in factors] == list(range(1, 13))
    assert sum(factor.multiplier for factor in factors) == 12


def test_there_are_the_holidays_of_this_and_the_next_year():
    seed()

    starts = Holiday.objects.values_list("start_date", flat=True)
    assert {start.year for start in starts} == {2026, 2027}
    new_year = Holiday.objects.get(holiday_name="Chinese New Year", start_date__year=2027)
    assert (new_year.start_date, new_year.end_date) == (date(2027, 1, 23), date(2027, 2, 21))
    assert (new_year.country, new_year.type) == ("CN", "FACTORY_CLOSURE")


# By the State Council's notice for 2026; at Chinese New Year factories close for longer.
@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("New Year's Day", date(2026, 1, 1), date(2026, 1, 3)),
        ("Qingming Festival", date(2026, 4, 4), date(2026, 4, 6)),
        ("Labour Day", date(2026, 5, 1), date(2026, 5, 5)),
        ("Dragon Boat Festival", date(2026, 6, 19), date(2026, 6, 21)),
        ("Mid-Autumn Festival", date(2026, 9, 25), date(2026, 9, 27)),
        ("National Day", date(2026, 10, 1), date(2026, 10, 7)),
    ],
)
def test_the_holidays_of_china_are_those_that_its_government_published(name, first, last):
    seed()

    holiday = Holiday.objects.get(country="CN", holiday_name=name, start_date__year=2026)
    assert (holiday.start_date, holiday.end_date, holiday.type) == (first, last, "FACTORY_CLOSURE")


def test_thailand_is_closed_and_buys_at_songkran_in_both_years():
    seed()

    days = Holiday.objects.filter(country="TH", start_date__month=4, start_date__day=13)
    assert sorted((day.start_date.year, day.end_date.day, day.type) for day in days) == [
        (2026, 15, "FACTORY_CLOSURE"),
        (2026, 15, "HIGH_DEMAND"),
        (2027, 15, "FACTORY_CLOSURE"),
        (2027, 15, "HIGH_DEMAND"),
    ]


@pytest.mark.parametrize("year", [2026, 2027, 2028])
def test_the_childrens_day_of_thailand_is_the_second_saturday_of_january(year):
    (day,) = [row[3] for row in seed_data.HOLIDAYS if row[1] == "National Children's Day" and row[3].year == year]

    assert (day.weekday(), day.month) == (5, 1)
    assert 8 <= day.day <= 14


def test_what_was_seeded_is_audited_in_the_name_of_the_demo_user():
    seed()

    user = User.objects.get()
    assert AuditLog.objects.exclude(user=user).exclude(table_name="users").count() == 0
    assert AuditLog.objects.filter(table_name="products", action="CREATE").count() == 8


def test_the_first_run_tells_how_to_sign_in():
    assert "admin@example.com" in seed()


@pytest.mark.parametrize("options", [(), ("--demo",)])
def test_a_second_run_changes_nothing(options):
    seed()
    before = everything()

    told = seed(*options)

    assert everything() == before
    assert "nothing to seed" in told


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (User, {"email": "ours@example.net"}),
        (Supplier, {"name": "Ours"}),
        (Product, {"internal_sku": "LUMI-OURS", "name": "Ours", "price_usd": 1}),
    ],
)
def test_a_database_with_anything_in_it_is_left_alone(model, fields):
    model.objects.create(**fields)
    before = everything()

    seed()

    assert everything() == before


@pytest.mark.parametrize("options", [(), ("--demo",)])
def test_where_the_demo_user_is_not_allowed_nothing_is_seeded(settings, options):
    settings.DEMO_ALLOWED = False

    with pytest.raises(CommandError, match="production"):
        seed(*options)

    assert not User.objects.exists()
    assert not Product.objects.exists()


def test_the_demo_adds_a_lively_year():
    seed("--demo")

    days = set(Sale.objects.values_list("sale_date", flat=True))
    assert (min(days), max(days)) == (TODAY - timedelta(days=365), TODAY)
    assert Sale.objects.count() > 4_000
    assert Product.objects.count() == 8
    assert {StockStatus.OK, StockStatus.LOW} <= {level.status for level in StockLevel.objects.all()}
