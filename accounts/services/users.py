"""Accounts: making them, changing what they may do, their passwords, the keys of service accounts."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from accounts import audit, notices
from accounts.errors import (
    EmailTaken,
    LastAdmin,
    OnlyForPeople,
    OnlyForServices,
    RegistrationClosed,
    UserNotFound,
    WeakPassword,
    WrongPassword,
)
from accounts.models import ServiceKey, TotpDevice, User
from accounts.rights import Role
from accounts.services import credentials
from core import security_log
from core.operations import operation

DEMO_EMAIL = "admin@example.com"
DEMO_PASSWORD = "admin123"  # noqa: S105 - public on purpose; production refuses to start with it
KEY_PREFIX = "gdk_"


def register(*, email: str, password: str) -> None:
    """Make the account that a stranger asks for: office staff, whatever else was sent.

    An e-mail that has an account already is answered alike and nothing happens, so that nobody learns who is here.

    Raises RegistrationClosed, WeakPassword.
    """
    if settings.REGISTRATION != "open":
        raise RegistrationClosed
    try:
        user = create(email=email, password=password, role=Role.STAFF, actor=None)
    except EmailTaken:
        security_log.event("registration_of_known_email")
    else:
        security_log.event("registered", user_id=user.pk)


def create(*, email: str, password: str, role: str, actor: User | None) -> User:
    """Make an account for a person. Raises EmailTaken, WeakPassword, OnlyForPeople for the role SYNC."""
    if role == Role.SYNC:
        raise OnlyForPeople
    _refuse_weak(password, User(email=email))
    return _made(email=email, password=password, role=role, actor=actor)


@operation
def change_password(current: str, new: str, *, actor: User) -> User:
    """Change the actor's own password; everything they are signed in with ends.

    Raises WrongPassword, WeakPassword, OnlyForPeople.
    """
    user = _locked(actor.pk)
    _refuse_service(user)
    if not user.check_password(current):
        security_log.event("password_refused", user_id=user.pk)
        raise WrongPassword
    return _with_password(user, new)


@operation
def set_password(user_id: int, new: str, *, actor: User) -> User:
    """Give somebody a new password; everything they are signed in with ends. For administrators.

    Raises UserNotFound, WeakPassword, OnlyForPeople.
    """
    user = _locked(user_id)
    _refuse_service(user)
    return _with_password(user, new)


@operation
def change(user_id: int, *, role: str | None = None, is_active: bool | None = None, actor: User) -> User:
    """Change what somebody may do; everything they are signed in with ends when it differs.

    The keys of a service account that is deactivated are gone for good. A person stays a person and a service account
    a service account.

    Raises UserNotFound, LastAdmin, OnlyForPeople, OnlyForServices.
    """
    # All administrators first and in one order, so that no two of them can take each other's role at one instant.
    admins = list(User.objects.active_admins().select_for_update().order_by("pk"))
    user = _locked(user_id)
    before = (user.role, user.is_active)
    user.role = user.role if role is None else role
    user.is_active = user.is_active if is_active is None else is_active
    if (user.role, user.is_active) == before:
        return user
    if (Role.SYNC in (user.role, before[0])) and user.role != before[0]:
        raise OnlyForPeople if user.role == Role.SYNC else OnlyForServices
    if [admin.pk for admin in admins] == [user.pk]:
        raise LastAdmin
    if user.is_service and not user.is_active:
        # A key that was shut out must not come back with the account.
        for key in ServiceKey.objects.filter(user=user):
            key.delete()
    credentials.end_everything(user, "account_changed")
    return user


@operation
def end_sign_ins(*, actor: User) -> User:
    """Sign the actor out everywhere: every token and session ends. Raises OnlyForPeople."""
    user = _locked(actor.pk)
    _refuse_service(user)
    credentials.end_everything(user, "signed_out_everywhere")
    return user


@operation
def create_service(email: str, *, actor: User | None) -> tuple[User, str]:
    """Make a service account and return it with its key, which is shown this once. Raises EmailTaken."""
    user = _made(email=email, password=None, role=Role.SYNC, actor=actor)
    return user, _new_key(user)


@operation
def rotate_service_key(user_id: int, *, now: datetime, grace: timedelta = timedelta(0), actor: User | None) -> str:
    """Return a new key of a service account, shown this once; the old ones end after ``grace``, at once by default.

    Raises UserNotFound, OnlyForServices.
    """
    user = _locked(user_id)
    if not user.is_service:
        raise OnlyForServices
    for key in ServiceKey.objects.filter(user=user):
        end = now + grace
        if key.expires_at is not None and key.expires_at <= now:
            key.delete()
        elif key.expires_at is None or key.expires_at > end:
            key.expires_at = end
            key.save(update_fields=["expires_at"])
    return _new_key(user)


@operation
def unlock(user_id: int, *, actor: User | None) -> None:
    """Forget the wrong codes of a user, who then need not wait. For administrators."""
    device = TotpDevice.objects.select_for_update().filter(user_id=user_id).first()
    if device is None or not device.throttling_failure_count:
        return
    change = ({"wrong_codes": device.throttling_failure_count}, {"wrong_codes": 0})
    device.throttle_reset()
    audit.record(TotpDevice, audit.Action.UPDATE, [(device.pk, *change)])


def of_service_key(key: str, *, now: datetime) -> User | None:
    """Return the active service account with this key, or None."""
    return User.objects.of_service_key(_digest(key), now=now)


def by_id(user_id: int) -> User:
    """Return a user as they are stored now. Raises UserNotFound."""
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        raise UserNotFound(user_id)
    return user


def by_email(email: str) -> User | None:
    """Return the active user with this e-mail, whatever its case."""
    return User.objects.with_email(email).filter(is_active=True).first()


def first_admin() -> User | None:
    """Return the ADMIN who was there first: the one that commands act for unless told otherwise."""
    return User.objects.active_admins().order_by("id").first()


def demo_password_is_in_place() -> bool:
    """Whether somebody could sign in with the demo user's public password."""
    demo = by_email(DEMO_EMAIL)
    return demo is not None and demo.check_password(DEMO_PASSWORD)


def _made(*, email: str, password: str | None, role: str, actor: User | None) -> User:
    try:
        return _inserted(email=email, password=password, role=role, actor=actor)
    except IntegrityError as error:
        raise EmailTaken(email) from error


@operation
def _inserted(*, email: str, password: str | None, role: str, actor: User | None) -> User:
    return User.objects.create_user(email, password, role=role)


def _with_password(user: User, new: str) -> User:
    _refuse_weak(new, user)
    user.set_password(new)
    credentials.end_everything(user, "password_changed")
    notices.send(user, "password_changed")
    return user


def _new_key(user: User) -> str:
    key = KEY_PREFIX + secrets.token_urlsafe(32)
    ServiceKey.objects.create(user=user, digest=_digest(key))
    security_log.event("service_key_made", account=user.email)
    return key


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _locked(user_id: int) -> User:
    user = User.objects.select_for_update().filter(pk=user_id).first()
    if user is None:
        raise UserNotFound(user_id)
    return user


def _refuse_service(user: User) -> None:
    if user.is_service:
        raise OnlyForPeople


def _refuse_weak(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise WeakPassword(list(error.messages)) from error
