"""manage.py reset_mfa: when a second factor and its recovery codes are lost."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.management import acting
from accounts.services import mfa
from core.errors import DomainError


class Command(BaseCommand):
    """Takes the second factor of a user away, who need not be anybody's inferior: whoever has the host may."""

    help = "Take the lost second factor of a user away. Their password opens the account until they set up a new one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("email", help="whose second factor is lost")
        acting.add_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Take it away."""
        user = acting.known(options["email"])
        try:
            mfa.reset(user.pk, actor=acting.actor(options["user"]))
        except DomainError as refusal:
            raise CommandError(refusal.message) from refusal
        self.stdout.write(f"{user.email} has no second factor now, and is signed out everywhere.")
