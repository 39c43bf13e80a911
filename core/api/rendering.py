"""JSON out: fast, and money exact to the cent."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson
from rest_framework.renderers import BaseRenderer

_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z


class ExactJSONRenderer(BaseRenderer):
    """Writes a Decimal as the JSON number it is; DRF's own encoder makes a float or a string of it."""

    media_type = "application/json"
    format = "json"
    charset = None
    render_style = "binary"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """Return ``data`` as JSON; an answer without a body stays empty."""
        return b"" if data is None else dumps(data)


def dumps(data: Any) -> bytes:
    """Return ``data`` as JSON bytes."""
    return orjson.dumps(data, default=_other, option=_OPTIONS)


def _other(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return list(value)
    if isinstance(value, str):
        return str(value)  # a subclass, such as DRF's ErrorDetail and ReturnDict keys
    return str(value)
