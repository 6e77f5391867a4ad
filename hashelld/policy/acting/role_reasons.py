"""Why an instance of a promotable clone is promoted, or is not."""

from __future__ import annotations

from typing import Final

from hashelld.model.score import INFINITY, format_score
from hashelld.policy.settings import NoQuorum
from hashelld.policy.state.items import Item, Kind, Stage
from hashelld.policy.state.situation import Situation


_NOT_GIVEN: Final = "no promotion score"


def promotion_text(item: Item) -> str:
    """`promotion score 10`; of what is in a cloned group, the score of the group."""
    return f"promotion score {format_score(_instance_of(item).promotion_priority)}"


def why_unpromoted(situation: Situation, item: Item) -> str:
    """Why an instance that runs is not to be promoted, or not any more."""
    clone = item.clone
    if clone is None:
        return ""
    general = why_none_promoted(situation, clone, item)
    if general:
        return general
    instance = _instance_of(item)
    for source, score in instance.role_scores:
        if score <= -INFINITY:
            return f"{source.removesuffix(' for the role')} forbids it"
    rivals = [twin for twin in twins_of(item) if twin.next is Stage.PROMOTED and twin is not item]
    newcomers = [rival for rival in rivals if rival.stage is not Stage.PROMOTED]
    if newcomers:
        return f"{_where(situation, newcomers[0])} is promoted instead"
    if instance.promotion_priority < 0:
        is_given = not any(source.startswith(_NOT_GIVEN) for source, _score in instance.role_scores)
        return promotion_text(item) if is_given else _NOT_GIVEN
    better = [one for one in rivals if _instance_of(one).promotion_priority > instance.promotion_priority]
    if better:
        return f"{_where(situation, better[0])} is better"
    if len(rivals) >= clone.promoted_max:
        return f"promoted-max is {clone.promoted_max}"
    is_full = any(rival.home == item.home for rival in rivals)
    return f"promoted-node-max is {clone.promoted_node_max}" if is_full else "cannot be promoted there"


def why_none_promoted(situation: Situation, clone: Item, item: Item) -> str:
    """What forbids the role to all instances of a clone; empty when nothing does."""
    if Stage.UNPROMOTED in {clone.target, item.target}:
        return "target-role is Unpromoted"
    for name, stage in clone.tickets:
        state = situation.view.tickets.get(name)
        is_granted = state is not None and state.is_granted
        if stage is Stage.PROMOTED and (state is None or not is_granted or state.is_standby):
            return f"ticket {name} is {'in standby' if is_granted else 'not granted'}"
    has_right = situation.view.has_quorum or situation.settings.no_quorum is NoQuorum.IGNORE
    return "" if has_right else "no quorum"


def twins_of(item: Item) -> list[Item]:
    """All instances of the same, itself included."""
    clone = item.clone
    return [] if clone is None else [part for part in clone.primitives() if part.base_id == item.base_id]


def _instance_of(item: Item) -> Item:
    """The instance that the item is, or is a part of: it is the one that has scores for the role."""
    at = item
    while at.parent is not None and at.parent.kind is not Kind.CLONE:
        at = at.parent
    return at


def _where(situation: Situation, item: Item) -> str:
    return item.called if item.home is None else f"{item.called} on {situation.node_id(item.home)}"
