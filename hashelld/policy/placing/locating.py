"""Scores before any colocation: locations, health, failures, locks, discovery, stickiness."""

from __future__ import annotations

import re

from hashelld.model.constraint import Location
from hashelld.model.rule import Rule
from hashelld.model.score import INFINITY, Score, add, format_score
from hashelld.policy.settings import score_of
from hashelld.policy.state.items import STAGES, Item, Kind, Node, Stage
from hashelld.policy.state.parameters import parameters
from hashelld.policy.state.situation import Situation
from hashelld.policy.state.table import Table
from hashelld.policy.state.ties import members_of, stands_for


_ANY_ROLE = frozenset({Stage.STARTED, Stage.UNPROMOTED})
"""Every instance is in these first, so that they limit nothing."""


def apply_locations(situation: Situation) -> None:
    """Begin the tables of all items."""
    default = 0 if situation.settings.is_symmetric else None
    for item in situation.items:
        item.table = Table(default)
    _apply_health(situation)
    for constraint in situation.cib.objects:
        if isinstance(constraint, Location):
            _Locating(situation, constraint).run()
    _add_base_scores(situation)
    _close_remote_nodes(situation)


def apply_criteria(situation: Situation) -> None:
    """What else scores depend on, for each item by itself; after locations and tickets."""
    for item in situation.items:
        _apply_bans(situation, item)
    for item in situation.items:
        if item.is_exclusive:
            _limit_discovery(situation, item)
        if item.kind is Kind.PRIMITIVE:
            _apply_lock(situation, item)
            _apply_stickiness(situation, item)


def _add_base_scores(situation: Situation) -> None:
    """What a node is worth to everything that may run there at all."""
    worth = {node.id: score_of(node.score, 0) for node in situation.cib.nodes if node.score is not None}
    bases = {situation.node_by_id[name]: score for name, score in worth.items() if score}
    for item in situation.items if bases else ():
        for node, score in bases.items():
            item.table.shift(node, score)
            if item.table.allows(node):
                situation.note(item, f"score of {situation.node_id(node)}", node, score)


def _close_remote_nodes(situation: Situation) -> None:
    """Devices, connections and guests stay on members; a bundle's nodes are for the bundle's child alone."""
    remote = [node.index for node in situation.nodes if node.connection is not None]
    if not remote:
        return
    bundles = {node: _bundle_of(situation.nodes[node].connection) for node in remote}
    for item in situation.items:
        is_kept_off = item.is_device or item.is_remote_connection or _is_guest(item)
        inside = item.top if item.is_isolated else None
        closed = [node for node, bundle in bundles.items() if bundle is not None and bundle is not inside]
        for node in closed:
            if item.discovery.get(node) != "exclusive":
                item.discovery[node] = "never"
        if closed:
            _close(item, closed, len(situation.nodes))
        for node, bundle in bundles.items():
            if is_kept_off and (bundle is None or bundle is inside):
                item.table.set(node, -INFINITY)


def _close(item: Item, nodes: list[int], count: int) -> None:
    """Nodes of other bundles are not in the table at all, unless some location brought them in."""
    table = item.table
    named = [node for node in nodes if node in table.scores]
    table.keep_only(set(range(count)).difference(nodes) if table.default is not None else set(table.scores))
    for node in named:
        table.set(node, -INFINITY)


def _bundle_of(connection: Item | None) -> Item | None:
    return connection.top if connection is not None and connection.top.kind is Kind.BUNDLE else None


def _is_guest(item: Item) -> bool:
    """Is it the container or virtual machine behind a guest node? (Those of bundles may run on remote nodes.)"""
    return not item.is_bundle_container and any(filler.is_remote_connection for filler in item.fillers)


def prefer(situation: Situation, item: Item, source: str, nodes: dict[int, Score]) -> None:
    """Add scores to an item, its members and instances; of a group only the first member gets more than zero.

    Of a bundle its containers and addresses hear of it; connections and what is inside follow the containers.
    """
    for node, score in nodes.items():
        item.table.prefer(node, score)
        situation.note(item, source, node, score)
    if item.kind is Kind.GROUP and item.is_collocated:
        zeros = dict.fromkeys(nodes, 0)
        for at, member in enumerate(item.children):
            prefer(situation, member, source, zeros if at else nodes)
    else:
        for child in _located(item):
            prefer(situation, child, source, nodes)


def _located(item: Item) -> list[Item]:
    """The parts that a location of an item is about."""
    if item.kind is not Kind.BUNDLE:
        return item.children
    found = [part for replica in item.replicas for part in (replica.container, replica.address)]
    return [part for part in found if part is not None]


def ban(situation: Situation, item: Item, source: str, node: int | None = None) -> None:
    """-INFINITY for an item and all of its parts, on one node or everywhere."""
    if node is None:
        item.table.ban()
    else:
        item.table.prefer(node, -INFINITY)
    situation.note(item, source, node, -INFINITY)
    for child in item.children:
        ban(situation, child, source, node)


class _Locating:
    """One location constraint, for all the resources that it names."""

    def __init__(self, situation: Situation, constraint: Location) -> None:
        self._situation = situation
        self._constraint = constraint
        self._discovery = dict(constraint.options).get("resource-discovery", "").strip().lower()

    def run(self) -> None:
        constraint, situation = self._constraint, self._situation
        if constraint.lifetime and not self._is_alive(constraint.lifetime):
            return
        for found in constraint.sets:
            for item in members_of(situation, found):
                self._apply(item, found.role, found.score)
        if constraint.resource is not None:
            names = stands_for(situation, constraint.resource)
            for name in names if names is not None else (constraint.resource,):
                named = situation.named(name)
                if named is not None:
                    self._apply(named, None, None)
        if constraint.pattern is not None:
            self._apply_pattern(constraint.pattern)

    def _is_alive(self, rules: tuple[Rule, ...]) -> bool:
        facts = self._situation.facts()
        return any(self._situation.attributes.holds(rule, facts) for rule in rules)

    def _apply_pattern(self, text: str) -> None:
        is_inverted = text.startswith("!")
        try:
            pattern = re.compile(text[1:] if is_inverted else text)
        except re.error:
            return
        for item in self._situation.top:
            found = pattern.search(item.id)
            if is_inverted and found is None:
                self._apply(item, None, None)
            elif found is not None and not is_inverted:
                self._apply(item, None, None, (found.group(0), *(group or "" for group in found.groups())))

    def _apply(self, item: Item, role: str | None, score: str | None, submatches: tuple[str, ...] = ()) -> None:
        constraint = self._constraint
        score = score if score is not None else constraint.score
        if constraint.node is not None and score is not None:
            node = self._situation.node_by_id.get(constraint.node)
            stage = STAGES.get((role or constraint.role or "").strip().lower(), Stage.UNKNOWN)
            if node is not None:
                self._give(item, constraint.id, stage, {node: score_of(score, 0)})
            return
        for rule in constraint.rules:
            self._apply_rule(item, rule, submatches)

    def _apply_rule(self, item: Item, rule: Rule, submatches: tuple[str, ...]) -> None:
        situation = self._situation
        if rule.id_ref is not None:
            rule = situation.attributes.rules.get(rule.id_ref, rule)
        if rule.role is not None and rule.role.strip().lower() not in STAGES:
            return
        text, attribute = rule.score, rule.score_attribute
        if attribute is not None and submatches:
            attribute = re.sub(r"%([0-9])", lambda m: _submatch(submatches, int(m[1])), attribute)
        nodes: dict[int, Score] = {}
        compares = _compares_params(rule)
        for node in situation.nodes:
            facts = situation.facts(node=node, item=item, submatches=submatches)
            if compares:
                facts.params = parameters(situation, item, node.index)
            if not situation.attributes.holds(rule, facts):
                continue
            if text is not None or attribute is None:
                nodes[node.index] = score_of(text, 0)
            else:
                value = node.attributes.get(attribute)
                nodes[node.index] = -INFINITY if value is None else score_of(value, 0)
        stage = STAGES.get((rule.role or self._constraint.role or "").strip().lower(), Stage.UNKNOWN)
        self._give(item, self._constraint.id, stage, nodes)

    def _give(self, item: Item, name: str, stage: Stage, nodes: dict[int, Score]) -> None:
        if stage in _ANY_ROLE:
            stage = Stage.UNKNOWN
        _set_discovery(item, self._discovery, nodes)
        if stage is Stage.PROMOTED:
            _promote(item, name, nodes)
        elif stage is Stage.UNKNOWN or stage is item.target:
            prefer(self._situation, item, f"location {name}", nodes)


def _compares_params(rule: Rule) -> bool:
    """Does it look at parameters of the resource?"""
    return any(
        _compares_params(each) if isinstance(each, Rule) else getattr(each, "value_source", None) == "param"
        for each in rule.conditions
    )


def _submatch(found: tuple[str, ...], number: int) -> str:
    return found[number] if number < len(found) else ""


def _promote(item: Item, name: str, nodes: dict[int, Score]) -> None:
    item.promotion_scores.append((name, Table(None, dict(nodes))))
    for child in item.children:
        _promote(child, name, nodes)


_DISCOVERY = ("always", "never", "exclusive")


def _set_discovery(item: Item, word: str, nodes: dict[int, Score]) -> None:
    if word not in _DISCOVERY[1:]:
        return
    if word == "exclusive":
        item.is_exclusive = True
    for node in nodes:
        before = item.discovery.get(node, "always")
        if _DISCOVERY.index(before) < _DISCOVERY.index(word):
            item.discovery[node] = word
    for child in _located(item):
        _set_discovery(child, word, nodes)


def _limit_discovery(situation: Situation, item: Item) -> None:
    for node in range(len(situation.nodes)):
        if item.discovery.get(node) != "exclusive":
            item.table.shift(node, -INFINITY)
            situation.note(item, "resource-discovery is exclusive elsewhere", node, -INFINITY)


def _apply_health(situation: Situation) -> None:
    settings = situation.settings
    strategy = settings.health_strategy
    if strategy not in {"migrate-on-red", "only-green", "progressive", "custom"}:
        return
    for node in situation.nodes:
        health = _health(situation, node)
        if not health:
            continue
        for item in situation.top:
            if health > 0 or not item.allows_unhealthy:
                prefer(situation, item, f"health of {node.id}", {node.index: health})


def _health(situation: Situation, node: Node) -> Score:
    settings = situation.settings
    total = settings.health_base if settings.health_strategy == "progressive" else 0
    colours = {"red": settings.health_red, "yellow": settings.health_yellow, "green": settings.health_green}
    if settings.health_strategy == "migrate-on-red":
        colours = {"red": -INFINITY, "yellow": 0, "green": 0}
    elif settings.health_strategy == "only-green":
        colours = {"red": -INFINITY, "yellow": -INFINITY, "green": 0}
    for name, value in node.attributes.items():
        if name.startswith("#health"):
            word = value.strip().lower()
            score = colours[word] if word in colours else score_of(value, 0)
            total = add(total, score)
    return total


def threshold_text(item: Item, count: int, node: str = "") -> str:
    """`3 failures on n1, threshold 3`."""
    how_often = "failed for good" if count >= INFINITY else f"{count} failure{'' if count == 1 else 's'}"
    how_often += f" on {node}" if node else ""
    return how_often if item.threshold >= INFINITY else f"{how_often}, threshold {format_score(item.threshold)}"


def _apply_bans(situation: Situation, item: Item) -> None:
    """What failed where. That it failed too often bans, for an anonymous instance, its whole clone."""
    for at, reason in item.bans.items():
        ban(situation, item, reason, at)
    if item.banned_everywhere:
        ban(situation, item, item.banned_everywhere)
    if item.kind is not Kind.PRIMITIVE or not item.threshold:
        return
    for at, tally in item.tallies.items():
        if is_threshold_reached(item, at):
            source = threshold_text(item, tally.count, situation.nodes[at].id)
            ban(situation, _banned(item), source, at)


def is_threshold_reached(item: Item, node: int) -> bool:
    """Did it fail too often there?"""
    tally = item.tallies.get(node)
    if tally is None or tally.is_expired or tally.why_cleared or not item.threshold or item.is_failure_ignored:
        return False
    return tally.count > 0 and tally.count >= item.threshold


def _banned(item: Item) -> Item:
    """Whom a failure of this instance bans."""
    clone = item.clone
    return item if clone is None or clone.is_unique else clone


def _apply_lock(situation: Situation, item: Item) -> None:
    """shutdown-lock: what ran on a node that is shut down waits for its return."""
    _lock(situation, item)
    if item.lock_node is None:
        return
    reason = f"reserved for {situation.nodes[item.lock_node].id}, which is shut down"
    for node in range(len(situation.nodes)):
        if node != item.lock_node and item.table.allows(node):
            item.table.set(node, -INFINITY)
            situation.note(item, reason, node, -INFINITY)


def _hold(situation: Situation, item: Item) -> None:
    """What is not managed stays where it is, and what is to be with it hears of that."""
    for node in item.held_on:
        item.table.prefer(node, INFINITY)
        situation.note(item, "not managed", node, INFINITY)


def _lock(situation: Situation, item: Item) -> None:
    settings = situation.settings
    is_exempt = item.is_device or item.is_remote_connection or item.clone is not None or item.is_isolated
    if not settings.locks_on_shutdown or is_exempt:
        item.lock_node = None
        return
    if item.lock_node is not None:
        if item.active:
            item.lock_node = None
    elif len(item.active) == 1:
        node = situation.nodes[item.active[0]]
        if node.is_leaving and not node.is_unclean:
            item.lock_node, item.lock_ms = node.index, situation.now_ms
    if item.lock_node is not None and settings.lock_limit_ms:
        end_ms = item.lock_ms + settings.lock_limit_ms
        if end_ms <= situation.now_ms:
            item.lock_node = None
        situation.wake_at(end_ms)


def _apply_stickiness(situation: Situation, item: Item) -> None:
    if not item.is_managed:
        _hold(situation, item)
        return
    if len(item.active) != 1:
        return
    at = item.active[0]
    if item.stickiness > 0 and (situation.settings.is_symmetric or item.table.allows(at)):
        item.table.prefer(at, item.stickiness)
        situation.note(item, "stickiness", at, item.stickiness)
