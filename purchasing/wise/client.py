"""What Godown asks of Wise.

Endpoints: https://docs.wise.com/api-reference, read in 2026. A personal token may be refused quotes, recipients,
requirements and delivery estimates: NotPermitted then means just that call.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from types import TracebackType
from typing import TypeVar
from uuid import UUID

import httpx

from purchasing.wise import answers
from purchasing.wise.answers import Funding, Profile, Quote, Recipient, Transfer
from purchasing.wise.calls import Call, Line, quoted
from purchasing.wise.errors import RateLimited, UnknownToWise, Unreachable, nonsense

Kind = TypeVar("Kind")
_PAGE = 100
_MAX_PAGES = 100
_QUOTES = "/v3/profiles/{profile_id}/quotes"
_TRANSFER = "/v1/transfers/{transfer_id}"


class Wise:
    """Wise's API with one key. Every method raises WiseError; close it, or use it in a ``with``.

    ``timeout`` is what one attempt may take over all, in seconds. A call makes at most ``attempts`` of them, with
    pauses in between (``sleep``); it waits as Wise asks when that is at most ``max_wait`` seconds. What is not safe to
    repeat, funding and making a recipient, is asked once. ``prefix`` is a version such as ``/2026Q3``, in place of
    the legacy ``/v1``, or a path before it.

    Raises ValueError for a key or an address that cannot be one.
    """

    def __init__(
        self,
        *,
        key: str,
        base: str,
        prefix: str = "",
        timeout: float = 10,
        attempts: int = 3,
        max_wait: float = 20,
        sleep: Callable[[float], None] = time.sleep,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._line = Line(
            key=key,
            base=base,
            prefix=prefix,
            timeout=timeout,
            attempts=attempts,
            max_wait=max_wait,
            sleep=sleep,
            transport=transport,
        )

    def __enter__(self) -> "Wise":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Wise {self._line!r}>"

    def close(self) -> None:
        """Close the connections."""
        self._line.close()

    def profiles(self) -> list[Profile]:
        """Return the profiles of the key's owner."""
        return answers.read(answers.PROFILES, self._line.ask(Call("GET", "/v2/profiles")))

    def create_quote(
        self,
        profile_id: int,
        *,
        source_currency: str,
        target_currency: str,
        target_amount: Decimal | None = None,
        source_amount: Decimal | None = None,
        recipient_id: str = "",
        pay_in: str = "BALANCE",
    ) -> Quote:
        """Ask for rate and fees of exactly one amount: what leaves, or what arrives. Raises ValueError for two or none.

        Asked again after a fault it may leave a second quote behind, which binds nobody.
        """
        amounts = {"targetAmount": target_amount, "sourceAmount": source_amount}
        given = {name: amount for name, amount in amounts.items() if amount is not None}
        if len(given) != 1 or not all(amount.is_finite() and amount > 0 for amount in given.values()):
            raise ValueError("A quote is for exactly one positive amount.")
        body: dict[str, object] = {
            "sourceCurrency": source_currency,
            "targetCurrency": target_currency,
            "preferredPayIn": pay_in,
            **given,
        }
        if recipient_id:
            body["targetAccount"] = _number(recipient_id)
        call = Call("POST", _QUOTES, {"profile_id": profile_id}, body=body)
        return answers.read(answers.QUOTE, self._line.ask(call))

    def quote(self, profile_id: int, quote_id: str) -> Quote:
        """Return the quote as it stands."""
        return self._quote("GET", profile_id, quote_id)

    def set_recipient(self, profile_id: int, quote_id: str, recipient_id: str) -> Quote:
        """Say whom the quote is for; fees and way of paying out change with it."""
        return self._quote("PATCH", profile_id, quote_id, body={"targetAccount": _number(recipient_id)})

    def recipient_requirements(
        self, quote_id: str, details: Mapping[str, object] | None = None
    ) -> list[dict[str, object]]:
        """Return the fields that a recipient for this quote needs, given what is known of it already (the body)."""
        call = Call(
            "GET" if details is None else "POST",
            "/v1/quotes/{quote_id}/account-requirements",
            {"quote_id": quoted(quote_id)},
            body=None if details is None else dict(details),
            headers={"Accept-Minor-Version": "1"},
        )
        return answers.read(answers.REQUIREMENTS, self._line.ask(call))

    def create_recipient(
        self, profile_id: int, *, currency: str, type: str, holder: str, details: Mapping[str, object]
    ) -> Recipient:
        """Make a recipient. Never repeated: after Unreachable there may be one."""
        body = {
            "profile": profile_id,
            "currency": currency,
            "type": type,
            "accountHolderName": holder,
            "details": dict(details),
        }
        call = Call("POST", "/v1/accounts", body=body, is_repeatable=False)
        return answers.read(answers.RECIPIENT, self._line.ask(call))

    def recipient(self, recipient_id: str) -> Recipient:
        """Return the recipient."""
        call = Call("GET", "/v1/accounts/{recipient_id}", {"recipient_id": _number(recipient_id)})
        found = answers.read(answers.RECIPIENT, self._line.ask(call))
        return _the_same(found, found.id, recipient_id)

    def transfer_requirements(
        self, *, recipient_id: str, quote_id: str, details: Mapping[str, object] | None = None
    ) -> list[dict[str, object]]:
        """Return the fields that a transfer for this recipient and quote needs."""
        body = {"targetAccount": _number(recipient_id), "quoteUuid": quoted(quote_id), "details": dict(details or {})}
        call = Call("POST", "/v1/transfer-requirements", body=body)
        return answers.read(answers.REQUIREMENTS, self._line.ask(call))

    def create_transfer(
        self, *, recipient_id: str, quote_id: str, customer_transaction_id: UUID, reference: str
    ) -> Transfer:
        """Make the transfer of ``customer_transaction_id``, or return the one that was made with it before."""
        body = {
            "targetAccount": _number(recipient_id),
            "quoteUuid": quoted(quote_id),
            "customerTransactionId": customer_transaction_id,
            "details": {"reference": reference},
        }
        made = answers.read(answers.TRANSFER, self._line.ask(Call("POST", "/v1/transfers", body=body)))
        told = made.customer_transaction_id
        return _the_same(made, told, str(customer_transaction_id)) if told else made

    def transfer(self, transfer_id: str) -> Transfer:
        """Return the transfer as it stands."""
        return self._transfer("GET", _TRANSFER, transfer_id)

    def cancel(self, transfer_id: str) -> Transfer:
        """Cancel the transfer. Raises RefusedByWise when it is too late for that."""
        return self._transfer("PUT", f"{_TRANSFER}/cancel", transfer_id)

    def transfers(
        self,
        profile_id: int,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        states: Sequence[str] = (),
    ) -> Iterator[Transfer]:
        """Yield the transfers of the profile that were created in this time and are in one of ``states``, each once.

        Raises Unreachable when Wise goes on for more than 10,000 of them, or repeats itself.
        """
        query = {"profile": str(profile_id), "limit": str(_PAGE)}
        query |= {"createdDateStart": _stamp(since)} if since else {}
        query |= {"createdDateEnd": _stamp(until)} if until else {}
        query |= {"status": ",".join(states)} if states else {}
        seen: set[str] = set()
        for page in range(_MAX_PAGES):
            call = Call("GET", "/v1/transfers", query={**query, "offset": str(page * _PAGE)})
            found = answers.read(answers.TRANSFERS, self._line.ask(call))
            fresh = {transfer.id: transfer for transfer in found if transfer.id not in seen}
            yield from fresh.values()
            seen |= fresh.keys()
            if len(found) < _PAGE:
                return
            if not fresh:
                raise nonsense("a page that repeats the ones before")
        raise nonsense(f"more than {_MAX_PAGES * _PAGE:,} transfers")

    def fund(self, profile_id: int, transfer_id: str) -> Funding:
        """Pay for the transfer from the balance. Done only when the answer is ``completed``; refusals are answers too.

        Never repeated. After Unreachable nobody knows whether it was paid; read the transfer before funding it again.
        RateLimited means that it was not.
        """
        call = Call(
            "POST",
            "/v3/profiles/{profile_id}/transfers/{transfer_id}/payments",
            {"profile_id": profile_id, "transfer_id": _number(transfer_id)},
            body={"type": "BALANCE"},
            is_repeatable=False,
        )
        try:
            return answers.read(answers.FUNDING, self._line.ask(call))
        except RateLimited:
            raise
        except Unreachable as error:
            told = f"{error.message} Whether transfer {transfer_id} is funded is unknown: look before trying again."
            raise Unreachable(told, status=error.status, codes=error.codes, trace_id=error.trace_id) from None

    def delivery_estimate(self, transfer_id: str, *, time_zone: str) -> datetime | None:
        """Return when the money is expected to arrive, if Wise knows; ``time_zone`` as in "Asia/Bangkok"."""
        path, ids = "/v1/delivery-estimates/{transfer_id}", {"transfer_id": _number(transfer_id)}
        call = Call("GET", path, ids, query={"timezone": time_zone})
        return answers.read(answers.DELIVERY, self._line.ask(call)).at

    def _quote(self, method: str, profile_id: int, quote_id: str, body: object = None) -> Quote:
        ids: dict[str, str | int] = {"profile_id": profile_id, "quote_id": quoted(quote_id)}
        headers = {} if body is None else {"Content-Type": "application/merge-patch+json"}
        call = Call(method, f"{_QUOTES}/{{quote_id}}", ids, body=body, headers=headers)
        found = answers.read(answers.QUOTE, self._line.ask(call))
        return _the_same(found, found.id, quote_id)

    def _transfer(self, method: str, path: str, transfer_id: str) -> Transfer:
        call = Call(method, path, {"transfer_id": _number(transfer_id)})
        found = answers.read(answers.TRANSFER, self._line.ask(call))
        return _the_same(found, found.id, transfer_id)


def _number(text: str) -> int:
    """Return an id as Wise writes it. Raises UnknownToWise for what cannot be one, without asking."""
    try:
        return int(answers.digits(text))
    except ValueError:
        pass
    raise UnknownToWise("An id at Wise is a number of up to 18 digits.")


def _the_same(found: Kind, told: str, asked: str) -> Kind:
    """Refuse an answer about something else than what was asked for."""
    if told.lstrip("0").lower() != asked.lstrip("0").lower():
        raise nonsense("another one than was asked for")
    return found


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
