"""What is paid to suppliers: recorded, changed, linked to a transfer at Wise. Moving money is in ``transfers``."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.rights import Right
from core import money
from core.operations import operation
from inventory.models import Supplier, SupplierBankAccount
from purchasing import wise_connection
from purchasing.errors import (
    LinkingForbidden,
    NothingDue,
    OverPayment,
    PaymentAtWise,
    PaymentWithoutPayee,
    TransferTaken,
    UnknownBankAccount,
    UnknownSupplier,
)
from purchasing.models import Payment, PurchaseOrder
from purchasing.selectors import payments as selectors
from purchasing.services import locks, numbering

PREFIX = "PAY"
# Money that has left, as far as anybody knows.
_OUT = (Payment.Status.PROCESSING, Payment.Status.DELIVERED)
# What a transfer at Wise says itself, as soon as Godown can ask there.
_SAID_BY_WISE = ("status", "amount_received", "currency_received")
# What Wise was told when the transfer was made, or is told of a linked one.
_TOLD_TO_WISE = ("amount_usd", "bank_account_id", "wise_transfer_id")
# What Wise said of the transfer that was linked before.
_FORGOTTEN: dict[str, Any] = {
    "status": Payment.Status.PENDING,
    "wise_status": "",
    "wise_quote_id": "",
    "wise_event_at": None,
    "wise_made_here": False,
    "wise_state_since": None,
    "synced_at": None,
    "sync_failed_at": None,
    "sync_error": "",
    "attention": "",
    "estimated_delivery_at": None,
    "amount_received": None,
    "currency_received": "",
    "amount_refunded": None,
    "currency_refunded": "",
}


@operation
def create(
    *,
    order_id: int | None = None,
    supplier_id: int | None = None,
    kind: str | None = None,
    amount_usd: Decimal | None = None,
    confirm_overpayment: bool = False,
    today: date,
    now: datetime,
    actor: User,
    **fields: Any,
) -> Payment:
    """Record a payment with the next number of the year of ``today``.

    Of an order, kind and amount default to what is due next: the deposit, then the balance. ``wise_transfer_id`` links
    a transfer that exists at Wise already.

    Raises:
        OrderNotFound, OrderCancelled, PaymentWithoutPayee, UnknownSupplier, UnknownBankAccount: whom it goes to.
        NothingDue: no amount is given and nothing is open.
        OverPayment: more than the order comes to, and ``confirm_overpayment`` is not set.
        PaymentAtWise, TransferTaken: a transfer is linked that says its own status, or is another payment's.
        LinkingForbidden: a transfer is linked by somebody who may not move money: it could be any of the company's.
    """
    order = None if order_id is None else locks.open_order(order_id)
    payee = _payee(order, supplier_id)
    if order is not None:
        kind, amount_usd = _what_is_due(order, kind, amount_usd, today)
    if amount_usd is None:
        raise NothingDue("this supplier", "")
    payment = Payment(order=order, supplier_id=payee, kind=kind or Payment.Kind.OTHER, amount_usd=amount_usd)
    _set(payment, {"initiated_at": now, **fields})
    _check(payment, fields, actor)
    if not confirm_overpayment and _counts(payment):
        refuse_overpayment(payment)
    payment.payment_id = numbering.next_number(PREFIX, year=today.year)
    _save(payment, force_insert=True)
    _read_when_linked(payment)
    return payment


@operation
def update(payment_id: int, *, confirm_overpayment: bool = False, actor: User, **fields: Any) -> Payment:
    """Change the fields given.

    What Wise was told, or says itself, is not changed by hand. A transfer that was linked by hand may be replaced by
    another one or, with "", taken away, by those who may move money: what Wise said of it is forgotten then. A payment
    that was out and is pending again calls for attention, so that it is not paid twice unseen.

    Raises PaymentNotFound, UnknownBankAccount, PaymentAtWise, TransferTaken, LinkingForbidden or OverPayment.
    """
    payment = locks.payment(payment_id)
    changed = {name: value for name, value in fields.items() if getattr(payment, name) != value}
    _refuse_what_wise_holds(payment, changed)
    spent_before, status_before = _counts(payment), payment.status
    _check(payment, changed, actor)
    relinked = "wise_transfer_id" in changed
    if relinked:
        # What is said by hand holds, unless the new transfer says it itself.
        said = changed if changed["wise_transfer_id"] and wise_connection.is_set_up() else fields
        changed = {**_FORGOTTEN, **said}
    if status_before in _OUT and changed.get("status") == Payment.Status.PENDING:
        changed["attention"] = f"This payment was {status_before} before. Make sure that it is not paid twice."
    _set(payment, changed)
    if not confirm_overpayment and _counts(payment) > spent_before:
        refuse_overpayment(payment)
    if changed:
        _save(payment, update_fields=[*changed, "updated_at"])
    if relinked:
        _read_when_linked(payment)
    return payment


def refuse_overpayment(payment: Payment) -> None:
    """Raises OverPayment when the payments of the locked order, this one included, are more than its total."""
    order = payment.order
    if order is None:
        return
    spent = sum(selectors.spent(order.pk, but=payment.pk or 0), money.ZERO)
    total = money.ZERO if order.cancelled_at else order.total_usd
    if spent + payment.amount_usd > total:
        raise OverPayment(order.po_number, total=total, spent=spent, amount=payment.amount_usd)


def _payee(order: PurchaseOrder | None, supplier_id: int | None) -> int:
    """Return whom the payment goes to: the order's supplier, who may be out of use by now, or an active one."""
    if order is not None:
        if supplier_id not in (None, order.supplier_id):
            raise PaymentWithoutPayee(order.po_number)
        return order.supplier_id
    if supplier_id is None:
        raise PaymentWithoutPayee
    if not Supplier.objects.filter(pk=supplier_id, is_active=True).exists():
        raise UnknownSupplier(supplier_id)
    return supplier_id


def _what_is_due(
    order: PurchaseOrder, kind: str | None, amount: Decimal | None, today: date
) -> tuple[str, Decimal | None]:
    """Return kind and amount, taken from the order's terms where they are not given."""
    if kind is not None and amount is not None:
        return kind, amount
    parts = selectors.standing(order).instalments
    due = next((part for part in parts if part.open_usd and kind in (None, part.kind)), None)
    if amount is None and due is None:
        raise NothingDue(order.po_number, kind or "")
    if due is None:
        return kind or Payment.Kind.OTHER, amount
    return kind or due.kind, due.open_usd if amount is None else amount


def _set(payment: Payment, fields: Mapping[str, Any]) -> None:
    for name, value in fields.items():
        setattr(payment, name, value)


def _check(payment: Payment, given: Mapping[str, Any], actor: User) -> None:
    """Raises UnknownBankAccount, LinkingForbidden, PaymentAtWise or TransferTaken for what is ``given``."""
    account_id = given.get("bank_account_id")
    if account_id is not None:
        own = SupplierBankAccount.objects.filter(pk=account_id, supplier=payment.supplier_id)
        if not own.exists():
            raise UnknownBankAccount(account_id)
    transfer_id = given.get("wise_transfer_id")
    if transfer_id is None or transfer_id == payment.wise_transfer_id == "":
        return
    if not actor.may(Right.MOVE_MONEY):
        raise LinkingForbidden
    if not transfer_id:
        return
    said = [name for name in _SAID_BY_WISE if given.get(name)]
    if said and wise_connection.is_set_up():
        raise PaymentAtWise(f"A payment linked to transfer {transfer_id}", said)
    taken = selectors.other_with(transfer_id, payment)
    if taken:
        raise TransferTaken(transfer_id, taken)


def _refuse_what_wise_holds(payment: Payment, changed: Mapping[str, Any]) -> None:
    """Refuse to change what was agreed with Wise. Raises PaymentAtWise."""
    held: list[str] = []
    if payment.wise_task or payment.wise_made_here:
        held += [name for name in _TOLD_TO_WISE if name in changed]
    if payment.is_at_wise and "wise_transfer_id" not in changed and wise_connection.is_set_up():
        held += [name for name in _SAID_BY_WISE if name in changed]
    if held:
        raise PaymentAtWise(payment.payment_id, held)


def _counts(payment: Payment) -> Decimal:
    """Return what the payment takes of its order's total: nothing once it has failed."""
    return money.ZERO if payment.status == Payment.Status.FAILED else payment.amount_usd


def _save(payment: Payment, **options: Any) -> None:
    """Save; of two who link one transfer at the same instant, the later is told so by the database."""
    try:
        payment.save(**options)
    except IntegrityError as error:
        if "payments_one_for_a_transfer" in str(error) or "payments.wise_transfer_id" in str(error):
            raise TransferTaken(payment.wise_transfer_id, "another payment") from error
        raise


def _read_when_linked(payment: Payment) -> None:
    """Have a linked transfer read as soon as this is committed; a queue that is down leaves it to the hourly run."""
    if payment.wise_transfer_id and wise_connection.is_set_up():
        from purchasing.tasks import read_transfer  # noqa: PLC0415 - the door of the job knows this module

        transaction.on_commit(lambda: read_transfer.delay(payment.pk), robust=True)
