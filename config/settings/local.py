"""A laptop: nothing to install, nothing to configure, bound to loopback."""

import base64
import contextlib
import os
import secrets
import tempfile

from config.settings.base import *
from config.settings.base import SIMPLE_JWT, VAR_DIR, env

DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]", "testserver"])
if not env("SMTP_HOST", default=""):
    EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"  # mails are read where the server was started
REGISTRATION = env("REGISTRATION", default="") or "open"
# Static files come straight from the apps: no collectstatic on a laptop.
STATIC_ROOT = None
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True


def _own_secret(name: str) -> str:
    """Return the secret of this machine, made at the first start and kept under ``var/`` for its owner alone."""
    path = VAR_DIR / name
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # the database lies there, too
        with tempfile.NamedTemporaryFile("w", dir=VAR_DIR) as file:  # readable by its owner alone
            file.write(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
            file.flush()
            with contextlib.suppress(FileExistsError):  # another process was first: its secret counts
                os.link(file.name, path)
    return path.read_text()


SECRET_KEY = env("SECRET_KEY", default="") or _own_secret("secret_key")
SIMPLE_JWT["SIGNING_KEY"] = "jwt:" + SECRET_KEY
DB_ENCRYPTION_KEYS = env.list("DB_ENCRYPTION_KEY", default=[]) or [_own_secret("encryption_key")]
