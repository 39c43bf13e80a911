"""The sales app: sold lines and returns."""

from django.apps import AppConfig


class SalesConfig(AppConfig):
    """Sales are written set-based and recorded by ``sales.services.recording`` itself."""

    name = "sales"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tell the audit log of sales."""
        from accounts import audit
        from sales import models

        audit.recorded_by_hand(models.Sale)
