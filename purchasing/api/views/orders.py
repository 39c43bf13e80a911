"""Purchase orders over HTTP: parse, call, answer."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.idempotency import idempotent
from accounts.api.permissions import actor_of
from accounts.api.privacy import shown, shown_rows
from accounts.rights import Right
from core.api.documents import paged
from core.api.filters import read
from core.api.pagination import page
from purchasing.api.serializers import orders as shapes
from purchasing.selectors import orders as selectors
from purchasing.services import orders, receipts
from purchasing.workflow import Stage


class OrderList(APIView):
    """The purchase orders."""

    rights = {"GET": Right.VIEW_ORDERS, "POST": Right.CHANGE_ORDERS}

    @extend_schema(parameters=[shapes.OrderFilters], responses=paged(shapes.OrderOutput))
    def get(self, request: Request) -> Response:
        """List orders, newest first."""
        return page(selectors.orders(**read(shapes.OrderFilters, request)), request, self, shapes.OrderOutput)

    @extend_schema(request=shapes.OrderInput, responses={201: shapes.OrderDetail})
    @idempotent
    def post(self, request: Request) -> Response:
        """Make a DRAFT with the next number."""
        form = shapes.OrderInput(data=request.data)
        form.is_valid(raise_exception=True)
        order = orders.create(**form.validated_data, today=timezone.localdate(), actor=actor_of(request))
        return _order(order.pk, request, status.HTTP_201_CREATED)


class OrderDetail(APIView):
    """One purchase order."""

    rights = {"GET": Right.VIEW_ORDERS, "PUT": Right.CHANGE_ORDERS, "PATCH": Right.CHANGE_ORDERS}

    @extend_schema(responses=shapes.OrderDetail)
    def get(self, request: Request, order_id: int) -> Response:
        """Return an order with its lines and history."""
        return _order(order_id, request)

    @extend_schema(request=shapes.OrderUpdate, responses=shapes.OrderDetail)
    def patch(self, request: Request, order_id: int) -> Response:
        """Change the fields given, and the lines while the order is a draft; totals follow."""
        form = shapes.OrderUpdate(data=request.data)
        form.is_valid(raise_exception=True)
        orders.update(order_id, **form.validated_data, actor=actor_of(request))
        return _order(order_id, request)

    @extend_schema(request=shapes.OrderUpdate, responses=shapes.OrderDetail)
    def put(self, request: Request, order_id: int) -> Response:
        """Change the fields given, like PATCH."""
        return self.patch(request, order_id)


class OrderStatus(APIView):
    """The next stage of an order."""

    rights = {"POST": Right.CHANGE_ORDERS, "PUT": Right.CHANGE_ORDERS, "PATCH": Right.CHANGE_ORDERS}

    @extend_schema(request=shapes.Advance, responses=shapes.OrderDetail)
    @idempotent
    def post(self, request: Request, order_id: int) -> Response:
        """Move an order to its next stage."""
        form = shapes.Advance(data=request.data)
        form.is_valid(raise_exception=True)
        to = Stage(form.validated_data["status"])
        orders.advance(order_id, to=to, notes=form.validated_data.get("notes", ""), actor=actor_of(request))
        return _order(order_id, request)

    @extend_schema(request=shapes.Advance, responses=shapes.OrderDetail)
    def put(self, request: Request, order_id: int) -> Response:
        """Move an order to its next stage, like POST."""
        return self.post(request, order_id)

    @extend_schema(request=shapes.Advance, responses=shapes.OrderDetail)
    def patch(self, request: Request, order_id: int) -> Response:
        """Move an order to its next stage, like POST."""
        return self.post(request, order_id)


class OrderReceive(APIView):
    """Goods of an order arriving."""

    rights = {"POST": Right.RECEIVE_STOCK}

    @extend_schema(request=shapes.Receive, responses=shapes.OrderDetail)
    @idempotent
    def post(self, request: Request, order_id: int) -> Response:
        """Book what arrived, in full or in part, never beyond what is open: all lines or none."""
        form = shapes.Receive(data=request.data)
        form.is_valid(raise_exception=True)
        receipts.receive(order_id, **form.validated_data, actor=actor_of(request))
        return _order(order_id, request)


class OrderCancel(APIView):
    """The end of an order."""

    rights = {"POST": Right.CHANGE_ORDERS}

    @extend_schema(request=shapes.Cancel, responses=shapes.OrderDetail)
    @idempotent
    def post(self, request: Request, order_id: int) -> Response:
        """End an order where it stands; it keeps its stage and goes no further."""
        form = shapes.Cancel(data=request.data)
        form.is_valid(raise_exception=True)
        orders.cancel(order_id, **form.validated_data, now=timezone.now(), actor=actor_of(request))
        return _order(order_id, request)


class WorkflowStats(APIView):
    """The ten stages."""

    rights = {"GET": Right.VIEW_ORDERS}

    @extend_schema(responses=shapes.StageOutput(many=True))
    def get(self, request: Request) -> Response:
        """Return count and value of every stage, empty ones too; cancelled orders are left out."""
        return Response(shown_rows(shapes.StageOutput, selectors.pipeline(), request))


def _order(order_id: int, request: Request, code: int = status.HTTP_200_OK) -> Response:
    return shown(shapes.OrderDetail, selectors.order(order_id), request, code)
