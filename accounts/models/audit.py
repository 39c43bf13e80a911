"""Who changed what, when and from where."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone


class AuditLogManager(models.Manager["AuditLog"]):
    """What django-auditlog calls when a registered model was saved or deleted."""

    def log_create(self, instance: models.Model, force_log: bool = False, **entry: Any) -> None:
        """Record one change of one row, as django-auditlog found it."""
        from accounts import audit  # noqa: PLC0415 - audit writes this model

        if entry.get("changes"):
            audit.record_difference(instance, action=entry["action"], changes=entry["changes"])


class AuditLog(models.Model):
    """One change of one row of a business table. Append-only."""

    class Action(models.TextChoices):
        CREATE = "CREATE", "Created"
        UPDATE = "UPDATE", "Changed"
        DELETE = "DELETE", "Deleted"

    table_name = models.CharField(max_length=64)
    record_id = models.BigIntegerField()
    action = models.CharField(max_length=6, choices=Action.choices)
    old_values = models.JSONField(null=True, help_text="The changed fields as they were; null on CREATE.")
    new_values = models.JSONField(null=True, help_text="The changed fields as they are; null on DELETE of a row.")
    # No constraint in the database: the log tells who it was whatever becomes of their row, and a bulk sale would
    # look the same user up thousands of times at its commit. Godown itself never deletes a user (PROTECT).
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        db_index=False,
        db_constraint=False,
        on_delete=models.PROTECT,
        related_name="+",
    )
    ip_address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=512)
    created_at = models.DateTimeField(default=timezone.now)

    objects = AuditLogManager()

    class Meta:
        db_table = "audit_log"
        verbose_name_plural = "audit log"
        indexes = [
            models.Index(fields=["table_name", "record_id"], name="idx_audit_log_table_record"),
            models.Index(fields=["created_at"], name="idx_audit_log_created_at"),
        ]
        constraints = [
            models.CheckConstraint(
                name="audit_log_action_is_known", condition=models.Q(action__in=["CREATE", "UPDATE", "DELETE"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.table_name} #{self.record_id}"
