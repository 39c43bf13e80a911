"""JSON in: strict, and every malformed body is a 400."""

from collections.abc import Mapping
from typing import IO, Any, TypeVar

import orjson
import pydantic
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from core.api.errors import InvalidBody

Model = TypeVar("Model", bound=pydantic.BaseModel)
MAX_DEPTH = 20


class StrictJSONParser(BaseParser):
    """Reads UTF-8 JSON. NaN, lone surrogates, NUL characters and nesting past 20 levels are refused."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the parsed body. Raises ParseError (400) or RequestDataTooBig (413)."""
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise RequestDataTooBig
        if b"\\u0000" in body or b"\x00" in body:
            raise ParseError("The body holds a NUL character.")
        try:
            data = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise ParseError(f"The body is not valid JSON: {error}.") from error
        if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _depth_exceeds(data, MAX_DEPTH):
            raise ParseError(f"The body is nested deeper than {MAX_DEPTH} levels.")
        return data


def _depth_exceeds(data: Any, limit: int) -> bool:
    level = [data]
    for _ in range(limit):
        level = [
            child
            for item in level
            if isinstance(item, (dict, list))
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return False
    return True


def parse(model: type[Model], request: Request) -> Model:
    """Return the body of ``request`` as ``model``. Raises InvalidBody with every field that is wrong."""
    try:
        return model.model_validate(request.data)
    except pydantic.ValidationError as error:
        raise InvalidBody(_by_field(error)) from error


def _by_field(error: pydantic.ValidationError) -> dict[str, Any]:
    fields: dict[str, list[str]] = {}
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        path = ""
        for part in problem["loc"]:
            path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
        fields.setdefault(path or "non_field_errors", []).append(problem["msg"].removeprefix("Value error, "))
    return fields
