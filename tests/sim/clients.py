"""Shells of the simulation: questions that may be asked again, and a random workload of commits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hashelld.cib.document import Cib
from hashelld.cib.edit import Edit
from hashelld.model.ids import NO_VERSION, Millis, NodeId, Version
from hashelld.wire.client import Answer, CibIs, Cleanup, Committed, GetCib, GetStatus, MakeCommit, Refused, Request
from tests.sim.configuration import mark, with_attribute, with_target_role


if TYPE_CHECKING:
    from tests.sim.world import SimWorld

PATIENCE_MS: Final = 8_000
"""A shell that hears nothing for so long asks elsewhere."""
RETRY_MS: Final = 700
TRIES_MAX: Final = 12
STOPPABLE: Final = ("alpha", "beta", "gamma")


class Asked:
    """One request and what came back."""

    def __init__(self, node: NodeId, request: Request, asked_ms: Millis) -> None:
        self.node = node
        self.request = request
        self.asked_ms = asked_ms
        self.answers: list[Answer] = []

    @property
    def answer(self) -> Answer | None:
        """The first answer."""
        return self.answers[0] if self.answers else None


class Commission:
    """A commit that a shell tries until it is answered for good, each time with the same id."""

    def __init__(self, world: SimWorld, commit: str, edits: tuple[Edit, ...], node: NodeId | None = None) -> None:
        self._world = world
        self._node = node
        self._tries = 0
        self._asked: Asked | None = None
        self.commit = commit
        self.edits = edits
        self.outcome: Answer | None = None
        self.is_given_up = False
        self.base: Version | None = None
        self._go()

    def _go(self) -> None:
        world = self._world
        self._tries += 1
        if self._tries > TRIES_MAX:
            self.is_given_up = True
            return
        node = self._node or world.some_running()
        if node is not None and world.hosts[node].is_running:
            base = self.base if self.base is not None else world.known_version
            self._asked = world.ask(node, MakeCommit(id=self.commit, base=base, edits=self.edits))
            self._asked_at = world.timeline.now
        self._watch()

    def _watch(self) -> None:
        self._world.timeline.after(RETRY_MS, self._look)

    def _look(self) -> None:
        answer = self._asked.answer if self._asked is not None else None
        if answer is None and self._asked is not None and self._world.timeline.now - self._asked_at < PATIENCE_MS:
            self._watch()
        elif answer is None or (isinstance(answer, Refused) and answer.code in ("no-quorum", "no-dc", "lost")):
            self._asked = None
            self._go()
        else:
            self.outcome = answer


class Workload:
    """Random shells on random nodes."""

    def __init__(self, world: SimWorld, every_ms: Millis) -> None:
        self._world = world
        self._every_ms = every_ms
        self._count = 0
        self.is_on = True
        self.marks: dict[str, Commission] = {}
        self._plan()

    def stop(self) -> None:
        """No further requests."""
        self.is_on = False

    def _plan(self) -> None:
        timeline = self._world.timeline
        timeline.after(timeline.between(1, 2 * self._every_ms), self._act)

    def _act(self) -> None:
        if not self.is_on:
            return
        world, chance = self._world, self._world.timeline.random.random()
        node = world.some_running()
        if node is not None:
            if chance < 0.45:
                self._mark()
            elif chance < 0.65:
                world.ask(node, GetCib())
            elif chance < 0.75:
                world.ask(node, GetStatus())
            elif chance < 0.8:
                world.ask(node, Cleanup())
            else:
                self._edit(world.known_cib, chance)
        self._plan()

    def _mark(self) -> None:
        self._count += 1
        name = f"mark{self._count}"
        self.marks[name] = Commission(self._world, name, (mark(name),))

    def _edit(self, cib: Cib, chance: float) -> None:
        world = self._world
        self._count += 1
        pick = world.timeline.random
        if chance < 0.9:
            edit = with_attribute(cib, pick.choice(world.names), "standby", pick.choice(("on", None, None)))
        else:
            changed = with_target_role(cib, pick.choice(STOPPABLE), pick.choice(("Stopped", None, None)))
            if changed is None:
                return
            edit = changed
        Commission(world, f"edit{self._count}", (edit,))


def version_of(answer: Answer | None) -> Version:
    """The version that an answer names."""
    return answer.version if isinstance(answer, Committed | CibIs) else NO_VERSION
