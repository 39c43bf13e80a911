"""Addresses for people with curl, under /fake/. They need no token."""

from __future__ import annotations

import re
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from tests.fake_wise import faults
from tests.fake_wise.answers import Answer, Json, Refusal, Seen, missing, plain, read_json
from tests.fake_wise.clock import seconds

if TYPE_CHECKING:
    from tests.fake_wise.fake import FakeWise

ROOT = "/fake/"
SECOND = timedelta(seconds=1)
MOVE = re.compile(r"/fake/transfers/(\d+)/move")


def answer(wise: FakeWise, call: Seen) -> Answer:
    """Do what the call asks for."""
    try:
        return Answer(HTTPStatus.OK, _done(wise, call))
    except Refusal as refusal:
        return refusal.answer
    except (KeyError, TypeError, ValueError) as error:
        return plain(HTTPStatus.BAD_REQUEST, call, f"{type(error).__name__}: {error}")


def state(wise: FakeWise) -> Json:
    """Return what the fake knows, in short."""
    with wise.lock:
        return {
            "clock": seconds(wise.clock.now()),
            "balances": {currency: str(amount) for currency, amount in wise.balances.items()},
            "recipients": {str(key): one["name"]["fullName"] for key, one in wise.recipients.items()},
            "quotes": {key: quote["status"] for key, quote in wise.quotes.items()},
            "transfers": list(wise.transfers.values()),
            "outbox": [{"due": seconds(one.due), "attempt": one.attempt, "event": one.event} for one in wise.outbox],
            "given_up": len(wise.given_up),
            "faults": [f"{one.method} {one.pattern} {one.fault}" for one in wise.faults],
        }


def _done(wise: FakeWise, call: Seen) -> Json:
    body = read_json(call) if call.body else {}
    asked = (call.method, call.path)
    if asked == ("GET", "/fake/state"):
        return state(wise)
    if asked == ("POST", "/fake/clock"):
        wise.clock.advance(timedelta(seconds=float(body["advance_seconds"])))
        return {"clock": seconds(wise.clock.now())}
    if asked == ("POST", "/fake/faults"):
        wise.fault(body.get("method", "*"), body["path"], *([_fault(body)] * int(body.get("times", 1))))
        return {"faults": len(wise.faults)}
    if asked == ("POST", "/fake/deliver"):
        return {"statuses": wise.deliver(**{name: bool(body.get(name)) for name in ("twice", "reverse", "forged")})}
    return _transfer(wise, call, body)


def _transfer(wise: FakeWise, call: Seen, body: Json) -> Json:
    found = MOVE.fullmatch(call.path)
    if call.method == "POST" and found and int(found[1]) in wise.transfers:
        wise.clock.advance(SECOND)  # so that no two events of one transfer have the same time
        wise.move(int(found[1]), body["state"], notify=bool(body.get("notify", True)))
        return wise.transfers[int(found[1])]
    if (call.method, call.path) == ("POST", "/fake/transfers"):
        return wise.transfers[wise.add_transfer(target_value=str(body.get("target_value", "3000.00")))]
    raise missing(call)


def _fault(body: Json) -> faults.Fault:
    """{"fault": "status", "status": 429, "retry_after": 2, "after_work": true}; or slow, hang, drop, half."""
    kind = body.get("fault", "status")
    made: faults.Fault
    if kind == "status":
        made = faults.Status(int(body["status"]), body.get("retry_after"))
    elif kind == "slow":
        made = faults.Slow(float(body["seconds"]))
    else:
        made = {"hang": faults.Hang, "drop": faults.Drop, "half": faults.Half}[kind]()
    return faults.AfterWork(made) if body.get("after_work") else made
