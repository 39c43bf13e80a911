"""A browser without JavaScript: it keeps cookies and follows no redirect unasked."""

from typing import Any

from django.test import Client

from accounts.models import User
from tests.codes import code_of
from tests.factories import PASSWORD


def password_step(user: User, *, at: str = "/sign-in", password: str = PASSWORD, **more: Any) -> tuple[Client, Any]:
    """Send e-mail and password; return the browser and the answer."""
    browser = Client()
    return browser, browser.post(at, {"username": user.email, "password": password, **more})


def signed_in(user: User, *, step: int = 0) -> Client:
    """Return a browser in which ``user`` has signed in, with a code where one is asked for (``codes.code_of``)."""
    browser, answer = password_step(user)
    if answer["Location"] == "/sign-in/code":
        answer = browser.post("/sign-in/code", {"code": code_of(user, step=step)})
    assert answer.status_code == 302, answer.content.decode()
    return browser


def is_signed_in(browser: Client) -> bool:
    """Whether the account page opens."""
    return browser.get("/account").status_code == 200
