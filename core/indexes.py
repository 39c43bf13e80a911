"""Indexes with the names that the data model fixes."""

from django.db import models


class NamedIndex(models.Index):
    """An index whose name may be as long as PostgreSQL allows; Django stops at Oracle's 30 characters."""

    max_name_length = 63
