"""Simulations: what was assumed, what would be done, step by step, and what is where afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from hashell.outcomes import Planned, Simulated, Simulation
from hashell.views.layout import Cell, clean, columns, one_line, paragraph
from hashell.views.plan import NAMES_MAX, render_blocked, render_changes
from hashell.views.theme import Style, Theme
from hashelld.model.action import Action, ActionKind
from hashelld.policy.wording import phrase, verb_of


_SUMMED: Final = frozenset({"probe", "notify", "monitor", "cancel", "clear failures", "forget"})
"""What is told with the number of times beyond the first few."""
LINES_MAX: Final = 12
"""So many actions of one kind are told one by one in a step."""


def render_simulation(simulation: Simulation, theme: Theme) -> list[str]:
    """For each file: what would be done, in which steps, and what is where afterwards."""
    lines: list[str] = []
    for one in simulation.files:
        if lines:
            lines.append("")
        lines.append(theme.paint(clean(one.file), Style.HEADING))
        if one.about:
            lines += paragraph(theme, one_line(one.about), indent="  ", first="  ")
        lines += _told(one, theme)
    return lines


def _told(one: Simulated, theme: Theme) -> list[str]:
    if one.error:
        return paragraph(theme, clean(one.error), indent="  ", first="  ")
    lines: list[str] = []
    for sentence in one.assumed:
        lines += paragraph(theme, one_line(f"if {sentence}"), indent="     ", first="  ")
    for number, planned in enumerate(one.plans):
        lines += ["", *render_changes(planned, theme, "Then it would" if number else "The cluster would")]
        lines += _steps(planned, theme)
        lines += render_blocked(planned, theme)
        if not number:
            lines += _failures(one, planned, theme)
            lines += ["", *_afterwards(one, theme)]
    return lines


def _failures(one: Simulated, planned: Planned, theme: Theme) -> list[str]:
    """What was made to fail, and what is not done therefore."""
    words = {action.label: phrase(action) for action in planned.transition.actions}
    rows = [[Cell("fails", Style.BAD), Cell(words[label])] for label in one.failed]
    rows += [[Cell("not begun", Style.WARN), Cell(words[label])] for label in one.skipped]
    rows += [[Cell("not planned", Style.DIM), Cell(f"{label}, which was to fail")] for label in one.missed]
    return ["", theme.paint("What goes wrong", Style.HEADING), *columns(theme, rows)] if rows else []


def _steps(planned: Planned, theme: Theme) -> list[str]:
    steps: dict[int, list[Action]] = {}
    for action, step in zip(planned.transition.actions, planned.steps, strict=True):
        if action.kind is not ActionKind.PSEUDO:
            steps.setdefault(step, []).append(action)
    if not steps:
        return []
    rows = []
    for number in sorted(steps):
        for place, text in enumerate(_lines(steps[number])):
            rows.append([Cell("" if place else f"{number}", Style.DIM), Cell(text)])
    return ["", theme.paint("Step by step", Style.HEADING), *columns(theme, rows)]


def _lines(actions: list[Action]) -> Iterable[str]:
    kinds: dict[str, list[Action]] = {}
    for action in actions:
        kinds.setdefault(verb_of(action), []).append(action)
    for verb, alike in sorted(kinds.items(), key=lambda kind: kind[0] in _SUMMED):
        if len(alike) <= (2 if verb in _SUMMED else LINES_MAX):
            yield from map(phrase, alike)
        else:
            yield f"{verb} {_listed({str(a.resource) for a in alike}, 'resources')}{_places(alike)}"


def _places(actions: list[Action]) -> str:
    nodes = {str(action.node) for action in actions if action.node}
    return f" on {_listed(nodes, 'nodes')}" if nodes else ""


def _listed(names: set[str], what: str) -> str:
    return f"{len(names)} {what}" if len(names) > NAMES_MAX else ", ".join(sorted(names))


def _afterwards(one: Simulated, theme: Theme) -> list[str]:
    nodes: dict[str, list[str]] = {}
    for resource, node, role in one.placement:
        nodes.setdefault(node, []).append(resource if role == "Started" else f"{resource} ({role})")
    if not nodes:
        return ["Nothing runs afterwards."]
    rows = [[Cell(node, Style.NAME), Cell(", ".join(nodes[node]))] for node in sorted(nodes)]
    return [theme.paint("Afterwards", Style.HEADING), *columns(theme, rows)]
