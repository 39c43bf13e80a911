"""People and service accounts that sign in."""

from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import connection, models
from django.db.models.functions import Lower

from accounts import rights
from core.timestamps import Timestamped


class UserManager(BaseUserManager["User"]):
    """Finds users by e-mail, whatever its letters' case."""

    def with_email(self, email: str) -> "models.QuerySet[User]":
        """Return the user with this e-mail, compared as the unique constraint does.

        By iexact, which is UPPER on PostgreSQL, "ı@" and "i@" would be one address.
        """
        return self.alias(lowered=Lower("email")).filter(lowered=Lower(models.Value(email)))

    def get_by_natural_key(self, username: str | None) -> "User":
        """Return the user who signs in with this e-mail."""
        return self.with_email(username or "").get()

    def of_token(self, user_id: int) -> "User | None":
        """Return the user whom a token names, with what every request needs to know.

        Written out: this runs before every request of the API, and the ORM takes longer to compose the query
        than the database to answer it.
        """
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, email, password_hash, mfa_enabled, role, is_active FROM users WHERE id = %s", [user_id]
            )
            row = cursor.fetchone()
        if row is None:
            return None
        user_id, email, password, mfa_enabled, role, is_active = row
        # In the order of the model's fields, which from_db expects; the others are read when somebody asks.
        names = ("id", "email", "password", "mfa_enabled", "role", "is_active")
        values = (user_id, email, password, bool(mfa_enabled), role, bool(is_active))
        return self.model.from_db(connection.alias, names, values)

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
        """Whether this user's role holds ``right``; nobody deactivated holds any."""
        return self.is_active and right in rights.of(self.role)

    @property
    def is_staff(self) -> bool:
        """Whether the office's admin opens for this user."""
        return self.may(rights.Right.USE_OFFICE)

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Whether the admin shows something: it reads everything and leaves every change to the operations."""
        return self.is_staff and perm.rsplit(".", maxsplit=1)[-1].startswith("view_")

    def has_module_perms(self, app_label: str) -> bool:
        """Whether the admin lists an app."""
        return self.is_staff
