"""What the business does with suppliers, their contacts and bank accounts."""

from collections.abc import Mapping, Sequence
from typing import Any

from accounts import audit, rotation
from accounts.models import User
from core import encryption, security_log
from core.operations import operation
from inventory.errors import BankAccountNotFound, ContactNotFound, SupplierNotFound
from inventory.models import Supplier, SupplierBankAccount, SupplierContact

SHOWN = "(shown in full)"


@operation
def create(*, contacts: Sequence[Mapping[str, Any]] = (), actor: User, **fields: Any) -> Supplier:
    """Add a supplier, with its contacts."""
    supplier = Supplier.objects.create(**fields)
    for contact in contacts:
        supplier.contacts.create(**contact)
    return supplier


@operation
def update(supplier_id: int, *, actor: User, **fields: Any) -> Supplier:
    """Change the fields given. Raises SupplierNotFound."""
    supplier = _locked(supplier_id)
    changed = [name for name, value in fields.items() if getattr(supplier, name) != value]
    for name in changed:
        setattr(supplier, name, fields[name])
    if changed:
        supplier.save(update_fields=[*changed, "updated_at"])
    return supplier


@operation
def deactivate(supplier_id: int, *, actor: User) -> Supplier:
    """Take a supplier out of use; it stays readable. Raises SupplierNotFound."""
    return update(supplier_id, is_active=False, actor=actor)


@operation
def add_contact(supplier_id: int, *, actor: User, **fields: Any) -> SupplierContact:
    """Add a contact. Raises SupplierNotFound."""
    return _locked(supplier_id).contacts.create(**fields)


@operation
def change_contact(supplier_id: int, contact_id: int, *, actor: User, **fields: Any) -> SupplierContact:
    """Change the fields given of a supplier's contact. Raises SupplierNotFound, ContactNotFound."""
    contact = _contact(supplier_id, contact_id)
    for name, value in fields.items():
        setattr(contact, name, value)
    if fields:
        contact.save(update_fields=[*fields, "updated_at"])
    return contact


@operation
def remove_contact(supplier_id: int, contact_id: int, *, actor: User) -> None:
    """Remove a supplier's contact. Raises SupplierNotFound, ContactNotFound."""
    _contact(supplier_id, contact_id).delete()


@operation
def add_bank_account(supplier_id: int, *, account_number: str, actor: User, **fields: Any) -> SupplierBankAccount:
    """Add a bank account; its number is stored encrypted, bound to the row. Raises SupplierNotFound."""
    shown = min(4, len(account_number) // 2)  # of a short number, not all of it
    account = _locked(supplier_id).bank_accounts.create(account_last4=account_number[-shown:], **fields)
    account.account_number = encryption.encrypt(account_number, bound_to=account.binding)
    account.save(update_fields=["account_number"])
    return account


@operation
def change_bank_account(supplier_id: int, account_id: int, *, actor: User, **fields: Any) -> SupplierBankAccount:
    """Change the fields given of a bank account; another number is another account.

    The security log tells of it: whoever changes where a supplier is paid moves money.

    Raises SupplierNotFound, BankAccountNotFound.
    """
    account = _bank_account(supplier_id, account_id)
    changed = [name for name, value in fields.items() if getattr(account, name) != value]
    for name in changed:
        setattr(account, name, fields[name])
    if changed:
        account.save(update_fields=[*changed, "updated_at"])
        names = ", ".join(changed)
        security_log.event("bank_account_changed", account=account.pk, supplier=supplier_id, fields=names)
    return account


@operation
def reveal_account_number(supplier_id: int, account_id: int, *, actor: User) -> str:
    """Return the number of a supplier's bank account in clear, and record who has seen it.

    Raises SupplierNotFound, BankAccountNotFound, and Undecryptable when the stored number is not this account's.
    """
    account = _bank_account(supplier_id, account_id)
    number = account.reveal_account_number()
    audit.record(SupplierBankAccount, audit.Action.UPDATE, [(account.pk, None, {"account_number": SHOWN})])
    security_log.event("account_number_revealed", account=account.pk, supplier=supplier_id)
    return number


@operation
def encrypt_with_newest_key() -> int:
    """Encrypt every account number with the newest key and return how many were not yet. Records each."""
    return rotation.encrypt_with_newest_key(SupplierBankAccount, "account_number")


def _locked(supplier_id: int) -> Supplier:
    supplier = Supplier.objects.select_for_update().filter(pk=supplier_id).first()
    if supplier is None:
        raise SupplierNotFound(supplier_id)
    return supplier


def _contact(supplier_id: int, contact_id: int) -> SupplierContact:
    contact = _locked(supplier_id).contacts.filter(pk=contact_id).first()
    if contact is None:
        raise ContactNotFound(contact_id)
    return contact


def _bank_account(supplier_id: int, account_id: int) -> SupplierBankAccount:
    account = _locked(supplier_id).bank_accounts.filter(pk=account_id).first()
    if account is None:
        raise BankAccountNotFound(account_id)
    return account
