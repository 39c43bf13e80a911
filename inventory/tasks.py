"""Jobs of the inventory."""

import logging

from celery import shared_task

from inventory import selectors

log = logging.getLogger("godown.ledger")


@shared_task
def check_ledger() -> None:
    """Every night: raise the alarm for each product whose quantity is not the sum of its movements."""
    for found in selectors.ledger_differences():
        log.error("ledger differs: %s has %s on hand, %s in the ledger", found.sku, found.quantity, found.ledger)
