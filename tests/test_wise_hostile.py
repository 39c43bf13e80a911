"""What a server that lies, stalls or listens in may do to the client of Wise, and where the key never shows."""

import copy
import gzip
import json
import logging
import random
import re
import socket
import ssl
import threading
import time
import traceback
import tracemalloc
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from purchasing import wise
from purchasing.wise import Wise
from purchasing.wise.transport import MAX_BODY
from tests.fake_wise import Body, Drop, FakeWise, Hang, Redirect, Status
from tests.test_wise import (
    BASICS,
    CALLS,
    KEY,
    PROFILE,
    QUOTE,
    SAMPLES,
    TRANSFER,
    answers,
    client,
    fake,
    make,
    sample,
    slept,
    waited,
)

__all__ = ["client", "fake", "slept"]

GOOD = {**sample("GET /v1/transfers/{transferId}"), "id": 1}
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def refused(client, fake):
    """The client took the answer for nonsense, after asking once, and shows none of it."""
    before = len(fake.requests)
    error = waited(lambda: client.transfer("1"))
    assert type(error) is wise.Unreachable
    assert error.message.startswith("Wise answered something that makes no sense (")
    assert len(fake.requests) == before + 1
    return error


# Answers that are no answers


@pytest.mark.abuse("INT-08")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"7",
        b'"transfer"',
        b"{}",
        b"<html><script>alert(1)</script></html>",
        b'{"id": 1',
        b'\xff\xfe{"id": 1}',
        b"[" * 100_000,
        b"[" * 1_000 + b"]" * 1_000,
        b'{"id": ' + b"9" * 10_000 + b"}",
        json.dumps(GOOD).replace('"targetValue": 150', '"targetValue": NaN').encode(),
        json.dumps(GOOD).replace('"targetValue": 150', '"targetValue": Infinity').encode(),
        json.dumps(GOOD).replace('"targetValue": 150', '"targetValue": 1e99999999999999999999').encode(),
        json.dumps(GOOD).replace('"targetValue": 150', '"targetValue": 1e-99999999999999999999').encode(),
        json.dumps(GOOD).replace("Testing", "\ud800").encode("utf-8", "surrogatepass"),
        json.dumps(GOOD).replace("Testing", "\\ud800").encode(),
    ],
    ids=lambda body: str(body[:30]),
)
def test_what_is_no_transfer_is_refused(fake, client, body):
    answers(fake, body)

    refused(client, fake)


@pytest.mark.abuse("INT-08")
@pytest.mark.parametrize(
    "change",
    [
        {"id": 2},
        {"id": None},
        {"id": "1; DROP TABLE payments"},
        {"id": "../../v1/accounts"},
        {"id": 10**18},
        {"id": -1},
        {"id": 1.5},
        {"id": True},
        {"id": [1]},
        {"status": None},
        {"status": ""},
        {"status": "x" * 65},
        {"status": 7},
        {"status": {"name": "processing"}},
        {"targetValue": -150},
        {"targetValue": "-150"},
        {"targetValue": "NaN"},
        {"targetValue": 10**13},
        {"targetValue": "1e6"},
        {"targetValue": "1_000"},
        {"targetValue": "١٥٠"},
        {"targetValue": True},
        {"targetValue": None},
        {"targetValue": {"value": 150}},
        {"targetValue": "0." + "1" * 19},
        {"sourceValue": -0.01},
        {"targetCurrency": "usd"},
        {"targetCurrency": "USDT"},
        {"targetCurrency": "USD\n"},
        {"targetCurrency": None},
        {"targetAccount": None},
        {"quoteUuid": "../x"},
        {"quoteUuid": "x" * 65},
        {"customerTransactionId": 5},
        {"created": "yesterday"},
        {"created": 1511520469},
        {"created": "0001-01-01T00:00:00Z"},
        {"created": "9999-12-31T23:59:59-12:00"},
        {"hasActiveIssues": "no"},
        {"reference": ["x"], "details": None},
    ],
    ids=str,
)
def test_a_transfer_with_a_field_that_makes_no_sense_is_refused(fake, client, change):
    answers(fake, {**GOOD, **change})

    refused(client, fake)


@pytest.mark.parametrize("missing", ["id", "status", "targetAccount", "sourceCurrency", "sourceValue", "targetValue"])
def test_a_transfer_without_what_it_needs_is_refused(fake, client, missing):
    answers(fake, {name: value for name, value in GOOD.items() if name != missing})

    assert missing in refused(client, fake).message


@pytest.mark.parametrize(
    ("change", "field", "read"),
    [
        ({"id": "1"}, "id", "1"),
        ({"targetValue": "150.25"}, "target_amount", Decimal("150.25")),
        ({"targetValue": 0.1}, "target_amount", Decimal("0.1")),
        ({"targetValue": 9999999999999.99}, "target_amount", Decimal("9999999999999.99")),
        ({"hasActiveIssues": None}, "has_active_issues", False),
        ({"created": None}, "created_at", None),
        ({"created": "2018-01-10T12:15:00.000+0700"}, "created_at", datetime(2018, 1, 10, 5, 15, tzinfo=UTC)),
        ({"quoteUuid": None}, "quote_id", ""),
        ({"customerTransactionId": None}, "customer_transaction_id", ""),
        ({"details": None, "reference": "old"}, "reference", "old"),
        ({"details": {"reference": None}}, "reference", ""),
        ({"details": {"reference": "a\x00b\x1b[31m"}}, "reference", "ab[31m"),
        ({"details": {"reference": "<img src=x onerror=alert(1)>PAY"}}, "reference", "PAY"),
        ({"details": {"reference": "r" * 10_000}}, "reference", "r" * 200),
        ({"somethingNew": {"deep": [1, 2]}}, "state", "incoming_payment_waiting"),
    ],
    ids=str,
)
def test_what_may_differ_is_read(fake, client, change, field, read):
    answers(fake, {**GOOD, **change})

    assert getattr(client.transfer("1"), field) == read


ODD = [
    None,
    True,
    0,
    -1,
    1.5,
    10**30,
    "",
    "x",
    "\x00",
    "NaN",
    "٣",
    [],
    [None],
    {},
    {"a": {}},
    "x" * 5000,
    "\ud83d\ude00",
]


def leaves(value, path=()):
    """Yield the way to everything inside."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in items:
        yield from leaves(below, (*path, key))


def spoiled(value, path, odd):
    made = copy.deepcopy(value)
    holder = made
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = odd
    return made


@pytest.mark.abuse("INT-08")
@pytest.mark.parametrize("endpoint", CALLS)
def test_an_answer_with_any_field_spoiled_is_read_or_refused_and_nothing_else(fake, client, endpoint):
    ways = [(path, odd) for path in leaves(sample(endpoint)) for odd in ODD]
    some = random.Random(endpoint).sample(ways, min(150, len(ways)))
    for path, odd in some:
        answers(fake, spoiled(sample(endpoint), path, odd))
        try:
            CALLS[endpoint](client)
        except wise.Unreachable as error:
            assert "makes no sense" in error.message  # noqa: PT017 - either is right
    assert not fake.faults


@pytest.mark.abuse("INT-08")
def test_a_transfer_that_is_not_the_one_asked_for_is_refused(fake, client):
    other = {**GOOD, "customerTransactionId": str(uuid.uuid4())}
    quote = sample("GET /v3/profiles/{profileId}/quotes/{quoteId}")
    for answer in (other, quote, {**GOOD, "id": 2}, sample("POST /v1/accounts")):
        answers(fake, answer)

    for call in (
        lambda: make(client, "1", QUOTE),
        lambda: client.quote(1, str(uuid.uuid4())),
        lambda: client.cancel("1"),
        lambda: client.recipient("1"),
    ):
        assert "another one than was asked for" in waited(call).message


# Lists without end


@pytest.mark.abuse("INT-08")
def test_a_list_that_repeats_itself_ends(fake, client):
    page = [{**GOOD, "id": number} for number in range(1, 101)]
    answers(fake, page)
    answers(fake, page)

    with pytest.raises(wise.Unreachable, match="repeats"):
        list(client.transfers(PROFILE))

    assert len(fake.requests) == 2


@pytest.mark.abuse("INT-08")
def test_a_list_without_end_ends_after_ten_thousand(fake, client):
    for page in range(110):
        answers(fake, [{**GOOD, "id": page * 100 + number + 1} for number in range(100)])

    with pytest.raises(wise.Unreachable, match="more than 10,000"):
        list(client.transfers(PROFILE))

    assert len(fake.requests) == 100


@pytest.mark.abuse("INT-08")
def test_a_page_of_more_than_can_be_is_refused(fake, client):
    answers(fake, [{**GOOD, "id": number} for number in range(1, 502)])

    with pytest.raises(wise.Unreachable):
        list(client.transfers(PROFILE))


# Too much, too slow


@pytest.mark.abuse("INT-08")
def test_a_body_that_says_it_has_500_mb_is_not_read(fake, client):
    answers(fake, b"{", headers={"Content-Length": str(500 * 1024 * 1024)})

    assert "too large" in refused(client, fake).message


@pytest.mark.abuse("INT-08")
def test_of_a_fault_at_wise_only_the_status_is_read(fake, client):
    answers(fake, b"{", status=503, headers={"Content-Length": str(500 * 1024 * 1024)})
    answers(fake, GOOD)

    assert client.transfer("1").id == "1"
    assert len(fake.requests) == 2


@pytest.mark.abuse("INT-08")
@pytest.mark.parametrize("length", ["9" * 5000, "-1", "abc", "1e9"])
def test_a_length_that_is_none_is_no_crash(fake, client, length):
    for _ in range(3):
        answers(fake, b"{}", headers={"Content-Length": length})

    assert isinstance(waited(lambda: client.transfer("1")), wise.Unreachable)


@pytest.mark.abuse("INT-08")
def test_a_body_just_over_the_limit_is_refused_and_one_just_below_is_read(fake, client):
    start = json.dumps(GOOD).encode()
    answers(fake, start + b" " * (MAX_BODY - len(start)))
    assert client.transfer("1").id == "1"

    answers(fake, start + b" " * (MAX_BODY - len(start) + 1))
    assert "too large" in refused(client, fake).message


@pytest.mark.abuse("INT-08")
def test_a_body_that_grows_when_it_is_unpacked_is_refused_in_little_memory(fake, client):
    bomb = gzip.compress(b"[" + b" " * 200_000_000)
    assert len(bomb) < 300_000
    answers(fake, bomb, headers={"Content-Encoding": "gzip"})
    tracemalloc.start()
    try:
        assert "too large" in refused(client, fake).message
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_a_packed_answer_is_read_and_one_that_is_packed_otherwise_is_refused(fake, client):
    answers(fake, gzip.compress(json.dumps(GOOD).encode()), headers={"Content-Encoding": "gzip"})
    assert client.transfer("1").id == "1"

    for encoding, body in (("br", b"x"), ("gzip", b"no gzip"), ("deflate", b"x"), ("gzip, gzip", b"x")):
        answers(fake, body, headers={"Content-Encoding": encoding})
        assert "packed" in refused(client, fake).message


class Raw:
    """A server that says what it is told to, byte by byte or at once."""

    def __init__(self, script, *, tls=None):
        self.script = script
        self.heard = b""
        self.done = threading.Event()
        self.tls = tls
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.done.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()

    def serve(self):
        while not self.done.is_set():
            try:
                connection, _ = self.listener.accept()
                with self.tls.wrap_socket(connection, server_side=True) if self.tls else connection as talk:
                    self.heard += talk.recv(65536)
                    self.script(talk, self.done)
            except OSError:
                continue


def dripping(start):
    def say(talk, done):
        talk.sendall(start)
        while not done.wait(0.05):
            talk.sendall(b"a")

    return say


@pytest.mark.abuse("INT-08")
@pytest.mark.parametrize(
    "start",
    [b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"],
    ids=["headers", "body"],
)
def test_an_answer_that_drips_ends_with_the_attempt(start):
    with (
        Raw(dripping(start)) as server,
        Wise(key=KEY, base=f"http://127.0.0.1:{server.port}", timeout=0.3, attempts=1) as client,
    ):
        began = time.monotonic()
        error = waited(client.profiles)

    assert time.monotonic() - began < 2
    assert error.message == "Wise did not answer in time (ReadTimeout)."


@pytest.mark.abuse("INT-08")
def test_a_body_without_length_and_end_is_left_after_two_megabytes():
    sent = []

    def pour(talk, done):
        talk.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not done.is_set():
            talk.sendall(b" " * 65536)
            sent.append(65536)

    with (
        Raw(pour) as server,
        Wise(key=KEY, base=f"http://127.0.0.1:{server.port}", timeout=5) as client,
    ):
        error = waited(client.profiles)

    assert "too large" in error.message
    assert sum(sent) < 5 * MAX_BODY


@pytest.mark.abuse("INT-08")
def test_headers_without_end_and_words_that_are_no_http_are_unreachable(slept):
    for words in (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 1_000_000, b"SSH-2.0-OpenSSH_9.6\r\n", b"\x00" * 100):
        with (
            Raw(lambda talk, done, words=words: talk.sendall(words)) as server,
            Wise(key=KEY, base=f"http://127.0.0.1:{server.port}", timeout=0.5, sleep=slept.append) as client,
        ):
            assert type(waited(client.profiles)) is wise.Unreachable


# Elsewhere


@pytest.mark.abuse("INT-07", "INT-08")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_an_address_inside_is_not_followed(fake, client, status):
    with FakeWise(key=KEY) as inside:
        inside.add_transfer()
        fake.fault("*", "/**", Redirect(f"{inside.base}/v1/transfers/1", status))

        error = waited(lambda: client.transfer("1"))

        assert inside.requests == []
    assert (type(error), error.status) == (wise.Unreachable, status)
    assert len(fake.requests) == 1


@pytest.mark.abuse("INT-07")
@pytest.mark.parametrize(
    "base",
    [
        "",
        "api.wise.com",
        "http://api.wise.com",
        "http://169.254.169.254",
        "http://10.0.0.5:6379/",
        "http://[::ffff:7f00:1]/",
        "http://127.0.0.1.example.com",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/",
        "https://",
        "https://user:secret@api.wise.com",
        "https://api.wise.com?x=1",
        "https://api.wise.com#x",
    ],
)
def test_the_key_goes_to_https_or_this_machine_and_nowhere_else(base):
    with pytest.raises(ValueError, match="address of Wise"):
        Wise(key=KEY, base=base)


@pytest.mark.parametrize("prefix", ["/../x", "a b", "/v1?x=", "//evil.example"])
def test_a_prefix_is_a_plain_path(prefix):
    with pytest.raises(ValueError, match="prefix"):
        Wise(key=KEY, base="https://api.wise.com", prefix=prefix)


@pytest.mark.abuse("INT-07")
@pytest.mark.parametrize("odd", ["", "abc", "1/../../2", "1?profile=2", "-1", "1.0", "9" * 19, "١٢٣", "1\n", "%2e%2e"])
def test_an_id_that_is_none_never_becomes_a_path(fake, client, odd):
    for call in (
        lambda: client.transfer(odd),
        lambda: client.cancel(odd),
        lambda: client.recipient(odd),
        lambda: client.fund(PROFILE, odd),
        lambda: client.delivery_estimate(odd, time_zone="UTC"),
        lambda: client.set_recipient(PROFILE, QUOTE, odd),
        lambda: make(client, odd, QUOTE),
    ):
        assert type(waited(call)) is wise.UnknownToWise

    assert fake.requests == []


@pytest.mark.parametrize("odd", ["", "a/b", "../..", "x" * 65, "a?b", "ä", "a\n"])
def test_a_quote_id_that_is_none_never_becomes_a_path(fake, client, odd):
    for call in (
        lambda: client.quote(PROFILE, odd),
        lambda: client.set_recipient(PROFILE, odd, "1"),
        lambda: client.recipient_requirements(odd),
        lambda: make(client, "1", odd),
    ):
        assert type(waited(call)) is wise.UnknownToWise

    assert fake.requests == []


def self_signed():
    """A server's TLS for 127.0.0.1 with a certificate that nobody signed."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "api.wise.com")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(LONG_AGO)
        .not_valid_after(LONG_AGO + timedelta(days=36500))
        .sign(key, SHA256())
    )
    return certificate.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.abuse("INT-08")
def test_a_server_that_cannot_prove_who_it_is_never_hears_the_key(tmp_path, slept):
    (tmp_path / "both.pem").write_bytes(self_signed())
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "both.pem")
    with (
        Raw(lambda talk, done: talk.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"), tls=tls) as server,
        Wise(key=KEY, base=f"https://127.0.0.1:{server.port}", timeout=1, sleep=slept.append) as client,
    ):
        error = waited(client.profiles)

    assert error.message == "Wise cannot be reached (ConnectError)."
    assert server.heard == b""


def test_the_environment_sends_nobody_elsewhere(fake, monkeypatch):
    with FakeWise(key=KEY) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.base)
        monkeypatch.setenv("ALL_PROXY", proxy.base)
        with Wise(key=KEY, base=fake.base, timeout=0.3) as client:
            client.profiles()

        assert proxy.requests == []
    assert len(fake.requests) == 1


# The key


ECHO = {"error": "invalid_token", "error_description": f"Invalid access token: {KEY}", "message": f"Bearer {KEY}"}
APPROVAL = {"x-2fa-approval-result": "REJECTED", "x-2fa-approval": "one-time-token"}
LEAKS = {
    "refused": Body(401, json.dumps(ECHO).encode(), {"x-trace-id": KEY, "x-2fa-approval": "one-time-token"}),
    "echoed": Body(422, json.dumps({"errors": [{"code": KEY, "message": f"Bad {KEY}"}]}).encode(), {"x-trace-id": KEY}),
    "forbidden": Body(
        403, json.dumps(ECHO).encode(), {"x-2fa-approval-result": "REJECTED", "x-2fa-approval": "one-time-token"}
    ),
    "missing": Body(404, json.dumps({"message": KEY}).encode()),
    "fault": Body(500, json.dumps(ECHO).encode(), {"x-trace-id": KEY, "Set-Cookie": f"k={KEY}"}),
    "limited": Status(429, retry_after=60),
    "nonsense": Body(200, json.dumps({"id": KEY}).encode()),
    "garbage": Body(200, f"<html>{KEY}</html>".encode(), {"x-key": KEY}),
    "moved": Redirect(f"http://127.0.0.1:1/{KEY}"),
    "dropped": Drop,
    "hanging": Hang,
}


def shown(error):
    """Everything that a traceback with local variables would show, and everything the error holds on to."""
    texts = []
    while error is not None:
        shot = traceback.TracebackException(type(error), error, error.__traceback__, capture_locals=True)
        texts += [*shot.format(), repr(error), str(error), repr(error.__dict__), repr(error.args)]
        request = getattr(error, "request", None)
        texts += [str(request.headers.raw)] if request is not None else []
        error = error.__cause__ or error.__context__
    return "".join(texts)


@pytest.mark.abuse("INT-12")
@pytest.mark.parametrize("leak", LEAKS)
def test_the_key_is_in_no_log_no_error_and_no_traceback(fake, client, caplog, leak):
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "httpcore.http11", "httpcore.connection", "godown.wise"):
        caplog.set_level(logging.DEBUG, logger=name)
    for _ in range(4):
        fake.fault("*", "/**", LEAKS[leak])

    errors = [waited(lambda: client.transfer("1")), waited(lambda: client.fund(PROFILE, "1"))]

    told = "".join(shown(error) for error in errors)
    assert "httpcore" in {record.name.partition(".")[0] for record in caplog.records}
    assert len(told) > 1000
    for secret in (KEY, "one-time-token"):
        assert secret not in caplog.text
        assert secret not in told


@pytest.mark.abuse("INT-12")
def test_the_key_is_in_no_repr(client):
    line = client._line

    assert KEY not in f"{client!r} {line!r} {line._http!r} {line._http.headers!r} {line._retrying!r}"


@pytest.mark.abuse("INT-12")
@pytest.mark.parametrize("key", ["", "   ", "two words", "line\nfeed-secret", "kéy-secret", "x" * 5000])
def test_a_key_that_no_header_can_carry_is_refused_without_showing_it(key):
    with pytest.raises(ValueError, match="The key of Wise is empty") as caught:
        Wise(key=key, base="https://api.wise.com")

    assert "secret" not in str(caught.value)


def test_a_key_from_a_file_may_end_with_a_line_feed(fake):
    with Wise(key=f"{KEY}\n", base=fake.base, timeout=0.3) as client:
        assert len(client.profiles()) == 2


@pytest.mark.abuse("INT-12")
def test_a_request_is_one_line_in_the_log_without_ids_and_bodies(fake, client, caplog):
    made = str(fake.add_transfer())
    quote = client.create_quote(PROFILE, **BASICS, target_amount=Decimal("3000.00"))
    caplog.set_level(logging.INFO, logger="godown.wise")
    caplog.clear()
    fake.fault("GET", TRANSFER, Status(503))

    client.transfer(made)
    client.quote(PROFILE, quote.id)

    lines = [record for record in caplog.records if record.name == "godown.wise"]
    assert [(line.levelname, line.getMessage().partition(" trace=")[0]) for line in lines] == [
        ("WARNING", "GET /v1/transfers/{transfer_id} 503"),
        ("INFO", "GET /v1/transfers/{transfer_id} 200"),
        ("INFO", "GET /v3/profiles/{profile_id}/quotes/{quote_id} 200"),
    ]
    assert all(re.search(r" trace=[\w-]+ \d+ ms$", line.getMessage()) for line in lines)


def test_a_trace_id_that_is_none_is_left_out(fake, client, caplog):
    caplog.set_level(logging.INFO, logger="godown.wise")
    answers(fake, GOOD, headers={"x-trace-id": "a b <script>"})

    client.transfer("1")

    assert "trace=- " in caplog.text
    assert "script" not in caplog.text


def test_every_sample_of_an_error_is_an_error(fake, client):
    for one in SAMPLES["errors"]:
        status = int(str(one["http"])[:3])
        answers(fake, one.get("body", {}), status=status, headers=one.get("headers"))
        if status == 200:
            assert not client.fund(PROFILE, "1").completed
        else:
            assert waited(lambda: client.fund(PROFILE, "1")).status == status
