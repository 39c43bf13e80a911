"""Recipients, and the form by which Wise asks for what it must know about them.

docs.wise.com/api-reference/recipient. The fields of ``swift_code`` are not listed there: render the form, never guess.
"""

import hashlib
import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from tests.fake_wise.answers import Answer, Json, Refusal, Seen, missing, read_json
from tests.fake_wise.clock import with_offset
from tests.fake_wise.world import World

NAMES = {"swift_code": "SwiftCode", "aba": "Aba", "iban": "Iban", "sort_code": "SortCode", "email": "Email"}
TYPES = {"USD": ("swift_code", "aba"), "EUR": ("iban",), "GBP": ("sort_code",)}
TITLES = {"swift_code": "SWIFT account", "aba": "ACH", "iban": "IBAN", "sort_code": "UK bank account"}
NUMBER_FIELDS = {
    "swift_code": (
        ("swiftCode", "SWIFT / BIC code", "^[A-Z0-9]{8}([A-Z0-9]{3})?$"),
        ("accountNumber", "Account", None),
    ),
    "aba": (("abartn", "Routing number", "^[0-9]{9}$"), ("accountNumber", "Account", None)),
    "iban": (("IBAN", "IBAN", None),),
    "sort_code": (("sortCode", "UK sort code", "^[0-9-]{6,8}$"), ("accountNumber", "Account", "^[0-9]{8}$")),
}
BANK_CODES = {"swift_code": "swiftCode", "aba": "abartn", "iban": "IBAN", "sort_code": "sortCode"}
LEGAL_TYPES = {"PRIVATE": "Person", "BUSINESS": "Business"}
LEGAL_ENTITIES = {"PRIVATE": "PERSON", "BUSINESS": "BUSINESS"}
COUNTRIES = {"CN": "China", "HK": "Hong Kong", "TH": "Thailand", "US": "United States", "GB": "United Kingdom"}
WITH_STATES = ("US", "CA", "BR", "AU")
OTHER_NAMES = ("givenName", "familyName", "middleName", "patronymicName", "cannotHavePatronymicName")
ADDRESS = (("address.city", "City"), ("address.firstLine", "Address"), ("address.postCode", "Post code"))


def create(world: World, call: Seen) -> Answer:
    """POST /v1/accounts."""
    body = read_json(call)
    currency, kind = str(body.get("currency", "")), str(body.get("type", ""))
    profile = int(body.get("profile") or world.personal_profile_id)
    if profile not in world.profile_ids:
        raise missing(call)
    if kind not in (*TYPES.get(currency, ("swift_code",)), "email"):
        raise _not_valid(call, "type", f"There is no {kind} account in {currency}.")
    details = _details(body)
    for field in _fields(kind, currency, details, named=True):
        _check(call, field, body if field["key"] == "accountHolderName" else details)
    return Answer(HTTPStatus.OK, made(world, profile, {**body, "details": details}))


def get(world: World, call: Seen, recipient: str) -> Answer:
    """GET /v1/accounts/{recipient}."""
    found = world.recipients.get(int(recipient))
    if found is None or found["profileId"] not in world.profile_ids:
        raise missing(call)
    return Answer(HTTPStatus.OK, found)


def requirements(world: World, call: Seen, quote: str) -> Answer:
    """GET or POST /v1/quotes/{quote}/account-requirements.

    POST takes the recipient as far as it is known, and answers with the fields that its values call for.
    Only with Accept-Minor-Version: 1 do the name and the e-mail address belong to the form.
    """
    found = world.quotes.get(quote)
    if found is None or found["profile"] not in world.profile_ids:
        raise missing(call)
    body = read_json(call) if call.method == "POST" else {}
    details = _details(body)
    named = call.headers.get("accept-minor-version") == "1"
    currency = found["targetCurrency"]
    forms = [_form(kind, currency, details, named) for kind in TYPES.get(currency, ("swift_code",))]
    return Answer(HTTPStatus.OK, forms)


def made(world: World, profile: int, body: Json) -> Json:
    """Make a recipient, keep it and return it."""
    details, kind = body["details"], body["type"]
    bank = BANK_CODES.get(kind, "email")
    account = str(details.get("accountNumber") or details.get("IBAN") or details.get("email") or "")
    shown = {key: value for key, value in details.items() if key != "legalType"}
    recipient: Json = {
        "id": world.next_id("recipient"),
        "creatorId": world.user_id,
        "profileId": profile,
        "name": {"fullName": body["accountHolderName"], **dict.fromkeys(OTHER_NAMES)},
        "currency": body["currency"],
        "country": (details.get("address") or {}).get("country"),
        "type": NAMES[kind],
        "legalEntityType": LEGAL_ENTITIES.get(details.get("legalType", ""), "PERSON"),
        "active": True,
        "details": {"reference": None, **shown},
        "commonFieldMap": {"accountNumberField": "accountNumber", "bankCodeField": bank},
        "hash": hashlib.sha256(repr(sorted(shown)).encode()).hexdigest(),
        "accountSummary": f"({details.get(bank, '')}) {account}",
        "longAccountSummary": f"{body['currency']} account ending in {account[-4:]}",
        "displayFields": [{"key": "details/accountNumber", "label": "Account number", "value": account}],
        "isInternal": False,
        "ownedByCustomer": bool(body.get("ownedByCustomer", False)),
        "confirmations": {"acceptedOutcomes": False, "acceptedAt": None, "quoteId": None, "outcomes": []},
        "somethingNew": None,
    }
    world.recipients[recipient["id"]] = recipient
    return recipient


def _details(body: Json) -> Json:
    details = body.get("details")
    return details if isinstance(details, dict) else {}


def _form(kind: str, currency: str, details: Json, named: bool) -> Json:
    fields = [{"name": field["name"], "group": [field]} for field in _fields(kind, currency, details, named=named)]
    return {"type": kind, "title": TITLES[kind], "usageInfo": None, "fields": fields}


def _fields(kind: str, currency: str, details: Json, *, named: bool) -> Iterator[Json]:
    """Yield what is asked about a recipient, given what is known already. USD asks for an address."""
    if named:
        yield _field("accountHolderName", "Full name of the account holder", min_length=2, max_length=140)
    if kind == "email":
        return
    yield _field("legalType", "Recipient type", values=LEGAL_TYPES)
    for key, name, pattern in NUMBER_FIELDS[kind]:
        yield _field(key, name, pattern=pattern)
    if currency == "USD":
        yield _field("address.country", "Country", values=COUNTRIES, refresh=True)
        if (details.get("address") or {}).get("country") in WITH_STATES:
            yield _field("address.state", "State")
        for key, name in ADDRESS:
            yield _field(key, name, max_length=100)


def _field(
    key: str,
    name: str,
    *,
    values: dict[str, str] | None = None,
    pattern: str | None = None,
    refresh: bool = False,
    min_length: int | None = None,
    max_length: int | None = None,
) -> Json:
    return {
        "key": key,
        "name": name,
        "type": "select" if values else "text",
        "refreshRequirementsOnChange": refresh,
        "required": True,
        "displayFormat": None,
        "example": "",
        "minLength": min_length,
        "maxLength": max_length,
        "validationRegexp": pattern,
        "validationAsync": None,
        "valuesAllowed": [{"key": key, "name": name} for key, name in values.items()] if values else None,
    }


def _check(call: Seen, field: Json, given: Json) -> None:
    value: Any = given
    for part in field["key"].split("."):
        value = value.get(part) if isinstance(value, dict) else None
    allowed = [choice["key"] for choice in field["valuesAllowed"] or ()]
    if value in (None, ""):
        raise _not_valid(call, field["key"], f"{field['name']} is required.")
    if allowed and value not in allowed:
        raise _not_valid(call, field["key"], f"{value} is not one of the values allowed.")
    if field["validationRegexp"] and not re.match(field["validationRegexp"], str(value)):
        raise _not_valid(call, field["key"], f"{field['name']} is not valid.")


def _not_valid(call: Seen, path: str, message: str) -> Refusal:
    """Refuse with 400: a list of errors with a timestamp beside it, as documented for this address."""
    error = {"code": "NOT_VALID", "message": message, "path": path, "arguments": [path]}
    return Refusal(Answer(HTTPStatus.BAD_REQUEST, {"timestamp": with_offset(call.time), "errors": [error]}))
