"""Who a command acts for."""

from argparse import ArgumentParser

from django.core.management.base import CommandError

from accounts.models import User
from accounts.services import users


def add_option(parser: ArgumentParser) -> None:
    """Declare ``--user``."""
    parser.add_argument(
        "--user", default="", metavar="EMAIL", help="whom the audit log names (default: the oldest ADMIN)"
    )


def actor(email: str) -> User | None:
    """Return the user with this e-mail, or without one the oldest ADMIN, if any. Raises CommandError."""
    return known(email) if email else users.first_admin()


def known(email: str) -> User:
    """Return the active user with this e-mail. Raises CommandError."""
    user = users.by_email(email)
    if user is None:
        raise CommandError(f"There is no active user {email}.")
    return user
