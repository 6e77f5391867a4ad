"""The difference of two configurations, as edits and as text, and moving edits onto a newer configuration."""

from __future__ import annotations

from bisect import bisect_left
from difflib import unified_diff

import msgspec

from hashelld.cib.document import Cib, Object, Properties, key_of
from hashelld.cib.edit import Delete, Edit, Put, apply, names_for_edits
from hashelld.cib.lang.format import format_cib
from hashelld.model.resource import NvPair


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """An object that two people changed at the same time; None where somebody deleted it, or before it existed."""

    id: str
    base: Object | None
    theirs: Object | None
    ours: Object | None


def difference(old: Cib, new: Cib) -> tuple[Edit, ...]:
    """Edits that lead from one configuration to the other, the order of the objects included."""
    names = names_for_edits(old, new)
    before = {key_of(o): at for at, o in enumerate(old.objects)}
    kept = _longest_rising([(key, before[key]) for o in new.objects if (key := key_of(o)) in before])
    edits: list[Edit] = [Delete(names[key]) for key in before if key not in kept]
    follower: str | None = None
    for found in reversed(new.objects):
        key = key_of(found)
        if key not in kept:
            edits.append(Put(found, follower))
        elif old.objects[before[key]] != found:
            edits.append(Put(found))
        follower = names[key]
    return tuple(edits)


def _longest_rising(places: list[tuple[str, int]]) -> frozenset[str]:
    """The most objects that can stay where they are: a longest rising subsequence of their old places."""
    tails: list[int] = []
    tail_at: list[int] = []
    previous: list[int] = []
    for at, (_, place) in enumerate(places):
        length = bisect_left(tails, place)
        previous.append(tail_at[length - 1] if length else -1)
        if length == len(tails):
            tails.append(place)
            tail_at.append(at)
        else:
            tails[length], tail_at[length] = place, at
    kept: set[str] = set()
    at = tail_at[-1] if tail_at else -1
    while at >= 0:
        kept.add(places[at][0])
        at = previous[at]
    return frozenset(kept)


def unified(old: Cib, new: Cib, old_name: str = "old", new_name: str = "new", context: int = 3) -> str:
    """The difference as a text diff in the configure language; empty when there is none."""
    lines = unified_diff(
        format_cib(old).splitlines(), format_cib(new).splitlines(), old_name, new_name, n=context, lineterm=""
    )
    return "".join(f"{line}\n" for line in lines)


def rebase(base: Cib, theirs: Cib, edits: tuple[Edit, ...]) -> tuple[tuple[Edit, ...], tuple[Conflict, ...]]:
    """Edits made against `base`, for a configuration that has changed since.

    What only one side changed is taken; sets of properties are merged value by value; an object that both changed
    is a conflict, and its edits are left out of the result.
    """
    result = apply(base, edits)
    names = names_for_edits(base, theirs, result)
    mine = {key_of(o): o for o in result.objects}
    was = {key_of(o): o for o in base.objects}
    now = {key_of(o): o for o in theirs.objects}
    settled: dict[str, Object | None] = {}
    conflicts: dict[str, Conflict] = {}
    keyed = [(_key(edit, base), edit) for edit in edits]
    for key, _ in keyed:
        ours, before, current = mine.get(key), was.get(key), now.get(key)
        if current == before or key in settled or key in conflicts:
            continue
        merged = _merge(before, current, ours)
        if merged is None and current != ours:
            conflicts[key] = Conflict(id=names.get(key, key), base=before, theirs=current, ours=ours)
        else:
            settled[key] = merged if merged is not None else ours
    kept: list[Edit] = [
        Delete(names.get(key, key)) if isinstance(edit, Delete) else edit
        for key, edit in keyed
        if key not in settled and key not in conflicts
    ]
    kept.extend(Put(o) for key, o in settled.items() if o is not None and o != now.get(key))
    return tuple(kept), tuple(conflicts.values())


def _key(edit: Edit, base: Cib) -> str:
    if isinstance(edit, Put):
        return key_of(edit.object)
    found = base.find(edit.id)
    return edit.id if found is None else key_of(found)


def _merge(base: Object | None, theirs: Object | None, ours: Object | None) -> Properties | None:
    """Two sets of properties with both sides' changes; None when both changed one value, or it is no such set."""
    if not isinstance(theirs, Properties) or not isinstance(ours, Properties) or theirs.kind != ours.kind:
        return None
    if base is not None and not isinstance(base, Properties):
        return None
    old = _values(base) if base is not None else {}
    mine, pairs = _values(ours), _values(theirs)
    if _beside_values(theirs) != _beside_values(ours):
        return None
    for name in {**old, **mine}:
        if mine.get(name) == old.get(name):
            continue
        if pairs.get(name) != old.get(name) and pairs.get(name) != mine.get(name):
            return None
        _set(pairs, name, mine.get(name))
    return msgspec.structs.replace(theirs, set=msgspec.structs.replace(theirs.set, pairs=tuple(pairs.values())))


def _values(found: Properties) -> dict[str, NvPair]:
    return {p.name or f"@{p.id_ref}": p for p in found.set.pairs}


def _beside_values(found: Properties) -> Properties:
    """All that a set says beside its values: score, rules, comments."""
    return msgspec.structs.replace(found, set=msgspec.structs.replace(found.set, pairs=()))


def _set(pairs: dict[str, NvPair], name: str, pair: NvPair | None) -> None:
    if pair is None:
        pairs.pop(name, None)
    else:
        pairs[name] = pair
