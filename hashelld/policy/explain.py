"""Why a resource is, or is not, on each node: score by score."""

from __future__ import annotations

from hashelld.cib.view import ClusterView
from hashelld.model.ids import ResourceId
from hashelld.model.score import INFINITY, Score
from hashelld.policy.expand import Item, NodeState
from hashelld.policy.explanation import Contribution, Explanation, NodeScore
from hashelld.policy.plan import Plan
from hashelld.policy.reasons import ON_HOLD


def explain(view: ClusterView, resource: ResourceId) -> Explanation:
    """Why a resource is where it is, or is not; for a group its first member decides."""
    entries: list[tuple[int, str, int | None, Score]] = []
    plan = Plan(view, lambda item, source, node, score: entries.append((item, source, node, score)))
    item = plan.situation.by_id.get(resource)
    if item is None:
        return Explanation(resource, (), (), f"there is no primitive or group '{resource}'", ())
    speaker = plan.situation.bearers(item)[0]
    bearers = plan.situation.bearers(item)
    running = {at: None for bearer in bearers for at in plan.observed.of(bearer.index).active}
    planned = {plan.placement.home[bearer.index]: None for bearer in bearers}
    names = [node.id for node in plan.situation.nodes]
    return Explanation(
        resource=resource,
        running_on=tuple(names[at] for at in running),
        planned_on=tuple(names[at] for at in planned if at is not None),
        summary=_Summary(plan, speaker).text(),
        scores=_scores(plan, speaker, entries),
    )


def _scores(plan: Plan, item: Item, entries: list[tuple[int, str, int | None, Score]]) -> tuple[NodeScore, ...]:
    table = plan.placement.tables.of[item.index]
    found = []
    for node in plan.situation.nodes:
        parts = [
            Contribution(source, score)
            for of, source, at, score in entries
            if of == item.index and at in {None, node.index}
        ]
        total = table.score(node.index)
        if not node.is_usable:
            parts.append(Contribution(node.trouble, -INFINITY))
            total = -INFINITY
        found.append(NodeScore(node.id, total, tuple(parts)))
    return tuple(sorted(found, key=lambda score: -score.total))


class _Summary:
    """The shortest true reason for one primitive."""

    def __init__(self, plan: Plan, item: Item) -> None:
        self._plan = plan
        self._item = item
        self._seen = plan.observed.of(item.index)
        self._home = plan.placement.home[item.index]

    def text(self) -> str:
        """One sentence without a full stop."""
        seen, item, placement = self._seen, self._item, self._plan.placement
        where = ", ".join(self._node(at).id for at in seen.active)
        if seen.busy:
            at, operation = next(iter(seen.busy.items()))
            return f"{operation} is under way on {self._node(at).id}"
        if seen.blocked:
            return f"blocked: {seen.blocked}"
        if not item.is_managed:
            reason = placement.reasons.get(item.index) or "it is not managed"
            return f"stays on {where}: {reason}" if where else f"stopped: {reason}"
        if self._home is None:
            reason = placement.reasons.get(item.index) or self._plan.reasons.why_nowhere(item)
            return f"stops on {where}: {reason}" if where else f"stopped: {reason}"
        return self._of_placed(self._node(self._home))

    def _of_placed(self, home: NodeState) -> str:
        graph, reasons = self._plan.graph, self._plan.reasons
        start = next(iter(graph.find(self._item, "start")), None)
        stops = [stop for stop in graph.find(self._item, "stop") if stop.is_required]
        is_stuck = start is None or not start.is_runnable
        if stops or not self._seen.active:
            if is_stuck:
                obstacle = "no quorum" if start is None else reasons.why_blocked(start)
                return f"{'stops' if stops else 'stopped'}: cannot start on {home.id}: {obstacle}"
            assert start is not None
            if not self._plan.situation.view.may_start:
                return f"stopped: {ON_HOLD}"
            verb = (
                "moves to" if stops and home.index not in self._seen.active else "restarts on" if stops else "starts on"
            )
            return f"{verb} {home.id}: {reasons.of(start)}"
        return f"runs on {home.id}: {reasons.why_here(self._item, home)}"

    def _node(self, at: int) -> NodeState:
        return self._plan.situation.nodes[at]
