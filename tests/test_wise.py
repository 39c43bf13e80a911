"""The client of Wise, over real HTTP: what it asks, what it reads, what it repeats, and what it never does twice.

``test_wise_hostile.py`` holds what a server may do to it.
"""

import json
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.errors import NotFound, Refused, Unavailable
from purchasing import wise
from purchasing.wise import PaymentOption, Profile, Recipient, Transfer, Wise
from tests.fake_wise import AfterWork, Body, Drop, FakeWise, Half, Hang, Slow, Status
from tests.test_architecture import ROOT

KEY = "b5a7e2c4-1f0d-4c69-9a53-6d1e8f27c0aa"
PROFILE = 16055450
TRANSFER = "/v1/transfers/{id}"
TRANSACTION = uuid.UUID("54a6bc09-cef9-49a8-9041-f1f0c654cd88")
SAMPLES = json.loads((ROOT / "tests" / "vectors" / "wise_samples.json").read_text())
BASICS = {"source_currency": "USD", "target_currency": "USD"}


@pytest.fixture
def fake():
    with FakeWise(key=KEY, profile_id=PROFILE) as started:
        yield started


@pytest.fixture
def slept():
    return []


@pytest.fixture
def client(fake, slept):
    with Wise(key=KEY, base=fake.base, timeout=0.3, sleep=slept.append) as opened:
        yield opened


def ready(fake, client, *, amount="3000.00"):
    """A recipient in China, and a quote for it."""
    recipient = str(fake.add_recipient())
    quote = client.create_quote(PROFILE, **BASICS, target_amount=Decimal(amount), recipient_id=recipient)
    return recipient, quote.id


def make(client, recipient, quote_id, *, number=TRANSACTION):
    return client.create_transfer(
        recipient_id=recipient, quote_id=quote_id, customer_transaction_id=number, reference="PAY-2026-0001"
    )


def waited(call):
    """Return the error that this call ends with."""
    with pytest.raises(wise.WiseError) as caught:
        call()
    return caught.value


def answers(fake, answer, *, status=200, headers=None):
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    fake.fault("*", "/**", Body(status, body, headers or {}))


# The whole way


def test_a_payment_goes_from_quote_to_delivery(fake, client):
    recipient = str(fake.add_recipient(holder="Shenzhen Toys"))

    quote = client.create_quote(PROFILE, **BASICS, target_amount=Decimal("3000.00"))
    assert (quote.pay_out, quote.status, quote.blocked) == ("BANK_TRANSFER", "PENDING", ())
    assert quote.expires_at == fake.clock.now().replace(microsecond=0) + timedelta(minutes=30)
    quote = client.set_recipient(PROFILE, quote.id, recipient)
    assert quote.pay_out == "SWIFT"
    option = quote.option("BALANCE")
    assert option == PaymentOption(
        pay_in="BALANCE",
        pay_out="SWIFT",
        fee=Decimal("18.39"),
        fee_currency="USD",
        source_amount=Decimal("3018.39"),
        target_amount=Decimal(3000),
        estimated_delivery=fake.clock.now().replace(microsecond=0) + timedelta(days=3),
        disabled=False,
        disabled_reason="",
    )

    made = make(client, recipient, quote.id)
    assert made == Transfer(
        id=made.id,
        state="incoming_payment_waiting",
        recipient_id=recipient,
        quote_id=quote.id,
        source_currency="USD",
        source_amount=Decimal(0),
        target_currency="USD",
        target_amount=Decimal(3000),
        customer_transaction_id=str(TRANSACTION),
        reference="PAY-2026-0001",
        created_at=fake.clock.now().replace(microsecond=0),
        has_active_issues=False,
    )
    assert client.fund(PROFILE, made.id).completed
    assert fake.balance == Decimal("96981.61")
    paid = client.transfer(made.id)
    assert (paid.state, paid.source_amount) == ("processing", Decimal(3000))
    assert client.quote(PROFILE, quote.id).status == "FUNDED"
    estimate = client.delivery_estimate(made.id, time_zone="Asia/Bangkok")
    assert estimate is not None
    assert abs(estimate - fake.clock.now() - timedelta(days=3)) < timedelta(seconds=1)
    assert client.cancel(made.id).state == "cancelled"


def test_recipients_and_the_fields_that_they_and_transfers_need(fake, client):
    quote = client.create_quote(PROFILE, **BASICS, target_amount=Decimal(100))

    forms = client.recipient_requirements(quote.id)
    again = client.recipient_requirements(quote.id, {"type": "swift_code", "details": {"address.country": "CN"}})
    assert {form["type"] for form in forms} == {"swift_code", "aba"}
    assert again
    assert [(one.method, one.headers["accept-minor-version"]) for one in fake.requests[-2:]] == [
        ("GET", "1"),
        ("POST", "1"),
    ]
    details = {
        "legalType": "BUSINESS",
        "swiftCode": "ICBKCNBJSZN",
        "accountNumber": "6222021234567890",
        "address": {"country": "CN", "city": "Shenzhen", "firstLine": "1 Factory Road", "postCode": "518000"},
    }
    made = client.create_recipient(PROFILE, currency="USD", type="swift_code", holder="Shenzhen Toys", details=details)
    assert made == Recipient(id=made.id, currency="USD", type="SwiftCode", holder="Shenzhen Toys", is_active=True)
    assert client.recipient(made.id) == made
    fields = client.transfer_requirements(recipient_id=made.id, quote_id=quote.id)
    assert fields[0]["type"] == "transfer"


def test_the_profiles_of_the_key(fake, client):
    assert client.profiles() == [
        Profile(id=14575282, type="PERSONAL", name="Sarah Jenkins"),
        Profile(id=PROFILE, type="BUSINESS", name=client.profiles()[1].name),
    ]


def test_a_request_says_who_asks_and_what_for_and_nothing_else(fake, client):
    recipient, quote_id = ready(fake, client, amount="3000.10")
    client.set_recipient(PROFILE, quote_id, recipient)

    asked, patched = fake.requests
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.headers["accept-encoding"] == "identity"
    assert uuid.UUID(asked.headers["x-external-correlation-id"]).version == 4
    assert asked.headers["x-external-correlation-id"] != patched.headers["x-external-correlation-id"]
    assert b'"targetAmount":3000.10,' in asked.body
    assert json.loads(asked.body) == {
        "sourceCurrency": "USD",
        "targetCurrency": "USD",
        "preferredPayIn": "BALANCE",
        "targetAmount": 3000.1,
        "targetAccount": int(recipient),
    }
    assert patched.headers["content-type"] == "application/merge-patch+json"
    assert json.loads(patched.body) == {"targetAccount": int(recipient)}


@pytest.mark.parametrize("amounts", [{}, {"target_amount": Decimal(1), "source_amount": Decimal(1)}])
def test_a_quote_is_for_exactly_one_amount(fake, client, amounts):
    with pytest.raises(ValueError, match="exactly one"):
        client.create_quote(PROFILE, **BASICS, **amounts)

    assert fake.requests == []


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "0", "-1"])
def test_nobody_is_asked_for_an_amount_that_is_none(fake, client, amount):
    with pytest.raises(ValueError, match="positive"):
        client.create_quote(PROFILE, **BASICS, target_amount=Decimal(amount))

    assert fake.requests == []


@pytest.mark.parametrize(
    ("prefix", "path"),
    [
        ("", "/v2/profiles"),
        ("2026Q3", "/2026Q3/profiles"),
        ("/2026Q3/", "/2026Q3/profiles"),
        ("/gateway/wise", "/gateway/wise/v2/profiles"),
    ],
)
def test_a_calendar_version_takes_the_place_of_the_old_one_and_any_other_prefix_goes_before(fake, prefix, path):
    answers(fake, [])

    with Wise(key=KEY, base=f"{fake.base}/", prefix=prefix, timeout=0.3) as client:
        client.profiles()

    assert fake.requests[0].path == path


# Lists


def test_all_transfers_of_the_profile_come_page_by_page(fake, client):
    ids = [str(fake.add_transfer()) for _ in range(230)]
    fake.add_transfer(profile=fake.personal_profile_id)

    found = [transfer.id for transfer in client.transfers(PROFILE)]

    assert found == ids[::-1]
    assert [one.query["offset"] for one in fake.requests] == ["0", "100", "200"]
    assert {one.query["profile"] for one in fake.requests} == {str(PROFILE)}


def test_the_list_is_asked_for_by_time_and_state(fake, client):
    fake.add_transfer()
    fake.clock.advance(timedelta(days=2))
    sent = fake.add_transfer(state="outgoing_payment_sent")
    fake.add_transfer()
    now = fake.clock.now()

    states = ["outgoing_payment_sent", "bounced_back"]
    found = list(client.transfers(PROFILE, since=now - timedelta(days=1), until=now + timedelta(days=1), states=states))

    assert [transfer.id for transfer in found] == [str(sent)]
    assert fake.requests[0].query["status"] == "outgoing_payment_sent,bounced_back"


def test_a_transfer_that_slides_to_the_next_page_comes_once(fake, client):
    ids = [str(fake.add_transfer()) for _ in range(150)]

    found = []
    for transfer in client.transfers(PROFILE):
        if not found:
            fake.add_transfer()  # moves everything down by one
        found.append(transfer.id)

    assert found == ids[::-1]


def test_an_empty_list_is_one_question(fake, client):
    assert list(client.transfers(PROFILE)) == []
    assert len(fake.requests) == 1


# Documented samples


SAME_ANSWER = {
    "GET /v3/profiles/{profileId}/quotes/{quoteId}": "POST /v3/profiles/{profileId}/quotes",
    "PATCH /v3/profiles/{profileId}/quotes/{quoteId}": "POST /v3/profiles/{profileId}/quotes",
    "POST /v1/transfer-requirements": "GET /v1/quotes/{quoteId}/account-requirements",
}


def sample(endpoint):
    return SAMPLES["endpoints"][SAME_ANSWER.get(endpoint, endpoint)]["responses"]["200"]


QUOTE = "11144c35-9fe8-4c32-b7fd-d05c2a7734bf"
CALLS = {
    "GET /v2/profiles": lambda c: c.profiles(),
    "POST /v3/profiles/{profileId}/quotes": lambda c: c.create_quote(101, **BASICS, source_amount=Decimal(100)),
    "GET /v3/profiles/{profileId}/quotes/{quoteId}": lambda c: c.quote(101, QUOTE),
    "PATCH /v3/profiles/{profileId}/quotes/{quoteId}": lambda c: c.set_recipient(101, QUOTE, "12345"),
    "POST /v1/accounts": lambda c: c.create_recipient(1, currency="GBP", type="sort_code", holder="J", details={}),
    "GET /v1/quotes/{quoteId}/account-requirements": lambda c: c.recipient_requirements(QUOTE),
    "POST /v1/transfer-requirements": lambda c: c.transfer_requirements(recipient_id="1", quote_id=QUOTE),
    "POST /v1/transfers": lambda c: make(c, "8692237", QUOTE),
    "GET /v1/transfers": lambda c: list(c.transfers(101)),
    "GET /v1/transfers/{transferId}": lambda c: c.transfer("16521632"),
    "PUT /v1/transfers/{transferId}/cancel": lambda c: c.cancel("16521632"),
    "POST /v3/profiles/{profileId}/transfers/{transferId}/payments": lambda c: c.fund(101, "16521632"),
}
NOT_ASKED = {
    "GET /v4/profiles/{profileId}/balances",
    "GET /v1/transfers/{transferId}/payments",
    "GET /v1/delivery-estimates/{transferId}",  # its sample is "string"; another page has a real one
    "POST /v1/simulation/balance/topup",
    "POST /v3/profiles/{profileId}/subscriptions",
    "GET /v3/profiles/{profileId}/subscriptions",
}
SAMPLE_TRANSFER = Transfer(
    id="16521632",
    state="incoming_payment_waiting",
    recipient_id="8692237",
    quote_id="8fa9be20-ba43-4b15-abbb-9424e1481050",
    source_currency="EUR",
    source_amount=Decimal(0),
    target_currency="GBP",
    target_amount=Decimal(150),
    customer_transaction_id="54a6bc09-cef9-49a8-9041-f1f0c654cd88",
    reference="Testing",
    created_at=datetime(2017, 11, 24, 10, 47, 49, tzinfo=UTC),
    has_active_issues=False,
)


def test_every_documented_endpoint_is_asked_or_known_not_to_be():
    assert SAMPLES["endpoints"].keys() <= CALLS.keys() | NOT_ASKED
    assert {SAME_ANSWER.get(endpoint, endpoint) for endpoint in CALLS} <= SAMPLES["endpoints"].keys()


@pytest.mark.parametrize("endpoint", CALLS)
def test_every_documented_answer_is_understood(fake, client, endpoint):
    answers(fake, sample(endpoint))

    assert CALLS[endpoint](client)

    assert [one.method for one in fake.requests] == [endpoint.split()[0]]


@pytest.mark.parametrize("endpoint", [name for name in CALLS if "/v1/transfers" in name])
def test_the_documented_transfer_is_read_to_the_last_field(fake, client, endpoint):
    answers(fake, sample(endpoint))

    read = CALLS[endpoint](client)

    assert read in (SAMPLE_TRANSFER, [SAMPLE_TRANSFER])


def test_the_documented_quote_is_read_to_the_last_field(fake, client):
    answers(fake, sample("GET /v3/profiles/{profileId}/quotes/{quoteId}"))

    quote = client.quote(101, QUOTE)

    option = PaymentOption(
        pay_in="BANK_TRANSFER",
        pay_out="BANK_TRANSFER",
        fee=Decimal("0.77"),
        fee_currency="GBP",
        source_amount=Decimal(100),
        target_amount=Decimal("129.24"),
        estimated_delivery=datetime(2019, 4, 8, 12, 30, tzinfo=UTC),
        disabled=False,
        disabled_reason="string",
    )
    assert quote == wise.Quote(
        id=QUOTE,
        source_currency="GBP",
        target_currency="USD",
        rate=Decimal("1.30445"),
        pay_out="BANK_TRANSFER",
        status="PENDING",
        expires_at=datetime(2019, 4, 5, 13, 48, 58, tzinfo=UTC),
        options=(option,),
        blocked=(),
    )
    assert quote.option("BANK_TRANSFER") == option
    assert quote.option() is None


def test_the_documented_recipient_profile_and_estimate_are_read(fake, client):
    answers(fake, sample("POST /v1/accounts"))
    answers(fake, sample("GET /v2/profiles"))
    answers(fake, SAMPLES["delivery_estimate"])

    made = CALLS["POST /v1/accounts"](client)
    assert made == Recipient(id="40000000", currency="GBP", type="SortCode", holder="John Doe", is_active=True)
    assert client.profiles() == [Profile(id=14575282, type="PERSONAL", name="Sarah Jenkins")]
    assert client.delivery_estimate("7", time_zone="UTC") == datetime(2018, 1, 10, 12, 15, tzinfo=UTC)


@pytest.mark.parametrize("state", [one["state"] for one in SAMPLES["transfer_states"]] + ["held_by_customs_2031"])
def test_every_state_comes_through_word_for_word_also_one_nobody_has_heard_of(fake, client, state):
    made = fake.add_transfer(state=state)

    assert client.transfer(str(made)).state == state


def test_a_quote_knows_what_blocks_it_and_which_option_is_its_own(fake, client):
    fake.notices = [
        {"text": "You have reached your limit.", "link": None, "type": "BLOCKED"},
        {"text": "Nice weather.", "link": None, "type": "INFO"},
    ]
    fake.disabled_pay_ins["BALANCE"] = "balance.closed"
    _, quote_id = ready(fake, client)

    quote = client.quote(PROFILE, quote_id)

    assert quote.blocked == ("You have reached your limit.",)
    option = quote.option()
    assert option is not None
    assert (option.pay_out, option.disabled) == ("SWIFT", True)
    assert option.disabled_reason
    assert quote.option("CASH") is None


def test_a_disabled_option_without_figures_spoils_no_quote(fake, client):
    quote = sample("GET /v3/profiles/{profileId}/quotes/{quoteId}")
    good = quote["paymentOptions"][0]
    broken = {"payIn": "CARD", "payOut": "BANK_TRANSFER", "disabled": True, "sourceAmount": None}
    answers(fake, {**quote, "paymentOptions": [broken, good]})
    answers(fake, {**quote, "paymentOptions": [{**broken, "disabled": False}, good]})

    assert [option.pay_in for option in client.quote(101, QUOTE).options] == ["BANK_TRANSFER"]
    assert isinstance(waited(lambda: client.quote(101, QUOTE)), wise.Unreachable)


# Refusals


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (
            422,
            {"errors": [{"code": "error.greaterThanZero", "message": "Please type in more.", "path": "sourceAmount"}]},
            (wise.RefusedByWise, ("error.greaterThanZero",), "Wise refuses: Please type in more."),
        ),
        (
            400,
            {"errors": [{"code": "A", "message": "First."}, {"code": "B", "message": "Second."}]},
            (wise.RefusedByWise, ("A", "B"), "Wise refuses: First.; Second."),
        ),
        (
            401,
            {"error": "invalid_token", "error_description": "945fdc16-56cb-4039-90b4-998d583740ce"},
            (wise.NotPermitted, ("invalid_token",), "Wise does not accept the key."),
        ),
        (
            403,
            {"timestamp": "2020-01-01T00:00:00.000+0000", "status": 403, "error": "Forbidden", "message": "No access"},
            (wise.NotPermitted, ("Forbidden",), "Wise does not let this key do this: No access"),
        ),
        (404, b"", (wise.UnknownToWise, (), "Wise knows nothing under this id: status 404")),
        (
            409,
            {"errors": [{"code": "transfer.cancellation.not.allowed", "message": "Cannot be cancelled"}]},
            (wise.RefusedByWise, ("transfer.cancellation.not.allowed",), "Wise refuses: Cannot be cancelled"),
        ),
        (
            422,
            {"type": "BALANCE", "status": "REJECTED", "errorCode": "balance.unavailable"},
            (wise.RefusedByWise, ("balance.unavailable",), "Wise refuses: balance.unavailable"),
        ),
        (400, b"<html>Bad</html>", (wise.RefusedByWise, (), "Wise refuses: status 400")),
        (418, {"errors": ["x", 7, {"code": 7}]}, (wise.RefusedByWise, (), "Wise refuses: status 418")),
        (400, [], (wise.RefusedByWise, (), "Wise refuses: status 400")),
    ],
)
def test_every_shape_of_an_error_becomes_a_sentence_and_codes(fake, client, status, body, expected):
    answers(fake, body, status=status, headers={"x-trace-id": "4f2a-trace"})

    error = waited(lambda: client.transfer("1"))

    assert (type(error), error.codes, error.message) == expected
    assert (error.status, error.trace_id) == (status, "4f2a-trace")
    assert len(fake.requests) == 1


def test_each_error_is_of_the_kind_that_the_api_and_pages_know():
    assert issubclass(wise.Unreachable, Unavailable)
    assert issubclass(wise.RateLimited, wise.Unreachable)
    assert issubclass(wise.NotPermitted, Refused)
    assert issubclass(wise.ApprovalNeeded, wise.NotPermitted)
    assert issubclass(wise.UnknownToWise, NotFound)
    assert issubclass(wise.RefusedByWise, Refused)
    kinds = [wise.Unreachable, wise.RateLimited, wise.NotPermitted, wise.ApprovalNeeded, wise.UnknownToWise]
    assert len({kind.code for kind in (*kinds, wise.RefusedByWise)}) == 6


def test_a_personal_token_may_lack_single_permissions(fake, client):
    made = str(fake.add_transfer())
    fake.personal_token_limits = True

    assert type(waited(lambda: client.delivery_estimate(made, time_zone="UTC"))) is wise.NotPermitted
    assert type(waited(lambda: client.create_quote(PROFILE, **BASICS, target_amount=Decimal(1)))) is wise.NotPermitted
    assert client.transfer(made).id == made


def test_another_key_opens_nothing_and_is_not_tried_again(fake, slept):
    with Wise(key="another", base=fake.base, timeout=0.3, sleep=slept.append) as client:
        error = waited(client.profiles)

    assert type(error) is wise.NotPermitted
    assert error.status == 401
    assert (len(fake.requests), slept) == (1, [])


def test_funding_that_a_person_has_to_approve_keeps_no_token(fake, client):
    fake.sca = True
    made = str(fake.add_transfer())

    error = waited(lambda: client.fund(PROFILE, made))

    assert type(error) is wise.ApprovalNeeded
    [token] = fake.tokens
    assert token not in f"{error.__dict__} {error!r}"
    assert fake.balance == Decimal(100000)


def test_funding_without_enough_money_is_an_answer_and_not_completed(fake, client):
    fake.balance = Decimal("10.00")
    made = str(fake.add_transfer())

    funding = client.fund(PROFILE, made)

    assert (funding.completed, funding.status, funding.error_code) == (False, "REJECTED", "transfer.insufficient_funds")
    assert fake.balance == Decimal(10)


@pytest.mark.parametrize("status", ["CREATED", "completed", "PENDING"])
def test_only_completed_is_funded(fake, client, status):
    answers(fake, {"type": "BALANCE", "status": status, "errorCode": None})

    assert not client.fund(PROFILE, "1").completed


def test_a_transfer_that_was_sent_is_not_cancelled(fake, client):
    made = fake.add_transfer(state="outgoing_payment_sent")

    error = waited(lambda: client.cancel(str(made)))

    assert type(error) is wise.RefusedByWise
    assert error.codes == ("transfer.cancellation.not.allowed",)
    assert fake.transfers[made]["status"] == "outgoing_payment_sent"


# Trying again

PASSING = [Status(503), Status(500), Status(502), Status(408), Drop, Half, Hang]


@pytest.mark.parametrize("fault", PASSING, ids=str)
def test_what_passes_is_tried_again_after_a_growing_pause(fake, client, slept, fault):
    made = str(fake.add_transfer())
    fake.fault("GET", TRANSFER, fault, fault)

    assert client.transfer(made).id == made

    assert len(fake.requests) == 3
    assert len({one.headers["x-external-correlation-id"] for one in fake.requests}) == 1
    assert 0.5 <= slept[0] <= 1.0
    assert 1.0 <= slept[1] <= 1.5


def test_three_attempts_are_all(fake, client, slept):
    fake.fault("GET", TRANSFER, *[Status(503)] * 5)

    error = waited(lambda: client.transfer("1"))

    assert type(error) is wise.Unreachable
    assert (error.status, error.code) == (503, "wise_unreachable")
    assert (len(fake.requests), len(slept)) == (3, 2)


def test_a_server_that_is_not_there_is_unreachable(slept):
    with FakeWise() as gone:
        base = gone.base
    with Wise(key=KEY, base=base, timeout=0.3, sleep=slept.append) as client:
        error = waited(client.profiles)

    assert type(error) is wise.Unreachable
    assert error.message == "Wise cannot be reached (ConnectError)."
    assert error.status is None
    assert len(slept) == 2


def test_an_answer_that_comes_too_late_is_no_answer(fake, slept):
    fake.fault("GET", "/v2/profiles", Slow(5))

    with Wise(key=KEY, base=fake.base, timeout=0.2, attempts=1, sleep=slept.append) as client:
        error = waited(client.profiles)

    assert error.message == "Wise did not answer in time (ReadTimeout)."
    assert slept == []


@pytest.mark.parametrize("fault", [Status(400), Status(401), Status(403), Status(404), Status(409), Status(422)])
def test_a_refusal_is_never_tried_again(fake, client, slept, fault):
    fake.fault("*", "/**", fault)

    waited(lambda: client.transfer("1"))

    assert (len(fake.requests), slept) == (1, [])


def test_wise_says_how_long_to_wait(fake, client, slept):
    made = str(fake.add_transfer())
    fake.fault("GET", TRANSFER, Status(429, retry_after=2), Status(429, retry_after=7))

    assert client.transfer(made).id == made

    assert slept == [2, 7]
    assert len(fake.requests) == 3


def test_a_longer_wait_than_allowed_is_told_at_once(fake, client, slept):
    fake.fault("GET", TRANSFER, Status(429, retry_after=21))

    error = waited(lambda: client.transfer("1"))

    assert type(error) is wise.RateLimited
    assert (error.retry_after, error.wait, error.status) == (21, 21, 429)
    assert (len(fake.requests), slept) == (1, [])


def test_a_limit_that_stays_is_told_after_the_last_attempt(fake, client, slept):
    fake.fault("GET", TRANSFER, *[Status(429, retry_after=1)] * 3)

    assert type(waited(lambda: client.transfer("1"))) is wise.RateLimited
    assert slept == [1, 1]


@pytest.mark.parametrize("told", ["", "soon", "-5", "NaN", "1e9", "99999999999", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_a_wait_that_is_no_number_of_seconds_becomes_five(fake, client, slept, told):
    made = str(fake.add_transfer())
    fake.fault("GET", TRANSFER, Body(429, b"{}", {"Retry-After": told}))

    assert client.transfer(made).id == made

    assert slept == [5]


@pytest.mark.parametrize("fault", [AfterWork(Hang), AfterWork(Drop), AfterWork(Status(500)), Half], ids=str)
def test_a_transfer_whose_answer_was_lost_is_made_once(fake, client, fault):
    recipient, quote_id = ready(fake, client)
    fake.fault("POST", "/v1/transfers", fault)

    made = make(client, recipient, quote_id)

    assert [str(one) for one in fake.transfers] == [made.id]
    assert made.customer_transaction_id == str(TRANSACTION)
    bodies = {one.body for one in fake.requests if one.path == "/v1/transfers"}
    assert len(bodies) == 1


def test_the_same_number_a_day_later_returns_the_first_transfer(fake, client):
    recipient, quote_id = ready(fake, client)
    made = make(client, recipient, quote_id)
    fake.clock.advance(timedelta(days=1))

    assert make(client, recipient, ready(fake, client)[1]).id == made.id
    assert len(fake.transfers) == 1


@pytest.mark.parametrize("fault", [*PASSING, AfterWork(Hang), AfterWork(Status(500))], ids=str)
def test_funding_is_asked_for_once_and_its_outcome_is_unknown(fake, client, slept, fault):
    made = str(fake.add_transfer())
    fake.fault("POST", "/v3/profiles/{p}/transfers/{t}/payments", fault)

    error = waited(lambda: client.fund(PROFILE, made))

    assert type(error) is wise.Unreachable
    assert f"Whether transfer {made} is funded is unknown" in error.message
    assert (len(fake.requests), slept) == (1, [])


def test_a_limit_on_funding_is_not_waited_for(fake, client, slept):
    made = str(fake.add_transfer())
    fake.fault("POST", "/v3/profiles/{p}/transfers/{t}/payments", Status(429, retry_after=1))

    error = waited(lambda: client.fund(PROFILE, made))

    assert type(error) is wise.RateLimited
    assert (len(fake.requests), slept) == (1, [])
    assert fake.balance == Decimal(100000)


def test_a_recipient_is_asked_for_once(fake, client, slept):
    fake.fault("POST", "/v1/accounts", Status(503))

    waited(lambda: client.create_recipient(PROFILE, currency="USD", type="swift_code", holder="A", details={}))

    assert (len(fake.requests), slept, fake.recipients) == (1, [], {})


@pytest.mark.parametrize("fault", [Status(503), Drop], ids=str)
def test_quotes_their_recipients_and_cancelling_are_tried_again(fake, client, fault):
    fake.fault("POST", "/v3/profiles/{p}/quotes", fault)
    recipient, quote_id = ready(fake, client)
    fake.fault("PATCH", "/v3/profiles/{p}/quotes/{q}", fault)
    assert client.set_recipient(PROFILE, quote_id, recipient).pay_out == "SWIFT"
    made = make(client, recipient, quote_id)
    fake.fault("PUT", "/v1/transfers/{t}/cancel", fault)

    assert client.cancel(made.id).state == "cancelled"


def test_a_lie_is_not_tried_again(fake, client, slept):
    fake.fault("GET", TRANSFER, Body(200, b"<html>Maintenance</html>"))

    error = waited(lambda: client.transfer("1"))

    assert error.message == "Wise answered something that makes no sense (not JSON)."
    assert (len(fake.requests), slept) == (1, [])
