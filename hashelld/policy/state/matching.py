"""To which item a history belongs: numbers of anonymous instances mean nothing, and some resources are no more."""

from __future__ import annotations

from hashelld.model.ids import ResourceId
from hashelld.model.resource import Bundle
from hashelld.policy.state.items import Item, Kind, Needs, Node
from hashelld.policy.state.observation import Observation, without_number


def item_of(
    notes: Observation, name: str, node: Node, *, has_results: bool = True, is_idle: bool = False
) -> Item | None:
    """The item that a node's history of `name` is about, made if need be; None when it is about nothing any more.

    `is_idle`: the history only says that it is not running, for which no instance is made.
    """
    known = notes.situation.by_id.get(name)
    if known is not None and known.kind is not Kind.PRIMITIVE:
        return None
    found = known
    removed = known if known is not None and known.is_removed else None
    if known is None or removed is not None:
        first = notes.situation.by_id.get(f"{without_number(name)}:0")
        if first is not None and first.is_anonymous:
            found = first
    if found is not None and found.is_anonymous:
        found = _instance_of(notes, found, without_number(name), node, is_idle=is_idle) or removed
    if found is None and has_results:
        agent = None if node.view is None else node.view.status.agents.get(ResourceId(name))
        found = notes.add_removed(name, agent)
    return found


def _instance_of(notes: Observation, example: Item, base: str, node: Node, *, is_idle: bool) -> Item | None:
    clone = example.clone
    assert clone is not None
    if clone.is_isolated:
        return _in_bundle(clone, node)
    instance, is_repeated = _attached(notes, clone, base, node)
    if instance is None and not is_repeated:
        instance = _free(notes, clone, base, node)
    if instance is not None and _is_void(notes, instance, clone, node):
        instance = None
    if instance is None:
        instance = _part(clone.children[0] if is_idle else notes.builder.add_instance(clone), base)
    return instance


def _in_bundle(clone: Item, node: Node) -> Item | None:
    bundle = clone.parent
    assert bundle is not None
    assert isinstance(bundle.source, Bundle)
    for replica in bundle.replicas:
        if replica.connection is not None and replica.connection.remote_node == node.index:
            return replica.child
    return None


def _attached(notes: Observation, clone: Item, base: str, node: Node) -> tuple[Item | None, bool]:
    """The instance that is active on the node; not twice for the same part (then the second is surplus)."""
    for child in clone.children:
        if notes.located.get(child.index, ())[:1] == [node.index]:
            part = _part(child, base)
            if part is not None:
                return (None, True) if part.active else (part, False)
    return None, False


def _free(notes: Observation, clone: Item, base: str, node: Node) -> Item | None:
    for child in clone.children:
        if child.index in notes.located or child.is_blocked:
            continue
        part = _part(child, base)
        if part is not None and notes.pending.get(part.index, node.index) == node.index:
            return part
    return None


def _part(instance: Item, base: str) -> Item | None:
    return next((part for part in instance.primitives() if part.base_id == base), None)


def _is_void(notes: Observation, instance: Item, clone: Item, node: Node) -> bool:
    """What an unclean node may run does not use up an instance that could be started elsewhere without fencing."""
    if instance.needs >= Needs.FENCING or node.is_guest or (node.is_online and not node.is_unclean):
        return False
    return clone.instance_max != len(notes.situation.nodes)
