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
    """An arrow between two things or frames, by their ids."""

    tail: str
    head: str
    label: str = ""
    style: dict[str, str] = {}


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """A box around things, with a title."""

    id: str
    label: str
    spots: tuple[Spot, ...] = ()
    frames: tuple[Frame, ...] = ()


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
    yield '  graph [fontname="sans-serif", fontsize=11, style="rounded", color="gray50", compound=true]'
    ends: dict[str, tuple[str, str]] = {}
    for number, frame in enumerate(drawing.frames):
        yield from _frame(frame, f"cluster_{number}", "  ", ends)
    for spot in drawing.spots:
        yield f"  {_spot(spot)}"
    for line in drawing.lines:
        yield f"  {_line(line, ends)}"
    yield "}"


def _frame(frame: Frame, name: str, indent: str, ends: dict[str, tuple[str, str]]) -> Iterator[str]:
    """A frame; `ends` learns for its id a spot inside, for arrows cannot end at a frame, and what dot calls it."""
    yield f"{indent}subgraph {name} {{"
    yield f"{indent}  label={quoted(frame.label)}"
    for number, inner in enumerate(frame.frames):
        yield from _frame(inner, f"{name}_{number}", indent + "  ", ends)
    for spot in frame.spots or (() if frame.frames else (Spot(id=frame.id, label="", style={"style": "invis"}),)):
        yield f"{indent}  {_spot(spot)}"
    yield f"{indent}}}"
    inside = [spot.id for spot in frame.spots] or [ends[inner.id][0] for inner in frame.frames] or [frame.id]
    ends[frame.id] = inside[0], name


def _line(line: Line, ends: dict[str, tuple[str, str]]) -> str:
    attributes = {"label": line.label, **line.style} if line.label else dict(line.style)
    tail, tail_frame = ends.get(line.tail, (line.tail, ""))
    head, head_frame = ends.get(line.head, (line.head, ""))
    if tail != head:  # Between a frame and what is inside it, it is an arrow between things.
        attributes |= {"ltail": tail_frame} if tail_frame else {}
        attributes |= {"lhead": head_frame} if head_frame else {}
    return f"{quoted(tail)} -> {quoted(head)}{_attributes(attributes)}"


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
