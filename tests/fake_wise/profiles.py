"""Profiles, their balances, and their subscriptions to webhooks."""

import uuid
from http import HTTPStatus
from urllib.parse import urlsplit

from tests.fake_wise.answers import Answer, Json, Seen, invalid, missing, number, read_json
from tests.fake_wise.clock import milliseconds, seconds
from tests.fake_wise.webhooks import PAYOUT_FAILURE, REFUND, STATE_CHANGE
from tests.fake_wise.world import FIRST_IDS, World

EVENTS = (STATE_CHANGE, PAYOUT_FAILURE, REFUND, "transfers#active-cases", "balances#update")
VERSIONS = ("2.0.0", "4.0.0")


def listed(world: World, call: Seen) -> Answer:
    """GET /v2/profiles: the owner's own and the company's."""
    common = {
        "userId": world.user_id,
        "email": "owner@example.com",
        "createdAt": "2023-01-15T10:30:00",
        "updatedAt": "2025-06-18T14:20:00",
        "avatar": None,
        "currentState": "VISIBLE",
    }
    personal = {"type": "PERSONAL", "firstName": "Sarah", "lastName": "Jenkins", "fullName": "Sarah Jenkins"}
    business = {"type": "BUSINESS", "businessName": "Lumi Trading", "fullName": "Lumi Trading"}
    pairs = zip(world.profile_ids, (personal, business), strict=True)
    return Answer(
        HTTPStatus.OK, [{"id": number_, "publicId": _public(number_), **own, **common} for number_, own in pairs]
    )


def balances(world: World, call: Seen, profile: str) -> Answer:
    """GET /v4/profiles/{profile}/balances?types=STANDARD."""
    _require(world, call, profile)
    if "STANDARD" not in call.query.get("types", "").split(","):
        raise invalid("NOT_VALID", "types is required.", "types", status=HTTPStatus.BAD_REQUEST)
    mine = world.balances if int(profile) == world.profile_id else {}
    return Answer(HTTPStatus.OK, [_balance(world, currency) for currency in mine])


def subscribe(world: World, call: Seen, profile: str) -> Answer:
    """POST /v3/profiles/{profile}/subscriptions. Sets the schema of later events; they still go to ``webhook_url``."""
    _require(world, call, profile)
    body = read_json(call)
    delivery = body.get("delivery") or {}
    if body.get("trigger_on") not in EVENTS or delivery.get("version") not in VERSIONS:
        raise invalid("NOT_VALID", "Unknown event or version.", "trigger_on")
    url = urlsplit(str(delivery.get("url")))
    if url.scheme != "https" or url.query or url.port not in (None, 443) or "." not in (url.hostname or ""):
        raise invalid("NOT_VALID", "The address must be https, on port 443, without a query.", "delivery.url")
    made: Json = {
        "id": str(uuid.uuid4()),
        "name": body.get("name"),
        "trigger_on": body["trigger_on"],
        "delivery": {"version": delivery["version"], "url": delivery["url"]},
        "scope": {"domain": "profile", "id": profile},
        "created_by": {"type": "user", "id": str(world.user_id)},
        "created_at": seconds(world.clock.now()),
    }
    world.subscriptions[made["id"]] = made
    if made["trigger_on"] == STATE_CHANGE:
        world.webhook_version, world.subscription_id = delivery["version"], made["id"]
    return Answer(HTTPStatus.OK, made)


def subscriptions(world: World, call: Seen, profile: str) -> Answer:
    """GET /v3/profiles/{profile}/subscriptions."""
    _require(world, call, profile)
    return Answer(HTTPStatus.OK, [one for one in world.subscriptions.values() if one["scope"]["id"] == profile])


def balance_id(world: World, currency: str) -> int:
    """Return the number of the balance in this currency."""
    return FIRST_IDS["balance"] + list(world.balances).index(currency)


def _require(world: World, call: Seen, profile: str) -> None:
    if int(profile) not in world.profile_ids:
        raise missing(call)


def _balance(world: World, currency: str) -> Json:
    amount = {"value": number(world.balances[currency]), "currency": currency}
    return {
        "id": balance_id(world, currency),
        "currency": currency,
        "type": "STANDARD",
        "name": None,
        "icon": None,
        "investmentState": "NOT_INVESTED",
        "amount": amount,
        "reservedAmount": {"value": 0, "currency": currency},
        "cashAmount": amount,
        "totalWorth": amount,
        "creationTime": "2020-05-20T14:43:16.658Z",
        "modificationTime": milliseconds(world.clock.now()),
        "visible": True,
    }


def _public(profile: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, str(profile)))
