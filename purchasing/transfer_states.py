"""What the states of a transfer at Wise mean for a payment.

Wording of the ten states: docs.wise.com, guides/developer/transfer (tracking transfers). Wise may go back to an earlier
state and may add states, so nothing here depends on an order.
"""

from typing import NamedTuple

from purchasing.models import Payment

WAITING = "incoming_payment_waiting"
SENT = "outgoing_payment_sent"
CHARGED_BACK = "charged_back"
# Ended as far as anybody can see, and still they may change.
REVERSIBLE = (SENT, CHARGED_BACK)

_Status = Payment.Status


class Reading(NamedTuple):
    """What a state makes of a payment; ``attention`` is what somebody should do about it, "" for nothing."""

    status: str
    words: str
    attention: str = ""


READINGS: dict[str, Reading] = {
    WAITING: Reading(_Status.PENDING, "Waiting to be funded"),
    "incoming_payment_initiated": Reading(_Status.PENDING, "Funding has started"),
    "processing": Reading(_Status.PROCESSING, "Being checked by Wise"),
    "funds_converted": Reading(_Status.PROCESSING, "Converted"),
    # Not a proof of arrival: a bank may still send it back, for weeks.
    SENT: Reading(_Status.DELIVERED, "Sent by Wise"),
    "bounced_back": Reading(
        _Status.PROCESSING,
        "Sent back by the bank",
        "The bank sent the money back: Wise delivers it late or refunds it.",
    ),
    "cancelled": Reading(_Status.FAILED, "Cancelled"),
    "funds_refunded": Reading(_Status.FAILED, "Refunded"),
    CHARGED_BACK: Reading(
        _Status.FAILED, "Charged back", "The money was charged back: there was trouble with the account that funded it."
    ),
    "unknown": Reading(
        _Status.PROCESSING, "Wise needs information", "Wise needs information and has sent an e-mail about it."
    ),
}


def reading(state: str) -> Reading:
    """Return what ``state`` means; one that nobody has heard of keeps the payment open and calls for attention."""
    known = READINGS.get(state)
    if known is not None:
        return known
    return Reading(_Status.PROCESSING, state, f'Wise reports a state that Godown does not know: "{state[:64]}".')
