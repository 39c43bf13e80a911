"""Settings come from the environment, and production refuses to start unsafe."""

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.conf import settings as test_settings
from django.core.exceptions import ImproperlyConfigured
from packaging.version import Version

from accounts.services import users
from config import environment as configured
from config import start
from purchasing import wise_webhooks
from tests.factories import make_user

ROOT = Path(__file__).resolve().parents[1]
SAFE = {
    "SECRET_KEY": hashlib.sha512(b"a key of these tests").hexdigest(),
    "DB_ENCRYPTION_KEY": base64.urlsafe_b64encode(hashlib.sha256(b"a key of these tests").digest()).decode(),
    "DATABASE_URL": "postgres://godown@127.0.0.1/godown",
    "REDIS_URL": "redis://127.0.0.1/0",
    "ALLOWED_HOSTS": "godown.example.com",
}


TELLING = (
    "import config.settings.production as s;"
    " print(s.DEBUG, s.REGISTRATION, s.DEMO_ALLOWED, ','.join(sorted(s.MFA_REQUIRED_ROLES)) or None)"
)


def in_production(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python with these settings and none of ours."""
    env = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "config.settings.production", **environment}
    return subprocess.run([sys.executable, *arguments], env=env, cwd=ROOT, capture_output=True, text=True)


def start_production(**environment: str) -> subprocess.CompletedProcess[str]:
    return in_production("-c", TELLING, **environment)


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
    ("name", "value"),
    [("MFA_REQUIRED_ROLES", "ADMIM"), ("MFA_REQUIRED_ROLES", "SYNC"), ("REGISTRATION", "maybe"), ("ALGORITHM", "none")],
)
def test_a_mistyped_choice_is_refused_at_the_start(name, value):
    started = start_production(**{**SAFE, name: value})
    assert started.returncode == 1
    assert f"ImproperlyConfigured: '{value}' must be one of" in started.stderr


@pytest.mark.abuse("DATA-09", "DEP-02")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", ""),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", "django-insecure-" + "x" * 60),
        ("SECRET_KEY", "change-me" * 10),
        ("SECRET_KEY", "x" * 60),
        ("SECRET_KEY", "k7" * 30),
        ("SECRET_KEY", f"{test_settings.SECRET_KEY}-and-more"),
        ("DB_ENCRYPTION_KEY", ""),
        ("DB_ENCRYPTION_KEY", "not-a-fernet-key"),
        ("DB_ENCRYPTION_KEY", test_settings.DB_ENCRYPTION_KEYS[0]),
        ("DB_ENCRYPTION_KEY", f"{SAFE['DB_ENCRYPTION_KEY']},{test_settings.DB_ENCRYPTION_KEYS[0]}"),
        ("DB_ENCRYPTION_KEY", base64.urlsafe_b64encode(bytes(32)).decode()),
        ("DB_ENCRYPTION_KEY", base64.urlsafe_b64encode(b"\xff" * 32).decode()),
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


@pytest.mark.abuse("INT-07")
@pytest.mark.parametrize(
    "base",
    [
        "http://api.wise.com", "http://169.254.169.254", "file:///etc/passwd", "https://", "api.wise.com",
        "https://api.wise.com/v1", "https://api.wise.com?x=1", "http://localhost.evil.example",
    ],
)  # fmt: skip
def test_the_key_of_wise_travels_to_an_https_address_only(base):
    started = start_production(**{**SAFE, "WISE_API_BASE": base})

    assert started.returncode == 1
    assert "ImproperlyConfigured: WISE_API_BASE must" in started.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [("WISE_PATH_PREFIX", "2026Q3"), ("WISE_PATH_PREFIX", "/../x"), ("WISE_PROFILE_ID", "mine"),
     ("WISE_SOURCE_CURRENCY", "dollars")],
)  # fmt: skip
def test_settings_of_wise_that_make_no_sense_are_refused(name, value):
    started = start_production(**{**SAFE, name: value})

    assert started.returncode == 1
    assert f"ImproperlyConfigured: {name} must" in started.stderr


@pytest.mark.parametrize(
    ("base", "key"),
    [("", wise_webhooks.PRODUCTION_KEY), ("https://api.wise-sandbox.com", wise_webhooks.SANDBOX_KEY)],
)
def test_the_published_key_follows_the_address_of_wise(base, key):
    code = """
from django.conf import settings
print(settings.WISE_WEBHOOK_KEY.public_numbers().n)
"""
    printed = in_production("-c", code, **{**SAFE, "WISE_API_BASE": base})

    assert printed.stdout.strip() == str(wise_webhooks.public_key(key).public_numbers().n)


@pytest.mark.abuse("DATA-08", "DATA-09", "DEP-02")
def test_production_does_not_start_with_nothing_or_with_the_example_file():
    example = dict(re.findall(r"^([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.M))
    secret = ("SECRET_KEY", "DB_ENCRYPTION_KEY", "DATABASE_URL", "REDIS_URL", "SMTP_PASSWORD", "WISE_API_KEY")

    for environment in ({}, example):
        started = start_production(**environment)
        assert started.returncode == 1
        assert "ImproperlyConfigured: DATABASE_URL must" in started.stderr
    assert [name for name in (*secret, "WISE_WEBHOOK_SECRET") if example[name]] == []


@pytest.mark.abuse("DEP-02")
def test_the_deployment_checks_of_django_find_nothing():
    checked = in_production("manage.py", "check", "--deploy", "--fail-level", "WARNING", **SAFE)

    assert checked.returncode == 0, checked.stderr


@pytest.mark.abuse("DEP-12", "CON-12")
def test_production_has_nothing_of_the_settings_of_tests():
    code = """
import json
from django.conf import settings as s
print(json.dumps({
    "hashers": s.PASSWORD_HASHERS, "mail": s.EMAIL_BACKEND, "eager": getattr(s, "CELERY_TASK_ALWAYS_EAGER", False),
    "limits": [getattr(s, "RATELIMIT_ENABLE", True), s.RATE_LIMIT_GLOBAL, s.RATE_LIMIT_AUTH],
    "caches": [cache["BACKEND"] for cache in s.CACHES.values()], "database": s.DATABASES["default"]["OPTIONS"],
    "debug": [s.DEBUG, s.TEMPLATES[0]["OPTIONS"].get("debug", False)], "uploads": s.FILE_UPLOAD_HANDLERS,
}))
"""
    assert json.loads(in_production("-c", code, **SAFE).stdout) == {
        "hashers": ["django.contrib.auth.hashers.BCryptSHA256PasswordHasher"],
        "mail": "django.core.mail.backends.smtp.EmailBackend",
        "eager": False,
        "limits": [True, "100/m", "5/m"],
        "caches": ["django.core.cache.backends.redis.RedisCache", "core.rediscache.CountingRedisCache"],
        "database": {
            "server_side_binding": True,
            "prepare_threshold": 5,
            "connect_timeout": 5,
            "options": "-c statement_timeout=60000 -c idle_in_transaction_session_timeout=60000",
        },
        "debug": [False, False],
        "uploads": ["core.uploads.NoFiles"],
    }


@pytest.mark.parametrize("value", ["lots", "5", "0/m", "-5/m", "5/x", "5/m; 1"])
@pytest.mark.parametrize("name", ["RATE_LIMIT_GLOBAL", "RATE_LIMIT_AUTH"])
def test_a_limit_that_would_limit_nothing_is_refused_at_the_start(name, value):
    started = start_production(**{**SAFE, name: value})
    assert started.returncode == 1
    assert f"ImproperlyConfigured: {name} must be" in started.stderr


def test_the_env_file_may_name_the_settings(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("DJANGO_SETTINGS_MODULE=config.settings.production\n")
    monkeypatch.setattr(configured, "BASE_DIR", tmp_path)
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE")

    configured.prepare()

    assert os.environ["DJANGO_SETTINGS_MODULE"] == "config.settings.production"


def test_every_setting_read_from_the_environment_is_in_the_example_file():
    example = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.M))
    sources = "".join(path.read_text() for path in (ROOT / "config/settings").glob("*.py"))
    read = set(re.findall(r'env(?:\.\w+)?\(\s*"([A-Z_]+)"', sources)) | set(
        re.findall(r'_secret\("([A-Z_]+)"', sources)
    )
    assert read - example == set()


@pytest.mark.abuse("DEP-01")
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


@pytest.mark.abuse("DEP-01")
def test_the_password_of_the_demo_is_one_that_nobody_else_could_choose(db):
    with pytest.raises(users.WeakPassword):
        users.create(email="boss@example.net", password=users.DEMO_PASSWORD, role="ADMIN", actor=None)


# Secrets stay where they are


@pytest.mark.abuse("DATA-12")
def test_what_a_laptop_keeps_for_itself_is_its_owners_alone(tmp_path):
    env = {"PATH": os.environ["PATH"], "GODOWN_VAR": str(tmp_path / "var"), "DJANGO_SETTINGS_MODULE": ""}
    code = "import os; os.umask(0); import config.settings.local as s; print(s.SECRET_KEY)"

    first, again = (
        subprocess.run([sys.executable, "-c", code], env=env, cwd=ROOT, capture_output=True, text=True).stdout
        for _ in range(2)
    )

    kept = {path.name: oct(path.stat().st_mode & 0o777) for path in (tmp_path / "var").iterdir()}
    assert kept == {"secret_key": "0o600", "encryption_key": "0o600"}
    assert first == again
    assert len(first) > 40


SECRETS_IN_FILES = {
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY",
    "a key of a service account": r"\bgdk_[\w-]{40,}",
    "a key of a cloud": r"\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}|\bxox[abprs]-\w{10,}",
    "a token": r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}",
    "something encrypted": r"\bgAAAAA[\w-]{60,}",
    "a Fernet key": r"(?<![\w/+=-])[\w-]{43}=(?![\w=])",
}
MADE_HERE = {
    ".git", ".venv", ".hypothesis", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".import_linter_cache",
    "__pycache__", "node_modules", "staticfiles", "var", ".env",
}  # fmt: skip


@pytest.mark.abuse("DATA-08")
def test_no_file_of_the_repository_holds_a_secret():
    found = set()
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in MADE_HERE]
        for path in (Path(folder) / name for name in names if name not in MADE_HERE):
            text = path.read_bytes().decode("utf-8", "replace")
            found |= {(kind, match) for kind, looks in SECRETS_IN_FILES.items() for match in re.findall(looks, text)}
            assert not path.name.endswith((".sqlite3", ".dump", ".pem", ".key", ".p12"))

    typed = {(kind, key) for kind, key in found if kind == "a Fernet key" and base64.urlsafe_b64decode(key).isascii()}
    assert found - typed == set()
    assert ("a Fernet key", test_settings.DB_ENCRYPTION_KEYS[0]) in typed  # text, which production refuses


@pytest.mark.abuse("DATA-07")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgres://godown:hunter2/hunter2@127.0.0.1/godown"),
        ("DATABASE_URL", "postgres://godown:hunter2?hunter2@127.0.0.1/godown"),
        ("DATABASE_URL", "//godown:hunter2@127.0.0.1/godown"),
        ("DATABASE_URL", "hunter2"),
        ("REDIS_URL", "redis://:hunter2/hunter2@127.0.0.1/0"),
        ("REDIS_URL", "redis://:hunter2#hunter2@127.0.0.1/0"),
        ("REDIS_URL", "//:hunter2@127.0.0.1/0"),
        ("SECRET_KEY", "hunter2"),
        ("DB_ENCRYPTION_KEY", "hunter2"),
        ("WISE_API_KEY", "hunter2 hunter2"),
        ("WISE_WEBHOOK_SECRET", "hunter2"),
        ("WISE_API_BASE", "https://hunter2:hunter2@api.wise.com"),
    ],
)
def test_a_secret_that_cannot_be_used_is_refused_and_not_repeated(name, value):
    started = start_production(**{**SAFE, name: value})

    assert started.returncode == 1
    assert f"ImproperlyConfigured: {name} " in started.stderr
    assert "hunter2" not in started.stderr + started.stdout


@pytest.mark.abuse("DATA-07")
@pytest.mark.parametrize("line", ["SECRET_KEY = hunter2", "SECRET_KEY: hunter2", "hunter2"])
def test_a_line_of_the_env_file_that_cannot_be_read_is_not_repeated(tmp_path, line):
    (tmp_path / "env").write_text(f"{line}\n")
    code = f"import config.settings.base as base; base.environment.environ.Env.read_env({str(tmp_path / 'env')!r})"

    read = in_production("-c", code)

    assert (read.returncode, read.stdout, read.stderr) == (0, "", "")


PASSWORDS = {"database": "dbpw-Zx81c", "redis": "redispw-Lq55v", "mail": "smtppw-Kd30w", "payments": "wisepw-Mn72b"}
DOWN = {
    **SAFE,
    "DATABASE_URL": f"postgres://godown:{PASSWORDS['database']}@127.0.0.1:1/godown",
    "REDIS_URL": f"redis://:{PASSWORDS['redis']}@127.0.0.1:1/0",
    "SMTP_PASSWORD": PASSWORDS["mail"],
    "WISE_API_KEY": PASSWORDS["payments"],
    "MFA_REQUIRED_ROLES": "NONE",
    "LOG_LEVEL": "DEBUG",
}
ASKING = """
import django
django.setup()
from django.conf import settings
from django.test import Client
from accounts.tasks import mail_notice
from core import health

def crash(*given, **named):
    hidden = (settings.SECRET_KEY, settings.DB_ENCRYPTION_KEYS, settings.DATABASES, settings.REDIS_URL)
    raise RuntimeError("a bug")

client = Client(raise_request_exception=False, HTTP_HOST="godown.example.com")
for cookie in ("", "a" * 32):
    client.cookies["__Host-sessionid"] = cookie
    for path in ("/sign-in", "/account", "/admin/", "/api/products", "/api/docs", "/health/ready", "/nothing"):
        for headers in ({}, {"Authorization": "Bearer gdk_x"}):
            print(path, client.get(path, secure=True, headers=headers).content.decode())
login = {"email": "mei@example.net", "password": "correct horse battery"}
print(client.post("/api/auth/login", login, "application/json", secure=True).content.decode())
client.cookies.clear()
health.JsonResponse = crash
print(client.get("/health", secure=True).content.decode())
print(mail_notice.apply((1, "password_changed")).traceback)
"""


WORKING = """
from config.celery import app
app.conf.broker_connection_max_retries = 1
app.start(["worker", "--pool", "solo", "--loglevel", "DEBUG"])
"""
BREAKING = {
    "requests and a job": ("-c", ASKING),
    "the server": ("-c", "import config.wsgi"),
    "a worker": ("-c", WORKING),
    "a command": ("manage.py", "verify_ledger", "--traceback"),
    "migrations": ("manage.py", "migrate"),
}


@pytest.mark.abuse("DATA-07")
def test_whatever_breaks_no_secret_is_printed():
    with ThreadPoolExecutor(len(BREAKING)) as pool:
        runs = pool.map(lambda arguments: in_production(*arguments, **DOWN), BREAKING.values())
        printed = dict(zip(BREAKING, [run.stdout + run.stderr for run in runs], strict=True))

    assert [name for name, text in printed.items() if "OperationalError" not in text] == []
    assert "ERROR django.request Internal Server Error: /health" in printed["requests and a job"]
    assert "RuntimeError: a bug" in printed["requests and a job"]
    assert "Cannot connect to redis://:**@127.0.0.1:1/0" in printed["a worker"]
    hidden = [*PASSWORDS.values(), SAFE["SECRET_KEY"], SAFE["DB_ENCRYPTION_KEY"], "correct horse battery"]
    assert [(name, secret) for name, text in printed.items() for secret in hidden if secret in text] == []


# What others found

FLOORS = {
    "django": "5.2.19",
    "djangorestframework": "3.18.1",
    "djangorestframework-simplejwt": "5.5.1",
    "pyjwt": "2.13.0",
    "django-otp": "1.7.5",
    "django-auditlog": "3.4.1",
    "django-cors-headers": "4.9.0",
    "bleach": "6.4.0",
    "bcrypt": "5.0.0",
}


@pytest.mark.abuse("DEP-07")
def test_no_package_is_older_than_the_mending_of_its_last_known_hole():
    pinned = dict(re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==([\w.]+)", (ROOT / "requirements.txt").read_text(), re.M))

    assert {name: pinned[name] for name, floor in FLOORS.items() if Version(pinned[name]) < Version(floor)} == {}


@pytest.mark.abuse("DEP-07")
@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_package_is_pinned_by_its_hash(name):
    text = (ROOT / name).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]

    assert [line for line in lines if "==" not in line or "--hash=sha256:" not in line] == []
    assert len(lines) > 40
