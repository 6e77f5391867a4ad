"""Why a step is taken, in few words, for people."""

from __future__ import annotations

from typing import Final

from hashelld.model.action import ActionKind
from hashelld.model.score import INFINITY, Score, format_score
from hashelld.policy.acting.causes import cause_text, causes_of, movement
from hashelld.policy.acting.objections import Objections
from hashelld.policy.acting.obstacles import Obstacles
from hashelld.policy.acting.role_reasons import promotion_text, why_unpromoted
from hashelld.policy.acting.steps import Graph, Step
from hashelld.policy.state.items import Item, Kind, Node, Stage
from hashelld.policy.state.situation import Situation


_NOUNS: Final = {"promote": "promotion", "demote": "demotion"}


class Reasons:
    """Answers for one plan, after necessity and impossibility have been propagated."""

    __slots__ = ("_graph", "_objections", "_situation", "obstacles")

    def __init__(self, situation: Situation, graph: Graph) -> None:
        self._situation = situation
        self._graph = graph
        self.obstacles = Obstacles(situation, graph)
        self._objections: Objections = self.obstacles.objections

    def of(self, step: Step) -> str:
        """Why the step is taken."""
        item = step.item
        if item is None or item.kind is not Kind.PRIMITIVE:
            return step.reason
        if step.task == "start":
            return self._of_start(item, step)
        if step.reason:
            return step.reason
        if step.kind is ActionKind.FORGET:
            return "not configured any more"
        if step.interval_ms:
            return self._of_recurring(item, step)
        return "first look" if step.task == "monitor" else self._of_change(item, step)

    def _of_change(self, item: Item, step: Step) -> str:
        node = None if step.node is None else self._situation.nodes[step.node]
        if step.is_pseudo and node is not None and node.is_guest:
            return self._of_guest(node)
        match step.task:
            case "stop":
                return self._of_stop(item, step)
            case "promote":
                return self._of_promotion(item)
            case "demote":
                return self._of_demotion(item, step)
            case "migrate_to" | "migrate_from":
                return self._of_move(item, step)
            case "notify":
                return _of_notification(self._situation, step)
            case _:
                return ""

    def _of_recurring(self, item: Item, step: Step) -> str:
        """What it begins with: a start, another role, or nothing but that it was missing."""
        for task, told in (("promote", "it is promoted"), ("demote", "it is demoted"), ("start", "it starts")):
            found = self._graph.find_on(item, task, step.node)
            if found is not None and found.is_required and found.is_runnable:
                return told
        stop = self._graph.find_on(item, "stop", step.node)
        return "it stops" if stop is not None and stop.is_required else "not monitored yet"

    # -- Down ----------------------------------------------------------------------------------------------------

    def _of_stop(self, item: Item, step: Step) -> str:
        assert step.node is not None
        node, home = self._situation.nodes[step.node], item.home
        if node.is_guest and node.is_leaving and not item.why_stopped:
            return self._of_guest(node)
        if home is None and item.why_stopped:
            return item.why_stopped
        return (
            self._objections.trouble(item, node)
            or (self.why_moved(item, step.node, home) if home is not None else self._why_nowhere(item, node))
            or self._of_restart(item, step)
        )

    def _of_guest(self, node: Node) -> str:
        """What happens to the guest that a node is, and to all that runs inside it."""
        guest = node.guest
        if guest is None:
            return node.trouble
        stops = self._graph.find(guest, "stop")
        if stops and stops[0].is_pseudo:
            return self.of(stops[0])
        told = movement(self._situation, self._graph, guest)
        return f"{guest.called} {'is not running' if told == 'starts' else told}"

    def _why_nowhere(self, item: Item, node: Node) -> str:
        """Why it stops on the node, and for good: what forbids all nodes, or else this one."""
        objections = self._objections
        return objections.whole(item) or objections.forbidden(item, node) or objections.why_nowhere(item)

    def _of_demotion(self, item: Item, step: Step) -> str:
        assert step.node is not None
        if item.home is None or item.home != step.node or item.next < Stage.UNPROMOTED:
            return self._of_stop(item, step)
        trouble = self._objections.trouble(item, self._situation.nodes[step.node])
        if trouble or item.next is Stage.PROMOTED:
            return trouble or self._of_restart(item, step)
        return why_unpromoted(self._situation, item)

    def why_moved(self, item: Item, at: int, home: int) -> str:
        """Why it goes from one node to another; empty when it does not."""
        if at == home:
            return ""
        here, there = item.table.score(at), item.table.score(home)
        if here <= -INFINITY:
            node = self._situation.nodes[at]
            forbidden = self._objections.forbidden(item, node)
            if forbidden:
                return forbidden
            company = self._objections.company(item, home)
            if company:
                return f"with {company}"
            told = self._objections.follower(item, node)
            if told:
                return told
            if there <= 0:
                return self._objections.objection(item, node) or self._objections.full(item, node)
        if there > here:
            return self._preference(home, there, here)
        return f"balances load to {self._situation.nodes[home].id}"

    def _preference(self, home: int, there: Score, here: Score) -> str:
        return f"prefers {self._situation.nodes[home].id} ({format_score(there)} > {format_score(here)})"

    def _of_restart(self, item: Item, step: Step) -> str:
        starts = self._graph.find(item, "start")
        told = next((start.reason for start in starts if start.reason), "")
        if told:
            return told
        for cause in causes_of(step):
            return cause_text(self._situation, self._graph, cause)
        return self.obstacles.why_not_now(starts[0]) if starts and not starts[0].is_runnable else ""

    # -- Up ------------------------------------------------------------------------------------------------------

    def _of_start(self, item: Item, step: Step) -> str:
        """What is started because it was stopped before says what the stop says."""
        assert step.node is not None
        for stop in self._graph.find(item, "stop"):
            if stop.is_required and stop.node not in item.dangling:
                return self.of(stop)
        return step.reason or self._attraction(item, step.node) or "is not running"

    def _of_promotion(self, item: Item) -> str:
        for demote in self._graph.find(item, "demote"):
            if demote.is_required:
                return self.of(demote)
        return promotion_text(item)

    def _of_move(self, item: Item, step: Step) -> str:
        source, target = step.meta.get("migrate_source"), step.meta.get("migrate_target")
        nodes = self._situation.node_by_id
        if source not in nodes or target not in nodes:
            return ""
        at = self._situation.nodes[nodes[source]]
        return self._objections.trouble(item, at) or self.why_moved(item, at.index, nodes[target])

    def why_here(self, item: Item, node: Node) -> str:
        """Why it stays on the node."""
        others = [n for n in self._situation.nodes if n.is_usable and n is not node]
        if not others:
            return "no other node is usable"
        told = self._attraction(item, node.index)
        if told:
            return told
        is_free = any(item.table.score(other.index) >= 0 for other in others)
        return "no other node is better" if is_free else "no other node may run it"

    def _attraction(self, item: Item, at: int) -> str:
        """What speaks for the node, where there is a choice."""
        if item.lock_node == at:
            return f"reserved for {self._situation.nodes[at].id}"
        company = self._objections.company(item, at)
        if company:
            return f"with {company}"
        table = item.table
        score = table.score(at)
        if score <= 0:
            return ""
        others = [table.score(n.index) for n in self._situation.nodes if n.is_usable and n.index != at]
        next_best = max(others, default=-INFINITY)
        return self._preference(at, score, next_best) if score > next_best > -INFINITY else ""


def _of_notification(situation: Situation, step: Step) -> str:
    """`start of web on n2`: what the instance is told of."""
    task = step.meta.get("notify_operation", "")
    names = step.meta.get(f"notify_{task}_resource", "").split()
    items = (situation.by_id.get(name) for name in names)
    called = ", ".join(dict.fromkeys(item.called for item in items if item is not None))
    where = ", ".join(dict.fromkeys(step.meta.get(f"notify_{task}_uname", "").split()))
    return f"{_NOUNS.get(task, task)} of {called} on {where}" if called and where else ""
