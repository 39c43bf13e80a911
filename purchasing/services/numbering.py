"""PO-2026-001, PO-2026-002, …: unique and without gaps, also when many ask at once."""

from django.db.models import F

from core.operations import operation
from purchasing.models import DocumentSequence


@operation
def next_number(prefix: str, *, year: int) -> str:
    """Take the next number of ``prefix`` in ``year``: at least three digits, and simply more past 999.

    Locks the sequence until the transaction ends; a transaction that fails gives its number back.
    """
    DocumentSequence.objects.bulk_create([DocumentSequence(prefix=prefix, year=year)], ignore_conflicts=True)
    own = DocumentSequence.objects.filter(prefix=prefix, year=year)
    own.update(last_number=F("last_number") + 1)
    return f"{prefix}-{year}-{own.get().last_number:03d}"
