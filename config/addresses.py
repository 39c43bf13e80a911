"""Addresses that come from the environment: Godown's own, and those of people."""

import re
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+/*")


def of_godown(url: str) -> str:
    """Return the address that links in e-mails start with, or refuse to start."""
    try:
        host, _ = urlsplit(url).hostname, urlsplit(url).port  # raises for a port that is none
    except ValueError:
        host = None
    if not host or not _ORIGIN.fullmatch(url):
        raise ImproperlyConfigured(
            "APP_BASE_URL must be an address without a path, such as https://godown.example.com."
        )
    return url.rstrip("/")


def of_people(name: str, text: str) -> list[str]:
    """Read e-mail addresses, comma-separated, each once, or refuse to start."""
    found = list(dict.fromkeys(item.strip() for item in text.split(",") if item.strip()))
    for address in found:
        try:
            validate_email(address)
        except ValidationError as error:
            raise ImproperlyConfigured(
                f"{name} must hold e-mail addresses, comma-separated; {address!r} is none."
            ) from error
    return found
