"""What Wise told by webhook."""

from django.db import models
from django.db.models import Q

from core.timestamps import Timestamped


class WiseEvent(Timestamped):
    """One signed message of Wise, kept as it came: a hint that something is worth asking for.

    Wise repeats messages, sends one for each subscription and in any order. A message is known by its bytes, and what
    it tells by transfer, state and moment: the same again has no effect.
    """

    class Outcome(models.TextChoices):
        PENDING = "PENDING", "Waiting for the job"
        APPLIED = "APPLIED", "Payment read anew"
        OUTDATED = "OUTDATED", "Older than what was known"
        IGNORED = "IGNORED", "Nothing of ours"
        TEST = "TEST", "Test notification"

    body_digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the body.")
    body = models.TextField()
    delivery_id = models.CharField(max_length=64, blank=True)
    event_type = models.CharField(max_length=64)
    schema_version = models.CharField(max_length=16, blank=True)
    subscription_id = models.CharField(max_length=64, blank=True)
    profile_id = models.CharField(max_length=20, blank=True)
    transfer_id = models.CharField(max_length=20, blank=True)
    told = models.CharField(max_length=64, blank=True, help_text="The state, or the code of a failure.")
    occurred_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=8, choices=Outcome.choices, default=Outcome.PENDING)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "wise_events"
        indexes = [models.Index(fields=["outcome"], name="idx_wise_events_outcome")]
        constraints = [
            models.UniqueConstraint(
                fields=["event_type", "transfer_id", "told", "occurred_at"],
                condition=~Q(transfer_id=""),
                name="wise_events_told_once",
            ),
            models.CheckConstraint(
                name="wise_events_outcome_is_known",
                condition=Q(outcome__in=["PENDING", "APPLIED", "OUTDATED", "IGNORED", "TEST"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} #{self.pk}"
