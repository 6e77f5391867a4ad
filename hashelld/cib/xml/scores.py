"""Scores: XML writes `INFINITY` where the model has `inf`."""

from __future__ import annotations

from typing import Final

from hashelld.cib.xml.naming import Reading
from hashelld.cib.xml.tree import Element
from hashelld.model.score import INFINITY, parse_score


_INFINITE: Final = {"INFINITY": "inf", "+INFINITY": "inf", "-INFINITY": "-inf"}


def read_score(reading: Reading, element: Element, name: str = "score") -> str | None:
    """The score of an element as the model spells it, None when it has none."""
    text = element.attributes.get(name)
    if text is None:
        return None
    if reading.is_strict and parse_score(text) is None:
        element.refuse(f"'{text}' is no score")
    return _INFINITE.get(text, text)


def written_score(text: str | None) -> str | None:
    """The score as XML spells it: words become `INFINITY`, `-INFINITY` or a number."""
    if text is None or text.lstrip("+-").isdigit():
        return text
    score = parse_score(text)
    if score is None:
        return text
    return "INFINITY" if score >= INFINITY else "-INFINITY" if score <= -INFINITY else str(score)
