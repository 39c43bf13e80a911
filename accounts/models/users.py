"""People and service accounts that sign in."""

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import connection, models
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac

from accounts import rights
from core.timestamps import Timestamped

_OF_SIGN_IN = """
SELECT users.id, email, password_hash, mfa_enabled, role, is_active, credentials_version
FROM users JOIN sign_ins ON sign_ins.user_id = users.id
WHERE sign_ins.id = %s AND users.id = %s AND is_active
"""


class UserManager(BaseUserManager["User"]):
    """Finds users by e-mail, whatever its letters' case."""

    def with_email(self, email: str) -> "models.QuerySet[User]":
        """Return the user with this e-mail, compared as the unique constraint does.

        By iexact, which is UPPER on PostgreSQL, "ı@" and "i@" would be one address. Lowered here first, as limits by
        account do: PostgreSQL makes "i" of "İ", and each such spelling would be counted apart.
        """
        return self.alias(lowered=Lower("email")).filter(lowered=Lower(models.Value(email.lower())))

    def get_by_natural_key(self, username: str | None) -> "User":
        """Return the user who signs in with this e-mail."""
        return self.with_email(username or "").get()

    def of_sign_in(self, sign_in_id: int, user_id: int) -> "User | None":
        """Return the active user of a sign-in that has not been ended, with what every request needs to know.

        Written out: this runs before every request of the API, and the ORM takes longer to compose the query
        than the database to answer it.
        """
        with connection.cursor() as cursor:
            cursor.execute(_OF_SIGN_IN, [sign_in_id, user_id])
            row = cursor.fetchone()
        if row is None:
            return None
        user_id, email, password, mfa_enabled, role, is_active, version = row
        # In the order of the model's fields, which from_db expects; the others are read when somebody asks.
        names = ("id", "email", "password", "mfa_enabled", "role", "is_active", "credentials_version")
        values = (user_id, email, password, bool(mfa_enabled), role, bool(is_active), version)
        return self.model.from_db(connection.alias, names, values)

    def of_service_key(self, digest: str, *, now: datetime) -> "User | None":
        """Return the active service account whose key, not ended, has this digest."""
        alive = models.Q(service_keys__expires_at__isnull=True) | models.Q(service_keys__expires_at__gt=now)
        # In one filter: in a second one, any other key of the account would do for being alive.
        return self.filter(alive, role=rights.Role.SYNC, is_active=True, service_keys__digest=digest).first()

    def active_admins(self) -> "models.QuerySet[User]":
        """Return those who can manage users."""
        return self.filter(role=rights.Role.ADMIN, is_active=True)

    def create_user(self, email: str, password: str | None = None, **fields: object) -> "User":
        """Make a user; without a password the account can never sign in with one."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> "User":
        """Make the first ADMIN (``manage.py createsuperuser``)."""
        return self.create_user(email, password, **{**fields, "role": rights.Role.ADMIN})


class User(AbstractBaseUser, Timestamped):
    """One who signs in. What a user may do follows from the role alone (``accounts.rights``)."""

    Role = rights.Role

    email = models.EmailField(max_length=254, unique=True)
    password = models.CharField(max_length=128, db_column="password_hash", help_text="bcrypt, cost 12.")
    mfa_enabled = models.BooleanField(default=False)
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.STAFF)
    is_active = models.BooleanField(default=True)
    credentials_version = models.PositiveIntegerField(
        default=1, help_text="Grows whenever everything this user is signed in with ends."
    )

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        db_table = "users"
        constraints = [
            models.UniqueConstraint(Lower("email"), name="users_email_unique_in_any_case"),
            models.CheckConstraint(name="users_role_is_known", condition=models.Q(role__in=rights.Role.values)),
        ]

    def __str__(self) -> str:
        return self.email

    def may(self, right: rights.Right) -> bool:
        """Whether this user's role holds ``right``; nobody deactivated, or without a demanded second factor, does."""
        return self.is_active and right in rights.of(self.role) and not self.must_set_up_mfa

    @property
    def is_service(self) -> bool:
        """Whether a program signs in with this account: with a key, and never with a password."""
        return self.role == rights.Role.SYNC

    @property
    def must_set_up_mfa(self) -> bool:
        """Whether the role demands a second factor that is not there yet; until then there are no rights."""
        return self.role in settings.MFA_REQUIRED_ROLES and not self.mfa_enabled and not self.is_service

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Return what sessions and tokens carry of this user: a change of any part ends them all.

        Derived from what is stored, so that a change through a shell, a fixture or SQL counts as well.
        """
        parts = (self.password, self.role, self.mfa_enabled, self.credentials_version)
        value = "|".join(str(part) for part in parts)
        return salted_hmac("accounts.User.stamp", value, secret=secret, algorithm="sha256").hexdigest()

    @property
    def is_staff(self) -> bool:
        """Whether the office's admin opens for this user."""
        return self.may(rights.Right.USE_OFFICE)

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Nothing: permissions one by one do not exist here, the office asks the table of rights (``office``)."""
        return False

    def has_module_perms(self, app_label: str) -> bool:
        """Nothing, likewise."""
        return False
