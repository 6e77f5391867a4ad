"""Plans and explanations: what the cluster would do and why, in the order of carrying it out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from hashell.outcomes import Planned, Simulation, Why
from hashell.views.layout import Cell, clean, columns, one_line, paragraph
from hashell.views.listing import render_diff
from hashell.views.theme import Style, Theme
from hashelld.model.action import Action, ActionKind
from hashelld.model.score import INFINITY, format_score


_STYLES: Final = {
    "start": Style.GOOD,
    "promote": Style.GOOD,
    "stop": Style.WARN,
    "demote": Style.WARN,
    "restart": Style.WARN,
    "move": Style.WARN,
    "migrate": Style.WARN,
    "fence": Style.BAD,
}
_QUIET: Final = frozenset({ActionKind.PSEUDO, ActionKind.CANCEL, ActionKind.CLEAR_FAILURES, ActionKind.FORGET})


def render_plan(planned: Planned, theme: Theme) -> list[str]:
    """The draft's difference, then what would be done, then what cannot be done."""
    lines: list[str] = []
    if planned.diff:
        lines += [theme.paint("Changes", Style.HEADING), *render_diff(planned.diff, theme), ""]
    steps = list(_steps(planned, theme))
    if steps:
        lines += [theme.paint("The cluster would", Style.HEADING), *columns(theme, steps)]
    else:
        lines.append("The cluster would do nothing.")
    blocked = planned.transition.blocked
    if blocked:
        rows = [[Cell(b.resource, Style.NAME), Cell(b.node or ""), Cell(b.reason, Style.WARN)] for b in blocked]
        lines += ["", theme.paint("It cannot", Style.HEADING), *columns(theme, rows)]
    return lines


def _steps(planned: Planned, theme: Theme) -> Iterator[list[Cell]]:
    actions = [a for a in planned.transition.actions if a.kind not in _QUIET and not _is_monitor(a)]
    moved = _moved(actions)
    for action in actions:
        pair = moved.get((action.resource, action.operation, action.node))
        if pair is not None and action.operation == "start":
            continue
        if pair is not None:
            verb = "restart" if pair.node == action.node else "move"
            where = f"{action.node}" if verb == "restart" else f"{action.node} {theme.mark('arrow')} {pair.node}"
            yield _step(verb, action, where, _first_reason((action, pair)))
        elif action.kind is ActionKind.FENCE:
            yield _step("fence", action, f"{action.node} ({action.operation})", action.reason)
        elif action.kind is ActionKind.SHUTDOWN:
            yield _step("let go", action, str(action.node or ""), action.reason)
        else:
            yield _step(action.operation, action, str(action.node or ""), action.reason)
    probes = sum(1 for a in planned.transition.actions if a.operation == "monitor" and not a.interval_ms)
    if probes and actions:
        yield [
            Cell("probe", Style.DIM),
            Cell(f"{probes} times" if probes > 1 else "once", Style.DIM),
            Cell(""),
            Cell(""),
        ]


def _is_monitor(action: Action) -> bool:
    return action.operation == "monitor"


def _moved(actions: Iterable[Action]) -> dict[tuple[str | None, str, str | None], Action]:
    """Stops and starts of one resource that belong together, each keyed by itself, its partner as the value."""
    stops: dict[str | None, list[Action]] = {}
    starts: dict[str | None, list[Action]] = {}
    for action in actions:
        if action.kind is ActionKind.RESOURCE and action.operation in ("stop", "start"):
            (stops if action.operation == "stop" else starts).setdefault(action.resource, []).append(action)
    pairs: dict[tuple[str | None, str, str | None], Action] = {}
    for resource, stopped in stops.items():
        if len(stopped) == 1 and len(starts.get(resource, ())) == 1:
            started = starts[resource][0]
            pairs[resource, "stop", stopped[0].node] = started
            pairs[resource, "start", started.node] = stopped[0]
    return pairs


def _first_reason(actions: Iterable[Action]) -> str:
    return next((a.reason for a in actions if a.reason), "")


def _step(verb: str, action: Action, where: str, reason: str) -> list[Cell]:
    name = action.resource or ""
    return [Cell(verb, _STYLES.get(verb, Style.PLAIN)), Cell(name, Style.NAME), Cell(where), Cell(reason, Style.DIM)]


def render_why(why: Why, theme: Theme) -> list[str]:
    """The reason in a sentence, then the scores that led to it, best node first."""
    found = why.explanation
    lines = paragraph(theme, one_line(f"{found.resource} {found.summary}"))
    rows = []
    for score in found.scores:
        mark = "on" if score.node in found.planned_on else "off"
        style = Style.GOOD if score.total > 0 else Style.BAD if score.total <= -INFINITY else Style.PLAIN
        parts = ", ".join(f"{format_score(part.score)} {part.source}" for part in score.contributions)
        note = "runs here" if score.node in found.running_on else ""
        rows.append(
            [
                Cell(theme.mark(mark), Style.GOOD if mark == "on" else Style.DIM),
                Cell(score.node, Style.NAME),
                Cell(format_score(score.total), style),
                Cell(note, Style.DIM),
                Cell(parts),
            ]
        )
    return [*lines, "", *columns(theme, rows)] if rows else lines


def render_simulation(simulation: Simulation, theme: Theme) -> list[str]:
    """For each file: what would be done, and what is where afterwards."""
    lines: list[str] = []
    for one in simulation.files:
        lines += (
            ["", theme.paint(clean(one.file), Style.HEADING)]
            if lines
            else [theme.paint(clean(one.file), Style.HEADING)]
        )
        if one.error:
            lines += paragraph(theme, clean(one.error), indent="  ", first="  ")
            continue
        lines += [f"  {clean(action)}" for action in one.actions] or ["  nothing to do"]
        rows = [[Cell(resource, Style.NAME), Cell(role), Cell(node)] for resource, node, role in one.placement]
        lines += columns(theme, rows)
    return lines
