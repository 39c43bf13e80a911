"""Pages for lists, cursors for ledgers that grow without end."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.pagination import CursorPagination, PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

MAX_PAGE_SIZE = 500


class Pages(PageNumberPagination):
    """``page`` and ``page_size`` (50, at most 500)."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = MAX_PAGE_SIZE


class Cursor(CursorPagination):
    """Newest first, by id: the cost of a page does not grow with the ledger."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = MAX_PAGE_SIZE
    ordering = "-id"

    def get_paginated_response(self, data: Any) -> Response:
        """Return the page; a ledger without end has no count."""
        return Response({"next": self.get_next_link(), "previous": self.get_previous_link(), "results": data})


def page(
    rows: QuerySet[Any],
    request: Request,
    view: APIView,
    serializer: type[BaseSerializer[Any]],
    paginator: PageNumberPagination | CursorPagination | None = None,
) -> Response:
    """Return one page of ``rows``, as ``request`` asks for it."""
    pages = paginator or Pages()
    found = pages.paginate_queryset(rows, request, view=view)
    return pages.get_paginated_response(serializer(found, many=True).data)
