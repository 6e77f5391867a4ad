"""Checks of a whole configuration: references, options, scores, times, and what is likely a mistake."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from hashelld.cib.document import OP_DEFAULTS, PROPERTY, RSC_DEFAULTS, Cib, Object, Properties
from hashelld.cib.findings import REMOTE, Findings
from hashelld.cib.lang.attributes import OPERATION_OPTIONS
from hashelld.cib.lang.diagnostic import Diagnostic, suggest
from hashelld.cib.references import children_of, references_in, sections_of
from hashelld.cib.verify_administration import (
    check_acl_target,
    check_alert,
    check_bundle,
    check_role,
    check_tag,
    check_topology,
)
from hashelld.cib.verify_constraints import check_constraint
from hashelld.cib.verify_contradictions import check_contradictions
from hashelld.cib.verify_fencing import check_fencing
from hashelld.cib.verify_ids import check_ids
from hashelld.cib.verify_orders import check_order_loops
from hashelld.cib.verify_rules import check_rules
from hashelld.model.administration import AclRole, AclTarget, Alert, Topology, Unmodelled
from hashelld.model.constraint import Colocation, Location, Order, TicketConstraint
from hashelld.model.duration import parse_duration
from hashelld.model.ids import is_account, is_id
from hashelld.model.node import Node
from hashelld.model.options import (
    CLUSTER_PROPERTIES,
    META_ATTRIBUTES,
    OPERATION_ATTRIBUTES,
    Option,
    cluster_property,
    meta_attribute,
    node_attribute,
    operation_attribute,
    parse_boolean,
)
from hashelld.model.resource import (
    Bundle,
    Clone,
    Group,
    NvPair,
    Operation,
    Primitive,
    Tag,
    Template,
    Unknown,
    pairs_of,
    value_of,
)
from hashelld.model.score import parse_score


_COUNTS: Final = frozenset({"clone-max", "clone-node-max", "promoted-max", "promoted-node-max", "clone-min"})
_TAG: Final = re.compile(r"<([^\s/>]+)")
_WHOLE: Final = re.compile(r"[+-]?\d+\Z")

Lookup = Callable[[str], Option | None]


def verify(cib: Cib) -> list[Diagnostic]:
    """Everything that is wrong or doubtful, in the order of the document. Errors refuse a commit."""
    checks = _Checks(Findings(cib))
    for found in cib.objects:
        checks.check(found)
    check_ids(checks.findings)
    check_fencing(checks.findings)
    check_order_loops(checks.findings)
    check_contradictions(checks.findings)
    return checks.findings.found


class _Checks:
    """One pass over a configuration."""

    __slots__ = ("_members", "findings")

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self._members: dict[str, str] = {}

    def check(self, found: Object) -> None:
        """All checks of one object."""
        is_legal = is_account(found.id) if isinstance(found, AclTarget) else is_id(found.id)
        if not isinstance(found, Node | Unmodelled) and not is_legal:
            self.findings.error(found, "bad-id", f"'{found.id}' is no legal id", hint="letters, digits, _ . -")
        self._check_sets(found)
        self._check_unknown(found)
        for part, name in references_in(found):
            self.findings.check_reference(found, part, name)
        match found:
            case Node():
                self._check_options(found, pairs_of(found.attributes), node_attribute)
                self._check_utilization(found)
            case Primitive() | Template():
                self._check_primitive(found)
            case Group() | Clone() | Bundle():
                self._check_container(found)
            case Location() | Colocation() | Order() | TicketConstraint():
                check_constraint(self.findings, found)
            case Properties():
                self._check_properties(found)
            case _:
                self._check_administration(found)

    def _check_administration(self, found: Object) -> None:
        match found:
            case Tag():
                check_tag(self.findings, found)
            case Topology():
                check_topology(self.findings, found)
            case Alert():
                check_alert(self.findings, found)
            case AclRole():
                check_role(self.findings, found)
            case AclTarget():
                check_acl_target(self.findings, found)
            case _:
                pass

    def _check_sets(self, found: Object) -> None:
        for section in sections_of(found):
            for attribute_set in section.sets:
                score = attribute_set.score
                if score is not None and parse_score(score) is None:
                    message = f"{found.id}: '{score}' is no score"
                    self.findings.error(found, "bad-score", message, f"{score}:", "a whole number or inf")
                check_rules(self.findings, found, attribute_set.rules)

    def _check_unknown(self, found: Object) -> None:
        """What the model has no place for is kept, but nobody heeds it."""
        unknown = getattr(found, "unknown", None)
        if isinstance(unknown, Unknown):
            tags = (tag[1] for child in unknown.children if (tag := _TAG.match(child)) is not None)
            for name in (*(name for name, _ in unknown.attributes), *tags):
                message = f"{found.id}: nothing is known of '{name}': it would have no effect"
                self.findings.objection(found, "unknown-xml", message, name)

    def _check_utilization(self, found: Node | Primitive | Template) -> None:
        for pair in pairs_of(found.utilization):
            if pair.id_ref is None and _WHOLE.match(pair.value or "") is None:
                message = f"{found.id}: {pair.name}={pair.value or ''}, but what is used or available is a whole number"
                self.findings.objection(found, "bad-value", message, pair.value or pair.name)

    def _check_primitive(self, found: Primitive | Template) -> None:
        self._check_options(found, pairs_of(found.meta), meta_attribute, META_ATTRIBUTES)
        if isinstance(found, Primitive):
            objects = self.findings.objects
            if found.template is not None and not isinstance(objects.get(found.template), Template):
                known = (o.id for o in self.findings.cib.objects if isinstance(o, Template))
                message = f"{found.id}: no resource template '{found.template}'"
                hint = suggest(found.template, known)
                self.findings.error(found, "unknown-template", message, found.template, hint)
            elif found.agent is None and found.template is None:
                self.findings.error(found, "no-agent", f"{found.id} has no agent")
        self._check_operations(found)
        self._check_utilization(found)

    def _check_operations(self, found: Primitive | Template) -> None:
        seen: dict[tuple[str, int], Operation] = {}
        for operation in found.operations:
            if operation.id_ref is not None:
                continue
            self._check_options(found, operation.options, operation_attribute, OPERATION_ATTRIBUTES, operation.name)
            interval = operation.interval_ms
            written = operation.option("interval") or "0"
            self._check_misspelt(found, operation)
            if operation.name == "monitor" and parse_duration(written) == 0:
                message = f"{found.id}: a monitor with interval {written} never runs"
                hint = "give it an interval, for instance 10s"
                self.findings.warning(found, "idle-monitor", message, "monitor", hint)
            elif operation.name in ("start", "stop", "promote", "demote") and interval:
                message = f"{found.id}: {operation.name} is not recurring, its interval must be 0"
                self.findings.warning(found, "bad-interval", message, f"interval={written}")
            key = (operation.name, interval)
            if key in seen:
                message = f"{found.id}: two {operation.name} operations with the same interval {written}"
                hint = "each needs another interval" if interval else "remove one"
                self.findings.warning(found, "equal-intervals", message, f"interval={written}", hint)
            seen[key] = operation

    def _check_misspelt(self, found: Object, operation: Operation) -> None:
        """A parameter of an operation that looks like one of the options is probably meant to be it."""
        for pair in pairs_of(operation.params):
            hint = suggest(pair.name, OPERATION_OPTIONS) if pair.name else ""
            if hint:
                message = f"{found.id} {operation.name}: '{pair.name}' is no option, and is passed to the agent"
                self.findings.warning(found, "unknown-option", message, pair.name, hint)

    def _check_options(
        self,
        found: Object,
        pairs: Iterable[NvPair],
        lookup: Lookup,
        known: tuple[Option, ...] = (),
        within: str = "",
    ) -> None:
        """Values must fit their option; a name outside `known` is told (when `known` is given)."""
        where = f"{found.id} {within}".strip()
        for pair in pairs:
            option = lookup(pair.name)
            if option is None:
                if known and pair.name:
                    hint = suggest(pair.name, (o.name for o in known))
                    message = f"{where}: unknown option '{pair.name}'"
                    self.findings.warning(found, "unknown-option", message, pair.name, hint)
                continue
            if option.deprecated:
                message = f"{where}: '{pair.name}' is deprecated"
                self.findings.warning(found, "deprecated", message, pair.name, option.deprecated)
            if pair.value is None and pair.id_ref is None:
                message = f"{where}: {pair.name} has no value"
                self.findings.objection(found, "missing-value", message, pair.name, f"{pair.name}=…")
            objection = option.objection(pair.value) if pair.value is not None else None
            if objection is not None:
                message = f"{where}: {pair.name}={pair.value}, but {pair.name} {objection}"
                hint = suggest(pair.value or "", option.values)
                self.findings.error(found, "bad-value", message, pair.value or pair.name, hint)

    def _check_container(self, found: Group | Clone | Bundle) -> None:
        self._check_options(found, pairs_of(found.meta), meta_attribute, META_ATTRIBUTES)
        if isinstance(found, Bundle):
            check_bundle(self.findings, found)
        if isinstance(found, Clone):
            self._check_copies(found)
        members = children_of(found)
        if isinstance(found, Group) and not members:
            self.findings.error(found, "empty-group", f"the group {found.id} is empty", hint="delete it")
        for member in members:
            self._check_member(found, member)
        if len(set(members)) < len(members):
            self.findings.error(found, "duplicate-member", f"{found.id} lists a member twice")

    def _check_copies(self, found: Clone) -> None:
        """Only agents of the OCF standard tell their copies apart, and know how to be promoted."""
        for pair in pairs_of(found.meta):
            option = meta_attribute(pair.name)
            if option is not None and option.name in _COUNTS and (pair.value or "").startswith("-"):
                message = f"{found.id}: {pair.name}={pair.value}, but that many copies cannot be"
                self.findings.objection(found, "bad-value", message, pair.value or "")
        inner = self.findings.objects.get(found.child)
        members = children_of(inner) if isinstance(inner, Group) else (found.child,)
        is_unique = parse_boolean(value_of(found.meta, "globally-unique") or "") is True
        wanted = "be promotable" if self.findings.may_be_promoted(found.id) else "have globally unique instances"
        for member in members if is_unique or wanted == "be promotable" else ():
            child = self.findings.objects.get(member)
            agent = getattr(child, "agent", None)
            if agent is not None and agent.standard not in ("ocf", ""):
                message = f"{found.id}: '{member}' is an agent of {agent.standard}, and cannot {wanted}"
                self.findings.objection(found, "not-ocf", message, found.child)

    def _check_member(self, found: Group | Clone | Bundle, member: str) -> None:
        child = self.findings.objects.get(member)
        allowed = Primitive | Group if isinstance(found, Clone) else Primitive
        if child is None:
            self.findings.unknown_resource(found, member)
        elif not isinstance(child, allowed):
            wanted = "a primitive or group" if isinstance(found, Clone) else "a primitive"
            self.findings.error(found, "bad-member", f"{found.id}: '{member}' is not {wanted}", member)
        elif isinstance(found, Group) and getattr(child, "agent", None) == REMOTE:
            message = f"{found.id}: '{member}' connects to a remote node, and cannot be in a group"
            self.findings.error(found, "remote-resource", message, member)
        owner = self._members.setdefault(member, found.id)
        if owner != found.id:
            message = f"'{member}' is in both '{owner}' and '{found.id}'"
            self.findings.error(found, "child-in-use", message, member)

    def _check_properties(self, found: Properties) -> None:
        lookups: dict[str, tuple[Lookup, tuple[Option, ...]]] = {
            PROPERTY: (cluster_property, CLUSTER_PROPERTIES),
            RSC_DEFAULTS: (meta_attribute, META_ATTRIBUTES),
            OP_DEFAULTS: (operation_attribute, OPERATION_ATTRIBUTES),
        }
        if found.kind not in lookups:
            self.findings.error(found, "bad-kind", f"{found.id}: '{found.kind}' is no kind of properties")
            return
        lookup, known = lookups[found.kind]
        # Sets of the user's own may hold anything: agents keep their own properties there.
        is_default = found.kind != PROPERTY or found.id == "cib-bootstrap-options"
        self._check_options(found, found.set.pairs, lookup, known if is_default else ())
