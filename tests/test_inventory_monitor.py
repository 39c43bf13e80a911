"""The stock monitor: which products are told of, to whom, how often, and what happens when the mail server fails."""

import logging
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.core import mail
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditLog
from accounts.rights import Role
from config.celery import app
from inventory.models import StockLevel
from inventory.services import ledger, products
from planning import emails
from planning.models import Notification
from planning.services import inventory_monitor
from planning.tasks import check_stock
from tests.factories import TODAY, an_admin, make_product, make_user, sell
from tests.smtp import CLOSE, HANG, mail_server

NOW = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)
DAY = timedelta(hours=24)
SECOND = timedelta(seconds=1)
TO = "stock@example.net"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _recipient(settings):
    settings.ALERT_RECIPIENTS = [TO]


def run(now=NOW):
    """Let one worker run; return the SKUs that it sent an e-mail about."""
    return [notification.product.internal_sku for notification in inventory_monitor.alert_low_stock(now=now)]


def the_notification():
    return Notification.objects.get()


def restock(product, units=100):
    ledger.receive([ledger.Line(product.pk, units)], actor=an_admin())


@pytest.fixture
def through_smtp(settings):
    """Return a function that leads e-mail to a server."""

    def lead(server):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.EMAIL_USE_TLS, settings.EMAIL_TIMEOUT = False, 0.3

    return lead


# Which products


@pytest.mark.parametrize(
    ("on_hand", "reorder_point", "told"),
    [
        (0, 10, "OUT_OF_STOCK"), (1, 10, "LOW_STOCK"), (10, 10, "LOW_STOCK"), (11, 10, None),
        (0, 0, "OUT_OF_STOCK"), (1, 0, None),
    ],
)  # fmt: skip
def test_a_product_is_told_of_at_its_reorder_point_and_below(on_hand, reorder_point, told):
    product = make_product("LUMI-0001", on_hand=on_hand)
    StockLevel.objects.filter(product=product).update(reorder_point=reorder_point)

    assert run() == (["LUMI-0001"] if told else [])
    assert list(Notification.objects.values_list("alert_type", "status")) == ([(told, "SENT")] if told else [])
    assert len(mail.outbox) == (1 if told else 0)


def test_a_product_that_is_not_sold_any_more_is_not_told_of():
    make_product(is_active=False)

    assert run() == []
    assert not Notification.objects.exists()
    assert mail.outbox == []


def test_the_emptiest_shelf_is_told_of_first():
    for sku, units in (("LUMI-0001", 9), ("LUMI-0002", 0), ("LUMI-0003", 4)):
        make_product(sku, on_hand=units)

    assert run() == ["LUMI-0002", "LUMI-0003", "LUMI-0001"]


def test_what_is_sent_is_stored_as_sent_with_the_sentence_of_the_mail():
    product = make_product("LUMI-0001", name="Kit", on_hand=3)

    run()

    stored = the_notification()
    assert (stored.product, stored.status, stored.sent_at, stored.attempts) == (product, "SENT", NOW, 1)
    assert stored.message == (
        "LUMI-0001 Kit is low: 3 on hand, reorder point 10, days until stock-out: never at the present rate."
    )
    assert stored.message in mail.outbox[0].body


# How fast it sells


def days_left():
    return the_notification().message.partition("stock-out: ")[2].rstrip(".")


def test_days_until_stockout_are_the_quantity_by_the_units_a_day_of_90_days():
    product = make_product(on_hand=51)
    sell(product, 45)

    run()

    assert days_left() == "12.0"  # 6 ÷ (45 ÷ 90)


def test_returns_are_taken_off_what_was_sold():
    product = make_product(on_hand=40)
    sell(product, 40, reference="A-1")
    sell(product, -10, reference="A-1")
    StockLevel.objects.filter(product=product).update(reorder_point=10)

    run()

    assert days_left() == "30.0"  # 10 ÷ (30 ÷ 90)


def test_what_came_back_in_full_sells_nothing_and_never_runs_out():
    product = make_product(on_hand=5)
    sell(product, 5, reference="A-1")
    sell(product, -5, reference="A-1")

    run()

    assert days_left() == "never at the present rate"


@pytest.mark.parametrize(("days_ago", "left"), [(0, "45.0"), (89, "45.0"), (90, "never at the present rate")])
def test_only_the_last_90_days_count_today_included(days_ago, left):
    product = make_product(on_hand=15)
    sell(product, 10, on=TODAY - timedelta(days=days_ago))

    run()

    assert days_left() == left  # 5 ÷ (10 ÷ 90)


@pytest.mark.parametrize(
    ("now", "left"),
    [
        (datetime(2026, 12, 31, 16, 59, 59, tzinfo=UTC), "never at the present rate"),  # 23:59:59 in Bangkok
        (datetime(2026, 12, 31, 17, 0, 0, tzinfo=UTC), "45.0"),
    ],
)
def test_today_begins_at_midnight_of_the_business_at_the_years_end_too(now, left):
    product = make_product(on_hand=15)
    sell(product, 10, on=date(2027, 1, 1))

    assert run(now) == [product.internal_sku]
    assert days_left() == left


# One in 24 hours


@pytest.mark.parametrize(("later", "mails"), [(timedelta(0), 0), (DAY - SECOND, 0), (DAY, 1), (DAY + SECOND, 1)])
def test_the_next_mail_about_a_product_comes_24_hours_after_the_last_and_not_before(later, mails):
    product = make_product()
    run()
    mail.outbox.clear()

    assert run(NOW + later) == [product.internal_sku] * mails
    assert len(mail.outbox) == mails
    assert Notification.objects.filter(status="SENT").count() == 1 + mails
    assert not Notification.objects.filter(status="PENDING").exists()


def test_hourly_runs_over_the_years_end_send_one_mail_a_day():
    make_product()
    start = datetime(2026, 12, 30, 0, 7, tzinfo=UTC)

    sent = [hour for hour in range(72) if run(start + timedelta(hours=hour))]

    assert sent == [0, 24, 48]


def test_a_product_that_recovers_and_falls_again_within_24_hours_is_not_told_of_again():
    product = make_product()
    run()
    restock(product)
    assert run(NOW + timedelta(hours=1)) == []
    ledger.issue([ledger.Line(product.pk, 95)], actor=an_admin())

    assert run(NOW + timedelta(hours=2)) == []
    assert run(NOW + DAY) == [product.internal_sku]


def test_a_low_product_that_runs_out_within_24_hours_gets_no_second_mail():
    product = make_product(on_hand=3)
    run()
    ledger.issue([ledger.Line(product.pk, 3)], actor=an_admin())

    assert run(NOW + timedelta(hours=1)) == []
    assert len(mail.outbox) == 1


def test_each_product_has_24_hours_of_its_own():
    first = make_product()
    run()
    second = make_product()

    assert run(NOW + timedelta(hours=5)) == [second.internal_sku]
    assert run(NOW + DAY) == [first.internal_sku]
    assert run(NOW + DAY + timedelta(hours=5)) == [second.internal_sku]


def test_one_that_somebody_marked_as_sent_by_hand_counts_from_when_it_was_made():
    product = make_product()
    made = Notification.objects.create(product=product, alert_type="OUT_OF_STOCK", message="x", status="SENT")

    assert run(made.created_at + DAY - SECOND) == []
    assert run(made.created_at + DAY) == [product.internal_sku]


# Failures


class Down:
    """A mail server that fails as often as it is told to."""

    def __init__(self, monkeypatch, error=None, times=1_000_000):
        self.asked, self.error, self.times = [], error or emails.MailServerDown("down"), times
        self.really = emails.send_low_stock
        monkeypatch.setattr(emails, "send_low_stock", self.send)

    def send(self, alert, *, to):
        self.asked.append(alert.sku)
        if len(self.asked) <= self.times:
            raise self.error
        self.really(alert, to=to)


def test_a_mail_that_failed_stays_pending_and_is_sent_by_the_next_run(monkeypatch):
    product = make_product()
    Down(monkeypatch, times=1)

    assert run() == []
    failed = the_notification()
    assert (failed.status, failed.sent_at, failed.claimed_at) == ("PENDING", None, None)
    assert (failed.attempts, failed.last_error) == (1, "down")

    assert run(NOW + timedelta(hours=1)) == [product.internal_sku]
    sent = the_notification()
    assert sent.pk == failed.pk
    assert (sent.status, sent.sent_at, sent.attempts) == ("SENT", NOW + timedelta(hours=1), 2)
    assert sent.last_error == ""


def test_a_failed_mail_does_not_start_the_24_hours_and_the_sent_one_does(monkeypatch):
    product = make_product()
    Down(monkeypatch, times=1)
    sent_at = NOW + timedelta(hours=1)
    run()
    run(sent_at)

    assert run(NOW + DAY) == []
    assert run(sent_at + DAY - SECOND) == []
    assert run(sent_at + DAY) == [product.internal_sku]


def test_one_mail_that_is_refused_does_not_stop_the_others(monkeypatch):
    skus = [make_product().internal_sku for _ in range(5)]
    server = Down(monkeypatch, error=emails.MailRefused("no"), times=4)

    assert run() == skus[4:]
    assert server.asked == skus
    assert Notification.objects.filter(status="PENDING", last_error="no").count() == 4


def test_a_run_gives_up_after_a_few_when_the_server_is_down_and_leaves_the_rest_pending(monkeypatch, caplog):
    skus = [make_product().internal_sku for _ in range(8)]
    server = Down(monkeypatch)

    assert run() == []
    assert server.asked == skus[:3]
    assert Notification.objects.filter(status="PENDING", claimed_at=None).count() == 8
    assert "the other stock alerts wait for the next run; 0 of 8 were sent" in caplog.messages


def test_what_failed_before_does_not_stand_in_the_way_of_the_others(monkeypatch):
    skus = [make_product().internal_sku for _ in range(6)]
    server = Down(monkeypatch)
    run()
    server.asked.clear()

    run(NOW + timedelta(hours=1))

    assert server.asked == skus[3:]


def test_a_run_ends_before_the_time_of_a_job_does(monkeypatch):
    times = iter([0, 1, 2, 181])
    monkeypatch.setattr(inventory_monitor, "monotonic", lambda: next(times))
    skus = [make_product().internal_sku for _ in range(3)]

    assert run() == skus[:2]
    assert Notification.objects.get(status="PENDING").attempts == 0


def test_a_database_that_fails_for_one_product_does_not_stop_the_others(monkeypatch):
    first, second = make_product(), make_product()
    claim = inventory_monitor._claim

    def failing(notification_id, *, now):
        if Notification.objects.filter(pk=notification_id, product=first).exists():
            raise OperationalError("deadlock detected: secret")
        return claim(notification_id, now=now)

    monkeypatch.setattr(inventory_monitor, "_claim", failing)

    assert run() == [second.internal_sku]
    assert Notification.objects.get(product=first).status == "PENDING"


@pytest.mark.parametrize("crash_in", ["send", "mark"])
def test_a_worker_that_dies_between_claim_and_mark_leaves_the_product_alone_for_24_hours(monkeypatch, crash_in):
    product = make_product()
    with monkeypatch.context() as patch:
        place, name = (emails, "send_low_stock") if crash_in == "send" else (inventory_monitor, "_mark_sent")
        patch.setattr(place, name, _die)
        with pytest.raises(SystemExit):
            run()
    mailed = 0 if crash_in == "send" else 1

    assert (the_notification().status, the_notification().claimed_at) == ("PENDING", NOW)
    assert run(NOW + timedelta(minutes=11)) == run(NOW + DAY - SECOND) == []
    assert len(mail.outbox) == mailed
    assert run(NOW + DAY) == [product.internal_sku]
    assert Notification.objects.count() == 1


def _die(*given, **named):
    raise SystemExit


def test_no_mail_is_sent_inside_a_transaction(monkeypatch):
    depths = [len(connection.atomic_blocks)]  # those of this test itself
    monkeypatch.setattr(emails, "send_low_stock", lambda alert, *, to: depths.append(len(connection.atomic_blocks)))
    make_product()

    run()

    assert len(depths) == 2
    assert depths[1] == depths[0]


# Recovered meanwhile


@pytest.mark.parametrize("how", ["restocked", "not sold any more"])
def test_what_is_not_true_any_more_is_withdrawn_unsent_and_the_log_keeps_it(monkeypatch, how):
    product = make_product()
    with monkeypatch.context() as patch:
        Down(patch)
        run()
    waiting = the_notification()
    restock(product) if how == "restocked" else products.deactivate(product.pk, today=TODAY, actor=an_admin())

    assert run(NOW + timedelta(hours=1)) == []
    assert mail.outbox == []
    assert not Notification.objects.exists()
    row = AuditLog.objects.get(table_name="notifications", action="DELETE")
    assert (row.record_id, row.old_values["message"], row.new_values) == (waiting.pk, waiting.message, None)


def test_a_notification_in_a_workers_hands_is_not_withdrawn():
    product = make_product(on_hand=50)
    Notification.objects.create(product=product, alert_type="LOW_STOCK", message="x", claimed_at=NOW)

    run(NOW + timedelta(hours=1))

    assert the_notification().claimed_at == NOW


def test_what_was_sent_stays_when_the_product_recovers():
    product = make_product()
    run()
    restock(product)

    run(NOW + timedelta(hours=1))

    assert the_notification().status == "SENT"


def test_a_product_restocked_between_the_look_and_its_turn_gets_no_mail(monkeypatch):
    first, second = make_product(), make_product()
    really = emails.send_low_stock

    def send(alert, *, to):
        restock(second)
        really(alert, to=to)

    monkeypatch.setattr(emails, "send_low_stock", send)

    assert run() == [first.internal_sku]
    assert len(mail.outbox) == 1


def test_a_mail_tried_again_tells_how_things_are_now(monkeypatch):
    product = make_product(on_hand=3)
    Down(monkeypatch, times=1)
    run()
    ledger.issue([ledger.Line(product.pk, 3)], actor=an_admin())

    run(NOW + timedelta(hours=1))

    assert the_notification().alert_type == "OUT_OF_STOCK"
    assert "is out of stock: 0 on hand" in the_notification().message
    assert mail.outbox[0].subject.startswith("Out of stock: ")


# To whom


def test_the_alerts_go_to_those_the_settings_name_in_one_mail(settings):
    settings.ALERT_RECIPIENTS = ["mei@example.net", "lek@example.net"]
    make_product()

    run()

    assert [message.to for message in mail.outbox] == [["mei@example.net", "lek@example.net"]]


def test_without_a_setting_they_go_to_the_active_administrators_and_nobody_else(settings):
    settings.ALERT_RECIPIENTS = []
    make_product()
    an_admin_of_it = an_admin().email
    make_user(Role.ADMIN, "zoe@example.net")
    make_user(Role.ADMIN, "gone@example.net", is_active=False)
    for role in (Role.STAFF, Role.BUYER, Role.VIEWER, Role.SYNC):
        make_user(role)

    run()

    assert [message.to for message in mail.outbox] == [sorted([an_admin_of_it, "zoe@example.net"])]


def test_with_nobody_to_send_to_the_alerts_wait_and_the_log_says_so(settings, caplog):
    settings.ALERT_RECIPIENTS = []
    product = make_product()
    admin = an_admin()
    admin.is_active = False
    admin.save()

    assert run() == []
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.ERROR, "1 stock alerts wait: no ALERT_RECIPIENTS, and no active administrator")
    ]
    assert (the_notification().status, the_notification().attempts) == ("PENDING", 0)

    settings.ALERT_RECIPIENTS = [TO]
    assert run(NOW + timedelta(hours=1)) == [product.internal_sku]


# A real mail server


def test_a_server_that_takes_it_gets_one_mail(through_smtp):
    product = make_product()
    with mail_server() as server:
        through_smtp(server)

        assert run() == [product.internal_sku]
        assert run(NOW + timedelta(hours=1)) == []

    assert [(envelope.mail_from, envelope.rcpt_tos) for envelope in server.envelopes] == [("godown@localhost", [TO])]
    assert [str(taken["Subject"]) for taken in server.mails] == [f"Out of stock: {product.internal_sku} {product.name}"]


@pytest.mark.parametrize(
    ("faults", "told"),
    [
        ({"RCPT": "550 5.1.1 No such mailbox"}, f"{TO}: 550 5.1.1 No such mailbox"),
        ({"MAIL": "421 4.3.2 Closing"}, "421 4.3.2 Closing"),
        ({"MAIL": "554 5.7.1 Not you"}, "554 5.7.1 Not you"),
        ({"DATA": "421 4.3.2 Closing"}, "421 4.3.2 Closing"),
        ({"DATA": "554 5.7.1 Spam"}, "554 5.7.1 Spam"),
        ({"CONNECT": "554 No service"}, "554 No service"),
        ({"CONNECT": HANG}, "Connection unexpectedly closed: timed out"),
        ({"MAIL": HANG}, "Connection unexpectedly closed: timed out"),
        ({"RCPT": HANG}, "Connection unexpectedly closed: timed out"),
        ({"CONNECT": CLOSE}, "Connection unexpectedly closed"),
        ({"MAIL": CLOSE}, "Connection unexpectedly closed"),
        ({"RCPT": CLOSE}, "Connection unexpectedly closed"),
    ],
)
def test_a_server_that_refuses_hangs_or_hangs_up_before_it_has_the_mail_is_asked_again(through_smtp, faults, told):
    product = make_product()
    with mail_server(faults) as server:
        through_smtp(server)
        assert run() == []
        failed = the_notification()

        server.faults.clear()
        assert run(NOW + timedelta(hours=1)) == [product.internal_sku]

    assert (failed.status, failed.claimed_at, failed.attempts) == ("PENDING", None, 1)
    assert failed.last_error == told
    assert len(server.envelopes) == 1


@pytest.mark.parametrize("fault", [HANG, CLOSE])
def test_a_server_that_has_the_whole_mail_and_does_not_answer_is_not_sent_it_twice(through_smtp, fault):
    product = make_product()
    with mail_server({"DATA": fault}) as server:
        through_smtp(server)
        assert run() == []
        unknown = the_notification()

        server.faults.clear()
        assert run(NOW + DAY - SECOND) == []
        assert len(server.envelopes) == 1
        assert run(NOW + DAY) == [product.internal_sku]

    assert (unknown.status, unknown.claimed_at) == ("PENDING", NOW)
    assert unknown.last_error.startswith("Connection unexpectedly closed")


def test_a_recipient_that_is_refused_does_not_keep_the_mail_from_the_others(through_smtp, settings, caplog):
    settings.ALERT_RECIPIENTS = ["gone@example.net", TO]
    product = make_product()
    with mail_server(refused=("gone@example.net",)) as server:
        through_smtp(server)
        assert run() == [product.internal_sku]

    assert [envelope.rcpt_tos for envelope in server.envelopes] == [[TO]]
    assert "the mail server refuses gone@example.net: 550 5.1.1 No such mailbox" in caplog.messages


def test_no_mail_leaves_in_clear_when_the_server_does_not_offer_tls(through_smtp, settings):
    make_product()
    with mail_server() as server:
        through_smtp(server)
        settings.EMAIL_USE_TLS = True
        assert run() == []

    assert server.envelopes == []
    assert (the_notification().status, the_notification().claimed_at) == ("PENDING", None)
    assert "STARTTLS" in the_notification().last_error


def test_a_port_where_nobody_listens_is_a_server_that_is_down(through_smtp):
    make_product()
    with mail_server() as server:
        through_smtp(server)

    assert run() == []
    assert (the_notification().status, the_notification().claimed_at) == ("PENDING", None)
    assert "refused" in the_notification().last_error


def test_a_hanging_server_holds_a_run_up_for_a_few_mails_only(through_smtp):
    for _ in range(6):
        make_product()
    with mail_server({"CONNECT": HANG}) as server:
        through_smtp(server)
        assert run() == []
        assert server.connections == 3


# Statements, audit, job


def statements(act):
    with CaptureQueriesContext(connection) as queries:
        act()
    return len(queries)


def test_the_statements_that_find_candidates_do_not_grow_with_their_number(settings):
    settings.ALERT_RECIPIENTS = []  # and no administrator: all is done but sending
    make_product()
    admin = an_admin()
    type(admin).objects.update(is_active=False)
    few = statements(run)
    for _ in range(30):
        make_product()
    many = statements(run)
    type(admin).objects.update(is_active=False)
    none_new = statements(run)

    assert many == few
    assert none_new < many <= 14
    assert Notification.objects.count() == 31


def test_more_products_than_fit_into_one_transaction_are_all_noted(monkeypatch):
    monkeypatch.setattr(inventory_monitor, "CHUNK", 2)
    skus = [make_product().internal_sku for _ in range(5)]

    assert run() == skus


def test_the_audit_log_tells_of_the_notification_and_of_the_job():
    make_product()
    since = AuditLog.objects.latest("pk").pk

    with time_machine.travel(NOW, tick=False):
        check_stock()

    rows = list(AuditLog.objects.filter(pk__gt=since).order_by("pk"))
    pk = the_notification().pk
    assert [(row.table_name, row.record_id, row.action) for row in rows] == [
        ("notifications", pk, "CREATE"),
        ("notifications", pk, "UPDATE"),
        ("notifications", pk, "UPDATE"),
    ]
    assert rows[0].new_values["status"] == "PENDING"
    assert (rows[2].old_values["status"], rows[2].new_values["status"]) == ("PENDING", "SENT")
    assert {(row.user_id, row.user_agent) for row in rows} == {(None, "job planning.tasks.check_stock")}


def test_the_job_runs_every_hour_and_not_in_a_row_for_the_hours_it_missed():
    entry = next(entry for entry in app.conf.beat_schedule.values() if entry["task"] == "planning.tasks.check_stock")

    assert (entry["schedule"].hour, len(entry["schedule"].minute)) == (set(range(24)), 1)
    assert entry["options"] == {"expires": 3600}


def test_stock_does_not_change_by_being_watched():
    product = make_product(on_hand=3, price="2.50")

    run()

    level = StockLevel.objects.get(product=product)
    assert (level.quantity, product.price_usd) == (3, Decimal("2.50"))
