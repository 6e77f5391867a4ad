"""Why a step is there, why it cannot be taken, why a resource has no node: in few words, for people."""

from __future__ import annotations

from typing import Final

from hashelld.model.action import ActionKind
from hashelld.model.duration import format_duration
from hashelld.model.score import INFINITY, Score, format_score
from hashelld.policy.acting.steps import BUSY, Graph, Step
from hashelld.policy.placing.locating import threshold_text
from hashelld.policy.placing.partners import home_of
from hashelld.policy.settings import NoQuorum
from hashelld.policy.state.failing import can_fence
from hashelld.policy.state.items import Item, Kind, Node, Stage
from hashelld.policy.state.situation import Situation
from hashelld.policy.state.ties import Tie


ON_HOLD: Final = "starts are on hold until every node has joined or is known to be off"
_UP: Final = frozenset({"start", "promote"})
_VERBS: Final = {
    "running": "start",
    "stopped": "stop",
    "promote": "be promoted",
    "promoted": "be promoted",
    "demote": "be demoted",
    "demoted": "be demoted",
}


class Reasons:
    """Answers for one plan, after necessity and impossibility have been propagated."""

    __slots__ = ("_graph", "_situation")

    def __init__(self, situation: Situation, graph: Graph) -> None:
        self._situation = situation
        self._graph = graph

    def of(self, step: Step) -> str:
        """Why the step is taken."""
        item = step.item
        if step.reason or item is None or item.kind is not Kind.PRIMITIVE:
            return step.reason
        if step.kind is ActionKind.FORGET:
            return "not configured any more"
        if step.interval_ms:
            return f"every {format_duration(step.interval_ms)}"
        if step.task == "monitor":
            return "first look"
        return self._of_change(item, step)

    def _of_change(self, item: Item, step: Step) -> str:
        match step.task:
            case "stop":
                return self._of_stop(item, step)
            case "start":
                return self._of_start(item, step)
            case "promote":
                return self._of_promotion(item)
            case "demote":
                return self._of_demotion(item, step)
            case "migrate_to" | "migrate_from":
                return self._of_move(item, step)
            case "notify":
                return "what its other instances do"
            case _:
                return ""

    # -- Down ----------------------------------------------------------------------------------------------------

    def _of_stop(self, item: Item, step: Step) -> str:
        assert step.node is not None
        node, home = self._situation.nodes[step.node], item.home
        if home is None and item.why_stopped:
            return item.why_stopped
        return (
            self.trouble(item, node)
            or (self.why_moved(item, step.node, home) if home is not None else self.why_nowhere(item))
            or self._of_restart(item, step)
        )

    def _of_demotion(self, item: Item, step: Step) -> str:
        assert step.node is not None
        if item.home is None or item.home != step.node or item.next < Stage.UNPROMOTED:
            return self._of_stop(item, step)
        trouble = self.trouble(item, self._situation.nodes[step.node])
        if trouble or item.next is Stage.PROMOTED:
            return trouble or self._of_restart(item, step)
        rival = self._promoted_instead(item)
        return f"{rival} is promoted instead" if rival else "is not to be promoted"

    def _promoted_instead(self, item: Item) -> str:
        clone = item.clone
        parts = [] if clone is None else [p for p in clone.primitives() if p.base_id == item.base_id]
        rivals = [p for p in parts if p.next is Stage.PROMOTED and p.stage is not Stage.PROMOTED and p.home is not None]
        return f"{item.history_id} on {self._situation.node_id(rivals[0].home or 0)}" if rivals else ""

    def trouble(self, item: Item, node: Node) -> str:
        """What is wrong with the resource on the node, or with the node."""
        failure = item.failures.get(node.index)
        if failure is not None and failure.on_fail != "ignore":
            return failure.text(node.id)
        if len(item.active) > 1 and item.migrating_to is None:
            return f"active on {', '.join(self._situation.nodes[at].id for at in item.active)}"
        if node.trouble:
            return node.trouble
        tally = item.tallies.get(node.index)
        if tally is not None and not tally.is_expired and item.threshold and tally.count >= item.threshold:
            return f"{threshold_text(item, tally.count)} on {node.id}"
        return ""

    def why_moved(self, item: Item, at: int, home: int) -> str:
        """Why it goes from one node to another; empty when it does not."""
        if at == home:
            return ""
        company = self._company(item, home)
        here, there = self._score(item, at), self._score(item, home)
        if here <= -INFINITY and company:
            return f"with {company}"
        if there > here:
            return f"prefers {self._situation.nodes[home].id} ({format_score(there)} > {format_score(here)})"
        return f"balances load to {self._situation.nodes[home].id}"

    def _score(self, item: Item, node: int) -> Score:
        return item.table.score(node)

    def _company(self, item: Item, home: int) -> str:
        """The primary that the item has to be with, when it is placed there."""
        for tie in _ties_with(item):
            if tie.score >= INFINITY and any(part.home == home for part in tie.primary.primitives()):
                return tie.primary.id
        return ""

    def _of_restart(self, item: Item, step: Step) -> str:
        starts = self._graph.find(item, "start")
        told = next((start.reason for start in starts if start.reason), "")
        if told:
            return told
        other = _cause(step)
        if other is not None and other.item is not None:
            return f"{other.item.id} {'restarts' if self._starts(other.item) else 'stops'}"
        if other is not None and other.kind is ActionKind.SHUTDOWN:
            return other.reason
        return self.why_blocked(starts[0]) if starts and not starts[0].is_runnable else ""

    def _starts(self, item: Item) -> bool:
        return any(start.is_required and start.is_runnable for start in self._graph.find(item, "start"))

    # -- Up ------------------------------------------------------------------------------------------------------

    def _of_start(self, item: Item, step: Step) -> str:
        assert step.node is not None
        for stop in self._graph.find(item, "stop"):
            if stop.is_required:
                return self.of(stop)
        return self._attraction(item, step.node) or "is not running"

    def _of_promotion(self, item: Item) -> str:
        for demote in self._graph.find(item, "demote"):
            if demote.is_required:
                return self.of(demote)
        return (
            f"promotion score {format_score(item.promotion_priority)}"
            if item.promotion_priority
            else "first of its kind"
        )

    def _of_move(self, item: Item, step: Step) -> str:
        source, target = step.meta.get("migrate_source"), step.meta.get("migrate_target")
        nodes = self._situation.node_by_id
        if source not in nodes or target not in nodes:
            return ""
        at = self._situation.nodes[nodes[source]]
        return self.trouble(item, at) or self.why_moved(item, at.index, nodes[target])

    def why_here(self, item: Item, node: Node) -> str:
        """Why it stays on the node."""
        others = [n for n in self._situation.nodes if n.is_usable and n is not node]
        if not others:
            return "no other node is usable"
        return self._attraction(item, node.index) or "no other node is better"

    def _attraction(self, item: Item, at: int) -> str:
        company = self._company(item, at)
        if company:
            return f"with {company}"
        score = self._score(item, at)
        others = [self._score(item, n.index) for n in self._situation.nodes if n.is_usable and n.index != at]
        next_best = max(others, default=0)
        if score > 0 and score > next_best:
            return f"prefers {self._situation.nodes[at].id} ({format_score(score)} > {format_score(next_best)})"
        return ""

    # -- Not at all ----------------------------------------------------------------------------------------------

    def why_blocked(self, step: Step) -> str:
        """Why a required step cannot be taken now."""
        if step.flags & BUSY:
            return f"{step.task} waits for an operation under way"
        own = self._own_obstacle(step)
        if own:
            return own
        other = _cause(step)
        if other is None:
            return "cannot be done now"
        if other.item is None:
            return f"waits for {other.task}"
        if other.flags & BUSY:
            return f"waits for {other.item.id}, which has an operation under way"
        return f"waits for {other.item.id}, which cannot {_VERBS.get(other.task, other.task)}"

    def _own_obstacle(self, step: Step) -> str:
        situation = self._situation
        node = None if step.node is None else situation.nodes[step.node]
        if node is not None and node.is_unclean and not can_fence(situation, node):
            return f"{node.fence_reason or f'{node.id} is unclean'}, and it cannot be fenced"
        if node is not None and not node.is_online:
            return node.trouble
        lacks_quorum = not situation.view.has_quorum and situation.settings.no_quorum is not NoQuorum.IGNORE
        if step.task in _UP and lacks_quorum:
            return "no quorum"
        for first, _edge in step.before:
            if first.task == "monitor" and first.item is step.item and not first.is_runnable and first.node is not None:
                return f"{situation.nodes[first.node].id} is joining, what runs there is unknown"
        return ""

    def why_nowhere(self, item: Item) -> str:
        """Why no node can run it."""
        if item.why_stopped:
            return item.why_stopped
        for tie in _ties_with(item):
            if tie.score >= INFINITY and tie.primary.kind is not Kind.CLONE:
                found = self._why_not_with(item, tie.primary)
                if found:
                    return found
        nodes = self._situation.nodes
        if not any(node.is_usable for node in nodes):
            return "; ".join(node.trouble for node in nodes) or "there is no node"
        return "; ".join(dict.fromkeys(self._objection(item, node) for node in nodes))

    def _why_not_with(self, item: Item, primary: Item) -> str:
        last = list(primary.primitives())[-1:]
        if not last:
            return ""
        home = home_of(last[0])
        if home is None:
            return f"{last[0].id} runs nowhere"
        node = self._situation.nodes[home]
        return f"only with {last[0].id}, but {self.trouble(item, node) or f'not allowed on {node.id}'}"

    def _objection(self, item: Item, node: Node) -> str:
        """Why this node cannot run it."""
        trouble = self.trouble(item, node)
        if trouble:
            return trouble
        for tie in _ties_with(item):
            homes = {part.home for part in tie.primary.primitives()}
            if tie.score < 0 and node.index in homes:
                return f"not with {tie.primary.id} on {node.id}"
            if tie.score >= INFINITY and node.index not in homes:
                return f"no {tie.primary.id} on {node.id}"
        return f"not allowed on {node.id}"


def _ties_with(item: Item) -> list[Tie]:
    """What it is tied to, by itself or as a part of something."""
    found: list[Tie] = []
    at: Item | None = item
    while at is not None:
        found += at.ties_with
        at = at.parent
    return found


def _cause(step: Step) -> Step | None:
    """The first step of another resource that made this one necessary or impossible."""
    seen = {step.index}
    cause = step.cause
    while cause is not None and cause.item is step.item and cause.index not in seen:
        seen.add(cause.index)
        cause = cause.cause
    return None if cause is None or cause.item is step.item else cause
