"""The request as Django builds it, before any middleware has seen it."""

import codecs
from collections.abc import Mapping
from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http.multipartparser import MultiPartParserError
from django.utils.http import parse_header_parameters

_UNREAD = "application/octet-stream"


class Request(WSGIRequest):
    """A request that no Content-Type can break: what is not UTF-8 is of a type that nobody reads.

    Django decodes the address by the charset of the body, and already here. With "bz2_codec" or "idna" that raises
    where there is no middleware and no error page yet, and so does a query of too many parameters.
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        if not _is_utf8(meta.get("CONTENT_TYPE", "")):
            meta["CONTENT_TYPE"] = _UNREAD
        self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))

    def parse_file_upload(self, META: Mapping[str, Any], post_data: Any) -> Any:  # noqa: N803 - Django's name
        """Return fields and files of a multipart body. Raises MultiPartParserError (400) for one that is broken."""
        try:
            return super().parse_file_upload(META, post_data)
        except TypeError as error:  # Python's own, from a header that says "x*; x*0*"
            raise MultiPartParserError("The headers of a part cannot be read.") from error


class Handler(WSGIHandler):
    """Django's, with our requests."""

    request_class = Request


def _is_utf8(content_type: str) -> bool:
    try:
        _, parameters = parse_header_parameters(content_type)
        return codecs.lookup(parameters.get("charset", "utf-8")).name in ("utf-8", "ascii")
    except (LookupError, TypeError, ValueError):
        return False
