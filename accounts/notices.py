"""Telling people by e-mail that something about their account changed: the way they learn that it was not them."""

from django.db import transaction

from accounts.models import User

TEXTS = {
    "password_changed": "The password of your Godown account was changed.",
    "mfa_enabled": "A second factor was turned on for your Godown account.",
    "mfa_disabled": "The second factor of your Godown account was turned off.",
    "mfa_reset": "An administrator took the second factor of your Godown account away.",
    "recovery_codes_renewed": "New recovery codes were made for your Godown account; the old ones are dead.",
}


def send(user: User, what: str) -> None:
    """Have the notice ``what`` mailed to ``user`` once the open transaction has committed.

    A queue that is down must not fail what has been done already: the error is logged, the security log has the fact.
    """
    from accounts.tasks import mail_notice  # noqa: PLC0415 - the door of the job knows this module

    def queue() -> None:
        mail_notice.delay(user.pk, what)

    transaction.on_commit(queue, robust=True)
