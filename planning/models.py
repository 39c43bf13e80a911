"""What planning looks at besides stock, sales and orders."""

from django.db import models
from django.db.models import Q

from core.timestamps import Timestamped
from inventory.models import Product


class SeasonalityFactor(Timestamped):
    """How demand of a month compares with the average month."""

    month = models.PositiveSmallIntegerField(unique=True, help_text="1 to 12.")
    multiplier = models.DecimalField(max_digits=5, decimal_places=3, help_text="1 is the average month.")

    class Meta:
        db_table = "seasonality_factors"
        constraints = [
            models.CheckConstraint(name="seasonality_factors_month_exists", condition=Q(month__gte=1, month__lte=12)),
            models.CheckConstraint(
                name="seasonality_factors_multiplier_is_not_negative", condition=Q(multiplier__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return f"month {self.month}: ×{self.multiplier}"


class Holiday(Timestamped):
    """Days on which the factory is closed, or on which people buy more."""

    class Type(models.TextChoices):
        FACTORY_CLOSURE = "FACTORY_CLOSURE", "Factory closure"
        HIGH_DEMAND = "HIGH_DEMAND", "High demand"

    country = models.CharField(max_length=2, help_text="ISO 3166 code.")
    holiday_name = models.CharField(max_length=100)
    start_date = models.DateField()
    end_date = models.DateField(help_text="Last day, included.")
    type = models.CharField(max_length=15, choices=Type.choices)

    class Meta:
        db_table = "holidays"
        constraints = [
            models.CheckConstraint(
                name="holidays_end_is_not_before_start", condition=Q(end_date__gte=models.F("start_date"))
            ),
            models.CheckConstraint(
                name="holidays_type_is_known", condition=Q(type__in=["FACTORY_CLOSURE", "HIGH_DEMAND"])
            ),
            models.UniqueConstraint(fields=["country", "holiday_name", "start_date"], name="holidays_each_once_a_year"),
        ]

    def __str__(self) -> str:
        return f"{self.holiday_name} {self.start_date}"


class Setting(Timestamped):
    """A value that the office may change while Godown runs."""

    key = models.CharField(max_length=64, unique=True)
    value = models.TextField()

    class Meta:
        db_table = "settings"

    def __str__(self) -> str:
        return self.key


class Notification(Timestamped):
    """An alert about a product: PENDING until its e-mail was sent."""

    class AlertType(models.TextChoices):
        LOW_STOCK = "LOW_STOCK", "Low stock"
        OUT_OF_STOCK = "OUT_OF_STOCK", "Out of stock"

    class Status(models.TextChoices):
        PENDING = "PENDING", "Pending"
        SENT = "SENT", "Sent"

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="notifications")
    alert_type = models.CharField(max_length=12, choices=AlertType.choices)
    message = models.TextField()
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.PENDING)
    claimed_at = models.DateTimeField(null=True, blank=True, help_text="When a worker took it to be sent.")
    sent_at = models.DateTimeField(
        null=True, blank=True, help_text="When its e-mail was sent; the 24 hours begin here."
    )
    attempts = models.PositiveSmallIntegerField(default=0, help_text="How often sending was tried.")
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "notifications"
        indexes = [models.Index(fields=["status"], name="idx_notifications_status")]
        constraints = [
            models.CheckConstraint(name="notifications_status_is_known", condition=Q(status__in=["PENDING", "SENT"])),
            models.CheckConstraint(
                name="notifications_alert_type_is_known", condition=Q(alert_type__in=["LOW_STOCK", "OUT_OF_STOCK"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.alert_type} #{self.pk}"


class JobRun(models.Model):
    """When a job last ran and how that ended; one row a job."""

    class Outcome(models.TextChoices):
        RUNNING = "RUNNING", "Running"
        SUCCEEDED = "SUCCEEDED", "Succeeded"
        FAILED = "FAILED", "Failed"

    name = models.CharField(max_length=100, unique=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    last_succeeded_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=9, choices=Outcome.choices, default=Outcome.RUNNING)
    detail = models.CharField(max_length=300, blank=True, help_text="Why it failed, without secrets.")

    class Meta:
        db_table = "job_runs"
        constraints = [
            models.CheckConstraint(
                name="job_runs_outcome_is_known", condition=Q(outcome__in=["RUNNING", "SUCCEEDED", "FAILED"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.outcome}"
