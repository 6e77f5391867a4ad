"""The status screen: what is wrong first, then nodes, then resources; compact at 80 columns and readable below."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from hashell.outcomes import Instance, NodeLine, OperationLine, StatusReport
from hashell.views.layout import Cell, blocks, clean, columns, one_line, paragraph, width_of
from hashell.views.theme import Style, Theme
from hashelld.model.ids import NO_EPOCH, NodeId
from hashelld.model.score import format_score


_GOOD_ROLES: Final = frozenset({"Started", "Promoted", "Unpromoted"})
_UNLIMITED: Final = Theme(width=100_000)
_AGENT_AT: Final = 4
"""The column of a resource's agent, which narrow terminals do without."""
_NODE_STYLES: Final = {
    "online": Style.GOOD,
    "arbiter": Style.GOOD,
    "arbiter lost": Style.BAD,
    "standby": Style.WARN,
    "maintenance": Style.WARN,
    "pending": Style.WARN,
    "UNCLEAN": Style.BAD,
    "offline": Style.BAD,
}


def render_status(report: StatusReport, theme: Theme) -> list[str]:
    """The screen's lines."""
    lines = [] if "noheaders" in report.words else [*_head(report, theme)]
    alarms = [line for alarm in _alarms(report, theme) for line in alarm]
    if alarms:
        lines += ["", *alarms]
    if "bynode" in report.words:
        lines += ["", *_by_node(report, theme)]
    else:
        if report.nodes:
            lines += ["", theme.paint("Nodes", Style.HEADING), *columns(theme, [_node(n, theme) for n in report.nodes])]
        if report.instances:
            lines += ["", theme.paint("Resources", Style.HEADING), *_resources(report, theme)]
        else:
            lines += ["", theme.paint("No resources are configured.", Style.DIM)]
    for title, rows in _details(report):
        lines += ["", theme.paint(title, Style.HEADING), *columns(theme, rows)]
    return lines if not lines or lines[0] else lines[1:]


def _details(report: StatusReport) -> Iterator[tuple[str, list[list[Cell]]]]:
    """The sections that are shown when they are asked for; one without rows is left out."""
    words = report.words
    sections = (
        ("Links", _links(report) if "full" in words else []),
        ("Fail counts", _fail_counts(report) if "full" in words or "failcounts" in words else []),
        ("Operations", [_operation(one, has_times="timing" in words) for one in report.operations]),
        ("Tickets", [[Cell(one.ticket, Style.NAME), Cell(one.state)] for one in report.tickets]),
    )
    return ((title, rows) for title, rows in sections if rows)


def _fail_counts(report: StatusReport) -> list[list[Cell]]:
    return [
        [Cell(i.resource, Style.NAME), Cell(node), Cell(f"fail count {format_score(count)}", Style.WARN)]
        for i in report.instances
        for node, count in i.fail_counts
    ]


def _operation(done: OperationLine, *, has_times: bool) -> list[Cell]:
    times = [Cell(done.when, Style.DIM), Cell(f"{done.duration_ms} ms", Style.DIM)] if has_times else []
    outcome = Cell(one_line(done.outcome), Style.BAD if done.is_failed else Style.PLAIN)
    return [Cell(done.resource, Style.NAME), Cell(done.node), Cell(done.operation), outcome, *times]


def _head(report: StatusReport, theme: Theme) -> Iterator[str]:
    status = report.status
    quorum = status.quorum
    parts = [
        (clean(status.cluster) or "cluster", Style.HEADING),
        (f"quorum ({quorum.reason})", Style.GOOD) if quorum.has_quorum else (f"NO QUORUM ({quorum.reason})", Style.BAD),
        *([(f"DC {status.dc}", Style.PLAIN)] if status.dc else [("no DC", Style.BAD)] if status.cluster else []),
        (_activity(report), Style.DIM if status.phase in ("idle", "following") else Style.WARN),
    ]
    if status.epoch != NO_EPOCH:
        parts.append((f"version {status.version}", Style.DIM))
    separator = f" {theme.mark('dot')} "
    line, used = "", 0
    for text, style in parts:
        if line and used + len(separator) + width_of(text) > theme.width:
            yield line
            line, used = "  ", 2
        elif line:
            line, used = line + separator, used + len(separator)
        line += theme.paint(text, style)
        used += width_of(text)
    yield line


def _activity(report: StatusReport) -> str:
    status = report.status
    begun = len(status.in_flight)
    if not begun and not status.pending:
        return "idle" if status.phase in ("idle", "following") else status.phase
    return f"{begun} under way, {status.pending} to come" if status.pending else f"{begun} under way"


def _alarms(report: StatusReport, theme: Theme) -> Iterator[list[str]]:
    """What an administrator must see: a word, and what it is about, wrapped beside it."""
    status = report.status
    for text in status.quorum.unsafe:
        yield _alarm(theme, "UNSAFE", text, Style.BAD)
    for text in status.fencing:
        yield _alarm(theme, "FENCING", text, Style.BAD)
    for instance in report.instances:
        for failure in instance.failures:
            hint = f"{theme.mark('arrow')} resource cleanup {instance.resource}"
            yield _alarm(theme, "FAILED", f"{instance.resource}: {failure}", Style.BAD, hint)
    for text in status.blocked:
        yield _alarm(theme, "BLOCKED", text, Style.WARN)
    for left in report.leftovers:
        verb = "banned from" if left.is_ban else "bound to"
        hint = f"{theme.mark('arrow')} resource clear {left.resource}"
        yield _alarm(theme, "MOVED", f"{left.resource} is {verb} {left.node}", Style.WARN, hint)
    for text in status.notices:
        yield _alarm(theme, "NOTICE", text, Style.WARN)


def _alarm(theme: Theme, word: str, text: str, style: Style, hint: str = "") -> list[str]:
    label = f"{word:<8}"
    lines = paragraph(theme, one_line(text), indent=" " * 9, first=f"{label} ")
    if hint and width_of(lines[-1]) + 2 + width_of(hint) > theme.width:
        lines.append(" " * 9 + theme.paint(hint, Style.DIM))
    elif hint:
        lines[-1] += "  " + theme.paint(hint, Style.DIM)
    return [theme.paint(label, style) + lines[0][len(label) :], *lines[1:]]


def _node(node: NodeLine, theme: Theme) -> list[Cell]:
    style = _NODE_STYLES.get(node.state, Style.PLAIN)
    mark = {Style.GOOD: "on", Style.BAD: "bad"}.get(style, "off")
    plural = "" if node.resources == 1 else "s"
    load = f"{node.resources} resource{plural}" if node.resources else ""
    return [
        Cell(theme.mark(mark), style),
        Cell(node.node, Style.NAME),
        Cell(node.state, style),
        Cell("DC" if node.is_dc else ""),
        Cell(load, Style.DIM),
    ]


def _resources(report: StatusReport, theme: Theme) -> list[str]:
    """All rows share one set of columns; a group's or clone's heading stands between them."""
    rows: list[list[Cell]] = []
    headings: list[str | None] = []
    for (group, container), members in groupby(report.instances, key=lambda i: (i.group, i.container)):
        if group:
            headings.append(f"  {clean(container) or 'group'} {theme.paint(clean(group), Style.NAME)}")
        for instance in members:
            headings.append(None)
            rows.append(_instance(instance, theme))
    if max(map(width_of, columns(_UNLIMITED, rows)), default=0) > theme.width:
        rows = [[*row[:_AGENT_AT], *row[_AGENT_AT + 1 :]] for row in rows]
    block_of = iter(blocks(theme, rows))
    return [line for heading in headings for line in ([heading] if heading is not None else next(block_of))]


def _instance(instance: Instance, theme: Theme) -> list[Cell]:
    is_up = instance.role in _GOOD_ROLES and bool(instance.nodes)
    style = Style.BAD if instance.failures and not is_up else Style.GOOD if is_up else Style.DIM
    notes = [] if instance.is_managed else ["unmanaged"]
    if instance.note:
        notes.append(instance.note)
    cells = [
        Cell(theme.mark("on" if is_up else "bad" if instance.failures else "off"), style),
        Cell(instance.resource, Style.NAME, indent=2 if instance.group else 0),
        Cell(instance.role, style),
        Cell(" ".join(instance.nodes)),
        Cell(instance.agent, Style.DIM),
    ]
    if notes:
        cells.append(Cell(", ".join(notes), Style.WARN))
    return cells


def _by_node(report: StatusReport, theme: Theme) -> Iterator[str]:
    for node in report.nodes:
        yield from columns(theme, [_node(node, theme)[:4]], indent="")
        rows = [_instance(i, theme) for i in report.instances if node.node in i.nodes]
        yield from columns(theme, [[row[0], row[1], row[2], *row[4:]] for row in rows], indent="    ")
    idle = [i for i in report.instances if not i.nodes]
    if idle:
        yield ""
        yield theme.paint("Not running", Style.HEADING)
        yield from columns(theme, [_instance(i, theme) for i in idle])


def _links(report: StatusReport) -> list[list[Cell]]:
    """Each peer as the answering node hears it."""
    me: list[Cell] = [Cell(report.status.node, Style.NAME), Cell("answers", Style.DIM)]
    rows = [me]
    for link in report.status.links:
        if link.node == NodeId(report.status.node):
            continue
        silence = "" if link.silence_ms is None else f"heard {link.silence_ms} ms ago"
        style = Style.GOOD if link.presence == "alive" else Style.WARN
        rows.append([Cell(link.node, Style.NAME), Cell(link.presence, style), Cell(silence), Cell(link.incarnation)])
    return rows
