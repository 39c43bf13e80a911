"""What Wise answers, read with bounds: unknown fields and unknown words pass, wrong types and odd amounts do not.

Shapes: the OpenAPI description at https://docs.wise.com/api-reference, read in 2026.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, AliasChoices, AliasPath, BeforeValidator, Field, TypeAdapter, ValidationError

from core import cleaning
from purchasing.wise.errors import nonsense

Kind = TypeVar("Kind")
_NUMBER = re.compile(r"\d{1,20}(\.\d{1,18})?", re.ASCII)
_DIGITS = re.compile(r"\d{1,18}", re.ASCII)
_LIMIT = Decimal(10) ** 13
_MAX_TEXT = 200
_MAX_ITEMS = 500
_YEARS = range(2000, 2200)


def digits(value: object) -> str:
    """Return an id as its digits; Wise writes it as number or text. Raises ValueError for anything else."""
    text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    if not _DIGITS.fullmatch(text):
        raise ValueError("An id of up to 18 digits is needed.")
    return text


def number(value: object) -> Decimal:
    """Return an amount or a rate, from a number or its digits: not negative, below 10 trillion. Raises ValueError."""
    if isinstance(value, Decimal) and value.is_finite() and -18 <= value.adjusted() <= 18:
        value = format(value, "f")
    text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    if not _NUMBER.fullmatch(text) or Decimal(text) >= _LIMIT:
        raise ValueError("A plain amount is needed.")
    return Decimal(text)


def moment(value: object) -> datetime:
    """Return a time in UTC. Without a zone it is UTC already, as in ``created``. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError("A time is needed.")
    found = datetime.fromisoformat(value)
    if found.year not in _YEARS:
        raise ValueError("A time of this age is needed.")
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _words(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError("A text is needed.")
    return cleaning.text(value[:_MAX_TEXT])


def _word(value: object) -> str:
    """Return a word of Wise's vocabulary, which may grow."""
    text = _words(value)
    if len(text) > 64:
        raise ValueError("A word is needed.")
    return text


def _some(text: str) -> str:
    if not text:
        raise ValueError("This cannot be empty.")
    return text


def _identifier(value: object) -> str:
    text = _words(value)
    if not re.fullmatch(r"[\w-]{0,64}", text, re.ASCII):
        raise ValueError("An id is needed.")
    return text


def _or_none(value: Any) -> Any:
    return None if value in (None, "") else value


def _blocking(notices: object) -> list[str]:
    if not isinstance(notices, list) or len(notices) > _MAX_ITEMS:
        raise ValueError("A list of notices is needed.")
    return [_words(notice.get("text")) or "no reason given" for notice in notices if _blocks(notice)]


def _blocks(notice: object) -> bool:
    return isinstance(notice, dict) and notice.get("type") == "BLOCKED"


def _reason(value: object) -> str:
    return _words(value.get("message") or value.get("code")) if isinstance(value, dict) else _words(value)


def _at(*names: str | AliasPath) -> Any:
    return Field(validation_alias=AliasChoices(*names))


def _maybe(default: object, *names: str | AliasPath) -> Any:
    return Field(validation_alias=AliasChoices(*names), default=default)


_Id = Annotated[str, BeforeValidator(digits)]
_Uuid = Annotated[str, BeforeValidator(_identifier)]
_Number = Annotated[Decimal, BeforeValidator(number)]
_Moment = Annotated[datetime, BeforeValidator(moment)]
_MaybeMoment = Annotated[_Moment | None, BeforeValidator(_or_none)]
_MaybeNumber = Annotated[_Number | None, BeforeValidator(_or_none)]
_Word = Annotated[str, BeforeValidator(_word)]
_Words = Annotated[str, BeforeValidator(_words)]
_State = Annotated[_Word, AfterValidator(_some)]
_Currency = Annotated[str, Field(pattern="^[A-Z]{3}$")]
_Flag = Annotated[bool, Field(strict=True), BeforeValidator(lambda value: False if value is None else value)]
_Texts = Annotated[tuple[str, ...], BeforeValidator(_blocking)]


@dataclass(frozen=True)
class Profile:
    """Whom the money belongs to: PERSONAL or BUSINESS, of which there may be several."""

    id: Annotated[int, BeforeValidator(lambda value: int(digits(value))), _at("id")]
    type: Annotated[_State, _at("type")]
    name: Annotated[_Words, _maybe("", "fullName", "businessName", AliasPath("details", "name"), "firstName")]


@dataclass(frozen=True)
class PaymentOption:
    """One way to pay for a quote and what it costs; ``fee`` is in ``fee_currency`` and within ``source_amount``."""

    pay_in: Annotated[_State, _at("payIn")]
    pay_out: Annotated[_State, _at("payOut")]
    fee: Annotated[_Number, _at(AliasPath("price", "total", "value", "amount"), AliasPath("fee", "total"))]
    fee_currency: Annotated[_Currency, _at(AliasPath("price", "total", "value", "currency"), "sourceCurrency")]
    source_amount: Annotated[_Number, _at("sourceAmount")]
    target_amount: Annotated[_Number, _at("targetAmount")]
    estimated_delivery: Annotated[_MaybeMoment, _maybe(None, "estimatedDelivery")]
    disabled: Annotated[_Flag, _maybe(False, "disabled")]
    disabled_reason: Annotated[str, BeforeValidator(_reason), _maybe("", "disabledReason")]


_OPTION = TypeAdapter(PaymentOption)


def _options(value: object) -> list[PaymentOption]:
    """Read the options; one that is disabled anyway may lack its figures, and is left out."""
    if not isinstance(value, list) or len(value) > _MAX_ITEMS:
        raise ValueError("A list of options is needed.")
    read = []
    for option in value:
        try:
            read.append(_OPTION.validate_python(option))
        except ValidationError:
            if not (isinstance(option, dict) and option.get("disabled") is True):
                raise ValueError("An option cannot be read.") from None
    return read


@dataclass(frozen=True)
class Quote:
    """A rate and its fees, good until ``expires_at`` and for one transfer; not at all when something is ``blocked``."""

    id: Annotated[_Uuid, AfterValidator(_some), _at("id")]
    source_currency: Annotated[_Currency, _at("sourceCurrency")]
    target_currency: Annotated[_Currency, _at("targetCurrency")]
    rate: Annotated[_MaybeNumber, _maybe(None, "rate")]
    pay_out: Annotated[_Word, _maybe("", "payOut")]
    status: Annotated[_Word, _maybe("", "status")]
    expires_at: Annotated[_MaybeMoment, _maybe(None, "expirationTime")]
    options: Annotated[tuple[PaymentOption, ...], BeforeValidator(_options), _maybe((), "paymentOptions")]
    blocked: Annotated[_Texts, _maybe((), "notices")]

    def option(self, pay_in: str = "BALANCE") -> PaymentOption | None:
        """Return the option of this pay-in that pays out as the quote does, an enabled one if there is any."""
        fitting = [option for option in self.options if (option.pay_in, option.pay_out) == (pay_in, self.pay_out)]
        return min(fitting, key=lambda option: option.disabled, default=None)


@dataclass(frozen=True)
class Transfer:
    """One transfer. ``state`` may be a word nobody has heard of; ``source_amount`` may be 0 before it is funded."""

    id: Annotated[_Id, _at("id")]
    state: Annotated[_State, _at("status")]
    recipient_id: Annotated[_Id, _at("targetAccount")]
    quote_id: Annotated[_Uuid, _maybe("", "quoteUuid")]
    source_currency: Annotated[_Currency, _at("sourceCurrency")]
    source_amount: Annotated[_Number, _at("sourceValue")]
    target_currency: Annotated[_Currency, _at("targetCurrency")]
    target_amount: Annotated[_Number, _at("targetValue")]
    customer_transaction_id: Annotated[_Uuid, _maybe("", "customerTransactionId")]
    reference: Annotated[_Words, _maybe("", AliasPath("details", "reference"), "reference")]
    created_at: Annotated[_MaybeMoment, _maybe(None, "created")]
    has_active_issues: Annotated[_Flag, _maybe(False, "hasActiveIssues")]


@dataclass(frozen=True)
class Recipient:
    """A bank account that Wise can pay out to."""

    id: Annotated[_Id, _at("id")]
    currency: Annotated[_Currency, _at("currency")]
    type: Annotated[_Word, _maybe("", "type")]
    holder: Annotated[_Words, _maybe("", AliasPath("name", "fullName"), "accountHolderName")]
    is_active: Annotated[_Flag, _maybe(True, "active")]


@dataclass(frozen=True)
class Funding:
    """What became of a payment into a transfer. Refusals come with HTTP 200 as well, so only the status counts."""

    status: Annotated[_State, _at("status")]
    error_code: Annotated[_Words, _maybe("", "errorCode")]

    @property
    def completed(self) -> bool:
        """Whether the transfer is paid for."""
        return self.status == "COMPLETED"


@dataclass(frozen=True)
class Delivery:
    """When the money is expected to arrive."""

    at: Annotated[_MaybeMoment, _maybe(None, "estimatedDeliveryDate")]


PROFILES = TypeAdapter(Annotated[list[Profile], Field(max_length=_MAX_ITEMS)])
QUOTE = TypeAdapter(Quote)
TRANSFER = TypeAdapter(Transfer)
TRANSFERS = TypeAdapter(Annotated[list[Transfer], Field(max_length=_MAX_ITEMS)])
RECIPIENT = TypeAdapter(Recipient)
FUNDING = TypeAdapter(Funding)
DELIVERY = TypeAdapter(Delivery)
REQUIREMENTS = TypeAdapter(Annotated[list[dict[str, object]], Field(max_length=_MAX_ITEMS)])


def read(kind: TypeAdapter[Kind], answer: object) -> Kind:
    """Return ``answer`` as this kind. Raises Unreachable when it cannot be one, naming the place and not the value."""
    try:
        return kind.validate_python(answer)
    except ValidationError as error:
        place = ".".join(str(step) for step in error.errors(include_input=False)[0]["loc"])[:80]
    del answer  # nor shall it hang on the error, or on a traceback that shows local variables
    raise nonsense(place or "not what was asked for")
