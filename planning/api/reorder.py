"""The reorder planner over HTTP: parse, call, answer."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.idempotency import idempotent
from accounts.api.permissions import actor_of
from accounts.api.privacy import CostField, sees_cost, shown, shown_rows
from accounts.rights import Right
from core.api.documents import paged
from core.api.filters import read
from core.api.pagination import Pages
from planning import spreadsheet
from planning.api import reorder_shapes as shapes
from planning.selectors import drafts as made
from planning.selectors import projection
from planning.selectors import reorder as selectors
from planning.selectors.reorder import Suggestion
from planning.services import drafts


class Suggestions(APIView):
    """What to order."""

    rights = {"GET": Right.VIEW_PLANNING}

    @extend_schema(parameters=[shapes.SuggestionFilters], responses=paged(shapes.SuggestionOutput))
    def get(self, request: Request) -> Response:
        """List active products with what to order of them, the most pressing first, then by SKU."""
        pages = Pages()
        found: Any = _suggestions(request)
        rows: list[Suggestion] = pages.paginate_queryset(found, request, view=self) or []
        return pages.get_paginated_response(shown_rows(shapes.SuggestionOutput, rows, request))


class AsItIs(BaseContentNegotiation):
    """Whatever a client accepts: the file is what it is, and a refusal is JSON."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> Any:
        """Return the renderer of refusals and its type."""
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class SuggestionsFile(APIView):
    """What to order, as a spreadsheet."""

    rights = {"GET": Right.VIEW_PLANNING}
    content_negotiation_class = AsItIs

    @extend_schema(parameters=[shapes.SuggestionFilters], responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request) -> HttpResponse:
        """Return the same list as CSV, all of it; without the right to see cost it has no columns of it."""
        rows = shown_rows(shapes.SuggestionOutput, _suggestions(request), request)
        fields, tells_cost = shapes.SuggestionOutput().fields.items(), sees_cost(request)
        columns = [name for name, field in fields if tells_cost or not isinstance(field, CostField)]
        name = f"reorder-{timezone.localdate()}.csv"
        disposition = content_disposition_header(True, name) or "attachment"
        text = spreadsheet.as_csv(rows, columns)
        return HttpResponse(text, content_type="text/csv; charset=utf-8", headers={"Content-Disposition": disposition})


class Drafts(APIView):
    """Orders from suggestions."""

    rights = {"POST": Right.CHANGE_ORDERS}

    @extend_schema(request=shapes.DraftsInput, responses={201: shapes.DraftsOutput})
    @idempotent
    def post(self, request: Request) -> Response:
        """Make a draft order for each supplier of the products, all of them or none."""
        form = shapes.DraftsInput(data=request.data)
        form.is_valid(raise_exception=True)
        orders = drafts.create(form.validated_data["items"], today=timezone.localdate(), actor=actor_of(request))
        answer = {"orders": made.drafts([order.pk for order in orders])}
        return shown(shapes.DraftsOutput, answer, request, status.HTTP_201_CREATED)


class Projection(APIView):
    """The stock of one product, back and ahead."""

    rights = {"GET": Right.VIEW_PLANNING}

    @extend_schema(responses=shapes.ProjectionOutput)
    def get(self, request: Request, product_id: int) -> Response:
        """Return 90 days of past and 180 days of expected stock, with arrivals, closures and the run-out date."""
        return Response(projection.projection(product_id, today=timezone.localdate()))


def _suggestions(request: Request) -> list[Suggestion]:
    """Return the suggestions that match the filters of ``request``."""
    filters = read(shapes.SuggestionFilters, request)
    found = selectors.suggestions(today=timezone.localdate(), supplier_id=filters.get("supplier_id"))
    urgency = filters.get("urgency")
    return [one for one in found if urgency is None or one["urgency"] == urgency]
