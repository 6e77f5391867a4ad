"""A small XML tree that remembers line numbers; a document type is refused, so that there are no entities."""

from __future__ import annotations

from typing import NoReturn
from xml.parsers import expat

import msgspec


LENGTH_MAX = 64 << 20
DEPTH_MAX = 64


class XmlRefused(Exception):
    """The text is not XML, or not a configuration that is understood; `line` counts from 1."""

    def __init__(self, line: int, text: str) -> None:
        self.line, self.text = line, text
        super().__init__(f"line {line}: {text}")


class Element(msgspec.Struct):
    """One element. Text between elements carries no meaning in a configuration and is not kept."""

    tag: str
    attributes: dict[str, str]
    line: int
    children: list[Element] = []

    def get(self, name: str) -> str | None:
        """An attribute, None when it is not there."""
        return self.attributes.get(name)

    def demand(self, name: str) -> str:
        """An attribute that must be there."""
        value = self.attributes.get(name)
        if value is None:
            self.refuse(f"<{self.tag}> has no attribute '{name}'")
        return value

    def allow(self, *names: str) -> None:
        """Refuse attributes other than these."""
        for name in self.attributes:
            if name not in names:
                self.refuse(f"<{self.tag}> has an attribute '{name}', which is not supported")

    def refuse(self, text: str) -> NoReturn:
        """The element is not understood."""
        raise XmlRefused(self.line, text)


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
    __slots__ = ("_stack", "parser", "root")

    def __init__(self) -> None:
        self.root: Element | None = None
        self._stack: list[Element] = []
        self.parser = expat.ParserCreate("utf-8")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._doctype

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        line = self.parser.CurrentLineNumber
        if len(self._stack) >= DEPTH_MAX:
            raise XmlRefused(line, f"elements are nested more than {DEPTH_MAX} deep")
        element = Element(tag, attributes, line)
        if self._stack:
            self._stack[-1].children.append(element)
        else:
            self.root = element
        self._stack.append(element)

    def _end(self, _tag: str) -> None:
        self._stack.pop()

    def _doctype(self, _name: str, _system: str | None, _public: str | None, _internal: int) -> None:
        raise XmlRefused(self.parser.CurrentLineNumber, "a document type (DOCTYPE) is not accepted")
