"""Answers kept so that a repeated request gets the first one again."""

from django.conf import settings
from django.db import models


class IdempotencyKey(models.Model):
    """The answer to the request that carried this key first."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, db_index=False, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of method, path and body.")
    status = models.PositiveSmallIntegerField(help_text="HTTP status of the answer.")
    response = models.TextField(help_text="Body of the answer, as sent.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "idempotency_keys"
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_keys_one_answer_a_key")]
        indexes = [models.Index(fields=["created_at"], name="idempotency_keys_by_age")]

    def __str__(self) -> str:
        return f"{self.key} of user {self.user_id}"
