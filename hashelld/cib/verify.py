"""Checks of a whole configuration: references, options, scores, times, and what is likely a mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hashelld.cib.document import OP_DEFAULTS, PROPERTY, RSC_DEFAULTS, Cib, Object, Properties
from hashelld.cib.lang.attributes import OPERATION_OPTIONS
from hashelld.cib.lang.diagnostic import Diagnostic, Severity, suggest
from hashelld.cib.references import Sections, known_ids, sections_of
from hashelld.model.constraint import Colocation, Location, Order
from hashelld.model.duration import parse_duration
from hashelld.model.ids import is_id
from hashelld.model.node import Node
from hashelld.model.options import (
    CLUSTER_PROPERTIES,
    META_ATTRIBUTES,
    OPERATION_ATTRIBUTES,
    ROLES,
    Option,
    cluster_property,
    meta_attribute,
    node_attribute,
    operation_attribute,
    parse_boolean,
)
from hashelld.model.resource import Clone, Group, NvPair, Operation, Primitive, Template, pairs_of
from hashelld.model.score import parse_score


Lookup = Callable[[str], Option | None]


def verify(cib: Cib) -> list[Diagnostic]:
    """Everything that is wrong or doubtful, in the order of the document. Errors refuse a commit."""
    checks = _Checks(cib)
    for found in cib.objects:
        checks.check(found)
    checks.check_fencing()
    return checks.found


class _Checks:
    """One pass over a configuration."""

    __slots__ = ("_cib", "_ids", "_objects", "_parents", "found")

    def __init__(self, cib: Cib) -> None:
        self._cib = cib
        self._objects: dict[str, Object] = {}
        self._parents: dict[str, str] = {}
        self._ids = known_ids(cib)
        self.found: list[Diagnostic] = []
        for found in cib.objects:
            if found.id in self._objects:
                self._error(found.id, "duplicate-id", f"the id '{found.id}' is used twice")
            self._objects.setdefault(found.id, found)

    def check(self, found: Object) -> None:
        """All checks of one object."""
        if not isinstance(found, Node) and not is_id(found.id):
            self._error(found.id, "bad-id", f"'{found.id}' is no legal id", hint="letters, digits, _ . -")
        for section in sections_of(found):
            self._check_section(found.id, section)
        match found:
            case Node():
                self._check_options(found.id, pairs_of(found.attributes), node_attribute)
            case Primitive() | Template():
                self._check_primitive(found)
            case Group() | Clone():
                self._check_container(found)
            case Location() | Colocation() | Order():
                self._check_constraint(found)
            case Properties():
                self._check_properties(found)

    def check_fencing(self) -> None:
        """Fencing that is on but has no device stops everything."""
        primitives = [o for o in self._cib.objects if isinstance(o, Primitive)]
        if not primitives or any(p.agent is not None and p.agent.standard == "stonith" for p in primitives):
            return
        enabled = self._cib.property_value("stonith-enabled") or self._cib.property_value("fencing-enabled") or "true"
        if parse_boolean(enabled) is not False:
            self._warning(
                "",
                "no-fencing-device",
                "fencing is enabled, but there is no fencing device: resources will not start",
                hint="configure a stonith: primitive, or set stonith-enabled=false and accept the risk",
            )

    def _check_section(self, owner: str, section: Sections) -> None:
        for attribute_set in section.sets:
            if attribute_set.score is not None and parse_score(attribute_set.score) is None:
                text = attribute_set.score
                self._error(owner, "bad-score", f"{owner}: '{text}' is no score", f"{text}:", "a whole number or inf")
            if attribute_set.id_ref is not None and attribute_set.id_ref not in self._ids.sets:
                self._dangling(owner, attribute_set.id_ref, self._ids.sets, "the set of attributes")
            for pair in attribute_set.pairs:
                if pair.id_ref is not None and pair.id_ref not in self._ids.pairs:
                    self._dangling(owner, pair.id_ref, self._ids.pairs, "the attribute")

    def _dangling(self, owner: str, wanted: str, known: Iterable[str], what: str) -> None:
        self._error(
            owner, "unknown-reference", f"{owner} refers to {what} '{wanted}', which does not exist", wanted,
            suggest(wanted, known),
        )  # fmt: skip

    def _check_primitive(self, found: Primitive | Template) -> None:
        self._check_options(found.id, pairs_of(found.meta), meta_attribute, META_ATTRIBUTES)
        if isinstance(found, Primitive):
            if found.template is not None and not isinstance(self._objects.get(found.template), Template):
                known = (o.id for o in self._cib.objects if isinstance(o, Template))
                message = f"{found.id}: no resource template '{found.template}'"
                self._error(found.id, "unknown-template", message, found.template, suggest(found.template, known))
            elif found.agent is None and found.template is None:
                self._error(found.id, "no-agent", f"{found.id} has no agent")
        self._check_operations(found)

    def _check_operations(self, found: Primitive | Template) -> None:
        seen: dict[tuple[str, int], Operation] = {}
        for operation in found.operations:
            self._check_options(found.id, operation.options, operation_attribute, OPERATION_ATTRIBUTES, operation.name)
            interval = operation.interval_ms
            written = operation.option("interval") or "0"
            self._check_misspelt(found.id, operation)
            if operation.name == "monitor" and parse_duration(written) == 0:
                message = f"{found.id}: a monitor with interval {written} never runs"
                self._warning(found.id, "idle-monitor", message, "monitor", "give it an interval, for instance 10s")
            elif operation.name in ("start", "stop", "promote", "demote") and interval:
                message = f"{found.id}: {operation.name} is not recurring, its interval must be 0"
                self._warning(found.id, "bad-interval", message, f"interval={written}")
            key = (operation.name, interval)
            if key in seen:
                message = f"{found.id}: two {operation.name} operations with the same interval {written}"
                hint = "each needs another interval" if interval else "remove one"
                self._warning(found.id, "equal-intervals", message, f"interval={written}", hint)
            seen[key] = operation

    def _check_misspelt(self, owner: str, operation: Operation) -> None:
        """A parameter of an operation that looks like one of the options is probably meant to be it."""
        for pair in pairs_of(operation.params):
            hint = suggest(pair.name, OPERATION_OPTIONS) if pair.name else ""
            if hint:
                message = f"{owner} {operation.name}: '{pair.name}' is no option, and is passed to the agent"
                self._warning(owner, "unknown-option", message, pair.name, hint)

    def _check_options(
        self,
        owner: str,
        pairs: Iterable[NvPair],
        lookup: Lookup,
        known: tuple[Option, ...] = (),
        within: str = "",
    ) -> None:
        """Values must fit their option; a name outside `known` is told (when `known` is given)."""
        where = f"{owner} {within}".strip()
        for pair in pairs:
            option = lookup(pair.name)
            if option is None:
                if known and pair.name:
                    hint = suggest(pair.name, (o.name for o in known))
                    self._warning(owner, "unknown-option", f"{where}: unknown option '{pair.name}'", pair.name, hint)
                continue
            if option.deprecated:
                message = f"{where}: '{pair.name}' is deprecated"
                self._warning(owner, "deprecated", message, pair.name, option.deprecated)
            objection = option.objection(pair.value) if pair.value is not None else None
            if objection is not None:
                message = f"{where}: {pair.name}={pair.value}, but {pair.name} {objection}"
                hint = suggest(pair.value or "", option.values)
                self._error(owner, "bad-value", message, pair.value or pair.name, hint)

    def _check_container(self, found: Group | Clone) -> None:
        self._check_options(found.id, pairs_of(found.meta), meta_attribute, META_ATTRIBUTES)
        members = found.members if isinstance(found, Group) else (found.child,)
        if not members:
            self._error(found.id, "empty-group", f"the group {found.id} is empty", hint="delete it")
        allowed = Primitive if isinstance(found, Group) else Primitive | Group
        for member in members:
            child = self._objects.get(member)
            if child is None:
                self._unknown_resource(found.id, member)
            elif not isinstance(child, allowed):
                wanted = "a primitive" if isinstance(found, Group) else "a primitive or group"
                self._error(found.id, "bad-member", f"{found.id}: '{member}' is not {wanted}", member)
            owner = self._parents.setdefault(member, found.id)
            if owner != found.id:
                self._error(found.id, "child-in-use", f"'{member}' is in both '{owner}' and '{found.id}'", member)
        if len(set(members)) < len(members):
            self._error(found.id, "duplicate-member", f"{found.id} lists a member twice")

    def _check_constraint(self, found: Location | Colocation | Order) -> None:
        match found:
            case Location():
                self._check_score(found.id, found.score)
                self._check_ends(found.id, found.resource)
                self._check_roles(found.id, found.role)
                if self._cib.node(found.node) is None:
                    hint = suggest(found.node, (n.id for n in self._cib.nodes))
                    self._warning(found.id, "unknown-node", f"{found.id}: no node '{found.node}'", found.node, hint)
            case Colocation():
                self._check_score(found.id, found.score)
                self._check_ends(found.id, found.resource, found.with_resource)
                self._check_roles(found.id, found.role, found.with_role)
            case Order():
                self._check_ends(found.id, found.first, found.then)

    def _check_score(self, owner: str, text: str) -> None:
        if parse_score(text) is None:
            self._error(owner, "bad-score", f"{owner}: '{text}' is no score", f"{text}:", "a whole number, inf or -inf")

    def _check_roles(self, owner: str, *roles: str | None) -> None:
        for role in roles:
            if role is not None and role not in ROLES:
                self._error(owner, "unknown-role", f"{owner}: '{role}' is no role", role, suggest(role, ROLES))

    def _check_ends(self, owner: str, *resources: str) -> None:
        for resource in resources:
            found = self._objects.get(resource)
            if not isinstance(found, Primitive | Group | Clone | Template):
                self._unknown_resource(owner, resource)
                continue
            parent = self._cib.parent_of(resource)
            if parent is not None:
                message = f"{owner}: '{resource}' is inside '{parent.id}'"
                self._warning(owner, "inner-resource", message, resource, f"constrain '{parent.id}' instead")
        if len(resources) > 1 and resources[0] == resources[1]:
            self._error(owner, "self-reference", f"{owner} relates '{resources[0]}' to itself", resources[0])

    def _unknown_resource(self, owner: str, resource: str) -> None:
        hint = suggest(resource, (r.id for r in self._cib.resources))
        message = f"no resource '{resource}' in this configuration"
        self._error(owner, "unknown-resource", f"{owner}: {message}", resource, hint)

    def _check_properties(self, found: Properties) -> None:
        lookups: dict[str, tuple[Lookup, tuple[Option, ...]]] = {
            PROPERTY: (cluster_property, CLUSTER_PROPERTIES),
            RSC_DEFAULTS: (meta_attribute, META_ATTRIBUTES),
            OP_DEFAULTS: (operation_attribute, OPERATION_ATTRIBUTES),
        }
        if found.kind not in lookups:
            self._error(found.id, "bad-kind", f"{found.id}: '{found.kind}' is no kind of properties")
            return
        lookup, known = lookups[found.kind]
        # Sets of the user's own may hold anything: agents keep their own properties there.
        is_default = found.kind != PROPERTY or found.id == "cib-bootstrap-options"
        self._check_options(found.id, found.set.pairs, lookup, known if is_default else ())

    def _error(self, owner: str, code: str, message: str, word: str = "", hint: str = "") -> None:
        self.found.append(Diagnostic(Severity.ERROR, code, message, hint=hint, object=owner, word=word))

    def _warning(self, owner: str, code: str, message: str, word: str = "", hint: str = "") -> None:
        self.found.append(Diagnostic(Severity.WARNING, code, message, hint=hint, object=owner, word=word))
