"""Settings that hold everywhere; every value that may differ comes from the environment (``.env.example``)."""

import contextlib
import ipaddress
import os
import re
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from django.core.exceptions import ImproperlyConfigured

from config import addresses, environment
from purchasing.wise_webhooks import public_key

BASE_DIR = environment.BASE_DIR

env = environment.read()
VAR_DIR = Path(os.environ.get("GODOWN_VAR") or BASE_DIR / "var")


def networks(text: list[str]) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Read addresses and CIDR ranges."""
    return [ipaddress.ip_network(item.strip()) for item in text if item.strip()]


def one_of(*allowed: str, given: str) -> str:
    """Return ``given`` when it is allowed, or refuse to start."""
    if given not in allowed:
        raise ImproperlyConfigured(f"{given!r} must be one of: {', '.join(allowed)}.")
    return given


def one_matching(pattern: str, name: str, *, given: str) -> str:
    """Return ``given`` when it looks as it should, or refuse to start."""
    if not re.fullmatch(pattern, given):
        raise ImproperlyConfigured(f"{name} must look like {pattern}.")
    return given


def roles(text: str) -> frozenset[str]:
    """Read roles, comma-separated; NONE, like nothing, is none."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    return frozenset(one_of("ADMIN", "STAFF", "BUYER", "VIEWER", "NONE", given=name) for name in names) - {"NONE"}


def rate(name: str, *, default: str) -> str:
    """Return a limit such as "5/m", or refuse to start: one that cannot be read would limit nothing."""
    given: str = env(name, default="") or default
    if not re.fullmatch(r"[1-9][0-9]{0,8}/[0-9]{0,4}[smhd]", given):
        raise ImproperlyConfigured(f"{name} must be a number of requests in a time, such as {default}.")
    return given


def database(url: str) -> dict[str, Any]:
    """Read the address of the database, or refuse to start without repeating it: there is a password in it."""
    found: dict[str, Any] = {}
    with warnings.catch_warnings(action="ignore"), contextlib.suppress(ValueError):
        found = env.db_url_config(url)
    if "ENGINE" not in found:
        raise ImproperlyConfigured(
            "DATABASE_URL cannot be read; write / : @ # ? in its password as %2F %3A %40 %23 %3F."
        )
    return found


def redis_url(url: str) -> str:
    """Return the address of Redis, or refuse to start, likewise."""
    try:
        scheme, _ = urlsplit(url).scheme, urlsplit(url).port  # raises for a port that is a piece of the password
    except ValueError:
        scheme = "unreadable"
    if url and scheme not in ("redis", "rediss", "unix"):
        raise ImproperlyConfigured("REDIS_URL cannot be read; write / : @ # ? in its password as %2F %3A %40 %23 %3F.")
    return url


def wise_base(url: str) -> str:
    """Return the address of Wise's API, or refuse to start: the key must not travel in clear, nor to a path."""
    parts = urlsplit(url)
    is_own = parts.hostname in ("127.0.0.1", "localhost", "::1")
    plain = (parts.path.strip("/"), parts.query, parts.fragment, parts.username) == ("", "", "", None)
    if not plain or not parts.hostname or parts.scheme not in (("http", "https") if is_own else ("https",)):
        raise ImproperlyConfigured("WISE_API_BASE must be an https address without a path, such as that of Wise.")
    return url.rstrip("/")


def wise_public_key(given: str, base: str) -> RSAPublicKey:
    """Return the key that verifies what Wise sends, or refuse to start without repeating what was given."""
    default = "sandbox" if (urlsplit(base).hostname or "").endswith("wise-sandbox.com") else "production"
    try:
        return public_key(given or default)
    except ValueError as error:
        raise ImproperlyConfigured(
            "WISE_WEBHOOK_SECRET must be production, sandbox, or an RSA public key (PEM, or DER in base64)."
        ) from error


DEBUG = False
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False  # both forms are answered; nothing is redirected (core.middleware)
APP_BASE_URL = addresses.of_godown(env("APP_BASE_URL", default="") or "http://127.0.0.1:8000")

INSTALLED_APPS = [
    "config.apps.OfficeConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "auditlog",
    "django_otp",
    "core",
    "accounts",
    "inventory",
    "sales",
    "purchasing",
    "planning",
    "config",
]

MIDDLEWARE = [
    "core.middleware.SecurityHeaders",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "core.middleware.OptionalSlash",
    "corsheaders.middleware.CorsMiddleware",
    "core.middleware.RateLimit",
    "core.middleware.KnownLength",
    "core.middleware.RequestOrigin",
    "core.middleware.SessionIds",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "accounts.middleware.VerifiedSession",
    "accounts.middleware.SessionActor",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "core.middleware.Refusals",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# Database. Every operation opens its own transaction; a request is not one.
DATABASES = {"default": database(env("DATABASE_URL", default="") or f"sqlite:///{VAR_DIR / 'godown.sqlite3'}")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # IMMEDIATE: with the default mode two writers that both read first fail with "database is locked".
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"
        # Without it REPLACE deletes a row of an append-only table past the trigger that refuses to.
        " PRAGMA recursive_triggers=ON;",
    }
else:
    # Kept connections and no pool: the web server runs one thread a worker (docs/adr/0006).
    DATABASES["default"]["CONN_MAX_AGE"] = env.int("DB_CONN_MAX_AGE", default=600)
    DATABASES["default"].setdefault("OPTIONS", {}).update(
        # Values travel apart from the statement, which the server plans once a connection (0: never; for a
        # pgbouncer older than 1.21 in front of PostgreSQL).
        server_side_binding=True,
        prepare_threshold=env.int("DB_PREPARE_AFTER", default=5) or None,
        connect_timeout=5,
        options="-c statement_timeout=60000 -c idle_in_transaction_session_timeout=60000",
    )

# Cache and counters: one shared place for all processes, Redis or a locked folder.
REDIS_URL = redis_url(env("REDIS_URL", default=""))
REDIS_SECONDS = 1  # of waiting for an answer; a Redis that hangs is down, and must not hold up every request
if REDIS_URL:
    _waits = {"socket_connect_timeout": REDIS_SECONDS, "socket_timeout": REDIS_SECONDS}
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
            "OPTIONS": _waits,
        },
        "counters": {
            "BACKEND": "core.rediscache.CountingRedisCache",
            "LOCATION": REDIS_URL,
            "OPTIONS": _waits,
            "KEY_PREFIX": "count",
        },
    }
else:
    CACHES = {
        name: {"BACKEND": "core.filecache.LockedFileCache", "LOCATION": str(VAR_DIR / "cache" / name)}
        for name in ("default", "counters")
    }

# Jobs.
CELERY_BROKER_URL = REDIS_URL or "filesystem://"
if REDIS_URL:
    # For requests, which put jobs there: they must not wait for ever. Workers may (config.celery).
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {"socket_connect_timeout": 3, "socket_timeout": 3}
    CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1}
else:
    _queue = VAR_DIR / "queue"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_queue / "messages"),
        "data_folder_out": str(_queue / "messages"),
        "control_folder": str(_queue / "control"),
        "store_processed": False,
    }
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SOFT_TIME_LIMIT = 300
CELERY_TASK_TIME_LIMIT = 360
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = env("TIME_ZONE", default="Asia/Bangkok")

# People and passwords.
DEMO_ALLOWED = True  # whether the demo user with its public password may exist
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.BCryptSHA256PasswordHasher"]  # SHA256 first: no 72-byte limit
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "accounts.passwords.MaximumLength"},
]
LOGIN_URL = "/sign-in"
LOGIN_REDIRECT_URL = "/"
# Roles that have no rights until they have set up a second factor.
MFA_REQUIRED_ROLES = roles(env("MFA_REQUIRED_ROLES", default=""))
REGISTRATION = one_of("open", "closed", given=env("REGISTRATION", default="") or "closed")

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.api.permissions.HasRight"],
    "DEFAULT_PARSER_CLASSES": ["core.api.parsing.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["core.api.rendering.ExactJSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "core.api.negotiation.Negotiation",
    "DEFAULT_SCHEMA_CLASS": "core.api.schema.Schema",
    "EXCEPTION_HANDLER": "core.api.errors.answer",
    "URL_FORMAT_OVERRIDE": None,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SIMPLE_JWT = {
    "ALGORITHM": one_of("HS256", "HS384", "HS512", given=env("ALGORITHM", default="") or "HS256"),
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=env.int("ACCESS_TOKEN_EXPIRE_MINUTES", default=15)),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=env.int("REFRESH_TOKEN_EXPIRE_DAYS", default=7)),
    "ISSUER": "godown",
    "AUDIENCE": "godown-api",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Godown",
    "DESCRIPTION": "Stock, sales and purchase orders of a small import and wholesale business.",
    "VERSION": "0.1.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    # In this order: the enum hook builds the components anew and would drop the errors' shape.
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "core.api.schema.add_errors"],
    "ENUM_NAME_OVERRIDES": {
        "Stage": "purchasing.workflow.Stage",
        "PaymentStatus": "purchasing.models.Payment.Status",
        "PaymentKind": "purchasing.models.Payment.Kind",
        "Platform": "sales.models.Platform",
        "ContactPlatform": "inventory.models.SupplierContact.Platform",
        "StockStatus": "inventory.models.StockStatus",
    },
}

# Mail: Django's own, when something breaks, and what Godown sends.
EMAIL_HOST = env("SMTP_HOST", default="localhost")
EMAIL_PORT = env.int("SMTP_PORT", default=587)
EMAIL_HOST_USER = env("SMTP_USER", default="")
EMAIL_HOST_PASSWORD = env("SMTP_PASSWORD", default="")
EMAIL_USE_TLS = EMAIL_PORT == 587
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env("FROM_EMAIL", default="godown@localhost")
ALERT_RECIPIENTS = addresses.of_people(
    "ALERT_RECIPIENTS", env("ALERT_RECIPIENTS", default="")
)  # none: the active ADMINs

# Payments through Wise. Without a key they are kept by hand.
WISE_API_KEY = one_matching(r"[!-~]{0,4096}", "WISE_API_KEY", given=env("WISE_API_KEY", default=""))
WISE_API_BASE = wise_base(env("WISE_API_BASE", default="") or "https://api.wise.com")
WISE_PATH_PREFIX = one_matching(r"(/[A-Za-z0-9]+)?", "WISE_PATH_PREFIX", given=env("WISE_PATH_PREFIX", default=""))
WISE_PROFILE_ID = one_matching(r"[0-9]{0,18}", "WISE_PROFILE_ID", given=env("WISE_PROFILE_ID", default=""))
WISE_SOURCE_CURRENCY = one_matching(
    r"[A-Z]{3}", "WISE_SOURCE_CURRENCY", given=env("WISE_SOURCE_CURRENCY", default="") or "USD"
)
WISE_TIMEOUT_SECONDS = 10
WISE_WEBHOOK_KEY = wise_public_key(env("WISE_WEBHOOK_SECRET", default=""), WISE_API_BASE)

# Limits.
RATE_LIMIT_GLOBAL = rate("RATE_LIMIT_GLOBAL", default="100/m")
RATE_LIMIT_AUTH = rate("RATE_LIMIT_AUTH", default="5/m")
RATE_LIMIT_PDF = rate("RATE_LIMIT_PDF", default="30/m")
RATELIMIT_USE_CACHE = "counters"
SILENCED_SYSTEM_CHECKS = ["django_ratelimit.W001"]  # it names memcached and django-redis only; ours count right
TRUSTED_PROXIES = networks(env.list("TRUSTED_PROXIES", default=[]))
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_HANDLERS = ["core.uploads.NoFiles"]

# What the audit log stores is decided in accounts.audit.
AUDITLOG_LOGENTRY_MODEL = "accounts.AuditLog"
AUDITLOG_STORE_JSON_CHANGES = True
AUDITLOG_DISABLE_REMOTE_ADDR = True

# Headers.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True  # forms carry the token; no script needs the cookie
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 8 * 3600
CSRF_FAILURE_VIEW = "core.error_pages.csrf_failed"
CORS_ALLOWED_ORIGINS = env.list("CORS_ORIGINS", default=["https://inventory.yourdomain.com", "http://localhost:3000"])
CORS_ALLOW_HEADERS = ["accept", "authorization", "content-type", "idempotency-key"]
CORS_EXPOSE_HEADERS = ["Idempotent-Replayed", "Retry-After"]

# Words, times, files.
LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = env("TIME_ZONE", default="Asia/Bangkok")
BASE_CURRENCY = env("BASE_CURRENCY", default="USD")
COMPANY_NAME = env("COMPANY_NAME", default="") or "Godown"
COMPANY_ADDRESS = env.str("COMPANY_ADDRESS", default="", multiline=True)  # "\n" ends a line
SKU_PATTERN = env("SKU_PATTERN", default=r"^LUMI-[A-Z0-9][A-Z0-9-]{2,15}$")
STATIC_URL = "/static/"
STATIC_ROOT: Path | None = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"},
        "one_line": {"()": "core.security_log.OneLine"},
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
        "security": {"class": "logging.StreamHandler", "formatter": "one_line"},
    },
    "root": {"handlers": ["stderr"], "level": env("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "godown.security": {"handlers": ["security"], "level": "INFO", "propagate": False},  # JSON, one line each
        "django.security": {"handlers": ["security"], "level": "INFO", "propagate": False},
        "httpx": {"level": "WARNING"},  # godown.wise tells of each call
        "django.request": {"level": "ERROR"},  # a refused request is the client's news, and it has been told
    },
}
