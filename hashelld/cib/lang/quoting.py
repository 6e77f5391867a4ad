"""How values and words are written, so that the scanner reads them back."""

from __future__ import annotations

import re
from typing import Final


KEYWORDS: Final = frozenset(
    {"params", "meta", "utilization", "operations", "op", "op_params", "op_meta", "attributes", "description"}
    | {"rule", "and", "or", "lifetime", "select", "to", "xml_attributes", "xml_child"}
    | {"docker", "podman", "rkt", "network", "storage", "primitive", "{", "}", "(", ")", "[", "]"}
)
"""Words that a bare name must not look like."""
_BARE_VALUE: Final = re.compile(r"[\w.-]+\Z")
_BARE_WORD: Final = re.compile(r"[^\s'\"\\$#=]+\Z")
_ESCAPES: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", "'": "\\'"}


def quote_value(value: str) -> str:
    """A value as it is written: bare when it is a plain word, otherwise in quotes."""
    return value if _BARE_VALUE.match(value) else quoted(value)


def quote_word(text: str) -> str:
    """A whole word: quoted when it would fall apart or be taken for a keyword."""
    return text if is_bare_word(text) and text.lower() not in KEYWORDS else quoted(text)


def is_bare_word(text: str) -> bool:
    """Does the text stay one word without quotes?"""
    return _BARE_WORD.match(text) is not None and text.isprintable()


def quoted(text: str) -> str:
    """The text in quotes."""
    if text.isprintable():
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return "$'" + "".join(_ESCAPES.get(c) or (c if c.isprintable() else _code(c)) for c in text) + "'"


def _code(char: str) -> str:
    number = ord(char)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
