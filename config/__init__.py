"""Settings, URLs, Celery: what ties the apps together. Nobody imports it."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
