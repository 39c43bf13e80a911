"""The sandbox's means to move a transfer along. docs.wise.com/api-reference/simulation"""

from datetime import timedelta
from decimal import Decimal, InvalidOperation
from http import HTTPStatus

from tests.fake_wise import transfers
from tests.fake_wise.answers import Answer, Seen, invalid, missing, number, read_json
from tests.fake_wise.profiles import balance_id
from tests.fake_wise.world import Step, World

ORDER = ("processing", "funds_converted", "outgoing_payment_sent", "bounced_back", "funds_refunded")
TAKES = timedelta(seconds=5)


def move(world: World, call: Seen, transfer: str, state: str) -> Answer:
    """GET /v1/simulation/transfers/{transfer}/{state}: says yes at once, and happens 5 seconds later.

    In the order of ORDER and only after funding; ``processing`` too, although funding has brought that about already.
    """
    found = transfers.own(world, call, transfer)
    facts = world.facts[found["id"]]
    if state not in ORDER:
        raise missing(call)
    if not facts.funded:
        raise invalid("transfer.invalid-state", "Fund the transfer first.", "transferId")
    if any(step.transfer_id == found["id"] for step in world.steps):
        raise invalid("transfer.invalid-state", "The previous simulation is still under way.", "transferId")
    expected = ORDER[ORDER.index(facts.simulated) + 1 :][:1] if facts.simulated else ORDER[:1]
    if (state,) != expected:
        raise invalid("transfer.invalid-state", f"Cannot move from {found['status']} to {state}.", "transferId")
    facts.simulated = state
    if found["status"] != state:
        world.steps.append(Step(world.clock.now() + TAKES, found["id"], state))
    return Answer(HTTPStatus.OK, {**found, "status": state})


def top_up(world: World, call: Seen) -> Answer:
    """POST /v1/simulation/balance/topup."""
    body = read_json(call)
    if int(body.get("profileId") or 0) != world.profile_id:
        raise missing(call)
    currency = str(body.get("currency"))
    if currency not in world.balances or int(body.get("balanceId") or 0) != balance_id(world, currency):
        raise invalid("NOT_VALID", "The balance is in another currency.", "currency")
    try:
        amount = Decimal(str(body.get("amount")))
    except InvalidOperation:
        raise invalid("NOT_VALID", "That is not a number.", "amount") from None
    world.balances[currency] += amount
    after = {"id": balance_id(world, currency), "value": number(world.balances[currency]), "currency": currency}
    made = {"transactionId": world.next_id("topup"), "state": "COMPLETED", "balancesAfter": [after]}
    return Answer(HTTPStatus.OK, made)
