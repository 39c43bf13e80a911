"""What the OpenAPI document says beyond what the views tell by themselves."""

from typing import Any

from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

_ERROR = {
    "type": "object",
    "required": ["code", "detail"],
    "properties": {
        "code": {"type": "string", "description": "For programs; stable."},
        "detail": {"type": "string", "description": "For people: the cause and the figures."},
        "errors": {"type": "object", "description": "Messages by field."},
        "context": {"type": "object", "description": "The figures behind the refusal."},
    },
}
_REASONS = {
    "400": "Not valid, or refused by a rule of the business.",
    "401": "Nobody is signed in.",
    "403": "Your role may not do this.",
    "404": "There is nothing at this address.",
    "409": "The same request is still running.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "422": "The Idempotency-Key was used for another request.",
    "429": "Too many requests; Retry-After tells when.",
    "503": "The database cannot be reached right now.",
}


class TokenScheme(SimpleJWTScheme):  # type: ignore[no-untyped-call]
    """Our bearer tokens are simplejwt's."""

    target_class = "accounts.api.authentication.TokenAuthentication"
    name = "bearer"


class Schema(AutoSchema):
    """Groups operations by the first part of their path and documents the idempotency header."""

    def get_operation_id(self) -> str:
        """Return method and path: unique, and stable as long as the address is."""
        words = self.path.removeprefix("/api/").replace("{", "").replace("}", "").replace("-", "_").split("/")
        return "_".join([self.method.lower(), *words])

    def get_tags(self) -> list[str]:
        """Return the noun that the path starts with."""
        return [self.path.removeprefix("/api/").split("/")[0]]

    def get_summary(self) -> str | None:
        """Return the first sentence of what the method says of itself."""
        return self.get_description().split(". ")[0].split("\n")[0].rstrip(".") or None

    def get_override_parameters(self) -> list[Any]:
        """Add Idempotency-Key to the operations that take one, and paging to the lists."""
        if self.method == "GET":
            return self._paging()
        handler = getattr(self.view, self.method.lower(), None)
        if not getattr(handler, "is_idempotent", False):
            return []
        return [
            OpenApiParameter(
                "Idempotency-Key",
                str,
                OpenApiParameter.HEADER,
                description="The same key and body get the first answer again; nothing happens twice.",
            )
        ]

    def _paging(self) -> list[Any]:
        answer: Any = self.get_response_serializers()
        if not type(answer).__name__.startswith("Paged"):
            return []
        size = OpenApiParameter("page_size", int, description="50; at most 500, more is taken for 500.")
        if "count" in answer.fields:
            return [OpenApiParameter("page", int), size]
        return [OpenApiParameter("cursor", str, description="Comes with next and previous."), size]


def add_errors(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Give every operation the errors that every operation can answer."""
    result["components"].setdefault("schemas", {})["Error"] = _ERROR
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    for operations in result["paths"].values():
        for operation in operations.values():
            for code, reason in _REASONS.items():
                operation["responses"].setdefault(code, {"description": reason, "content": content})
    return result
