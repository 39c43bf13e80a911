"""The pretended Wise behaves as docs.wise.com and its OpenAPI document say, over real HTTP."""

import base64
import contextlib
import json
import signal
import stat
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.fake_wise import AfterWork, Body, Clock, Drop, FakeWise, Half, Hang, Redirect, Slow, Status, transfers
from tests.fake_wise import __main__ as by_hand
from tests.fake_wise.answers import Answer, Seen
from tests.fake_wise.server import Server

VECTORS = Path(__file__).parent / "vectors"
SAMPLES = json.loads((VECTORS / "wise_samples.json").read_text())
SIGNATURES = json.loads((VECTORS / "wise_webhook_signatures.json").read_text())
NOON = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)
KEY = "personal-token"
COMPANY = 16055450
PERSONAL = 14575282
MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}
QUOTE_SENT = {"sourceCurrency": "USD", "targetCurrency": "USD", "targetAmount": 3000}
FEE_BY_BANK, FEE_BY_SWIFT = 13.51, 18.39  # of the balance, for 3,000 USD
MOMENT = timedelta(seconds=1)


@pytest.fixture
def wise() -> Iterator[FakeWise]:
    with FakeWise(clock=Clock(NOON)) as running:
        yield running


@pytest.fixture
def http(wise: FakeWise) -> Iterator[httpx.Client]:
    with client(wise) as opened:
        yield opened


def client(wise: FakeWise, key: str = KEY, **more: Any) -> httpx.Client:
    return httpx.Client(base_url=wise.base, headers={"Authorization": f"Bearer {key}"}, trust_env=False, **more)


def quote(http: httpx.Client, recipient: int | None = None, **changes: Any) -> dict[str, Any]:
    """Make a quote, and attach the recipient if there is one."""
    answer = http.post(f"/v3/profiles/{COMPANY}/quotes", json={**QUOTE_SENT, **changes})
    assert answer.status_code == 200, answer.text
    made = answer.json()
    if recipient is not None:
        path = f"/v3/profiles/{COMPANY}/quotes/{made['id']}"
        answer = http.patch(path, json={"targetAccount": recipient}, headers=MERGE_PATCH)
        assert answer.status_code == 200, answer.text
    return answer.json()


def ask_transfer(http: httpx.Client, quote_id: str, recipient: int, **changes: Any) -> httpx.Response:
    body = {"targetAccount": recipient, "quoteUuid": quote_id, "customerTransactionId": str(uuid.uuid4())}
    return http.post("/v1/transfers", json={**body, "details": {"reference": "PO-1"}, **changes})


def transfer(wise: FakeWise, http: httpx.Client, **changes: Any) -> dict[str, Any]:
    recipient = wise.add_recipient()
    answer = ask_transfer(http, quote(http, recipient)["id"], recipient, **changes)
    assert answer.status_code == 200, answer.text
    return answer.json()


def fund(http: httpx.Client, transfer_id: int, **headers: str) -> httpx.Response:
    path = f"/v3/profiles/{COMPANY}/transfers/{transfer_id}/payments"
    return http.post(path, json={"type": "BALANCE"}, headers=headers)


def state(http: httpx.Client, transfer_id: int) -> str:
    return str(http.get(f"/v1/transfers/{transfer_id}").json()["status"])


def code(answer: httpx.Response) -> str:
    return str(answer.json()["errors"][0]["code"])


def sample(name: str, status: str = "200") -> Any:
    return SAMPLES["endpoints"][name]["responses"][status]


def balance_option(made: dict[str, Any]) -> dict[str, Any]:
    options = made["paymentOptions"]
    return next(one for one in options if (one["payIn"], one["payOut"]) == ("BALANCE", made["payOut"]))


# Who may ask


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {KEY}"}])
def test_without_the_key_every_address_answers_401_in_the_documented_shape(wise, headers):
    for method, path in (("GET", "/v2/profiles"), ("POST", "/v1/transfers"), ("GET", "/no/such")):
        answer = httpx.request(method, wise.base + path, headers=headers, trust_env=False)

        assert answer.status_code == 401
        assert answer.json()["error"] == "invalid_token"
        assert set(answer.json()) == set(SAMPLES["errors"][0]["body"])


def test_the_key_opens_a_personal_and_a_business_profile(http):
    found = http.get("/v2/profiles").json()

    assert [(one["type"], one["id"]) for one in found] == [("PERSONAL", PERSONAL), ("BUSINESS", COMPANY)]
    shared = {"id", "publicId", "type", "userId", "email", "createdAt", "updatedAt", "currentState"}
    assert shared <= set(sample("GET /v2/profiles")[0]) & set(found[0]) & set(found[1])


def test_what_is_not_of_this_profile_is_not_found(wise, http):
    recipient = wise.add_recipient()
    elsewhere = wise.add_transfer(profile=999)
    theirs = wise.transfers[elsewhere]
    mine = quote(http, recipient)["id"]
    own = wise.add_transfer()
    absent = [
        http.get(f"/v1/transfers/{elsewhere}"),
        http.put(f"/v1/transfers/{elsewhere}/cancel"),
        http.get(f"/v1/transfers/{elsewhere}/payments"),
        http.get(f"/v1/delivery-estimates/{elsewhere}"),
        http.get("/v1/transfers/1"),
        http.get("/v1/transfers", params={"profile": 999}),
        http.get(f"/v1/accounts/{theirs['targetAccount']}"),
        http.get(f"/v3/profiles/999/quotes/{theirs['quoteUuid']}"),
        http.get(f"/v3/profiles/{PERSONAL}/quotes/{mine}"),
        http.post("/v3/profiles/999/quotes", json=QUOTE_SENT),
        http.post(f"/v3/profiles/999/transfers/{elsewhere}/payments", json={"type": "BALANCE"}),
        http.post(f"/v3/profiles/{PERSONAL}/transfers/{own}/payments", json={"type": "BALANCE"}),
        http.get("/v4/profiles/999/balances?types=STANDARD"),
    ]

    assert [answer.status_code for answer in absent] == [404] * len(absent)
    assert set(absent[0].json()) == {"timestamp", "status", "error", "message", "path"}
    assert wise.transfers[elsewhere]["status"] == wise.transfers[own]["status"] == "incoming_payment_waiting"


def test_a_limited_personal_token_is_refused_exactly_what_the_openapi_document_says(wise, http):
    own = wise.add_transfer()
    wise.personal_token_limits = True
    filled = {
        "profileId": COMPANY,
        "quoteId": wise.transfers[own]["quoteUuid"],
        "transferId": own,
        "status": "processing",
    }
    for address, allowed in SAMPLES["personal_token_allowed_per_openapi"].items():
        method, path = address.split()
        answer = http.request(method, path.format(**filled), json={}, params={"types": "STANDARD"})

        assert (answer.status_code != 403) is allowed, address
        assert answer.status_code not in (404, 405), address


@pytest.mark.parametrize("prefix", ["", "/2026Q3", "/gate/2026Q4", "/proxy"])
def test_a_prefix_is_accepted_on_every_path(wise, http, prefix):
    own = wise.add_transfer()

    assert http.get(f"{prefix}/v1/transfers/{own}").json()["id"] == own


def test_a_calendar_version_may_take_the_place_of_the_old_one(wise, http):
    own = wise.add_transfer()

    assert http.get(f"/2026Q3/transfers/{own}").json()["id"] == own
    assert http.get(f"/transfers/{own}").status_code == 404
    assert http.get(f"/v2/transfers/{own}").status_code == 404


def test_requests_are_kept_as_they_came(wise, http):
    http.post("/v1/transfers?a=b", content=b"{not json", headers={"X-External-Correlation-Id": "c-1"})

    seen = wise.requests[-1]
    assert (seen.method, seen.path, seen.query, seen.body) == ("POST", "/v1/transfers", {"a": "b"}, b"{not json")
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert seen.headers["x-external-correlation-id"] == "c-1"
    assert seen.time == NOON


# Quotes


def test_a_quote_has_the_documented_fields(http):
    made, documented = quote(http), sample("POST /v3/profiles/{profileId}/quotes")

    optional = {"pricingConfiguration"}  # mirrors the request
    assert set(documented) - optional <= set(made)
    option = next(one for one in made["paymentOptions"] if one["disabled"])
    assert set(documented["paymentOptions"][0]) <= set(option)
    assert set(documented["paymentOptions"][0]["price"]) == set(option["price"])
    assert "disabledReason" not in balance_option(made)


def test_a_quote_holds_for_thirty_minutes(wise, http):
    made = quote(http, wise.add_recipient())
    path = f"/v3/profiles/{COMPANY}/quotes/{made['id']}"

    assert made["createdTime"] == "2026-03-02T12:00:00Z"
    assert made["expirationTime"] == "2026-03-02T12:30:00Z"
    wise.clock.advance(timedelta(minutes=29, seconds=59))
    assert http.get(path).json()["status"] == "PENDING"
    wise.clock.advance(MOMENT)
    assert wise.quotes[made["id"]]["status"] == "EXPIRED"
    assert http.get(path).json()["status"] == "EXPIRED"


def test_an_expired_quote_makes_no_transfer(wise, http):
    recipient = wise.add_recipient()
    made = quote(http, recipient)
    wise.clock.advance(timedelta(minutes=30))

    answer = ask_transfer(http, made["id"], recipient)

    assert (answer.status_code, code(answer)) == (422, "quote.expired")
    assert wise.transfers == {}


def test_a_quote_is_used_once(wise, http):
    recipient = wise.add_recipient()
    made = quote(http, recipient)
    first = ask_transfer(http, made["id"], recipient)

    second = ask_transfer(http, made["id"], recipient)

    assert (first.status_code, second.status_code) == (200, 422)
    assert list(wise.transfers) == [first.json()["id"]]
    assert wise.quotes[made["id"]]["status"] == "ACCEPTED"


@pytest.mark.parametrize("amounts", [{}, {"sourceAmount": 1, "targetAmount": 1}])
def test_a_quote_is_for_one_of_the_two_amounts(wise, http, amounts):
    body = {"sourceCurrency": "USD", "targetCurrency": "USD", **amounts}

    answer = http.post(f"/v3/profiles/{COMPANY}/quotes", json=body)

    assert answer.status_code == 400
    assert set(answer.json()["errors"][0]) == {"code", "message", "path", "arguments"}
    assert wise.quotes == {}


@pytest.mark.parametrize("amount", [0, -1, "NaN"])
def test_a_quote_is_for_more_than_nothing(http, amount):
    answer = http.post(f"/v3/profiles/{COMPANY}/quotes", json={**QUOTE_SENT, "targetAmount": amount})

    assert (answer.status_code, code(answer)) == (422, "error.greaterThanZero")


def test_the_amount_not_asked_for_stands_in_the_payment_option_only(http):
    by_target = quote(http)
    by_source = quote(http, targetAmount=None, sourceAmount="3000.50")

    assert (by_target["sourceAmount"], by_target["targetAmount"]) == (None, 3000)
    assert balance_option(by_target)["sourceAmount"] == 3013.51
    assert (by_source["sourceAmount"], by_source["targetAmount"]) == (3000.5, None)
    assert balance_option(by_source)["targetAmount"] == 2986.99


def test_source_is_target_and_fees_in_every_option(http):
    for made in (quote(http), quote(http, sourceCurrency="THB")):
        for option in made["paymentOptions"]:
            fees, unit = Decimal(str(option["fee"]["total"])), Decimal(str(made["rate"]))
            converted = (Decimal(str(option["sourceAmount"])) - fees) * unit
            assert abs(converted - 3000) <= Decimal("0.01")
            assert option["price"]["total"]["value"]["amount"] == option["fee"]["total"]


def test_a_recipient_with_a_swift_code_changes_the_way_out_and_the_fees(wise, http):
    recipient = wise.add_recipient()
    made = quote(http)

    patched = quote(http, recipient)

    assert (made["payOut"], balance_option(made)["fee"]["total"]) == ("BANK_TRANSFER", FEE_BY_BANK)
    assert (patched["payOut"], balance_option(patched)["fee"]["total"]) == ("SWIFT", FEE_BY_SWIFT)
    assert patched["targetAccount"] == recipient
    assert quote(http, targetAccount=recipient)["payOut"] == "SWIFT"


def test_the_full_amount_is_protected_only_where_wise_enabled_it(wise, http):
    recipient = wise.add_recipient()
    assert quote(http, payOut="SWIFT_OUR", targetAccount=recipient)["payOut"] == "SWIFT"

    wise.swift_our = True

    assert quote(http, recipient)["payOut"] == "SWIFT_OUR"


def test_a_quote_is_changed_by_merge_patch_only(wise, http):
    made = quote(http)
    body = {"targetAccount": wise.add_recipient()}

    answer = http.patch(f"/v3/profiles/{COMPANY}/quotes/{made['id']}", json=body)

    assert answer.status_code == 415
    assert wise.quotes[made["id"]]["targetAccount"] is None


def test_null_in_a_merge_patch_takes_the_recipient_away(wise, http):
    made = quote(http, wise.add_recipient())
    path = f"/v3/profiles/{COMPANY}/quotes/{made['id']}"

    answer = http.patch(path, json={"targetAccount": None}, headers=MERGE_PATCH).json()

    assert (answer["targetAccount"], answer["payOut"]) == (None, "BANK_TRANSFER")


def test_no_quote_for_a_recipient_of_another_profile_or_currency(wise, http):
    for recipient in (
        1,
        wise.transfers[wise.add_transfer(profile=999)]["targetAccount"],
        wise.add_recipient(currency="EUR"),
    ):
        answer = http.post(f"/v3/profiles/{COMPANY}/quotes", json={**QUOTE_SENT, "targetAccount": recipient})

        assert answer.status_code == 422


def test_the_default_way_in_costs_more_than_the_balance(http):
    made = quote(http)

    assert made["preferredPayIn"] == "BANK_TRANSFER"
    assert made["paymentOptions"][0]["payIn"] == "BANK_TRANSFER"
    by_bank = next(one for one in made["paymentOptions"] if (one["payIn"], one["payOut"]) == ("BANK_TRANSFER",) * 2)
    assert by_bank["fee"]["total"] == 14.64
    assert quote(http, preferredPayIn="BALANCE")["paymentOptions"][0]["payIn"] == "BALANCE"


def test_a_payment_option_can_be_disabled(wise, http):
    wise.disabled_pay_ins["BALANCE"] = "balance.insufficient"

    option = balance_option(quote(http))

    assert option["disabled"] is True
    assert option["disabledReason"]["code"] == "balance.insufficient"


def test_a_blocked_quote_makes_no_transfer(wise, http):
    recipient = wise.add_recipient()
    wise.notices.append({"text": "You cannot send to China.", "link": None, "type": "BLOCKED"})
    made = quote(http, recipient)

    answer = ask_transfer(http, made["id"], recipient)

    assert made["notices"][0]["type"] == "BLOCKED"
    assert set(made["notices"][0]) == set(sample("POST /v3/profiles/{profileId}/quotes")["notices"][0])
    assert answer.status_code == 422
    assert wise.transfers == {}


def test_an_unknown_currency_is_refused_as_documented(http):
    answer = http.post(f"/v3/profiles/{COMPANY}/quotes", json={**QUOTE_SENT, "targetCurrency": "XXX"})

    assert answer.status_code == 400
    assert answer.json()["errors"] == [
        {
            "code": "CurrencyCode",
            "message": "That wasn't a valid ISO-4217 currency code (like GBP, USD or EUR).",
            "path": "targetCurrency",
            "arguments": [],
        }
    ]


# Recipients


SWIFT_DETAILS = {
    "legalType": "BUSINESS",
    "swiftCode": "ICBKCNBJSZN",
    "accountNumber": "6222021234567890",
    "address": {"country": "CN", "city": "Shenzhen", "firstLine": "1 Factory Road", "postCode": "518000"},
}
RECIPIENT = {
    "currency": "USD",
    "type": "swift_code",
    "profile": COMPANY,
    "accountHolderName": "Shenzhen Toys",
    "details": SWIFT_DETAILS,
}


def test_a_recipient_is_made_and_read_with_the_documented_fields(wise, http):
    made = http.post("/v1/accounts", json=RECIPIENT)

    assert made.status_code == 200
    assert set(sample("POST /v1/accounts")) <= set(made.json())
    assert made.json()["type"] == "SwiftCode"
    assert made.json()["name"]["fullName"] == "Shenzhen Toys"
    assert http.get(f"/v1/accounts/{made.json()['id']}").json() == made.json()
    assert quote(http, made.json()["id"])["payOut"] == "SWIFT"


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("accountHolderName", {"accountHolderName": ""}),
        ("swiftCode", {"details": {**SWIFT_DETAILS, "swiftCode": "SHORT"}}),
        ("legalType", {"details": {**SWIFT_DETAILS, "legalType": "CLUB"}}),
        ("address.country", {"details": {**SWIFT_DETAILS, "address": {}}}),
        ("address.state", {"details": {**SWIFT_DETAILS, "address": {**SWIFT_DETAILS["address"], "country": "US"}}}),
        ("type", {"type": "sort_code"}),
    ],
)
def test_a_recipient_that_the_form_does_not_allow_is_refused_as_documented(wise, http, path, change):
    answer = http.post("/v1/accounts", json={**RECIPIENT, **change})

    assert answer.status_code == 400
    assert set(answer.json()) == set(sample("POST /v1/accounts", "400"))
    assert answer.json()["errors"][0]["path"] == path
    assert wise.recipients == {}


def fields_of(form: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["key"]: one for field in form["fields"] for one in field["group"]}


def test_the_form_of_a_recipient_has_the_documented_fields(http):
    path = f"/v1/quotes/{quote(http)['id']}/account-requirements"
    documented = sample("GET /v1/quotes/{quoteId}/account-requirements")[0]

    form = http.get(path, headers={"Accept-Minor-Version": "1"}).json()[0]

    assert set(documented) == set(form)
    assert form["type"] == "swift_code"
    assert {frozenset(one) for one in fields_of(form).values()} == {frozenset(documented["fields"][0]["group"][0])}


def test_the_form_asks_for_the_name_only_with_the_minor_version(http):
    path = f"/v1/quotes/{quote(http)['id']}/account-requirements"

    assert "accountHolderName" not in fields_of(http.get(path).json()[0])
    assert "accountHolderName" in fields_of(http.get(path, headers={"Accept-Minor-Version": "1"}).json()[0])


def test_a_field_that_refreshes_the_form_brings_more_fields(http):
    path = f"/v1/quotes/{quote(http)['id']}/account-requirements"
    first = fields_of(http.get(path).json()[0])
    assert [key for key, field in first.items() if field["refreshRequirementsOnChange"]] == ["address.country"]

    there = {country: fields_of(http.post(path, json=_in(country)).json()[0]) for country in ("US", "CN")}

    assert set(there["US"]) - set(first) == {"address.state"}
    assert set(there["CN"]) == set(first)


def _in(country: str) -> dict[str, Any]:
    return {"type": "swift_code", "details": {"address": {"country": country}}}


# Transfers


def test_a_transfer_has_exactly_the_documented_fields_and_one_nobody_knows(wise, http):
    made = transfer(wise, http)
    read = http.get(f"/v1/transfers/{made['id']}").json()

    for found in (made, read, http.get("/v1/transfers", params={"profile": COMPANY}).json()[0]):
        assert set(found) - {"somethingNew"} == set(sample("GET /v1/transfers/{transferId}"))
        assert "somethingNew" in found
    assert made == read
    assert not [name for name in made if "fee" in name.lower()]


def test_before_it_is_paid_for_a_transfer_looks_as_documented(wise, http):
    made = transfer(wise, http)

    assert made["status"] == "incoming_payment_waiting"
    assert made["created"] == "2026-03-02 12:00:00"
    assert (made["sourceValue"], made["targetValue"]) == (0, 3000)
    assert made["details"] == {"reference": "PO-1"}
    assert made["business"] == COMPANY
    assert (made["sourceAccount"], made["quote"]) == (None, None)


def test_the_same_transaction_id_gives_the_first_transfer_whatever_quote_it_names(wise, http):
    recipient, other = wise.add_recipient(), wise.add_recipient(holder="Another")
    first_quote, second_quote = quote(http, recipient), quote(http, other, targetAmount=10)
    transaction = str(uuid.uuid4())
    first = ask_transfer(http, first_quote["id"], recipient, customerTransactionId=transaction)

    again = ask_transfer(http, first_quote["id"], recipient, customerTransactionId=transaction.upper())
    elsewhere = ask_transfer(http, second_quote["id"], other, customerTransactionId=transaction)
    wise.clock.advance(timedelta(minutes=31))
    late = ask_transfer(http, first_quote["id"], recipient, customerTransactionId=transaction)

    assert [answer.status_code for answer in (first, again, elsewhere, late)] == [200] * 4
    assert [answer.json()["id"] for answer in (again, elsewhere, late)] == [first.json()["id"]] * 3
    assert len(wise.transfers) == 1
    assert wise.quotes[second_quote["id"]]["status"] == "EXPIRED"  # not used


def test_two_at_once_with_one_transaction_id_make_one_transfer(wise, http, monkeypatch):
    recipient = wise.add_recipient()
    made, transaction = quote(http, recipient), str(uuid.uuid4())
    both_make_one, make, ids = threading.Barrier(2), transfers.made, []

    def make_together(*arguments: Any) -> dict[str, Any]:
        with contextlib.suppress(threading.BrokenBarrierError):
            both_make_one.wait(timeout=0.3)
        return make(*arguments)

    monkeypatch.setattr(transfers, "made", make_together)

    def run() -> None:
        ids.append(ask_transfer(http, made["id"], recipient, customerTransactionId=transaction).json()["id"])

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)

    assert ids == [next(iter(wise.transfers))] * 2
    assert len(wise.transfers) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"customerTransactionId": "PAY-1"},
        {"customerTransactionId": None},
        {"quoteUuid": str(uuid.uuid4())},
        {"targetAccount": 1},
        {"details": {"reference": "x" * 36}},
    ],
)
def test_an_incomplete_or_wrong_transfer_is_refused(wise, http, change):
    recipient = wise.add_recipient()
    made = quote(http, recipient)

    answer = ask_transfer(http, made["id"], recipient, **change)

    assert answer.status_code == 422
    assert wise.transfers == {}
    assert wise.quotes[made["id"]]["status"] == "PENDING"


def test_payment_approvals_break_creation(wise, http):
    recipient = wise.add_recipient()
    made = quote(http, recipient)
    wise.approvals_required = True

    answer = ask_transfer(http, made["id"], recipient)

    message = "Quote cannot be accepted with this request due to missing approval."
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (422, message)
    assert wise.transfers == {}


def test_more_than_80000_usd_asks_for_the_source_of_funds(wise, http):
    recipient = wise.add_recipient()
    much, little = (quote(http, recipient, targetAmount=amount) for amount in ("80000.01", "80000.00"))

    def asked(made: dict[str, Any], **details: str) -> list[str]:
        body = {"targetAccount": recipient, "quoteUuid": made["id"], "details": details}
        return list(fields_of(http.post("/v1/transfer-requirements", json=body).json()[0]))

    other = "verification.source.of.funds.other"
    assert asked(little) == ["reference"]
    assert asked(much) == ["reference", "sourceOfFunds"]
    assert asked(much, sourceOfFunds=other) == ["reference", "sourceOfFunds", "sourceOfFundsOther"]
    assert ask_transfer(http, much["id"], recipient).status_code == 422
    assert ask_transfer(http, much["id"], recipient, details={"sourceOfFunds": other}).status_code == 200


def test_the_list_is_of_the_personal_profile_unless_it_says_otherwise(wise, http):
    mine, own = wise.add_transfer(), wise.add_transfer(profile=PERSONAL)

    assert [one["id"] for one in http.get("/v1/transfers").json()] == [own]
    assert [one["id"] for one in http.get("/v1/transfers", params={"profile": COMPANY}).json()] == [mine]


def test_the_list_is_filtered_and_paged(wise, http):
    old = wise.add_transfer(state="cancelled", created="2026-02-20 10:00:00")
    baht = wise.add_transfer(sourceCurrency="THB", created="2026-02-21 23:59:59")
    sent = wise.add_transfer(state="outgoing_payment_sent", created="2026-02-22 00:00:00")

    def found(**query: Any) -> list[int]:
        return [one["id"] for one in http.get("/v1/transfers", params={"profile": COMPANY, **query}).json()]

    assert found() == [sent, baht, old]
    assert found(status="cancelled,outgoing_payment_sent") == [sent, old]
    assert found(sourceCurrency="THB") == [baht]
    assert found(targetCurrency="THB") == []
    assert found(createdDateStart="2026-02-21", createdDateEnd="2026-02-21") == [baht]
    assert found(createdDateStart="2026-02-22T00:00:00.000Z") == [sent]
    assert found(createdDateEnd="2026-02-21T23:59:59.000Z") == [baht, old]
    assert found(limit=2) == [sent, baht]
    assert found(limit=2, offset=2) == [old]
    assert http.get("/v1/transfers", params={"limit": "many"}).status_code == 400


def test_an_unpaid_transfer_can_be_cancelled_once(wise, http):
    made = transfer(wise, http)

    first = http.put(f"/v1/transfers/{made['id']}/cancel")
    second = http.put(f"/v1/transfers/{made['id']}/cancel")

    assert (first.status_code, first.json()["status"]) == (200, "cancelled")
    assert second.status_code == 409
    documented = next(one for one in SAMPLES["errors"] if one["http"] == 409)
    assert second.json() == documented["body"]


def test_a_transfer_can_be_cancelled_until_it_is_sent_and_the_money_comes_back(wise, http):
    processed, sent = transfer(wise, http), transfer(wise, http)
    before = wise.balance
    for made in (processed, sent):
        fund(http, made["id"])
    wise.move(sent["id"], "outgoing_payment_sent")

    answers = [http.put(f"/v1/transfers/{made['id']}/cancel").status_code for made in (processed, sent)]

    assert answers == [200, 409]
    assert before - wise.balance == Decimal("3018.39")  # of the one that was sent
    assert state(http, sent["id"]) == "outgoing_payment_sent"


def test_unfunded_transfers_are_cancelled_after_fourteen_days(wise, http):
    unpaid, paid = transfer(wise, http), transfer(wise, http)
    fund(http, paid["id"])
    wise.outbox.clear()

    wise.clock.advance(timedelta(days=14) - MOMENT)
    assert wise.transfers[unpaid["id"]]["status"] == "incoming_payment_waiting"
    wise.clock.advance(timedelta(hours=5))

    assert wise.transfers[unpaid["id"]]["status"] == "cancelled"
    assert wise.transfers[paid["id"]]["status"] == "processing"
    (told,) = wise.outbox
    assert told.event["data"]["current_state"] == "cancelled"
    assert told.event["data"]["occurred_at"] == "2026-03-16T12:00:00Z"
    assert fund(http, unpaid["id"]).json()["errorCode"] == "transfer.invalid-state"


def test_a_paid_transfer_that_was_rolled_back_is_not_cancelled(wise):
    made = wise.add_transfer(state="processing")
    wise.move(made, "incoming_payment_waiting")

    wise.clock.advance(timedelta(days=15))

    assert wise.transfers[made]["status"] == "incoming_payment_waiting"


def test_a_delivery_estimate_has_an_offset_without_a_colon(wise, http):
    made = transfer(wise, http)

    in_bangkok = http.get(f"/v1/delivery-estimates/{made['id']}", params={"timezone": "Asia/Bangkok"}).json()
    in_utc = http.get(f"/v1/delivery-estimates/{made['id']}").json()

    assert set(in_bangkok) == set(SAMPLES["delivery_estimate"]) - {"source"}
    assert in_bangkok["estimatedDeliveryDate"] == "2026-03-05T19:00:00.123+0700"
    assert in_utc["estimatedDeliveryDate"] == "2026-03-05T12:00:00.123+0000"
    assert http.get(f"/v1/delivery-estimates/{made['id']}?timezone=Mars/Base").status_code == 400


# Funding


def test_funding_is_a_step_of_its_own(wise, http):
    before = wise.balance
    made = transfer(wise, http)
    assert (wise.balance, state(http, made["id"])) == (before, "incoming_payment_waiting")
    assert http.get(f"/v1/transfers/{made['id']}/payments").json() == []

    answer = fund(http, made["id"])

    assert answer.status_code == 200
    assert answer.json() == SAMPLES["funding_results"]["completed"]
    assert before - wise.balance == Decimal("3018.39")
    assert state(http, made["id"]) == "processing"
    assert http.get(f"/v1/transfers/{made['id']}").json()["sourceValue"] == 3000
    assert wise.quotes[made["quoteUuid"]]["status"] == "FUNDED"


def test_what_was_paid_is_listed_as_documented(wise, http):
    made = transfer(wise, http)
    fund(http, made["id"])

    (payment,) = http.get(f"/v1/transfers/{made['id']}/payments").json()

    assert set(payment) == set(sample("GET /v1/transfers/{transferId}/payments")[0])
    assert (payment["method"], payment["amount"], payment["currency"]) == ("BALANCE", 3018.39, "USD")
    assert payment["timeCreated"] == "2026-03-02T12:00:00.123Z"


def test_too_small_a_balance_is_rejected_with_200(wise, http):
    made = transfer(wise, http)
    wise.balance = Decimal("3018.38")

    answer = fund(http, made["id"])

    assert answer.status_code == 200
    assert answer.json() == SAMPLES["funding_results"]["insufficient-funds"]
    assert (wise.balance, state(http, made["id"])) == (Decimal("3018.38"), "incoming_payment_waiting")
    wise.balance += Decimal("0.01")
    assert fund(http, made["id"]).json()["status"] == "COMPLETED"
    assert wise.balance == 0


def test_funding_twice_takes_the_money_once(wise, http):
    made = transfer(wise, http)
    fund(http, made["id"])
    left = wise.balance

    answer = fund(http, made["id"])

    assert answer.status_code == 200
    assert answer.json() == {"type": "BALANCE", "status": "REJECTED", "errorCode": "payment.exists"}
    assert wise.balance == left


def test_a_cancelled_transfer_is_not_funded(wise, http):
    made = transfer(wise, http)
    http.put(f"/v1/transfers/{made['id']}/cancel")
    left = wise.balance

    assert fund(http, made["id"]).json()["errorCode"] == "transfer.invalid-state"
    assert wise.balance == left


def test_an_unavailable_payment_option_is_rejected_with_422(wise, http):
    made = transfer(wise, http)
    wise.disabled_pay_ins["BALANCE"] = "balance.closed"

    answer = fund(http, made["id"])

    documented = next(one for one in SAMPLES["errors"] if one["http"] == 422)
    assert (answer.status_code, answer.json()) == (422, documented["body"])
    assert state(http, made["id"]) == "incoming_payment_waiting"


def test_strong_authentication_asks_for_an_approved_one_time_token(wise, http):
    made = transfer(wise, http)
    wise.sca = True

    asked = fund(http, made["id"])
    token = asked.headers["x-2fa-approval"]
    unapproved = fund(http, made["id"], **{"x-2fa-approval": token})
    wise.approve(token)
    approved = fund(http, made["id"], **{"x-2fa-approval": token})

    assert asked.status_code == unapproved.status_code == 403
    assert asked.headers["x-2fa-approval-result"] == "REJECTED"
    assert asked.json()["message"] == "You are forbidden to send this request"
    assert set(asked.json()) == {"timestamp", "status", "error", "message", "path"}
    assert approved.json()["status"] == "COMPLETED"


def test_an_approval_is_good_for_one_request(wise, http):
    first, second = transfer(wise, http), transfer(wise, http)
    wise.sca = True
    token = fund(http, first["id"]).headers["x-2fa-approval"]
    wise.approve(token)

    answers = [fund(http, made["id"], **{"x-2fa-approval": token}).status_code for made in (first, second)]

    assert answers == [200, 403]


def test_funding_may_answer_201_as_it_was_once_reported(wise, http):
    made = transfer(wise, http)
    wise.funded_status = 201

    assert fund(http, made["id"]).status_code == 201


def test_balances_are_listed_as_documented_and_only_of_the_company(wise, http):
    found = http.get(f"/v4/profiles/{COMPANY}/balances", params={"types": "STANDARD"}).json()

    assert set(found[0]) == set(sample("GET /v4/profiles/{profileId}/balances")[0])
    assert found[0]["amount"] == {"value": 100000, "currency": "USD"}
    assert http.get(f"/v4/profiles/{PERSONAL}/balances", params={"types": "STANDARD"}).json() == []
    assert http.get(f"/v4/profiles/{COMPANY}/balances").status_code == 400


def test_a_balance_can_be_topped_up_in_its_own_currency(wise, http):
    body = {"profileId": COMPANY, "balanceId": 200001, "currency": "USD", "amount": 12.5, "channel": "TRANSFER"}

    answer = http.post("/v1/simulation/balance/topup", json=body)
    refused = http.post("/v1/simulation/balance/topup", json={**body, "currency": "EUR"})

    assert answer.json()["state"] == "COMPLETED"
    assert set(answer.json()) == set(sample("POST /v1/simulation/balance/topup"))
    assert answer.json()["balancesAfter"] == [{"id": 200001, "value": 100012.5, "currency": "USD"}]
    assert wise.balance == Decimal("100012.50")
    assert refused.status_code == 422


# States


def simulate(http: httpx.Client, transfer_id: int, wanted: str) -> httpx.Response:
    return http.get(f"/v1/simulation/transfers/{transfer_id}/{wanted}")


def test_the_simulation_goes_through_the_documented_states_five_seconds_each(wise, http):
    made = transfer(wise, http)
    fund(http, made["id"])
    before = "processing"
    for wanted in SAMPLES["transitions"]["simulation_order"]:
        answer = simulate(http, made["id"], wanted)

        assert (answer.status_code, answer.json()["status"]) == (200, wanted)
        wise.clock.advance(timedelta(seconds=4.999))
        assert state(http, made["id"]) == before
        wise.clock.advance(timedelta(milliseconds=1))
        assert state(http, made["id"]) == wanted
        before = wanted
    assert not [one for one in wise.outbox if one.event["event_type"] == "transfers#refund"]


def test_the_simulation_needs_funds_and_keeps_its_order(wise, http):
    made = transfer(wise, http)
    unfunded = simulate(http, made["id"], "processing")
    fund(http, made["id"])
    skipped = simulate(http, made["id"], "funds_converted")  # processing is to be called although it is processing
    simulate(http, made["id"], "processing")
    simulate(http, made["id"], "funds_converted")
    too_soon = simulate(http, made["id"], "outgoing_payment_sent")

    assert [answer.status_code for answer in (unfunded, skipped, too_soon)] == [422] * 3
    assert simulate(http, made["id"], "arrived").status_code == 404
    assert state(http, made["id"]) == "processing"


@pytest.mark.parametrize(
    "states",
    [
        ["processing", "funds_converted", "outgoing_payment_sent"],
        ["outgoing_payment_sent", "bounced_back", "outgoing_payment_sent"],
        ["outgoing_payment_sent", "bounced_back", "processing", "cancelled", "funds_refunded"],
        ["outgoing_payment_sent", "processing", "incoming_payment_waiting"],
        ["incoming_payment_initiated", "charged_back"],
        ["unknown", "a_state_of_2027"],
    ],
)
def test_any_state_follows_any_state_and_is_told(wise, http, states):
    made = wise.add_transfer()
    previous = "incoming_payment_waiting"
    for wanted in states:
        wise.clock.advance(MOMENT)
        wise.move(made, wanted)

        assert state(http, made) == wanted
        told = wise.outbox[-1].event["data"]
        assert (told["previous_state"], told["current_state"]) == (previous, wanted)
        previous = wanted
    assert len(wise.outbox) == len(states)
    wise.move(made, "processing", notify=False)
    assert len(wise.outbox) == len(states)


def test_a_transfer_made_in_wises_own_pages_is_complete(wise, http):
    waiting = wise.add_transfer(target_value="1234.50")
    sent = wise.add_transfer(state="outgoing_payment_sent", sourceCurrency="THB", sourceValue=99999, id=111)

    read = http.get(f"/v1/transfers/{waiting}").json()
    assert (read["status"], read["targetValue"], read["sourceValue"]) == ("incoming_payment_waiting", 1234.5, 0)
    read = http.get(f"/v1/transfers/{sent}").json()
    assert (read["id"], read["sourceCurrency"], read["sourceValue"]) == (111, "THB", 99999)
    assert http.get(f"/v3/profiles/{COMPANY}/quotes/{read['quoteUuid']}").json()["status"] == "FUNDED"
    assert http.get(f"/v1/transfers/{sent}/payments").json()[0]["method"] == "BANK_TRANSFER"
    assert wise.outbox == []


# Webhooks


@dataclass
class Receiver:
    """What stands at ``webhook_url``, and what it was sent."""

    got: list[tuple[dict[str, str], bytes]]
    answers: list[Callable[[], Answer | None]]

    def respond(self, method: str, path: str, query: Any, headers: dict[str, str], body: bytes) -> Answer | None:
        self.got.append((headers, body))
        return self.answers.pop(0)() if self.answers else Answer(204, b"")

    @property
    def states(self) -> list[str]:
        return [json.loads(body)["data"]["current_state"] for _, body in self.got]


@pytest.fixture
def receiver(wise: FakeWise) -> Iterator[Receiver]:
    made = Receiver([], [])
    server = Server(0, made.respond)
    wise.webhook_url = f"{server.base}/webhooks/wise"
    yield made
    server.stop()


def verifies(pem: str, headers: dict[str, str], body: bytes) -> bool:
    key = serialization.load_pem_public_key(pem.encode())
    assert isinstance(key, rsa.RSAPublicKey)
    lower = {name.lower(): value for name, value in headers.items()}
    try:
        key.verify(base64.b64decode(lower["x-signature-sha256"]), body, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


@pytest.mark.parametrize("vector", SIGNATURES["vectors"], ids=lambda vector: vector["name"])
def test_the_check_of_signatures_agrees_with_the_official_vectors(vector):
    pem = SIGNATURES["public_keys"][vector["environment"]]["pem"]

    assert verifies(pem, vector["headers"], vector["raw_body"].encode()) is vector["expect_valid"]


def test_webhooks_arrive_signed_over_their_raw_body(wise, receiver):
    made = wise.add_transfer()
    wise.move(made, "processing")

    assert wise.deliver() == [204]

    ((headers, body),) = receiver.got
    assert verifies(wise.public_key_pem, headers, body)
    assert not verifies(wise.public_key_pem, headers, body + b" ")
    assert uuid.UUID(headers["x-delivery-id"])
    assert "x-test-notification" not in headers
    assert wise.outbox == []
    assert wise.deliver() == []


def test_the_public_key_fits_on_one_line(wise):
    der = base64.b64decode(wise.public_key_line)

    assert "\n" not in wise.public_key_line
    assert serialization.load_der_public_key(der) == serialization.load_pem_public_key(wise.public_key_pem.encode())


@pytest.mark.parametrize("version", ["2.0.0", "4.0.0"])
def test_both_schemas_are_written_as_documented(wise, version):
    documented = next(
        one["body"]
        for one in SAMPLES["webhooks"]
        if (one["event"], one["schema_version"]) == ("transfers#state-change", version)
    )
    made = wise.add_transfer()

    event = json.loads(wise.event(made, "processing", None, occurred_at=NOON, version=version))

    assert set(event) == set(documented)
    assert set(event["data"]) == set(documented["data"])
    assert event["data"]["resource"] == {
        "type": "transfer",
        "id": made,
        "profile_id": COMPANY,
        "account_id": wise.transfers[made]["targetAccount"],
    }
    assert (event["schema_version"], event["data"]["previous_state"]) == (version, None)
    written = {"2.0.0": "2026-03-02T12:00:00Z", "4.0.0": "2026-03-02T12:00:00.123Z"}
    assert event["data"]["occurred_at"] == event["sent_at"] == written[version]


def test_an_event_can_be_about_any_transfer_and_any_profile(wise):
    event = json.loads(wise.event(5, "x", "y", occurred_at=NOON - timedelta(hours=1), profile_id=7))

    assert event["data"]["resource"] == {"type": "transfer", "id": 5, "profile_id": 7, "account_id": 0}
    assert (event["data"]["occurred_at"], event["sent_at"]) == ("2026-03-02T11:00:00Z", "2026-03-02T12:00:00Z")


def test_making_and_paying_for_a_transfer_is_told(wise, http):
    made = transfer(wise, http)
    fund(http, made["id"])

    told = [one.event["data"] for one in wise.outbox]
    assert [(one["previous_state"], one["current_state"]) for one in told] == [
        (None, "incoming_payment_waiting"),
        ("incoming_payment_waiting", "processing"),
    ]


def test_webhooks_come_twice_with_one_delivery_id(wise, receiver):
    wise.move(wise.add_transfer(), "processing")

    assert wise.deliver(twice=True) == [204, 204]

    (first, second) = receiver.got
    assert first == second
    assert wise.outbox == []


def test_webhooks_come_out_of_order(wise, receiver):
    made = wise.add_transfer()
    for wanted in ("processing", "funds_converted"):
        wise.clock.advance(MOMENT)
        wise.move(made, wanted)

    wise.deliver(reverse=True)

    assert receiver.states == ["funds_converted", "processing"]


def test_a_forged_webhook_is_not_from_wise(wise, receiver):
    wise.move(wise.add_transfer(), "processing")

    wise.deliver(forged=True)
    wise.deliver()

    (forged, true) = receiver.got
    assert forged[1] == true[1]
    assert not verifies(wise.public_key_pem, *forged)
    assert verifies(wise.public_key_pem, *true)


def test_a_body_of_ones_own_can_be_signed(wise):
    body = b'{"anything": true}'

    assert verifies(wise.public_key_pem, wise.signed(body), body)
    assert "X-Test-Notification" not in wise.signed(body)
    assert wise.signed(body, test=True)["X-Test-Notification"] == "true"


def test_a_test_notification_names_nothing(wise, receiver):
    wise.send_test()

    wise.deliver()

    ((headers, body),) = receiver.got
    assert headers["x-test-notification"] == "true"
    assert json.loads(body)["data"]["resource"] == {"type": "transfer", "id": 0, "profile_id": 0, "account_id": 0}
    assert verifies(wise.public_key_pem, headers, body)


def test_what_is_not_accepted_comes_again_by_the_table(wise, receiver):
    wise.move(wise.add_transfer(), "processing")
    receiver.answers = [lambda: Answer(500, b"")] * 25
    waits, delivery_ids = [], set()
    while wise.outbox:
        (waiting,) = wise.outbox
        waits.append(waiting.due - wise.clock.now())
        wise.clock.advance(waiting.due - wise.clock.now())
        assert wise.deliver() == [500]
        delivery_ids.add(receiver.got[-1][0]["x-delivery-id"])

    minutes = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
    assert waits == [timedelta(minutes=wait) for wait in minutes] + [timedelta(days=1)] * 13
    assert len(receiver.got) == 25
    assert len(delivery_ids) == 1
    assert len(wise.given_up) == 1


def test_a_webhook_is_not_sent_again_before_it_is_due(wise, receiver):
    wise.move(wise.add_transfer(), "processing")
    receiver.answers = [lambda: Answer(302, b"", {"Location": "/elsewhere"})]

    assert wise.deliver() == [302]
    wise.clock.advance(timedelta(seconds=59))
    assert wise.deliver() == []
    assert [one.attempt for one in wise.outbox] == [2]
    wise.clock.advance(MOMENT)
    assert wise.deliver() == [204]


def test_a_receiver_that_is_slow_or_away_has_failed(wise, receiver):
    wise.move(wise.add_transfer(), "processing")
    assert wise.webhook_timeout == 5
    wise.webhook_timeout = 0.1
    ended = threading.Event()
    receiver.answers = [lambda: ended.wait(10) and None]

    assert wise.deliver() == [0]
    ended.set()
    wise.webhook_url = "http://127.0.0.1:9/"
    wise.clock.advance(timedelta(minutes=1))
    assert wise.deliver() == [0]
    assert [one.attempt for one in wise.outbox] == [3]


def test_a_receiver_may_ask_wise_before_it_answers(wise, http, receiver):
    made = wise.add_transfer()
    wise.move(made, "processing")

    def ask() -> Answer:
        return Answer(200 if state(http, made) == "processing" else 500, b"")

    receiver.answers = [ask]

    assert wise.deliver() == [200]


def test_a_failed_payout_is_told_in_a_shape_of_its_own(wise):
    documented = next(one["body"] for one in SAMPLES["webhooks"] if one["event"] == "transfers#payout-failure")
    made = wise.add_transfer(state="outgoing_payment_sent")

    wise.fail_payout(made, "WRONG_ACCOUNT_NUMBER")

    event = wise.outbox[-1].event
    assert set(event) == set(documented)
    assert set(event["data"]) == set(documented["data"])
    assert (event["data"]["transfer_id"], event["data"]["profile_id"]) == (made, COMPANY)
    assert event["data"]["failure_reason_code"] in SAMPLES["payout_failure_codes"]
    assert event["data"]["occurred_at"] == "2026-03-02T12:00:00.123+00:00"
    assert wise.transfers[made]["status"] == "outgoing_payment_sent"


def test_a_refund_is_told_and_gives_the_money_back(wise):
    made = wise.add_transfer(state="funds_refunded")
    before = wise.balance

    wise.refund(made, "2975.25")

    event = wise.outbox[-1].event
    assert (event["event_type"], event["schema_version"]) == ("transfers#refund", "1.0.0")
    assert event["data"] == {
        "resource": {
            "id": made,
            "profile_id": COMPANY,
            "account_id": wise.transfers[made]["targetAccount"],
            "type": "transfer",
            "refund_amount": 2975.25,
            "refund_currency": "USD",
        },
        "occurred_at": "2026-03-02T12:00:00Z",
    }
    assert wise.balance - before == Decimal("2975.25")


def test_a_subscription_sets_the_schema_of_later_events(wise, http):
    url = "https://godown.example.com/webhooks/wise"
    body = {"name": "Godown", "trigger_on": "transfers#state-change", "delivery": {"version": "4.0.0", "url": url}}

    answer = http.post(f"/v3/profiles/{COMPANY}/subscriptions", json=body)
    wise.move(wise.add_transfer(), "processing")

    assert set(answer.json()) == set(sample("POST /v3/profiles/{profileId}/subscriptions"))
    assert http.get(f"/v3/profiles/{COMPANY}/subscriptions").json() == [answer.json()]
    event = wise.outbox[-1].event
    assert (event["schema_version"], event["subscription_id"]) == ("4.0.0", answer.json()["id"])


@pytest.mark.parametrize(
    "url", ["http://a.example/x", "https://a.example/x?y=1", "https://a.example:8443/", "https://a/"]
)
def test_a_subscription_needs_a_plain_https_address(wise, http, url):
    body = {"name": "Godown", "trigger_on": "transfers#state-change", "delivery": {"version": "2.0.0", "url": url}}

    assert http.post(f"/v3/profiles/{COMPANY}/subscriptions", json=body).status_code == 422
    assert wise.subscriptions == {}


# Faults


def test_a_rate_limit_says_when_to_come_back(wise, http):
    own = wise.add_transfer()
    wise.fault("GET", "/v1/transfers/{id}", Status(429, retry_after=2))

    limited, after = http.get(f"/v1/transfers/{own}"), http.get(f"/v1/transfers/{own}")

    assert limited.status_code == 429
    assert limited.headers["retry-after"] == "2"
    assert "x-rate-limited-by" in limited.headers
    assert after.status_code == 200


def test_faults_are_consumed_in_order_by_the_requests_they_fit(wise, http):
    own = wise.add_transfer()
    wise.fault("GET", "/v1/transfers/{id}", Status(503), Status(401), Status(500))

    others = [http.get("/v2/profiles"), http.get("/v1/transfers"), http.get(f"/v1/transfers/{own}/payments")]
    met = [http.get(f"{start}/transfers/{own}").status_code for start in ("/v1", "/2026Q3", "/proxy/v1", "/v1")]

    assert [answer.status_code for answer in others] == [200] * 3
    assert met == [503, 401, 500, 200]
    assert wise.faults == []


@pytest.mark.parametrize(
    "pattern", ["/v1/transfers/*", r"/v1/transfers/\d+", "transfers/", "/v1/transfers/{transferId}"]
)
def test_a_path_may_be_described_in_several_ways(wise, http, pattern):
    own = wise.add_transfer()
    wise.fault("*", pattern, Status(503))

    assert http.get("/v1/transfers").status_code == 200
    assert http.get(f"/v1/transfers/{own}").status_code == 503


def test_the_three_shapes_of_errors_occur(wise, http):
    wise.fault("GET", "/v2/profiles", Status(500))
    shapes = [
        http.get("/v2/profiles").json(),
        httpx.get(f"{wise.base}/v2/profiles", trust_env=False).json(),
        http.post("/v1/transfers", json={}).json(),
    ]

    assert [set(shape) for shape in shapes] == [
        {"timestamp", "status", "error", "message", "path"},
        {"error", "error_description"},
        {"errors"},
    ]


@pytest.mark.parametrize("fault", [AfterWork(Drop), AfterWork(Status(500)), AfterWork(Hang), Half()])
def test_after_the_work_is_done_the_answer_can_still_be_lost(wise, http, fault):
    recipient = wise.add_recipient()
    made, transaction = quote(http, recipient), str(uuid.uuid4())
    wise.fault("POST", "/v1/transfers", fault)
    with client(wise, timeout=0.3) as hasty:
        try:
            answer = ask_transfer(hasty, made["id"], recipient, customerTransactionId=transaction)
        except httpx.HTTPError:
            answer = None
    assert answer is None or answer.status_code == 500
    assert len(wise.transfers) == 1

    again = ask_transfer(http, made["id"], recipient, customerTransactionId=transaction)

    assert again.json()["id"] == next(iter(wise.transfers))
    assert len(wise.transfers) == 1


@pytest.mark.parametrize(("fault", "error"), [(Drop, httpx.RemoteProtocolError), (Hang(), httpx.ReadTimeout)])
def test_a_lost_request_does_nothing(wise, http, fault, error):
    recipient = wise.add_recipient()
    made = quote(http, recipient)
    wise.fault("POST", "/v1/transfers", fault)

    with client(wise, timeout=0.3) as hasty, pytest.raises(error):
        ask_transfer(hasty, made["id"], recipient)

    assert wise.transfers == {}
    assert wise.requests[-1].path == "/v1/transfers"


def test_a_late_answer_is_the_right_one(wise, http):
    own = wise.add_transfer()
    wise.fault("GET", "/v1/transfers/{id}", Slow(0.2), Slow(60))
    with client(wise, timeout=0.05) as hasty, pytest.raises(httpx.ReadTimeout):
        hasty.get(f"/v1/transfers/{own}")
    wise.faults.clear()
    wise.fault("GET", "/v1/transfers/{id}", Slow(0.01))

    assert http.get(f"/v1/transfers/{own}").json()["id"] == own


def test_wise_may_lie(wise, http):
    own = wise.add_transfer()
    wise.fault(
        "GET",
        "/v1/transfers/{id}",
        Body(200, b"<html>Maintenance</html>", {"Content-Type": "text/html"}),
        Redirect("https://elsewhere.example/"),
    )

    page, redirect = http.get(f"/v1/transfers/{own}"), http.get(f"/v1/transfers/{own}")

    assert (page.status_code, page.content) == (200, b"<html>Maintenance</html>")
    assert page.headers["content-type"] == "text/html"
    assert (redirect.status_code, redirect.headers["location"]) == (302, "https://elsewhere.example/")


def test_stopping_ends_what_hangs_and_starting_again_remembers(wise, http):
    own = wise.add_transfer()
    reached, released, ended = threading.Event(), threading.Event(), []

    class HangNoted(Hang):
        def play(self, call: Seen, work: Callable[[], Answer], stopping: threading.Event) -> Answer | None:
            reached.set()
            super().play(call, work, stopping)
            released.set()

    wise.fault("GET", "/v2/profiles", HangNoted)
    hanging = threading.Thread(target=lambda: ended.append(_error_of(lambda: http.get("/v2/profiles", timeout=30))))
    hanging.start()
    assert reached.wait(timeout=10)
    port = int(wise.base.rsplit(":", 1)[1])

    wise.stop()
    hanging.join(timeout=10)

    assert ended == [httpx.RemoteProtocolError]
    assert released.wait(timeout=10)
    with client(wise) as fresh:
        assert _error_of(lambda: fresh.get("/v2/profiles")) is httpx.ConnectError
        wise.start(port)
        assert fresh.get(f"/v1/transfers/{own}").json()["id"] == own


def _error_of(ask: Callable[[], Any]) -> type[httpx.HTTPError] | None:
    try:
        ask()
    except httpx.HTTPError as error:
        return type(error)
    return None


# By hand


def test_people_with_curl_see_and_steer(wise, http, receiver):
    bare = httpx.Client(base_url=wise.base, trust_env=False)
    made = bare.post("/fake/transfers", json={"target_value": "10.00"}).json()["id"]

    assert bare.post(f"/fake/transfers/{made}/move", json={"state": "bounced_back"}).json()["status"] == "bounced_back"
    assert bare.post("/fake/clock", json={"advance_seconds": 60}).json() == {"clock": "2026-03-02T12:01:01Z"}
    assert bare.post("/fake/deliver", content=b"").json() == {"statuses": [204]}
    fault = {"path": "/v1/transfers/{id}", "status": 429, "retry_after": 2, "times": 2}
    assert bare.post("/fake/faults", json=fault).json() == {"faults": 2}
    assert http.get(f"/v1/transfers/{made}").status_code == 429
    seen = bare.get("/fake/state").json()
    assert [(one["id"], one["status"]) for one in seen["transfers"]] == [(made, "bounced_back")]
    assert seen["clock"] == "2026-03-02T12:01:01Z"
    assert receiver.states == ["bounced_back"]
    bare.close()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/fake/clock", {}),
        ("/fake/clock", {"advance_seconds": -1}),
        ("/fake/faults", {"path": "/x", "fault": "rain"}),
        ("/fake/transfers/1/move", {"state": "processing"}),
        ("/fake/nothing", {}),
    ],
)
def test_a_wrong_control_is_refused_and_changes_nothing(wise, path, body):
    answer = httpx.post(wise.base + path, json=body, trust_env=False)

    assert answer.status_code in (400, 404)
    assert (wise.clock.now(), wise.faults, wise.requests) == (NOON, [], [])


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_by_hand_it_prints_the_settings_and_ends_cleanly(tmp_path, ending):
    command = [
        sys.executable,
        "-m",
        "tests.fake_wise",
        "--port",
        "0",
        "--auto",
        "--key-file",
        str(tmp_path / "key.pem"),
    ]
    root = Path(__file__).resolve().parents[1]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        settings = {}
        while "WISE_WEBHOOK_SECRET" not in settings:
            line = process.stdout.readline()
            assert line, process.wait(timeout=10)
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").strip().partition("=")
                settings[name] = value
        with httpx.Client(base_url=settings["WISE_API_BASE"], trust_env=False) as bare:
            key = {"Authorization": f"Bearer {settings['WISE_API_KEY']}"}
            assert bare.get("/v2/profiles", headers=key).status_code == 200
            assert bare.get("/fake/state").json()["transfers"] == []
        process.send_signal(ending)

        assert process.wait(timeout=10) == 0
        assert "Traceback" not in process.stdout.read()
    assert serialization.load_der_public_key(base64.b64decode(settings["WISE_WEBHOOK_SECRET"]))


def test_its_key_stays_the_same_between_runs_and_is_for_the_owner_only(tmp_path):
    file = tmp_path / "fake-wise" / "key.pem"

    first, second = by_hand.signing_key(file), by_hand.signing_key(file)

    assert first.private_numbers() == second.private_numbers()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_by_itself_what_is_paid_for_moves_along_the_happy_path_only(wise):
    paid, unpaid, bounced = (
        wise.add_transfer(state=one) for one in ("processing", "incoming_payment_waiting", "bounced_back")
    )
    followed = []
    for _ in range(3):
        by_hand.move_all(wise)
        followed.append(wise.transfers[paid]["status"])

    assert followed == ["funds_converted", "outgoing_payment_sent", "outgoing_payment_sent"]
    assert [wise.transfers[one]["status"] for one in (unpaid, bounced)] == ["incoming_payment_waiting", "bounced_back"]
    assert len(wise.outbox) == 2
