"""Shapes of accounts in the API."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts import selectors
from accounts.emails import refuse_markup
from accounts.models import AuditLog, User
from accounts.passwords import MAX_LENGTH
from core.api.fields import IdField
from core.api.filters import DatedFilters

MAX_CODE_LENGTH = 40


class PasswordField(serializers.CharField):
    """A password as it is typed: not trimmed, never shown again."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_length": 1_000, "trim_whitespace": False, "write_only": True, **options})


class NewPasswordField(PasswordField):
    """A password to be; the rules for it are checked by the operation."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=MAX_LENGTH, **options)


class CodeField(serializers.CharField):
    """Six digits of an authenticator app, or a recovery code."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=MAX_CODE_LENGTH, **options)


class LoginInput(serializers.Serializer[Any]):
    """E-mail and password, and with a second factor its code."""

    email = serializers.CharField(max_length=254)
    password = PasswordField()
    code = CodeField(required=False, allow_blank=True, default="")


class RegisterInput(serializers.Serializer[Any]):
    """E-mail and password of a new account."""

    email = serializers.EmailField(max_length=254, validators=[refuse_markup])
    password = NewPasswordField()


class RegisterOutput(serializers.Serializer[Any]):
    """What was asked for. Alike whether or not there was an account already."""

    email = serializers.EmailField()
    role = serializers.ChoiceField(User.Role.choices)


class RefreshInput(serializers.Serializer[Any]):
    """A refresh token."""

    refresh_token = serializers.CharField(max_length=4_000)


class LogoutInput(serializers.Serializer[Any]):
    """Whether all sign-ins of the account end, on every device, or only this one."""

    everywhere = serializers.BooleanField(required=False, default=False)


class PasswordInput(serializers.Serializer[Any]):
    """The password as it is and as it shall be."""

    current_password = PasswordField()
    new_password = NewPasswordField()

    def to_internal_value(self, data: Any) -> Any:
        """Take ``old_password`` for ``current_password``: half of the clients in the world call it so."""
        if isinstance(data, dict) and "old_password" in data:
            data = {"current_password": data["old_password"], **data}
        return super().to_internal_value(data)


class TokensOutput(serializers.Serializer[Any]):
    """A fresh pair of tokens."""

    access_token = serializers.CharField()
    refresh_token = serializers.CharField()
    token_type = serializers.CharField(help_text="Always Bearer.")
    expires_in = serializers.IntegerField(help_text="Seconds until the access token ends.")


class SetUpOutput(serializers.Serializer[Any]):
    """What an authenticator app needs; nothing is guarded until its first code is verified."""

    secret = serializers.CharField(help_text="Base32, to be typed in where no camera is.")
    provisioning_uri = serializers.CharField(help_text="otpauth:// address.")
    qr_code_uri = serializers.CharField(help_text="The address as a QR code, PNG in a data: URI.")
    qr_svg = serializers.CharField(help_text="The same as an svg element.")


class CodeInput(serializers.Serializer[Any]):
    """A code of the authenticator app."""

    code = CodeField()


class ProofInput(CodeInput):
    """Password and code: what changing a second factor takes."""

    password = PasswordField()


class RecoveryCodesOutput(serializers.Serializer[Any]):
    """Ten codes, each of which replaces the app once. They are not shown again."""

    recovery_codes = serializers.ListField(child=serializers.CharField())


class EnabledOutput(TokensOutput, RecoveryCodesOutput):
    """The recovery codes and new tokens: what was signed in before the second factor was on has ended."""


class UserOutput(serializers.ModelSerializer[User]):
    """Who one is."""

    class Meta:
        model = User
        fields = ("id", "email", "role", "mfa_enabled", "is_active", "created_at")


class AuditFilters(DatedFilters):
    """Filters of the audit log; days are local days, both included."""

    table_name = serializers.CharField(max_length=64, required=False)
    record_id = IdField(required=False)
    action = serializers.ChoiceField(AuditLog.Action.choices, required=False)
    user_id = IdField(required=False)


@extend_schema_field({"type": "object", "additionalProperties": True})
class AuditValuesField(serializers.JSONField):
    """Values of an audit row, as much of them as who asks may see. Without a request it cannot answer at all."""

    def to_representation(self, value: Any) -> Any:
        """Return the values."""
        return selectors.shown_values(value, self.context["request"].user)


class AuditOutput(serializers.ModelSerializer[AuditLog]):
    """One change: of which row, by whom, from where; only what changed, as it was and as it is."""

    user = serializers.CharField(source="user.email", default=None, allow_null=True, help_text="E-mail of the user.")
    old_values = AuditValuesField(allow_null=True, help_text=AuditLog._meta.get_field("old_values").help_text)
    new_values = AuditValuesField(allow_null=True, help_text=AuditLog._meta.get_field("new_values").help_text)

    class Meta:
        model = AuditLog
        fields = (
            "id", "created_at", "table_name", "record_id", "action", "old_values", "new_values", "user_id", "user",
            "ip_address", "user_agent",
        )  # fmt: skip
