"""Many workers at once look for products that run out, on a real PostgreSQL: each product gets one e-mail."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import AuditLog
from inventory.services import ledger
from planning import emails
from planning.models import Notification
from planning.services import inventory_monitor
from tests.factories import an_admin, make_product, on_hand
from tests.smtp import mail_server
from tests.test_races import at_once

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
NOW = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)


@pytest.fixture
def server(settings):
    """A mail server that every worker reaches."""
    with mail_server() as running:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", running.port
        settings.EMAIL_USE_TLS, settings.EMAIL_TIMEOUT = False, 10
        settings.ALERT_RECIPIENTS = ["stock@example.net"]
        yield running


@pytest.mark.parametrize("workers", [2, 8])
def test_any_number_of_workers_sends_one_mail_a_product(server, workers):
    skus = [make_product(name="Kit x").internal_sku for _ in range(12)]

    results = at_once(workers, lambda _: inventory_monitor.alert_low_stock(now=NOW))

    assert sum(len(sent) for sent in results) == 12
    assert sorted(str(taken["Subject"]) for taken in server.mails) == [f"Out of stock: {sku} Kit x" for sku in skus]
    assert Notification.objects.filter(status="SENT").count() == Notification.objects.count() == 12
    assert AuditLog.objects.filter(table_name="notifications", action="CREATE").count() == 12


def test_eight_workers_that_try_a_failed_mail_again_send_it_once(server):
    product = make_product()
    server.faults["DATA"] = "554 No"
    inventory_monitor.alert_low_stock(now=NOW)
    server.faults.clear()

    results = at_once(8, lambda _: inventory_monitor.alert_low_stock(now=NOW + timedelta(hours=1)))

    assert [sent[0].product_id for sent in results if sent] == [product.pk]
    assert len(server.mails) == 1


def test_eight_workers_at_the_end_of_the_24_hours_send_one_more(server):
    make_product()
    inventory_monitor.alert_low_stock(now=NOW)

    at_once(8, lambda _: inventory_monitor.alert_low_stock(now=NOW + timedelta(hours=24)))

    assert len(server.mails) == Notification.objects.filter(status="SENT").count() == 2


def test_workers_that_find_nothing_true_any_more_withdraw_it_once(server):
    product = make_product()
    server.faults["DATA"] = "554 No"
    inventory_monitor.alert_low_stock(now=NOW)
    server.faults.clear()
    ledger.receive([ledger.Line(product.pk, 100)], actor=an_admin())

    results = at_once(8, lambda _: inventory_monitor.alert_low_stock(now=NOW + timedelta(hours=1)))

    assert results == [[]] * 8
    assert server.mails == []
    assert AuditLog.objects.filter(table_name="notifications", action="DELETE").count() == 1


def test_goods_are_received_and_sold_while_a_mail_is_on_its_way(server, monkeypatch):
    product = make_product()
    really = emails.send_low_stock

    def send(alert, *, to):
        ledger.receive([ledger.Line(product.pk, 5)], actor=an_admin())
        really(alert, to=to)

    monkeypatch.setattr(emails, "send_low_stock", send)

    assert len(inventory_monitor.alert_low_stock(now=NOW)) == 1
    assert on_hand(product) == 5
