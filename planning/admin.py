"""The planning tables in the office: to search, filter and look at."""

from django.contrib import admin

from accounts.office import ReadOnlyAdmin
from accounts.rights import Right
from planning.models import Holiday, JobRun, Notification, SeasonalityFactor, Setting


@admin.register(SeasonalityFactor)
class SeasonalityFactorAdmin(ReadOnlyAdmin):
    """How demand of a month compares with the average month."""

    view_right = Right.VIEW_PLANNING
    list_display = ("month", "multiplier", "updated_at")
    ordering = ("month",)


@admin.register(Holiday)
class HolidayAdmin(ReadOnlyAdmin):
    """When factories are closed, and when people buy more."""

    view_right = Right.VIEW_PLANNING
    date_hierarchy = "start_date"
    list_display = ("holiday_name", "country", "type", "start_date", "end_date")
    list_filter = ("country", "type")
    search_fields = ("holiday_name",)
    ordering = ("start_date", "id")


@admin.register(Setting)
class SettingAdmin(ReadOnlyAdmin):
    """The settings that somebody changed; all others say their default."""

    view_right = Right.VIEW_PLANNING
    list_display = ("key", "value", "updated_at")
    search_fields = ("key",)
    ordering = ("key",)


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    """Alerts about products, and whether their mail was sent."""

    view_right = Right.VIEW_PLANNING
    date_hierarchy = "created_at"
    list_display = ("created_at", "product", "alert_type", "status", "sent_at", "attempts", "last_error")
    list_filter = ("status", "alert_type")
    list_select_related = ("product",)
    search_fields = ("product__internal_sku",)
    ordering = ("-id",)


@admin.register(JobRun)
class JobRunAdmin(ReadOnlyAdmin):
    """When each job last ran, also those that only run when something asks for them."""

    view_right = Right.VIEW_PLANNING
    list_display = ("name", "outcome", "started_at", "ended_at", "last_succeeded_at", "detail")
    list_filter = ("outcome",)
    search_fields = ("name",)
    ordering = ("name",)
