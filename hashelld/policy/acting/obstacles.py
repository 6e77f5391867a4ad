"""Why a step that is wanted cannot be taken, down to what is at the bottom of it; and the notices that tell so."""

from __future__ import annotations

from typing import Final

from hashelld.model.action import ActionKind
from hashelld.model.device import FENCING_DEVICE
from hashelld.model.history import OpStatus
from hashelld.model.ids import ResourceId
from hashelld.policy.acting.causes import blockers_of, shortage
from hashelld.policy.acting.objections import Objections
from hashelld.policy.acting.steps import BUSY, OPTIONAL, RUNNABLE, Graph, Step
from hashelld.policy.graph import Blocked
from hashelld.policy.settings import NoQuorum
from hashelld.policy.state.failing import can_fence
from hashelld.policy.state.items import Item, Needs, Replica, Stage
from hashelld.policy.state.situation import Situation


ON_HOLD: Final = "starts are on hold until every node has joined or is known to be off"
_UP: Final = frozenset({"start", "promote"})
_TASKS: Final = ("demote", "stop", "start", "promote")
_VERBS: Final = {
    "running": "start",
    "stopped": "stop",
    "promote": "be promoted",
    "promoted": "be promoted",
    "demote": "be demoted",
    "demoted": "be demoted",
}


class Obstacles:
    """Answers for one plan, after necessity and impossibility have been propagated."""

    __slots__ = ("_graph", "_lacks_device", "_situation", "objections")

    def __init__(self, situation: Situation, graph: Graph) -> None:
        self._situation = situation
        self._graph = graph
        self.objections = Objections(situation)
        settings = situation.settings
        self._lacks_device = settings.has_fencing and not (situation.has_device or settings.has_watchdog)

    # -- One step

    def why_not_now(self, step: Step) -> str:
        """Why a step that is needed cannot be taken."""
        own = self._own(step)
        if own:
            return own
        chain = list(blockers_of(step))
        for cause in chain:
            if cause.item is None:
                return self._without_item(cause)
            if self._is_unasked(cause):
                return self._unknown_at(cause)
        if not chain:
            return "cannot be done now"
        first, root = chain[0], chain[-1]
        assert first.item is not None
        assert root.item is not None
        told = f"waits for {first.item.called}"
        if root.item.called != first.item.called:
            told += f", which needs {root.item.called}"
        reason = self._at_root(root)
        return f"{told}: {reason}" if reason else f"{told}, which cannot {_VERBS.get(root.task, root.task)}"

    def _own(self, step: Step) -> str:
        situation, item = self._situation, step.item
        node = None if step.node is None else situation.nodes[step.node]
        if node is not None and node.is_unclean and not can_fence(situation, node):
            return f"{node.trouble}, and it cannot be fenced"
        if node is not None and not node.is_online:
            return node.trouble
        if step.flags & BUSY and item is not None:
            return self._under_way(item)
        lacks_quorum = not situation.view.has_quorum and situation.settings.no_quorum is not NoQuorum.IGNORE
        if step.task in _UP and lacks_quorum and item is not None and item.needs > Needs.NOTHING:
            return "no quorum"
        for first, _edge in step.before:
            if first.item is item and self._is_unasked(first):
                return self._unknown_at(first)
        return ""

    def _is_unasked(self, step: Step) -> bool:
        """Is it a first look on a node that has not joined yet?"""
        is_look = step.is_probe and not step.is_runnable and step.node is not None
        return is_look and self._situation.nodes[step.node or 0].is_pending

    def _unknown_at(self, probe: Step) -> str:
        assert probe.node is not None
        return f"{self._situation.node_id(probe.node)} is joining, what runs there is unknown"

    def _under_way(self, item: Item) -> str:
        """`its start is under way on n1`, `a probe is under way on n2`."""
        for part in item.primitives():
            for at, results in part.results.items():
                for result in results:
                    if result.status is OpStatus.PENDING and not result.interval_ms:
                        node = self._situation.node_id(at)
                        what = "a probe" if result.operation == "monitor" else f"its {result.operation}"
                        return f"{what} is under way on {node}"
        return ""

    def _without_item(self, cause: Step) -> str:
        """What a fencing or departure that comes first is about, or a choice of several."""
        if cause.node is None:
            return shortage(cause) or f"waits for {cause.task}"
        name = self._situation.node_id(cause.node)
        if cause.kind is ActionKind.SHUTDOWN:
            return f"{name} is leaving"
        if cause.task == "on":
            return f"{name} has to get access first"
        return f"{name} has to be {'cut off' if FENCING_DEVICE in cause.meta else 'fenced'} first"

    def _at_root(self, root: Step) -> str:
        """What is at the bottom of a chain of waiting."""
        item = root.item
        bearer = None if item is None else next(item.primitives(), None)
        if item is None or bearer is None:
            return ""
        if root.flags & BUSY:
            return self._under_way(item)
        if bearer.is_blocked:
            return bearer.block_reason
        if not bearer.is_managed:
            return self.why_unmanaged(bearer)
        if bearer.home is None and bearer.next is Stage.STOPPED:
            return self.objections.why_nowhere(bearer)
        return self._own(root)

    def why_unmanaged(self, item: Item) -> str:
        """Why nothing is done with a resource, whatever happens to it."""
        settings = self._situation.settings
        if self._lacks_device:
            return item.why_stopped
        if item.is_removed:
            return "not configured any more, and stop-orphan-resources is false"
        if settings.is_maintenance:
            return "maintenance-mode is set"
        for at in item.active:
            if self._situation.nodes[at].is_maintenance:
                return f"{self._situation.node_id(at)} is in maintenance"
        return "it is in maintenance" if item.is_maintenance else "it is not managed"

    # -- Notices

    def notices(self) -> list[Blocked]:
        """All that should happen and cannot."""
        found: dict[tuple[str, str | None, str], Blocked] = {}
        for item in self._situation.primitives():
            for notice in self._notices_of(item):
                found.setdefault((notice.resource, notice.node, notice.reason), notice)
        return list(found.values())

    def notice(self, step: Step, reason: str) -> Blocked:
        """That a step cannot be taken."""
        assert step.item is not None
        node = None if step.node is None else self._situation.nodes[step.node].id
        return Blocked(ResourceId(step.item.history_id), node, f"cannot {step.task}: {reason}")

    def _notices_of(self, item: Item) -> list[Blocked]:
        name = ResourceId(item.history_id)
        if _is_without_container(item):
            return []  # What is told of the container is enough.
        if item.is_blocked:
            return [Blocked(name, None, item.block_reason or "blocked by a failure")]
        if not item.is_managed:
            return self._of_unmanaged(item, name)
        if item.is_unplaceable:
            reason = self.objections.why_missed(item)
            return [Blocked(name, None, reason)] if reason else []
        if item.why_stopped:
            return []
        if item.is_frozen and not item.active:
            return [Blocked(name, None, self.objections.whole(item))]
        return self._of_steps(item)

    def _of_unmanaged(self, item: Item, name: ResourceId) -> list[Blocked]:
        """Who leaves a resource to itself is not told so, but that it does not stop as it was asked to."""
        if self._lacks_device:
            return [Blocked(name, None, item.why_stopped)]
        if not item.why_stopped or item.is_removed:
            return []
        nodes = [self._situation.node_id(at) for at in item.active]
        return [Blocked(name, node, f"cannot stop: {self.why_unmanaged(item)}") for node in nodes]

    def _of_steps(self, item: Item) -> list[Blocked]:
        """The first step that cannot be taken, and later ones that have an obstacle of their own."""
        found: list[Blocked] = []
        told: set[str] = set()
        for task in _TASKS:
            for step in self._graph.find(item, task):
                if not step.flags & RUNNABLE and self._is_wanted(item, step):
                    reason = self.why_not_now(step)
                    if reason not in told:
                        told.add(reason)
                        found.append(self.notice(step, reason))
        return found

    def _is_wanted(self, item: Item, step: Step) -> bool:
        """A start that cannot be is not made necessary, but all the same is missed where nothing runs yet."""
        flags = step.flags
        if step.node is None:
            return False
        if step.task != "start" or item.active or step.node != item.home or item.next < Stage.STARTED:
            return not flags & (OPTIONAL | BUSY)
        return not flags & BUSY or self._is_looked_for(item)

    def _is_looked_for(self, item: Item) -> bool:
        """Is all that is under way a first look? (A start that is on its way is no obstacle to itself.)"""
        pending = [r for results in item.results.values() for r in results if r.status is OpStatus.PENDING]
        return bool(pending) and all(result.operation == "monitor" for result in pending)


def _is_without_container(item: Item) -> bool:
    """Does it belong to a container of a bundle that has no node?"""
    if item.parent is None or item.is_bundle_container:
        return False
    return any(replica.container.home is None and _belongs(item, replica) for replica in item.top.replicas)


def _belongs(item: Item, replica: Replica) -> bool:
    if replica.connection is not None and item.bundle_host is not None:
        return replica.connection.remote_node == item.bundle_host
    return item in {replica.address, replica.connection}
