"""How a service account proves itself."""

from django.conf import settings
from django.db import models


class ServiceKey(models.Model):
    """The key of a service account. Only its digest is kept: the key itself is shown once.

    A key carries 256 random bits, so a plain SHA-256 of it tells nobody anything.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="service_keys")
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the key.")
    expires_at = models.DateTimeField(null=True, help_text="When the key ends; null: not before it is rotated.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "service_keys"

    def __str__(self) -> str:
        return f"service key #{self.pk}"
