"""Funding, which is a step of its own: the money leaves the balance only here.

docs.wise.com/guides/developer/errors/funding: "A successful HTTP response does not always mean that Wise funded the
transfer." A field report (github.com/n8n-io/n8n/issues/3037) got 201 from this address: set ``funded_status``.
"""

import uuid
from decimal import Decimal
from http import HTTPStatus

from tests.fake_wise import quotes, transfers
from tests.fake_wise.answers import Answer, Json, Refusal, Seen, missing, plain, read_json
from tests.fake_wise.world import WAITING, World

BALANCE = "BALANCE"
APPROVAL, RESULT = "x-2fa-approval", "x-2fa-approval-result"


def fund(world: World, call: Seen, profile: str, transfer: str) -> Answer:
    """POST /v3/profiles/{profile}/transfers/{transfer}/payments."""
    found = transfers.own(world, call, transfer)
    if world.facts[found["id"]].profile != int(profile):
        raise missing(call)
    kind = read_json(call).get("type")
    _require_approval(world, call)
    if kind != BALANCE or BALANCE in world.disabled_pay_ins:
        code = "balance.payment-option-unavailable"
        return Answer(HTTPStatus.UNPROCESSABLE_ENTITY, {"type": kind, "status": "REJECTED", "errorCode": code})
    error = _objection(world, found)
    if error is None:
        _pay(world, found)
    status = "REJECTED" if error else "COMPLETED"
    code_of_http = HTTPStatus.OK if error else world.funded_status
    return Answer(code_of_http, {"type": BALANCE, "status": status, "errorCode": error})


def _require_approval(world: World, call: Seen) -> None:
    """Strong customer authentication: 403 with a one-time token, until the owner has approved that token."""
    if not world.sca or world.tokens.pop(call.headers.get(APPROVAL, ""), False):
        return
    token = str(uuid.uuid4())
    world.tokens[token] = False
    headers = {RESULT: "REJECTED", APPROVAL: token}
    raise Refusal(plain(HTTPStatus.FORBIDDEN, call, "You are forbidden to send this request", headers))


def _objection(world: World, transfer: Json) -> str | None:
    if world.facts[transfer["id"]].funded:
        return "payment.exists"
    if transfer["status"] != WAITING:
        return "transfer.invalid-state"
    if _price(world, transfer) > world.balances.get(transfer["sourceCurrency"], Decimal(0)):
        return "transfer.insufficient_funds"
    return None


def _price(world: World, transfer: Json) -> Decimal:
    chosen = quotes.option(world.quotes[transfer["quoteUuid"]], BALANCE)
    return Decimal(str(chosen["sourceAmount"]))


def _pay(world: World, transfer: Json) -> None:
    world.balances[transfer["sourceCurrency"]] -= _price(world, transfer)
    transfers.paid(world, transfer, BALANCE)
    world.set_state(transfer["id"], "processing", at=world.clock.now())
