"""The accounts app: users, rights, tokens, idempotency, audit."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Registers what the audit log watches."""

    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Watch users, but never their secrets."""
        from accounts import audit
        from accounts.models import ServiceKey, TotpDevice, User

        audit.watch(User, but=("last_login", "credentials_version"), hide=("password",))
        audit.watch(ServiceKey, but=("digest",))
        not_news = ("secret", "last_step", "recovery_digests", "throttling_failure_count")
        audit.watch(TotpDevice, but=(*not_news, "throttling_failure_timestamp"))
