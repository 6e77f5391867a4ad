"""Statements against a configuration: which edits they mean, and why some of them cannot be made."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Final

import msgspec

from hashelld.cib.document import Cib, Object, Properties, candidate_keys, key_of
from hashelld.cib.edit import Edit, Put, apply
from hashelld.cib.lang.diagnostic import Diagnostic, Severity, suggest
from hashelld.cib.lang.merging import merge_node, merge_properties, replace_node
from hashelld.cib.lang.parse import parse_text
from hashelld.cib.lang.resolving import expanded, resolved
from hashelld.cib.lang.tokens import Word
from hashelld.cib.lang.tree import Fragment, Item, Monitor, Statement
from hashelld.cib.references import children_of
from hashelld.model.administration import Topology
from hashelld.model.ids import ResourceId
from hashelld.model.node import Node
from hashelld.model.resource import (
    Agent,
    Bundle,
    Clone,
    Group,
    NvPair,
    Operation,
    Primitive,
    Template,
)


class Mode(Enum):
    """CREATE is typing: an id must be new. UPDATE is loading: an object of the same id and kind is replaced.

    In both, properties and defaults are merged into their set, and a fencing topology takes the place of the one
    before; a typed `node` is merged into the node that exists.
    """

    CREATE = "create"
    UPDATE = "update"


Resolver = Callable[[str], Agent | None]
"""Finds the agent that a bare type (`IPaddr2`) means; None when there is none."""

_KIND_NAMES: Final = {
    "AclRole": "role",
    "AclTarget": "user of access roles",
    "Fragment": "XML element",
    "Properties": "set of properties",
    "Template": "resource template",
    "TicketConstraint": "ticket constraint",
    "Topology": "fencing topology",
    "Unmodelled": "XML element",
}


def kind_name(found: Item) -> str:
    """What an object is called in messages: `primitive`, `group`, `location`…"""
    name = type(found).__name__
    return _KIND_NAMES.get(name, name.lower())


def read_cib(text: str, resolve: Resolver | None = None) -> tuple[Cib, list[Diagnostic]]:
    """The configuration that a whole text describes, without the statements that are wrong."""
    statements, found = parse_text(text)
    edits, more = lower(statements, Cib(), Mode.CREATE, resolve)
    return apply(Cib(), edits), sorted(found + more, key=lambda d: (d.line, d.column))


def lower(
    statements: Iterable[Statement],
    cib: Cib,
    mode: Mode,
    resolve: Resolver | None = None,
    *,
    is_forced: bool = False,
) -> tuple[tuple[Edit, ...], list[Diagnostic]]:
    """The edits that the statements mean, and what is wrong. A statement with an error adds no edit.

    When it is forced, groups and bundles are made without the members that do not exist, which is a warning then.
    """
    lowering = _Lowering(cib, mode, resolve or default_agent)
    taken = [statement for statement in statements if lowering.take(statement)]
    for statement in taken:
        if is_forced:
            lowering.leave_out_unknown(statement)
        lowering.check_members(statement)
    lowering.settle()
    return lowering.edits(), lowering.found


def locate(diagnostics: Iterable[Diagnostic], statements: Iterable[Statement]) -> list[Diagnostic]:
    """The same findings with the places, in the statements' text, of the objects and words that they are about."""
    by_key = {key: statement for statement in statements for key in _keys(statement)}
    return [_located(d, by_key[d.object]) if not d.line and d.object in by_key else d for d in diagnostics]


def _keys(statement: Statement) -> list[str]:
    return [key_of(found) for found in statement.objects] or [statement.item.id]


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
        self._before = {key_of(o): o for o in cib.objects}
        self._objects: dict[str, Object] = dict(self._before)
        self._parents: dict[str, str] = {}
        self._mode, self._resolve = mode, resolve
        self._touched: dict[str, Statement] = {}
        self.found: list[Diagnostic] = []
        for found in cib.objects:
            for child in children_of(found):
                self._parents[child] = found.id

    def edits(self) -> tuple[Edit, ...]:
        changed = (i for i in self._touched if i in self._objects and self._objects[i] != self._before.get(i))
        return tuple(Put(self._objects[i]) for i in changed)

    def take(self, statement: Statement) -> bool:
        """Add one statement; False when it is refused."""
        before = len(self.found)
        item = statement.item
        if isinstance(item, Monitor):
            merged = [self._with_monitor(statement, item)]
        else:
            merged = [self._merged(statement, found) for found in statement.objects]
        if len(self.found) > before:
            return False
        for found in merged:
            if found is not None:
                self._put(found, statement)
        return True

    def _put(self, found: Object, statement: Statement) -> None:
        key = key_of(found)
        for child in children_of(self._objects.get(key)):
            self._parents.pop(child, None)
        self._objects[key] = found
        self._touched[key] = statement

    def check_members(self, statement: Statement) -> None:
        """Refuse a container whose children are missing, of the wrong kind, or somebody else's."""
        for key in _keys(statement):
            container = self._objects.get(key)
            if not isinstance(container, Group | Clone | Bundle):
                continue
            before = len(self.found)
            for child in children_of(container):
                self._check_child(container, child, statement.word(child))
            if len(self.found) > before:
                self._restore(container.id)

    def leave_out_unknown(self, statement: Statement) -> None:
        """Take out of containers what does not exist, as far as something is left of them."""
        for key in _keys(statement):
            container = self._objects.get(key)
            unknown = [child for child in children_of(container) if self._child(child) is None]
            if not unknown:
                continue
            if isinstance(container, Group):
                members = tuple(member for member in container.members if member not in unknown)
                left: Object | None = msgspec.structs.replace(container, members=members) if members else None
            else:
                left = msgspec.structs.replace(container, child=None) if isinstance(container, Bundle) else None
            if left is not None:
                self._objects[key] = left
                for child in unknown:
                    message = f"no resource '{child}': {left.id} is made without it"
                    found = statement.word(child).finding("unknown-resource", message)
                    self.found.append(msgspec.structs.replace(found, severity=Severity.WARNING))

    def _restore(self, object_id: str) -> None:
        for child in children_of(self._objects.get(object_id)):
            if self._parents.get(child) == object_id:
                del self._parents[child]
        del self._objects[object_id]
        if object_id in self._before:
            self._objects[object_id] = self._before[object_id]

    def _check_child(self, container: Group | Clone | Bundle, child: ResourceId, word: Word) -> None:
        found = self._child(child)
        owner = self._parents.setdefault(child, container.id)
        allowed, told = _ALLOWED[type(container)]
        if found is None:
            hint = suggest(child, (o.id for o in self._objects.values() if isinstance(o, allowed)))
            self._report(word, "unknown-resource", f"no resource '{child}' to put into {container.id}", hint)
        elif owner != container.id:
            self._report(word, "child-in-use", f"'{child}' is already in '{owner}'", "take it out there first")
        elif not isinstance(found, allowed):
            self._report(word, "bad-member", f"'{child}' is a {kind_name(found)}; {told}")

    def _child(self, name: str) -> Object | None:
        return next((self._objects[key] for key in candidate_keys(name) if key in self._objects), None)

    def _merged(self, statement: Statement, item: Object) -> Object | None:
        completed = self._with_agent(statement, item)
        key = key_of(item)
        old = self._objects.get(key)
        if old is None or completed is None:
            return completed
        if isinstance(old, Properties) and isinstance(item, Properties) and old.kind == item.kind:
            return merge_properties(old, item)
        if key in self._touched:
            first = self._touched[key].name.line
            self._report(statement.name, "duplicate-id", f"'{item.id}' is defined twice", f"first on line {first}")
            return None
        if type(old) is not type(item):
            self._report(statement.name, "id-in-use", f"the id '{item.id}' is already used by a {kind_name(old)}")
            return None
        if isinstance(old, Node) and isinstance(item, Node):
            return merge_node(old, item) if self._mode is Mode.CREATE else replace_node(old, item)
        if self._mode is Mode.CREATE and not isinstance(item, Topology):
            hint = "choose another id, or change it with edit, set or load update"
            self._report(statement.name, "id-in-use", f"the {kind_name(old)} '{item.id}' already exists", hint)
            return None
        return completed

    def _with_agent(self, statement: Statement, item: Object) -> Object | None:
        if not isinstance(item, Primitive | Template) or item.agent is None or isinstance(statement.item, Fragment):
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

    def settle(self) -> None:
        """What can be said only when everything is there: references by an object's name, levels for every node."""
        for key, statement in tuple(self._touched.items()):
            found = self._objects.get(key)
            if isinstance(found, Topology):
                nodes = [o for o in self._objects.values() if isinstance(o, Node)]
                self._objects[key] = expanded(found, nodes)
                if self._objects[key] == found and any(level.is_for_all for level in found.levels):
                    hint = "NODE: DEVICE…, or pattern:REGEX DEVICE…"
                    self._report(statement.keyword, "no-nodes", "no nodes are known: name the levels' targets", hint)
                    self._restore(key)
            elif found is not None:
                for one in resolved(found, self._objects):
                    self._objects[key_of(one)] = one
                    self._touched.setdefault(key_of(one), statement)

    def _report(self, word: Word, code: str, message: str, hint: str = "") -> None:
        self.found.append(word.finding(code, message, hint))


_ALLOWED: Final = {
    Group: (Primitive, "a group holds primitives"),
    Clone: (Primitive | Group, "a clone holds a primitive or group"),
    Bundle: (Primitive, "a bundle holds a primitive"),
}
