"""The formatter: objects into canonical text. What it prints is read back as the same object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, assert_never

from hashelld.cib.document import Cib, Object, Properties, key_of
from hashelld.cib.lang.agents import format_agent
from hashelld.cib.lang.attributes import ATTRIBUTES, META, OPERATIONS, PARAMS, UTILIZATION
from hashelld.cib.lang.format_administration import alert_lines, role_lines, target_line, topology_lines
from hashelld.cib.lang.format_constraints import constraint_lines
from hashelld.cib.lang.format_sets import Ids, format_operations, format_pair, format_rule, format_sets
from hashelld.cib.lang.fragment import XML_ATTRIBUTES, XML_CHILD, format_unmodelled
from hashelld.cib.lang.quoting import quote_value, quote_word, quoted
from hashelld.cib.references import referred_ids
from hashelld.model.administration import AclRole, AclTarget, Alert, Topology, Unmodelled
from hashelld.model.constraint import Colocation, Constraint, Location, Order, TicketConstraint
from hashelld.model.node import Node
from hashelld.model.resource import (
    Bundle,
    Clone,
    Group,
    PortMapping,
    Primitive,
    Resource,
    StorageMapping,
    Tag,
    Template,
    Unknown,
)
from hashelld.model.written import Arranged, arranged


_BREAK: Final = " \\\n\t"
_ALL_IDS: Final = Ids()

_KEYWORDS: Final[dict[type[Object], str]] = {
    Node: "node",
    Primitive: "primitive",
    Template: "rsc_template",
    Group: "group",
    Bundle: "bundle",
    Tag: "tag",
    Location: "location",
    Colocation: "colocation",
    Order: "order",
    TicketConstraint: "rsc_ticket",
    Topology: "fencing_topology",
    Alert: "alert",
    AclRole: "role",
    Unmodelled: "xml",
}

_Sections = dict[str, list[list[str]]]
"""Of each kind of section its entries, of each entry its lines."""


def format_object(found: Object) -> str:
    """One statement with its comments, without a newline at the end; its sections stand on lines of their own."""
    return _statement(found, _ALL_IDS, ())


def format_cib(cib: Cib, ids: Iterable[str] | None = None, *, is_brief: bool = False) -> str:
    """The text of a configuration, or of some of its objects, in the document's order; empty for an empty one.

    `is_brief` leaves out the ids of sets, rules and the like that nothing refers to, and the names of the nodes where
    all have the same fencing levels: for reading, not for keeping.
    """
    wanted = None if ids is None else frozenset(ids)
    printed = Ids(referred_ids(cib)) if is_brief else _ALL_IDS
    nodes = tuple(node.id for node in cib.nodes) if is_brief else ()
    chosen = (o for o in cib.objects if wanted is None or o.id in wanted or key_of(o) in wanted)
    return "".join(f"{_statement(found, printed, nodes)}\n" for found in chosen)


def keyword_of(found: Object) -> str:
    """The word with which the statement of an object begins."""
    match found:
        case Properties():
            return found.kind
        case Clone():
            return "ms" if found.is_master else "clone"
        case AclTarget():
            return "acl_group" if found.is_group else "acl_target"
        case _:
            return _KEYWORDS[type(found)]


def _statement(found: Object, ids: Ids, nodes: tuple[str, ...]) -> str:
    comments = "".join(f"{line}\n" for comment in found.comments for line in _comment_lines(comment))
    return comments + _BREAK.join(_lines(found, ids, nodes))


def _comment_lines(comment: str) -> Iterator[str]:
    """A comment of several lines may come from XML; a backslash at the end would swallow the next line."""
    for line in comment.split("\n"):
        text = line.strip().rstrip("\\").rstrip()
        yield text if text.startswith("#") else f"# {text}".rstrip()


def _lines(found: Object, ids: Ids, nodes: tuple[str, ...]) -> list[str]:
    match found:
        case Tag():
            return [" ".join(("tag", found.id, *(quote_word(member) for member in found.members)))]
        case Topology():
            return topology_lines(found, ids, nodes)
        case AclRole():
            return role_lines(found, ids)
        case AclTarget():
            return [target_line(found)]
        case Unmodelled():
            return f"xml {format_unmodelled(found)}".splitlines()
        case _:
            return [*_with_sections(found, ids), *_rest(found.unknown)]


def _with_sections(found: Resource | Constraint | Node | Alert | Properties, ids: Ids) -> list[str]:
    match found:
        case Location() | Colocation() | Order() | TicketConstraint():
            return constraint_lines(found, ids)
        case Properties():
            return _properties(found, ids)
        case Alert():
            head = f"alert {found.id} {quote_value(found.path)}{_description(found.description)}"
            return [head, *_arranged(found, alert_lines(found, ids))]
        case Node():
            return [_node_head(found), *_arranged(found, _node_sections(found, ids))]
        case Primitive() | Template() | Group() | Clone() | Bundle():
            return _resource(found, ids)
        case _:
            assert_never(found)


def _resource(found: Resource, ids: Ids) -> list[str]:
    sections: _Sections = {
        PARAMS: [[line] for line in format_sets(PARAMS, found.params, ids)],
        META: [[line] for line in format_sets(META, found.meta, ids)],
    }
    ahead: list[str] = []
    behind: list[str] = []
    if isinstance(found, Primitive | Template):
        sections[UTILIZATION] = [[line] for line in format_sets(UTILIZATION, found.utilization, ids)]
        operations = format_operations(found.operations, found.operations_id, found.operations_ref, ids)
        sections[OPERATIONS] = [operations] if operations else []
    elif isinstance(found, Bundle):
        ahead = [*_container(found)]
        behind = [] if found.child is None else [f"primitive {found.child}"]
    return [_head(found), *ahead, *_arranged(found, sections), *behind]


def _head(found: Resource) -> str:
    description = _description(found.description)
    match found:
        case Primitive() | Template():
            return _primitive_head(found)
        case Group():
            return " ".join(("group", found.id, *(quote_word(member) for member in found.members))) + description
        case Clone():
            return f"{keyword_of(found)} {found.id} {found.child}{description}"
        case Bundle():
            return f"bundle {found.id}{description}"


def _arranged(found: Arranged, sections: _Sections) -> Iterator[str]:
    """The sections' lines in the order in which they were written, and what came later in the usual one."""
    return (line for entry in arranged(found.layout, sections) for line in entry)


def _node_head(node: Node) -> str:
    number = f"{quote_word(node.number + ':')} " if node.number is not None else ""
    kind = f":{node.kind}" if node.kind is not None else ""
    score = f" $score={quote_value(node.score)}" if node.score is not None else ""
    return f"node {number}{quote_word(node.id + kind)}{_description(node.description)}{score}"


def _node_sections(node: Node, ids: Ids) -> _Sections:
    return {
        ATTRIBUTES: [[line] for line in format_sets(ATTRIBUTES, node.attributes, ids)],
        UTILIZATION: [[line] for line in format_sets(UTILIZATION, node.utilization, ids)],
    }


def _primitive_head(found: Primitive | Template) -> str:
    keyword = "primitive" if isinstance(found, Primitive) else "rsc_template"
    template = f"@{found.template}" if isinstance(found, Primitive) and found.template is not None else ""
    agent = template or (format_agent(found.agent) if found.agent is not None else "")
    return f"{keyword} {found.id} {quote_word(agent)}{_description(found.description)}"


def _container(found: Bundle) -> Iterator[str]:
    yield " ".join((found.container, *_given(found.options)))
    if found.network is not None or found.ports:
        ports = (word for port in found.ports for word in ("port-mapping", *_mapping(port)))
        yield " ".join(("network", *_given(found.network or ()), *ports))
    if found.storage:
        yield " ".join(("storage", *(word for one in found.storage for word in ("storage-mapping", *_mapping(one)))))


def _mapping(found: PortMapping | StorageMapping) -> Iterator[str]:
    """A mapping's options; its id is always printed, for that is how others refer to it."""
    fields = [name for name in found.__struct_fields__ if name != "order"]
    values = {name.replace("_", "-"): getattr(found, name) for name in fields}
    order = (*found.order, *(name for name in values if name not in found.order))
    return _given(tuple((name, value) for name in order if (value := values.get(name)) is not None))


def _given(options: tuple[tuple[str, str], ...]) -> Iterator[str]:
    return (f"{name}={quote_value(value)}" for name, value in options)


def _properties(found: Properties, ids: Ids) -> list[str]:
    score = f" {found.set.score}:" if found.set.score is not None else ""
    if found.set.id_ref is not None:
        return [f"{found.kind} $id-ref={quote_value(found.set.id_ref)}{score}"]
    rules = (format_rule(rule, ids) for rule in found.set.rules)
    return [f"{found.kind} {found.id}:{score}", *rules, *(format_pair(pair, ids) for pair in found.set.pairs)]


def _description(text: str | None) -> str:
    return f" description={quote_value(text)}" if text is not None else ""


def _rest(unknown: Unknown | None) -> Iterator[str]:
    if unknown is None:
        return
    if unknown.attributes:
        yield " ".join((XML_ATTRIBUTES, *_given(unknown.attributes)))
    for child in unknown.children:
        yield f"{XML_CHILD} {quoted(child)}"
