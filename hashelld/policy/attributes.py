"""Attribute sets resolved to plain names and values: references, scores of sets, defaults."""

from __future__ import annotations

from collections.abc import Iterable

from hashelld.cib.document import Cib, Properties
from hashelld.model.resource import AttributeSet
from hashelld.model.score import parse_score


class Attributes:
    """Looks up what several attribute sets say together. The first set, by score and then by order, wins a name."""

    def __init__(self, cib: Cib) -> None:
        self._cib = cib
        self._by_id: dict[str, AttributeSet] | None = None

    def resolve(self, sets: Iterable[AttributeSet]) -> dict[str, str]:
        """Names and values of several sets; sets under a rule do not count yet."""
        found: dict[str, str] = {}
        for chosen in sorted((self._referred(s) for s in sets), key=_set_score, reverse=True):
            if chosen.rules:
                continue
            for pair in chosen.pairs:
                if pair.value is not None:
                    found.setdefault(pair.name, pair.value)
        return found

    def cluster(self, kind: str) -> dict[str, str]:
        """All cluster properties, resource defaults or operation defaults."""
        return self.resolve([o.set for o in self._cib.objects if isinstance(o, Properties) and o.kind == kind])

    def _referred(self, found: AttributeSet) -> AttributeSet:
        if found.id_ref is None:
            return found
        if self._by_id is None:
            self._by_id = dict(_named_sets(self._cib))
        return self._by_id.get(found.id_ref, found)


def _set_score(found: AttributeSet) -> int:
    return parse_score(found.score or "0") or 0


def _named_sets(cib: Cib) -> Iterable[tuple[str, AttributeSet]]:
    for thing in cib.objects:
        if isinstance(thing, Properties):
            if thing.set.id:
                yield thing.set.id, thing.set
            continue
        for kind in ("params", "meta", "utilization", "attributes"):
            for found in getattr(thing, kind, ()):
                if found.id:
                    yield found.id, found
