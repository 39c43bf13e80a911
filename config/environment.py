"""What is known before Django is: where the settings come from."""

import logging
import os
from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parents[1]


def read() -> environ.Env:
    """Read ``.env`` where there is one; what the environment says already counts."""
    logging.getLogger("environ").setLevel(logging.ERROR)  # it repeats lines that it cannot read: "KEY = secret"
    environ.Env.read_env(BASE_DIR / ".env")
    return environ.Env()


def prepare() -> None:
    """Settle which settings count, before anything asks: ``.env`` may name them; a laptop's are the default."""
    read()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
