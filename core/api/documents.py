"""The shape of a page of something, for the OpenAPI document."""

from typing import Any

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers
from rest_framework.pagination import CursorPagination, PageNumberPagination

from core.api.pagination import Pages


def paged(
    shape: type[serializers.BaseSerializer[Any]],
    paginator: type[PageNumberPagination | CursorPagination] = Pages,
) -> serializers.Serializer[Any]:
    """Return what a list of ``shape`` answers."""
    links = serializers.URLField(allow_null=True)
    fields: dict[str, serializers.Field[Any, Any, Any, Any]] = {
        "next": links,
        "previous": links,
        "results": shape(many=True),
    }
    if issubclass(paginator, PageNumberPagination):
        fields = {"count": serializers.IntegerField(), **fields}
    return inline_serializer(f"Paged{shape.__name__}", fields)
