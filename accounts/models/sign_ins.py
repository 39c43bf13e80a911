"""Where somebody is signed in with tokens."""

from django.conf import settings
from django.db import models


class SignIn(models.Model):
    """One sign-in with tokens: alive as long as this row is there.

    Every token names the sign-in it belongs to. A refresh token is known by its ``jti`` and works once, because the
    next one takes its place in this row; deleting the row ends the whole family, access tokens included.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sign_ins")
    refresh_jti = models.CharField(max_length=32, help_text="Name of the one refresh token that still works.")
    expires_at = models.DateTimeField(help_text="When that refresh token ends.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "sign_ins"
        indexes = [models.Index(fields=["expires_at"], name="sign_ins_by_end")]

    def __str__(self) -> str:
        return f"sign-in #{self.pk}"
