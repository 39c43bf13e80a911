"""Reading payments: lists, totals by month, and where orders stand with theirs."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple, TypedDict

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.fields import DecimalField
from django.db.models.functions import Coalesce, TruncMonth

from core import money
from purchasing import terms, transfer_states
from purchasing.errors import PaymentNotFound
from purchasing.models import Payment, PurchaseOrder
from purchasing.workflow import Stage

_UNDER_WAY = (Payment.Status.PENDING, Payment.Status.PROCESSING)
_SPENT = ~Q(status=Payment.Status.FAILED)
# SQLite adds money in floating point, where 0.7 + 0.1 is less than 0.8.
_LESS_THAN_A_CENT = Value(Decimal("0.004"), output_field=DecimalField(max_digits=18, decimal_places=3))
_PAID_ON = Coalesce("initiated_at", "created_at")


class MonthFigures(TypedDict):
    """What was paid in one month, named by its first day as YYYY-MM."""

    month: str
    total_usd: Decimal
    fees_usd: Decimal
    count: int


class Summary(TypedDict):
    """What was paid, failed payments left out. ``pending_usd`` has not arrived yet."""

    monthly_totals: list[MonthFigures]
    mtd_total_usd: Decimal
    ytd_total_usd: Decimal
    total_fees_usd: Decimal
    pending_usd: Decimal


class Spent(NamedTuple):
    """What went out for an order: arrived, and on its way."""

    paid_usd: Decimal
    in_transfer_usd: Decimal


class DueOrder(NamedTuple):
    """An order of which something is still open."""

    order: PurchaseOrder
    standing: terms.Standing


def payments(
    *,
    status: str | None = None,
    supplier_id: int | None = None,
    po_id: int | None = None,
    kind: str | None = None,
    needs_attention: bool | None = None,
) -> QuerySet[Payment]:
    """Return payments, newest first, those that match every filter given."""
    found = Payment.objects.select_related("order", "supplier").order_by("-id")
    if needs_attention is not None:
        found = found.exclude(attention="") if needs_attention else found.filter(attention="")
    given = {"status": status, "supplier_id": supplier_id, "order_id": po_id, "kind": kind}
    return found.filter(**{name: value for name, value in given.items() if value is not None})


def payment(payment_id: int) -> Payment:
    """Return one payment with its order and supplier, in one query. Raises PaymentNotFound."""
    found = Payment.objects.select_related("order", "supplier").filter(pk=payment_id).first()
    if found is None:
        raise PaymentNotFound(payment_id)
    return found


def of_order(order_id: int) -> list[Payment]:
    """Return the payments of an order, oldest first, in one query."""
    return list(Payment.objects.filter(order_id=order_id).order_by("id"))


def summary(*, today: date) -> Summary:
    """Return what was paid by month, oldest first, in one query; months and days are those of the business."""
    rows = (
        Payment.objects.filter(_SPENT)
        .annotate(month=TruncMonth(_PAID_ON))
        .values("month", "status")
        .annotate(amount=Sum("amount_usd"), fees=Sum("fee_usd"), n=Count("id"))
        .order_by("month")
    )
    months: dict[str, MonthFigures] = {}
    pending = money.ZERO
    for row in rows:
        name = f"{row['month']:%Y-%m}"
        month = months.setdefault(name, MonthFigures(month=name, total_usd=money.ZERO, fees_usd=money.ZERO, count=0))
        month["total_usd"] += money.cents(row["amount"])
        month["fees_usd"] += money.cents(row["fees"])
        month["count"] += row["n"]
        if row["status"] in _UNDER_WAY:
            pending += money.cents(row["amount"])
    return Summary(
        monthly_totals=list(months.values()),
        mtd_total_usd=_total(months, f"{today:%Y-%m}"),
        ytd_total_usd=_total(months, f"{today:%Y}-"),
        total_fees_usd=sum((month["fees_usd"] for month in months.values()), money.ZERO),
        pending_usd=pending,
    )


def spent(order_id: int, *, but: int = 0) -> Spent:
    """Return what went out for an order, leaving out payment ``but``, in one query."""
    return _spent(Payment.objects.filter(order_id=order_id).exclude(pk=but))


def standing(order: PurchaseOrder) -> terms.Standing:
    """Return where an order stands with its payments, in one query, and one more for its supplier if not loaded."""
    return _standing(order, spent(order.pk))


def standing_with(order: PurchaseOrder, own: Sequence[Payment]) -> terms.Standing:
    """Return where an order stands with these, its payments; no query when its supplier is loaded."""
    counted = [(payment.status == Payment.Status.DELIVERED, payment) for payment in own if _is_spent(payment)]
    paid = sum((payment.amount_usd for arrived, payment in counted if arrived), money.ZERO)
    in_transfer = sum((payment.amount_usd for arrived, payment in counted if not arrived), money.ZERO)
    return _standing(order, Spent(paid, in_transfer))


def with_something_due(*, supplier_id: int | None = None) -> QuerySet[PurchaseOrder]:
    """Return orders that were sent, are not cancelled and not paid in full, the oldest first.

    Each carries ``paid`` and ``in_transfer``, for ``due``.
    """
    found = PurchaseOrder.objects.select_related("supplier").exclude(status=Stage.DRAFT).filter(cancelled_at=None)
    if supplier_id is not None:
        found = found.filter(supplier_id=supplier_id)
    arrived = Q(status=Payment.Status.DELIVERED)
    under_way = Q(status__in=_UNDER_WAY)
    rows = found.annotate(paid=_of_each_order(arrived), in_transfer=_of_each_order(under_way))
    spent = F("paid") + F("in_transfer") + _LESS_THAN_A_CENT
    return rows.filter(total_usd__gt=spent).order_by("order_date", "id")


def due(order: Any) -> DueOrder:
    """Return what is due of an order that ``with_something_due`` found, without a query."""
    return DueOrder(order, _standing(order, Spent(money.cents(order.paid), money.cents(order.in_transfer))))


def other_with(transfer_id: str, payment: Payment) -> str:
    """Return the number of the payment that follows this transfer, "" when none but ``payment`` does."""
    others = Payment.objects.filter(wise_transfer_id=transfer_id).exclude(pk=payment.pk or 0)
    return others.values_list("payment_id", flat=True).first() or ""


def to_read(*, now: datetime, sent_since: datetime, read_before: datetime) -> list[int]:
    """Return the ids of payments whose transfer Wise should be asked about at ``now``, those touched longest ago first.

    Open ones always; those that were sent (which a bank may send back) or charged back after ``sent_since``, when they
    were last read before ``read_before``.
    """
    reversible = Q(wise_status__in=transfer_states.REVERSIBLE, paid_on__gte=sent_since) & (
        Q(synced_at=None) | Q(synced_at__lt=read_before)
    )
    never_read = Q(wise_status="", paid_on__lte=now)
    return list(
        Payment.objects.exclude(wise_transfer_id="")
        .annotate(paid_on=Coalesce("wise_state_since", _PAID_ON))
        .filter(Q(status__in=_UNDER_WAY) | never_read | reversible)
        .order_by("updated_at", "id")
        .values_list("id", flat=True)
    )


def _is_spent(payment: Payment) -> bool:
    return payment.status != Payment.Status.FAILED


def _total(months: dict[str, MonthFigures], beginning: str) -> Decimal:
    return sum((month["total_usd"] for name, month in months.items() if name.startswith(beginning)), money.ZERO)


def _spent(rows: QuerySet[Payment]) -> Spent:
    sums = dict(rows.filter(_SPENT).values_list("status").annotate(amount=Sum("amount_usd")))
    paid = money.cents(sums.get(Payment.Status.DELIVERED))
    return Spent(paid, sum((money.cents(sums.get(status)) for status in _UNDER_WAY), money.ZERO))


def _of_each_order(which: Q) -> Coalesce:
    """Return what the payments of ``which`` come to, for each order of a query."""
    own = Payment.objects.filter(which, order=OuterRef("pk")).order_by().values("order")
    whole = DecimalField(max_digits=16, decimal_places=2)
    return Coalesce(Subquery(own.annotate(amount=Sum("amount_usd")).values("amount")), money.ZERO, output_field=whole)


def _standing(order: PurchaseOrder, spent: Spent) -> terms.Standing:
    return terms.standing(
        total_usd=order.total_usd,
        deposit_percent=order.deposit_percent,
        ordered_on=order.order_date,
        ready_on=order.expected_ready_date,
        lead_time_days=order.supplier.lead_time_days,
        paid_usd=spent.paid_usd,
        in_transfer_usd=spent.in_transfer_usd,
        is_cancelled=order.cancelled_at is not None,
    )
