"""Plans: what the cluster would do, in which step and why, and what it cannot do."""

from __future__ import annotations

from typing import Final

from hashell.outcomes import Change, Planned
from hashell.views.layout import Cell, columns, one_line, paragraph
from hashell.views.listing import render_diff
from hashell.views.theme import Style, Theme
from hashelld.model.action import ActionKind


_STYLES: Final = {
    "start": Style.GOOD,
    "promote": Style.GOOD,
    "stop": Style.WARN,
    "demote": Style.WARN,
    "re-promote": Style.WARN,
    "restart": Style.WARN,
    "move": Style.WARN,
    "migrate": Style.WARN,
    "fence": Style.BAD,
}
NAMES_MAX: Final = 8
"""So many names are listed where they only say what stays as it is."""


def render_plan(planned: Planned, theme: Theme) -> list[str]:
    """The draft's difference, then what would be done, then what cannot be done."""
    lines: list[str] = []
    if planned.diff:
        lines += [theme.paint("Changes", Style.HEADING), *render_diff(planned.diff, theme), ""]
    return [*lines, *render_changes(planned, theme, "The cluster would"), *render_blocked(planned, theme)]


def render_changes(planned: Planned, theme: Theme, title: str) -> list[str]:
    """What happens to each resource and node, with its steps; what stays; looks and monitors by their number."""
    if not planned.changes:
        return [*paragraph(theme, f"{title} do nothing{_beside(planned)}."), *_unchanged(planned, theme)]
    rows = [_row(change, theme) for change in planned.changes]
    more = _beside(planned)
    lines = [theme.paint(title, Style.HEADING), *columns(theme, rows)]
    if more:
        lines += paragraph(theme, f"and{more.removeprefix(' but')}", indent="    ", first="  ")
    return [*lines, *_unchanged(planned, theme)]


def _row(change: Change, theme: Theme) -> list[Cell]:
    steps = (
        f"{change.first_step}-{change.last_step}" if change.last_step > change.first_step else f"{change.first_step}"
    )
    where = ", ".join(change.nodes)
    if change.to is not None:
        where = f"{where} {theme.mark('arrow')} {change.to}"
    if change.detail:
        where = f"{where} ({change.detail})"
    return [
        Cell(steps, Style.DIM),
        Cell(change.verb, _STYLES.get(change.verb, Style.PLAIN)),
        Cell(change.resource, Style.NAME),
        Cell(where),
        Cell(change.reason, Style.DIM),
    ]


def _beside(planned: Planned) -> str:
    """` but probe 12 times, begin 3 monitors`: what changes nothing by itself."""
    probes = begun = ended = forgotten = 0
    for action in planned.transition.actions:
        probes += action.operation == "monitor" and not action.interval_ms and action.kind is ActionKind.RESOURCE
        begun += action.interval_ms > 0 and action.kind is ActionKind.RESOURCE
        ended += action.kind is ActionKind.CANCEL
        forgotten += action.kind in (ActionKind.CLEAR_FAILURES, ActionKind.FORGET)
    told = [
        f"probe {_times(probes)}" if probes else "",
        f"begin {_counted(begun, 'monitor')}" if begun else "",
        f"end {_counted(ended, 'monitor')}" if ended else "",
        f"clear {_counted(forgotten, 'record')}" if forgotten else "",
    ]
    words = ", ".join(word for word in told if word)
    return f" but {words}" if words else ""


def _times(count: int) -> str:
    return f"{count} times" if count > 1 else "once"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}s" if count != 1 else f"1 {what}"


def _unchanged(planned: Planned, theme: Theme) -> list[str]:
    names = planned.unchanged
    if not names:
        return []
    listed = f": {', '.join(names)}" if len(names) <= NAMES_MAX else ""
    stay = "resource stays as it is" if len(names) == 1 else "resources stay as they are"
    return paragraph(theme, one_line(f"{len(names)} {stay}{listed}"), indent="    ", first="  ")


def render_blocked(planned: Planned, theme: Theme) -> list[str]:
    """What should happen and cannot; the same reason is told once."""
    found: dict[tuple[str, str], list[str]] = {}
    for blocked in planned.transition.blocked:
        found.setdefault((blocked.node or "", blocked.reason), []).append(blocked.resource)
    if not found:
        return []
    rows = [
        [Cell(", ".join(dict.fromkeys(names)), Style.NAME), Cell(node), Cell(reason, Style.WARN)]
        for (node, reason), names in found.items()
    ]
    return ["", theme.paint("It cannot", Style.HEADING), *columns(theme, rows)]
