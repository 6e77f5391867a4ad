"""Statements against a configuration: which edits they mean, and why some of them cannot be made."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Final

import msgspec

from hashelld.cib.document import Cib, Object, Properties
from hashelld.cib.edit import Edit, Put, apply
from hashelld.cib.lang.diagnostic import Diagnostic, suggest
from hashelld.cib.lang.parse import parse_text
from hashelld.cib.lang.tokens import Word
from hashelld.cib.lang.tree import Monitor, Statement
from hashelld.model.ids import ResourceId
from hashelld.model.node import Node
from hashelld.model.resource import (
    Agent,
    AttributeSet,
    Clone,
    Group,
    NvPair,
    Operation,
    Primitive,
    Template,
    with_value,
)


class Mode(Enum):
    """CREATE is typing: an id must be new. UPDATE is loading: an object of the same id and kind is replaced.

    In both, properties and defaults are merged into their set, and a typed `node` into the node that exists.
    """

    CREATE = "create"
    UPDATE = "update"


Resolver = Callable[[str], Agent | None]
"""Finds the agent that a bare type (`IPaddr2`) means; None when there is none."""

_KIND_NAMES: Final = {"Properties": "set of properties", "Template": "resource template"}


def kind_name(found: Object | Monitor) -> str:
    """What an object is called in messages: `primitive`, `group`, `location`…"""
    name = type(found).__name__
    return _KIND_NAMES.get(name, name.lower())


def read_cib(text: str, resolve: Resolver | None = None) -> tuple[Cib, list[Diagnostic]]:
    """The configuration that a whole text describes, without the statements that are wrong."""
    statements, found = parse_text(text)
    edits, more = lower(statements, Cib(), Mode.CREATE, resolve)
    return apply(Cib(), edits), sorted(found + more, key=lambda d: (d.line, d.column))


def lower(
    statements: Iterable[Statement], cib: Cib, mode: Mode, resolve: Resolver | None = None
) -> tuple[tuple[Edit, ...], list[Diagnostic]]:
    """The edits that the statements mean, and what is wrong. A statement with an error adds no edit."""
    lowering = _Lowering(cib, mode, resolve or default_agent)
    taken = [statement for statement in statements if lowering.take(statement)]
    for statement in taken:
        lowering.check_members(statement)
    return lowering.edits(), lowering.found


def locate(diagnostics: Iterable[Diagnostic], statements: Iterable[Statement]) -> list[Diagnostic]:
    """The same findings with the places, in the statements' text, of the objects and words that they are about."""
    by_id = {statement.item.id: statement for statement in statements}
    return [_located(d, by_id[d.object]) if not d.line and d.object in by_id else d for d in diagnostics]


def _located(found: Diagnostic, statement: Statement) -> Diagnostic:
    word = statement.word(found.word) if found.word else statement.name
    return msgspec.structs.replace(found, line=word.line, column=word.column, length=word.length)


def default_agent(type_: str) -> Agent | None:
    """What a bare type means when nobody knows which agents there are."""
    return Agent("stonith", "", type_) if type_.startswith("fence_") else Agent("ocf", "heartbeat", type_)


class _Lowering:
    """The configuration while statements are added to it."""

    __slots__ = ("_before", "_mode", "_objects", "_parents", "_resolve", "_touched", "found")

    def __init__(self, cib: Cib, mode: Mode, resolve: Resolver) -> None:
        self._before = {o.id: o for o in cib.objects}
        self._objects: dict[str, Object] = dict(self._before)
        self._parents: dict[str, str] = {}
        self._mode, self._resolve = mode, resolve
        self._touched: dict[str, Statement] = {}
        self.found: list[Diagnostic] = []
        for found in cib.objects:
            for child in _children(found):
                self._parents[child] = found.id

    def edits(self) -> tuple[Edit, ...]:
        changed = (i for i in self._touched if i in self._objects and self._objects[i] != self._before.get(i))
        return tuple(Put(self._objects[i]) for i in changed)

    def take(self, statement: Statement) -> bool:
        """Add one statement; False when it is refused."""
        merged = self._merged(statement)
        if merged is None:
            return False
        for child in _children(self._objects.get(merged.id)):
            self._parents.pop(child, None)
        self._objects[merged.id] = merged
        self._touched[merged.id] = statement
        return True

    def check_members(self, statement: Statement) -> None:
        """Refuse a container whose children are missing, of the wrong kind, or somebody else's."""
        container = self._objects.get(statement.item.id)
        if not isinstance(container, Group | Clone):
            return
        before = len(self.found)
        for child in _children(container):
            self._check_child(container, child, statement.word(child))
        if len(self.found) > before:
            self._restore(container.id)

    def _restore(self, object_id: str) -> None:
        for child in _children(self._objects.get(object_id)):
            if self._parents.get(child) == object_id:
                del self._parents[child]
        del self._objects[object_id]
        if object_id in self._before:
            self._objects[object_id] = self._before[object_id]

    def _check_child(self, container: Group | Clone, child: ResourceId, word: Word) -> None:
        found = self._objects.get(child)
        owner = self._parents.setdefault(child, container.id)
        if found is None:
            hint = suggest(child, (o.id for o in self._objects.values() if isinstance(o, Primitive | Group)))
            self._report(word, "unknown-resource", f"no resource '{child}' to put into {container.id}", hint)
        elif owner != container.id:
            self._report(word, "child-in-use", f"'{child}' is already in '{owner}'", "take it out there first")
        elif isinstance(container, Group) and not isinstance(found, Primitive):
            self._report(word, "bad-member", f"'{child}' is a {kind_name(found)}; a group holds primitives")
        elif isinstance(container, Clone) and not isinstance(found, Primitive | Group):
            self._report(word, "bad-member", f"'{child}' is a {kind_name(found)}; a clone holds a primitive or group")

    def _merged(self, statement: Statement) -> Object | None:
        item = statement.item
        if isinstance(item, Monitor):
            return self._with_monitor(statement, item)
        completed = self._with_agent(statement, item)
        if completed is None:
            return None
        old = self._objects.get(item.id)
        if old is None:
            return completed
        if isinstance(old, Properties) and isinstance(item, Properties) and old.kind == item.kind:
            return merge_properties(old, item)
        if item.id in self._touched:
            first = self._touched[item.id].name.line
            self._report(statement.name, "duplicate-id", f"'{item.id}' is defined twice", f"first on line {first}")
            return None
        if type(old) is not type(item):
            self._report(statement.name, "id-in-use", f"the id '{item.id}' is already used by a {kind_name(old)}")
            return None
        if isinstance(old, Node) and isinstance(item, Node):
            return _merge_node(old, item, self._mode)
        if self._mode is Mode.CREATE:
            hint = "choose another id, or change it with edit, set or load update"
            self._report(statement.name, "id-in-use", f"the {kind_name(old)} '{item.id}' already exists", hint)
            return None
        return completed

    def _with_agent(self, statement: Statement, item: Object) -> Object | None:
        if not isinstance(item, Primitive | Template) or item.agent is None:
            return item
        given = item.agent
        if given.standard and (given.standard != "ocf" or given.provider):
            return item
        agent = self._resolve(given.type)
        if agent is None or (given.standard and agent.standard != given.standard):
            self._report(statement.word(given.type), "unknown-agent", f"no agent '{given.type}'", "see: ra list ocf")
            return None
        return msgspec.structs.replace(item, agent=agent)

    def _with_monitor(self, statement: Statement, monitor: Monitor) -> Object | None:
        found = self._objects.get(monitor.id)
        word = statement.words[1]
        if not isinstance(found, Primitive):
            if found is None:
                hint = suggest(monitor.id, (o.id for o in self._objects.values() if isinstance(o, Primitive)))
                self._report(word, "unknown-resource", f"no resource '{monitor.id}' in this configuration", hint)
            else:
                message = f"'{monitor.id}' is a {kind_name(found)}; only primitives have monitors"
                self._report(word, "bad-member", message, "name the primitive inside")
            return None
        options = [NvPair("interval", monitor.interval)]
        if monitor.role is not None:
            options.insert(0, NvPair("role", monitor.role))
        if monitor.timeout is not None:
            options.append(NvPair("timeout", monitor.timeout))
        operation = Operation("monitor", tuple(options))
        if any(o.name == "monitor" and o.interval_ms == operation.interval_ms for o in found.operations):
            message = f"'{monitor.id}' already has a monitor with interval {monitor.interval}"
            self._report(statement.words[2], "duplicate-monitor", message, "each needs another interval")
            return None
        return msgspec.structs.replace(found, operations=(*found.operations, operation))

    def _report(self, word: Word, code: str, message: str, hint: str = "") -> None:
        self.found.append(word.finding(code, message, hint))


def _children(found: Object | None) -> tuple[ResourceId, ...]:
    if isinstance(found, Group):
        return found.members
    return (found.child,) if isinstance(found, Clone) else ()


def merge_properties(old: Properties, new: Properties) -> Properties:
    """The old set with the values of the new one added or changed."""
    merged = (old.set,)
    for pair in new.set.pairs:
        if pair.value is None or pair.id or pair.id_ref:
            kept = tuple(p for p in merged[0].pairs if p.name != pair.name or not p.name)
            merged = (msgspec.structs.replace(merged[0], pairs=(*kept, pair)),)
        else:
            merged = (with_value(merged, pair.name, pair.value)[0],)
    score = new.set.score if new.set.score is not None else old.set.score
    return msgspec.structs.replace(old, set=msgspec.structs.replace(merged[0], score=score))


def _merge_node(old: Node, new: Node, mode: Mode) -> Node:
    """A statement never changes a node's number by leaving it out; typing it keeps what it does not mention."""
    number = new.number if new.number is not None else old.number
    if mode is Mode.UPDATE:
        return msgspec.structs.replace(new, number=number)
    return msgspec.structs.replace(
        new,
        number=number,
        kind=new.kind or old.kind,
        description=new.description if new.description is not None else old.description,
        attributes=_merge_sets(old.attributes, new.attributes),
        utilization=_merge_sets(old.utilization, new.utilization),
    )


def _merge_sets(old: tuple[AttributeSet, ...], new: tuple[AttributeSet, ...]) -> tuple[AttributeSet, ...]:
    if not old or not new:
        return old or new
    merged = old
    for attribute_set in new:
        if attribute_set.id or attribute_set.id_ref or attribute_set.score is not None:
            merged = (*merged, attribute_set)
            continue
        for pair in attribute_set.pairs:
            merged = with_value(merged, pair.name, pair.value if pair.value is not None else "")
    return merged
