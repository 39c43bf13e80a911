"""What something cost is shown to those with the right to see it, and to nobody else.

An amount of an answer is a ``CostField``, unless its field is named in the test that walks all answers. Where it may
not be seen it is absent, not null. Without a request nobody is known to ask, and it is absent too.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from django.utils.functional import cached_property
from rest_framework import status
from rest_framework.fields import CharField, Field, SkipField, get_attribute
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer, Serializer

from accounts.models import User
from accounts.rights import Right
from core.api.fields import AmountField


def sees_cost(request: Request | None) -> bool:
    """Whether who makes ``request`` may see what things cost."""
    user = getattr(request, "user", None)
    return isinstance(user, User) and user.may(Right.VIEW_COST)


class _TellsCost(Field[Any, Any, Any, Any]):
    """What tells a cost: absent from the answers to those without the right."""

    def __init__(self, **options: Any) -> None:
        words = f"Absent without the right {Right.VIEW_COST}."
        super().__init__(**{"required": False, "help_text": words, **options})

    def get_attribute(self, instance: Any) -> Any:
        """Return the value. Raises SkipField when it may not be seen.

        Not by the framework's own, which leaves an optional field with a misspelt source out for everybody.
        """
        if not self._is_shown:
            raise SkipField
        return get_attribute(instance, self.source_attrs)

    @cached_property
    def _is_shown(self) -> bool:
        """Whether this answer shows costs; every answer has fields of its own."""
        return sees_cost(self.context.get("request"))


class CostField(_TellsCost, AmountField):
    """An amount that tells what something cost."""


class CostText(_TellsCost, CharField):
    """A sentence that may name such amounts."""


def shown(
    shape: type[BaseSerializer[Any]], instance: Any, request: Request, code: int = status.HTTP_200_OK
) -> Response:
    """Answer with as much of ``instance`` in ``shape`` as who asks may see."""
    return Response(shape(instance, context={"request": request}).data, status=code)


def shown_rows(
    shape: type[Serializer[Any]], rows: Sequence[Mapping[str, object]], request: Request
) -> Sequence[Mapping[str, object]]:
    """Return as much of ``rows`` as who asks may see. They have the shape already: no serializer runs per row.

    To those without the right only what ``shape`` names and what is no cost is shown.
    """
    if sees_cost(request):
        return rows
    open_to_all = _not_cost(shape)
    return [{name: value for name, value in row.items() if name in open_to_all} for row in rows]


@cache
def _not_cost(shape: type[Serializer[Any]]) -> frozenset[str]:
    return frozenset(name for name, field in shape().fields.items() if not isinstance(field, _TellsCost))
