"""What a password must be, beyond Django's own validators."""

from django.core.exceptions import ValidationError

MAX_LENGTH = 128


class MaximumLength:
    """No longer than 128 characters: hashing megabytes would be work that a stranger can order."""

    def validate(self, password: str, user: object = None) -> None:
        """Raise ValidationError for a password that is too long."""
        if len(password) > MAX_LENGTH:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self) -> str:
        """Return the rule as a sentence."""
        return f"A password has at most {MAX_LENGTH} characters."
