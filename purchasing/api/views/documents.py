"""Documents over HTTP."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.rights import Right
from purchasing.documents import downloads
from purchasing.selectors import documents as selectors


class AsItIs(BaseContentNegotiation):
    """Whatever a client accepts: the document is what it is, and a refusal is JSON."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> Any:
        """Return the renderer of refusals and its type."""
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class OrderPdf(APIView):
    """A purchase order on paper."""

    rights = {"GET": Right.VIEW_COST}
    content_negotiation_class = AsItIs

    @extend_schema(responses={(200, "application/pdf"): OpenApiTypes.BINARY})
    def get(self, request: Request, order_id: int) -> HttpResponse:
        """Return an order as a PDF for its supplier. Its prices take the right to see cost."""
        return downloads.purchase_orders(request._request, [selectors.order(order_id)])
