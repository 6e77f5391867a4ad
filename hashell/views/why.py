"""Why a resource is where it is."""

from __future__ import annotations

from collections.abc import Iterable

from hashell.outcomes import Why
from hashell.views.layout import Cell, columns, one_line, paragraph
from hashell.views.theme import Style, Theme
from hashelld.model.score import INFINITY, format_score
from hashelld.policy.explanation import Explanation, NodeScore, PartExplained


def render_why(why: Why, theme: Theme) -> list[str]:
    """The reason in a sentence; then each part, the scores that led to it, and those for the promoted role."""
    found = why.explanation
    lines = paragraph(theme, one_line(f"{found.resource} {found.summary}"))
    if found.parts:
        lines += ["", theme.paint("Parts", Style.HEADING), *columns(theme, (_part(p, theme) for p in found.parts))]
    if found.scores:
        heading = [theme.paint("Scores", Style.HEADING)] if found.parts or found.promotion else []
        lines += ["", *heading, *columns(theme, _scores(found, found.scores, theme))]
    if found.promotion:
        rows = _promotions(found, theme)
        lines += ["", theme.paint("For the promoted role", Style.HEADING), *columns(theme, rows)]
    return lines


def _part(part: PartExplained, theme: Theme) -> list[Cell]:
    is_up = part.node is not None
    where = part.node or part.now or ""
    if part.now is not None and part.node is not None and part.now != part.node:
        where = f"{part.now} {theme.mark('arrow')} {part.node}"
    role = part.role if part.now_role == part.role else f"{part.now_role} {theme.mark('arrow')} {part.role}"
    return [
        Cell(theme.mark("on" if is_up else "off"), Style.GOOD if is_up else Style.DIM),
        Cell(part.resource, Style.NAME),
        Cell(role),
        Cell(where),
        Cell(part.summary, Style.DIM),
    ]


def _scores(found: Explanation, scores: Iterable[NodeScore], theme: Theme) -> Iterable[list[Cell]]:
    for score in scores:
        is_planned = score.node in found.planned_on
        runs = "runs here" if score.node in found.running_on else ""
        yield [
            Cell(theme.mark("on" if is_planned else "off"), Style.GOOD if is_planned else Style.DIM),
            *_score(score),
            Cell(runs, Style.DIM),
            Cell(_made_of(score)),
        ]


def _promotions(found: Explanation, theme: Theme) -> Iterable[list[Cell]]:
    promoted = {part.node for part in found.parts if part.role == "Promoted"}
    for score in found.promotion:
        is_chosen = score.node in promoted
        yield [
            Cell(theme.mark("on" if is_chosen else "off"), Style.GOOD if is_chosen else Style.DIM),
            *_score(score),
            Cell(_made_of(score)),
        ]


def _score(score: NodeScore) -> list[Cell]:
    style = Style.GOOD if score.total > 0 else Style.BAD if score.total <= -INFINITY else Style.PLAIN
    return [Cell(score.node, Style.NAME), Cell(format_score(score.total), style)]


def _made_of(score: NodeScore) -> str:
    parts = [f"{format_score(part.score)} {part.source}" for part in score.contributions]
    return ", ".join([*parts, score.note] if score.note else parts)
