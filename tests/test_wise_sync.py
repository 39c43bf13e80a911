"""What Wise says of transfers is read and stored: state, fee, arrival, and why nothing newer is known."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError

from accounts.models import AuditLog
from purchasing import tasks, transfer_states, wise, wise_connection
from purchasing.models import Payment
from purchasing.selectors import payments as selectors
from purchasing.services import payments, tracking
from tests.factories import TODAY, make_supplier
from tests.fake_wise import Body, Drop, Hang, Slow, Status

NOON = "2026-06-15T05:00Z"
NOW = datetime(2026, 6, 15, 5, tzinfo=UTC)
READING = ("GET", "/v1/transfers/{id}")


@pytest.fixture(autouse=True)
def _noon(time_machine):
    time_machine.move_to(NOON, tick=False)


def link(admin, transfer_id, amount="3000.00"):
    fields = {"amount_usd": Decimal(amount), "wise_transfer_id": str(transfer_id)}
    return payments.create(supplier_id=make_supplier().pk, **fields, today=TODAY, now=NOW, actor=admin)


@pytest.fixture
def transfer(fake_wise):
    return fake_wise.add_transfer()


@pytest.fixture
def linked(admin, transfer):
    return link(admin, transfer)


def now_is(payment):
    payment.refresh_from_db()
    return payment


def asked(fake, ending):
    return [call for call in fake.requests if call.path.endswith(ending)]


# The states


STATES = {
    "incoming_payment_waiting": ("PENDING", False),
    "incoming_payment_initiated": ("PENDING", False),
    "processing": ("PROCESSING", False),
    "funds_converted": ("PROCESSING", False),
    "outgoing_payment_sent": ("DELIVERED", False),
    "bounced_back": ("PROCESSING", True),
    "cancelled": ("FAILED", False),
    "funds_refunded": ("FAILED", False),
    "charged_back": ("FAILED", True),
    "unknown": ("PROCESSING", True),
    "teleported": ("PROCESSING", True),
}


@pytest.mark.parametrize(("state", "expected"), STATES.items())
def test_every_state_of_wise_has_its_meaning(linked, transfer, fake_wise, state, expected):
    fake_wise.move(transfer, state)

    tracking.read(linked.pk, now=NOW)

    assert (now_is(linked).status, bool(linked.attention)) == expected
    assert linked.wise_status == state


def test_the_ten_documented_states_are_known_and_nothing_else():
    assert set(transfer_states.READINGS) == STATES.keys() - {"teleported"}


def test_a_state_nobody_has_heard_of_is_kept_word_for_word_and_named(linked, transfer, fake_wise):
    fake_wise.move(transfer, "teleported")

    tracking.read(linked.pk, now=NOW)

    assert now_is(linked).wise_status == "teleported"
    assert '"teleported"' in linked.attention


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("outgoing_payment_sent", "bounced_back"),
        ("outgoing_payment_sent", "processing"),
        ("funds_converted", "incoming_payment_waiting"),
        ("cancelled", "processing"),
        ("bounced_back", "outgoing_payment_sent"),
    ],
)
def test_wise_may_go_back_to_any_state(linked, transfer, fake_wise, before, after):
    fake_wise.move(transfer, before)
    tracking.read(linked.pk, now=NOW)
    fake_wise.move(transfer, after)

    tracking.read(linked.pk, now=NOW)

    assert (now_is(linked).wise_status, linked.status) == (after, STATES[after][0])


def test_money_that_came_back_has_not_arrived(linked, transfer, fake_wise):
    fake_wise.move(transfer, "outgoing_payment_sent")
    tracking.read(linked.pk, now=NOW)
    assert (now_is(linked).amount_received, linked.currency_received) == (Decimal("3000.00"), "USD")
    fake_wise.move(transfer, "bounced_back")

    tracking.read(linked.pk, now=NOW)

    assert (now_is(linked).amount_received, linked.currency_received) == (None, "")


def test_attention_that_was_seen_to_comes_back_with_the_next_state_only(linked, transfer, fake_wise, admin):
    fake_wise.move(transfer, "unknown")
    tracking.read(linked.pk, now=NOW)
    payments.update(linked.pk, attention="", actor=admin)

    tracking.read(linked.pk, now=NOW)
    assert now_is(linked).attention == ""

    fake_wise.move(transfer, "charged_back")
    tracking.read(linked.pk, now=NOW)
    assert "charged back" in now_is(linked).attention


# What belongs to it


def test_the_fee_comes_from_the_quote_and_is_asked_for_once(linked, transfer, fake_wise):
    quote = fake_wise.quotes[fake_wise.transfers[transfer]["quoteUuid"]]
    option = next(o for o in quote["paymentOptions"] if (o["payIn"], o["payOut"]) == ("BALANCE", quote["payOut"]))

    for _ in range(2):
        tracking.read(linked.pk, now=NOW)

    assert now_is(linked).fee_usd == Decimal(str(option["price"]["total"]["value"]["amount"])) > 0
    assert len(asked(fake_wise, quote["id"])) == 1


def test_a_fee_in_baht_is_told_in_dollars_at_the_rate_of_the_quote(admin, fake_wise):
    transfer = fake_wise.add_transfer(sourceCurrency="THB")
    quote = fake_wise.quotes[fake_wise.transfers[transfer]["quoteUuid"]]
    option = next(o for o in quote["paymentOptions"] if (o["payIn"], o["payOut"]) == ("BALANCE", quote["payOut"]))
    linked = link(admin, transfer)

    tracking.read(linked.pk, now=NOW)

    in_baht = Decimal(str(option["price"]["total"]["value"]["amount"]))
    assert option["price"]["total"]["value"]["currency"] == "THB"
    expected = (in_baht * Decimal(str(quote["rate"]))).quantize(Decimal("0.01"))
    assert now_is(linked).fee_usd == expected
    assert 0 < expected < in_baht


def test_a_key_without_rights_to_quotes_and_estimates_still_follows_the_transfer(linked, transfer, fake_wise):
    fake_wise.personal_token_limits = True
    fake_wise.move(transfer, "processing")

    tracking.read(linked.pk, now=NOW)

    assert (now_is(linked).status, linked.fee_usd, linked.estimated_delivery_at) == ("PROCESSING", 0, None)
    assert (linked.sync_error, linked.attention) == ("", "")


def test_the_day_of_arrival_is_told_while_the_money_is_on_its_way(linked, transfer, fake_wise):
    fake_wise.move(transfer, "processing")

    tracking.read(linked.pk, now=NOW)

    assert now_is(linked).estimated_delivery_at > NOW


@pytest.mark.abuse("INT-04")
def test_a_transfer_of_another_amount_is_followed_and_named(admin, fake_wise):
    linked = link(admin, fake_wise.add_transfer(target_value="2900.00"))

    tracking.read(linked.pk, now=NOW)

    assert (now_is(linked).status, linked.amount_usd) == ("PENDING", Decimal("3000.00"))
    assert linked.attention == "The transfer pays out 2,900.00 USD, the payment is of 3,000.00 USD."


def test_a_transfer_in_another_currency_is_named(admin, fake_wise):
    linked = link(admin, fake_wise.add_transfer(targetCurrency="EUR"))

    tracking.read(linked.pk, now=NOW)

    assert "EUR" in now_is(linked).attention


# When Wise does not say


@pytest.mark.abuse("CON-09", "INT-08")
@pytest.mark.parametrize(
    "broken",
    [
        Status(503),
        Status(500),
        Drop,
        Hang,
        Slow(3),
        Status(429, retry_after=120),
        Status(401),
        Status(404),
        Body(200, b"<html>maintenance</html>", {}),
        Body(200, b'{"id": "x"}', {}),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_was_known_stays_with_the_time_and_the_reason(linked, transfer, fake_wise, time_machine, broken):
    fake_wise.move(transfer, "outgoing_payment_sent")
    tracking.read(linked.pk, now=NOW)
    fake_wise.move(transfer, "bounced_back")
    time_machine.move_to(NOW + timedelta(hours=1), tick=False)
    fake_wise.fault(*READING, *[broken] * 3)

    with pytest.raises(wise.WiseError) as told:
        tracking.read(linked.pk, now=NOW + timedelta(hours=1))

    kept = now_is(linked)
    assert (kept.status, kept.wise_status, kept.amount_received) == ("DELIVERED", "outgoing_payment_sent", 3000)
    assert (kept.synced_at, kept.sync_failed_at) == (NOW, NOW + timedelta(hours=1))
    assert kept.sync_error == told.value.message[:300] != ""


def test_the_reason_goes_once_wise_answers_again(linked, transfer, fake_wise):
    fake_wise.fault(*READING, *[Drop] * 3)
    with pytest.raises(wise.Unreachable):
        tracking.read(linked.pk, now=NOW)
    assert now_is(linked).sync_error

    tracking.read(linked.pk, now=NOW)

    assert (now_is(linked).sync_error, linked.sync_failed_at) == ("", None)


@pytest.mark.parametrize(("broken", "status"), [(Status(503), 503), (Hang, 503), (Status(429, retry_after=99), 503)])
def test_asking_now_answers_503_and_not_500_when_wise_is_down(client_api, linked, fake_wise, broken, status):
    fake_wise.fault(*READING, *[broken] * 3)

    response = client_api.post(f"/api/payments/{linked.pk}/sync-wise")

    assert response.status_code == status
    assert client_api.get(f"/api/payments/{linked.pk}/sync-wise").json()["wise"]["last_failure"]


def test_somebody_who_waits_is_not_kept_waiting_by_repetitions(client_api, linked, fake_wise):
    fake_wise.fault(*READING, *[Status(503)] * 3)

    client_api.post(f"/api/payments/{linked.pk}/sync-wise")

    assert len(fake_wise.requests) == 1


def test_an_older_answer_never_overwrites_a_newer_one(linked, transfer, fake_wise, time_machine, monkeypatch):
    """Two readers: the first asked earlier and stores later."""
    real, raced = wise.Wise.transfer, []

    def overtaken(client, transfer_id):
        found = real(client, transfer_id)
        if not raced:
            raced.append(found)
            fake_wise.move(transfer, "outgoing_payment_sent")
            time_machine.move_to(NOW + timedelta(seconds=2), tick=False)
            tracking.read(linked.pk, now=NOW)
        return found

    monkeypatch.setattr(wise.Wise, "transfer", overtaken)
    tracking.read(linked.pk, now=NOW)

    assert raced[0].state == "incoming_payment_waiting"
    assert (now_is(linked).wise_status, linked.status) == ("outgoing_payment_sent", "DELIVERED")


def test_an_answer_for_a_transfer_that_is_not_followed_any_more_is_dropped(linked, fake_wise, admin, monkeypatch):
    other, real = fake_wise.add_transfer(state="processing"), wise.Wise.transfer

    def relinked(client, transfer_id):
        found = real(client, transfer_id)
        payments.update(linked.pk, wise_transfer_id=str(other), actor=admin)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(wise.Wise, "transfer", relinked)
        tracking.read(linked.pk, now=NOW)

    assert (now_is(linked).wise_transfer_id, linked.wise_status, linked.synced_at) == (str(other), "", None)


def test_a_transfer_taken_away_while_it_is_read_stays_away(linked, admin, fake_wise, monkeypatch):
    real = wise.Wise.transfer

    def unlinked(client, transfer_id):
        found = real(client, transfer_id)
        payments.update(linked.pk, wise_transfer_id="", actor=admin)
        return found

    monkeypatch.setattr(wise.Wise, "transfer", unlinked)
    tracking.read(linked.pk, now=NOW)

    assert (now_is(linked).wise_transfer_id, linked.wise_status, linked.status) == ("", "", "PENDING")


# By hand and by Wise


def test_a_linked_payment_takes_its_status_from_wise_only(client_api, linked):
    response = client_api.patch(f"/api/payments/{linked.pk}", {"status": "DELIVERED"}, format="json")

    assert (response.status_code, response.json()["code"]) == (400, "payment_at_wise")
    assert now_is(linked).status == "PENDING"


def test_another_transfer_can_be_linked_and_what_wise_said_of_the_first_is_forgotten(
    linked, transfer, fake_wise, admin
):
    fake_wise.move(transfer, "funds_refunded")
    tracking.read(linked.pk, now=NOW)
    other = fake_wise.add_transfer(state="processing")

    payments.update(linked.pk, wise_transfer_id=str(other), actor=admin)
    assert (now_is(linked).status, linked.wise_status, linked.synced_at) == ("PENDING", "", None)
    tracking.read(linked.pk, now=NOW)

    assert (now_is(linked).status, linked.wise_status) == ("PROCESSING", "processing")


def test_linking_reads_the_transfer_at_once(admin, transfer, fake_wise, django_capture_on_commit_callbacks):
    fake_wise.move(transfer, "processing")

    with django_capture_on_commit_callbacks(execute=True):
        linked = link(admin, transfer)

    assert now_is(linked).status == "PROCESSING"


def test_linking_a_number_that_wise_does_not_know_says_so(admin, fake_wise, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        linked = link(admin, 4711)

    assert now_is(linked).status == "PENDING"
    assert linked.sync_error


# All of them


def open_ones(now=NOW):
    return selectors.to_read(
        now=now, sent_since=now - tracking.READ_AGAIN_FOR, read_before=now - tracking.READ_SENT_EVERY
    )


def test_one_payment_that_fails_never_stops_the_others(admin, fake_wise):
    numbers = [fake_wise.add_transfer(state="processing") for _ in range(4)]
    pending = [link(admin, number) for number in numbers]
    fake_wise.fault("GET", f"/v1/transfers/{numbers[0]}", *[Status(500)] * 3)
    fake_wise.fault("GET", f"/v1/transfers/{numbers[2]}", Status(404))

    assert tracking.read_all(now=NOW) == 2

    assert [now_is(payment).status for payment in pending] == ["PENDING", "PROCESSING", "PENDING", "PROCESSING"]
    assert [bool(payment.sync_error) for payment in pending] == [True, False, True, False]


def test_one_that_the_database_refuses_never_stops_the_others(admin, fake_wise, monkeypatch):
    pending = [link(admin, fake_wise.add_transfer(state="processing")) for _ in range(3)]
    real = tracking.store

    def refusing(payment_id, *args, **options):
        if payment_id == pending[1].pk:
            raise DatabaseError("no")
        return real(payment_id, *args, **options)

    monkeypatch.setattr(tracking, "store", refusing)

    assert tracking.read_all(now=NOW) == 2
    assert [now_is(payment).status for payment in pending] == ["PROCESSING", "PENDING", "PROCESSING"]


@pytest.mark.parametrize(
    ("broken", "questions"), [(Drop, 9), (Status(503), 9), (Status(429, retry_after=600), 1), (Status(401), 1)]
)
def test_once_wise_is_down_the_rest_waits_with_the_reason(admin, fake_wise, broken, questions):
    pending = [link(admin, fake_wise.add_transfer(state="processing")) for _ in range(6)]
    fake_wise.fault(*READING, *[broken] * 99)

    assert tracking.read_all(now=NOW) == 0

    assert len(fake_wise.requests) == questions
    assert [(now_is(p).status, bool(p.sync_error), p.sync_failed_at) for p in pending] == [("PENDING", True, NOW)] * 6


def test_what_has_ended_is_not_asked_for_again(admin, fake_wise):
    for state in ("cancelled", "funds_refunded"):
        tracking.read(link(admin, fake_wise.add_transfer(state=state)).pk, now=NOW)

    assert open_ones(NOW + timedelta(days=2)) == []


def test_what_was_sent_is_asked_for_once_a_day_for_a_month(admin, fake_wise):
    sent = link(admin, fake_wise.add_transfer(state="outgoing_payment_sent"))
    tracking.read(sent.pk, now=NOW)

    assert open_ones(NOW + timedelta(hours=23)) == []
    assert open_ones(NOW + timedelta(hours=25)) == [sent.pk]
    assert open_ones(NOW + timedelta(days=29)) == [sent.pk]
    assert open_ones(NOW + timedelta(days=31)) == []


def test_those_asked_for_longest_ago_come_first_also_when_they_fail(admin, fake_wise, time_machine):
    failing, second, fresh = (link(admin, fake_wise.add_transfer(state="processing")) for _ in range(3))
    time_machine.move_to(NOW + timedelta(minutes=5), tick=False)
    tracking.read(second.pk, now=NOW)
    time_machine.move_to(NOW + timedelta(minutes=9), tick=False)
    fake_wise.fault(*READING, Status(404))
    with pytest.raises(wise.UnknownToWise):
        tracking.read(failing.pk, now=NOW)

    assert open_ones() == [fresh.pk, second.pk, failing.pk]


def test_a_run_ends_before_its_job_is_stopped_and_the_next_goes_on(admin, fake_wise, time_machine, monkeypatch):
    pending = [link(admin, fake_wise.add_transfer(state="processing")) for _ in range(4)]
    real = wise.Wise.transfer

    def slow(client, transfer_id):
        time_machine.shift(timedelta(minutes=3))
        return real(client, transfer_id)

    with monkeypatch.context() as patched:
        patched.setattr(wise.Wise, "transfer", slow)
        assert tracking.read_all(now=NOW) == 2
    assert [now_is(payment).status for payment in pending] == ["PROCESSING", "PROCESSING", "PENDING", "PENDING"]

    assert open_ones()[:2] == [pending[2].pk, pending[3].pk]


def test_payments_without_transfer_are_nobodys_business(admin, fake_wise, db):
    payments.create(supplier_id=make_supplier().pk, amount_usd=Decimal(5), today=TODAY, now=NOW, actor=admin)

    tasks.sync_wise()

    assert fake_wise.requests == []


def test_without_a_key_the_hourly_run_does_nothing(admin, linked, settings):
    settings.WISE_API_KEY = ""

    tasks.sync_wise()

    assert (now_is(linked).sync_error, linked.synced_at) == ("", None)


def test_reading_what_has_not_changed_writes_no_audit_row(linked, fake_wise):
    tracking.read(linked.pk, now=NOW)
    before = AuditLog.objects.count()

    tracking.read_all(now=NOW + timedelta(hours=1))

    assert AuditLog.objects.count() == before


@pytest.mark.abuse("DATA-11", "INT-12")
def test_the_key_is_in_no_payment_log_or_audit_row(linked, fake_wise, caplog):
    caplog.set_level("DEBUG")
    fake_wise.fault(*READING, Status(401))
    with pytest.raises(wise.NotPermitted):
        tracking.read(linked.pk, now=NOW)

    assert fake_wise.key not in caplog.text
    assert fake_wise.key not in str(list(AuditLog.objects.values())) + str(list(Payment.objects.values()))
    assert fake_wise.requests[0].headers["authorization"] == f"Bearer {fake_wise.key}"


# Which profile pays


@pytest.mark.parametrize(
    ("profiles", "expected"),
    [
        ([("BUSINESS", 7), ("PERSONAL", 8)], 7),
        ([("PERSONAL", 8)], 8),
        ([("BUSINESS", 7), ("BUSINESS", 9)], None),
        ([], None),
    ],
)
def test_the_profile_is_the_only_business_or_must_be_named(settings, profiles, expected):
    settings.WISE_PROFILE_ID = ""

    class Client:
        def profiles(self):
            return [wise.Profile(id=number, type=kind, name="") for kind, number in profiles]

    if expected is None:
        with pytest.raises(wise.RefusedByWise, match="WISE_PROFILE_ID"):
            wise_connection.profile_of(Client())
    else:
        assert wise_connection.profile_of(Client()) == expected
