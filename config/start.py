"""What must be true before Godown serves anybody."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from accounts.services import users


def refuse_demo_password() -> None:
    """Raise ImproperlyConfigured when the demo user's public password opens a door that is not a demo's."""
    if not settings.DEMO_ALLOWED and users.demo_password_is_in_place():
        raise ImproperlyConfigured(
            f"{users.DEMO_EMAIL} still has the published demo password. Change it or deactivate the account."
        )
