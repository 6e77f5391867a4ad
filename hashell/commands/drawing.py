"""Pictures as data, and as text in the language of graphviz's `dot`."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """A thing. `style` is what dot calls attributes (`shape`, `color`, …); `note` is shown when it is pointed at."""

    id: str
    label: str
    style: dict[str, str] = {}
    note: str = ""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """An arrow between two things, by their ids."""

    tail: str
    head: str
    label: str = ""
    style: dict[str, str] = {}


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """A box around things, with a title."""

    label: str
    spots: tuple[Spot, ...] = ()
    frames: tuple[Frame, ...] = ()
    style: dict[str, str] = {}


class Drawing(msgspec.Struct, frozen=True, kw_only=True):
    """A picture, and the same told in lines of text."""

    title: str
    text: str
    spots: tuple[Spot, ...] = ()
    frames: tuple[Frame, ...] = ()
    lines: tuple[Line, ...] = ()
    is_across: bool = False
    """From left to right, not from top to bottom."""


def to_dot(drawing: Drawing) -> str:
    """The picture in dot's language."""
    return "\n".join(_dot(drawing)) + "\n"


def _dot(drawing: Drawing) -> Iterator[str]:
    yield f"digraph {quoted(drawing.title)} {{"
    yield f"  rankdir={'LR' if drawing.is_across else 'TB'}"
    yield '  node [shape=box, style="rounded", fontname="sans-serif", fontsize=11]'
    yield '  edge [fontname="sans-serif", fontsize=9]'
    yield '  graph [fontname="sans-serif", fontsize=11, style="rounded", color="gray50"]'
    for number, frame in enumerate(drawing.frames):
        yield from _frame(frame, f"cluster_{number}", "  ")
    for spot in drawing.spots:
        yield f"  {_spot(spot)}"
    for line in drawing.lines:
        attributes = {"label": line.label, **line.style} if line.label else line.style
        yield f"  {quoted(line.tail)} -> {quoted(line.head)}{_attributes(attributes)}"
    yield "}"


def _frame(frame: Frame, name: str, indent: str) -> Iterator[str]:
    yield f"{indent}subgraph {name} {{"
    yield f"{indent}  label={quoted(frame.label)}"
    for key, value in frame.style.items():
        yield f"{indent}  {key}={quoted(value)}"
    for number, inner in enumerate(frame.frames):
        yield from _frame(inner, f"{name}_{number}", indent + "  ")
    for spot in frame.spots:
        yield f"{indent}  {_spot(spot)}"
    yield f"{indent}}}"


def _spot(spot: Spot) -> str:
    attributes = {"label": spot.label, **({"tooltip": spot.note} if spot.note else {}), **spot.style}
    return f"{quoted(spot.id)}{_attributes(attributes)}"


def _attributes(attributes: dict[str, str]) -> str:
    if not attributes:
        return ""
    return f" [{', '.join(f'{key}={quoted(value)}' for key, value in attributes.items())}]"


def quoted(text: str) -> str:
    """A text between quotes as dot reads it: line breaks stay, everything else means itself."""
    plain = "".join(sign if sign.isprintable() or sign == "\n" else " " for sign in text)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
