"""Messages of Wise: which are theirs, byte by byte, and what they tell, whatever shape they come in."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from purchasing import wise_webhooks
from purchasing.wise_webhooks import Event, parse, public_key, verify
from tests.fake_wise import FakeWise
from tests.test_architecture import ROOT

VECTORS = json.loads((ROOT / "tests" / "vectors" / "wise_webhook_signatures.json").read_text())
SAMPLES = json.loads((ROOT / "tests" / "vectors" / "wise_samples.json").read_text())
OFFICIAL = next(vector for vector in VECTORS["vectors"] if vector["expect_valid"])
RAW = OFFICIAL["raw_body"].encode()
SIGNATURE = OFFICIAL["headers"]["X-Signature-SHA256"]
SANDBOX = public_key("sandbox")
NOTHING = Event(
    event_type="",
    schema_version="",
    subscription_id="",
    profile_id="",
    transfer_id="",
    told="",
    occurred_at=None,
    refund_amount=None,
    refund_currency="",
    description="",
)


def pem(key, private=False):
    if private:
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def der_line(key):
    made = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(made).decode()


@pytest.fixture(scope="module")
def own():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def sample(event, version):
    return next(one["body"] for one in SAMPLES["webhooks"] if (one["event"], one["schema_version"]) == (event, version))


def read(body, *, is_test=False):
    return parse(json.dumps(body).encode(), is_test=is_test)


def about(**data):
    return read({"data": data})


# Whose message


@pytest.mark.abuse("INT-01")
@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["name"])
def test_official_signatures_fit_their_own_key_only(vector):
    key = public_key(vector["environment"])

    signature = vector["headers"]["X-Signature-SHA256"]

    assert verify(vector["raw_body"].encode(), signature, key=key) is vector["expect_valid"]


@pytest.mark.parametrize("environment", ["production", "sandbox"])
def test_the_keys_are_the_published_ones(environment):
    expected = VECTORS["public_keys"][environment]["pem"]

    assert getattr(wise_webhooks, f"{environment.upper()}_KEY") == expected
    assert public_key(environment).public_numbers() == public_key(expected).public_numbers()


@pytest.mark.abuse("INT-01")
def test_a_signature_is_for_these_very_bytes():
    assert verify(RAW, SIGNATURE, key=SANDBOX)

    again = json.dumps(json.loads(RAW)).encode()
    assert json.loads(again) == json.loads(RAW)
    others = [again, RAW + b"\n", b" " + RAW, RAW[:-1], b"", RAW.replace(b"49983981", b"49983982"), RAW.upper()]
    assert [verify(other, SIGNATURE, key=SANDBOX) for other in others] == [False] * len(others)


@pytest.mark.abuse("INT-01")
@pytest.mark.parametrize(
    "signature",
    [
        "",
        " ",
        "junk",
        "====",
        "A",
        "ünïcode",
        "\x00",
        "\ud800",
        f" {SIGNATURE}",
        f"{SIGNATURE}\n",
        f"{SIGNATURE}=",
        f"{SIGNATURE[:-2]}",
        f"{SIGNATURE},{SIGNATURE}",
        f"sha256={SIGNATURE}",
        SIGNATURE.replace("+", "-").replace("/", "_"),
        SIGNATURE.lower(),
        base64.b64encode(base64.b64decode(SIGNATURE)[:-1]).decode(),
        base64.b64encode(base64.b64decode(SIGNATURE) + b"\x00").decode(),
        base64.b64encode(b"\x00" * 256).decode(),
        base64.b64encode(b"\xff" * 256).decode(),
        base64.b64decode(SIGNATURE).hex(),
        base64.b64encode(hashlib.sha256(RAW).digest()).decode(),
        base64.b64encode(hmac.digest(VECTORS["public_keys"]["sandbox"]["pem"].encode(), RAW, "sha256")).decode(),
        "A" * 1_000_000,
    ],
    ids=lambda signature: repr(signature[:20]),
)
def test_what_is_no_signature_is_false_and_never_an_error(signature):
    assert verify(RAW, signature, key=SANDBOX) is False


@pytest.mark.abuse("INT-01")
def test_only_pkcs1_v15_with_sha256_counts(own):
    key = own.public_key()
    pss = padding.PSS(padding.MGF1(SHA256()), padding.PSS.MAX_LENGTH)
    right, *wrong = (
        base64.b64encode(own.sign(RAW, kind, digest)).decode()
        for kind, digest in ((padding.PKCS1v15(), SHA256()), (padding.PKCS1v15(), SHA1()), (pss, SHA256()))
    )

    assert verify(RAW, right, key=key)
    assert [verify(RAW, one, key=key) for one in wrong] == [False, False]
    assert not verify(RAW, right, key=SANDBOX)


@pytest.mark.abuse("INT-01")
def test_a_missing_signature_is_false():
    assert verify(RAW, None, key=SANDBOX) is False


# Which key


def test_a_key_is_named_or_written_as_pem_or_as_one_line(own):
    expected = own.public_key().public_numbers()

    for text in (
        pem(own),
        f"\n {pem(own)}",
        pem(own).replace("\n", "\\n"),
        pem(own).replace("\n", "\r\n"),
        der_line(own),
    ):
        assert public_key(text).public_numbers() == expected
    assert public_key(" Sandbox\n").public_numbers() == SANDBOX.public_numbers()


@pytest.mark.abuse("INT-01")
@pytest.mark.parametrize("text", ["", " ", "staging", "prod", "AAAA", "ünï", "-----BEGIN PUBLIC KEY-----", "https://x"])
def test_what_is_no_key_is_refused(text):
    with pytest.raises(ValueError, match="public RSA key"):
        public_key(text)


@pytest.mark.abuse("INT-01")
def test_other_keys_are_refused_and_a_private_one_is_not_shown(own):
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    curve = ec.generate_private_key(ec.SECP256R1())

    for text in (pem(small), der_line(small), pem(curve), pem(own, private=True)):
        with pytest.raises(ValueError, match="public RSA key") as caught:
            public_key(text)
        assert text[40:80] not in str(caught.value)
        assert caught.value.__context__ is None


# What it tells


def test_the_official_message():
    assert parse(RAW, is_test=False) == Event(
        event_type="transfers#state-change",
        schema_version="2.0.0",
        subscription_id="90aa8e14-4ef1-4a56-861c-f3c9cde097ea",
        profile_id="16055450",
        transfer_id="49983981",
        told="incoming_payment_waiting",
        occurred_at=datetime(2021, 8, 23, 10, 12, 50, tzinfo=UTC),
        refund_amount=None,
        refund_currency="",
        description="",
    )


@pytest.mark.parametrize(
    ("version", "occurred_at"),
    [
        ("2.0.0", datetime(2020, 1, 1, 12, 34, 56, tzinfo=UTC)),
        ("4.0.0", datetime(2020, 1, 1, 12, 34, 56, 789000, tzinfo=UTC)),
    ],
)
def test_state_changes_of_both_versions_in_any_order_of_keys(version, occurred_at):
    body = sample("transfers#state-change", version)
    backwards = {key: body[key] for key in reversed(body)}
    backwards["data"] = {key: body["data"][key] for key in reversed(body["data"])}

    event = read(body)

    assert event == read(backwards)
    assert (event.event_type, event.schema_version) == ("transfers#state-change", version)
    assert (event.profile_id, event.transfer_id, event.told) == ("222", "111", "processing")
    assert event.occurred_at == occurred_at


def test_a_failed_payout_names_its_transfer_elsewhere():
    event = read(sample("transfers#payout-failure", "2.0.0"))

    assert (event.profile_id, event.transfer_id, event.told) == ("222", "111", "WRONG_ID_NUMBER")
    assert event.occurred_at == datetime(2023, 8, 10, 10, 17, 23, tzinfo=UTC)
    assert event.description == "Invalid recipient's ID document number"


@pytest.mark.parametrize("code", SAMPLES["payout_failure_codes"])
def test_every_documented_code_of_a_failure_fits(code):
    assert about(transfer_id=111, failure_reason_code=code).told == code


def test_open_cases_are_told_in_words():
    event = read(sample("transfers#active-cases", "4.0.0"))

    assert (event.transfer_id, event.told, event.occurred_at) == ("111", "", None)
    assert event.description == "deposit_amount_less_invoice"


def test_a_refund_as_other_users_of_wise_read_it():
    with FakeWise() as fake:
        made = fake.add_transfer()
        fake.refund(made, "2961.35")
        delivery = fake.outbox[-1]

        assert verify(delivery.body, delivery.headers["X-Signature-SHA256"], key=public_key(fake.public_key_pem))
        event = parse(delivery.body, is_test=False)

    assert event.event_type == "transfers#refund"
    assert (event.transfer_id, event.profile_id, event.told) == (str(made), str(fake.profile_id), "")
    assert (event.refund_amount, event.refund_currency) == (Decimal("2961.35"), "USD")


@pytest.mark.parametrize(("version", "state"), [("2.0.0", "processing"), ("4.0.0", "held_by_customs_2031")])
def test_what_the_fake_signs_is_believed_and_read(version, state):
    with FakeWise() as fake:
        made = fake.add_transfer()
        fake.webhook_version = version
        fake.move(made, state)
        delivery = fake.outbox[-1]

        assert verify(delivery.body, delivery.headers["X-Signature-SHA256"], key=public_key(fake.public_key_line))
        assert parse(delivery.body, is_test=False).told == state


@pytest.mark.parametrize("is_test", [True, False])
def test_a_test_names_no_transfer_whatever_it_says(is_test):
    assert parse(RAW, is_test=is_test).transfer_id == ("" if is_test else "49983981")
    assert read({"data": {"resource": {"id": 0, "profile_id": 0}}}, is_test=is_test).transfer_id == ""


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"7", b'"x"', b"{", b"\xff", b'{"a": NaN}', b"[" * 100_000])
def test_what_is_no_json_object_is_refused(body):
    with pytest.raises(ValueError, match=r"."):
        parse(body, is_test=False)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"data": None},
        {"data": []},
        {"data": "x"},
        {"data": {"resource": []}},
        {"data": {"resource": {"id": None, "profile_id": {}}}},
        {"event_type": None, "schema_version": 2, "subscription_id": ["x"], "data": {"current_state": 7}},
        {"data": {"occurred_at": 1577882096, "failure_description": {"a": 1}}},
        {"data": {"occurred_at": "yesterday"}},
        {"data": {"occurred_at": "0001-01-01T00:00:00+14:00"}},
        {"data": {"active_cases": "x"}},
        {"data": {"active_cases": [None, 7, {}]}},
        {"somethingNew": {"deep": [1, 2, 3]}},
    ],
    ids=str,
)
def test_what_is_missing_or_of_another_type_is_left_empty(body):
    assert read(body) == NOTHING


def test_an_unknown_type_is_read_as_far_as_it_goes():
    event = read({"event_type": "moon#phase", "schema_version": "9.9", "data": {"resource": {"type": "moon", "id": 5}}})

    assert event == Event(**{**NOTHING.__dict__, "event_type": "moon#phase", "schema_version": "9.9"})


@pytest.mark.parametrize(
    ("told", "read_as"),
    [
        (111, "111"),
        ("111", "111"),
        ("00111", "111"),
        (0, ""),
        ("0", ""),
        (-1, ""),
        (1.5, ""),
        (True, ""),
        ("1 OR 1=1", ""),
        ("١١١", ""),
        ("9" * 20, "9" * 20),
        ("9" * 21, ""),
        (10**30, ""),
        ("1\n", ""),
    ],
)
def test_an_id_is_its_digits_and_never_a_part_of_them(told, read_as):
    assert about(resource={"id": told, "profile_id": told}).transfer_id == read_as
    assert about(resource={"id": told, "profile_id": told}).profile_id == read_as
    assert about(transfer_id=told).transfer_id == read_as


@pytest.mark.parametrize("amount", [-1, "NaN", True, None, [1], "1e5", 10**13, "", "٣"])
def test_an_amount_that_makes_no_sense_is_none(amount):
    assert about(resource={"id": 1, "refund_amount": amount}).refund_amount is None


@pytest.mark.parametrize("currency", ["usd", "US", "USDT", 840, None, "U\x00D", "USD\n"])
def test_a_currency_that_is_none_is_empty(currency):
    assert about(resource={"id": 1, "refund_currency": currency}).refund_currency == ""


def test_texts_are_cut_to_what_can_be_kept_and_lose_what_no_text_has():
    long = "a\x00b\x1bc" * 200
    event = read(
        {
            "event_type": long,
            "schema_version": long,
            "subscription_id": long,
            "data": {"current_state": long, "failure_description": f"<b>{long}</b>"},
        }
    )

    clean = "abc" * 200
    assert (event.event_type, event.schema_version) == (clean[:64], clean[:16])
    assert (event.subscription_id, event.told) == (clean[:64], clean[:64])
    assert len(event.description) <= 300
    assert set(event.description) == {"a", "b", "c"}
