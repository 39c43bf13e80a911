"""Ending everything that a user is signed in with."""

from accounts.models import SignIn, User
from core import security_log


def end_everything(user: User, why: str) -> None:
    """Save ``user``, who is locked, and end all of their tokens and sessions.

    The version makes every session and token another's; deleting the sign-ins makes that irrevocable for tokens.
    """
    user.credentials_version += 1
    user.save()
    SignIn.objects.filter(user=user).delete()
    security_log.event("credentials_ended", user_id=user.pk, why=why)
