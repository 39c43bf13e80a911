"""Alerts over HTTP: shapes and views. They are written by the monitor, which sends their mails."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import actor_of
from accounts.api.privacy import shown
from accounts.rights import Right
from core.api.documents import paged
from core.api.fields import IdField
from core.api.filters import Filters, read
from core.api.pagination import Cursor, page
from planning.models import Notification
from planning.selectors import tables
from planning.services import notifications


class NotificationOutput(serializers.ModelSerializer[Notification]):
    """An alert about a product: PENDING until its mail was sent."""

    internal_sku = serializers.CharField(source="product.internal_sku")

    class Meta:
        model = Notification
        fields = (
            "id", "product_id", "internal_sku", "alert_type", "message", "status", "claimed_at", "sent_at", "attempts",
            "last_error", "created_at", "updated_at",
        )  # fmt: skip


class NotificationFilters(Filters):
    """Filters of the alerts."""

    status = serializers.ChoiceField(Notification.Status.choices, required=False)
    product_id = IdField(required=False)


class NotificationList(APIView):
    """The alerts."""

    rights = {"GET": Right.VIEW_PLANNING}

    @extend_schema(parameters=[NotificationFilters], responses=paged(NotificationOutput, Cursor))
    def get(self, request: Request) -> Response:
        """List alerts, newest first."""
        rows = tables.notifications(**read(NotificationFilters, request))
        return page(rows, request, self, NotificationOutput, Cursor())


class NotificationDetail(APIView):
    """One alert."""

    rights = {"GET": Right.VIEW_PLANNING, "DELETE": Right.CHANGE_SETTINGS}

    @extend_schema(responses=NotificationOutput)
    def get(self, request: Request, notification_id: int) -> Response:
        """Return an alert."""
        return shown(NotificationOutput, tables.notification(notification_id), request)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, notification_id: int) -> Response:
        """Throw an alert away, once no mail is kept away by it any more."""
        notifications.remove(notification_id, now=timezone.now(), actor=actor_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)
