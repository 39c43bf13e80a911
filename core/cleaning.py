"""Free text is cleaned once, on its way in, through this one function."""

import html
import re

import bleach

# Everything below space but tab and line feed, delete, and the marks that reverse the order of shown characters.
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
# What bleach takes for text and escapes, as in "</<b>", would be a tag again once it is unescaped.
_TAG = re.compile("<[a-zA-Z/!][^<>]*>")
_MARKUP = re.compile("[&<>]")
# Text in which there is nothing to clean; a bulk body holds thousands of these, and an HTML parser is slow.
_PLAIN = re.compile(r"[^\x00-\x1f<>&\x7f\u202a-\u202e\u2066-\u2069]*")
_PASSES = 5


def text(value: str) -> str:
    """Return ``value`` without markup and control characters; what people type stays as typed.

    bleach escapes the ampersand of "A & B", so its answer is unescaped again, and cleaned again until nothing
    changes: markup and marks that were hidden behind entities do not survive either. Nobody types entities more
    than a few levels deep; what still changes after that loses the characters that make markup.
    """
    if _PLAIN.fullmatch(value):
        return value.strip()
    cleaned = _INVISIBLE.sub("", value.replace("\r\n", "\n"))
    for _ in range(_PASSES):
        before = cleaned
        escaped = bleach.clean(before, tags=set(), strip=True, strip_comments=True)
        cleaned = _TAG.sub("", _INVISIBLE.sub("", html.unescape(escaped))).strip()
        if cleaned == before:
            return cleaned
    return _MARKUP.sub("", cleaned).strip()
