"""What the pretended Wise knows: profiles, balances, quotes, recipients, transfers, and what will happen when."""

import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count

from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fake_wise import webhooks
from tests.fake_wise.answers import Json
from tests.fake_wise.clock import Clock, parse
from tests.fake_wise.webhooks import Delivery

WAITING = "incoming_payment_waiting"
UNFUNDED = (WAITING, "incoming_payment_initiated", "cancelled")
HAPPY = (WAITING, "processing", "funds_converted", "outgoing_payment_sent")
UNFUNDED_DAYS = 14
USD = "USD"


@dataclass
class Facts:
    """What Wise knows about a transfer and does not say in it."""

    profile: int
    created: datetime
    payments: list[Json] = field(default_factory=list)
    simulated: str = ""

    @property
    def funded(self) -> bool:
        """Whether it has been paid for."""
        return bool(self.payments)


@dataclass(frozen=True, order=True)
class Step:
    """A change of state that is to come."""

    when: datetime
    transfer_id: int
    state: str


class World:
    """The state of the fake. Everything that reads or changes it holds ``lock``."""

    personal_profile_id = 14575282
    user_id = 9889627

    def __init__(self, *, key: str, profile_id: int, clock: Clock, signing_key: rsa.RSAPrivateKey) -> None:
        self.key = key
        self.profile_id = profile_id
        self.clock = clock
        self.signing_key = signing_key
        self.lock = threading.RLock()
        self.transfers: dict[int, Json] = {}
        self.quotes: dict[str, Json] = {}
        self.recipients: dict[int, Json] = {}
        self.subscriptions: dict[str, Json] = {}
        self.facts: dict[int, Facts] = {}
        self.balances = {USD: Decimal("100000.00"), "EUR": Decimal("310.86"), "THB": Decimal("3500000.00")}
        self.outbox: list[Delivery] = []
        self.steps: list[Step] = []
        self.webhook_version = "2.0.0"
        self.subscription_id = str(uuid.uuid4())
        self.tokens: dict[str, bool] = {}  # one-time tokens of SCA: approved by the owner or not yet
        self._set_switches()
        self._ids = {name: count(start) for name, start in FIRST_IDS.items()}

    def _set_switches(self) -> None:
        self.personal_token_limits = False
        self.sca = False
        self.approvals_required = False
        self.swift_our = False
        self.funded_status = 200
        self.notices: list[Json] = []
        self.disabled_pay_ins = {"CREDIT": "payInmethod.disabled.for.business"}

    @property
    def balance(self) -> Decimal:
        """What is in the balance in USD."""
        return self.balances[USD]

    @balance.setter
    def balance(self, amount: Decimal) -> None:
        self.balances[USD] = Decimal(amount)

    @property
    def profile_ids(self) -> tuple[int, int]:
        """The profiles that the key opens: the owner's own and the company's."""
        return self.personal_profile_id, self.profile_id

    def next_id(self, kind: str) -> int:
        """Return a number not used yet for this kind of thing."""
        return next(self._ids[kind])

    def resource(self, transfer_id: int, profile_id: int | None = None) -> Json:
        """Return the three ids by which an event names a transfer."""
        facts, transfer = self.facts.get(transfer_id), self.transfers.get(transfer_id)
        own = facts.profile if facts else self.profile_id
        account = transfer["targetAccount"] if transfer else 0
        return {"id": transfer_id, "profile_id": own if profile_id is None else profile_id, "account_id": account}

    def set_state(self, transfer_id: int, state: str, *, at: datetime, notify: bool = True) -> None:
        """Change the state of a transfer, whatever it was, and queue the webhook that tells it."""
        transfer = self.transfers[transfer_id]
        previous, transfer["status"] = transfer["status"], state
        transfer["hasActiveIssues"] = state == "unknown"
        if notify:
            self.queue(self.state_event(transfer_id, state, previous, occurred_at=at))

    def state_event(
        self,
        transfer_id: int,
        current: str,
        previous: str | None,
        *,
        occurred_at: datetime,
        version: str | None = None,
        profile_id: int | None = None,
    ) -> bytes:
        """Return the body of a transfers#state-change."""
        return webhooks.state_change(
            self.resource(transfer_id, profile_id),
            current,
            previous,
            occurred_at=occurred_at,
            sent_at=max(occurred_at, self.clock.now()),
            version=version or self.webhook_version,
            subscription_id=self.subscription_id,
        )

    def queue(self, body: bytes, *, test: bool = False) -> None:
        """Sign an event; it is due at once."""
        self.outbox.append(Delivery(body, webhooks.headers(self.signing_key, body, test=test), self.clock.now()))

    def settle(self) -> None:
        """Let everything happen that has fallen due by now, in its order."""
        with self.lock:
            now = self.clock.now()
            due = sorted(step for step in (*self.steps, *self._cancellations()) if step.when <= now)
            self.steps = [step for step in self.steps if step.when > now]
            for step in due:
                self.set_state(step.transfer_id, step.state, at=step.when)
            for quote in self.quotes.values():
                if quote["status"] == "PENDING" and parse(quote["expirationTime"]) <= now:
                    quote["status"] = "EXPIRED"

    def _cancellations(self) -> Iterator[Step]:
        """Transfers that nobody pays for, each with the moment in which Wise gives up."""
        for transfer_id, facts in self.facts.items():
            if self.transfers[transfer_id]["status"] == WAITING and not facts.funded:
                yield Step(facts.created + timedelta(days=UNFUNDED_DAYS), transfer_id, "cancelled")


FIRST_IDS = {"transfer": 49983981, "recipient": 14124090, "payment": 50000000, "balance": 200001, "topup": 5}
