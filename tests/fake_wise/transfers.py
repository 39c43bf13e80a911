"""Transfers: make one from a quote, list, read, cancel; and what Wise asks before.

docs.wise.com/api-reference/transfer
"""

import uuid
from datetime import timedelta
from decimal import Decimal
from http import HTTPStatus
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tests.fake_wise import quotes
from tests.fake_wise.answers import Answer, Json, Seen, invalid, missing, number, read_json
from tests.fake_wise.clock import milliseconds, naive, parse, with_offset
from tests.fake_wise.world import HAPPY, UNFUNDED, WAITING, Facts, World

MUCH_USD = Decimal(80000)
CANCELLABLE = (*UNFUNDED[:2], "processing", "funds_converted")
ADDRESSED = ("targetAccount", "quoteUuid", "customerTransactionId")
OTHER_FUNDS = "verification.source.of.funds.other"
SOURCES = {"verification.source.of.funds.investment": "Investments", OTHER_FUNDS: "Other"}
LONGEST_REFERENCE = 35
BLOCKED = "BLOCKED"


def create(world: World, call: Seen) -> Answer:
    """POST /v1/transfers. The same ``customerTransactionId`` again gives the first transfer, with 200."""
    body = read_json(call)
    for name in ADDRESSED:
        if body.get(name) in (None, ""):
            raise invalid("NOT_VALID", f"{name} is required.", name)
    transaction = _uuid(body["customerTransactionId"])
    for transfer in world.transfers.values():
        if transfer["customerTransactionId"].lower() == transaction:
            return Answer(HTTPStatus.OK, transfer)
    quote = _usable(world, str(body["quoteUuid"]))
    recipient, details = body["targetAccount"], body.get("details") or {}
    if quote["targetAccount"] != recipient:
        quotes.attach(world, quote, {"targetAccount": recipient})
    _check_details(quote, details)
    transfer = made(world, quote, recipient, {"customerTransactionId": transaction, "details": details})
    transfer["sourceAccount"] = body.get("sourceAccount")
    return Answer(HTTPStatus.OK, transfer)


def listed(world: World, call: Seen) -> Answer:
    """GET /v1/transfers, newest first. Without ``profile`` it is the personal one."""
    profile = int(call.query.get("profile") or world.personal_profile_id)
    if profile not in world.profile_ids:
        raise missing(call)
    found = [t for t in reversed(world.transfers.values()) if world.facts[t["id"]].profile == profile]
    found = [transfer for transfer in found if _asked_for(world, transfer, call.query)]
    offset, limit = int(call.query.get("offset", 0)), int(call.query.get("limit", 10))
    return Answer(HTTPStatus.OK, found[offset : offset + limit])


def get(world: World, call: Seen, transfer: str) -> Answer:
    """GET /v1/transfers/{transfer}."""
    return Answer(HTTPStatus.OK, own(world, call, transfer))


def cancel(world: World, call: Seen, transfer: str) -> Answer:
    """PUT /v1/transfers/{transfer}/cancel: until it is sent. What was paid goes back to the balance."""
    found = own(world, call, transfer)
    if found["status"] not in CANCELLABLE:
        code, message = "transfer.cancellation.not.allowed", "Transfer cannot be cancelled"
        raise invalid(code, message, status=HTTPStatus.CONFLICT)
    for payment in world.facts[found["id"]].payments:
        if payment["method"] == "BALANCE":
            world.balances[payment["currency"]] += Decimal(str(payment["amount"]))
    world.set_state(found["id"], "cancelled", at=world.clock.now())
    return Answer(HTTPStatus.OK, found)


def payments(world: World, call: Seen, transfer: str) -> Answer:
    """GET /v1/transfers/{transfer}/payments: what was paid in."""
    return Answer(HTTPStatus.OK, world.facts[own(world, call, transfer)["id"]].payments)


def delivery_estimate(world: World, call: Seen, transfer: str) -> Answer:
    """GET /v1/delivery-estimates/{transfer}?timezone=Asia/Bangkok."""
    found = own(world, call, transfer)
    try:
        zone = ZoneInfo(call.query.get("timezone", "UTC"))
    except (ValueError, ZoneInfoNotFoundError):
        raise invalid("NOT_VALID", "Unknown time zone.", "timezone", status=HTTPStatus.BAD_REQUEST) from None
    pay_out = world.quotes[found["quoteUuid"]]["payOut"]
    moment = world.facts[found["id"]].created + quotes.DELIVERY[pay_out]
    written = "in seconds" if moment <= world.clock.now() + timedelta(minutes=1) else f"by {moment:%b} {moment.day}"
    body = {"estimatedDeliveryDate": with_offset(moment, zone), "formattedEstimatedDeliveryDate": written}
    return Answer(HTTPStatus.OK, body)


def requirements(world: World, call: Seen) -> Answer:
    """POST /v1/transfer-requirements: the fields that this transfer needs, given those that are filled in."""
    body = read_json(call)
    quote = _known_quote(world, str(body.get("quoteUuid")))
    fields = [_text("reference", "Transfer reference", longest=LONGEST_REFERENCE)]
    if _asks_for_source(quote):
        fields.append(_select("sourceOfFunds", "Source of funds"))
    if (body.get("details") or {}).get("sourceOfFunds") == OTHER_FUNDS:
        fields.append(_text("sourceOfFundsOther", "Other source of funds", required=True))
    form = {"type": "transfer", "fields": [{"name": field["name"], "group": [field]} for field in fields]}
    return Answer(HTTPStatus.OK, [form])


def own(world: World, call: Seen, transfer: str) -> Json:
    """Return the transfer of one of the key's profiles, or refuse with 404."""
    found = world.transfers.get(int(transfer))
    if found is None or world.facts[found["id"]].profile not in world.profile_ids:
        raise missing(call)
    return found


def made(world: World, quote: Json, recipient: int, fields: Json) -> Json:
    """Make a transfer of a quote, keep it and return it. ``sourceValue`` is 0 until somebody pays."""
    now = world.clock.now()
    details = fields.get("details") or {}
    transfer: Json = {
        "id": world.next_id("transfer"),
        "user": world.user_id,
        "targetAccount": recipient,
        "sourceAccount": None,
        "quote": None,
        "quoteUuid": quote["id"],
        "status": WAITING,
        "reference": details.get("reference"),
        "rate": quote["rate"],
        "created": naive(now),
        "business": quote["profile"] if quote["profile"] == world.profile_id else None,
        "transferRequest": None,
        "details": details,
        "hasActiveIssues": False,
        "sourceCurrency": quote["sourceCurrency"],
        "sourceValue": 0,
        "targetCurrency": quote["targetCurrency"],
        "targetValue": quotes.option(quote)["targetAmount"],
        "customerTransactionId": str(uuid.uuid4()),
        "payinSessionId": str(uuid.uuid4()),
        "somethingNew": {"since": "2026Q4"},
        **fields,
    }
    created = parse(transfer["created"]) if "created" in fields else now
    quote["status"] = "ACCEPTED"
    world.transfers[transfer["id"]] = transfer
    world.facts[transfer["id"]] = Facts(quote["profile"], created)
    world.queue(world.state_event(transfer["id"], WAITING, None, occurred_at=now))
    return transfer


def paid(world: World, transfer: Json, method: str) -> None:
    """Note that the transfer was paid for in this way."""
    quote = world.quotes[transfer["quoteUuid"]]
    chosen = quotes.option(quote, method)
    now = world.clock.now()
    written = milliseconds(now)
    world.facts[transfer["id"]].payments.append(
        {
            "id": world.next_id("payment"),
            "method": method,
            "pricingVariant": None,
            "amount": chosen["sourceAmount"],
            "currency": quote["sourceCurrency"],
            "timeCreated": written,
            "timeUpdated": written,
        }
    )
    quote["status"] = "FUNDED"
    converted = Decimal(str(chosen["sourceAmount"])) - Decimal(str(chosen["fee"]["total"]))
    transfer["sourceValue"] = number(converted)


def next_happy(state: str) -> str | None:
    """Return the state that follows on the happy path; None at its end and beside it."""
    place = HAPPY.index(state) if state in HAPPY else len(HAPPY)
    return HAPPY[place + 1] if place + 1 < len(HAPPY) else None


def _uuid(text: object) -> str:
    try:
        return str(uuid.UUID(str(text)))
    except ValueError:
        raise invalid("NOT_VALID", "That is not a UUID.", "customerTransactionId") from None


def _known_quote(world: World, quote_id: str) -> Json:
    quote = world.quotes.get(quote_id)
    if quote is None or quote["profile"] not in world.profile_ids:
        raise invalid("quote.not.found", "There is no such quote.", "quoteUuid")
    return quote


def _usable(world: World, quote_id: str) -> Json:
    quote = _known_quote(world, quote_id)
    quotes.require_open(quote)
    if any(notice["type"] == BLOCKED for notice in quote["notices"]):
        raise invalid("quote.blocked", "This quote cannot be used to create a transfer.", "quoteUuid")
    if world.approvals_required:
        message = "Quote cannot be accepted with this request due to missing approval."
        raise invalid("quote.missing.approval", message, "quoteUuid")
    return quote


def _check_details(quote: Json, details: Json) -> None:
    if len(str(details.get("reference") or "")) > LONGEST_REFERENCE:
        raise invalid("NOT_VALID", "The reference is too long.", "details.reference")
    if _asks_for_source(quote) and not details.get("sourceOfFunds"):
        raise invalid("NOT_VALID", "Source of funds is required.", "details.sourceOfFunds")


def _asks_for_source(quote: Json) -> bool:
    """Much money in US dollars: see ``details.sourceOfFunds`` in the documentation."""
    target = Decimal(str(quotes.option(quote)["targetAmount"]))
    return bool(quote["targetCurrency"] == "USD" and target > MUCH_USD)


def _asked_for(world: World, transfer: Json, query: dict[str, str]) -> bool:
    for name in ("sourceCurrency", "targetCurrency"):
        if name in query and transfer[name] != query[name]:
            return False
    if query.get("status") and transfer["status"] not in query["status"].split(","):
        return False
    created = world.facts[transfer["id"]].created
    start, end = query.get("createdDateStart"), query.get("createdDateEnd")
    if start and created < parse(start):
        return False
    return not (end and created >= parse(end) + (timedelta(days=1) if len(end) == 10 else timedelta(milliseconds=1)))


def _text(key: str, name: str, *, longest: int | None = None, required: bool = False) -> Json:
    return {
        "key": key,
        "name": name,
        "type": "text",
        "refreshRequirementsOnChange": False,
        "required": required,
        "displayFormat": None,
        "example": None,
        "minLength": None,
        "maxLength": longest,
        "validationRegexp": "[a-zA-Z0-9- ]*",
        "validationAsync": None,
        "valuesAllowed": None,
    }


def _select(key: str, name: str) -> Json:
    values = [{"key": value, "name": text} for value, text in SOURCES.items()]
    changed = {"type": "select", "refreshRequirementsOnChange": True, "valuesAllowed": values, "validationRegexp": None}
    return {**_text(key, name, required=True), **changed}
