"""The events that Wise sends, how it signs them, and when it tries again.

docs.wise.com/guides/developer/webhooks: at most 25 tries over two weeks, an answer is due within 5 seconds.
"""

import base64
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.fake_wise.answers import Json, number
from tests.fake_wise.clock import milliseconds, seconds, with_colon

STATE_CHANGE = "transfers#state-change"
PAYOUT_FAILURE = "transfers#payout-failure"
REFUND = "transfers#refund"
ANSWER_WITHIN = 5.0
MOST_TRIES = 25
DOUBLING_TRIES = 11
NO_ANSWER = 0


@dataclass
class Delivery:
    """A signed event on its way. ``attempt`` is the number of the next try, from 1."""

    body: bytes
    headers: dict[str, str]
    due: datetime
    attempt: int = 1

    @property
    def event(self) -> Json:
        """The body, read."""
        event: Json = json.loads(self.body)
        return event


@cache
def own_key() -> rsa.RSAPrivateKey:
    """Return the key of every fake in this process; making one takes long."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def forgers_key() -> rsa.RSAPrivateKey:
    """Return a key that nobody trusts."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_pem(key: rsa.RSAPrivateKey) -> str:
    """Return the public half in PEM."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def public_line(key: rsa.RSAPrivateKey) -> str:
    """Return the public half as one line of base64 (DER), fit for an environment."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return base64.b64encode(key.public_key().public_bytes(serialization.Encoding.DER, form)).decode()


def headers(key: rsa.RSAPrivateKey, body: bytes, *, test: bool = False) -> dict[str, str]:
    """Return the headers of a delivery: PKCS#1 v1.5 with SHA-256 over the raw body, and an id of its own."""
    signature = key.sign(body, padding.PKCS1v15(), hashes.SHA256())
    made = {
        "Content-Type": "application/json",
        "X-Signature-SHA256": base64.b64encode(signature).decode(),
        "X-Delivery-Id": str(uuid.uuid4()),
    }
    return made | ({"X-Test-Notification": "true"} if test else {})


def state_change(resource: Json, current: str, previous: str | None, **envelope: Any) -> bytes:
    """A transfer has another state. ``resource`` names it; the rest goes to the envelope."""
    write = milliseconds if envelope["version"] == "4.0.0" else seconds
    data = {
        "resource": {"type": "transfer", **resource},
        "current_state": current,
        "previous_state": previous,
        "occurred_at": write(envelope["occurred_at"]),
    }
    return _enveloped(STATE_CHANGE, data, **envelope)


def payout_failure(transfer_id: int, profile_id: int, code: str, description: str, **envelope: Any) -> bytes:
    """The recipient's bank refused. No ``resource`` here, and another way to write the time."""
    data = {
        "transfer_id": transfer_id,
        "profile_id": profile_id,
        "failure_reason_code": code,
        "failure_description": description,
        "occurred_at": with_colon(envelope["occurred_at"]),
    }
    return _enveloped(PAYOUT_FAILURE, data, **envelope)


def refund(resource: Json, amount: Decimal, currency: str, **envelope: Any) -> bytes:
    """Money came back. The shape is the one that the tests of opencollective/opencollective-api use."""
    resource = {**resource, "type": "transfer", "refund_amount": number(amount), "refund_currency": currency}
    data = {"resource": resource, "occurred_at": seconds(envelope["occurred_at"])}
    return _enveloped(REFUND, data, **envelope)


def _enveloped(
    event_type: str, data: Json, *, version: str, subscription_id: str, occurred_at: datetime, sent_at: datetime
) -> bytes:
    write = milliseconds if version == "4.0.0" else seconds
    event = {
        "data": data,
        "subscription_id": subscription_id,
        "event_type": event_type,
        "schema_version": version,
        "sent_at": write(sent_at),
    }
    return json.dumps(event, separators=(",", ":")).encode()


def retry_after(tries: int) -> timedelta | None:
    """Return how long Wise waits after so many failed tries; None once it has given up."""
    if tries >= MOST_TRIES:
        return None
    return timedelta(minutes=2 ** (tries - 1)) if tries <= DOUBLING_TRIES else timedelta(days=1)


def post(url: str, deliveries: Sequence[Delivery], *, timeout: float) -> list[int]:
    """Send these in this order and return the statuses, 0 where no answer came in time."""
    with httpx.Client(timeout=timeout, trust_env=False, follow_redirects=False) as client:
        return [_post(client, url, delivery) for delivery in deliveries]


def _post(client: httpx.Client, url: str, delivery: Delivery) -> int:
    try:
        return client.post(url, content=delivery.body, headers=delivery.headers).status_code
    except httpx.HTTPError:
        return NO_ANSWER
