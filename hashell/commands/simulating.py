"""What `simulate` does: read, assume, plan once, carry out in memory, and tell."""

from __future__ import annotations

import os
import sys
import time
from importlib import import_module

from msgspec.structs import replace

from hashell.commands.assumptions import Assumptions
from hashell.commands.foresight import active, planned
from hashell.commands.transition_graph import transition_graph
from hashell.errors import Refused, Usage
from hashell.outcomes import Listing, Outcome, Simulated, Simulation
from hashell.session import Session
from hashelld.cib.view import ClusterView
from hashelld.cib.xml.status import read_view
from hashelld.cib.xml.tree import XmlRefused
from hashelld.model.action import Action, ActionKind
from hashelld.policy.graph import Transition
from hashelld.policy.plan import plan
from hashelld.policy.simulate import execute, without_departures
from hashelld.policy.whereabouts import plain_name


STANDARD = "-"


def run(session: Session, files: tuple[str, ...], assumptions: Assumptions, picture: str | None) -> Outcome:
    """The answer to one command; a picture is of one plan."""
    if picture is not None and len(files) > 1:
        raise Usage("--graph draws one plan: give one file")
    if not files:
        name = session.client.name
        view = session.view()
        assumed = assumptions.of(view)
        found = [simulated(name, assumed.apply(view), assumed)]
    else:
        is_brief = session.options.json and picture is None
        found = [_of_file(path, assumptions, is_brief=is_brief) for path in files]
    if picture is None or found[0].error:
        return Simulation(files=tuple(found))
    picturing = import_module("hashell.commands.picturing")
    text = picturing.draw(transition_graph(found[0].plans[0].transition), picture)
    return Listing(text=text, language="text") if text else Simulation(files=tuple(found))


def _of_file(path: str, assumptions: Assumptions, *, is_brief: bool) -> Simulated:
    try:
        view = read_view(_text(path), time.time_ns() // 1_000_000)
        assumed = assumptions.of(view)
        return simulated(path, assumed.apply(view), assumed, is_brief=is_brief)
    except OSError as error:
        return Simulated(file=path, error=f"{error.strerror}")
    except UnicodeDecodeError as error:
        return Simulated(file=path, error=f"byte {error.start} is not UTF-8")
    except (XmlRefused, Refused) as refused:
        return Simulated(file=path, error=str(refused))
    except Exception as bug:
        if os.environ.get("HASHELL_DEBUG"):
            raise
        # The others are still answered.
        return Simulated(file=path, error=f"internal error: {type(bug).__name__}: {bug} (HASHELL_DEBUG=1 shows where)")


def _text(path: str) -> str:
    if path == STANDARD:
        return sys.stdin.read()
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib would cost start-up time
        return file.read()


def simulated(name: str, view: ClusterView, assumed: Assumptions | None = None, *, is_brief: bool = False) -> Simulated:
    """The view, planned once and carried out; where something is made to fail, also what would be done then.

    With `is_brief` there are actions and edges, but no plans.
    """
    assumed = assumed or Assumptions()
    transition = plan(view)
    done = execute(view, without_departures(transition), assumed.failures)
    plans = [] if is_brief else [planned(transition, active(view))]
    if done.failed and not is_brief:
        plans.append(planned(plan(done.view), active(done.view)))
    real = [at for at, action in enumerate(transition.actions) if action.kind is not ActionKind.PSEUDO]
    kept = set(real)
    return Simulated(
        file=name,
        about="" if is_brief else _about(view),
        placement=active(done.view),
        actions=tuple(_label(view, transition.actions[at]) for at in real),
        edges=_edges(transition, real),
        reasons=tuple(transition.actions[at].reason for at in real),
        blocked=transition.blocked,
        assumed=assumed.told(),
        plans=tuple(plans),
        failed=tuple(transition.actions[at].label for at in done.failed),
        skipped=tuple(transition.actions[at].label for at in done.skipped if at in kept),
        missed=tuple(sorted(assumed.failures.keys() - {action.label for action in transition.actions})),
    )


def _label(view: ClusterView, action: Action) -> str:
    """The action's label; what is not configured any more is called without the number of an instance."""
    if action.resource is None or ":" not in action.resource:
        return action.label
    plain = plain_name(view.cib, action.resource)
    return action.label if plain == action.resource else replace(action, resource=plain).label


def _about(view: ClusterView) -> str:
    """`3 nodes online; node4 offline; quorum; 2026-07-01 12:00:00 UTC`."""
    members = [node for node in view.nodes if not node.is_remote]
    online = sum(node.online and not node.unclean for node in members)
    rest = [
        f"{node.node} {'unclean' if node.unclean else 'pending' if node.pending else 'offline'}"
        for node in members
        if node.unclean or not node.online
    ]
    moment = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(view.now_ms // 1000))
    parts = (
        f"{online} node{'s' * (online != 1)} online",
        ", ".join(rest),
        "quorum" if view.has_quorum else "no quorum",
        moment,
    )
    return "; ".join(part for part in parts if part)


def _edges(transition: Transition, real: list[int]) -> tuple[tuple[int, int], ...]:
    """Which action waits for which, as places in the list of real ones; pseudo events are seen through."""
    place = {at: number for number, at in enumerate(real)}
    behind: dict[int, frozenset[int]] = {}
    edges: list[tuple[int, int]] = []
    for at, action in enumerate(transition.actions):
        firsts = {place[first] for first in action.after if first in place}
        for first in action.after:
            if first in behind:
                firsts |= behind[first]
        if at in place:
            edges += [(first, place[at]) for first in sorted(firsts)]
        else:
            behind[at] = frozenset(firsts)
    return tuple(edges)
