"""What is left of free text on its way in."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import cleaning

ENTITIES = ["amp;", "&lt;", "&gt;", "&#60", "&#x3c;", "&#38;", "&#x202e;", "&nbsp;"]
PIECES = [*ENTITIES, *"&<>b='\"\u202e\r\n\x00\x1f ", "</", "<!--", "-->", "]]>", "script"]
BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
CONTROL = [chr(code) for code in [*range(9), *range(0x0B, 0x20), 0x7F]]
TAG = re.compile("<[a-zA-Z/!][^<>]*>")
tangled = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)


@pytest.mark.abuse("INP-10")
@pytest.mark.parametrize(
    "text",
    [
        "A & B",
        "AT&T",
        "a < b and c > d",
        "5 > 3",
        "1 <2",
        "R&D;",
        "\"quoted\" and 'single'",
        "30 % deposit, 70 % before shipment",
        "โกดัง",
        "玩具套装",
        "café ☕ 🧸",
        "line one\nline two",
        "tab\tbed",
        "x" * 10_000,
        "",
    ],
)
def test_what_people_type_stays_as_typed(text):
    assert cleaning.text(text) == text


@pytest.mark.abuse("INP-09")
@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<script>alert(1)</script>Kit", "alert(1)Kit"),
        ("<b>Kit</b> & <i>more</i>", "Kit & more"),
        ("<img src=x onerror=alert(1)>Kit", "Kit"),
        ("<a href='javascript:alert(1)'>Kit</a>", "Kit"),
        ("<!-- secret -->Kit", "Kit"),
        ("<SCRIPT SRC=//evil>Kit", "Kit"),
        ("<svg/onload=alert(1)>Kit", "Kit"),
        ("<b></b>", ""),
        ("</<img src=x onerror=alert(1)>Kit", "</Kit"),
        ("</<!-- secret -->Kit", "</Kit"),
    ],
)
def test_markup_is_stripped(text, left):
    assert cleaning.text(text) == left


@pytest.mark.abuse("INP-09")
@pytest.mark.parametrize(
    "text",
    [
        "&lt;script&gt;alert(1)&lt;/script&gt;Kit",
        "&#60;script&#62;alert(1)&#60;/script&#62;Kit",
        "&#x3c;script&#x3e;alert(1)&#x3c;/script&#x3e;Kit",
        "&amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt;Kit",
        "&amp;amp;amp;lt;script&amp;amp;amp;gt;alert(1)&amp;amp;amp;lt;/script&amp;amp;amp;gt;Kit",
        "<<script>script>alert(1)<</script>/script>Kit",
    ],
)
def test_markup_hidden_behind_entities_does_not_survive(text):
    left = cleaning.text(text)

    assert "<" not in left
    assert "script" not in left
    assert left.endswith("Kit")


@pytest.mark.parametrize("depth", range(1, 30))
def test_no_depth_of_entities_hides_markup(depth):
    hidden = "&" + "amp;" * depth + "lt;b&" + "amp;" * depth + "gt;"

    left = cleaning.text(hidden)

    assert "<" not in left
    assert "&" not in left


@pytest.mark.abuse("INP-09")
@pytest.mark.parametrize("mark", [*CONTROL, *BIDI])
def test_control_characters_and_marks_that_reverse_text_are_removed(mark):
    assert cleaning.text(f"Kit{mark} 1") == "Kit 1"


@pytest.mark.parametrize("entity", ["&#x202e;", "&#8238;", "&#x2066;", "&#13;", "&amp;#x202e;"])
def test_marks_hidden_behind_entities_are_removed(entity):
    assert cleaning.text(f"Kit{entity} 1") == "Kit 1"


def test_line_ends_become_line_feeds():
    assert cleaning.text("one\r\ntwo") == "one\ntwo"


def test_space_around_the_text_is_trimmed():
    assert cleaning.text("  \n Kit 1\t ") == "Kit 1"


@pytest.mark.abuse("INP-10")
@settings(deadline=None)
@given(st.text() | tangled)
def test_what_was_cleaned_is_clean(text):
    once = cleaning.text(text)

    assert cleaning.text(once) == once


@pytest.mark.abuse("INP-09")
@settings(deadline=None, max_examples=300)
@given(tangled)
def test_whatever_is_sent_no_tag_survives(text):
    left = cleaning.text(text)

    assert not TAG.search(left)
    assert not set(left) & {*CONTROL, *BIDI}
