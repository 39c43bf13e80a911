"""Ids in addresses."""

from django.urls.converters import IntConverter


class IdConverter(IntConverter):
    """A positive number that fits a BIGINT; anything longer is no id and ends in 404, not in the database."""

    regex = "[0-9]{1,18}"
