"""The second factor of a user: an authenticator app and the codes that replace a lost one."""

from typing import Any

from django.conf import settings
from django.db import models
from django_otp.models import Device, ThrottlingMixin

from core import encryption

MAX_COUNTED_FAILURES = 11


class TotpDevice(ThrottlingMixin, Device):
    """The authenticator app of a user (RFC 6238: SHA-1, six digits, 30 seconds).

    A device of our own, because django-otp's keeps the secret in clear. Whether a code is right is decided in
    ``accounts.services.mfa``, under a lock on this row.
    """

    throttling_failure_count: int  # from the mixin, which has no types
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    secret = models.TextField(help_text="Fernet token of the base32 secret; read it through reveal_secret().")
    last_step = models.BigIntegerField(default=-1, help_text="The last 30-second step whose code was used.")
    recovery_digests = models.JSONField(default=list, help_text="SHA-256 of the recovery codes not used yet.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "totp_devices"
        verbose_name = "second factor"

    def __str__(self) -> str:
        return f"second factor of user #{self.user_id}"

    @property
    def binding(self) -> str:
        """The place that the encrypted secret belongs to."""
        return f"totp_devices:{self.user_id}"

    def reveal_secret(self) -> str:
        """Return the base32 secret in clear. Raises Undecryptable."""
        return encryption.decrypt(self.secret, bound_to=self.binding)

    def get_throttle_factor(self) -> int:
        """Return the seconds to wait after the first wrong code; they double with each further one."""
        return 1

    def throttle_increment(self, commit: bool = True) -> None:
        """Count a wrong code. The wait stops growing at 17 minutes, so that nobody can lock a user out for good."""
        super().throttle_increment(commit=False)
        self.throttling_failure_count = min(self.throttling_failure_count, MAX_COUNTED_FAILURES)
        if commit:
            self.save(update_fields=["throttling_failure_count", "throttling_failure_timestamp"])

    def verify_token(self, token: Any) -> bool:
        """Refuse: django-otp's generic doors do not lock, count and record as ``accounts.services.mfa`` does."""
        return False
