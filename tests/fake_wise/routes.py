"""The addresses of the API, all on one screen, and who may use them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus

from tests.fake_wise import funding, profiles, quotes, recipients, simulation, transfers
from tests.fake_wise.answers import Answer, Refusal, Seen, invalid_token, missing, plain
from tests.fake_wise.world import World

CALENDAR = re.compile(r"^/\d{4}Q[1-4](?=/)")
BEFORE_VERSION = re.compile(r"^(/[\w-]+)*?(?=/v[1-4]/)")
PARTS = {"profile": r"\d+", "transfer": r"\d+", "recipient": r"\d+", "quote": r"[0-9A-Za-z-]+", "state": "[a-z_]+"}


def without_prefix(path: str) -> str:
    """Return the path without what a client put before it: a calendar version or any prefix of its own."""
    return BEFORE_VERSION.sub("", path) if BEFORE_VERSION.match(path) else CALENDAR.sub("", path)


@dataclass(frozen=True)
class Route:
    """An address. ``personal``: whether a personal token may use it, by Wise's OpenAPI document of 2026."""

    method: str
    version: str
    path: str
    handler: Callable[..., Answer]
    personal: bool = True

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"\{(\w+)\}", lambda part: f"(?P<{part[1]}>{PARTS[part[1]]})", self.path))

    def match(self, path: str) -> dict[str, str] | None:
        """Return the parts of the path, or None. A calendar version (/2026Q3) may stand in the place of the old one."""
        version, tail = f"/{self.version}", without_prefix(path)
        if tail.startswith(f"{version}/"):
            tail = tail.removeprefix(version)
        elif not CALENDAR.match(path) or BEFORE_VERSION.match(path):
            return None
        found = self._pattern.fullmatch(tail)
        return found.groupdict() if found else None


ROUTES = (
    Route("GET", "v2", "/profiles", profiles.listed),
    Route("GET", "v4", "/profiles/{profile}/balances", profiles.balances),
    Route("POST", "v3", "/profiles/{profile}/quotes", quotes.create, personal=False),
    Route("GET", "v3", "/profiles/{profile}/quotes/{quote}", quotes.get, personal=False),
    Route("PATCH", "v3", "/profiles/{profile}/quotes/{quote}", quotes.patch, personal=False),
    Route("GET", "v1", "/quotes/{quote}/account-requirements", recipients.requirements, personal=False),
    Route("POST", "v1", "/quotes/{quote}/account-requirements", recipients.requirements, personal=False),
    Route("POST", "v1", "/accounts", recipients.create, personal=False),
    Route("GET", "v1", "/accounts/{recipient}", recipients.get, personal=False),
    Route("POST", "v1", "/transfer-requirements", transfers.requirements),
    Route("POST", "v1", "/transfers", transfers.create),
    Route("GET", "v1", "/transfers", transfers.listed),
    Route("GET", "v1", "/transfers/{transfer}", transfers.get),
    Route("PUT", "v1", "/transfers/{transfer}/cancel", transfers.cancel),
    Route("GET", "v1", "/transfers/{transfer}/payments", transfers.payments),
    Route("POST", "v3", "/profiles/{profile}/transfers/{transfer}/payments", funding.fund),
    Route("GET", "v1", "/delivery-estimates/{transfer}", transfers.delivery_estimate, personal=False),
    Route("POST", "v3", "/profiles/{profile}/subscriptions", profiles.subscribe, personal=False),
    Route("GET", "v3", "/profiles/{profile}/subscriptions", profiles.subscriptions, personal=False),
    Route("GET", "v1", "/simulation/transfers/{transfer}/{state}", simulation.move, personal=False),
    Route("POST", "v1", "/simulation/balance/topup", simulation.top_up, personal=False),
)


def legacy_paths(path: str) -> set[str]:
    """Return how this path is written without prefix and with the old version, by each route that it may mean."""
    tail = without_prefix(path)
    found = {route.version for route in ROUTES if route.match(path) is not None}
    return {tail, *(f"/{version}{tail}" for version in found if not tail.startswith(f"/{version}/"))}


def answer(world: World, call: Seen) -> Answer:
    """Do what the call asks for, and return the answer, refusals too."""
    if call.headers.get("authorization") != f"Bearer {world.key}":
        return invalid_token()
    try:
        with world.lock:
            world.settle()
            found = _dispatch(world, call)
            return Answer(found.status, found.content(), found.headers)  # what is answered may change meanwhile
    except Refusal as refusal:
        return refusal.answer
    except ValueError as error:  # a query that is no number, a date that is none
        return plain(HTTPStatus.BAD_REQUEST, call, str(error))


def _dispatch(world: World, call: Seen) -> Answer:
    known = [(route, parts) for route in ROUTES if (parts := route.match(call.path)) is not None]
    for route, parts in known:
        if route.method == call.method:
            if world.personal_token_limits and not route.personal:
                raise Refusal(plain(HTTPStatus.FORBIDDEN, call, "Personal tokens have limited API access"))
            return route.handler(world, call, **parts)
    raise Refusal(plain(HTTPStatus.METHOD_NOT_ALLOWED, call)) if known else missing(call)
