"""Why a resource is, or is not, on each node: score by score, for each part of it, and for its role."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from hashelld.cib.view import ClusterView
from hashelld.model.history import Role
from hashelld.model.ids import NodeId, ResourceId
from hashelld.model.score import INFINITY, Score
from hashelld.policy.acting.objections import is_closed
from hashelld.policy.acting.obstacles import ON_HOLD
from hashelld.policy.acting.reasons import Reasons
from hashelld.policy.acting.role_reasons import promotion_text, why_none_promoted, why_unpromoted
from hashelld.policy.explanation import Contribution, Explanation, NodeScore, PartExplained
from hashelld.policy.placing.locating import threshold_text
from hashelld.policy.placing.partners import home_of
from hashelld.policy.plan import Plan
from hashelld.policy.state.items import Item, Kind, Node, Stage
from hashelld.policy.state.situation import Situation


_ENOUGH: Final = "the clone has enough instances"
_HEARD: Final = "for "
"""How scores that a dependent adds are written down."""
_NUMBERED: Final = re.compile(r"[\w.-]+:\d+")


class _Ledger:
    """What was added to the scores of each item; what was tried again counts as it was the last time."""

    def __init__(self) -> None:
        self._entries: dict[int, dict[tuple[str, int | None], Score]] = {}

    def take(self, item: Item, source: str, node: int | None, score: Score) -> None:
        self._entries.setdefault(item.index, {})[source, node] = score

    def has(self, item: Item, source: str) -> bool:
        return (source, None) in self._entries.get(item.index, {})

    def of(self, item: Item, node: int) -> list[Contribution]:
        found = self._entries.get(item.index, {})
        return [Contribution(source, score) for (source, at), score in found.items() if at is None or at == node]


def explain(view: ClusterView, resource: ResourceId) -> Explanation:
    """Why a resource is where it is, or is not. Of a group the first member decides; of a clone each instance does."""
    ledger = _Ledger()
    plan = Plan(view, ledger.take)
    situation = plan.situation
    item = situation.by_id.get(resource) or situation.by_base.get(resource)
    if item is None:
        return Explanation(resource, (), (), f"there is no resource '{resource}'", ())
    return _Explainer(plan, ledger, resource).explain(item)


class _Explainer:
    def __init__(self, plan: Plan, ledger: _Ledger, resource: ResourceId) -> None:
        self._resource = resource
        self._situation: Situation = plan.situation
        self._graph = plan.graph
        self._reasons = Reasons(plan.situation, plan.graph)
        self._ledger = ledger
        self._obstacles = self._reasons.obstacles

    def explain(self, item: Item) -> Explanation:
        parts = self._parts(item)
        return Explanation(
            resource=self._resource,
            running_on=self._names(at for part in parts for at in part.active),
            planned_on=self._names(part.home for part in parts if self._will_run(part)),
            summary=self._unnumbered(self._summary(item)),
            scores=tuple(sorted(self._scores(item), key=lambda score: -score.total)),
            parts=tuple(dict.fromkeys(self._part(part) for part in parts)) if item.is_collective else (),
            promotion=tuple(sorted(self._promotion(item), key=lambda score: -score.total)),
        )

    def _parts(self, item: Item) -> list[Item]:
        """The primitives in it; where something inside a clone was asked for, only that."""
        parts = list(item.primitives())
        group = next((one for one in item.children if one.base_id == self._resource), None)
        named = [part for part in parts if part.base_id == self._resource]
        return [part for part in (named if named and group is None else parts) if not self._is_spare(part)]

    def _is_spare(self, part: Item) -> bool:
        """An instance that a clone has no use for."""
        is_used = part.active or part.next is not Stage.STOPPED or part.is_blocked
        return not is_used and any(self._ledger.has(one, _ENOUGH) for one in (part, part.parent) if one is not None)

    def _names(self, places: Iterable[int | None]) -> tuple[NodeId, ...]:
        return tuple(self._situation.node_id(at) for at in dict.fromkeys(places) if at is not None)

    def _node(self, at: int) -> Node:
        return self._situation.nodes[at]

    # -- In a sentence

    def _summary(self, item: Item) -> str:
        match item.kind:
            case Kind.PRIMITIVE:
                return self._of_primitive(item)
            case Kind.GROUP:
                return self._of_group(item)
            case _:
                return self._of_instances(item)

    def _of_primitive(self, item: Item) -> str:
        """The shortest true reason."""
        where = ", ".join(self._node(at).id for at in item.active)
        if item.pending and item.pending_node is not None:
            return f"{item.pending} is under way on {self._node(item.pending_node).id}"
        if item.is_blocked:
            at = f" on {where}" if where and where not in item.block_reason else ""
            return f"blocked{at}: {item.block_reason}"
        if not item.is_managed:
            reason = self._obstacles.why_unmanaged(item)
            return f"stays on {where}: {reason}" if where else f"stopped: {item.why_stopped or reason}"
        stuck = self._why_stuck(item)
        if stuck:
            return f"stays on {where}: {stuck}"
        if item.home is None or item.next is Stage.STOPPED:
            reason = self._obstacles.objections.why_nowhere(item)
            return f"stops on {where}: {reason}" if where else f"stopped: {reason}"
        return self._of_placed(item, self._node(item.home))

    def _why_stuck(self, item: Item) -> str:
        """Why it has to stop and cannot; empty when it can, or need not."""
        stops = [stop for stop in self._graph.find(item, "stop") if stop.is_required and stop.node in item.stages]
        if not stops or any(stop.is_runnable or stop.is_pseudo for stop in stops):
            return ""
        return f"cannot stop: {self._obstacles.why_not_now(stops[0])}"

    def _of_placed(self, item: Item, home: Node) -> str:
        start = next(iter(self._graph.find(item, "start")), None)
        stops = [stop for stop in self._graph.find(item, "stop") if stop.is_required]
        is_live = any(step.is_required and step.is_runnable for step in self._graph.find(item, "migrate_to"))
        if is_live:
            return f"migrates to {home.id}: {self._why_up(item)}"
        if item.active and not stops:
            return self._of_role(item, home) or f"runs on {home.id}: {self._reasons.why_here(item, home)}"
        if start is None or not start.is_runnable:
            obstacle = "no quorum" if start is None else self._obstacles.why_not_now(start)
            return f"{'stops' if stops else 'stopped'}: cannot start on {home.id}: {obstacle}"
        if not self._situation.view.may_start:
            return f"stopped: {ON_HOLD}"
        is_elsewhere = home.index not in item.active
        verb = "starts on" if not stops else "moves to" if is_elsewhere else "restarts on"
        return f"{verb} {home.id}: {self._why_up(item)}"

    def _why_up(self, item: Item) -> str:
        for task in ("start", "migrate_to"):
            for step in self._graph.find(item, task):
                return self._reasons.of(step)
        return ""

    def _of_role(self, item: Item, home: Node) -> str:
        """What an instance of a promotable clone is, or becomes, where it runs."""
        if item.clone is None or not item.clone.is_promotable:
            return ""
        for task, told in (("promote", "is promoted"), ("demote", "is demoted")):
            for step in self._graph.find(item, task):
                if step.is_required and step.is_runnable:
                    return f"{told} on {home.id}: {self._reasons.of(step)}"
        if item.stage is Stage.PROMOTED:
            return f"stays promoted on {home.id}: {promotion_text(item)}"
        return f"stays unpromoted on {home.id}: {why_unpromoted(self._situation, item)}"

    def _of_group(self, group: Item) -> str:
        members = list(group.primitives())
        if not members:
            return "has no members"
        first = self._of_primitive(members[0])
        if members[0].next is Stage.STOPPED:
            return first
        others = (member for member in members[1:] if member.next is Stage.STOPPED or member.is_blocked)
        halt = next((f"{one.id} {told}" for one in others if (told := self._of_primitive(one)) != first), "")
        return f"{first}; but {halt}" if halt else first

    def _of_instances(self, clone: Item) -> str:
        """How many run, and where; then what keeps others from running, or from being promoted."""
        instances = clone.containers() if clone.kind is Kind.BUNDLE else clone.children
        placed = [one for one in instances if any(self._will_run(part) for part in one.primitives())]
        if not placed:
            bearer = next(iter(self._parts(clone)), None)
            return "has no instances" if bearer is None else self._of_primitive(bearer)
        told = f"{len(placed)} of {min(clone.instance_max, max(len(instances), 1))} instances run"
        told += self._of_roles(clone.bundled or clone)
        left_out = [one for one in instances if one not in placed and not one.is_surplus]
        reason = self._why_left_out(left_out) if len(placed) < clone.instance_max else ""
        return f"{told}; {reason}" if reason and not told.endswith(reason) else told

    def _of_roles(self, clone: Item) -> str:
        """Where which instances of a promotable clone are promoted."""
        if not clone.is_promotable:
            return ""
        promoted = [part for part in clone.primitives() if part.next is Stage.PROMOTED and self._will_run(part)]
        where = ", ".join(self._names(part.home for part in promoted))
        return f", promoted on {where}" if where else f", none promoted: {self._why_none_promoted(clone)}"

    def _will_run(self, part: Item) -> bool:
        """Is it to run, and can it?"""
        if part.home is None or part.next is Stage.STOPPED:
            return False
        stops = [stop for stop in self._graph.find(part, "stop") if stop.is_required and stop.node not in part.dangling]
        if part.pending or (part.active and not stops):
            return True
        is_startable = any(start.is_runnable for start in self._graph.find(part, "start"))
        return is_startable and self._situation.view.may_start

    def _why_left_out(self, left_out: list[Item]) -> str:
        """Why there are not as many as there might be: what is wrong with the nodes that have none."""
        bearer = next(left_out[0].primitives(), None) if left_out else None
        return "" if bearer is None else self._obstacles.objections.why_nowhere(bearer)

    def _why_none_promoted(self, clone: Item) -> str:
        part = next(clone.primitives(), None)
        told = "" if part is None else why_none_promoted(self._situation, clone, part)
        if told:
            return told
        best = max((one.promotion_priority for one in clone.children if home_of(one) is not None), default=-1)
        return "no node has a promotion score" if best < 0 else "what it needs is not there"

    def _part(self, part: Item) -> PartExplained:
        is_up = self._will_run(part)
        return PartExplained(
            resource=ResourceId(part.history_id),
            now=self._node(part.active[0]).id if part.active else None,
            now_role=_role(part, part.stage) if part.active else Role.STOPPED.value,
            node=self._node(part.home).id if is_up and part.home is not None else None,
            role=_role(part, part.next) if is_up else Role.STOPPED.value,
            summary=self._unnumbered(self._of_primitive(part)),
        )

    # -- In numbers

    def _scores(self, item: Item) -> Iterator[NodeScore]:
        for node in self._situation.nodes:
            speaker = self._speaker(item, node.index)
            if speaker is not None and not is_closed(speaker, node):
                yield self._score(item, speaker, node)

    def _speaker(self, item: Item, node: int) -> Item | None:
        """Whose scores decide: a group's first member; of a clone the instance on the node, or one without a node."""
        if item.kind is Kind.PRIMITIVE:
            return item
        if item.kind is Kind.GROUP:
            return next(item.primitives(), None)
        instances = item.containers() if item.kind is Kind.BUNDLE else item.children
        bearers = [bearer for one in instances if (bearer := next(iter(self._parts(one)), None)) is not None]
        there = [one for one in bearers if one.home == node]
        free = [one for one in bearers if one.home is None]
        return next(iter((*there, *free, *bearers[-1:])), None)

    def _score(self, item: Item, speaker: Item, node: Node) -> NodeScore:
        found = self._ledger.of(speaker, node.index)
        total = speaker.table.score(node.index)
        if total <= -INFINITY and speaker is not item:
            told = {part.source for part in found}
            whole = self._ledger.of(item, node.index)
            found += [part for part in whole if part.score <= -INFINITY and part.source not in told]
        if any(part.score <= -INFINITY and part.source != _ENOUGH for part in found):
            found = [part for part in found if part.source != _ENOUGH]
        if not node.is_usable:
            found.append(Contribution(node.trouble, -INFINITY))
            total = -INFINITY
        elif total <= -INFINITY and not any(part.score <= -INFINITY for part in found):
            found.append(Contribution(self._why_not(item, speaker, node), -INFINITY))
        tally = speaker.tallies.get(node.index)
        note = ""
        if tally is not None and tally.count and not tally.is_expired and total > -INFINITY:
            note = threshold_text(speaker, tally.count)
        contributions = tuple(self._named(part) for part in found if part.score)
        return NodeScore(node.id, total, contributions, note, self._unnumbered(self._why_elsewhere(speaker, node)))

    def _why_elsewhere(self, speaker: Item, node: Node) -> str:
        """Why it is not to be on this node, in the words in which a move away from it would be told."""
        home = speaker.home
        if home is None or speaker.next is Stage.STOPPED:
            objections = self._obstacles.objections
            return "" if objections.whole(speaker) else objections.objection(speaker, node)
        if home == node.index:
            return ""
        is_tie = speaker.table.score(node.index) == speaker.table.score(home)
        if is_tie and home in speaker.active and not node.trouble:
            return self._reasons.why_here(speaker, self._node(home))
        return node.trouble or self._reasons.why_moved(speaker, node.index, home)

    def _named(self, part: Contribution) -> Contribution:
        source = part.source
        if source.startswith(_HEARD):
            source = f"wish of {source.removeprefix(_HEARD)}"
        return Contribution(self._unnumbered(source), part.score)

    def _unnumbered(self, text: str) -> str:
        """Without the numbers of instances that mean nothing to anybody."""
        by_id = self._situation.by_id

        def name(found: re.Match[str]) -> str:
            item = by_id.get(found[0])
            return item.history_id if item is not None and item.is_anonymous else found[0]

        return _NUMBERED.sub(name, text) if ":" in text else text

    def _why_not(self, item: Item, speaker: Item, node: Node) -> str:
        """What forbids a node where no constraint does."""
        if not speaker.table.allows(node.index) and not self._situation.settings.is_symmetric:
            return "no location allows it, symmetric-cluster is false"
        if item.kind in (Kind.CLONE, Kind.BUNDLE) and speaker.home is not None:
            return "every instance has a node"
        return "not allowed"

    def _promotion(self, item: Item) -> Iterator[NodeScore]:
        """What was added up to choose who is promoted."""
        clone = item.bundled or item
        if clone.kind is not Kind.CLONE or not clone.is_promotable:
            return
        for instance in clone.children:
            bearer = next(instance.primitives(), None)
            if bearer is None or bearer.home is None:
                continue
            node = self._node(bearer.home)
            found = [Contribution(self._unnumbered(source), score) for source, score in instance.role_scores if score]
            total = instance.promotion_priority
            yield NodeScore(node.id, total, tuple(found))


def _role(item: Item, stage: Stage) -> str:
    clone = item.clone
    if stage is Stage.STARTED and clone is not None and clone.is_promotable:
        return Role.UNPROMOTED.value
    return stage.role.value
