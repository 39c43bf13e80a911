"""Pages for lists, cursors for ledgers that grow without end."""

import re
from collections.abc import Callable
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination, PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from core.api.errors import InvalidBody

MAX_PAGE_SIZE = 500
_ID = re.compile("[0-9]{1,18}")


class Pages(PageNumberPagination):
    """``page`` and ``page_size`` (50, at most 500)."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = MAX_PAGE_SIZE

    def __init__(self, count: Callable[[], int] | None = None) -> None:
        """``count`` tells how many rows there are, where that is known faster than by counting them."""
        self._count = count

    def django_paginator_class(self, rows: Any, page_size: int) -> Paginator:  # type: ignore[override]
        """Return Django's paginator over ``rows``."""
        paginator = Paginator(rows, page_size)
        if self._count is not None:
            paginator.count = self._count()
        return paginator


class Cursor(CursorPagination):
    """Newest first, by id: the cost of a page does not grow with the ledger."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = MAX_PAGE_SIZE
    ordering = "-id"

    def decode_cursor(self, request: Request) -> Any:
        """Return the cursor of ``request``. Raises NotFound for one whose position is no id."""
        cursor = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None and not _ID.fullmatch(str(cursor.position)):
            raise NotFound(self.invalid_cursor_message)
        return cursor

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
    """Return one page of ``rows``, as ``request`` asks for it; ``serializer`` finds the request in its context."""
    pages = paginator or Pages()
    other = "page" if isinstance(pages, CursorPagination) else "cursor"
    if other in request.query_params:
        raise InvalidBody({other: ["This list is not paged so. Follow its next link."]})
    found = pages.paginate_queryset(rows, request, view=view)
    return pages.get_paginated_response(serializer(found, many=True, context={"request": request}).data)
