"""Scores: integers with an absorbing infinity (POLICY.md 2, Pacemaker's rules)."""

from __future__ import annotations

from typing import Final


Score = int
"""A preference; INFINITY and -INFINITY are absolute."""

INFINITY: Final = 1_000_000

_WORDS: Final = {
    "inf": INFINITY,
    "infinity": INFINITY,
    "mandatory": INFINITY,
    "advisory": 0,
    "red": -INFINITY,
    "yellow": 0,
    "green": 0,
}
_DIGITS_MAX: Final = len(str(INFINITY)) + 1


def add(left: Score, right: Score) -> Score:
    """Sum of two scores: -INFINITY wins over everything, then INFINITY, finite sums are clamped."""
    if left <= -INFINITY or right <= -INFINITY:
        return -INFINITY
    if left >= INFINITY or right >= INFINITY:
        return INFINITY
    return clamp(left + right)


def clamp(value: int) -> Score:
    """The nearest score to any integer."""
    return max(-INFINITY, min(INFINITY, value))


def parse_score(text: str) -> Score | None:
    """`100`, `-inf`, `+INFINITY`, `mandatory`… as a score; None when it is none."""
    sign, body = 1, text.strip()
    if body[:1] in "+-" and body:
        sign, body = (-1 if body[0] == "-" else 1), body[1:]
    word = _WORDS.get(body.lower())
    if word is not None:
        return sign * word
    if body.isascii() and body.isdigit():
        return clamp(sign * int(body.lstrip("0")[:_DIGITS_MAX] or "0"))
    return None


def format_score(score: Score) -> str:
    """The configure language's spelling: `inf`, `-inf` or the number."""
    if score >= INFINITY:
        return "inf"
    return "-inf" if score <= -INFINITY else str(score)
