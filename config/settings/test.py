"""The test run: in-memory SQLite by default, the real servers when DATABASE_URL and REDIS_URL name them."""

import os
from urllib.parse import urlsplit

os.environ.setdefault("DATABASE_URL", "sqlite://:memory:")
os.environ.setdefault("RATE_LIMIT_GLOBAL", "100000/m")
os.environ.setdefault("RATE_LIMIT_AUTH", "100000/m")
if os.environ.get("REDIS_URL"):
    # Tests clear their cache, so each parallel test process has a database of its own (Redis has 16).
    _worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 16
    os.environ["REDIS_URL"] = urlsplit(os.environ["REDIS_URL"])._replace(path=f"/{_worker}").geturl()

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
STATIC_ROOT = None
WHITENOISE_USE_FINDERS = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
