"""Whatever is done to a CIB, reading it gives a value or `XmlRefused`; what is read as a document can be written."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hashelld.cib.xml.document import read_document, write_document
from hashelld.cib.xml.read import XmlRefused, read_xml
from hashelld.cib.xml.status import read_view
from hashelld.cib.xml.write import write_xml


quick = settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])

FOLDER = Path(__file__).parent.parent / "cib"
CONFIGURED = (FOLDER / "everything.xml").read_text(encoding="utf-8")
RECORDED = (FOLDER / "history.xml").read_text(encoding="utf-8")
HOSTILE = [
    "",
    " ",
    "-",
    "x",
    "INFINITY",
    "-INFINITY",
    "+5",
    "0",
    "1",
    "true",
    "9" * 5000,
    "-" + "9" * 30,
    "1e9",
    "²",
    "٣",
    "0:7;1:2:3:4",
    ":::",
    "#",
    "id",
    "P" + "9" * 400 + "Y",
    "9" * 400 + "s",
    "fail-count-#_",
    "last-failure-",
    "&#10;",
    "&#xe9;",
    "&bad;",
    "<",
    "p",
    "p-meta_attributes",
    "n1",
    "--",
]
values = st.sampled_from(HOSTILE) | st.text(st.characters(codec="utf-8", exclude_characters='"<&'), max_size=6)
TAGS = sorted(set(re.findall(r"<([\w-]+)", CONFIGURED + RECORDED)))
NAMES = sorted(set(re.findall(r' ([\w-]+)="', CONFIGURED + RECORDED)))
VALUE = re.compile(r'"[^"]*"')
NAME = re.compile(r' [\w-]+(?==")')
ELEMENT = re.compile(r"<[\w-][^>]*/>")
TAG = re.compile(r"(?<=</)[\w-]+|(?<=<)[\w-]+")


@st.composite
def replaced(draw, text, pattern, replacements):
    """The text with some things that look alike replaced."""
    found = list(pattern.finditer(text))
    for match in sorted(draw(st.lists(st.sampled_from(found), min_size=1, max_size=3)), key=lambda m: -m.start()):
        text = text[: match.start()] + draw(replacements) + text[match.end() :]
    return text


@st.composite
def swapped(draw, text, pattern):
    """The text with two things of a kind in each other's place."""
    found = list(pattern.finditer(text))
    left, right = sorted(draw(st.lists(st.sampled_from(found), min_size=2, max_size=2)), key=lambda m: m.start())
    if left.end() > right.start():
        return text
    return text[: left.start()] + right[0] + text[left.end() : right.start()] + left[0] + text[right.end() :]


@st.composite
def cut(draw, text):
    """The text without a piece, or ending early."""
    start = draw(st.integers(0, len(text)))
    return text[:start] + text[draw(st.integers(start, min(len(text), start + 60))) :] if start % 4 else text[:start]


def mutated(text):
    """Something near a CIB."""
    return st.one_of(
        cut(text),
        replaced(text, VALUE, values.map('"{}"'.format)),
        replaced(text, NAME, st.sampled_from(NAMES).map(" {}".format)),
        replaced(text, ELEMENT, st.sampled_from(TAGS).map("<{}/>".format) | st.just("") | st.just("<!-- c -->")),
        replaced(text, TAG, st.sampled_from(TAGS)),
        swapped(text, VALUE),
        swapped(text, ELEMENT),
    )


def refusal(read, text):
    """Why a text is refused, None when it is read."""
    try:
        read(text)
    except XmlRefused as refused:
        return refused
    return None


def view(text):
    return read_view(text, 0)


@quick
@given(mutated(CONFIGURED) | mutated(RECORDED))
def test_a_damaged_text_is_read_or_refused(text):
    for read in (view, read_xml):
        refused = refusal(read, text)
        if refused is not None:
            assert 1 <= refused.line <= text.count("\n") + 1
            assert refused.text


def without_ids(value):
    """A document without its ids: one that is missing is made up, and may happen to be one that something refers to."""
    if isinstance(value, dict):
        return {name: without_ids(inner) for name, inner in value.items() if name != "id"}
    return [without_ids(inner) for inner in value] if isinstance(value, list | tuple) else value


@quick
@given(mutated(CONFIGURED) | mutated(RECORDED))
def test_a_document_that_is_read_can_be_written(text):
    try:
        document = read_document(text)
    except XmlRefused:
        return
    written = write_document(document)
    again = read_document(written)
    assert without_ids(msgspec.to_builtins(again)) == without_ids(msgspec.to_builtins(document))
    assert write_document(again) == written
    assert read_document(write_document(again)) == again
    assert read_xml(write_xml(again.cib)) == again.cib


@quick
@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda junk: junk.decode("latin-1")))
def test_text_that_is_no_xml_is_refused(text):
    for read in (view, read_document):
        refused = refusal(read, text)
        assert refused is not None
        assert refused.line >= 1
