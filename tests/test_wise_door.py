"""The door at which Wise reports: only what Wise signed gets in, it has one effect, and Wise's own answer decides."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.test import Client

from purchasing import tasks, wise_webhooks
from purchasing.models import Payment, WiseEvent
from purchasing.services import payments, tracking, wise_inbox
from tests.factories import TODAY, make_supplier
from tests.fake_wise import Status

DOOR = "/webhooks/wise"
NOON = "2026-06-15T05:00Z"
NOW = datetime(2026, 6, 15, 5, tzinfo=UTC)
pytestmark = pytest.mark.django_db
VECTORS = json.loads((Path(__file__).parent / "vectors" / "wise_webhook_signatures.json").read_text())["vectors"]


@pytest.fixture(autouse=True)
def _noon(time_machine):
    time_machine.move_to(NOON, tick=False)


@pytest.fixture
def door():
    return Client(raise_request_exception=True)


def knock(door, body, headers):
    return door.post(DOOR, body, content_type="application/json", headers=headers)


def deliver(door, fake, *, shuffled=False):
    """Send what is in the outbox, as Wise would; returns the statuses."""
    waiting, fake.outbox = fake.outbox, []
    return [knock(door, each.body, each.headers).status_code for each in (waiting[::-1] if shuffled else waiting)]


@pytest.fixture
def transfer(fake_wise):
    return fake_wise.add_transfer()


@pytest.fixture
def linked(admin, transfer):
    fields = {"amount_usd": Decimal(3000), "wise_transfer_id": str(transfer)}
    return payments.create(supplier_id=make_supplier().pk, **fields, today=TODAY, now=NOW, actor=admin)


def now_is(row):
    row.refresh_from_db()
    return row


def kept():
    return list(WiseEvent.objects.order_by("id").values_list("told", "outcome"))


def look_into_all():
    for event_id in wise_inbox.waiting():
        wise_inbox.look_into(event_id, now=NOW)


# Who gets in


@pytest.mark.abuse("INT-01")
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_official_signatures_open_the_door_with_the_right_key_only(db, door, settings, vector):
    settings.WISE_WEBHOOK_KEY = wise_webhooks.public_key(vector["environment"])

    answer = knock(door, vector["raw_body"].encode(), vector["headers"])

    assert answer.status_code == (200 if vector["expect_valid"] else 401)
    assert WiseEvent.objects.count() == int(vector["expect_valid"])


FORGERIES = {
    "no signature": lambda body, signed: (body, {}),
    "empty": lambda body, signed: (body, {"X-Signature-SHA256": ""}),
    "no base64": lambda body, signed: (body, {"X-Signature-SHA256": "%%%"}),
    "short": lambda body, signed: (body, {"X-Signature-SHA256": "AAAA"}),
    "of another body": lambda body, signed: (body.replace(b"processing", b"cancelled_"), signed),
    "one byte changed": lambda body, signed: (body[:-1] + b" ", signed),
    "blank added": lambda body, signed: (body + b" ", signed),
    "written anew": lambda body, signed: (json.dumps(json.loads(body), indent=1).encode(), signed),
    "no body": lambda body, signed: (b"", signed),
}


@pytest.mark.abuse("INT-01")
@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_what_wise_did_not_sign_is_refused_and_leaves_one_line_in_the_security_log(
    transfer, fake_wise, door, told, forge
):
    fake_wise.move(transfer, "processing", notify=False)
    body = fake_wise.event(transfer, "processing", None, occurred_at=NOW)

    answer = knock(door, *forge(body, fake_wise.signed(body)))

    assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")
    assert not WiseEvent.objects.exists()
    assert fake_wise.requests == []
    assert [line["event"] for line in told()] == ["webhook_refused"]


@pytest.mark.abuse("INT-01")
def test_a_signature_by_another_key_is_refused(linked, transfer, fake_wise, door, settings):
    settings.WISE_WEBHOOK_KEY = wise_webhooks.public_key("production")
    fake_wise.move(transfer, "processing")

    assert deliver(door, fake_wise) == [401]
    assert not WiseEvent.objects.exists()


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "options"])
def test_the_door_takes_post_only(db, door, method):
    assert getattr(door, method)(DOOR).status_code == 405


def test_the_door_needs_no_session_no_csrf_token_and_no_slash(db, fake_wise):
    strict = Client(enforce_csrf_checks=True)
    body = fake_wise.event(7, "processing", None, occurred_at=NOW)

    answer = strict.post(f"{DOOR}/", body, content_type="application/json", headers=fake_wise.signed(body))

    assert (answer.status_code, answer.json()) == (200, {"status": "kept"})


def test_a_message_of_megabytes_is_not_even_read(db, door):
    answer = knock(door, b"x" * 70_000, {"X-Signature-SHA256": "AAAA"})

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.abuse("RATE-12")
def test_200_messages_in_a_minute_all_get_in(db, fake_wise, door, settings):
    settings.RATE_LIMIT_GLOBAL = "5/m"
    bodies = [fake_wise.event(number, "processing", None, occurred_at=NOW) for number in range(1, 201)]

    assert {knock(door, body, fake_wise.signed(body)).status_code for body in bodies} == {200}
    assert WiseEvent.objects.count() == 200


def test_forgers_run_into_a_limit_and_wise_does_not(db, fake_wise, door):
    statuses = [knock(door, b"{}", {"X-Signature-SHA256": "AAAA"}).status_code for _ in range(25)]
    body = fake_wise.event(7, "processing", None, occurred_at=NOW)

    assert statuses == [401] * 20 + [429] * 5
    assert knock(door, body, fake_wise.signed(body)).status_code == 200


# One effect


@pytest.mark.abuse("INT-02")
def test_the_same_message_again_has_no_effect(linked, transfer, fake_wise, door):
    fake_wise.move(transfer, "processing")
    (message,) = fake_wise.outbox

    answers = [knock(door, message.body, {**message.headers, "X-Delivery-Id": f"{n}"}).json() for n in range(5)]

    assert answers == [{"status": "kept"}, *[{"status": "known"}] * 4]
    assert WiseEvent.objects.count() == 1
    look_into_all()
    before = len(fake_wise.requests)
    assert knock(door, message.body, message.headers).json() == {"status": "known"}
    look_into_all()
    assert (len(fake_wise.requests), kept()) == (before, [("processing", "APPLIED")])


@pytest.mark.abuse("INT-02")
def test_the_same_news_in_other_bytes_has_no_effect(linked, transfer, fake_wise, door):
    """Wise sends one message for each subscription, and says again when it sent it."""
    fake_wise.move(transfer, "processing")
    deliver(door, fake_wise)
    fake_wise.subscription_id = "01234567-89ab-cdef-0123-456789abcdef"
    again = fake_wise.event(transfer, "processing", "incoming_payment_waiting", occurred_at=fake_wise.clock.now())

    assert knock(door, again, fake_wise.signed(again)).json() == {"status": "known"}
    assert WiseEvent.objects.count() == 1


def test_messages_in_any_order_leave_the_newest_state(linked, transfer, fake_wise, door):
    for state in ("processing", "funds_converted", "outgoing_payment_sent"):
        fake_wise.clock.advance(timedelta(minutes=1))
        fake_wise.move(transfer, state)

    assert deliver(door, fake_wise, shuffled=True) == [200] * 3
    look_into_all()

    assert kept() == [
        ("outgoing_payment_sent", "APPLIED"), ("funds_converted", "OUTDATED"), ("processing", "OUTDATED"),
    ]  # fmt: skip
    assert (now_is(linked).status, linked.wise_status) == ("DELIVERED", "outgoing_payment_sent")
    assert linked.wise_event_at == fake_wise.clock.now()
    assert len([call for call in fake_wise.requests if call.path == f"/v1/transfers/{transfer}"]) == 1


@pytest.mark.abuse("INT-02")
def test_a_message_of_yesterday_changes_nothing(linked, transfer, fake_wise, door):
    fake_wise.move(transfer, "processing")
    old = fake_wise.event(transfer, "cancelled", None, occurred_at=NOW - timedelta(days=1))
    deliver(door, fake_wise)
    look_into_all()

    knock(door, old, fake_wise.signed(old))
    look_into_all()

    assert kept()[-1] == ("cancelled", "OUTDATED")
    assert now_is(linked).status == "PROCESSING"


@pytest.mark.parametrize("version", ["2.0.0", "4.0.0"])
def test_both_versions_of_a_message_are_read(linked, transfer, fake_wise, door, version):
    fake_wise.move(transfer, "processing", notify=False)
    body = fake_wise.event(transfer, "processing", None, occurred_at=NOW, version=version)

    knock(door, body, fake_wise.signed(body))
    look_into_all()

    assert (kept(), now_is(linked).status) == ([("processing", "APPLIED")], "PROCESSING")


# Wise's own answer decides


@pytest.mark.abuse("INT-04")
def test_a_message_alone_never_changes_a_status(linked, transfer, fake_wise, door):
    body = fake_wise.event(transfer, "outgoing_payment_sent", None, occurred_at=NOW)

    knock(door, body, fake_wise.signed(body))
    look_into_all()

    assert (now_is(linked).status, linked.wise_status) == ("PENDING", "incoming_payment_waiting")


def _event(**changes):
    def made(fake, transfer):
        body = json.loads(fake.event(transfer, "processing", None, occurred_at=NOW))
        for path, value in changes.items():
            *way, last = path.split("__")
            target = body
            for step in way:
                target = target[step]
            target[last] = value
        return json.dumps(body).encode()

    return made


FOREIGN = {
    "another profile": _event(data__resource__profile_id=999),
    "an unknown transfer": _event(data__resource__id=424242),
    "an unknown kind": _event(event_type="cards#opened"),
    "no transfer": _event(data={}),
    "another resource": _event(data__resource__type="balance"),
    "an odd id": _event(data__resource__id="x" * 99),
    "a list": lambda fake, transfer: b"[1, 2]",
    "no json": lambda fake, transfer: b"hello",
    "no utf-8": lambda fake, transfer: b"\xff\xfe",
    "a NUL": lambda fake, transfer: b'{"event_type": "a\\u0000b"}',
    "a number of 5,000 digits": lambda fake, transfer: b'{"a": ' + b"9" * 5_000 + b"}",
    "deep": lambda fake, transfer: b"[" * 5_000 + b"]" * 5_000,
}


@pytest.mark.abuse("INT-04")
@pytest.mark.parametrize("make", FOREIGN.values(), ids=FOREIGN)
def test_what_concerns_no_payment_is_kept_as_ignored_and_asks_nothing(linked, transfer, fake_wise, door, make):
    fake_wise.move(transfer, "processing", notify=False)
    body = make(fake_wise, transfer)

    answer = knock(door, body, fake_wise.signed(body))
    look_into_all()

    assert answer.status_code == 200
    (event,) = WiseEvent.objects.all()
    assert (event.outcome, bool(event.reason)) == ("IGNORED", True)
    assert (now_is(linked).status, fake_wise.requests) == ("PENDING", [])


@pytest.mark.abuse("INT-04")
def test_a_test_notification_is_kept_as_such_and_does_nothing(linked, fake_wise, door):
    fake_wise.send_test()

    assert deliver(door, fake_wise) == [200]
    assert kept() == [("processing", "TEST")]
    look_into_all()
    assert fake_wise.requests == []


@pytest.mark.abuse("INT-02")
def test_calling_a_message_a_test_does_not_silence_it(linked, transfer, fake_wise, door):
    fake_wise.move(transfer, "processing", notify=False)
    body = fake_wise.event(transfer, "processing", None, occurred_at=NOW)

    knock(door, body, fake_wise.signed(body, test=True))
    look_into_all()

    assert (kept(), now_is(linked).status) == ([("processing", "APPLIED")], "PROCESSING")


def test_a_failed_payout_calls_for_attention_although_the_state_stays(linked, transfer, fake_wise, door):
    fake_wise.move(transfer, "outgoing_payment_sent")
    deliver(door, fake_wise)
    look_into_all()
    fake_wise.fail_payout(transfer, "WRONG_ACCOUNT_NUMBER")

    deliver(door, fake_wise)
    look_into_all()

    assert now_is(linked).status == "DELIVERED"
    assert linked.attention == "Wise could not pay out: Payout failed."
    assert kept()[-1] == ("WRONG_ACCOUNT_NUMBER", "APPLIED")


def test_a_refund_is_stored_with_its_amount(linked, transfer, fake_wise, door):
    fake_wise.move(transfer, "funds_refunded")
    fake_wise.refund(transfer, "2961.40")

    deliver(door, fake_wise)
    look_into_all()

    assert (now_is(linked).status, linked.amount_refunded, linked.currency_refunded) == (
        "FAILED", Decimal("2961.40"), "USD",
    )  # fmt: skip


# Nothing is lost


@pytest.mark.abuse("INT-05")
def test_wise_gets_its_answer_before_wise_is_asked_anything(linked, transfer, fake_wise, door):
    fake_wise.move(transfer, "processing")

    assert deliver(door, fake_wise) == [200]
    assert fake_wise.requests == []
    assert kept() == [("processing", "PENDING")]


@pytest.mark.abuse("INT-05")
def test_a_message_waits_while_wise_is_down_and_is_looked_into_later(linked, transfer, fake_wise, door):
    fake_wise.move(transfer, "processing")
    deliver(door, fake_wise)
    fake_wise.fault("GET", "/v1/transfers/{id}", *[Status(503)] * 3)

    tasks.finish_wise()
    assert (kept(), now_is(linked).status) == ([("processing", "PENDING")], "PENDING")
    tasks.finish_wise()

    assert (kept(), now_is(linked).status) == ([("processing", "APPLIED")], "PROCESSING")


def test_a_sweep_does_not_ask_a_wise_that_is_down_once_for_each_message(linked, transfer, fake_wise, door):
    for minute in range(9):
        fake_wise.clock.advance(timedelta(minutes=1))
        fake_wise.move(transfer, f"state_{minute}")
    deliver(door, fake_wise)
    fake_wise.fault("GET", "/v1/transfers/{id}", *[Status(503)] * 99)

    tasks.finish_wise()

    assert len(fake_wise.requests) == 3 * tracking.GIVE_UP_AFTER
    assert {outcome for _, outcome in kept()} == {"PENDING"}


@pytest.mark.abuse("INT-05")
def test_a_queue_that_is_down_loses_no_message(
    linked, fake_wise, door, monkeypatch, django_capture_on_commit_callbacks
):
    def down(*args, **options):
        assert options["retry"] is False
        raise OSError("no queue")

    monkeypatch.setattr(tasks.look_into_event, "apply_async", down)
    fake_wise.move(int(linked.wise_transfer_id), "processing")

    with django_capture_on_commit_callbacks(execute=True):
        assert deliver(door, fake_wise) == [200]
    tasks.finish_wise()

    assert now_is(linked).status == "PROCESSING"


def test_the_job_of_a_message_reads_the_transfer(linked, transfer, fake_wise, door, django_capture_on_commit_callbacks):
    fake_wise.move(transfer, "processing")

    with django_capture_on_commit_callbacks(execute=True):
        deliver(door, fake_wise)

    assert (now_is(linked).status, kept()) == ("PROCESSING", [("processing", "APPLIED")])


def test_a_message_that_overtakes_the_answer_to_making_the_transfer_waits_for_it(linked, transfer, fake_wise, door):
    Payment.objects.update(wise_transfer_id="", wise_task="CREATE")
    fake_wise.move(transfer, "processing")
    deliver(door, fake_wise)

    look_into_all()
    assert kept() == [("processing", "PENDING")]
    Payment.objects.update(wise_transfer_id=str(transfer), wise_task="")
    look_into_all()

    assert (now_is(linked).status, kept()) == ("PROCESSING", [("processing", "APPLIED")])


def test_a_transfer_that_this_key_may_not_read_ends_the_message_and_tells_the_payment(
    linked, transfer, fake_wise, door
):
    fake_wise.move(transfer, "processing")
    deliver(door, fake_wise)
    fake_wise.fault("GET", "/v1/transfers/{id}", Status(401))

    look_into_all()

    assert kept() == [("processing", "APPLIED")]
    assert (now_is(linked).status, bool(linked.sync_error)) == ("PENDING", True)


def test_without_a_key_the_message_is_shown_to_people_and_changes_no_status(
    linked, transfer, fake_wise, door, settings
):
    settings.WISE_API_KEY = ""
    fake_wise.move(transfer, "processing")
    deliver(door, fake_wise)

    look_into_all()

    assert now_is(linked).status == "PENDING"
    assert '"processing"' in linked.attention
    assert "WISE_API_KEY" in linked.attention
