"""The graph of a transition: its actions, and what waits for what, without what follows from the rest."""

from __future__ import annotations

from typing import Final

from hashell.commands.drawing import Drawing, Line, Spot
from hashelld.model.action import Action, ActionKind
from hashelld.policy.graph import Transition
from hashelld.policy.wording import phrase


_STYLES: Final = {
    "start": {"color": "darkgreen"},
    "promote": {"color": "darkgreen", "penwidth": "2"},
    "migrate_from": {"color": "darkgreen"},
    "stop": {"color": "darkorange3"},
    "demote": {"color": "darkorange3", "penwidth": "2"},
    "migrate_to": {"color": "darkorange3"},
    "monitor": {"color": "gray40", "fontcolor": "gray30"},
    "notify": {"color": "gray40", "fontcolor": "gray30"},
}
_FENCE: Final = {"color": "red3", "penwidth": "2"}
_EVENT: Final = {"shape": "ellipse", "style": "dashed", "color": "gray60", "fontcolor": "gray40", "fontsize": "9"}


def transition_graph(transition: Transition) -> Drawing:
    """Actions as boxes, coloured by what they do; pseudo events only where many wait for many."""
    before = _reduced(_contracted(transition))
    actions = transition.actions
    lines = [Line(tail=f"a{first}", head=f"a{at}") for at, firsts in before.items() for first in sorted(firsts)]
    return Drawing(
        title="transition",
        text=_text(actions, before),
        spots=tuple(_spot(at, actions[at]) for at in before),
        lines=tuple(lines),
    )


def _spot(at: int, action: Action) -> Spot:
    if action.kind is ActionKind.PSEUDO:
        return Spot(id=f"a{at}", label=phrase(action), style=_EVENT)
    style = _FENCE if action.kind is ActionKind.FENCE else _STYLES.get(action.operation, {})
    return Spot(id=f"a{at}", label=phrase(action), style=style, note=action.reason)


def _contracted(transition: Transition) -> dict[int, set[int]]:
    """For each action what it waits for. Pseudo events are seen through, except where that would cost arrows."""
    before = {at: set(action.after) for at, action in enumerate(transition.actions)}
    after: dict[int, set[int]] = {at: set() for at in before}
    for at, firsts in before.items():
        for first in firsts:
            after[first].add(at)
    for at, action in enumerate(transition.actions):
        if action.kind is not ActionKind.PSEUDO:
            continue
        firsts, thens = before[at], after[at]
        if len(firsts) * len(thens) > len(firsts) + len(thens):
            continue
        for then in thens:
            before[then].discard(at)
            before[then] |= firsts
        for first in firsts:
            after[first].discard(at)
            after[first] |= thens
        del before[at], after[at]
    return before


def _reduced(before: dict[int, set[int]]) -> dict[int, set[int]]:
    """Only what does not follow from the rest: of A before B before C, not A before C. Keys are in order."""
    reached: dict[int, int] = {}
    kept: dict[int, set[int]] = {}
    for at, firsts in before.items():
        covered = 0
        chosen = set()
        for first in sorted(firsts, reverse=True):
            if not covered >> first & 1:
                chosen.add(first)
                covered |= reached[first]
        reached[at] = covered | 1 << at
        kept[at] = chosen
    return kept


def _text(actions: tuple[Action, ...], before: dict[int, set[int]]) -> str:
    """One line for each action under what it waits for last: its number, what it is, what it waits for, why."""
    if not before:
        return "nothing to do\n"
    under: dict[int | None, list[int]] = {}
    for at, firsts in before.items():
        under.setdefault(max(firsts, default=None), []).append(at)
    order: list[tuple[int, int]] = []
    waiting = [(at, 0) for at in reversed(under.get(None, ()))]
    while waiting:
        at, depth = waiting.pop()
        order.append((at, depth))
        waiting += [(then, depth + 1) for then in reversed(under.get(at, ()))]
    number = {at: place for place, (at, _depth) in enumerate(order, 1)}
    rows = []
    for at, depth in order:
        waits = ", ".join(str(place) for place in sorted(number[first] for first in before[at]))
        rows.append(("  " * depth + phrase(actions[at]), f"after {waits}" if waits else "", actions[at].reason))
    wide = max(len(what) for what, _waits, _reason in rows)
    long = max(len(waits) for _what, waits, _reason in rows)
    digits = len(str(len(rows)))
    lines = (
        f"{place:>{digits}}  {what:<{wide}}  {waits:<{long}}  {reason}".rstrip()
        for place, (what, waits, reason) in enumerate(rows, 1)
    )
    return "\n".join(lines) + "\n"
