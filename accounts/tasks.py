"""Jobs of the accounts."""

from celery import shared_task
from django.core.management import call_command
from django.utils import timezone

from accounts.services import idempotency


@shared_task
def clean_up() -> None:
    """Every night: forget expired tokens and answers nobody will ask for again."""
    call_command("flushexpiredtokens")
    idempotency.forget_old(now=timezone.now())
