"""XML text and a tree of elements that know their lines.

Only what a configuration needs is accepted: elements, attributes and comments. Document types (and with them entities)
are refused; processing instructions and text between elements carry no meaning and are not kept.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final, NoReturn
from xml.parsers import expat

import msgspec


LENGTH_MAX: Final = 64 << 20
DEPTH_MAX: Final = 64
ELEMENTS_MAX: Final = 2_000_000
_ESCAPES: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
)
_SPECIAL: Final = re.compile('[&<>"\n\r\t\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]')
_ILLEGAL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


class XmlRefused(Exception):
    """The text is not XML, or not a configuration that is understood; `line` counts from 1."""

    def __init__(self, line: int, text: str) -> None:
        self.line, self.text = line, text
        super().__init__(f"line {line}: {text}")


class XmlImpossible(Exception):
    """A value contains a character that XML cannot hold."""


class Element(msgspec.Struct, gc=False):
    """One element. Text between elements carries no meaning in a configuration and is not kept."""

    tag: str
    attributes: dict[str, str]
    line: int = 0
    children: Sequence[Element] = ()
    comments: Sequence[tuple[int, str]] = ()
    """Comments directly in it, each with the number of children before it."""

    def get(self, name: str) -> str | None:
        """An attribute, None when it is not there."""
        return self.attributes.get(name)

    def demand(self, name: str) -> str:
        """An attribute that must be there."""
        value = self.attributes.get(name)
        if value is None:
            self.refuse(f"<{self.tag}> has no attribute '{name}'")
        return value

    def identity(self) -> str:
        """The id, which must be there and not be empty."""
        value = self.demand("id")
        if not value:
            self.refuse(f"the id of <{self.tag}> is empty")
        return value

    def child(self, tag: str) -> Element | None:
        """The first child of this tag."""
        for child in self.children:
            if child.tag == tag:
                return child
        return None

    def all(self, tag: str) -> list[Element]:
        """The children of this tag."""
        return [child for child in self.children if child.tag == tag]

    def picked(self, names: Collection[str]) -> tuple[tuple[str, str], ...]:
        """The attributes of these names, in the order written."""
        return tuple([pair for pair in self.attributes.items() if pair[0] in names])

    def refuse(self, text: str) -> NoReturn:
        """The element is not understood."""
        raise XmlRefused(self.line, text)


def filled(attributes: Mapping[str, str | None]) -> dict[str, str]:
    """The attributes that have a value."""
    return {name: value for name, value in attributes.items() if value is not None}


def read_tree(text: str) -> Element:
    """The root element; raises `XmlRefused`."""
    if len(text) > LENGTH_MAX:
        raise XmlRefused(1, f"longer than {LENGTH_MAX} characters")
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise XmlRefused(1, "contains characters that are no text") from None
    builder = _Builder()
    try:
        builder.parser.Parse(data, True)  # noqa: FBT003 - expat takes no keywords
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        raise XmlRefused(max(1, error.lineno), f"not well-formed XML: {reason}, column {error.offset + 1}") from None
    assert builder.root is not None  # Expat refuses a text without an element.
    return builder.root


class _Builder:
    __slots__ = ("_children", "_count", "_stack", "parser", "root")

    def __init__(self) -> None:
        self.root: Element | None = None
        self._stack: list[Element] = []
        # Of the elements on the stack; most elements of a CIB have none, and never get a list.
        self._children: list[list[Element] | None] = []
        self._count = 0
        # The text is UTF-8 by now, whatever encoding it declares.
        self.parser = expat.ParserCreate("utf-8")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CommentHandler = self._comment
        self.parser.StartDoctypeDeclHandler = self._doctype

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        element = Element(tag, attributes, self.parser.CurrentLineNumber)
        if self._stack:
            siblings = self._children[-1]
            if siblings is None:
                self._stack[-1].children = self._children[-1] = [element]
            else:
                siblings.append(element)
        else:
            self.root = element
        self._stack.append(element)
        self._children.append(None)
        self._count += 1
        if len(self._stack) > DEPTH_MAX:
            element.refuse(f"elements are nested more than {DEPTH_MAX} deep")
        if self._count > ELEMENTS_MAX:
            element.refuse(f"more than {ELEMENTS_MAX} elements")

    def _end(self, _tag: str) -> None:
        self._stack.pop()
        self._children.pop()

    def _comment(self, text: str) -> None:
        if self._stack:
            parent = self._stack[-1]
            found = (len(parent.children), text)
            if isinstance(parent.comments, list):
                parent.comments.append(found)
            else:
                parent.comments = [found]

    def _doctype(self, _name: str, _system: str | None, _public: str | None, _internal: int) -> None:
        raise XmlRefused(self.parser.CurrentLineNumber, "a document type (DOCTYPE) is not accepted")


def text_of(element: Element) -> str:
    """The element as text, one element a line, indented by two blanks; raises `XmlImpossible`."""
    lines: list[str] = []
    _write_lines(lines, element, "")
    return "".join(lines)


def _write_lines(lines: list[str], element: Element, pad: str) -> None:
    attributes = "".join([f' {name}="{_escaped(value)}"' for name, value in element.attributes.items()])
    if not element.children and not element.comments:
        lines.append(f"{pad}<{element.tag}{attributes}/>\n")
        return
    lines.append(f"{pad}<{element.tag}{attributes}>\n")
    inner = pad + "  "
    comments: dict[int, list[str]] = {}
    for place, text in element.comments:
        comments.setdefault(place, []).append(_comment_line(inner, text))
    for place, child in enumerate(element.children):
        lines += comments.get(place, ())
        _write_lines(lines, child, inner)
    lines += comments.get(len(element.children), ())
    lines.append(f"{pad}</{element.tag}>\n")


def _comment_line(pad: str, text: str) -> str:
    """A comment; two hyphens end one, so that they are kept apart."""
    _refuse_illegal(text)
    body = re.sub(r"-(?=-|\Z)", "- ", text)
    return f"{pad}<!--{body}-->\n"


def _escaped(value: str) -> str:
    if _SPECIAL.search(value) is None:
        return value
    _refuse_illegal(value)
    return value.translate(_ESCAPES)


def _refuse_illegal(text: str) -> None:
    illegal = _ILLEGAL.search(text)
    if illegal is not None:
        raise XmlImpossible(f"the character U+{ord(illegal.group()):04X} cannot be written in XML")
