"""The planning app: alerts, seasons, dashboard. Nothing needs it."""

from django.apps import AppConfig


class PlanningConfig(AppConfig):
    """Registers what the audit log watches."""

    name = "planning"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Watch the planning tables, remember the runs of jobs and tell them at /health/ready."""
        from accounts import audit
        from core import health
        from planning import jobs, models

        audit.watch(models.SeasonalityFactor, models.Holiday, models.Setting, models.Notification)
        health.tell_also("jobs", jobs.report)
