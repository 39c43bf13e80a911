"""The office: Django's admin site, opened and divided by the table of rights."""

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any, TypeVar, cast

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import BaseModelAdmin
from django.contrib.admin.utils import flatten
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator

from accounts import pages, views
from accounts.models import AuditLog, User
from accounts.rights import Right
from core import security_log

_NO_FILTERS = ("q", "p")  # Django checks what is searched and which page is shown
View = TypeVar("View", bound=Callable[..., Any])


def may(request: HttpRequest, right: Right | None) -> bool:
    """Whether the user of ``request`` holds ``right``; a right that nobody named is nobody's."""
    return right is not None and isinstance(request.user, User) and request.user.may(right)


class OfficeSite(admin.AdminSite):
    """Opens for roles with the right to use the office, and signs people in and out at the one door for all pages."""

    site_header = site_title = "Godown"
    index_title = "Office"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Take the tables that are read by right; what libraries bring along stays out."""
        if admin_class is not None and issubclass(admin_class, ReadOnlyAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the office opens for this user."""
        return may(request, Right.USE_OFFICE)

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        """Guard one page: the second factor comes first, and who may not get in is told so and recorded.

        Django would show the sign-in page to people who are signed in.
        """
        guarded = super().admin_view(view, cacheable)

        @wraps(guarded)
        def door(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            turned_away = isinstance(request.user, User) and pages.refusal(request, Right.USE_OFFICE)
            if turned_away:
                return turned_away
            try:
                return guarded(request, *args, **kwargs)
            except PermissionDenied:
                security_log.event("right_refused", path=request.path_info, method=request.method)
                raise

        return cast(View, door)

    @method_decorator(login_not_required)
    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Sign in, as everywhere."""
        return views.sign_in(request)

    def logout(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:  # type: ignore[override]
        """Sign out, as everywhere."""
        return views.sign_out(request)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Send people to the page of their own account."""
        return redirect("account-password")

    password_change_done = password_change

    def get_log_entries(self, request: HttpRequest) -> QuerySet[LogEntry]:
        """Nothing: the audit log tells what was done."""
        return LogEntry.objects.none()


class ByRight(BaseModelAdmin):
    """A table that is read with ``view_right``, and whose amounts are read with the right to see cost.

    Amounts have names that end in ``_usd``; ``cost_fields`` names whatever else tells them.
    """

    view_right: Right | None = None
    cost_fields: Sequence[str] = ()

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever holds the right that this table names."""
        return may(request, self.view_right)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """The order, unless it would tell amounts."""
        return self.without_cost(request, super().get_ordering(request))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The fields, without amounts for those who may not see them."""
        return [
            (title, {**options, "fields": self.without_cost(request, flatten(options["fields"]))})
            for title, options in super().get_fieldsets(request, obj)
        ]

    def without_cost(self, request: HttpRequest, names: Iterable[Any]) -> list[Any]:
        """Return those of ``names`` (fields, lookups, orderings, filters) that this user may see."""
        every = list(names)
        return every if may(request, Right.VIEW_COST) else [name for name in every if not self._tells_cost(name)]

    def _tells_cost(self, name: Any) -> bool:
        text = name[0] if isinstance(name, tuple) else name
        parts = text.lstrip("-^=@").split("__") if isinstance(text, str) else []
        return any(part.endswith("_usd") or part in self.cost_fields for part in parts)


class ReadOnlyAdmin(ByRight, admin.ModelAdmin):
    """A table to search, filter and look at; what changes data goes through the operations."""

    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they would count a growing table once for each filter
    view_on_site = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the index lists this table."""
        return self.has_view_permission(request)

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """The columns, without amounts for those who may not see them."""
        return self.without_cost(request, super().get_list_display(request))

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """The filters, likewise."""
        return self.without_cost(request, super().get_list_filter(request))

    def get_search_fields(self, request: HttpRequest) -> list[Any]:
        """What is searched, likewise."""
        return self.without_cost(request, super().get_search_fields(request))

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """Only what the page offers as a filter.

        Django allows every column of the table with every comparison: a password hash could be guessed letter by
        letter, and a regular expression keeps the database busy for as long as its author likes.
        """
        columns = [_parameter(item) for item in self.get_list_filter(request)]
        offered = {f"{name}{ending}" for name in columns for ending in ("", "__exact", "__isnull")}
        if self.date_hierarchy:
            offered |= {f"{self.date_hierarchy}__{part}" for part in ("year", "month", "day")}
        return lookup in offered and super().lookup_allowed(lookup, value, request)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Show the list. Raises BadRequest for a filter with a NUL, which PostgreSQL does not take."""
        if any("\0" in value for name, value in request.GET.items() if name not in _NO_FILTERS):
            raise BadRequest("A filter cannot hold a NUL.")
        return super().changelist_view(request, extra_context)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """Show what the audit log has of this row."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = {"table_name": self.opts.db_table, "q": object_id}
        return redirect(reverse(f"admin:{AuditLog._meta.label_lower.replace('.', '_')}_changelist", query=found))

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:  # type: ignore[override]
        """Nothing: whatever is changed is in the audit log."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:  # type: ignore[override]
        """Nothing, likewise."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:  # type: ignore[override]
        """Nothing, likewise."""


class ReadOnlyInline(ByRight, admin.TabularInline):
    """Rows that belong to another one, shown on its page."""

    extra = 0
    can_delete = False
    related: Sequence[str] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows, with the ``related`` ones that their columns name."""
        rows = super().get_queryset(request).order_by("pk")
        return rows.select_related(*self.related) if self.related else rows


def _parameter(item: Any) -> str:
    """Return the query parameter that an entry of ``list_filter`` reads."""
    if isinstance(item, str):
        return item
    return item[0] if isinstance(item, tuple) else item.parameter_name
