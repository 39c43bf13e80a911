"""What a PDF that typst wrote says and how it is set: enough of the format to read its own, and no more."""

import re
import zlib
from typing import NamedTuple

_OBJECT = re.compile(rb"(?:^|\n)(\d+) 0 obj\n(.*?)\nendobj", re.DOTALL)
_STREAM = re.compile(rb"stream\r?\n(.*)\r?\nendstream", re.DOTALL)
_MAPPING = re.compile(rb"^<([0-9A-F]{4})> <([0-9A-F]+)>$", re.MULTILINE)
_INSIDE = rb"(?:\\.|[^\\()])*"
for _ in range(6):  # a string may hold parentheses, as long as they match
    _INSIDE = rb"(?:\\.|[^\\()]|\(%s\))*" % _INSIDE
_PIECE = re.compile(
    rb"/ActualText(?:<FEFF(?P<wide>[0-9A-F]*)>|\((?P<plain>(?:\\.|[^\\)])*)\))|(?P<end>EMC)|/(?P<font>f\d+) [\d.]+ Tf"
    rb"|(?P<moved>(?<![\w.])cm\b)|(?P<glyphs>\(%s\))" % _INSIDE,
    re.DOTALL,
)
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


class Page(NamedTuple):
    """The text of a page, in the order it was set; the fonts it is set in; and whether a glyph is missing."""

    text: str
    fonts: frozenset[str]
    has_missing_glyph: bool


def pages(pdf: bytes) -> list[Page]:
    """Return the pages in order."""
    objects = {int(number): body for number, body in _OBJECT.findall(pdf)}
    root = next(body for body in objects.values() if b"/Type/Pages" in body)
    return [_page(objects[int(number)], objects) for number in _references(root, b"Kids")]


def text_of(pdf: bytes) -> str:
    """Return the text of all pages, a line for each piece that stands by itself."""
    return "\n".join(page.text for page in pages(pdf))


def _references(body: bytes, name: bytes) -> list[bytes]:
    found = re.search(rb"/%s[ \[]((?:\d+ 0 R ?)+)" % name, body)
    return re.findall(rb"(\d+) 0 R", found[1]) if found else []


def _stream(body: bytes) -> bytes:
    found = _STREAM.search(body)
    assert found
    return zlib.decompress(found[1])


def _font(number: bytes, objects: dict[int, bytes]) -> tuple[str, dict[int, str]]:
    """Return the name of a font, without the mark of its subset, and the text of each of its glyphs."""
    body = objects[int(number)]
    name = re.search(rb"/BaseFont/\w+\+([\w-]+)", body)
    assert name
    mapped = _MAPPING.findall(_stream(objects[int(_references(body, b"ToUnicode")[0])]))
    return name[1].decode(), {int(glyph, 16): _utf16(text) for glyph, text in mapped}


def _utf16(digits: bytes) -> str:
    return bytes.fromhex(digits.decode()).decode("utf-16-be")


def _page(page: bytes, objects: dict[int, bytes]) -> Page:
    resources = objects[int(_references(page, b"Resources")[0])]
    fonts = {name: _font(number, objects) for name, number in re.findall(rb"/(f\d+) (\d+) 0 R", resources)}
    content = b"".join(_stream(objects[int(number)]) for number in _references(page, b"Contents"))
    said, used, glyphs_of, instead, missing = [], set(), {}, False, False
    for piece in _PIECE.finditer(content):
        kind, value = piece.lastgroup, piece[piece.lastgroup]
        if kind in ("wide", "plain"):
            said.append(_utf16(value) if kind == "wide" else _ESCAPE.sub(_unescaped, value).decode("ascii"))
            instead = True
        elif kind == "end":
            instead = False
        elif kind == "font":
            name, glyphs_of = fonts[value]
            used.add(name)
        elif kind == "moved":
            said.append("\n")
        else:
            codes = _codes(value)
            missing = missing or 0 in codes
            said.extend([] if instead else [glyphs_of.get(code, "") for code in codes])
    return Page("".join(said).replace("\u200b", ""), frozenset(used), missing)


def _codes(string: bytes) -> list[int]:
    """Return the glyphs of a literal string, two bytes each."""
    raw = _ESCAPE.sub(_unescaped, string[1:-1])
    return [int.from_bytes(raw[at : at + 2]) for at in range(0, len(raw), 2)]


def _unescaped(found: re.Match[bytes]) -> bytes:
    sign = found[1]
    return bytes([int(sign, 8)]) if sign.isdigit() and len(sign) == 3 else _ESCAPED.get(sign, sign)
