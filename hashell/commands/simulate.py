"""The command `simulate`: what the policy engine makes of a recorded CIB; one JSON object for each file."""

from __future__ import annotations

import time

from hashell.commands.moment import moment_ms
from hashell.errors import Usage
from hashell.grammar.kinds import Path
from hashell.grammar.registry import command
from hashell.outcomes import Outcome, Simulated, Simulation
from hashell.session import Session
from hashelld.cib.view import ClusterView
from hashelld.cib.xml.status import read_view
from hashelld.cib.xml.tree import XmlRefused
from hashelld.model.action import ActionKind
from hashelld.model.history import Role
from hashelld.policy.graph import Transition
from hashelld.policy.observe import instances
from hashelld.policy.plan import plan
from hashelld.policy.simulate import carry_out


@command("simulate", examples=("simulate --json cib.xml", "simulate --date '2026-07-01 12:00' cib.xml"))
def simulate(session: Session, file: Path, *more: Path, date: str | None = None) -> Outcome:
    """Read CIB XML with its status section, plan once, and carry the plan out in memory.

    For each file: the placement afterwards, the actions, and which action waits for which. --date takes the place
    of the current time where the file does not say when it was made.
    """
    now_ms = int(time.time_ns() // 1_000_000) if date is None else moment_ms(date)
    if now_ms is None:
        raise Usage(f"'{date}' is no time: write 2026-07-01 12:00, 2026-182T12:00 or seconds since 1970")
    return Simulation(files=tuple(_simulated(path, now_ms) for path in (file, *more)))


def _simulated(path: str, now_ms: int) -> Simulated:
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib would cost start-up time
            view = read_view(file.read(), now_ms)
    except OSError as error:
        return Simulated(file=path, error=f"{error.strerror}")
    except UnicodeDecodeError as error:
        return Simulated(file=path, error=f"byte {error.start} is not UTF-8")
    except XmlRefused as refused:
        return Simulated(file=path, error=str(refused))
    return simulated(path, view)


def simulated(name: str, view: ClusterView) -> Simulated:
    """The view, planned once and carried out."""
    transition = plan(view)
    placement = sorted(
        (str(state.resource), str(state.node), state.role.value)
        for state in instances(carry_out(view, transition))
        if state.node is not None and state.role is not Role.STOPPED
    )
    real = {at: place for place, at in enumerate(_real(transition))}
    return Simulated(
        file=name,
        placement=tuple(placement),
        actions=tuple(transition.actions[at].label for at in real),
        edges=tuple(sorted((real[first], place) for at, place in real.items() for first in _before(transition, at))),
    )


def _real(transition: Transition) -> list[int]:
    return [at for at, action in enumerate(transition.actions) if action.kind is not ActionKind.PSEUDO]


def _before(transition: Transition, at: int) -> set[int]:
    """The real actions that an action waits for; pseudo actions in between are seen through."""
    found: set[int] = set()
    seen: set[int] = set()
    waiting = list(transition.actions[at].after)
    while waiting:
        first = waiting.pop()
        if first in seen:
            continue
        seen.add(first)
        if transition.actions[first].kind is ActionKind.PSEUDO:
            waiting += transition.actions[first].after
        else:
            found.add(first)
    return found
