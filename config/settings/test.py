"""The test run: in-memory SQLite by default, the real servers when DATABASE_URL and REDIS_URL name them."""

import os

os.environ.setdefault("DATABASE_URL", "sqlite://:memory:")
os.environ.setdefault("RATE_LIMIT_GLOBAL", "100000/m")
os.environ.setdefault("RATE_LIMIT_AUTH", "100000/m")

from config.settings.base import *
from config.settings.base import REDIS_URL, SIMPLE_JWT

ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
REGISTRATION = "open"
SECRET_KEY = "only-for-tests-and-long-enough-to-sign-tokens"
SIMPLE_JWT["SIGNING_KEY"] = SECRET_KEY + "-jwt"
DB_ENCRYPTION_KEYS = ["dGVzdHMtdXNlLXRoaXMta2V5LWFuZC1ub3RoaW5nLWU="]
PASSWORD_HASHERS = ["tests.hashing.FastBCrypt"]
if not REDIS_URL:
    CACHES = {
        name: {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": name}
        for name in ("default", "counters")
    }
    SILENCED_SYSTEM_CHECKS = ["django_ratelimit.W001", "django_ratelimit.E003"]  # one process, one memory
CELERY_TASK_ALWAYS_EAGER = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
