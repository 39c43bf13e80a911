"""manage.py seed: a small business to look at."""

from argparse import ArgumentParser
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import User
from accounts.rights import Role
from accounts.services.users import DEMO_EMAIL, DEMO_PASSWORD
from config import seed_data
from core import operations
from core.operations import operation
from inventory.models import Product, Supplier
from inventory.services import ledger, products, suppliers
from planning.models import Holiday, SeasonalityFactor
from purchasing.services import orders
from purchasing.workflow import Stage
from sales.models import Platform
from sales.services import recording


class Command(BaseCommand):
    """Fills an empty database; changes nothing when there is anything in it."""

    help = "Fill an empty database with a demo user, a supplier, products, orders, stock and sales."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--demo", action="store_true", help="a lively year of sales instead of 90 quiet days")

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed, or say why not."""
        if not settings.DEMO_ALLOWED:
            raise CommandError("The demo data and its public password do not belong into production.")
        if User.objects.exists() or Product.objects.exists() or Supplier.objects.exists():
            self.stdout.write("The database is not empty: nothing to seed.")
            return
        days, per_day = (365, 12) if options["demo"] else (90, 2)
        fill(days=days, per_day=per_day, today=timezone.localdate())
        self.stdout.write(f"Seeded. Sign in as {DEMO_EMAIL} with {DEMO_PASSWORD}.")


@operation
def fill(*, days: int, per_day: int, today: date) -> None:
    """Make the demo user, one supplier, eight products, two orders, stock, and sales over the last ``days``."""
    actor = User.objects.create_user(DEMO_EMAIL, DEMO_PASSWORD, role=Role.ADMIN)
    operations.identify(actor.pk)
    supplier = suppliers.create(**seed_data.SUPPLIER, contacts=seed_data.CONTACTS, actor=actor)
    suppliers.add_bank_account(supplier.pk, **seed_data.BANK_ACCOUNT, actor=actor)
    made = [
        products.create(**fields, supplier_id=supplier.pk, today=today - timedelta(days=days), actor=actor)
        for fields in seed_data.PRODUCTS
    ]
    _orders(supplier, made, today, actor)
    _sales(made, days, per_day, today, actor)
    _planning(today)


def _orders(supplier: Supplier, made: list[Product], today: date, actor: User) -> None:
    confirmed = orders.create(
        supplier_id=supplier.pk,
        lines=[orders.Line(product.pk, 240) for product in made[:4]],
        shipping_usd=Decimal("420.00"),
        supplier_pi="PI-20881",
        order_date=today - timedelta(days=12),
        expected_ready_date=today + timedelta(days=33),
        today=today,
        actor=actor,
    )
    for stage in (Stage.SENT, Stage.CONFIRMED):
        orders.advance(confirmed.pk, to=stage, actor=actor)
    orders.create(
        supplier_id=supplier.pk, lines=[orders.Line(product.pk, 120) for product in made[4:]], today=today, actor=actor
    )


def _sales(made: list[Product], days: int, per_day: int, today: date, actor: User) -> None:
    """Receive enough, sell over the days, and leave the second product low."""
    random = Random(20260101)  # noqa: S311 - the same demo everywhere, nothing secret
    lines = [
        recording.Line(
            product_id=product.pk,
            quantity=random.choice((1, 1, 1, 2, 3)),
            sale_date=today - timedelta(days=day),
            unit_price_usd=product.price_usd * 2,
            platform=random.choice(list(Platform)),
            order_reference=f"DEMO-{day:03d}-{position:02d}",
        )
        for day in range(days, -1, -1)
        for position in range(per_day)
        for product in (random.choice(made),)
    ]
    sold = {product.pk: sum(line.quantity for line in lines if line.product_id == product.pk) for product in made}
    left = {product.pk: 6 if position == 1 else 40 + 15 * position for position, product in enumerate(made)}
    arrived = [ledger.Line(key, units + left[key], "SEA-0001") for key, units in sold.items()]
    ledger.receive(arrived, actor=actor)
    recording.record_sales(lines, today=today, actor=actor)


def _planning(today: date) -> None:
    for month, multiplier in enumerate(seed_data.SEASON, start=1):
        SeasonalityFactor.objects.create(month=month, multiplier=multiplier)
    years = {today.year, today.year + 1}
    for country, name, kind, start, end in seed_data.HOLIDAYS:
        if start.year in years or end.year in years:
            Holiday.objects.create(country=country, holiday_name=name, type=kind, start_date=start, end_date=end)
