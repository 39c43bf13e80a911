"""The fake as tests hold it: start it, change what it knows, look at what it was asked."""

from datetime import datetime
from decimal import Decimal
from threading import Event
from types import TracebackType
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fake_wise import control, quotes, recipients, routes, transfers, webhooks
from tests.fake_wise.answers import Answer, Seen
from tests.fake_wise.clock import Clock
from tests.fake_wise.faults import Fault, Planned, made
from tests.fake_wise.server import Server
from tests.fake_wise.webhooks import Delivery
from tests.fake_wise.world import UNFUNDED, USD, World


class FakeWise(World):
    """A pretended Wise on 127.0.0.1. Its clock stands still until it is advanced.

    ``key`` opens two profiles: ``profile_id``, of the company, and ``personal_profile_id``.
    ``webhook_url`` is where ``deliver`` sends its events.
    """

    def __init__(
        self,
        *,
        key: str = "personal-token",
        profile_id: int = 16055450,
        clock: Clock | None = None,
        webhook_url: str = "",
        signing_key: rsa.RSAPrivateKey | None = None,
    ) -> None:
        signing_key = signing_key or webhooks.own_key()
        super().__init__(key=key, profile_id=profile_id, clock=clock or Clock(), signing_key=signing_key)
        self.webhook_url = webhook_url
        self.webhook_timeout = webhooks.ANSWER_WITHIN
        self.base = ""
        self.requests: list[Seen] = []
        self.faults: list[Planned] = []
        self.given_up: list[Delivery] = []
        self._stopping = Event()
        self._server: Server | None = None
        self.clock.watch(self.settle)

    def start(self, port: int = 0) -> Self:
        """Listen on this port of 127.0.0.1, or on a free one; ``base`` says where."""
        self._stopping.clear()
        self._server = Server(port, self._respond)
        self.base = self._server.base
        return self

    def stop(self) -> None:
        """Stop listening, and end every connection that hangs."""
        self._stopping.set()
        if self._server is not None:
            self._server.stop()
            self._server = None

    def __enter__(self) -> Self:
        return self if self._server is not None else self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def public_key_pem(self) -> str:
        """The key that verifies its webhooks, in PEM."""
        return webhooks.public_pem(self.signing_key)

    @property
    def public_key_line(self) -> str:
        """The same as one line of base64 (DER)."""
        return webhooks.public_line(self.signing_key)

    def add_recipient(self, *, holder: str = "Shenzhen Toys", currency: str = USD, type: str = "swift_code") -> int:
        """Add a recipient of the company and return its id."""
        address = {"country": "CN", "city": "Shenzhen", "firstLine": "1 Factory Road", "postCode": "518000"}
        details = {"legalType": "BUSINESS", "accountNumber": "6222021234567890", "address": address}
        details["swiftCode" if type == "swift_code" else "bankCode"] = "ICBKCNBJSZN"
        body = {"accountHolderName": holder, "currency": currency, "type": type, "details": details}
        with self.lock:
            return int(recipients.made(self, self.profile_id, body)["id"])

    def add_transfer(
        self, *, target_value: str = "3000.00", state: str = "incoming_payment_waiting", **fields: Any
    ) -> int:
        """Add a transfer made in Wise's own pages, with its quote, and return its id. Queues no webhook.

        ``fields`` replace those of the answer; ``profile`` makes it another profile's.
        """
        profile = int(fields.pop("profile", self.profile_id))
        currency = fields.get("targetCurrency", USD)
        with self.lock:
            recipient = fields.pop("targetAccount", None)
            if recipient is None:
                recipient = self.add_recipient(currency=currency)
                self.recipients[recipient]["profileId"] = profile
            asked = {
                "sourceCurrency": fields.get("sourceCurrency", USD),
                "targetCurrency": currency,
                "targetAmount": target_value,
                "targetAccount": recipient,
            }
            quote = quotes.made(self, profile, asked)
            transfer = transfers.made(self, quote, recipient, fields)
            self.outbox.pop()
            self.move(transfer["id"], state, notify=False)
            transfer.update(fields)
            return int(transfer["id"])

    def move(self, transfer_id: int, state: str, *, notify: bool = True) -> None:
        """Bring a transfer into any state, also back, also one nobody has heard of. Beyond waiting it is paid for."""
        with self.lock:
            transfer = self.transfers[transfer_id]
            if state not in UNFUNDED and not self.facts[transfer_id].funded:
                transfers.paid(self, transfer, "BANK_TRANSFER")
            self.set_state(transfer_id, state, at=self.clock.now(), notify=notify)

    def fault(self, method: str, path_pattern: str, *faults: Fault | type[Fault]) -> None:
        """Let the next matching requests fail like this, one after the other.

        The pattern is a path as in /v1/transfers/{id}, with stars or a regular expression; without a leading slash it
        is a regular expression to find in the path. ``method`` may be ``*``.
        """
        with self.lock:
            self.faults += [Planned(method, path_pattern, made(fault)) for fault in faults]

    def approve(self, token: str) -> None:
        """Do what the owner does in the app: allow the request of this one-time token."""
        self.tokens[token] = True

    def fail_payout(self, transfer_id: int, code: str = "WRONG_ACCOUNT_NUMBER") -> None:
        """Queue a transfers#payout-failure. The state of the transfer stays."""
        with self.lock:
            now, profile = self.clock.now(), self.facts[transfer_id].profile
            envelope = {"occurred_at": now, "sent_at": now, "version": "2.0.0", "subscription_id": self.subscription_id}
            self.queue(webhooks.payout_failure(transfer_id, profile, code, "Payout failed", **envelope))

    def refund(self, transfer_id: int, amount: str, currency: str = USD) -> None:
        """Give this much back to the balance and queue a transfers#refund. The state of the transfer stays."""
        with self.lock:
            now = self.clock.now()
            envelope = {"occurred_at": now, "sent_at": now, "version": "1.0.0", "subscription_id": self.subscription_id}
            self.balances[currency] += Decimal(amount)
            self.queue(webhooks.refund(self.resource(transfer_id), Decimal(amount), currency, **envelope))

    def send_test(self) -> None:
        """Queue a test notification: every id is 0."""
        with self.lock:
            body = self.event(0, "processing", "incoming_payment_waiting", occurred_at=self.clock.now(), profile_id=0)
            self.queue(body, test=True)

    def deliver(self, *, twice: bool = False, reverse: bool = False, forged: bool = False) -> list[int]:
        """POST what is due to ``webhook_url`` and return the statuses, 0 where no answer came within 5 seconds.

        What is not answered with 2xx goes back into the outbox, to be tried again later. ``forged`` sends copies with
        a signature by another key, and leaves the outbox as it is: that is not Wise.
        """
        with self.lock:
            due = [delivery for delivery in self.outbox if delivery.due <= self.clock.now()]
            if not forged:
                self.outbox = [delivery for delivery in self.outbox if delivery not in due]
        order = due[::-1] if reverse else due
        if forged:
            order = [self._forged(delivery) for delivery in order]
        order = [delivery for delivery in order for _ in range(2 if twice else 1)]
        statuses = webhooks.post(self.webhook_url, order, timeout=self.webhook_timeout)
        if not forged:
            accepted = [d for d, status in zip(order, statuses, strict=True) if 200 <= status < 300]
            self._postpone([delivery for delivery in due if delivery not in accepted])
        return statuses

    def signed(self, body: bytes, *, test: bool = False) -> dict[str, str]:
        """Return the headers with which Wise would send this body."""
        return webhooks.headers(self.signing_key, body, test=test)

    def event(
        self,
        transfer_id: int,
        current: str,
        previous: str | None,
        *,
        occurred_at: datetime,
        version: str = "2.0.0",
        profile_id: int | None = None,
    ) -> bytes:
        """Return the body of a transfers#state-change, in either schema, about any transfer."""
        return self.state_event(
            transfer_id, current, previous, occurred_at=occurred_at, version=version, profile_id=profile_id
        )

    def _forged(self, delivery: Delivery) -> Delivery:
        signature = webhooks.headers(webhooks.forgers_key(), delivery.body)
        return Delivery(delivery.body, {**delivery.headers, **signature}, delivery.due)

    def _postpone(self, failed: list[Delivery]) -> None:
        with self.lock:
            for delivery in failed:
                wait = webhooks.retry_after(delivery.attempt)
                if wait is None:
                    self.given_up.append(delivery)
                    continue
                delivery.due, delivery.attempt = self.clock.now() + wait, delivery.attempt + 1
                self.outbox.append(delivery)

    def _respond(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes
    ) -> Answer | None:
        call = Seen(method, path, query, headers, body, self.clock.now())
        if path.startswith(control.ROOT):
            return control.answer(self, call)
        with self.lock:
            self.requests.append(call)
            planned = self._next_fault(call)
        if planned is None:
            return routes.answer(self, call)
        return planned.play(call, lambda: routes.answer(self, call), self._stopping)

    def _next_fault(self, call: Seen) -> Fault | None:
        for planned in self.faults:
            if planned.fits(call.method, call.path, *routes.legacy_paths(call.path)):
                self.faults.remove(planned)
                return planned.fault
        return None
