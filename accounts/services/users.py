"""Finding and making users."""

from accounts.models import User
from accounts.rights import Role


def by_email(email: str) -> User | None:
    """Return the active user with this e-mail, whatever its case."""
    return User.objects.filter(email__iexact=email, is_active=True).first()


def first_admin() -> User | None:
    """Return the ADMIN who was there first: the one that commands act for unless told otherwise."""
    return User.objects.filter(role=Role.ADMIN, is_active=True).order_by("id").first()
