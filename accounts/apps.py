"""The accounts app: users, rights, tokens, idempotency, audit."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Registers what the audit log watches."""

    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Watch users, but never their secrets."""
        from accounts import audit
        from accounts.models import User

        audit.watch(User, but=("password", "last_login"))
