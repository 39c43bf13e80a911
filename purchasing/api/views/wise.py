"""What is asked of Wise, over HTTP."""

from uuid import uuid4

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
from core import limits
from inventory.api.serializers import BankAccountOutput
from purchasing.api.serializers import payments as shapes
from purchasing.api.views.payments import shown_payment
from purchasing.services import recipients, tracking, transfers

MAX_QUESTIONS = "20/m"  # that an address may have Wise asked while it waits


class SyncWise(APIView):
    """What Wise says of a payment."""

    rights = {"GET": Right.VIEW_PAYMENTS, "POST": Right.CHANGE_PAYMENTS}

    @extend_schema(responses=shapes.PaymentOutput)
    def get(self, request: Request, payment_id: int) -> Response:
        """Return what is known, when Wise was last asked, and why nothing newer is known."""
        return shown_payment(payment_id, request)

    @extend_schema(request=None, responses=shapes.PaymentOutput)
    def post(self, request: Request, payment_id: int) -> Response:
        """Ask Wise now. 503 when Wise does not answer: then what was known stays, with the reason."""
        limits.count(request._request, group="wise", rate=MAX_QUESTIONS, fail_closed=False)
        tracking.read(payment_id, now=timezone.now(), somebody_waits=True)
        return shown_payment(payment_id, request)


class WiseTransfer(APIView):
    """The transfer of a payment at Wise."""

    rights = {"POST": Right.MOVE_MONEY, "DELETE": Right.MOVE_MONEY}

    @extend_schema(request=shapes.MoveInput, responses={202: shapes.PaymentOutput})
    @idempotent
    def post(self, request: Request, payment_id: int) -> Response:
        """Have a transfer made, unfunded: it moves no money yet. A job does it; the payment tells how it went."""
        transfers.request_transfer(
            payment_id, transaction_id=uuid4(), **_given(request), now=timezone.now(), actor=actor_of(request)
        )
        return shown_payment(payment_id, request, status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses={202: shapes.PaymentOutput})
    def delete(self, request: Request, payment_id: int) -> Response:
        """Withdraw what Wise was not asked for yet, or have the transfer cancelled, unless it is paid out."""
        transfers.request_cancellation(payment_id, now=timezone.now(), actor=actor_of(request))
        return shown_payment(payment_id, request, status.HTTP_202_ACCEPTED)


class WiseFunding(APIView):
    """The money of a transfer at Wise."""

    rights = {"POST": Right.MOVE_MONEY}

    @extend_schema(request=shapes.MoveInput, responses={202: shapes.PaymentOutput})
    @idempotent
    def post(self, request: Request, payment_id: int) -> Response:
        """Have the transfer funded from the balance: from here on, money leaves."""
        transfers.request_funding(payment_id, **_given(request), now=timezone.now(), actor=actor_of(request))
        return shown_payment(payment_id, request, status.HTTP_202_ACCEPTED)


class WiseRecipient(APIView):
    """A supplier's bank account as a recipient at Wise."""

    rights = {"GET": Right.CHANGE_BANK_DETAILS, "POST": Right.CHANGE_BANK_DETAILS}

    @extend_schema(responses=shapes.RequirementsOutput)
    def get(self, request: Request, supplier_id: int, account_id: int) -> Response:
        """Return what Wise wants to know of this account, asked there now."""
        return Response({"requirements": recipients.requirements(supplier_id, account_id)})

    @extend_schema(request=shapes.RecipientInput, responses={201: BankAccountOutput})
    def post(self, request: Request, supplier_id: int, account_id: int) -> Response:
        """Make the account a recipient at Wise. Holder and number are Godown's; ``details`` are all other fields."""
        form = shapes.RecipientInput(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        account = recipients.create(
            supplier_id, account_id, kind=given["type"], details=given["details"], actor=actor_of(request)
        )
        return shown(BankAccountOutput, account, request, status.HTTP_201_CREATED)


def _given(request: Request) -> dict[str, bool]:
    """Return what the body says; there need not be one."""
    form = shapes.MoveInput(data=request.data or {})
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)
