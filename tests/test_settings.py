"""Settings come from the environment, and production refuses to start unsafe."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from accounts.services import users
from config import start
from tests.factories import make_user

ROOT = Path(__file__).resolve().parents[1]
SAFE = {
    "SECRET_KEY": "k7" * 30,
    "DB_ENCRYPTION_KEY": Fernet.generate_key().decode(),
    "DATABASE_URL": "postgres://godown@127.0.0.1/godown",
    "REDIS_URL": "redis://127.0.0.1/0",
    "ALLOWED_HOSTS": "godown.example.com",
}


def start_production(**environment: str) -> subprocess.CompletedProcess[str]:
    code = (
        "import config.settings.production as s;"
        " print(s.DEBUG, s.REGISTRATION, s.DEMO_ALLOWED, ','.join(sorted(s.MFA_REQUIRED_ROLES)) or None)"
    )
    env = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "config.settings.production", **environment}
    return subprocess.run([sys.executable, "-c", code], env=env, cwd=ROOT, capture_output=True, text=True)


def test_production_starts_with_secrets_of_its_own_closed_and_without_debug():
    started = start_production(**SAFE)
    assert (started.returncode, started.stdout.split()) == (0, ["False", "closed", "False", "ADMIN"])


def test_what_the_example_file_leaves_empty_is_safe_in_production():
    started = start_production(**SAFE, REGISTRATION="", MFA_REQUIRED_ROLES="")
    assert started.stdout.split() == ["False", "closed", "False", "ADMIN"]


@pytest.mark.parametrize(("given", "taken"), [("ADMIN, STAFF", "ADMIN,STAFF"), ("NONE", "None")])
def test_the_roles_that_need_a_second_factor_can_be_chosen(given, taken):
    assert start_production(**SAFE, MFA_REQUIRED_ROLES=given).stdout.split()[-1] == taken


@pytest.mark.parametrize(
    ("name", "value"), [("MFA_REQUIRED_ROLES", "ADMIM"), ("MFA_REQUIRED_ROLES", "SYNC"), ("REGISTRATION", "maybe")]
)
def test_a_mistyped_choice_is_refused_at_the_start(name, value):
    started = start_production(**{**SAFE, name: value})
    assert started.returncode == 1
    assert f"ImproperlyConfigured: '{value}' must be one of" in started.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", ""),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", "django-insecure-" + "x" * 60),
        ("SECRET_KEY", "change-me" * 10),
        ("DB_ENCRYPTION_KEY", ""),
        ("DB_ENCRYPTION_KEY", "not-a-fernet-key"),
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "sqlite:///x.sqlite3"),
        ("REDIS_URL", ""),
        ("ALLOWED_HOSTS", ""),
        ("ALLOWED_HOSTS", "*"),
        ("DEBUG", "true"),
    ],
)
def test_production_refuses_what_is_missing_default_or_unsafe(name, value):
    started = start_production(**{**SAFE, name: value})
    assert started.returncode == 1
    assert f"ImproperlyConfigured: {name} must" in started.stderr


def test_every_setting_read_from_the_environment_is_in_the_example_file():
    example = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.M))
    sources = "".join(path.read_text() for path in (ROOT / "config/settings").glob("*.py"))
    read = set(re.findall(r'env(?:\.\w+)?\(\s*"([A-Z_]+)"', sources)) | set(
        re.findall(r'_secret\("([A-Z_]+)"', sources)
    )
    assert read - example == set()


def test_production_refuses_the_demo_users_public_password(db, settings):
    demo = make_user(email=users.DEMO_EMAIL)
    demo.set_password(users.DEMO_PASSWORD)
    demo.save()
    start.refuse_demo_password()  # fine on a laptop

    settings.DEMO_ALLOWED = False
    with pytest.raises(ImproperlyConfigured, match="demo password"):
        start.refuse_demo_password()

    demo.set_password("something of one's own")
    demo.save()
    start.refuse_demo_password()
