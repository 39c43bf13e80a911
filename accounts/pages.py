"""What every page needs: who asks, whether they may, by which method, and a form with what was refused."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render

from accounts.forms import OperationForm
from accounts.models import User
from accounts.rights import Right
from core import error_pages, limits, security_log
from core.errors import DomainError

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
SET_UP_FIRST = "That page opens once your second factor is set up."


def person(request: HttpRequest) -> User:
    """Return who asks; pages are private, so that nobody else gets here."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def right_required(right: Right) -> Callable[[View[P]], View[P]]:
    """Let only those in who hold ``right``."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            return refusal(request, right) or view(request, *args, **kwargs)

        return guarded

    return decorate


def refusal(request: HttpRequest, right: Right) -> HttpResponse | None:
    """Return None for those who hold ``right``; those whose second factor is due are sent to set it up.

    Raises PermissionDenied for everybody else.
    """
    user = person(request)
    if user.may(right):
        return None
    if user.must_set_up_mfa:
        messages.info(request, SET_UP_FIRST)
        return redirect("account")
    security_log.event("right_refused", user_id=user.pk, right=right.value, path=request.path_info)
    raise PermissionDenied


def only(*methods: str) -> Callable[[View[P]], View[P]]:
    """Answer these methods, HEAD where there is GET, and 405 to the others."""
    allowed = [*methods, "HEAD"] if "GET" in methods else [*methods]

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def answering(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if request.method not in allowed:
                return error_pages.method_not_allowed(request, allowed)
            return view(request, *args, **kwargs)

        return answering

    return decorate


def posted(request: HttpRequest) -> QueryDict | None:
    """Return what a form gets: the body of a POST, an empty one included."""
    return request.POST if request.method == "POST" else None


def done(request: HttpRequest, form: OperationForm, operate: Callable[[dict[str, Any]], object], *, door: str) -> bool:
    """Whether ``operate`` has done what a sound form asked for by POST; what it returned is in ``form.result``.

    Every POST counts as a knock at ``door``, of whoever is signed in too. What was refused is in the form.
    """
    if request.method != "POST":
        return False
    limits.knock(request, door)
    if request.user.is_authenticated:
        limits.knock_account(request, door, str(request.user.pk))
    if not form.is_valid():
        return False
    try:
        form.result = operate(form.cleaned_data)
    except DomainError as error:
        form.refuse(error)
        return False
    return True


def show(request: HttpRequest, template: str, form: OperationForm, **facts: Any) -> HttpResponse:
    """Return the page of a form: 200, 422 with errors, 429 when it has to wait."""
    status = 429 if form.wait else 422 if form.errors else 200
    response = render(request, template, {"form": form, **facts}, status=status)
    if form.wait:
        response.headers["Retry-After"] = str(form.wait)
    return response
