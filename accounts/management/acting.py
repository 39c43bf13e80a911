"""Who a command acts for."""

from argparse import ArgumentParser

from django.core.management.base import CommandError

from accounts.models import User
from accounts.services import users


def add_option(parser: ArgumentParser) -> None:
    """Declare ``--user``."""
    parser.add_argument("--user", default="", metavar="EMAIL", help="whom the audit log names beside the command")


def actor(email: str) -> User | None:
    """Return the user with this e-mail, or nobody: the log then names the command alone. Raises CommandError."""
    return known(email) if email else None


def known(email: str) -> User:
    """Return the active user with this e-mail. Raises CommandError."""
    user = users.by_email(email)
    if user is None:
        raise CommandError(f"There is no active user {email}.")
    return user
