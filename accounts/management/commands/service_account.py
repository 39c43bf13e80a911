"""manage.py service_account: make service accounts and their keys."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.utils import timezone

from accounts.management import acting
from accounts.models import User
from accounts.office_forms import LONGEST_GRACE
from accounts.rights import Role
from accounts.services import users
from core.errors import DomainError


class Command(BaseCommand):
    """Makes an account, gives it a new key, lists them all. A key goes to standard output, once."""

    help = "Make a service account, give it a new key, or list all. A key is printed to standard output, once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the three actions."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="create | rotate | list")
        create = actions.add_parser("create", help="make an account and print its key")
        rotate = actions.add_parser("rotate", help="print a new key; the old ones end")
        for action in (create, rotate):
            action.add_argument("email", help="e-mail that names the account")
            acting.add_option(action)
        rotate.add_argument(
            "--grace", type=int, default=0, metavar="MINUTES", help="how long the old keys go on (default: 0)"
        )
        actions.add_parser("list", help="list the accounts and when their keys end")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do one of the three."""
        try:
            getattr(self, options["action"])(options)
        except DomainError as refusal:
            raise CommandError(refusal.message) from refusal

    def create(self, options: dict[str, Any]) -> None:
        """Make an account and print its key."""
        email = options["email"].strip()
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError(f"{email}: {error.messages[0]}") from error
        _, key = users.create_service(email, actor=acting.actor(options["user"]))
        self.stdout.write(key)

    def rotate(self, options: dict[str, Any]) -> None:
        """Print a new key."""
        if not 0 <= options["grace"] <= LONGEST_GRACE:
            raise CommandError(f"--grace must be between 0 and {LONGEST_GRACE} minutes.")
        account = acting.known(options["email"])
        actor = acting.actor(options["user"])
        grace = timedelta(minutes=options["grace"])
        self.stdout.write(users.rotate_service_key(account.pk, now=timezone.now(), grace=grace, actor=actor))

    def list(self, options: dict[str, Any]) -> None:
        """List the accounts; of keys, only when they were made and when they end."""
        accounts = User.objects.filter(role=Role.SYNC).prefetch_related("service_keys").order_by("email")
        for account in accounts:
            self.stdout.write(f"{account.email}{'' if account.is_active else ' (not active)'}")
            for key in account.service_keys.all():
                end = f"ends {key.expires_at:%Y-%m-%d %H:%M %Z}" if key.expires_at else "does not end"
                self.stdout.write(f"  key of {key.created_at:%Y-%m-%d %H:%M %Z}, {end}")
