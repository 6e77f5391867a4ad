"""A change that was made to what an account sees of an object, made to the object itself: what is hidden stays."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from hashelld.cib.document import Object
from hashelld.model.resource import AttributeSet, NvPair


class NotPermitted(Exception):
    """The change is not permitted; the texts tell why."""

    def __init__(self, *texts: str) -> None:
        self.texts = texts
        super().__init__("; ".join(texts))


_SECTIONS = ("params", "meta", "utilization", "attributes")
_FORM = ("comments", "layout")
"""How an object is written: of one seen in part, it stays as it is."""


def grafted(whole: Object, seen: Object, wanted: Object) -> Object:
    """The whole object with what was changed between what was seen and what is wanted.

    `NotPermitted` where a part that is changed is seen incompletely, and the hidden rest cannot be told from it.
    """
    if whole == seen:
        return wanted
    if type(wanted) is not type(whole):
        raise NotPermitted(f"parts of '{whole.id}' are hidden from you: it cannot become something else")
    changes: dict[str, object] = {}
    for field in whole.__struct_fields__:
        before, shown, after = getattr(whole, field), getattr(seen, field), getattr(wanted, field)
        if after == shown or field in _FORM:
            continue
        if before == shown:
            changes[field] = after
        elif field in _SECTIONS:
            changes[field] = _sets(whole.id, before, shown, after)
        elif field == "set":
            changes[field] = _set(before, shown, after)
        else:
            raise NotPermitted(f"parts of '{whole.id}' are hidden from you: its {field} cannot be changed by you")
    return replace(whole, **changes)


def _sets(
    name: str, whole: tuple[AttributeSet, ...], seen: tuple[AttributeSet, ...], wanted: tuple[AttributeSet, ...]
) -> tuple[AttributeSet, ...]:
    if len(wanted) < len(seen):
        if len(seen) > 1:
            raise NotPermitted(f"parts of '{name}' are hidden from you: you cannot remove one of its sets of values")
        wanted = (replace(seen[0], pairs=()),)
    left = list(range(len(seen)))
    result: list[AttributeSet] = []
    for found in whole:
        at = next((at for at in left if _is_part(seen[at], found)), None)
        if at is None:
            result.append(found)
            continue
        left.remove(at)
        merged = _set(found, seen[at], wanted[at])
        if merged.pairs or merged.id or merged.rules:
            result.append(merged)
    return (*result, *wanted[len(seen) :])


def _is_part(seen: AttributeSet, whole: AttributeSet) -> bool:
    is_same = (seen.id, seen.id_ref, seen.rules) == (whole.id, whole.id_ref, whole.rules)
    return is_same and all(pair in whole.pairs for pair in seen.pairs)


def _set(whole: AttributeSet, seen: AttributeSet, wanted: AttributeSet) -> AttributeSet:
    after = replace(wanted, score=whole.score) if wanted.score == seen.score else wanted
    return replace(after, pairs=tuple(_pairs(whole, seen, wanted)))


def _pairs(whole: AttributeSet, seen: AttributeSet, wanted: AttributeSet) -> Iterator[NvPair]:
    """Hidden values in their places, visible ones as they are wanted; a hidden value that is set is changed."""
    given = {pair.name: pair for pair in wanted.pairs}
    for pair in whole.pairs:
        new = given.pop(pair.name, None)
        if pair in seen.pairs:
            if new is not None:
                yield new
        else:
            yield pair if new is None else replace(pair, value=new.value)
    yield from (pair for pair in wanted.pairs if pair.name in given)
