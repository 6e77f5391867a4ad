"""Why a step is there, why it cannot be taken, why a resource has no node: in few words, for people."""

from __future__ import annotations

from hashelld.model.action import ActionKind
from hashelld.model.duration import format_duration
from hashelld.model.score import INFINITY, Score, format_score
from hashelld.policy.colocation import Colocations
from hashelld.policy.expand import Item, NodeState, Situation
from hashelld.policy.fence import can_fence
from hashelld.policy.location import threshold_text
from hashelld.policy.observe import Observed
from hashelld.policy.place import Placement
from hashelld.policy.settings import NoQuorum
from hashelld.policy.steps import BUSY, Graph, Step


ON_HOLD = "starts are on hold until every node has joined or is known to be off"


class Reasons:
    """Answers for one plan, after necessity and impossibility have been propagated."""

    def __init__(
        self, situation: Situation, observed: Observed, colocations: Colocations, placement: Placement, graph: Graph
    ) -> None:
        self._situation = situation
        self._observed = observed
        self._colocations = colocations
        self._placement = placement
        self._graph = graph

    def of(self, step: Step) -> str:
        """Why the step is taken."""
        if step.reason or step.item is None or step.item.children:
            return step.reason
        if step.kind is ActionKind.FORGET:
            return "not configured any more"
        if step.interval_ms:
            return f"every {format_duration(step.interval_ms)}"
        match step.task:
            case "monitor":
                return "first look"
            case "stop":
                return self._of_stop(step.item, step)
            case "start":
                return self._of_start(step.item, step)
            case _:
                return ""

    def _of_stop(self, item: Item, step: Step) -> str:
        assert step.node is not None
        placement = self._placement
        home = placement.home[item.index]
        reason = placement.reasons.get(item.index, "") if home is None else ""
        if reason:
            return reason
        return (
            self.trouble(item, self._situation.nodes[step.node])
            or (self.why_moved(item, step.node, home) if home is not None else self.why_nowhere(item))
            or self._of_restart(item, step)
        )

    def trouble(self, item: Item, node: NodeState) -> str:
        """What is wrong with the resource on the node, or with the node."""
        seen = self._observed.of(item.index)
        failure = seen.failed.get(node.index)
        if failure is not None and failure.on_fail != "ignore":
            return failure.text(node)
        if len(seen.active) > 1:
            return f"active on {', '.join(self._situation.nodes[at].id for at in seen.active)}"
        if node.trouble:
            return node.trouble
        if node.index in seen.banned:
            return seen.banned[node.index]
        tally = seen.tallies.get(node.index)
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
        return self._placement.tables.of[item.index].score(node)

    def _company(self, item: Item, home: int) -> str:
        """The primary that the item has to be with, when it is placed there."""
        for tie in self._colocations.this_with(item.index):
            if tie.score >= INFINITY and self._placement.home.get(tie.primary) == home:
                return self._situation.items[tie.primary].id
        return ""

    def _of_restart(self, item: Item, step: Step) -> str:
        if step.node in self._observed.of(item.index).changed:
            return "its parameters changed"
        other = _cause(step)
        if other is not None and other.item is not None:
            return f"{other.item.id} {'restarts' if self._starts(other.item) else 'stops'}"
        if other is not None and other.kind is ActionKind.SHUTDOWN:
            return other.reason
        starts = self._graph.find(item, "start")
        return self.why_blocked(starts[0]) if starts and not starts[0].is_runnable else ""

    def _starts(self, item: Item) -> bool:
        return any(start.is_required and start.is_runnable for start in self._graph.find(item, "start"))

    def _of_start(self, item: Item, step: Step) -> str:
        assert step.node is not None
        for stop in self._graph.find(item, "stop"):
            if stop.is_required:
                return self.of(stop)
        return self._attraction(item, step.node) or "is not running"

    def why_here(self, item: Item, node: NodeState) -> str:
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

    def why_blocked(self, step: Step) -> str:
        """Why a required step cannot be taken now."""
        if step.flags & BUSY:
            return f"{step.task} waits for an operation under way"
        own = self._own_obstacle(step)
        if own:
            return own
        other = _cause(step)
        if other is not None and other.item is not None:
            if other.flags & BUSY:
                return f"waits for {other.item.id}, which has an operation under way"
            return f"waits for {other.item.id}, which cannot {'stop' if other.task.startswith('stop') else 'start'}"
        return "cannot be done now"

    def _own_obstacle(self, step: Step) -> str:
        node = None if step.node is None else self._situation.nodes[step.node]
        if node is not None and node.is_unclean and not can_fence(self._situation, node):
            return f"{node.fence_reason}, and it cannot be fenced"
        if node is not None and not node.is_online:
            return node.trouble
        lacks_quorum = not self._situation.view.has_quorum
        if step.task == "start" and lacks_quorum and self._situation.settings.no_quorum is not NoQuorum.IGNORE:
            return "no quorum"
        for first, _edge in step.before:
            if first.task == "monitor" and first.item is step.item and not first.is_runnable and first.node is not None:
                return f"{self._situation.nodes[first.node].id} is joining, what runs there is unknown"
        return ""

    def why_nowhere(self, item: Item) -> str:
        """Why no node can run it."""
        for tie in self._colocations.this_with(item.index):
            bearers = self._situation.bearers(self._situation.items[tie.primary])
            home = self._placement.home.get(bearers[-1].index)
            primary = bearers[-1].id
            if tie.score >= INFINITY and home is None:
                return f"{primary} runs nowhere"
            if tie.score >= INFINITY and home is not None:
                node = self._situation.nodes[home]
                return f"only with {primary}, but {self.trouble(item, node) or f'not allowed on {node.id}'}"
        usable = [node for node in self._situation.nodes if node.is_usable]
        if not usable:
            return "; ".join(node.trouble for node in self._situation.nodes) or "there is no node"
        everywhere = self._observed.of(item.index).banned_everywhere
        if everywhere:
            return everywhere
        return "; ".join(self._objection(item, node) for node in self._situation.nodes)

    def _objection(self, item: Item, node: NodeState) -> str:
        """Why this node cannot run it."""
        trouble = self.trouble(item, node)
        if trouble:
            return trouble
        for tie in self._colocations.this_with(item.index):
            if tie.score < 0 and self._placement.home.get(tie.primary) == node.index:
                return f"not with {self._situation.items[tie.primary].id} on {node.id}"
        return f"not allowed on {node.id}"


def _cause(step: Step) -> Step | None:
    """The first step of another resource that made this one necessary or impossible."""
    seen = {step.index}
    cause = step.cause
    while cause is not None and cause.item is step.item and cause.index not in seen:
        seen.add(cause.index)
        cause = cause.cause
    return None if cause is None or cause.item is step.item else cause
