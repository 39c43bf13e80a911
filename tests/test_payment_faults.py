"""Faults around payments: what repeats a number, a queue that is down, a length that is none, a status said by hand."""

import json

import pytest
from django.test import Client
from kombu.exceptions import OperationalError

from purchasing import tasks
from purchasing.models import WiseEvent
from purchasing.services import payments, tracking
from tests.browser import signed_in
from tests.fake_wise import Body
from tests.test_payment_rules import NUMBER, make_recipient
from tests.test_wise_rules import (
    NOW,
    _noon,
    account,
    ask_wise,
    linked,
    now_is,
    order,
    transfer,
    unknown_account,
)

__all__ = ["_noon", "account", "linked", "order", "transfer", "unknown_account"]


@pytest.mark.abuse("DATA-01")
@pytest.mark.parametrize("told", [NUMBER, " ".join(NUMBER[i : i + 4] for i in range(0, 16, 4))])
def test_a_refusal_of_wise_that_repeats_the_number_does_not_show_it(client_api, unknown_account, fake_wise, told):
    words = {"code": "NOT_VALID", "message": f"{told} is no valid account number", "path": "accountNumber"}
    fake_wise.fault("POST", "/v1/accounts", Body(400, json.dumps({"errors": [words]}).encode(), {}))

    answer = make_recipient(client_api, unknown_account)

    assert answer.status_code == 400
    assert told not in answer.content.decode()
    assert "is no valid account number" in answer.json()["detail"]


@pytest.mark.parametrize("error", [OSError("no queue"), OperationalError("no broker")])
def test_a_queue_that_is_down_is_told_in_the_office(admin, linked, fake_wise, monkeypatch, error):
    def down(*args, **options):
        raise error

    monkeypatch.setattr(tasks.read_transfer, "delay", down)

    assert ask_wise(signed_in(admin), linked).status_code == 200
    assert fake_wise.requests == []


@pytest.mark.parametrize("length", ["-1", "", "9" * 5_000])
def test_a_length_that_is_none_opens_nothing_and_breaks_nothing(db, length):
    answer = Client().post("/webhooks/wise", b"{}", content_type="application/json", CONTENT_LENGTH=length)

    assert answer.status_code in (401, 413)
    assert not WiseEvent.objects.exists()


def test_a_status_said_while_a_transfer_is_taken_away_is_kept(client_api, linked, transfer, fake_wise):
    fake_wise.move(transfer, "outgoing_payment_sent")
    tracking.read(linked.pk, now=NOW)
    body = {"wise_transfer_id": "", "status": "DELIVERED", "amount_received": 3000}

    told = client_api.patch(f"/api/payments/{linked.pk}", body, format="json").json()

    assert (told["status"], told["amount_received"], told["wise_transfer_id"]) == ("DELIVERED", 3000, "")


def test_the_old_status_is_not_taken_over_to_another_transfer(admin, linked, transfer, fake_wise):
    fake_wise.move(transfer, "outgoing_payment_sent")
    tracking.read(linked.pk, now=NOW)

    payments.update(linked.pk, wise_transfer_id="4711", status="DELIVERED", actor=admin)

    assert (now_is(linked).status, linked.amount_received) == ("PENDING", None)
