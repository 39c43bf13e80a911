"""Query parameters are input like any other: declared, checked, refused with a sentence."""

from datetime import date
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from core.api.errors import InvalidBody

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2999, 12, 31)
_PAGING = {"page", "page_size", "cursor"}


class Filters(serializers.Serializer[Any]):
    """Base of a list's filters. A parameter that is not declared is refused, so that no typo shows everything."""


class DayField(serializers.DateField):
    """A day that every database can compare with a moment in any time zone."""

    def to_internal_value(self, value: Any) -> Any:
        """Return the day."""
        day = super().to_internal_value(value)
        if not FIRST_DAY <= day <= LAST_DAY:
            raise serializers.ValidationError(f"A day from {FIRST_DAY} to {LAST_DAY} is needed.")
        return day


class MomentField(serializers.DateTimeField):
    """A moment that every database can tell in any time zone."""

    def to_internal_value(self, value: Any) -> Any:
        """Return the moment."""
        try:
            moment = super().to_internal_value(value)
        except OverflowError:
            moment = None
        if moment is None or not FIRST_DAY < moment.date() < LAST_DAY:
            raise serializers.ValidationError(f"A moment from {FIRST_DAY} to {LAST_DAY} is needed.")
        return moment


class DatedFilters(Filters):
    """Filters with ``from`` and ``to``, both days included; they reach the selector as ``since`` and ``until``."""

    def get_fields(self) -> "dict[str, serializers.Field[Any, Any, Any, Any]]":
        """Add the two days: ``from`` is a word of Python's own and cannot be an attribute."""
        days = {"from": "since", "to": "until"}
        fields = {name: DayField(source=source, required=False) for name, source in days.items()}
        return {**super().get_fields(), **fields}

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        """Refuse days in the wrong order: an empty list would look like an answer."""
        first, last = given.get("since"), given.get("until")
        if first and last and first > last:
            raise serializers.ValidationError({"to": ["This day is before the first one."]})
        return given


def read(filters: type[Filters], request: Request) -> dict[str, Any]:
    """Return the filters of ``request`` that are given and not empty. Raises InvalidBody (400)."""
    declared = filters().fields
    given = {name: value for name, value in request.query_params.items() if name not in _PAGING}
    unknown = [name for name in given if name not in declared]
    if unknown:
        known = ", ".join(sorted(declared)) or "none"
        raise InvalidBody({name: [f"There is no such filter. Known here: {known}."] for name in unknown})
    form = filters(data={name: value for name, value in given.items() if value != ""})
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)
