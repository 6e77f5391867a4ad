"""Attribute sets resolved to plain names and values: references, scores of sets, rules, defaults.

The set with the highest score wins a name; of sets with the same score, the one that is written last. So a primitive's
own sets follow those of its template: `resolve((*template.params, *primitive.params))`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from hashelld.cib.document import DEFAULT_SETS, PROPERTY, Cib, Properties
from hashelld.cib.references import (
    META_SUFFIX,
    PARAMS_SUFFIX,
    UTILIZATION_SUFFIX,
    operation_id,
    sections_of,
)
from hashelld.model.constraint import Location
from hashelld.model.resource import AttributeSet, NvPair, Operation, Primitive, Template
from hashelld.model.rule import Rule
from hashelld.model.score import INFINITY, Score, parse_score
from hashelld.policy.rules import Facts, holds, next_change_ms


__all__ = ["META_SUFFIX", "PARAMS_SUFFIX", "UTILIZATION_SUFFIX", "Attributes"]

_UNSET: Final = "#default"
"""As a value: the name has none, whatever sets with a higher score say."""
_FIRST: Final = INFINITY + 1
"""The score of the set of cluster properties that precedes all others."""
_PLAIN_ROLES: Final = frozenset({"", "started", "unpromoted", "slave"})


class _Index(msgspec.Struct, frozen=True):
    """What references may name, by its id."""

    sets: dict[str, AttributeSet]
    owned: dict[tuple[str, str], AttributeSet]
    """The first set of each kind (`instance_attributes`…) of each object."""
    pairs: dict[str, NvPair]
    operations: dict[str, Operation]
    operation_lists: dict[str, tuple[Operation, ...]]
    rules: dict[str, Rule]


class Attributes:
    """What the attribute sets of a configuration say at one moment.

    `wake_ms` is the earliest moment at which a date in a rule that was looked at may change the answer; None is never.
    """

    __slots__ = ("_cib", "_defaults", "_index", "_judged", "_plain", "_templates", "now_ms", "wake_ms")

    def __init__(self, cib: Cib, now_ms: int = 0) -> None:
        self.now_ms = now_ms
        self.wake_ms: int | None = None
        self._cib = cib
        self._index: _Index | None = None
        self._templates = {o.id: o for o in cib.objects if isinstance(o, Template)}
        self._defaults: dict[str, tuple[tuple[AttributeSet, ...], dict[str, str] | None]] = {}
        # Keyed by identity, for the sets of one document live as long as it does.
        self._plain: dict[int, tuple[tuple[AttributeSet, ...], dict[str, str]]] = {}
        self._judged: dict[int, Rule] = {}

    @property
    def rules(self) -> Mapping[str, Rule]:
        """Every rule of the configuration that has an id."""
        return self._references().rules

    def holds(self, rule: Rule, facts: Facts) -> bool:
        """Does a rule of this configuration hold? `wake_ms` heeds its dates."""
        named = self.rules if _has_reference(rule) else {}
        if id(rule) not in self._judged:
            self._judged[id(rule)] = rule
            change = next_change_ms(rule, self.now_ms, named)
            if change is not None and (self.wake_ms is None or change < self.wake_ms):
                self.wake_ms = change
        return holds(rule, facts, named)

    def resolve(
        self, sets: tuple[AttributeSet, ...], facts: Facts | None = None, *, kind: str = PARAMS_SUFFIX
    ) -> dict[str, str]:
        """Names and values of several sets; one with rules counts only where they hold for the facts.

        `kind` (`META_SUFFIX`…) says which set is meant where a reference names an object instead of one of its sets.
        """
        if not sets:
            return {}
        known = self._plain.get(id(sets))
        if known is not None and known[0] is sets:
            return known[1].copy()
        chosen = self._in_order(sets, kind)
        if any(found.rules for found in chosen):
            return self._merge(chosen, facts)
        merged = self._merge(chosen, None)
        self._plain[id(sets)] = sets, merged
        return merged.copy()

    def is_conditional(self, sets: tuple[AttributeSet, ...], *, kind: str = PARAMS_SUFFIX) -> bool:
        """Does it depend on the facts what the sets say?"""
        return any(found is not None and found.rules for found in (self._referred(each, kind) for each in sets))

    def cluster(self, kind: str, facts: Facts | None = None) -> dict[str, str]:
        """All cluster properties, resource defaults or operation defaults."""
        return dict(self.defaults(kind, facts))

    def defaults(self, kind: str, facts: Facts | None = None) -> Mapping[str, str]:
        """As `cluster`, but without a copy: one value for all facts, unless a set has rules."""
        known = self._defaults.get(kind)
        if known is None:
            known = self._defaults[kind] = self._gather(kind)
        sets, merged = known
        return self._merge(sets, facts) if merged is None else merged

    def operations(self, owner: Primitive | Template) -> tuple[Operation, ...]:
        """The operations of a primitive or template, references followed.

        A primitive has those of its template too, but none with the name and role of one of its own.
        """
        own = self._own_operations(owner)
        template = self._templates.get(owner.template) if isinstance(owner, Primitive) and owner.template else None
        if template is None:
            return own
        taken = {_operation_key(operation) for operation in own}
        return (*own, *(o for o in self._own_operations(template) if _operation_key(o) not in taken))

    def _own_operations(self, owner: Primitive | Template) -> tuple[Operation, ...]:
        written = owner.operations
        if isinstance(owner, Primitive) and owner.operations_ref is not None:
            written = (*self._references().operation_lists.get(owner.operations_ref, ()), *written)
        if not any(operation.id_ref for operation in written):
            return written
        known = self._references().operations
        followed = (o if o.id_ref is None else known.get(o.id_ref) for o in written)
        return tuple(operation for operation in followed if operation is not None)

    def _gather(self, kind: str) -> tuple[tuple[AttributeSet, ...], dict[str, str] | None]:
        """The default sets of a kind in the order in which they count, and what they say unless that depends."""
        found = [o for o in self._cib.objects if isinstance(o, Properties) and o.kind == kind]
        ranked = [(_FIRST if _is_first(o) else _set_score(o.set), o.set) for o in reversed(found)]
        ranked.sort(key=lambda each: each[0], reverse=True)
        referred = (self._referred(each, META_SUFFIX) for _, each in ranked)
        sets = tuple(each for each in referred if each is not None)
        return sets, None if any(each.rules for each in sets) else self._merge(sets, None)

    def _in_order(self, sets: tuple[AttributeSet, ...], kind: str) -> list[AttributeSet]:
        chosen = [found for each in reversed(sets) if (found := self._referred(each, kind)) is not None]
        if len(chosen) > 1:
            chosen.sort(key=_set_score, reverse=True)
        return chosen

    def _merge(self, chosen: Iterable[AttributeSet], facts: Facts | None) -> dict[str, str]:
        merged: dict[str, str] = {}
        for each in chosen:
            if each.rules:
                if facts is None:
                    facts = Facts(self.now_ms)
                if not all(self.holds(rule, facts) for rule in each.rules):
                    continue
            for written in each.pairs:
                pair = written if written.id_ref is None else self._referred_pair(written)
                if pair is None or pair.value is None:
                    continue
                if pair.value.lower() == _UNSET:
                    merged.pop(pair.name, None)
                else:
                    merged.setdefault(pair.name, pair.value)
        return merged

    def _referred(self, found: AttributeSet, kind: str) -> AttributeSet | None:
        if found.id_ref is None:
            return found
        index = self._references()
        return index.sets.get(found.id_ref) or index.owned.get((found.id_ref, kind))

    def _referred_pair(self, written: NvPair) -> NvPair | None:
        """The pair that is referred to, under the name that the reference gives to it."""
        assert written.id_ref is not None
        found = self._references().pairs.get(written.id_ref)
        if found is None or not written.name:
            return found
        return msgspec.structs.replace(found, name=written.name)

    def _references(self) -> _Index:
        if self._index is None:
            self._index = _index_of(self._cib)
        return self._index


def _set_score(found: AttributeSet) -> Score:
    return 0 if found.score is None else parse_score(found.score) or 0


def _is_first(found: Properties) -> bool:
    return found.kind == PROPERTY and found.id == DEFAULT_SETS[PROPERTY]


def _operation_key(operation: Operation) -> tuple[str, str]:
    role = (operation.option("role") or "").lower()
    return operation.name, "" if role in _PLAIN_ROLES else role


def _has_reference(rule: Rule) -> bool:
    return rule.id_ref is not None or any(isinstance(c, Rule) and _has_reference(c) for c in rule.conditions)


def _index_of(cib: Cib) -> _Index:
    index = _Index({}, {}, {}, {}, {}, {})
    for thing in cib.objects:
        for section in sections_of(thing):
            for each in section.sets:
                _note_set(index, thing.id, section.generated_id, each)
        if isinstance(thing, Location):
            _note_rules(index, (*thing.rules, *thing.lifetime))
        elif isinstance(thing, Primitive | Template):
            _note_operations(index, thing)
    return index


def _note_set(index: _Index, owner: str, generated_id: str, each: AttributeSet) -> None:
    _note_rules(index, each.rules)
    if each.id_ref is not None:
        return
    set_id = each.id or generated_id
    index.sets.setdefault(set_id, each)
    for kind in (PARAMS_SUFFIX, META_SUFFIX, UTILIZATION_SUFFIX):
        if generated_id == f"{owner}-{kind}":
            index.owned.setdefault((owner, kind), each)
    for pair in each.pairs:
        if pair.id_ref is None:
            index.pairs.setdefault(pair.id or f"{set_id}-{pair.name}", pair)


def _note_operations(index: _Index, owner: Primitive | Template) -> None:
    for name in (owner.operations_id, owner.id):
        if name is not None and owner.operations:
            index.operation_lists.setdefault(name, owner.operations)
    for operation in owner.operations:
        if operation.id_ref is None:
            generated = operation_id(owner.id, operation.name, operation.option("interval"))
            index.operations.setdefault(operation.id or generated, operation)


def _note_rules(index: _Index, rules: Iterable[Rule]) -> None:
    for rule in _nested(rules):
        if rule.id is not None and rule.id_ref is None:
            index.rules.setdefault(rule.id, rule)


def _nested(rules: Iterable[Rule]) -> Iterator[Rule]:
    for rule in rules:
        yield rule
        yield from _nested(condition for condition in rule.conditions if isinstance(condition, Rule))
