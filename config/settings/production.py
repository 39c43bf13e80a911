"""Production: refuses to start with anything missing, default or unsafe."""

import base64
import binascii

from django.core.exceptions import ImproperlyConfigured

from config.settings.base import *
from config.settings.base import DATABASES, REDIS_URL, SIMPLE_JWT, env, roles

_PLACEHOLDERS = ("change-me", "changeme", "django-insecure", "secret", "example", "only-for-tests")
_FEWEST_CHARACTERS = 5  # that differ, as in Django's own check: "aaaa" or "k7k7" is not random


def _secret(name: str, *, length: int = 32) -> str:
    """Return a secret of the environment, or refuse to start."""
    value: str = env(name, default="")
    is_random = len(set(value)) >= _FEWEST_CHARACTERS and not any(word in value.lower() for word in _PLACEHOLDERS)
    if len(value) < length or not is_random:
        raise ImproperlyConfigured(f"{name} must be set to at least {length} random characters of its own.")
    return value


def _fernet_keys() -> list[str]:
    keys: list[str] = env.list("DB_ENCRYPTION_KEY", default=[])
    if not keys or not all(_is_random_key(key) for key in keys):
        raise ImproperlyConfigured("DB_ENCRYPTION_KEY must hold one or more Fernet keys, newest first.")
    return keys


def _is_random_key(key: str) -> bool:
    """Whether this is a Fernet key, and not one that somebody typed: random bytes are no text."""
    try:
        content = base64.urlsafe_b64decode(key)
    except (binascii.Error, ValueError):
        return False
    return len(content) == 32 and not content.isascii() and len(set(content)) >= _FEWEST_CHARACTERS


if env.bool("DEBUG", default=False):
    raise ImproperlyConfigured("DEBUG must be off in production.")
if not DATABASES["default"]["ENGINE"].endswith("postgresql"):
    raise ImproperlyConfigured("DATABASE_URL must name a PostgreSQL database in production.")
if not REDIS_URL:
    raise ImproperlyConfigured("REDIS_URL must be set in production: cache, counters and jobs share it.")

SECRET_KEY = _secret("SECRET_KEY", length=50)
# A key of its own for tokens, derived so that one secret rotates both and neither reveals the other.
SIMPLE_JWT["SIGNING_KEY"] = "jwt:" + SECRET_KEY
DB_ENCRYPTION_KEYS = _fernet_keys()
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])
if not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS must name the hosts that Godown answers for.")
DEMO_ALLOWED = False
MFA_REQUIRED_ROLES = roles(env("MFA_REQUIRED_ROLES", default="") or "ADMIN")

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = True
SECURE_REDIRECT_EXEMPT = [r"^health"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_NAME = "__Host-sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken"
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "core.static_storage.LenientStorage"},
}
