"""The root package as an app: it brings the seed command."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Holds no models."""

    name = "config"
