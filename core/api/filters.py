"""Query parameters are input like any other: declared, checked, refused with a sentence."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from core.api.errors import InvalidBody

_PAGING = {"page", "page_size", "cursor"}


class Filters(serializers.Serializer[Any]):
    """Base of a list's filters. A parameter that is not declared is refused, so that no typo shows everything."""


class DatedFilters(Filters):
    """Filters with ``from`` and ``to``, both days included; they reach the selector as ``since`` and ``until``."""

    def get_fields(self) -> "dict[str, serializers.Field[Any, Any, Any, Any]]":
        """Add the two days: ``from`` is a word of Python's own and cannot be an attribute."""
        days = {"from": "since", "to": "until"}
        fields = {name: serializers.DateField(source=source, required=False) for name, source in days.items()}
        return {**super().get_fields(), **fields}


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
