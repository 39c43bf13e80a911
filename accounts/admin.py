"""Users and the audit log in the office."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from accounts import audit_page, office_forms, pages, selectors
from accounts.forms import OperationForm
from accounts.models import AuditLog, User
from accounts.office import ReadOnlyAdmin, may
from accounts.rights import Right
from accounts.services import mfa, users
from core.errors import DomainError

Act = Callable[[dict[str, Any]], HttpResponse]
_hides_passwords = method_decorator(sensitive_post_parameters("password", "again"))


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """Who may sign in. Django's own forms write nothing here: every page below ends in one operation."""

    view_right = Right.MANAGE_USERS
    list_display = ("email", "role", "is_active", "second_factor", "last_login")
    list_filter = ("role", "is_active", "mfa_enabled")
    search_fields = ("email",)
    ordering = ("email",)

    @admin.display(boolean=True, ordering="mfa_enabled")
    def second_factor(self, user: User) -> bool:
        """Whether the second factor is on."""
        return user.mfa_enabled

    def get_urls(self) -> list[URLPattern]:
        """The pages of one user, in front of Django's, which would take their names for ids."""
        own = {
            "password": self.password_view,
            "reset-mfa": self.reset_mfa_view,
            "unlock": self.unlock_view,
            "rotate-key": self.rotate_key_view,
        }
        view = self.admin_site.admin_view
        return [
            path("add-service/", view(self.add_service_view), name="accounts_user_add-service"),
            *(
                path(f"<path:object_id>/{name}/", view(page), name=f"accounts_user_{name}")
                for name, page in own.items()
            ),
            *super().get_urls(),
        ]

    @_hides_passwords
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Make an account for a person."""

        def make(data: dict[str, Any]) -> HttpResponse:
            user = users.create(
                email=data["email"], password=data["password"], role=data["role"], actor=pages.person(request)
            )
            return self._done(request, user, f"Added {user.email}, who can sign in now.")

        return self._page(
            request, office_forms.NewPerson(pages.posted(request)), make, title="Add person", button="Add"
        )

    def add_service_view(self, request: HttpRequest) -> HttpResponse:
        """Make an account for a program, and show its key."""

        def make(data: dict[str, Any]) -> HttpResponse:
            user, key = users.create_service(data["email"], actor=pages.person(request))
            return self._key(request, user, key)

        return self._page(
            request,
            office_forms.NewService(pages.posted(request)),
            make,
            title="Add service account",
            button="Add and show key",
            explanation="A service account signs in to the API with a key. The key is shown once, on the next page.",
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show a user, and change what they may do."""
        user = self._user(request, object_id)

        def change(data: dict[str, Any]) -> HttpResponse:
            changed = users.change(
                user.pk, role=data.get("role"), is_active=data["is_active"], actor=pages.person(request)
            )
            return self._done(request, changed, f"Saved {changed.email}.")

        return self._page(
            request,
            office_forms.Account(pages.posted(request), user=user),
            change,
            title=user.email,
            user=user,
            template="admin/accounts/user/change.html",
            explanation="" if user.is_service else "A change signs them out everywhere.",
            service_keys=user.service_keys.order_by("-pk"),
        )

    @_hides_passwords
    def password_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Give somebody a new password."""
        user = self._user(request, object_id)
        if user == request.user:
            return self._own(request, "account-password")

        def set_password(data: dict[str, Any]) -> HttpResponse:
            users.set_password(user.pk, data["password"], actor=pages.person(request))
            return self._done(request, user, f"Set a new password for {user.email}.")

        return self._page(
            request,
            office_forms.NewPassword(pages.posted(request)),
            set_password,
            title="New password",
            user=user,
            button="Set password",
            explanation="They are signed out everywhere and get an e-mail that says so. The password is not in it.",
        )

    def reset_mfa_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Take the lost second factor of somebody away."""
        user = self._user(request, object_id)
        if user == request.user:
            return self._own(request, "account-mfa-disable")

        def reset(data: dict[str, Any]) -> HttpResponse:
            mfa.reset(user.pk, actor=pages.person(request))
            return self._done(request, user, f"Took the second factor of {user.email} away.")

        return self._page(
            request,
            OperationForm(pages.posted(request)),
            reset,
            title="Take the second factor away",
            user=user,
            button="Take it away",
            explanation="From then on the password alone opens this account, until they set up a new one."
            " They are signed out everywhere and get an e-mail that says so."
            " Make sure that it is really them who ask.",
        )

    def unlock_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Forget the wrong codes of somebody."""
        user = self._user(request, object_id)
        if user == request.user:
            return self._own(request, "account")

        def unlock(data: dict[str, Any]) -> HttpResponse:
            users.unlock(user.pk, actor=pages.person(request))
            return self._done(request, user, f"Forgot the wrong codes of {user.email}.")

        return self._page(
            request,
            OperationForm(pages.posted(request)),
            unlock,
            title="Forget wrong codes",
            user=user,
            button="Forget them",
            explanation="After wrong codes the next one is looked at only after up to 17 minutes. This ends the wait.",
        )

    def rotate_key_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Give a service account a new key, and show it."""
        user = self._user(request, object_id)

        def rotate(data: dict[str, Any]) -> HttpResponse:
            grace = timedelta(minutes=data["minutes"])
            key = users.rotate_service_key(user.pk, now=timezone.now(), grace=grace, actor=pages.person(request))
            return self._key(request, user, key)

        return self._page(
            request,
            office_forms.Grace(pages.posted(request)),
            rotate,
            title="New key",
            user=user,
            button="Make and show key",
            explanation="The new key is shown once, on the next page. The old ones end after the grace.",
        )

    def _own(self, request: HttpRequest, place: str) -> HttpResponse:
        """Send administrators to their own account: there it takes the proof that a stolen session does not have."""
        messages.info(request, "For your own account this is the place.")
        return redirect(place)

    def _user(self, request: HttpRequest, object_id: str) -> User:
        self._refuse_others(request)
        user = self.get_object(request, unquote(object_id))
        if user is None:
            raise Http404
        return user

    def _refuse_others(self, request: HttpRequest) -> None:
        if not may(request, Right.MANAGE_USERS):
            raise PermissionDenied

    def _page(
        self,
        request: HttpRequest,
        form: OperationForm,
        act: Act,
        *,
        user: User | None = None,
        template: str = "admin/office_form.html",
        **shown: Any,
    ) -> HttpResponse:
        """Show a form; once it is filled in, ``act``. What the operation refuses is an error of the form."""
        self._refuse_others(request)
        if form.is_valid():
            try:
                return act(form.cleaned_data)
            except DomainError as refusal:
                form.refuse(refusal)
        context = {"form": form, "original": user, "button": "Save", **shown}
        return self._rendered(request, template, context, status=422 if form.errors else 200)

    def _done(self, request: HttpRequest, user: User, message: str) -> HttpResponse:
        messages.success(request, message)
        return redirect("admin:accounts_user_change", user.pk)

    def _key(self, request: HttpRequest, user: User, key: str) -> HttpResponse:
        """Show a key. Not after a redirect: it would have to be kept somewhere on the way."""
        context = {"title": "Service key", "original": user, "key": key}
        return self._rendered(request, "admin/accounts/user/key.html", context)

    def _rendered(
        self, request: HttpRequest, template: str, context: dict[str, Any], status: int = 200
    ) -> TemplateResponse:
        everywhere = {**self.admin_site.each_context(request), "opts": self.opts}
        return TemplateResponse(request, template, {**everywhere, **context}, status=status)


class TableFilter(admin.SimpleListFilter):
    """One table of the audit log. Its names come from the models: asking the log would read all of it."""

    title = "table"
    parameter_name = "table_name"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Every table that this user may read of."""
        known = selectors.audited_tables(pages.person(request))
        return sorted(known.items(), key=lambda pair: pair[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Only this table."""
        return queryset.filter(table_name=self.value()) if self.value() else queryset


@admin.register(AuditLog)
class AuditLogAdmin(ReadOnlyAdmin):
    """Who changed what."""

    view_right = Right.VIEW_AUDIT
    date_hierarchy = "created_at"
    list_display = ("created_at", "user", "action", "table_name", "record_id", "ip_address")
    list_filter = ("action", TableFilter, "user")
    search_fields = ("record_id",)
    search_help_text = "The id of the row that was changed."
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditLog]:
        """What this user may see of the log."""
        return selectors.audit_log(pages.person(request)).order_by(*self.get_ordering(request))

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """The filter by user lists everybody, so it is for those who manage users."""
        offered = super().get_list_filter(request)
        return offered if may(request, Right.MANAGE_USERS) else [name for name in offered if name != "user"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """The rows about one record; Django would compare ids as texts, one by one."""
        if not search_term:
            return queryset, False
        is_id = search_term.isascii() and search_term.isdecimal() and len(search_term) < 19  # what a column holds
        return (queryset.filter(record_id=int(search_term)) if is_id else queryset.none()), False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show one change, field by field."""
        if request.method not in ("GET", "HEAD") or not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        reader = pages.person(request)
        line = audit_page.lines([row], reader=reader, tables=selectors.audited_tables(reader))[0]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": str(row),
            "original": row,
            "line": line,
        }
        return TemplateResponse(request, "admin/accounts/auditlog/detail.html", context)
