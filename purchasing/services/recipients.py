"""Making a supplier's bank account known to Wise, so that it can be paid there."""

import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from accounts.models import User
from core.money import CENT
from inventory.errors import BankAccountNotFound
from inventory.models import SupplierBankAccount
from inventory.services import suppliers
from purchasing import wise, wise_connection
from purchasing.errors import RecipientKnown

NUMBER = "accountNumber"  # the field of Wise that Godown fills in itself, so that the number is never typed again
_ANY_AMOUNT = CENT * 100_00


def requirements(supplier_id: int, account_id: int) -> list[dict[str, object]]:
    """Return what Wise wants to know of this kind of account today, in Wise's own words and shape.

    Raises BankAccountNotFound, WiseNotConnected, or the WiseError.
    """
    account = _account(supplier_id, account_id)
    with wise_connection.client(somebody_waits=True) as client:
        return client.recipient_requirements(_quote(client, account).id)


def create(
    supplier_id: int, account_id: int, *, kind: str, details: Mapping[str, Any], actor: User
) -> SupplierBankAccount:
    """Make the account a recipient at Wise; holder and number come from here, ``details`` are the other fields.

    Wise is asked outside of any transaction. When the answer is lost the recipient may exist there unused, which costs
    nothing and moves nothing.

    Raises BankAccountNotFound, RecipientKnown, WiseNotConnected, or the WiseError.
    """
    account = _account(supplier_id, account_id)
    if account.wise_recipient_id:
        raise RecipientKnown(account.wise_recipient_id)
    number = account.reveal_account_number()
    try:
        with wise_connection.client(somebody_waits=True) as client:
            recipient = client.create_recipient(
                wise_connection.profile_of(client),
                currency=account.currency,
                type=kind,
                holder=account.holder,
                details={**details, NUMBER: number},
            )
    except wise.WiseError as error:
        # Wise may repeat what it was told; the number is shown by a recorded reveal only.
        error.message = _without(number, error.message)
        error.args = (error.message,)
        raise error from None
    return suppliers.change_bank_account(supplier_id, account_id, wise_recipient_id=recipient.id, actor=actor)


def _without(number: str, words: str) -> str:
    """Return ``words`` with the account number masked, however its digits are grouped."""
    signs = [re.escape(sign) for sign in number if sign.isalnum()]
    return re.sub(r"[\s.-]*".join(signs), "••••", words, flags=re.IGNORECASE)


def _account(supplier_id: int, account_id: int) -> SupplierBankAccount:
    account = SupplierBankAccount.objects.filter(pk=account_id, supplier=supplier_id).first()
    if account is None:
        raise BankAccountNotFound(account_id)
    return account


def _quote(client: wise.Wise, account: SupplierBankAccount) -> wise.Quote:
    """Return a quote for no payment: Wise asks for one to tell its fields. It costs nothing and expires by itself."""
    return client.create_quote(
        wise_connection.profile_of(client),
        source_currency=settings.WISE_SOURCE_CURRENCY,
        target_currency=account.currency,
        target_amount=_ANY_AMOUNT,
    )
