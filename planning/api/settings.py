"""Settings over HTTP: shapes and views."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import actor_of
from accounts.rights import Right
from planning.selectors import tables
from planning.services import settings

_VALUE = {"oneOf": [{"type": "number"}, {"type": "string"}]}


@extend_schema_field(_VALUE)
class ValueField(serializers.Field[Any, Any, Any, Any]):
    """A number or a text; of which kind is said by the setting's type."""

    def to_internal_value(self, data: Any) -> str:
        """Return the value as it is written."""
        if isinstance(data, bool) or not isinstance(data, (int, float, str)):
            raise serializers.ValidationError("A number or a text is needed.")
        return str(data).strip()

    def to_representation(self, value: Any) -> Any:
        """Return the value as it is."""
        return value


class SettingOutput(serializers.Serializer[Any]):
    """A setting: what it says now, and what it may say."""

    key = serializers.CharField(source="key.name")
    value = ValueField()
    type = serializers.CharField(source="key.type", help_text="decimal, integer or country.")
    default = ValueField(source="key.default")
    minimum = ValueField(source="key.minimum", allow_null=True)
    maximum = ValueField(source="key.maximum", allow_null=True)
    description = serializers.CharField(source="key.description")


class SettingInput(serializers.Serializer[Any]):
    """What a setting shall say."""

    value = ValueField()


class SettingList(APIView):
    """The settings."""

    rights = {"GET": Right.VIEW_PLANNING}

    @extend_schema(responses=SettingOutput(many=True))
    def get(self, request: Request) -> Response:
        """Return every setting, with what it says now and what it may say."""
        return Response(SettingOutput(tables.current_settings(), many=True).data)


class SettingDetail(APIView):
    """One setting."""

    rights = {
        "GET": Right.VIEW_PLANNING,
        "PUT": Right.CHANGE_SETTINGS,
        "PATCH": Right.CHANGE_SETTINGS,
        "DELETE": Right.CHANGE_SETTINGS,
    }

    @extend_schema(responses=SettingOutput)
    def get(self, request: Request, key: str) -> Response:
        """Return a setting."""
        return _setting(key)

    @extend_schema(request=SettingInput, responses=SettingOutput)
    def put(self, request: Request, key: str) -> Response:
        """Have a setting say something else."""
        form = SettingInput(data=request.data)
        form.is_valid(raise_exception=True)
        settings.change(key, value=form.validated_data["value"], actor=actor_of(request))
        return _setting(key)

    @extend_schema(request=SettingInput, responses=SettingOutput)
    def patch(self, request: Request, key: str) -> Response:
        """Have a setting say something else, like PUT."""
        return self.put(request, key)

    @extend_schema(responses={200: SettingOutput})
    def delete(self, request: Request, key: str) -> Response:
        """Have a setting say its default again."""
        settings.reset(key, actor=actor_of(request))
        return _setting(key)


def _setting(name: str) -> Response:
    key = settings.key(name)
    (found,) = (each for each in tables.current_settings() if each.key is key)
    return Response(SettingOutput(found).data)
