"""The root package as an app: it brings commands, and the office in the place of Django's admin site."""

from django.apps import AppConfig
from django.contrib.admin import apps


class ConfigConfig(AppConfig):
    """Holds no models."""

    name = "config"


class OfficeConfig(apps.AdminConfig):
    """Makes the office the site that every ``admin.py`` registers with."""

    default = False  # of the package: that is the class above
    default_site = "accounts.office.OfficeSite"
