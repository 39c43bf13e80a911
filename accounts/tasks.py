"""Jobs of the accounts."""

from smtplib import SMTPException

from celery import shared_task
from django.core.mail import send_mail
from django.core.management import call_command
from django.utils import timezone

from accounts import notices
from accounts.models import User
from accounts.services import authentication, idempotency


@shared_task
def clean_up() -> None:
    """Every night: forget ended sign-ins and sessions, and answers nobody will ask for again."""
    authentication.forget_ended()
    call_command("clearsessions")
    idempotency.forget_old(now=timezone.now())


@shared_task(autoretry_for=(SMTPException, OSError), retry_backoff=30, max_retries=5)
def mail_notice(user_id: int, what: str) -> None:
    """Tell a user that something about their account changed."""
    user = User.objects.get(pk=user_id)
    text = f"{notices.TEXTS[what]}\n\nIf this was not you, tell an administrator at once.\n"
    send_mail(notices.TEXTS[what], text, None, [user.email])
