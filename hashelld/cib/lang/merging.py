"""What a statement about something that exists already changes of it: properties and nodes are merged."""

from __future__ import annotations

import msgspec

from hashelld.cib.document import Properties
from hashelld.model.node import Node
from hashelld.model.resource import AttributeSet, with_value


def merge_properties(old: Properties, new: Properties) -> Properties:
    """The old set with the values of the new one added or changed, and its rules added."""
    if old.set.id_ref is not None or new.set.id_ref is not None:
        return new
    merged = (old.set,)
    for pair in new.set.pairs:
        if pair.value is None or pair.id or pair.id_ref:
            kept = tuple(p for p in merged[0].pairs if p.name != pair.name or not p.name)
            merged = (msgspec.structs.replace(merged[0], pairs=(*kept, pair)),)
        else:
            merged = (with_value(merged, pair.name, pair.value)[0],)
    score = new.set.score if new.set.score is not None else old.set.score
    rules = (*old.set.rules, *(rule for rule in new.set.rules if rule not in old.set.rules))
    return msgspec.structs.replace(
        old,
        set=msgspec.structs.replace(merged[0], score=score, rules=rules),
        unknown=new.unknown or old.unknown,
        comments=(*old.comments, *(comment for comment in new.comments if comment not in old.comments)),
    )


def replace_node(old: Node, new: Node) -> Node:
    """A statement never changes a node's number by leaving it out."""
    return msgspec.structs.replace(new, number=new.number if new.number is not None else old.number)


def merge_node(old: Node, new: Node) -> Node:
    """The old node with what the new one says; what it does not mention stays."""
    return msgspec.structs.replace(
        replace_node(old, new),
        kind=new.kind or old.kind,
        description=new.description if new.description is not None else old.description,
        score=new.score if new.score is not None else old.score,
        attributes=_merge_sets(old.attributes, new.attributes),
        utilization=_merge_sets(old.utilization, new.utilization),
        unknown=new.unknown or old.unknown,
        comments=new.comments or old.comments,
        layout=old.layout or new.layout,
    )


def _merge_sets(old: tuple[AttributeSet, ...], new: tuple[AttributeSet, ...]) -> tuple[AttributeSet, ...]:
    if not old or not new:
        return old or new
    merged = old
    for attribute_set in new:
        if attribute_set.id or attribute_set.id_ref or attribute_set.score is not None or attribute_set.rules:
            merged = (*merged, attribute_set)
            continue
        for pair in attribute_set.pairs:
            merged = with_value(merged, pair.name, pair.value if pair.value is not None else "")
    return merged
