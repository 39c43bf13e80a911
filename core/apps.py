"""The core package: plumbing without models."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Makes Celery find ``core.tasks``."""

    name = "core"
