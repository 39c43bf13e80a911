"""manage.py rotate_keys: encrypt everything with the newest key."""

from argparse import ArgumentParser
from dataclasses import replace
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.management import acting
from accounts.services import mfa
from core import operations, security_log
from core.errors import DomainError
from inventory.services import suppliers

SECRETS = {
    "second_factors": mfa.encrypt_with_newest_key,
    "bank_accounts": suppliers.encrypt_with_newest_key,
}


class Command(BaseCommand):
    """Encrypts what an older key of DB_ENCRYPTION_KEY wrote with the newest; then the older one can go."""

    help = (
        "Encrypt every secret that is not encrypted with the first key of DB_ENCRYPTION_KEY with that key."
        " Afterwards the older keys can be taken out. Running it again changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        acting.add_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Encrypt one kind of secret after the other, each in its transaction, and say how many there were."""
        actor = acting.actor(options["user"])
        there = replace(operations.origin(), actor_id=actor.pk if actor else None)
        with operations.acting_from(there):
            try:
                counts = {name: encrypt() for name, encrypt in SECRETS.items()}
            except DomainError as refusal:
                raise CommandError(f"{refusal.message} Running this again goes on from here.") from refusal
            security_log.event("keys_rotated", **counts)
        for name, count in counts.items():
            self.stdout.write(f"{name.replace('_', ' ')}: {count} encrypted with the newest key")
