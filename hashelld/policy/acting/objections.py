"""Why a node cannot run a resource, and why no node can: told node by node, then gathered, what is the same once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from hashelld.model.score import INFINITY, Score, format_score
from hashelld.policy.acting.copies import copies_text
from hashelld.policy.placing.locating import is_threshold_reached, threshold_text
from hashelld.policy.placing.partners import home_of, is_blocked
from hashelld.policy.state.items import Item, Kind, Node, Stage
from hashelld.policy.state.situation import Situation
from hashelld.policy.state.ties import UNAME, Tie


NOWHERE: Final = " runs nowhere"
"""How a text ends that names what is needed and has no node."""
_HEALTH: Final = "health of "
_OF_NODE: Final = ("health of ", "score of ")
_NO_LOCATION: Final = "no location allows "
_LOCATION: Final = "location "
_CHOSEN: Final = ("location ", "score of ", "resource-discovery ")
"""Sources by which the administrator keeps something from a node."""


class Objections:
    """Answers for one plan, after everything has been placed; looked for where they are asked for, and only there."""

    __slots__ = ("_absent", "_seats", "_situation")

    def __init__(self, situation: Situation) -> None:
        self._situation = situation
        self._seats: dict[Tie, frozenset[int]] = {}
        self._absent: str | None = None

    # -- One node

    def trouble(self, item: Item, node: Node) -> str:
        """What is wrong with the resource on the node, or with the node."""
        failure = item.failures.get(node.index)
        if failure is not None and failure.on_fail != "ignore":
            return failure.text(node.id)
        if node.index in item.dangling or (len(item.active) > 1 and item.migrating_to is None):
            return copies_text(self._situation, item, node.index)
        if node.trouble:
            return node.trouble
        if is_threshold_reached(item, node.index):
            return threshold_text(item, item.tallies[node.index].count, node.id)
        return ""

    def objection(self, item: Item, node: Node, *, is_missed: bool = False) -> str:
        """Why the node cannot run the item; empty when it is none of those that ever could, or has one already.

        `is_missed`: only what nobody can have wanted, on a node that is there.
        """
        if is_closed(item, node) or (is_missed and not node.is_usable):
            return ""
        found = self._failed(item, node) or node.trouble or self._apart(item, node)
        if found:
            return found
        source, score = self._worst(item, node)
        if source:
            return "" if is_missed and source.startswith(_CHOSEN) else _spoken(source, score, node)
        return "" if is_missed else self._without_source(item, node)

    def forbidden(self, item: Item, node: Node) -> str:
        """What keeps it from a node, wherever everything else is: failures, constraints, want of room or health."""
        failed = self._failed(item, node)
        if failed or is_closed(item, node):
            return failed
        source, score = self._worst(item, node)
        return _spoken(source, score, node) if source and score <= -INFINITY else self._unnamed(item, node)

    def _without_source(self, item: Item, node: Node) -> str:
        """Nobody said a word against the node: it is not in the table, it is full, or what is needed is elsewhere."""
        at, table = node.index, item.table
        if not table.allows(at):
            return self._unnamed(item, node)
        if any(mate.home == at for mate in _mates(item)):
            return ""
        for tie in ties_with(item):
            if tie.score >= INFINITY and at not in self.seats(tie):
                return f"no {_primary_of(tie)} on {node.id}"
            if tie.score < 0 and at in self.seats(tie):
                return f"not with {_primary_of(tie)} on {node.id}"
        return f"not allowed on {node.id}" if table.score(at) < 0 else ""

    def _unnamed(self, item: Item, node: Node) -> str:
        """In an asymmetric cluster it runs only where some location has it run."""
        is_closed = item.table.allows(node.index) or self._situation.settings.is_symmetric
        return "" if is_closed else f"{_NO_LOCATION}{node.id}"

    def full(self, item: Item, node: Node) -> str:
        """How many others of its clone a node has that it leaves to them."""
        count = sum(mate.home == node.index for mate in _mates(item))
        return f"{node.id} has {'one' if count == 1 else count} already" if count else ""

    def _failed(self, item: Item, node: Node) -> str:
        """A failure that bans it from the node; of an anonymous instance any one's."""
        at, twins = node.index, list(_twins(item))
        reached = next((twin for twin in twins if is_threshold_reached(twin, at)), None)
        if reached is None and not any(at in twin.bans for twin in twins):
            return ""
        failures = (twin.failures[at] for twin in twins if at in twin.failures)
        failure = next((one for one in failures if one.on_fail != "ignore"), None)
        if failure is not None and (reached is None or reached.tallies[at].count >= INFINITY):
            return failure.text(node.id)
        return "" if reached is None else threshold_text(reached, reached.tallies[at].count, node.id)

    def _apart(self, item: Item, node: Node) -> str:
        for tie in ties_with(item):
            if tie.score <= -INFINITY and node.index in self.seats(tie):
                return f"not with {_primary_of(tie)} on {node.id}"
        return ""

    def _worst(self, item: Item, node: Node) -> tuple[str, Score]:
        """What was said against the node and still counts: the first that forbids it, or else what weighs most."""
        score = item.table.score(node.index) if item.table.allows(node.index) else -INFINITY
        if score >= 0:
            return "", 0
        entries = list(item.against.items())
        if item.parent is not None and item.parent.kind is Kind.GROUP:
            entries += item.parent.against.items()  # Of locations of a group only its first member is told.
        said = [(source, against) for (source, at), against in entries if at == node.index]
        for source, against in said:
            if against <= -INFINITY:
                return source, against
        return min(said, key=lambda one: one[1], default=("", 0)) if score > -INFINITY else ("", 0)

    # -- All nodes

    def why_nowhere(self, item: Item) -> str:
        """Why the item has no node; where it is for want of another resource, also why that one has none."""
        told = reason = self._at_all(item)
        seen = {item.index}
        at: Item | None = item
        while at is not None and reason.endswith(NOWHERE):
            at = self._absent_for(at)
            if at is None or at.index in seen or at.home is not None:
                break
            seen.add(at.index)
            reason = self._at_all(at)
        return told if reason == told or reason.endswith(NOWHERE) else f"{told} ({reason})"

    def _absent_for(self, item: Item) -> Item | None:
        """What it would have to be with, and that has no node."""
        for tie in ties_with(item):
            if tie.score >= INFINITY and not self.seats(tie):
                return next(iter(reversed(list(_first_of(tie.primary).primitives()))), None)
        return None

    def why_missed(self, item: Item) -> str:
        """Why an instance that is missed has no node; empty when none is.

        Without a clone-max a clone misses none on nodes that are not there, or that are forbidden to it; and none does
        where all nodes have one.
        """
        if self.is_full(item):
            return ""
        clone = item.clone
        if clone is None or "clone-max" in clone.meta or not any(mate.home is not None for mate in _mates(item)):
            return self.why_nowhere(item)
        return self._gathered(item, self._situation.nodes, is_missed=True)

    def is_full(self, item: Item) -> bool:
        """Does every node that it might be on have as many instances as it may have?"""
        return bool(_mates(item)) and not (self.whole(item) or self._gathered(item, self._situation.nodes))

    def _at_all(self, item: Item) -> str:
        return self.whole(item) or self._by_node(item)

    def whole(self, item: Item) -> str:
        """What forbids all nodes at once."""
        if item.why_stopped:
            return item.why_stopped
        if item.is_frozen:
            return "no quorum, and no-quorum-policy is freeze"
        for (source, at), against in item.against.items():
            if at is None and against <= -INFINITY:
                return source
        if item.lock_node is not None:
            node = self._situation.nodes[item.lock_node]
            if node.is_leaving or not node.is_online:
                return f"reserved for {node.id}, which is shut down"
        return self._lonely(item)

    def _lonely(self, item: Item) -> str:
        """What it has to be with is nowhere, or only where the item cannot be."""
        for tie in ties_with(item):
            if tie.score < INFINITY:
                continue
            seats = self.seats(tie)
            if not seats:
                return _absence(tie)
            told = self._gathered(item, [self._situation.nodes[at] for at in sorted(seats)])
            if told:
                return f"only with {_primary_of(tie)}, but {told}"
        return ""

    def _by_node(self, item: Item) -> str:
        if not item.active and not item.tallies and not any(node.is_usable for node in self._situation.nodes):
            return self._all_absent()
        told = self._gathered(item, self._situation.nodes)
        if told:
            return told
        clone = item.clone
        most = 1 if clone is None else clone.instance_node_max
        return ("every node has one" if most == 1 else f"every node has {most}") if _mates(item) else "no node is left"

    def _all_absent(self) -> str:
        """The same for everything while no node is usable."""
        if self._absent is None:
            nodes = [node for node in self._situation.nodes if not node.is_guest]
            self._absent = _joined((node.trouble, node) for node in nodes) or "there is no node"
        return self._absent

    def _gathered(self, item: Item, nodes: Iterable[Node], *, is_missed: bool = False) -> str:
        return _joined((self.objection(item, node, is_missed=is_missed), node) for node in nodes)

    # -- Company

    def company(self, item: Item, home: int) -> str:
        """What the item has to be with, and goes with to the node."""
        for tie in ties_with(item):
            if tie.score >= INFINITY and home in self.seats(tie):
                return _primary_of(tie) + ("" if tie.attribute == UNAME else f" (same {tie.attribute})")
        return ""

    def follower(self, item: Item, node: Node) -> str:
        """Who has to be with the item and is forbidden the node, and why."""
        seen = {item.index}
        pending = [item]
        while pending:
            for tie in _ties_of(pending.pop()):
                if tie.score < INFINITY or tie.dependent.index in seen:
                    continue
                seen.add(tie.dependent.index)
                bearer = next(tie.dependent.primitives(), None)
                told = "" if bearer is None else self.forbidden(bearer, node)
                if told:
                    return f"with {tie.dependent.called}: {told}"
                other = "" if bearer is None else self._bound_elsewhere(bearer, node, seen)
                if other:
                    return f"with {tie.dependent.called}, which goes with {other}"
                pending.append(tie.dependent)
        return ""

    def _bound_elsewhere(self, item: Item, node: Node, besides: set[int]) -> str:
        """What else it has to be with, and that goes to other nodes."""
        for tie in ties_with(item):
            seats = self.seats(tie) if tie.score >= INFINITY and tie.primary.index not in besides else ()
            if seats and node.index not in seats:
                return _primary_of(tie)
        return ""

    def seats(self, tie: Tie) -> frozenset[int]:
        """The nodes where the primary of a tie will be, in the role that the tie asks for."""
        found = self._seats.get(tie)
        if found is None:
            parts = [part for part in _bearers(tie) if _has_role(part, tie)]
            if tie.primary.kind in {Kind.CLONE, Kind.BUNDLE}:
                parts = [part for part in parts if not is_blocked(part)]
            homes = {home_of(part) for part in parts}
            found = self._seats[tie] = self._matching(tie, {home for home in homes if home is not None})
        return found

    def _matching(self, tie: Tie, homes: set[int]) -> frozenset[int]:
        """The nodes with the same value of the attribute that the tie compares."""
        if tie.attribute == UNAME:
            return frozenset(homes)
        values = [node.attributes.get(tie.attribute, "").lower() for node in self._situation.nodes]
        wanted = {values[home] for home in homes}
        return frozenset(at for at, value in enumerate(values) if value in wanted)


def ties_with(item: Item) -> list[Tie]:
    """What decides where an item goes, by itself or as a part of something; what was configured comes first."""
    found: list[Tie] = []
    at: Item | None = item
    while at is not None:
        ties = [tie for tie in at.ties_with if tie.dependent_stage is Stage.UNKNOWN and _is_met_by_role(tie)]
        found += [tie for tie in ties if tie.is_explicit] + [tie for tie in ties if not tie.is_explicit]
        at = at.parent
    return found


def _is_met_by_role(tie: Tie) -> bool:
    """Does the role that it asks for exist at its primary?"""
    return tie.primary_stage is Stage.UNKNOWN or tie.primary.is_promotable or tie.primary.kind is Kind.BUNDLE


def _ties_of(item: Item) -> list[Tie]:
    """Who is placed by where an item goes."""
    found: list[Tie] = []
    at: Item | None = item
    while at is not None:
        found += at.ties_of
        at = at.parent
    return found


def _bearers(tie: Tie) -> list[Item]:
    """The parts of the primary that others are with: of a group the last, of a clone or bundle every instance.

    Instances of two clones are paired, and of a group in the other one again the last is what counts.
    """
    primary = tie.primary
    match primary.kind:
        case Kind.PRIMITIVE:
            return [primary]
        case Kind.GROUP:
            return list(primary.primitives())[-1:]
        case Kind.BUNDLE:
            return primary.containers()
        case Kind.CLONE if tie.dependent.kind is Kind.CLONE:
            return [part for child in primary.children for part in list(child.primitives())[-1:]]
        case Kind.CLONE:
            return primary.children


def _first_of(primary: Item) -> Item:
    """Of a clone its first instance: what is said of one is true of all."""
    return primary.children[0] if primary.kind is Kind.CLONE and primary.children else primary


def _has_role(part: Item, tie: Tie) -> bool:
    if tie.primary_stage is Stage.UNKNOWN:
        return True
    if tie.primary.kind is Kind.BUNDLE:
        inner = (replica.child for replica in tie.primary.replicas if replica.container is part)
        return any(child is not None and child.highest_next() is tie.primary_stage for child in inner)
    return part.highest_next() is tie.primary_stage


def is_closed(item: Item, node: Node) -> bool:
    """Is it none of the nodes that it could ever run on? Bundles have nodes of their own; guests are on members."""
    if node.connection is None:
        return item.is_isolated
    if node.connection.top.kind is Kind.BUNDLE:
        return item.bundle_host != node.index
    is_guest = not item.is_bundle_container and any(filler.is_remote_connection for filler in item.fillers)
    return item.is_isolated or item.is_device or item.is_remote_connection or is_guest


def _mates(item: Item) -> list[Item]:
    """The instances of the same, itself included; none where there are no instances."""
    clone, parent = item.clone, item.parent
    if clone is not None:
        return [part for part in clone.primitives() if part.base_id == item.base_id]
    return parent.containers() if parent is not None and item.is_bundle_container else []


def _twins(item: Item) -> Iterator[Item]:
    """The item, and of an anonymous one all that are the same."""
    yield item
    if item.is_anonymous:
        yield from (mate for mate in _mates(item) if mate is not item)


def _primary_of(tie: Tie) -> str:
    role = "" if tie.primary_stage is Stage.UNKNOWN else f"{tie.primary_stage.role.value.lower()} "
    return f"{role}{tie.primary.called}"


def _absence(tie: Tie) -> str:
    """`vip runs nowhere`, of a group its last member; or it runs, and not in the role that is needed."""
    parts = list(tie.primary.primitives())
    whole = _first_of(tie.primary)
    name = parts[-1].called if whole.kind is Kind.GROUP and parts else tie.primary.called
    if tie.primary_stage is Stage.UNKNOWN or not any(part.home is not None for part in parts):
        return f"{name}{NOWHERE}"
    return f"only with {name} {tie.primary_stage.role.value.lower()}, and none is"


def _spoken(source: str, score: Score, node: Node) -> str:
    """What was said against a node, as a sentence about it."""
    if source.startswith(_HEALTH) and score <= -INFINITY:
        return f"{node.id} is not healthy"
    if source.startswith(_OF_NODE):
        return f"{source} is {format_score(score)}"
    if score > -INFINITY:
        return f"{source} gives {node.id} {format_score(score)}"
    return f"{source} forbids {node.id}" if source.startswith(_LOCATION) else source


def _joined(told: Iterable[tuple[str, Node]]) -> str:
    """Texts about nodes, the same of several said once; what is the same of all names no node."""
    found: dict[str, list[Node]] = {}
    for text, node in told:
        if text:
            found.setdefault(_without_name(text, node), []).append(node)
    if len(found) == 1:
        text = next(iter(found))
        if "{}" not in text:
            return text
        if text.startswith(_NO_LOCATION):
            return f"{_NO_LOCATION}it"
    return "; ".join(_of_nodes(text, nodes) for text, nodes in found.items())


def _without_name(text: str, node: Node) -> str:
    """The text with `{}` where it names the node (and not where the name of something else contains it)."""
    return re.sub(rf"(?<![\w.-]){re.escape(node.id)}(?![\w.-])", "{}", text)


def _of_nodes(text: str, nodes: list[Node]) -> str:
    """`hex-1, hex-2 are offline` for `{} is offline`, `hex-1, hex-2: reason` for what names no node."""
    names = ", ".join(node.id for node in nodes)
    if "{}" not in text:
        return f"{names}: {text}"
    if len(nodes) > 1:
        text = text.replace("{} is ", "{} are ", 1).replace("{} has ", "{} have ", 1)
    return text.replace("{}", names)
