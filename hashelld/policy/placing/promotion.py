"""Promotable clones: which instances are promoted (POLICY.md 10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashelld.model.score import INFINITY, Score, add
from hashelld.policy.placing.applying import apply_tie
from hashelld.policy.placing.colocation import has_influence
from hashelld.policy.placing.instance_order import instance_order
from hashelld.policy.placing.partners import home_of
from hashelld.policy.placing.tickets import ban_promotion_without_ticket
from hashelld.policy.settings import NoQuorum, score_of
from hashelld.policy.state.items import Item, Kind, Node, Stage
from hashelld.policy.state.table import Table


if TYPE_CHECKING:
    from hashelld.policy.placing.assign import Placer

_ATTRIBUTE = "master-"


def add_promotion_scores(placer: Placer, clone: Item) -> None:
    """While instances are placed, a positive promotion score draws them to its node and puts them first."""
    for instance in clone.children:
        for node in instance.table.allowed(len(placer.situation.nodes)):
            state = placer.situation.nodes[node]
            if not state.is_usable:
                continue
            score = _promotion_score(placer, clone, instance, state)[0]
            if score > 0:
                instance.table.prefer(node, score)
                placer.situation.note(instance, "promotion score", node, score)
            instance.priority = max(instance.priority, score)


def _promotion_score(placer: Placer, clone: Item, instance: Item, node: Node) -> tuple[Score, str]:
    """The promotion score of an instance on a node, and the attribute that gives it (empty: none does)."""
    if instance.children:
        found = [_promotion_score(placer, clone, child, node) for child in instance.children]
        return sum(score for score, _ in found), " and ".join(name for _, name in found if name)
    if not _counts(clone, instance, node.index):
        return 0, ""
    attributes = _attributes(placer, instance, node)
    for name in _names(instance):
        value = attributes.get(_ATTRIBUTE + name)
        if value is not None:
            return score_of(value, 0), _ATTRIBUTE + name
    return 0, ""


def _attributes(placer: Placer, instance: Item, node: Node) -> dict[str, str]:
    """The node's attributes; of a guest those of its host where the resource asks for them.

    The host is the present one until the instance has its place, then the one that the container goes to.
    """
    container = None if node.connection is None else node.connection.container
    if container is None or instance.meta.get("container-attribute-target", "").strip().lower() != "host":
        return node.attributes
    host = container.home if instance.is_assigned else next(iter(container.active), None)
    return {} if host is None else placer.situation.nodes[host].attributes


def _names(instance: Item) -> list[str]:
    """The names that an agent may have used for its score: the one in the history, then the one without a number."""
    recorded = [str(results[-1].resource) for results in instance.results.values() if results]
    return list(dict.fromkeys((recorded[-1] if recorded else instance.id, instance.base_id)))


def _counts(clone: Item, instance: Item, node: int) -> bool:
    """Is the state of the instance known on the node, so that its attribute means something?"""
    is_known = False
    if not clone.is_unique:
        twins = [part for part in clone.primitives() if part.base_id == instance.base_id]
        active = next((twin for twin in twins if node in twin.active), None)
        is_known = active is instance or (active is None and any(node in twin.known for twin in twins))
    if not is_known:
        is_known = not instance.active and not instance.known
    if not is_known:
        is_known = node in instance.known or node in instance.active
    return is_known and instance.table.allows(node) and instance.table.score(node) >= 0


def choose_roles(placer: Placer, clone: Item, instances: list[Item]) -> None:
    """Promote the best of those instances that were placed; the others that have a node are to be unpromoted."""
    own = [(instance, instance.priority) for instance in instances]
    for instance in instances:
        _rate(placer, clone, instance)
    _merge(placer, clone, instances)
    order = instance_order(placer)
    ranked = sorted(instances, key=order)
    ranked.sort(key=lambda instance: (-instance.sort_index, -instance.highest_stage()))
    clone.counts = {}
    promoted = 0
    for instance in ranked:
        chosen = None
        if instance.sort_index >= 0 and (promoted < clone.promoted_max or not clone.is_managed):
            chosen = _place_to_be_promoted(placer, clone, instance)
        is_new = instance.highest_stage() < Stage.PROMOTED
        settings = placer.situation.settings
        if is_new and not placer.situation.view.has_quorum and settings.no_quorum is NoQuorum.FREEZE:
            chosen = None
        if chosen is None:
            _set_unpromoted(instance)
            continue
        clone.counts[chosen] = clone.counts.get(chosen, 0) + 1
        promoted += 1
        _set_promoted(instance)
    for instance, priority in own:
        instance.promotion_priority = instance.sort_index
        instance.priority = clone.priority if priority != clone.priority else priority


def _rate(placer: Placer, clone: Item, instance: Item) -> None:
    """The promotion priority of one instance, before the clone's own preferences are merged in."""
    _raise_started(instance)
    instance.sort_index = 0
    home = home_of(instance)
    if home is None:
        instance.sort_index = instance.priority
        return
    after = instance.highest_next()
    if after in {Stage.STARTED, Stage.UNKNOWN}:
        node = placer.situation.nodes[home]
        score, given = _promotion_score(placer, clone, instance, node)
        instance.priority = score if given else -1
        told = f"node attribute {given}" if given else "no promotion score set by the agent"
        instance.role_scores.append((told, instance.priority))
    elif after in {Stage.UNPROMOTED, Stage.STOPPED}:
        instance.priority = -INFINITY
        instance.role_scores.append((f"target-role is {after.role.value}", -INFINITY))
    for name, table in (*_locations(instance), *clone.promotion_scores):
        if home in table.scores:
            instance.priority = add(instance.priority, table.scores[home])
            instance.role_scores.append((f"location {name} for the role", table.scores[home]))
    for tie in placer.colocations.for_role(instance):
        before = instance.priority
        apply_tie(placer, instance, tie.primary, tie)
        if instance.priority != before:
            change = -INFINITY if instance.priority <= -INFINITY else instance.priority - before
            instance.role_scores.append((f"colocation {tie.id} with {tie.primary.id}", change))
    instance.sort_index = INFINITY if after is Stage.PROMOTED else instance.priority


def _locations(instance: Item) -> list[tuple[str, Table]]:
    """The instance's own locations for the role; the clone's reach it by themselves."""
    return instance.promotion_scores if instance.parent is None else _own(instance, instance.parent)


def _own(instance: Item, clone: Item) -> list[tuple[str, Table]]:
    shared = {name for name, _ in clone.promotion_scores}
    return [(name, table) for name, table in instance.promotion_scores if name not in shared]


def _raise_started(item: Item) -> None:
    if item.stage is Stage.STARTED:
        item.stage = Stage.UNPROMOTED
    for child in item.children:
        _raise_started(child)


def _merge(placer: Placer, clone: Item, instances: list[Item]) -> None:
    """Priorities of zero and more join the clone's node scores, with the wishes of who is with the promoted role."""
    for instance in instances:
        home = home_of(instance)
        if instance.sort_index >= 0 and home is not None and clone.table.allows(home):
            clone.table.set(home, add(instance.sort_index, clone.table.score(home)))
    _hear_of_role(placer, clone)
    ban_promotion_without_ticket(placer, clone)
    for instance in instances:
        home = home_of(instance)
        if not _is_managed(instance) and instance.highest_next() is Stage.PROMOTED:
            instance.sort_index = INFINITY
        elif home is not None and instance.sort_index >= 0 and clone.table.allows(home):
            before, instance.sort_index = instance.sort_index, clone.table.score(home)
            if instance.sort_index != before:
                told = "the clone's own score there, and what is with its promoted role"
                instance.role_scores.append((told, instance.sort_index - before))


def _hear_of_role(placer: Placer, clone: Item) -> None:
    """The content of a bundle hears as if it were on the hosts of its containers."""
    whole = clone.parent if clone.parent is not None else clone
    seats = {node: placer.colocations.seat_of(clone, node) for node in clone.table.scores}
    table = clone.table
    if clone.parent is not None:
        table = Table(None, {seat: table.score(node) for node, seat in seats.items() if seat != node})
    hear = placer.colocations.hear
    clone.is_merging = whole.is_merging = True
    for tie in whole.ties_with:
        if tie.dependent_stage is Stage.PROMOTED and tie.score >= INFINITY:
            table = hear(table, tie.primary, tie, 1.0, is_optional=False)
    for tie in whole.ties_of:
        if tie.primary_stage is Stage.PROMOTED and has_influence(tie, whole):
            table = hear(table, tie.dependent, tie, tie.score / INFINITY, is_optional=True, only_positive=True)
    clone.is_merging = whole.is_merging = False
    if clone.parent is None:
        clone.table = table
        return
    for node, seat in seats.items():
        if seat != node:
            clone.table.set(node, table.score(seat))


def _is_managed(instance: Item) -> bool:
    return all(part.is_managed for part in instance.primitives())


def _place_to_be_promoted(placer: Placer, clone: Item, instance: Item) -> int | None:
    """The node on which the instance can be promoted."""
    for child in instance.children:
        if _place_to_be_promoted(placer, clone, child) is None:
            return None
    home = home_of(instance)
    if home is None:
        return None
    is_managed = instance.is_managed if instance.kind is Kind.PRIMITIVE else _is_managed(instance)
    if not is_managed:
        if instance.highest_stage() is not Stage.PROMOTED:
            return None
    elif instance.priority < 0 or not _will_be_up(placer.situation.nodes[home]):
        return None
    if not clone.table.allows(home):
        return None
    if is_managed and clone.counts.get(home, 0) >= clone.promoted_node_max:
        return None
    return home


def _will_be_up(node: Node) -> bool:
    """Can it run something, and will its host be there if it is a guest?"""
    container = None if node.connection is None else node.connection.container
    return node.is_usable and (container is None or container.home is not None)


def _set_unpromoted(item: Item) -> None:
    for part in item.primitives():
        part.next = Stage.STOPPED if part.home is None else Stage.UNPROMOTED
    if item.is_collective:
        item.next = Stage.STOPPED if home_of(item) is None else Stage.UNPROMOTED


def _set_promoted(item: Item) -> None:
    for part in (item, *item.primitives()):
        if part.next in {Stage.UNKNOWN, Stage.STARTED}:
            part.next = Stage.PROMOTED
