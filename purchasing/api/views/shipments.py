"""Shipments and incoming goods over HTTP: parse, call, answer."""

from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.idempotency import idempotent
from accounts.api.permissions import actor_of
from accounts.api.privacy import shown
from accounts.rights import Right
from core.api.documents import paged
from core.api.filters import read
from core.api.pagination import Pages, page
from purchasing.api.serializers import shipments as shapes
from purchasing.selectors import incoming
from purchasing.selectors import shipments as selectors
from purchasing.services import shipments

_ONE_OR_SEVERAL = PolymorphicProxySerializer(
    component_name="OneOrSeveralMilestones",
    serializers=[shapes.MilestonesInput, shapes.MilestoneInput],
    resource_type_field_name=None,
)


class ShipmentList(APIView):
    """The shipments."""

    rights = {"GET": Right.VIEW_ORDERS, "POST": Right.CHANGE_ORDERS}

    @extend_schema(parameters=[shapes.ShipmentFilters], responses=paged(shapes.ShipmentOutput))
    def get(self, request: Request) -> Response:
        """List shipments with their milestones, newest first."""
        return page(selectors.shipments(**read(shapes.ShipmentFilters, request)), request, self, shapes.ShipmentOutput)

    @extend_schema(request=shapes.ShipmentInput, responses={201: shapes.ShipmentOutput})
    @idempotent
    def post(self, request: Request) -> Response:
        """Add a shipment to an order that was sent; an order may have several."""
        form = shapes.ShipmentInput(data=request.data)
        form.is_valid(raise_exception=True)
        made = shipments.create(**form.validated_data, today=timezone.localdate(), actor=actor_of(request))
        return _shipment(made.pk, request, status.HTTP_201_CREATED)


class ShipmentDetail(APIView):
    """One shipment."""

    rights = {"GET": Right.VIEW_ORDERS, "PUT": Right.CHANGE_ORDERS, "PATCH": Right.CHANGE_ORDERS}

    @extend_schema(responses=shapes.ShipmentOutput)
    def get(self, request: Request, shipment_id: int) -> Response:
        """Return a shipment with all its milestones."""
        return _shipment(shipment_id, request)

    @extend_schema(request=shapes.ShipmentUpdate, responses=shapes.ShipmentOutput)
    def patch(self, request: Request, shipment_id: int) -> Response:
        """Change the fields given; the status follows from the milestones only."""
        form = shapes.ShipmentUpdate(data=request.data)
        form.is_valid(raise_exception=True)
        shipments.update(shipment_id, **form.validated_data, actor=actor_of(request))
        return _shipment(shipment_id, request)

    @extend_schema(request=shapes.ShipmentUpdate, responses=shapes.ShipmentOutput)
    def put(self, request: Request, shipment_id: int) -> Response:
        """Change the fields given, like PATCH."""
        return self.patch(request, shipment_id)


class ShipmentMilestones(APIView):
    """The way of a shipment."""

    rights = {"POST": Right.CHANGE_ORDERS}

    @extend_schema(request=_ONE_OR_SEVERAL, responses=shapes.ShipmentOutput)
    @idempotent
    def post(self, request: Request, shipment_id: int) -> Response:
        """Write dates on one milestone, or on several at once: all or none. The status follows."""
        marks = _marks(request.data)
        shipments.set_milestones(shipment_id, marks, today=timezone.localdate(), actor=actor_of(request))
        return _shipment(shipment_id, request)


class IncomingList(APIView):
    """What is on order and on the way."""

    rights = {"GET": Right.VIEW_ORDERS}

    @extend_schema(parameters=[shapes.IncomingFilters], responses=paged(shapes.IncomingOutput))
    def get(self, request: Request) -> Response:
        """List products with units on order that were not received, by SKU, with the dates they are expected."""
        filters = read(shapes.IncomingFilters, request)
        pages = Pages()
        found = pages.paginate_queryset(incoming.products(**filters), request, view=self) or []
        supplier_id = filters.get("supplier_id")
        rows = incoming.incoming(found, supplier_id=supplier_id, today=timezone.localdate())
        return pages.get_paginated_response(rows)


def _marks(data: Any) -> Sequence[shipments.Mark]:
    """Return the milestones of a body that is one itself or names several."""
    is_one = isinstance(data, dict) and "milestone_type" in data and "milestones" not in data
    form = shapes.MilestoneInput(data=data) if is_one else shapes.MilestonesInput(data=data)
    form.is_valid(raise_exception=True)
    return [form.validated_data] if is_one else form.validated_data["milestones"]


def _shipment(shipment_id: int, request: Request, code: int = status.HTTP_200_OK) -> Response:
    return shown(shapes.ShipmentOutput, selectors.shipment(shipment_id), request, code)
