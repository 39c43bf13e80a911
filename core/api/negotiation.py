"""What a client accepts, when it says so in a way that can be read."""

from collections.abc import Iterable
from typing import Any

from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class Negotiation(DefaultContentNegotiation):
    """The framework's, and an Accept header that breaks its parser is 406."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> Any:
        """Return the renderer and its type. Raises NotAcceptable."""
        try:
            return super().select_renderer(request, renderers, format_suffix)
        except TypeError as error:  # Python's own, from a parameter such as "x*; x*0*"
            raise NotAcceptable from error
