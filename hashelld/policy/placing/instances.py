"""Clones: which instances run, and on which nodes, with as little shuffling as possible."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashelld.model.score import INFINITY
from hashelld.policy.placing.instance_order import instance_order
from hashelld.policy.placing.locating import ban
from hashelld.policy.placing.promotion import add_promotion_scores, choose_roles
from hashelld.policy.state.items import Item, Stage


if TYPE_CHECKING:
    from hashelld.policy.placing.assign import Placer


def assign_clone(placer: Placer, clone: Item) -> None:
    """Place the instances of a clone, and choose their roles when it is promotable."""
    if clone.is_promotable:
        add_promotion_scores(placer, clone)
    for tie in clone.ties_with:
        placer.assign(tie.primary)
    for tie in placer.colocations.with_this(clone):
        placer.colocations.heed(clone, tie, only_positive=True)
    instances = sorted(clone.children, key=instance_order(placer))
    left_out = assign_instances(placer, clone, instances, clone.instance_max, clone.instance_node_max)
    if clone.is_promotable:
        choose_roles(placer, clone, [instance for instance in clone.children if instance not in left_out])


def assign_instances(placer: Placer, whole: Item, instances: list[Item], most: int, most_per_node: int) -> list[Item]:
    """Place instances: those that run, where they run if that is as good as any other node; then the rest.

    Gives those that were left out because there are enough.
    """
    nodes = placer.situation.nodes
    whole.counts = {}
    usable = sum(nodes[node].is_usable for node in whole.table.allowed(len(nodes)))
    optimal = max(1, most // usable) if usable else 1
    placed = 0
    for instance in instances:
        if placed >= most:
            break
        present = _preferred(placer, whole, instance, optimal)
        if present is not None and _assign_early(placer, whole, instance, present, most_per_node, most - placed):
            placed += 1
    left_out = []
    for instance in instances:
        if instance.is_assigned:
            continue
        if placed >= most:
            ban(placer.situation, instance, "the clone has enough instances")
            _leave_out(instance)
            left_out.append(instance)
        elif _assign(placer, whole, instance, None, most_per_node) is not None:
            placed += 1
    return left_out


def _leave_out(instance: Item) -> None:
    """It stops, unless it is not managed: then it stays as it is, whatever the others are."""
    instance.is_assigned = True
    for part in instance.primitives():
        part.is_assigned = True
        if part.is_managed:
            part.next = Stage.STOPPED
        elif part.active:
            part.home, part.next = part.active[0], part.stage


def _preferred(placer: Placer, whole: Item, instance: Item, optimal: int) -> int | None:
    """The node that it runs on, if it is healthy and may stay there."""
    active = instance.active_nodes()
    if not active or instance.is_assigned or instance.is_failed:
        return None
    node = active[0]
    if not placer.situation.nodes[node].is_usable:
        return None
    return None if whole.counts.get(node, 0) >= optimal else node


def _assign_early(
    placer: Placer, whole: Item, instance: Item, present: int, most_per_node: int, available: int
) -> bool:
    """Try to keep it on its node. Each time that another node is better, one instance is set aside for that node."""
    table = instance.table
    if not table.allows(present) or table.score(present) < 0:
        return False
    parts = [instance, *_parts(instance)]
    tables = [(part, part.table.copy()) for part in parts]
    nexts = [(part, part.next) for part in parts]
    counts = dict(whole.counts)
    chosen: int | None = None
    for _ in range(available):
        chosen = _assign(placer, whole, instance, present, most_per_node)
        if chosen == present:
            break
        for part, before in tables:
            part.table = before.copy()
        for part, stage in nexts:
            part.next = stage
        placer.unsettle(instance)
        if chosen is None:
            break
    whole.counts = counts
    if chosen != present:
        return False
    counts[present] = counts.get(present, 0) + 1
    return True


def _parts(item: Item) -> list[Item]:
    return [part for child in item.children for part in (child, *_parts(child))]


def _assign(placer: Placer, whole: Item, instance: Item, prefer: int | None, most_per_node: int) -> int | None:
    """Place one instance; where it went."""
    if instance.is_assigning:
        return None
    if prefer is not None and (not instance.table.allows(prefer) or instance.table.score(prefer) < 0):
        return None
    for node in instance.table.allowed(len(placer.situation.nodes)):
        if not _may_run(placer, whole, instance, node, most_per_node):
            instance.table.set(node, -INFINITY)
            for child in instance.children:
                if child.table.allows(node):
                    child.table.set(node, -INFINITY)
    chosen = placer.assign(instance, prefer, is_trial=prefer is not None)
    if chosen is not None:
        whole.counts[chosen] = whole.counts.get(chosen, 0) + 1
    return chosen


def _may_run(placer: Placer, whole: Item, instance: Item, node: int, most_per_node: int) -> bool:
    if instance.is_surplus or instance.is_removed or not placer.situation.nodes[node].is_usable:
        return False
    if not whole.table.allows(node) or whole.table.score(node) < 0:
        return False
    return whole.counts.get(node, 0) < most_per_node
