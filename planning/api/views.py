"""The dashboard over HTTP."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.privacy import shown_rows
from accounts.rights import Right
from core.api.documents import paged
from core.api.pagination import Pages
from inventory import selectors as inventory
from planning.api import serializers as shapes
from planning.selectors import dashboard
from purchasing.api.serializers.orders import StageOutput
from purchasing.selectors import orders as purchasing


class Kpis(APIView):
    """The four cards."""

    rights = {"GET": Right.VIEW_ORDERS}

    @extend_schema(responses=shapes.KpisOutput)
    def get(self, request: Request) -> Response:
        """Return inventory value, pending orders, low stock alerts and the revenue of the month so far."""
        figures = dashboard.kpis(today=timezone.localdate())
        return Response(shown_rows(shapes.KpisOutput, [figures], request)[0])


class OrderPipeline(APIView):
    """The ten stages."""

    rights = {"GET": Right.VIEW_ORDERS}

    @extend_schema(responses=StageOutput(many=True))
    def get(self, request: Request) -> Response:
        """Return count and value of every stage, empty ones too."""
        return Response(shown_rows(StageOutput, purchasing.pipeline(), request))


class InventoryHealth(APIView):
    """How each SKU stands."""

    rights = {"GET": Right.VIEW_ORDERS}

    @extend_schema(responses=paged(shapes.HealthOutput))
    def get(self, request: Request) -> Response:
        """List active products with velocity and days until stock-out."""
        pages = Pages(count=inventory.stock_level_count)
        every: Any = dashboard.HealthRows(today=timezone.localdate())  # all that paging asks of it is a slice
        rows: list[dashboard.Health] = pages.paginate_queryset(every, request, view=self) or []
        return pages.get_paginated_response(shown_rows(shapes.HealthOutput, rows, request))
