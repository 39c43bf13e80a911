"""Shapes of what people fill in about accounts, and of the filters of the audit log."""

from datetime import date
from typing import Any, ClassVar

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from accounts import selectors
from accounts.emails import refuse_markup
from accounts.errors import BadCode, BadCodeAtSignIn, TooManyCodes, WeakPassword, WrongPassword
from accounts.models import AuditLog, User
from accounts.passwords import MAX_LENGTH
from accounts.rights import Right
from core.errors import DomainError
from core.limits import TooManyRequests

MAX_ID = 2**63 - 1
MAX_CODE_LENGTH = 40
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2999, 12, 31)
_CODE_ERRORS = dict.fromkeys((BadCode, BadCodeAtSignIn, TooManyCodes), "code")


class OperationForm(forms.Form):
    """A form whose operation may refuse: ``places`` names the field that a refusal belongs to."""

    places: ClassVar[dict[type[DomainError], str]] = {}
    wait = 0
    result: Any = None

    def refuse(self, error: DomainError) -> None:
        """Show ``error`` next to its field, or above the form."""
        if isinstance(error, TooManyRequests):
            self.wait = error.wait
        place = next((field for kind, field in self.places.items() if isinstance(error, kind)), None)
        self.add_error(place, error.context.get("reasons") or error.message)


class PasswordField(forms.CharField):
    """A password that is there already: not trimmed, and never sent back."""

    def __init__(self, *, autocomplete: str = "current-password", **options: Any) -> None:
        widget = forms.PasswordInput(attrs={"autocomplete": autocomplete})
        super().__init__(**{"max_length": 1_000, "strip": False, "widget": widget, **options})


class NewPasswordField(PasswordField):
    """A password to be; the other rules for it are checked by the operation."""

    def __init__(self, **options: Any) -> None:
        super().__init__(autocomplete="new-password", max_length=MAX_LENGTH, **options)


class CodeField(forms.CharField):
    """Six digits of the app, or a recovery code."""

    def __init__(self, *, autofocus: bool = False, **options: Any) -> None:
        attrs = {"autocomplete": "one-time-code", "inputmode": "numeric", "autocapitalize": "none"}
        widget = forms.TextInput(attrs={**attrs, "spellcheck": "false", "autofocus": autofocus})
        super().__init__(max_length=MAX_CODE_LENGTH, widget=widget, **options)


class SignInForm(OperationForm):
    """E-mail and password."""

    username = forms.CharField(
        label="E-mail",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = PasswordField()


class SignInCodeForm(OperationForm):
    """The code that the second factor asks for."""

    places = _CODE_ERRORS
    code = CodeField(label="Code of your authenticator app", autofocus=True)

    def __init__(self, *args: Any, recovery: bool = False, **options: Any) -> None:
        """With ``recovery``, ask for a recovery code: it has letters, which a keyboard of digits has not."""
        super().__init__(*args, **options)
        self.recovery = recovery
        if recovery:
            self.fields["code"].label = "Recovery code"
            self.fields["code"].widget.attrs.update({"autocomplete": "off", "inputmode": "text"})


class RegisterForm(OperationForm):
    """E-mail and password of a new account."""

    places = {WeakPassword: "password"}
    email = forms.EmailField(
        label="E-mail",
        max_length=254,
        validators=[refuse_markup],
        widget=forms.EmailInput(attrs={"autocomplete": "username"}),
    )
    password = NewPasswordField(help_text="At least 8 characters. Not your e-mail, not one that everybody uses.")
    password_again = NewPasswordField(label="Password again")

    def clean_password_again(self) -> str:
        """Refuse a second password that differs from the first."""
        return _same(self, "password", "password_again")


class PasswordForm(OperationForm):
    """The password as it is and as it shall be."""

    places = {WrongPassword: "current_password", WeakPassword: "new_password"}
    current_password = PasswordField()
    new_password = NewPasswordField(help_text="At least 8 characters. Not your e-mail, not one that everybody uses.")
    new_password_again = NewPasswordField()

    def clean_new_password_again(self) -> str:
        """Refuse a second password that differs from the first."""
        return _same(self, "new_password", "new_password_again")


class VerifyForm(OperationForm):
    """The first code of a new authenticator app."""

    places = _CODE_ERRORS
    code = CodeField(label="Code that the app shows")


class ProofForm(OperationForm):
    """Password and code: what changing a second factor takes."""

    places = {WrongPassword: "password", **_CODE_ERRORS}
    password = PasswordField()
    code = CodeField(help_text="Of your authenticator app, or a recovery code.")


class IdField(forms.IntegerField):
    """The id of something."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=1, max_value=MAX_ID, required=False, **options)


class DayField(forms.DateField):
    """A local day."""

    def __init__(self, **options: Any) -> None:
        widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
        bounds = [MinValueValidator(FIRST_DAY), MaxValueValidator(LAST_DAY)]
        super().__init__(input_formats=["%Y-%m-%d"], widget=widget, validators=bounds, required=False, **options)


class AuditFilters(forms.Form):
    """Filters of the audit log; days are local days, both included. ``before`` and ``after`` are ids to page by."""

    table = forms.ChoiceField(required=False, error_messages={"invalid_choice": "There is no such table."})
    record = IdField(label="Record number")
    action = forms.ChoiceField(required=False, choices=[("", "Anything"), *AuditLog.Action.choices])
    user = forms.ModelChoiceField(
        User.objects.order_by("email"),
        required=False,
        empty_label="Anybody",
        error_messages={"invalid_choice": "There is no such user."},
    )
    before = IdField(widget=forms.HiddenInput)
    after = IdField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, reader: User, **options: Any) -> None:
        """Offer what ``reader`` may know of; ``from`` is a word of Python's own and cannot be an attribute."""
        super().__init__(*args, **options)
        self.fields["from"] = DayField(label="From")
        self.fields["to"] = DayField(label="To")
        known = sorted(selectors.audited_tables(reader).items(), key=lambda pair: pair[1])
        self.fields["table"].choices = [("", "Everything"), *known]  # type: ignore[attr-defined]
        if not reader.may(Right.MANAGE_USERS):
            self.fields["user"] = IdField(widget=forms.HiddenInput)  # a link may name them, no list does

    def clean(self) -> dict[str, Any]:
        """Refuse days in the wrong order."""
        given = super().clean() or {}
        first, last = given.get("from"), given.get("to")
        if first and last and first > last:
            self.add_error("to", "This day is before the first one.")
        return given

    def for_selector(self) -> dict[str, Any]:
        """Return the filters by the names that the selector has for them; what is not given is None."""
        names = {"table": "table_name", "record": "record_id", "action": "action", "from": "since", "to": "until"}
        given = {name: self.cleaned_data[field] or None for field, name in names.items()}
        user = self.cleaned_data["user"]
        return {**given, "user_id": user.pk if isinstance(user, User) else user}


def _same(form: forms.Form, first: str, second: str) -> str:
    again: str = form.cleaned_data[second]
    if form.cleaned_data.get(first, again) != again:
        raise forms.ValidationError("The two passwords differ.")
    return again
