"""What the checks of a configuration look things up in, and where they put what they find."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from hashelld.cib.document import Cib, Object, candidate_keys, key_of
from hashelld.cib.lang.diagnostic import Diagnostic, Severity, suggest
from hashelld.cib.references import Part, children_of, known_parts
from hashelld.model.options import ROLES, parse_boolean
from hashelld.model.resource import Agent, Bundle, Clone, Primitive, Tag, Template, value_of
from hashelld.model.score import parse_score


REMOTE: Final = Agent("ocf", "pacemaker", "remote")
"""Connects to a node on which no cluster runs."""


class Findings:
    """One configuration, and what is wrong with it so far. `Diagnostic.object` is the key of the object."""

    __slots__ = ("_parents", "_parts", "_remote_nodes", "cib", "found", "objects")

    def __init__(self, cib: Cib) -> None:
        self.cib = cib
        self.found: list[Diagnostic] = []
        self.objects: dict[str, Object] = {}
        self._parents: dict[str, str] = {}
        self._parts = known_parts(cib)
        self._remote_nodes = frozenset(name for found in cib.objects for name in _nodes_of(found))
        for found in cib.objects:
            key = key_of(found)
            if key in self.objects:
                self.error(found, "duplicate-id", f"the id '{found.id}' is used twice")
            self.objects.setdefault(key, found)
            for child in children_of(found):
                self._parents.setdefault(child, found.id)

    def parent_of(self, resource: str) -> str | None:
        """The (first) container of a resource."""
        return self._parents.get(resource)

    def is_device(self, name: str) -> bool:
        """Is it a fencing device, by its own agent or its template's?"""
        found = self.objects.get(name)
        if not isinstance(found, Primitive):
            return False
        template = self.objects.get(found.template or "")
        agent = found.agent or (template.agent if isinstance(template, Template) else None)
        return agent is not None and agent.standard == "stonith"

    def may_be_promoted(self, name: str) -> bool:
        """Has the resource a promoted role, by itself or by what contains it, as far as one can tell?"""
        found = self.objects.get(name)
        match found:
            case Clone():
                is_hidden = any(one.id_ref is not None or one.rules for one in found.meta)
                return found.is_master or is_hidden or parse_boolean(value_of(found.meta, "promotable") or "") is True
            case Bundle() | Tag() | Template() | None:
                return True
            case _:
                parent = self.parent_of(name)
                return parent is not None and self.may_be_promoted(parent)

    def has_node(self, name: str) -> bool:
        """Is it a node: a configured one, or one that a resource connects to?"""
        return f"node:{name}" in self.objects or name in self._remote_nodes

    def has(self, name: str) -> bool:
        """Is there an object of this name, of whatever kind?"""
        return any(key in self.objects for key in candidate_keys(name))

    def error(self, found: Object | None, code: str, message: str, word: str = "", hint: str = "") -> None:
        """Something that refuses a commit. `word` is what to point at in the object's statement."""
        self._add(Severity.ERROR, found, code, message, word, hint)

    def objection(self, found: Object, code: str, message: str, word: str = "", hint: str = "") -> None:
        """Something that makes no sense: it refuses the commit that brings it, unless that is forced."""
        self._add(Severity.OBJECTION, found, code, message, word, hint)

    def warning(self, found: Object | None, code: str, message: str, word: str = "", hint: str = "") -> None:
        """Something doubtful."""
        self._add(Severity.WARNING, found, code, message, word, hint)

    def _add(self, severity: Severity, found: Object | None, code: str, message: str, word: str, hint: str) -> None:
        owner = "" if found is None else key_of(found)
        self.found.append(Diagnostic(severity, code, message, hint=hint, object=owner, word=word))

    def unknown_resource(self, found: Object, resource: str) -> None:
        """An object names a resource that does not exist."""
        hint = suggest(resource, (r.id for r in self.cib.resources))
        message = f"{found.id}: no resource '{resource}' in this configuration"
        self.error(found, "unknown-resource", message, resource, hint)

    def unknown_node(self, found: Object, node: str) -> None:
        """An object names a node that is not configured (it may yet join)."""
        hint = suggest(node, (n.id for n in self.cib.nodes))
        self.warning(found, "unknown-node", f"{found.id}: no node '{node}'", node, hint)

    def check_reference(self, found: Object, part: Part, name: str) -> None:
        """What an object refers to must exist."""
        known = self._parts[part]
        if name not in known:
            message = f"{found.id} refers to the {part.value} '{name}', which does not exist"
            self.error(found, "unknown-reference", message, name, suggest(name, known))

    def check_word(self, found: Object, word: str | None, known: tuple[str, ...], what: str) -> None:
        """A word must be one of those that are known; None is fine. `what` names it, with hyphens."""
        if word is not None and word not in known:
            message = f"{found.id}: '{word}' is no {what.replace('-', ' ')}"
            self.error(found, f"unknown-{what}", message, word, suggest(word, known))

    def check_score(self, found: Object, text: str | None) -> None:
        """A score must be one; None is fine."""
        if text is not None and parse_score(text) is None:
            message = f"{found.id}: '{text}' is no score"
            self.error(found, "bad-score", message, f"{text}:", "a whole number, inf or -inf")

    def check_roles(self, found: Object, roles: Iterable[str | None]) -> None:
        """Roles must be known; None is fine."""
        for role in roles:
            if role is not None and role not in ROLES:
                self.error(found, "unknown-role", f"{found.id}: '{role}' is no role", role, suggest(role, ROLES))


def _nodes_of(found: Object) -> Iterator[str]:
    """The nodes without a cluster of their own that a resource is, or connects to."""
    match found:
        case Primitive():
            if found.agent == REMOTE:
                yield found.id
            guest = value_of(found.meta, "remote-node")
            if guest is not None:
                yield guest
        case Bundle():
            options = dict(found.options)
            count = options.get("replicas") or options.get("promoted-max") or "1"
            yield from (f"{found.id}-{at}" for at in range(int(count) if count.isdecimal() else 0))
        case _:
            return
