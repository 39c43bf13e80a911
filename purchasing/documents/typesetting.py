"""Paper: one of our templates and data that stays data, set by typst into a PDF.

Data reaches a template as JSON in an input of its own, never as part of the source, so that nothing in it is markup.
"""

import json
import logging
import re
import struct
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from core.errors import Unavailable

FONTS = Path(__file__).with_name("fonts")
PRESS = Path(__file__).with_name("press.py")
SECONDS = 30
# All that the press knows of where it runs: no secret, and how many cores and memory pools it may use.
SURROUNDINGS = {"RAYON_NUM_THREADS": "2", "MALLOC_ARENA_MAX": "2"}
BOX = "□"
MAX_NAMED = 40
# They join or part words and show nothing themselves; every other format character changes what is read.
_KEPT_UNSEEN = "\u200b\u200c\u200d"
# A word too long for a column may break between any two letters; a hyphen in front of a letter breaks it anyway, and
# Thai and Chinese have rules of their own.
_ENDLESS = re.compile("(?:[^\\s\u0e00-\u0e7f\u2e80-\u9fff-]|-(?![A-Za-z])){21,}")
_LETTERS = re.compile("(?<=.)(?=[^\u0300-\u036f])")

log = logging.getLogger("godown.documents")


class DocumentFailed(Unavailable):
    """A document could not be set: a fault of its template, or it was too much. The log tells."""

    code = "document_failed"

    def __init__(self) -> None:
        super().__init__("This document cannot be made right now. The reason is in the log.")


def pdf(template: Path, data: dict[str, Any], *, made_at: datetime) -> bytes:
    """Set ``data`` with ``template`` as PDF/UA-1, byte for byte the same for the same data and ``made_at``.

    A character that no font holds is printed as a box and told in the log. Raises DocumentFailed.
    """
    unprintable: set[str] = set()
    printed = json.dumps(_printed(data, unprintable), ensure_ascii=False)
    if unprintable:
        codes = [f"U+{ord(sign):04X}" for sign in sorted(unprintable)[:MAX_NAMED]]
        log.warning("%s: printed as a box, because no font holds them: %s", template.name, " ".join(codes))
    job = {"template": str(template), "fonts": str(FONTS), "data": printed, "timestamp": int(made_at.timestamp())}
    return _press(template.name, json.dumps(job).encode())


def _press(name: str, job: bytes) -> bytes:
    """Have a process of its own print ``job``. Raises DocumentFailed."""
    command = [sys.executable, "-I", str(PRESS)]
    try:
        done = subprocess.run(  # noqa: S603 - our own program, given its data as input
            command, input=job, capture_output=True, env=SURROUNDINGS, timeout=SECONDS, check=True
        )
    except subprocess.CalledProcessError as error:
        log.error("%s cannot be set (%s): %r", name, error.returncode, error.stderr[:2_000])
        raise DocumentFailed from error
    except subprocess.TimeoutExpired as error:
        log.error("%s cannot be set in %s seconds.", name, SECONDS)
        raise DocumentFailed from error
    return done.stdout


def _printed(data: Any, unprintable: set[str]) -> Any:
    """Return ``data`` with every text as it can be printed; adds to ``unprintable`` what no font holds."""
    if isinstance(data, str):
        return _text(data, unprintable)
    if isinstance(data, dict):
        return {name: _printed(value, unprintable) for name, value in data.items()}
    if isinstance(data, list):
        return [_printed(value, unprintable) for value in data]
    return data


def _text(text: str, unprintable: set[str]) -> str:
    text = unicodedata.normalize("NFC", text)
    signs = {ord(sign): _sign(sign) for sign in set(text) - _characters()}
    unprintable.update(chr(code) for code, shown in signs.items() if shown == BOX)
    return _ENDLESS.sub(_breakable, text.translate(signs))


def _breakable(word: re.Match[str]) -> str:
    return _LETTERS.sub("\u200b", word[0])


def _sign(sign: str) -> str:
    """Return what stands for a character that cannot be printed as it is."""
    if unicodedata.category(sign) in ("Cc", "Zl", "Zp"):
        return " "
    if unicodedata.category(sign) == "Cf" or "\ufe00" <= sign <= "\ufe0f":  # invisible, or the style of an emoji
        return ""
    return BOX


@cache
def _characters() -> frozenset[str]:
    """Return what is printed as it is: what the fonts hold, without invisible characters, and the end of a line."""
    held = {chr(code) for font in FONTS.glob("*.ttf") for code in _codes(font.read_bytes())}
    seen = {sign for sign in held if not unicodedata.category(sign).startswith("C")}
    return frozenset(seen - {"\u2028", "\u2029"} | {"\n", *_KEPT_UNSEEN})


def _codes(font: bytes) -> Iterator[int]:
    """Yield the code points that a TrueType font maps to glyphs, as its "cmap" table lists them in format 4.

    https://learn.microsoft.com/typography/opentype/spec/cmap
    """
    tables = {font[at : at + 4]: at for at in range(12, 12 + 16 * struct.unpack_from(">H", font, 4)[0], 16)}
    (cmap,) = struct.unpack_from(">8xL", font, tables[b"cmap"])
    (offset,) = struct.unpack_from(">4xL", font, cmap + 4)
    form, doubled = struct.unpack_from(">H4xH", font, cmap + offset)
    assert form == 4, "fonts/README.md cuts fonts to what format 4 can list"
    ends = struct.unpack_from(f">{doubled // 2}H", font, cmap + offset + 14)
    starts = struct.unpack_from(f">{doubled // 2}H", font, cmap + offset + 16 + doubled)
    for start, end in zip(starts, ends, strict=True):
        yield from range(start, min(end, 0xFFFE) + 1)
