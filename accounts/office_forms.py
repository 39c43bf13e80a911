"""What the office asks for about accounts. The rules are checked by the operations."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts

from accounts.errors import EmailTaken, WeakPassword
from accounts.forms import NewPasswordField, OperationForm
from accounts.models import User
from accounts.rights import Role
from core import cleaning

PEOPLE = [(role.value, role.label) for role in Role if role != Role.SYNC]
LONGEST_GRACE = 7 * 24 * 60


class _EmailField(forms.EmailField):
    """An e-mail address, cleaned as every text that comes in."""

    def __init__(self, **options: Any) -> None:
        widget = forms.EmailInput(attrs={"class": "vTextField", "autocomplete": "off"})
        super().__init__(label="E-mail", max_length=254, widget=widget, **options)

    def to_python(self, value: Any) -> Any:
        """Return the address without markup."""
        return cleaning.text(super().to_python(value) or "")


class NewPassword(OperationForm):
    """A password to be, typed twice."""

    places = {WeakPassword: "password"}
    password = NewPasswordField(help_text=" ".join(map(str, password_validators_help_texts())))
    again = NewPasswordField(label="Password again")

    def clean_again(self) -> str:
        """Refuse two that differ: nobody sees what is typed here."""
        again: str = self.cleaned_data["again"]
        if again != self.cleaned_data.get("password", again):
            raise forms.ValidationError("The two passwords differ.")
        return again


class NewPerson(NewPassword):
    """An account for a person."""

    places = {WeakPassword: "password", EmailTaken: "email"}
    email = _EmailField()
    role = forms.ChoiceField(choices=PEOPLE, initial=Role.STAFF)
    field_order = ("email", "role", "password", "again")


class NewService(OperationForm):
    """An account for a program."""

    places = {EmailTaken: "email"}
    email = _EmailField(help_text="Names the account in the audit log; nothing is ever sent there.")


class Grace(OperationForm):
    """How long the old keys of a service account go on."""

    minutes = forms.IntegerField(
        label="Grace, minutes",
        min_value=0,
        max_value=LONGEST_GRACE,
        initial=0,
        widget=forms.NumberInput(attrs={"class": "vIntegerField"}),
        help_text="The old keys work so long; 0 ends them at once.",
    )


class Account(OperationForm):
    """What somebody may do."""

    role = forms.ChoiceField(choices=PEOPLE)
    is_active = forms.BooleanField(
        label="Active", required=False, help_text="Nobody is deleted. An account that is not active opens no door."
    )

    def __init__(self, data: Any, *, user: User) -> None:
        super().__init__(data, initial={"role": user.role, "is_active": user.is_active})
        if user.is_service:  # it stays one
            del self.fields["role"]
