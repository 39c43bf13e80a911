"""manage.py verify_ledger: is every quantity the sum of its movements?"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from inventory import selectors
from inventory.models import Product


class Command(BaseCommand):
    """Checks every product; ends with 1 and the list when one differs."""

    help = "Check that every product's quantity is the sum, and the last balance, of its movements."

    def handle(self, *args: Any, **options: Any) -> None:
        """Check and report."""
        differences = list(selectors.ledger_differences())
        for found in differences:
            self.stderr.write(
                f"{found.sku}: {found.quantity} on hand, {found.ledger} in the ledger,"
                f" last balance {found.last_balance}"
            )
        if differences:
            raise CommandError(f"{len(differences)} products differ from their ledger.")
        self.stdout.write(f"{Product.objects.count():,} products checked: every quantity is the sum of its movements.")
