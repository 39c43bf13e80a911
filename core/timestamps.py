"""When a row was made and when it last changed."""

from django.db import models


class Timestamped(models.Model):
    """Base of every table whose rows change."""

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True
