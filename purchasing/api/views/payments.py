"""Payments over HTTP: parse, call, answer."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
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
from core.api.pagination import page
from purchasing.api.serializers import payments as shapes
from purchasing.selectors import payments as selectors
from purchasing.services import payments


class PaymentList(APIView):
    """The payments to suppliers."""

    rights = {"GET": Right.VIEW_PAYMENTS, "POST": Right.CHANGE_PAYMENTS}

    @extend_schema(parameters=[shapes.PaymentFilters], responses=paged(shapes.PaymentOutput))
    def get(self, request: Request) -> Response:
        """List payments, newest first."""
        return page(selectors.payments(**read(shapes.PaymentFilters, request)), request, self, shapes.PaymentOutput)

    @extend_schema(request=shapes.PaymentInput, responses={201: shapes.PaymentOutput})
    @idempotent
    def post(self, request: Request) -> Response:
        """Record a payment with the next number; of an order, what is due next is the default."""
        form = shapes.PaymentInput(data=request.data)
        form.is_valid(raise_exception=True)
        payment = payments.create(
            **form.validated_data, today=timezone.localdate(), now=timezone.now(), actor=actor_of(request)
        )
        return shown_payment(payment.pk, request, status.HTTP_201_CREATED)


class PaymentDetail(APIView):
    """One payment."""

    rights = {"GET": Right.VIEW_PAYMENTS, "PUT": Right.CHANGE_PAYMENTS, "PATCH": Right.CHANGE_PAYMENTS}

    @extend_schema(responses=shapes.PaymentOutput)
    def get(self, request: Request, payment_id: int) -> Response:
        """Return a payment, with what is known of it at Wise."""
        return shown_payment(payment_id, request)

    @extend_schema(request=shapes.PaymentUpdate, responses=shapes.PaymentOutput)
    def patch(self, request: Request, payment_id: int) -> Response:
        """Change the fields given; what Wise was told or says itself is not changed by hand."""
        form = shapes.PaymentUpdate(data=request.data)
        form.is_valid(raise_exception=True)
        payments.update(payment_id, **form.validated_data, actor=actor_of(request))
        return shown_payment(payment_id, request)

    @extend_schema(request=shapes.PaymentUpdate, responses=shapes.PaymentOutput)
    def put(self, request: Request, payment_id: int) -> Response:
        """Change the fields given, like PATCH."""
        return self.patch(request, payment_id)


class PaymentSummary(APIView):
    """What was paid."""

    rights = {"GET": Right.VIEW_PAYMENTS}

    @extend_schema(responses=shapes.SummaryOutput)
    def get(self, request: Request) -> Response:
        """Return totals by month, of this month and year, all fees, and what has not arrived yet."""
        return shown(shapes.SummaryOutput, selectors.summary(today=timezone.localdate()), request)


class PaymentsDue(APIView):
    """What is to be paid."""

    rights = {"GET": Right.VIEW_PAYMENTS}

    @extend_schema(parameters=[shapes.DueFilters], responses=paged(shapes.DueOutput))
    def get(self, request: Request) -> Response:
        """List orders of which something is open, the oldest first, with what is due when."""
        return page(selectors.with_something_due(**read(shapes.DueFilters, request)), request, self, DueRow)


class DueRow(shapes.DueOutput):
    """A row of what is due, worked out from the order that was found."""

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Return the row."""
        return super().to_representation(selectors.due(instance))


def shown_payment(payment_id: int, request: Request, code: int = status.HTTP_200_OK) -> Response:
    """Answer with a payment as it is now."""
    return shown(shapes.PaymentOutput, selectors.payment(payment_id), request, code)
