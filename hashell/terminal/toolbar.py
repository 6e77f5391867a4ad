"""The bar below the prompt: quorum, DC, nodes, resources, and whether the draft has changes; a pure function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashell.views.layout import one_line, width_of
from hashelld.cib.document import Cib
from hashelld.model.resource import Primitive
from hashelld.wire.client import StatusIs


if TYPE_CHECKING:
    # It reads the whole language, which a prompt that waits for its first key should not have to load.
    from hashell.terminal.remarks import Remark


Piece = tuple[str, str]
"""A style class and its text."""


def toolbar(
    status: StatusIs | None, cib: Cib | None, *, trouble: str, is_dirty: bool, width: int, remark: Remark | None = None
) -> list[Piece]:
    """The pieces that fit into the width, the most important first: what is wrong with the line goes before all."""
    pieces = [] if remark is None else [_about_line(remark, width)]
    pieces += _draft(is_dirty=is_dirty)
    if status is None:
        pieces.append(("class:bad", trouble.partition(":")[0] or "asking the cluster…"))
    else:
        pieces.extend(_cluster(status, cib))
    return _fitting(pieces, width)


def prompt_state(status: StatusIs | None, cib: Cib | None, *, trouble: str) -> tuple[str, str]:
    """The class of the prompt's style, and the mark that says the same without a colour; all is well without a mark."""
    if status is None:
        return ("class:prompt-bad", "?") if trouble else ("class:prompt", "")
    if not status.node:
        return "class:prompt", ""
    if not status.quorum.has_quorum or status.dc is None:
        return "class:prompt-bad", "!"
    _running, failed = _resources(status, cib)
    is_whole = all(node.online for node in status.nodes) and not failed and not status.quorum.unsafe
    return ("class:prompt", "") if is_whole else ("class:prompt-trouble", "!")


def _about_line(remark: Remark, width: int) -> Piece:
    style = "class:dim" if not remark.is_wrong else "class:warning" if remark.is_doubt else "class:bad"
    room = max(width - 2, 1)
    told = next((text for text in (remark.told, remark.text) if width_of(one_line(text)) <= room), remark.text)
    told = one_line(told)
    return style, told if width_of(told) <= room else told[: room - 1] + "…"


def _draft(*, is_dirty: bool) -> list[Piece]:
    return [("class:warning", "draft not committed")] if is_dirty else []


def _cluster(status: StatusIs, cib: Cib | None) -> list[Piece]:
    if not status.node:
        return [("class:warning", "a file, not a cluster"), ("", f"{len(status.nodes)} nodes")]
    quorum = status.quorum
    pieces: list[Piece] = [
        ("class:good", "quorum") if quorum.has_quorum else ("class:bad", f"NO QUORUM: {quorum.reason}")
    ]
    if quorum.unsafe:
        pieces.append(("class:bad", "UNSAFE"))
    online = sum(node.online for node in status.nodes)
    total = max(len(status.nodes), len(cib.nodes) if cib else 0)
    pieces.append(("class:good" if online == total else "class:warning", f"{online}/{total} nodes"))
    pieces.append(("", f"DC {status.dc}") if status.dc else ("class:bad", "no DC"))
    running, failed = _resources(status, cib)
    pieces.append(("", f"{running} running"))
    if failed:
        pieces.append(("class:bad", f"{failed} failed"))
    if status.in_flight or status.pending:
        pieces.append(("class:warning", f"{len(status.in_flight) + status.pending} actions under way"))
    return pieces


def _resources(status: StatusIs, cib: Cib | None) -> tuple[int, int]:
    """How many primitives run somewhere, and how many have failures."""
    known = {str(found.id) for found in cib.resources if isinstance(found, Primitive)} if cib else set()
    running: set[str] = set()
    failed: set[str] = set()
    for node in status.nodes:
        newest: dict[str, tuple[int, bool]] = {}
        for result in node.status.operations:
            is_up = result.rc in (0, 8) and result.operation != "stop"
            if result.call >= newest.get(result.resource, (-1, False))[0]:
                newest[result.resource] = (result.call, is_up)
        running.update(name.partition(":")[0] for name, (_call, is_up) in newest.items() if is_up and node.online)
        failed.update(str(one.resource).partition(":")[0] for one in node.status.failures if one.count)
    return len(running & known), len(failed & known)


def _fitting(pieces: list[Piece], width: int) -> list[Piece]:
    shown: list[Piece] = []
    used = 1
    for style, text in pieces:
        separator = " · " if shown else " "
        used += len(separator) + len(text)
        if used > width:
            break
        shown.extend((("", separator), (style, text)))
    return shown
