"""The planning app: alerts, seasons, dashboard. Nothing needs it."""

from django.apps import AppConfig


class PlanningConfig(AppConfig):
    """Registers what the audit log watches."""

    name = "planning"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Watch the planning tables."""
        from accounts import audit
        from planning import models

        audit.watch(models.SeasonalityFactor, models.Holiday, models.Setting, models.Notification)
