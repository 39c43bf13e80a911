"""Sales and returns over HTTP: parse, call, answer."""

from datetime import date
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.idempotency import idempotent
from accounts.api.permissions import actor_of
from accounts.api.privacy import sees_cost
from accounts.rights import Right
from core import money
from core.api.documents import paged
from core.api.filters import read
from core.api.pagination import Cursor, page
from core.api.parsing import parse
from sales import selectors
from sales.api import serializers as shapes
from sales.api.payloads import BulkSale, Return, SaleLine
from sales.services import recording


class SaleList(APIView):
    """What was sold."""

    rights = {"GET": Right.VIEW_SALES}

    @extend_schema(parameters=[shapes.SaleFilters], responses=paged(shapes.SaleOutput, Cursor))
    def get(self, request: Request) -> Response:
        """List sold lines and returns, newest first, by cursor."""
        rows = selectors.sales(**read(shapes.SaleFilters, request))
        return page(rows, request, self, shapes.SaleOutput, Cursor())


class SaleCreate(APIView):
    """One sale."""

    rights = {"POST": Right.RECORD_SALES}

    @extend_schema(request=SaleLine, responses={201: shapes.RecordedOutput})
    @idempotent
    def post(self, request: Request) -> Response:
        """Record one sale and take its units off the shelf."""
        today = timezone.localdate()
        line = _line(parse(SaleLine, request), today)
        (sale,) = recording.record_sales([line], today=today, actor=actor_of(request))
        return Response(_recorded(sale, line, sees_cost(request)), status=status.HTTP_201_CREATED)


class BulkSaleCreate(APIView):
    """Many sales at once."""

    rights = {"POST": Right.RECORD_SALES}

    @extend_schema(request=BulkSale, responses={201: shapes.BulkSaleOutput})
    @idempotent
    def post(self, request: Request) -> Response:
        """Record up to 5,000 sold lines: all or none."""
        today = timezone.localdate()
        lines = [_line(item, today) for item in parse(BulkSale, request).items]
        sales = recording.record_sales(lines, today=today, actor=actor_of(request))
        with_cost = sees_cost(request)
        answer: dict[str, Any] = {"count": len(sales), "units": sum(sale.quantity for sale in sales)}
        if with_cost:
            answer["total_usd"] = sum((sale.quantity * sale.unit_price_usd for sale in sales), money.ZERO)
        answer["sales"] = [_recorded(sale, line, with_cost) for sale, line in zip(sales, lines, strict=True)]
        return Response(answer, status=status.HTTP_201_CREATED)


class ReturnCreate(APIView):
    """Units that come back."""

    rights = {"POST": Right.RECORD_SALES}

    @extend_schema(request=Return, responses={201: shapes.RecordedOutput})
    @idempotent
    def post(self, request: Request) -> Response:
        """Record a return, never of more than was sold under its order reference."""
        today = timezone.localdate()
        body = parse(Return, request)
        line = recording.Line(
            product_id=body.product_id,
            quantity=body.quantity,
            sale_date=today,
            platform=body.platform,
            order_reference=body.order_reference,
            restock=body.restock,
        )
        returned = recording.record_return(line, today=today, actor=actor_of(request))
        return Response(_recorded(returned, line, sees_cost(request)), status=status.HTTP_201_CREATED)


def _line(item: SaleLine, today: date) -> recording.Line:
    return recording.Line(
        item.product_id,
        item.quantity,
        item.sale_date or today,
        item.unit_price_usd,
        item.platform,
        item.order_reference,
    )


def _recorded(sale: recording.Recorded, line: recording.Line, with_cost: bool) -> dict[str, Any]:
    """Return the answer for ``sale``. Who may not see costs is told the price only where ``line`` brought it."""
    answer = sale._asdict()
    answer["internal_sku"] = answer.pop("sku")
    if not with_cost and line.unit_price_usd is None:
        del answer["unit_price_usd"]
    return answer
