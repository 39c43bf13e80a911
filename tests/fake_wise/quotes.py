"""Quotes: a rate that holds for 30 minutes, and what each way to pay in and out costs.

docs.wise.com/api-reference/quote. The prices are invented; their structure is not.
"""

import uuid
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from http import HTTPStatus
from typing import Any

from tests.fake_wise.answers import Answer, Json, Refusal, Seen, invalid, missing, number, plain, read_json
from tests.fake_wise.clock import parse, seconds
from tests.fake_wise.world import World

VALID = timedelta(minutes=30)
DELIVERY = {"BANK_TRANSFER": timedelta(days=1), "SWIFT": timedelta(days=3), "SWIFT_OUR": timedelta(days=3)}
# Units for one US dollar.
RATES = {
    name: Decimal(rate)
    for name, rate in {"USD": "1", "EUR": "0.92", "GBP": "0.77", "THB": "33.1", "CNY": "7.18", "HKD": "7.8"}.items()
}
# A fixed part in US dollars, and a share of what is converted.
PAY_OUT_FEES = {
    "BANK_TRANSFER": (Decimal("0.61"), Decimal("0.0043")),
    "SWIFT": (Decimal("3.99"), Decimal("0.0048")),
    "SWIFT_OUR": (Decimal("17.50"), Decimal("0.0048")),
}
PAY_IN_FEES = {
    "BANK_TRANSFER": (Decimal("1.13"), Decimal(0)),
    "BALANCE": (Decimal(0), Decimal(0)),
    "DEBIT": (Decimal(0), Decimal("0.0115")),
    "CREDIT": (Decimal(0), Decimal("0.0293")),
}
MERGE_PATCH = "application/merge-patch+json"
SHOWN_FROM_REQUEST = ("pricingConfiguration", "paymentMetadata")


def create(world: World, call: Seen, profile: str) -> Answer:
    """POST /v3/profiles/{profile}/quotes."""
    if int(profile) not in world.profile_ids:
        raise missing(call)
    return Answer(HTTPStatus.OK, made(world, int(profile), read_json(call)))


def get(world: World, call: Seen, profile: str, quote: str) -> Answer:
    """GET /v3/profiles/{profile}/quotes/{quote}."""
    return Answer(HTTPStatus.OK, _own(world, call, profile, quote))


def patch(world: World, call: Seen, profile: str, quote: str) -> Answer:
    """PATCH the same: attach a recipient. That changes ``payOut`` and with it the fees."""
    found = _own(world, call, profile, quote)
    if call.headers.get("content-type", "").split(";")[0].strip() != MERGE_PATCH:
        raise Refusal(plain(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, call, f"Content-Type is to be {MERGE_PATCH}"))
    require_open(found)
    body = read_json(call)
    _check_known(body)
    attach(world, found, body)
    return Answer(HTTPStatus.OK, found)


def made(world: World, profile: int, body: Json) -> Json:
    """Make a quote of this profile, keep it and return it."""
    _check_known(body)
    for side in ("source", "target"):
        _check_currency(body, f"{side}Currency")
    now = world.clock.now()
    quote: Json = {
        "id": str(uuid.uuid4()),
        "sourceCurrency": body["sourceCurrency"],
        "targetCurrency": body["targetCurrency"],
        **_amounts(body),
        "createdTime": seconds(now),
        "user": world.user_id,
        "profile": profile,
        "rateType": "FIXED",
        "rateExpirationTime": seconds(now + timedelta(days=3)),
        "guaranteedTargetAmountAllowed": False,
        "targetAmountAllowed": True,
        "guaranteedTargetAmount": False,
        "status": "PENDING",
        "expirationTime": seconds(now + VALID),
        "somethingNew": {"since": "2026Q4"},
    }
    _check_recipient(world, quote, body.get("targetAccount"))
    quote.update({key: body[key] for key in SHOWN_FROM_REQUEST if key in body})
    quote.update(_priced(world, quote, body))
    world.quotes[quote["id"]] = quote
    return quote


def require_open(quote: Json) -> None:
    """Refuse a quote that has run out, or that already has its transfer. Wise does not document the codes."""
    if quote["status"] == "EXPIRED":
        raise invalid("quote.expired", "The quote has expired. Please create a new one.", "quoteUuid")
    if quote["status"] != "PENDING":
        raise invalid("quote.already.used", "A transfer was already created from this quote.", "quoteUuid")


def attach(world: World, quote: Json, changes: Json) -> None:
    """Change the recipient or the ways in and out, and price the quote anew; null takes a value away."""
    kept = {key: quote[key] for key in ("targetAccount", "preferredPayIn")}
    _check_recipient(world, quote, changes.get("targetAccount"))
    quote.update(_priced(world, quote, {**kept, **changes}))


def option(quote: Json, pay_in: str = "BALANCE") -> Json:
    """Return the payment option that applies when this quote is paid for in this way."""
    for found in quote["paymentOptions"]:
        if (found["payIn"], found["payOut"]) == (pay_in, quote["payOut"]):
            option: Json = found
            return option
    raise KeyError(pay_in)


def pay_out_for(world: World, recipient: int | None, asked: str | None = None) -> str:
    """Return how the money leaves: by SWIFT to an account with a SWIFT code, whatever was asked for."""
    kind = world.recipients[recipient]["type"] if recipient in world.recipients else ""
    if kind == "SwiftCode" or (asked or "").startswith("SWIFT"):
        return "SWIFT_OUR" if world.swift_our else "SWIFT"
    return "BANK_TRANSFER"


def _own(world: World, call: Seen, profile: str, quote: str) -> Json:
    found = world.quotes.get(quote)
    if found is None or found["profile"] != int(profile) or found["profile"] not in world.profile_ids:
        raise missing(call)
    return found


def _check_known(body: Json) -> None:
    pay_out = body.get("payOut")
    if pay_out is not None and pay_out not in PAY_OUT_FEES:
        raise invalid("NOT_VALID", f"Unknown payOut {pay_out}.", "payOut")


def _check_recipient(world: World, quote: Json, recipient: Any) -> None:
    """Refuse a recipient that the profile does not have, or that takes another currency."""
    if recipient is None:
        return
    found = world.recipients.get(recipient) if isinstance(recipient, int) else None
    if found is None or found["profileId"] != quote["profile"]:
        raise invalid("recipient.not.found", "There is no such recipient.", "targetAccount")
    if found["currency"] != quote["targetCurrency"]:
        raise invalid("NOT_VALID", "The recipient takes another currency.", "targetAccount")


def _check_currency(body: Json, key: str) -> None:
    """docs.wise.com/guides/developer/errors/quotes gives this code, with HTTP 400."""
    if body.get(key) not in RATES:
        message = "That wasn't a valid ISO-4217 currency code (like GBP, USD or EUR)."
        raise invalid("CurrencyCode", message, key, status=HTTPStatus.BAD_REQUEST)


def _amounts(body: Json) -> Json:
    """Return the amount that was given, and null for the other: read those of the payment option."""
    given = [key for key in ("sourceAmount", "targetAmount") if body.get(key) is not None]
    if len(given) != 1:
        message = "Either sourceAmount or targetAmount is required, never both."
        raise invalid("NOT_VALID", message, "sourceAmount", status=HTTPStatus.BAD_REQUEST)
    amount = _decimal(body[given[0]], given[0])
    amounts: Json = {"sourceAmount": None, "targetAmount": None, given[0]: number(amount)}
    return {**amounts, "providedAmountType": given[0].removesuffix("Amount").upper()}


def _decimal(value: Any, path: str) -> Decimal:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise invalid("NOT_VALID", "That is not a number.", path) from None
    if not amount.is_finite() or amount <= 0:
        raise invalid("error.greaterThanZero", "Please type in a number that's larger than 0.", path)
    return _cents(amount)


def _priced(world: World, quote: Json, asked: Json) -> Json:
    """Return the part of a quote that depends on the recipient and the ways in and out."""
    pay_out = pay_out_for(world, asked.get("targetAccount"), asked.get("payOut"))
    preferred = asked.get("preferredPayIn") or "BANK_TRANSFER"
    rate = RATES[quote["targetCurrency"]] / RATES[quote["sourceCurrency"]]
    rate = rate.quantize(Decimal("0.000001"))
    ways = sorted(PAY_IN_FEES, key=lambda pay_in: pay_in != preferred)
    outs = list(dict.fromkeys([pay_out, "BANK_TRANSFER", "SWIFT"]))
    return {
        "targetAccount": asked.get("targetAccount"),
        "payOut": pay_out,
        "preferredPayIn": preferred,
        "rate": number(rate),
        "paymentOptions": [_option(world, quote, rate, way, out) for out in reversed(outs) for way in ways],
        "notices": list(world.notices),
    }


def _option(world: World, quote: Json, rate: Decimal, pay_in: str, pay_out: str) -> Json:
    source, target, fees = _split(quote, rate, pay_in, pay_out)
    delivery = parse(quote["createdTime"]) + DELIVERY[pay_out]
    made = {
        "disabled": pay_in in world.disabled_pay_ins,
        "estimatedDelivery": seconds(delivery),
        "formattedEstimatedDelivery": f"by {delivery:%b} {delivery.day}",
        "estimatedDeliveryDelays": [],
        "fee": {key: number(value) for key, value in fees.items()},
        "price": _price(fees, quote["sourceCurrency"], source),
        "sourceAmount": number(source),
        "targetAmount": number(target),
        "sourceCurrency": quote["sourceCurrency"],
        "targetCurrency": quote["targetCurrency"],
        "payIn": pay_in,
        "payOut": pay_out,
        "allowedProfileTypes": ["PERSONAL", "BUSINESS"],
        "payInProduct": "CHEAP" if pay_in == "BANK_TRANSFER" else pay_in,
        "feePercentage": float((fees["total"] / source).quantize(Decimal("0.0001"))),
    }
    if made["disabled"]:
        made["disabledReason"] = {"code": world.disabled_pay_ins[pay_in], "message": f"{pay_in} is not available."}
    return made


def _split(quote: Json, rate: Decimal, pay_in: str, pay_out: str) -> tuple[Decimal, Decimal, dict[str, Decimal]]:
    """Return what is paid, what arrives, and the fees between; to the cent they add up."""
    (fixed_out, share_out), (fixed_in, share_in) = PAY_OUT_FEES[pay_out], PAY_IN_FEES[pay_in]
    unit = RATES[quote["sourceCurrency"]]
    if quote["providedAmountType"] == "TARGET":
        target = Decimal(str(quote["targetAmount"]))
        based_on = _cents(target / rate)
    else:
        based_on = Decimal(str(quote["sourceAmount"]))
    wise = _cents(fixed_out * unit + share_out * based_on)
    way_in = _cents(fixed_in * unit + share_in * based_on)
    total = wise + way_in
    if quote["providedAmountType"] == "TARGET":
        source = based_on + total
    else:
        source, target = based_on, _cents((based_on - total) * rate)
    if target <= 0:
        raise invalid("error.amount.too.low", "The fees are more than that.", "sourceAmount")
    nothing = Decimal(0)
    return source, target, {
        "transferwise": wise, "payIn": way_in, "discount": nothing, "partner": nothing, "total": total
    }  # fmt: skip


def _price(fees: dict[str, Decimal], currency: str, source: Decimal) -> Json:
    def value(amount: Decimal) -> Json:
        return {"amount": number(amount), "currency": currency, "label": f"{amount} {currency}"}

    unrounded = {"amount": number(source - fees["total"]), "currency": currency}
    return {
        "priceSetId": 238,
        "total": {"type": "TOTAL", "label": "Total fees", "value": value(fees["total"]), "explanation": None},
        "items": [
            {"id": 1, "type": "FEE", "label": "fee", "value": value(fees["payIn"]), "explanation": None},
            {"id": 2, "type": "TRANSFERWISE", "label": "Our fee", "value": value(fees["transferwise"])},
        ],
        "deferredFee": None,
        "calculatedOn": {"unroundedAmountToConvert": unrounded},
    }


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
