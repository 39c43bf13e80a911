"""Users and the audit log in the office."""

from django.contrib import admin
from django.contrib.admin.exceptions import NotRegistered
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts.models import AuditLog, User
from core.admin import ReadOnlyAdmin

# What the libraries register shows tokens, or expects the library's own columns.
for model in (AuditLog, OutstandingToken, BlacklistedToken):
    try:
        admin.site.unregister(model)
    except NotRegistered:
        continue


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """Who may sign in."""

    list_display = ("email", "role", "is_active", "mfa_enabled", "last_login")
    list_filter = ("role", "is_active")
    search_fields = ("email",)
    ordering = ("email",)
    fields = ("email", "role", "is_active", "mfa_enabled", "last_login", "created_at", "updated_at")


@admin.register(AuditLog)
class AuditLogAdmin(ReadOnlyAdmin):
    """Who changed what."""

    date_hierarchy = "created_at"
    list_display = ("created_at", "user", "action", "table_name", "record_id", "ip_address")
    list_filter = ("action", "table_name")
    list_select_related = ("user",)
    search_fields = ("=record_id",)
    ordering = ("-id",)
