"""Applies one tie to a dependent that is being placed, or whose role is being chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashelld.model.score import INFINITY, Score, add
from hashelld.policy.placing.colocation import applies_to, keep_on
from hashelld.policy.placing.partners import home_of, is_blocked, partner_of
from hashelld.policy.state.items import Item, Kind, Replica, Stage
from hashelld.policy.state.ties import Tie


if TYPE_CHECKING:
    from hashelld.policy.placing.assign import Placer


def apply_tie(placer: Placer, dependent: Item, primary: Item, tie: Tie) -> None:
    """Change the dependent's table (or its promotion priority) by where the primary is."""
    if dependent.kind is Kind.GROUP:
        _apply_to_group(placer, dependent, primary, tie)
    elif primary.kind is Kind.PRIMITIVE:
        decides = applies_to(tie, dependent, primary)
        if decides == "role":
            _apply_to_role(placer, dependent, primary, tie)
        elif decides == "location":
            placer.colocations.follow(dependent, tie, primary, primary.home)
    elif primary.kind is Kind.GROUP:
        _apply_with_group(placer, dependent, primary, tie)
    elif primary.kind is Kind.BUNDLE:
        if primary.is_assigned:
            _apply_with_bundle(placer, dependent, primary, tie)
    elif primary.is_assigned:
        _apply_with_instances(placer, dependent, primary, tie)


def _apply_to_group(placer: Placer, group: Item, primary: Item, tie: Tie) -> None:
    if group.is_collocated:
        first = group.children[0]
        before = first.priority
        apply_tie(placer, first, primary, tie)
        group.priority = add(group.priority, first.priority - before) if first.priority != before else group.priority
        if first.priority <= -INFINITY < before:
            group.priority = -INFINITY
        first.priority = before
    elif tie.score < INFINITY:
        for member in group.children:
            apply_tie(placer, member, primary, tie)


def _apply_with_group(placer: Placer, dependent: Item, group: Item, tie: Tie) -> None:
    """What is mandatory needs the whole group, so its last member; what is not, its first."""
    if not group.is_assigned:
        return
    if group.is_collocated:
        apply_tie(placer, dependent, group.children[-1 if tie.score >= INFINITY else 0], tie)
    elif tie.score < INFINITY:
        for member in group.children:
            apply_tie(placer, dependent, member, tie)


def _apply_to_role(placer: Placer, dependent: Item, primary: Item, tie: Tie) -> None:
    if dependent.home is None:
        return
    value, seat_of = placer.colocations.value, placer.colocations.seat_of
    there = None if primary.home is None else value(seat_of(primary, primary.home), tie)
    if primary.home is None or value(seat_of(dependent, dependent.home), tie) != there:
        if tie.score >= INFINITY and tie.dependent_stage is Stage.PROMOTED:
            dependent.priority = -INFINITY
        return
    if tie.primary_stage is not Stage.UNKNOWN and tie.primary_stage is not primary.next:
        return
    sign = -1 if tie.dependent_stage is Stage.UNPROMOTED else 1
    dependent.priority = add(sign * tie.score, dependent.priority)


def _apply_with_instances(placer: Placer, dependent: Item, primary: Item, tie: Tie) -> None:
    if primary.is_promotable and tie.primary_stage is not Stage.UNKNOWN:
        if not dependent.is_assigned:
            _apply_with_role(placer, dependent, primary, tie)
            return
        if tie.dependent_stage is Stage.PROMOTED:
            _promote_with_role(placer, dependent, primary, tie)
            return
    if _interleaves(tie):
        partner = partner_of(placer, dependent, primary)
        if partner is not None:
            apply_tie(placer, dependent, partner, tie)
        elif tie.score >= INFINITY:
            placer.settle(dependent, None)
            dependent.why_stopped = f"no instance of {primary.id} is where it could run"
        return
    if tie.score >= INFINITY:
        if not dependent.is_assigned:
            homes = [
                home for child in _instances(primary) if (home := home_of(child)) is not None and not is_blocked(child)
            ]
            keep_on(dependent.table, homes)
            _note_company(placer, dependent, primary, homes)
        return
    for child in _instances(primary):
        apply_tie(placer, dependent, child, tie)


def _instances(primary: Item) -> list[Item]:
    return primary.containers() if primary.kind is Kind.BUNDLE else primary.children


def _note_company(placer: Placer, dependent: Item, primary: Item, homes: list[int]) -> None:
    situation = placer.situation
    if situation.ledger is not None:
        for node in range(len(situation.nodes)):
            if node not in homes:
                situation.tell(dependent, f"only with {primary.id}", node, -INFINITY)


def _apply_with_bundle(placer: Placer, dependent: Item, bundle: Item, tie: Tie) -> None:
    """With the containers; where the role counts, with those whose content has it."""
    if dependent.is_assigned:
        if tie.dependent_stage is Stage.PROMOTED:
            _promote_with_bundle(placer, dependent, bundle, tie)
        return
    if tie.dependent.kind in {Kind.CLONE, Kind.BUNDLE}:
        _pair_with_container(placer, dependent, bundle, tie)
        return
    homes = [home for replica in bundle.replicas if (home := _home_with_role(replica, tie)) is not None]
    if tie.score >= INFINITY:
        keep_on(dependent.table, [at for home in homes for at in placer.colocations.matching(home, tie)])
        _note_company(placer, dependent, bundle, homes)
        return
    for home in homes:
        for node in placer.colocations.matching(home, tie):
            dependent.table.shift(node, tie.score)
            placer.situation.tell(dependent, f"colocation {tie.id} with {bundle.id}", node, tie.score)


def _pair_with_container(placer: Placer, dependent: Item, bundle: Item, tie: Tie) -> None:
    partner = partner_of(placer, dependent, bundle)
    if partner is not None:
        apply_tie(placer, dependent, partner, tie)
    elif tie.score >= INFINITY:
        placer.settle(dependent, None)
        dependent.why_stopped = f"no container of {bundle.id} is where it could run"


def _home_with_role(replica: Replica, tie: Tie) -> int | None:
    """Where a container goes, if its content will have the role that the tie asks for."""
    child = replica.child
    if is_blocked(replica.container):
        return None
    if tie.primary_stage >= Stage.PROMOTED and (child is None or child.highest_next() < Stage.PROMOTED):
        return None
    return replica.container.home


def _promote_with_bundle(placer: Placer, dependent: Item, bundle: Item, tie: Tie) -> None:
    """A role chosen by where the bundle's content is, or is promoted; beside one in another role it may be had too."""
    home = home_of(dependent)
    seat = None if home is None else placer.colocations.seat_of(dependent, home)
    seats = [] if seat is None else placer.colocations.matching(seat, tie)
    near = [replica.child for replica in bundle.replicas if replica.container.home in seats]
    stages = {Stage.UNKNOWN, *(Stage.UNKNOWN if child is None else child.highest_next() for child in near)}
    if near and tie.primary_stage in stages:
        dependent.priority = add(dependent.priority, tie.score)
    elif not near and tie.score >= INFINITY:
        dependent.priority = -INFINITY


def _interleaves(tie: Tie) -> bool:
    """Does each instance of the dependent go with the one instance of the primary that is on its node?

    Not when they shun each other: away from one it may be with the next, and would go to and fro for ever.
    """
    dependent, primary = tie.dependent, tie.primary
    if tie.score < 0 or dependent.kind not in {Kind.CLONE, Kind.BUNDLE} or not dependent.is_interleaved:
        return False
    return dependent.instance_node_max == primary.instance_node_max


def _apply_with_role(placer: Placer, dependent: Item, primary: Item, tie: Tie) -> None:
    """With instances of a promotable clone in one role."""
    homes: dict[int, Score] = {}
    for child in primary.children:
        home = home_of(child)
        if home is None or child.highest_next() is not tie.primary_stage:
            continue
        first = next(child.primitives())
        homes[home] = first.table.score(home) if first.is_managed else 0
        if tie.score < INFINITY:
            for node in placer.colocations.matching(home, tie):
                dependent.table.shift(node, tie.score)
                placer.situation.tell(dependent, f"colocation {tie.id} with {child.id}", node, tie.score)
    are_both_promoted = tie.dependent_stage is Stage.PROMOTED and tie.primary_stage is Stage.PROMOTED
    if tie.score >= INFINITY and not are_both_promoted:
        keep_on(dependent.table, list(homes))
        for node, score in homes.items():
            dependent.table.shift(node, score)
        _note_company(placer, dependent, primary, list(homes))


def _promote_with_role(placer: Placer, dependent: Item, primary: Item, tie: Tie) -> None:
    home = home_of(dependent)
    homes = [] if home is None else placer.colocations.matching(home, tie)
    promoted = [home_of(child) for child in _instances(primary) if child.highest_next() is tie.primary_stage]
    if any(at in homes for at in promoted):
        dependent.priority = add(dependent.priority, tie.score)
    elif tie.score >= INFINITY:
        dependent.priority = -INFINITY
