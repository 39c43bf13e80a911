"""Finding and making users."""

from accounts.models import User
from accounts.rights import Role

DEMO_EMAIL = "admin@example.com"
DEMO_PASSWORD = "admin123"  # noqa: S105 - public on purpose; production refuses to start with it


def by_email(email: str) -> User | None:
    """Return the active user with this e-mail, whatever its case."""
    return User.objects.with_email(email).filter(is_active=True).first()


def first_admin() -> User | None:
    """Return the ADMIN who was there first: the one that commands act for unless told otherwise."""
    return User.objects.filter(role=Role.ADMIN, is_active=True).order_by("id").first()


def demo_password_is_in_place() -> bool:
    """Whether somebody could sign in with the demo user's public password."""
    demo = by_email(DEMO_EMAIL)
    return demo is not None and demo.check_password(DEMO_PASSWORD)
