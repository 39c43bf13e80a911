"""Free text is cleaned once, on its way in, through this one function."""

import html
import re

import bleach

# Everything below space but tab and line feed, delete, and the marks that reverse the order of shown characters.
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_PASSES = 5


def text(value: str) -> str:
    """Return ``value`` without markup and control characters; what people type stays as typed.

    bleach escapes the ampersand of "A & B", so its answer is unescaped again, and cleaned again until nothing
    changes: markup that was hidden behind entities does not survive either.
    """
    cleaned = _INVISIBLE.sub("", value.replace("\r\n", "\n"))
    for _ in range(_PASSES):
        before = cleaned
        cleaned = html.unescape(bleach.clean(before, tags=set(), strip=True, strip_comments=True))
        if cleaned == before:
            return cleaned.strip()
    return bleach.clean(cleaned, tags=set(), strip=True).strip()
