"""The settings that the office may change while Godown runs: their keys, and what they say now.

They are stored as text, one row a key that was ever changed; a key without a row has its default. A stored text that
is not valid (somebody wrote it past the operations) is told in the log, and the default holds.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from planning.errors import BadSetting
from planning.models import Setting

log = logging.getLogger("godown.planning")

Value = Decimal | int | str
_SHAPES = {
    "decimal": re.compile(r"[0-9]{1,3}(\.[0-9]{1,4})?"),
    "integer": re.compile(r"[0-9]{1,4}"),
    "country": re.compile(r"[A-Z]{2}"),
}
_WORDS = {
    "decimal": "a number with at most four decimals",
    "integer": "a whole number",
    "country": "a country by its two capital letters (ISO 3166)",
}


@dataclass(frozen=True)
class Values:
    """What all settings say."""

    service_level: Decimal = Decimal("0.95")
    review_period_days: int = 7
    transit_days: int = 12
    customs_days: int = 5
    lead_time_sigma_days: int = 8
    factory_country: str = "CN"
    plan_horizon_days: int = 180


@dataclass(frozen=True)
class Key:
    """One setting: of which type, within which bounds (both included; None for a text), and what it does."""

    name: str
    type: str
    minimum: Value | None
    maximum: Value | None
    description: str

    @property
    def default(self) -> Value:
        """What holds while nobody has said otherwise."""
        value: Value = getattr(Values(), self.name)
        return value

    def read(self, text: str) -> Value:
        """Return what ``text`` says. Raises BadSetting when it is of another type or beyond the bounds."""
        if not _SHAPES[self.type].fullmatch(text):
            raise BadSetting(self.name, f"{_WORDS[self.type]} is needed.")
        if self.minimum is None or self.maximum is None:
            return text
        value = Decimal(text) if self.type == "decimal" else int(text)
        if not Decimal(self.minimum) <= value <= Decimal(self.maximum):
            raise BadSetting(self.name, f"{self.minimum} to {self.maximum} is allowed.")
        return value


KEYS: Mapping[str, Key] = {
    key.name: key
    for key in (
        Key(
            "service_level",
            "decimal",
            Decimal("0.80"),
            Decimal("0.99"),
            "Share of order cycles in which the shelf should not run empty; more of it is more safety stock.",
        ),
        Key("review_period_days", "integer", 1, 90, "Days between two looks at what to order."),
        Key("transit_days", "integer", 0, 120, "Calendar days at sea, from factory gate to port of arrival."),
        Key("customs_days", "integer", 0, 60, "Calendar days from the port of arrival onto the shelf."),
        Key("lead_time_sigma_days", "integer", 0, 90, "By how many days lead times usually differ (one sigma)."),
        Key("factory_country", "country", None, None, "Whose factory closures stop production."),
        Key("plan_horizon_days", "integer", 30, 365, "How many days ahead stock is projected."),
    )
}


def values() -> Values:
    """Return what every setting says now, in one query."""
    stored = Setting.objects.filter(key__in=list(KEYS)).values_list("key", "value")
    return Values(**{name: _read(KEYS[name], text) for name, text in stored})  # type: ignore[arg-type] # read by its key


def _read(key: Key, text: str) -> Value:
    try:
        return key.read(text)
    except BadSetting as error:
        log.warning("%s The default of %s holds.", error.message, key.default)
        return key.default
