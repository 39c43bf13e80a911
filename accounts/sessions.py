"""The session of a browser: how it becomes somebody's, and how it stays so."""

from typing import NamedTuple
from urllib.parse import urlsplit

import django_otp
from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.models import TotpDevice, User
from core import security_log

HELD = "held_sign_in"
HELD_SECONDS = 300
LONGEST_ADDRESS = 2_000


class Held(NamedTuple):
    """A sign-in whose password was right and whose code is still missing."""

    user: User
    next: str


def begin(request: HttpRequest, user: User, *, device: TotpDevice | None = None) -> None:
    """Sign ``user`` in, who has proved who they are, with ``device`` where they have a second factor."""
    request.session.flush()
    if device is not None:
        user.otp_device = device  # type: ignore[attr-defined] # django-otp looks for it when somebody signs in
    auth.login(request, user)
    security_log.event("signed_in", user_id=user.pk, door="page")


def hold(request: HttpRequest, user: User, *, then: str) -> None:
    """Remember that the password of ``user`` was right. Nobody is signed in by that."""
    request.session.flush()
    request.session[HELD] = {
        "user_id": user.pk,
        "stamp": user.get_session_auth_hash(),
        "since": timezone.now().timestamp(),
        "next": then,
    }


def held(request: HttpRequest) -> Held | None:
    """Return what ``hold`` remembered, unless five minutes have passed or the account has changed since."""
    kept = request.session.get(HELD)
    if kept is None:
        return None
    user = User.objects.filter(pk=kept["user_id"], is_active=True).first()
    late = timezone.now().timestamp() - kept["since"] >= HELD_SECONDS
    if late or user is None or user.get_session_auth_hash() != kept["stamp"]:
        request.session.flush()
        return None
    return Held(user, kept["next"])


def keep(request: HttpRequest, user: User) -> None:
    """Keep this one session of ``user``, whose credentials have just changed; with a second factor, as verified."""
    auth.update_session_auth_hash(request, user)
    request.user = user
    for device in django_otp.devices_for_user(user):
        django_otp.login(request, device)


def end(request: HttpRequest) -> None:
    """Sign out here."""
    if request.user.is_authenticated:
        security_log.event("signed_out", user_id=request.user.pk, door="page")
    auth.logout(request)


def destination(request: HttpRequest, *, otherwise: str) -> str:
    """Return where ``next`` of this request leads, when that is a page of ours and no door."""
    asked = request.POST.get("next") or request.GET.get("next") or ""
    ours = url_has_allowed_host_and_scheme(asked, {request.get_host()}, require_https=request.is_secure())
    doors = {settings.LOGIN_URL, reverse("sign-in-code"), reverse("sign-out"), reverse("admin:login")}
    if not ours or len(asked) > LONGEST_ADDRESS or urlsplit(asked).path.rstrip("/") in {d.rstrip("/") for d in doors}:
        return otherwise
    return asked
