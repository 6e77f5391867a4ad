"""Why no node can run a resource, told node by node and then gathered: what is the same is said once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Set

from hashelld.model.action import ActionKind
from hashelld.model.score import INFINITY
from hashelld.policy.acting.reasons import Reasons
from hashelld.policy.acting.steps import Graph, Step
from hashelld.policy.explanation import Contribution
from hashelld.policy.state.items import Item, Node, Stage
from hashelld.policy.state.situation import Situation


Told = Callable[[Item, int], Iterable[Contribution]]
"""What was added to an item's score for a node."""

_NOWHERE = " runs nowhere"
_ENOUGH_OF = "one-or-more:"
_SPARE = "the clone has enough instances"


class Obstacles:
    """Answers about one plan whose scores were written down."""

    def __init__(self, situation: Situation, graph: Graph, told: Told) -> None:
        self._situation = situation
        self._graph = graph
        self._told = told
        self._reasons = Reasons(situation, graph)

    def why_nowhere(self, item: Item, besides: Set[int | None] = frozenset()) -> str:
        """Why the item has no node; nothing is said of nodes `besides`, which have another instance.

        Where it is for want of another resource, also why that one has none.
        """
        told = reason = self._alone(item, besides)
        seen = {item.id}
        while reason.endswith(_NOWHERE):
            other = self._situation.by_id.get(reason.removesuffix(_NOWHERE))
            bearer = None if other is None else next(other.primitives(), None)
            if bearer is None or bearer.id in seen or bearer.home is not None:
                break
            seen.add(bearer.id)
            reason = self._alone(bearer)
        return told if reason == told else f"{told} ({reason})"

    def _alone(self, item: Item, besides: Set[int | None] = frozenset()) -> str:
        if item.why_stopped:
            return item.why_stopped
        if item.is_frozen:
            return "no quorum, and no-quorum-policy is freeze"
        found: dict[str, list[Node]] = {}
        for node in self._situation.nodes:
            if node.index in besides:
                continue
            found.setdefault(_without_name(self._objection(item, node), node), []).append(node)
        wanting = next((text for text in found if text.endswith(_NOWHERE)), "")
        if wanting:
            return wanting  # Without what it needs, no node would do.
        if not found:
            return "every node has one" if besides else "there is no node"
        if len(found) == 1:
            text, nodes = next(iter(found.items()))
            if "{}" not in text and not text.startswith("it ") and len(nodes) == len(self._situation.nodes):
                return text
        return "; ".join(_gathered(text, nodes) for text, nodes in found.items())

    def _objection(self, item: Item, node: Node) -> str:
        trouble = self._reasons.trouble(item, node)
        if trouble:
            return trouble
        against = [part for part in self._told(item, node.index) if part.score < 0]
        forbidding = [part.source for part in against if part.score <= -INFINITY and part.source != _SPARE]
        if forbidding:
            return f"{forbidding[0]} forbids it" if forbidding[0].startswith("location ") else forbidding[0]
        if not item.table.allows(node.index):
            return "no location allows it"
        if against and item.table.score(node.index) < 0:
            return f"{against[0].source} is below zero"
        return "not allowed" if item.table.score(node.index) < 0 else "no room"

    def why_not_now(self, step: Step) -> str:
        """Why a step that is needed cannot be taken, down to what is at the bottom of it."""
        told = self._reasons.why_blocked(step)
        chain = _causes(step)
        node = next((self._of_node(cause) for cause in chain if cause.item is None), "")
        if node:
            told = node
        root = chain[-1] if chain else None
        if root is None or root.item is None or root.item is step.item:
            return told
        bearer = next(root.item.primitives(), None)
        reason = "" if bearer is None else self._why_held(bearer)
        if not reason:
            return told
        name = root.item.base_id
        return f"{told} ({reason if name in told else f'{name}: {reason}'})"

    def _why_held(self, item: Item) -> str:
        """Why nothing can be done with an item, or with what waits for it."""
        if item.is_blocked:
            return item.block_reason
        if not item.is_managed:
            return "it is not managed"
        return self.why_nowhere(item) if item.next is Stage.STOPPED and item.home is None else ""

    def _of_node(self, step: Step) -> str:
        """What a fencing or departure that comes first is about."""
        if step.node is None:
            name = step.task.partition(_ENOUGH_OF)[2]
            return f"too few of those that order {name} puts first can start" if name else ""
        name = self._situation.node_id(step.node)
        return f"{name} is leaving" if step.kind is ActionKind.SHUTDOWN else f"{name} has to be fenced first"


def _without_name(text: str, node: Node) -> str:
    """The text with `{}` where it names the node (and not where the name of something else contains it)."""
    return re.sub(rf"(?<![\w.-]){re.escape(node.id)}(?![\w.-])", "{}", text)


def _causes(step: Step) -> list[Step]:
    """What made the step necessary or impossible, and what made that so; the bottom of it last."""
    seen = {step.index}
    chain: list[Step] = []
    cause = step.cause
    while cause is not None and cause.index not in seen:
        seen.add(cause.index)
        chain.append(cause)
        cause = cause.cause
    return chain


def _gathered(text: str, nodes: list[Node]) -> str:
    """`hex-1, hex-2 are offline` for `{} is offline`, `hex-1, hex-2: location away` for what names no node."""
    names = ", ".join(node.id for node in nodes)
    if "{}" not in text:
        return f"{names}: {text}"
    if len(nodes) > 1:
        text = text.replace("{} is ", "{} are ", 1).replace("{} has ", "{} have ", 1)
    return text.replace("{}", names)
