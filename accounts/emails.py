"""What an e-mail address must be, beyond Django's own validator."""

from django.core.exceptions import ValidationError

from core import cleaning


def refuse_markup(email: str) -> None:
    """Raise ValidationError for what no text may hold: Django takes tags and control characters between quotes."""
    if cleaning.text(email) != email:
        raise ValidationError("Enter a valid email address.", code="invalid")
