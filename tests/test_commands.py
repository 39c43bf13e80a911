"""Commands of the host: what they do, what they print, whom the audit log names."""

import os
import sqlite3
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.conf import settings as project
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command, get_commands, load_command_class
from django.utils import timezone

from accounts.models import AuditLog, ServiceKey, TotpDevice
from accounts.rights import Role
from accounts.services import users
from config import command_line
from config.settings import base
from core import operations
from inventory.models import SupplierBankAccount
from inventory.services import suppliers
from tests.conftest import bearing
from tests.factories import PASSWORD, make_supplier, make_user
from tests.test_admin import Kept, last_row, with_mfa

User = get_user_model()
ROOT = Path(__file__).resolve().parents[1]
GOOD = "twelve brave otters"
ACCOUNT_NUMBER = "6222000011118642"
OURS = ["seed", "import_sales", "verify_ledger", "service_account", "reset_mfa", "rotate_keys", "backtest"]


def run(*arguments, **options):
    """Run a command and return what it printed."""
    out = StringIO()
    call_command(*arguments, stdout=out, **options)
    return out.getvalue()


def since(row):
    return AuditLog.objects.filter(pk__gt=row).order_by("pk")


def opens(key):
    return bearing(key).get("/api/inventory").status_code == 200


@pytest.mark.parametrize("name", OURS)
def test_every_command_says_what_it_is_for(name, capsys):
    command = load_command_class(get_commands()[name], name)

    assert command.help.endswith(".")
    with pytest.raises(SystemExit) as ended:
        command.run_from_argv(["manage.py", name, "--help"])
    assert ended.value.code == 0
    assert f"usage: manage.py {name}" in capsys.readouterr().out


# manage.py service_account


def test_a_service_account_is_made_and_its_key_printed_alone(admin):
    key = run("service_account", "create", "Shop@example.net").removesuffix("\n")

    made = User.objects.get(email="shop@example.net")
    assert (made.role, made.has_usable_password()) == (Role.SYNC, False)
    assert key.startswith("gdk_")
    assert opens(key)
    # Nobody who was not there is named; the log says which command it was.
    assert AuditLog.objects.get(table_name="users", record_id=made.pk).user_id is None


def test_who_acts_can_be_told(admin):
    other = make_user(Role.ADMIN, email="lin@example.net")

    run("service_account", "create", "shop@example.net", "--user", "LIN@example.net")

    assert AuditLog.objects.latest("pk").user_id == other.pk


def test_a_service_account_can_be_made_before_there_is_an_administrator(db):
    run("service_account", "create", "shop@example.net")

    assert set(AuditLog.objects.values_list("user_id", flat=True)) == {None}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["create", "no address"], "valid email address"),
        (["create", "shop@example.net"], "There is an account with the e-mail shop@example.net already."),
        (["create", "new@example.net", "--user", "nobody@example.net"], "There is no active user nobody@example.net."),
        (["rotate", "nobody@example.net"], "There is no active user nobody@example.net."),
        (["rotate", "shop@example.net", "--grace", "-1"], "--grace must be between 0 and 10080 minutes."),
        (["rotate", "shop@example.net", "--grace", "10081"], "--grace must be between 0 and 10080 minutes."),
        (["rotate", "shop@example.net", "--grace", "soon"], "invalid int value"),
        (["rotate", "mei@example.net"], "Only a service account"),
        (["delete", "shop@example.net"], "invalid choice"),
        ([], "required"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(admin, arguments, reason):
    make_user(Role.STAFF, email="mei@example.net")
    users.create_service("shop@example.net", actor=admin)
    before = (User.objects.count(), list(ServiceKey.objects.values()), last_row())

    with pytest.raises(CommandError, match=reason):
        run("service_account", *arguments)

    assert (User.objects.count(), list(ServiceKey.objects.values()), last_row()) == before


@pytest.mark.abuse("INT-09")
def test_a_rotated_key_is_printed_and_the_old_one_ends_after_the_grace(admin):
    _, old = users.create_service("shop@example.net", actor=admin)

    second = run("service_account", "rotate", "shop@example.net", "--grace", "30").removesuffix("\n")

    assert opens(old)
    assert opens(second)
    left = ServiceKey.objects.get(expires_at__isnull=False).expires_at - timezone.now()
    assert timedelta(minutes=29) < left <= timedelta(minutes=30)

    third = run("service_account", "rotate", "shop@example.net").removesuffix("\n")

    assert [opens(key) for key in (old, second, third)] == [False, False, True]


def test_the_list_tells_accounts_and_ends_and_no_secret(admin):
    shop, key = users.create_service("shop@example.net", actor=admin)
    users.create_service("b@example.net", actor=admin)
    users.rotate_service_key(shop.pk, now=timezone.now(), grace=timedelta(minutes=5), actor=admin)
    users.change(users.by_email("b@example.net").pk, is_active=False, actor=admin)

    lines = run("service_account", "list").splitlines()

    assert [line for line in lines if not line.startswith(" ")] == ["b@example.net (not active)", "shop@example.net"]
    assert [line.partition(", ")[2].split(" ")[0] for line in lines if line.startswith(" ")] == ["ends", "does"]
    secrets = [key, key[:12], *ServiceKey.objects.values_list("digest", flat=True)]
    assert [secret for secret in secrets if secret in "\n".join(lines)] == []


# manage.py reset_mfa


@pytest.mark.abuse("DEP-11")
def test_the_only_administrator_gets_back_in_without_the_lost_second_factor(db):
    boss, _ = with_mfa(Role.ADMIN)

    printed = run("reset_mfa", boss.email.upper())

    assert printed == f"{boss.email} has no second factor now, and is signed out everywhere.\n"
    assert not User.objects.get(pk=boss.pk).mfa_enabled
    assert not TotpDevice.objects.exists()
    assert AuditLog.objects.latest("pk").user_id is None


@pytest.mark.parametrize(
    ("email", "reason"),
    [("mei@example.net", "There is no second factor"), ("nobody@example.net", "There is no active user nobody")],
)
def test_a_second_factor_that_is_not_there_is_not_reset(admin, email, reason):
    make_user(Role.STAFF, email="mei@example.net")
    _, device = with_mfa(Role.STAFF)

    with pytest.raises(CommandError, match=reason):
        run("reset_mfa", email)

    assert TotpDevice.objects.get() == device


# manage.py rotate_keys


@pytest.fixture
def secrets(admin):
    """A second factor and a bank account, encrypted with the key that is the only one now."""
    _, device = with_mfa(Role.STAFF)
    account = suppliers.add_bank_account(
        make_supplier().pk, holder="F", bank_name="B", account_number=ACCOUNT_NUMBER, actor=admin
    )
    return device.reveal_secret(), account


@pytest.mark.abuse("DATA-04")
def test_everything_is_encrypted_with_the_newest_key_and_the_old_one_can_go(secrets, admin, settings):
    seed, _ = secrets
    row, new = last_row(), Fernet.generate_key().decode()
    settings.DB_ENCRYPTION_KEYS = [new, *project.DB_ENCRYPTION_KEYS]

    with Kept() as kept:
        printed = run("rotate_keys")

    assert (
        printed == "second factors: 1 encrypted with the newest key\nbank accounts: 1 encrypted with the newest key\n"
    )
    settings.DB_ENCRYPTION_KEYS = [new]
    assert TotpDevice.objects.get().reveal_secret() == seed
    assert SupplierBankAccount.objects.get().reveal_account_number() == ACCOUNT_NUMBER
    rows = since(row)
    assert {(line.table_name, line.user_id) for line in rows} == {
        ("totp_devices", None),
        ("supplier_bank_accounts", None),
    }
    assert seed not in str(list(rows.values()))
    assert ACCOUNT_NUMBER not in str(list(rows.values()))
    (event,) = kept.events("keys_rotated")
    assert (event["second_factors"], event["bank_accounts"], event["user_id"]) == (1, 1, None)


@pytest.mark.abuse("DATA-04")
def test_running_it_again_changes_nothing(secrets):
    row = last_row()

    assert run("rotate_keys").count(": 0 encrypted") == 2

    assert list(since(row)) == []


def test_a_key_that_is_gone_stops_it_with_a_sentence(secrets, settings):
    tokens = list(SupplierBankAccount.objects.values_list("account_number"))
    settings.DB_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    with pytest.raises(CommandError, match=r"cannot be read.*goes on from here\.$"):
        run("rotate_keys")

    assert list(SupplierBankAccount.objects.values_list("account_number")) == tokens


# Django's own


def test_the_first_administrator_is_made_from_the_environment_and_recorded(db, monkeypatch, settings):
    settings.PASSWORD_HASHERS = base.PASSWORD_HASHERS
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", GOOD)

    run("createsuperuser", "--noinput", "--email", "Boss@example.net")

    boss = User.objects.get()
    assert (boss.email, boss.role, boss.is_active) == ("boss@example.net", Role.ADMIN, True)
    assert boss.password.startswith("bcrypt_sha256$$2b$12$")
    assert boss.check_password(GOOD)
    row = AuditLog.objects.get()
    assert (row.table_name, row.action, row.user_id) == ("users", "CREATE", None)
    assert row.new_values["password"] == "(hidden)"
    assert GOOD not in str(row.new_values)


@pytest.mark.parametrize("email", ["boss@example.net", "BOSS@example.net"])
def test_an_e_mail_that_is_taken_makes_no_second_administrator(db, monkeypatch, email):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", GOOD)
    make_user(email="boss@example.net")

    with pytest.raises(CommandError, match="already taken"):
        run("createsuperuser", "--noinput", "--email", email)

    assert User.objects.get().check_password(PASSWORD)


class Terminal(StringIO):
    """Somebody types."""

    def isatty(self):
        return True


@pytest.mark.abuse("AUTH-32")
def test_a_weak_password_is_refused_at_the_terminal(db, monkeypatch):
    typed = iter(["password1", "password1", GOOD, GOOD])
    monkeypatch.setattr("getpass.getpass", lambda *_: next(typed))
    monkeypatch.setattr("builtins.input", lambda *_: "n")
    err = StringIO()

    run("createsuperuser", "--email", "boss@example.net", stdin=Terminal(), stderr=err)

    assert "too common" in err.getvalue()
    assert User.objects.get().check_password(GOOD)


@pytest.mark.abuse("AUTH-32")
def test_a_password_is_changed_at_the_terminal_validated_hidden_and_ends_every_sign_in(db, monkeypatch):
    user = make_user(Role.STAFF)
    stamp, row = user.get_session_auth_hash(), last_row()
    typed = iter(["1", "1", GOOD, GOOD])
    monkeypatch.setattr("getpass.getpass", lambda *_, **__: next(typed))
    err = StringIO()

    run("changepassword", user.email, stderr=err)

    changed = User.objects.get(pk=user.pk)
    assert "too short" in err.getvalue()
    assert changed.check_password(GOOD)
    assert changed.get_session_auth_hash() != stamp
    assert [(line.table_name, line.action, line.old_values, line.new_values) for line in since(row)] == [
        ("users", "UPDATE", {"password": "(hidden)"}, {"password": "(hidden)"})
    ]


# Who it was


@pytest.mark.abuse("AUD-10")
@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["createsuperuser", "--noinput", "--email", "boss@example.net"], "manage.py createsuperuser"),
        (["service_account", "create", "shop@example.net"], "manage.py service_account"),
        (["seed"], "manage.py seed"),
    ],
)
def test_the_audit_log_tells_which_command_it_was(db, monkeypatch, arguments, name):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", GOOD)
    monkeypatch.setattr(command_line, "execute_from_command_line", lambda argv: run(*argv[1:]))

    command_line.run(["manage.py", *arguments])

    assert set(AuditLog.objects.values_list("user_agent", flat=True)) == {name}
    assert operations.origin() == operations.Origin()


@pytest.mark.parametrize(("arguments", "length"), [([], 14), (["x" * 600], 512)])
def test_whatever_is_typed_fits_the_column(monkeypatch, arguments, length):
    seen = []
    monkeypatch.setattr(command_line, "execute_from_command_line", lambda _: seen.append(operations.origin()))

    command_line.run(["manage.py", *arguments])

    assert [len(there.user_agent) for there in seen] == [length]


def test_the_real_command_line_does_so(tmp_path):
    """One run of manage.py itself, on a database of its own."""
    env = {**os.environ, "GODOWN_VAR": str(tmp_path), "DATABASE_URL": "", "REDIS_URL": ""}
    env |= {"DJANGO_SETTINGS_MODULE": "config.settings.local", "DJANGO_SUPERUSER_PASSWORD": GOOD}

    def manage(*arguments):
        return subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=env, capture_output=True, text=True
        )

    assert manage("migrate", "--verbosity", "0").returncode == 0
    assert manage("createsuperuser", "--noinput", "--email", "boss@example.net").returncode == 0
    refused = manage("reset_mfa", "boss@example.net")

    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("CommandError: There is no second factor")
    with sqlite3.connect(tmp_path / "godown.sqlite3") as database:
        rows = database.execute("SELECT table_name, action, user_agent FROM audit_log").fetchall()
    assert rows == [("users", "CREATE", "manage.py createsuperuser")]
