"""Pages of accounts: signing in and out, one's own account, the audit log."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters

from accounts import audit_page, forms, pages, selectors, sessions
from accounts.errors import MfaAlreadyOn, RegistrationClosed
from accounts.models import User
from accounts.rights import Right
from accounts.services import authentication, mfa, users
from core import error_pages, limits

ELSEWHERE = "Everywhere else you were signed out."


@login_not_required
@sensitive_post_parameters("password")
@pages.only("GET", "POST")
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for e-mail and password: the one door of pages and admin, mounted at ``/sign-in`` and ``/admin/login/``."""
    at_admin = request.resolver_match is not None and request.resolver_match.app_name == "admin"
    home = reverse("admin:index") if at_admin else settings.LOGIN_REDIRECT_URL
    then = sessions.destination(request, otherwise=home)
    if request.user.is_authenticated:
        # The admin sends those here who may not enter: sent back to it, they would go in circles.
        return (at_admin and pages.refusal(request, Right.USE_OFFICE)) or HttpResponseRedirect(then)
    form = forms.SignInForm(pages.posted(request))
    if pages.done(request, form, lambda given: _user_of(request, given), door="auth"):
        user: User = form.result
        if user.mfa_enabled:
            sessions.hold(request, user, then=then)
            return redirect("sign-in-code")
        sessions.begin(request, user)
        return HttpResponseRedirect(then)
    facts = {"next": then, "registration": settings.REGISTRATION == "open"}
    return pages.show(request, "accounts/sign_in.html", form, **facts)


@login_not_required
@pages.only("GET", "POST")
def sign_in_code(request: HttpRequest) -> HttpResponse:
    """Ask those with a second factor for a code, and sign them in."""
    held = sessions.held(request)
    if held is None:
        if not request.user.is_authenticated:
            messages.warning(request, "Sign in with your password first. The code has to follow within five minutes.")
        return redirect("sign-in")
    form = forms.SignInCodeForm(pages.posted(request), recovery="recovery" in request.GET)
    if pages.done(request, form, lambda given: mfa.prove_at_sign_in(given["code"], actor=held.user), door="code"):
        sessions.begin(request, held.user, device=form.result)
        return HttpResponseRedirect(held.next)
    return pages.show(request, "accounts/sign_in_code.html", form, email=held.user.email)


@login_not_required
@pages.only("POST")
def sign_out(request: HttpRequest) -> HttpResponse:
    """End this session."""
    sessions.end(request)
    messages.success(request, "You are signed out.")
    return redirect("sign-in")


@login_not_required
@sensitive_post_parameters("password", "password_again")
@pages.only("GET", "POST")
def register(request: HttpRequest) -> HttpResponse:
    """Let a stranger make an account. Whether the e-mail has one already is not told."""
    if settings.REGISTRATION != "open":
        return error_pages.refused(request, RegistrationClosed())
    if request.user.is_authenticated:
        return redirect("account")
    form = forms.RegisterForm(pages.posted(request))

    def make(given: dict[str, str]) -> None:
        users.register(email=given["email"], password=given["password"])

    if pages.done(request, form, make, door="register"):
        email = form.cleaned_data["email"]
        messages.success(request, f"If {email} had no account yet, it has one now. Sign in with your password.")
        return redirect("sign-in")
    return pages.show(request, "accounts/register.html", form)


@pages.only("GET")
def account(request: HttpRequest) -> HttpResponse:
    """Tell people who they are and what they can do about it."""
    return render(request, "accounts/account.html", {"person": pages.person(request)})


@sensitive_post_parameters("current_password", "new_password", "new_password_again")
@pages.only("GET", "POST")
def password(request: HttpRequest) -> HttpResponse:
    """Change one's password."""
    user = pages.person(request)
    form = forms.PasswordForm(pages.posted(request))

    def change(given: dict[str, str]) -> User:
        return users.change_password(given["current_password"], given["new_password"], actor=user)

    if pages.done(request, form, change, door="password"):
        sessions.keep(request, form.result)
        messages.success(request, f"Your password is changed. {ELSEWHERE}")
        return redirect("account")
    return pages.show(request, "accounts/password.html", form)


@pages.only("GET", "POST")
def mfa_state(request: HttpRequest) -> HttpResponse:
    """Show the second factor; POST makes a secret for a new one."""
    user = pages.person(request)
    if request.method == "POST":
        try:
            mfa.set_up(actor=user)
        except MfaAlreadyOn as error:
            messages.error(request, error.message)
            return redirect("account-mfa")
        return redirect("account-mfa-verify")
    return render(request, "accounts/mfa.html", {"person": user})


@pages.only("GET", "POST")
def mfa_verify(request: HttpRequest) -> HttpResponse:
    """Show the new secret until its first code has turned the second factor on; then the recovery codes, once."""
    user = pages.person(request)
    pending = None if user.mfa_enabled else mfa.pending(user)
    if pending is None:
        return redirect("account-mfa")
    form = forms.VerifyForm(pages.posted(request))
    if pages.done(request, form, lambda given: mfa.enable(given["code"], actor=user), door="code"):
        sessions.keep(request, users.by_id(user.pk))
        messages.success(request, f"Your second factor is on. {ELSEWHERE}")
        return render(request, "accounts/recovery_codes.html", {"codes": form.result})
    return pages.show(request, "accounts/mfa_verify.html", form, pending=pending)


@sensitive_post_parameters("password")
@pages.only("GET", "POST")
def mfa_disable(request: HttpRequest) -> HttpResponse:
    """Turn one's second factor off."""
    user = pages.person(request)
    if not user.mfa_enabled:
        return redirect("account-mfa")
    form = forms.ProofForm(pages.posted(request))
    if pages.done(request, form, lambda given: mfa.disable(**given, actor=user), door="code"):
        sessions.keep(request, users.by_id(user.pk))
        messages.success(request, f"Your second factor is off. {ELSEWHERE}")
        return redirect("account-mfa")
    demanded = user.role in settings.MFA_REQUIRED_ROLES
    return pages.show(request, "accounts/mfa_disable.html", form, demanded=demanded)


@sensitive_post_parameters("password")
@pages.only("GET", "POST")
def mfa_recovery_codes(request: HttpRequest) -> HttpResponse:
    """Make new recovery codes."""
    user = pages.person(request)
    if not user.mfa_enabled:
        return redirect("account-mfa")
    form = forms.ProofForm(pages.posted(request))
    if pages.done(request, form, lambda given: mfa.renew_recovery_codes(**given, actor=user), door="code"):
        messages.success(request, "You have new recovery codes. The old ones are dead.")
        return render(request, "accounts/recovery_codes.html", {"codes": form.result})
    return pages.show(request, "accounts/mfa_recovery_codes.html", form)


@pages.only("GET", "POST")
def sign_out_everywhere(request: HttpRequest) -> HttpResponse:
    """End every session and token of one's account, this session too."""
    if request.method != "POST":
        return redirect("account")
    users.end_sign_ins(actor=pages.person(request))
    sessions.end(request)
    messages.success(request, "You are signed out everywhere.")
    return redirect("sign-in")


@pages.only("GET")
@pages.right_required(Right.VIEW_AUDIT)
def audit(request: HttpRequest) -> HttpResponse:
    """Show who changed what."""
    reader = pages.person(request)
    filters = forms.AuditFilters(request.GET, reader=reader)
    if not filters.is_valid():
        return render(request, "accounts/audit.html", {"filters": filters}, status=422)
    rows = selectors.audit_log(reader, **filters.for_selector())
    page = audit_page.page(rows, before=filters.cleaned_data["before"], after=filters.cleaned_data["after"])
    lines = audit_page.lines(page.rows, reader=reader, tables=selectors.audited_tables(reader))
    return render(request, "accounts/audit.html", {"filters": filters, "page": page, "lines": lines})


def _user_of(request: HttpRequest, given: dict[str, Any]) -> User:
    limits.knock_account(request, "auth", given["username"])
    return authentication.check_password(request, email=given["username"], password=given["password"])
