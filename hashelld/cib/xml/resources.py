"""Nodes and resources, in both directions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from hashelld.cib.document import Object
from hashelld.cib.xml.naming import ID, Naming, Reading
from hashelld.cib.xml.scores import read_score, written_score
from hashelld.cib.xml.sets import (
    META,
    OPERATIONS,
    PARAMS,
    SECTIONS,
    UTILIZATION,
    Operations,
    read_layout,
    read_sets,
    written_operations,
    written_sets,
)
from hashelld.cib.xml.tree import Element, filled
from hashelld.model.ids import NodeId, ResourceId
from hashelld.model.node import Node
from hashelld.model.resource import (
    Agent,
    AttributeSet,
    Bundle,
    Clone,
    Group,
    PortMapping,
    Primitive,
    Resource,
    StorageMapping,
    Template,
)
from hashelld.model.written import arranged


Add = Callable[[Object, Element], None]
_CONTAINERS: Final = ("docker", "podman", "rkt")
_NODE_NAMES: Final = frozenset({ID, "uname", "type", "description", "score"})
_PRIMITIVE_NAMES: Final = frozenset({ID, "class", "provider", "type", "template", "description"})
_TEMPLATE_NAMES: Final = frozenset({ID, "class", "provider", "type", "description"})
_COLLECTIVE_NAMES: Final = frozenset({ID, "description"})
_PRIMITIVE_TAGS: Final = (PARAMS, META, UTILIZATION, OPERATIONS)
_NODE_SECTIONS: Final = {PARAMS: "attributes", UTILIZATION: "utilization"}
_NETWORK_NAMES: Final = frozenset({"ip-range-start", "control-port", "host-interface", "host-netmask", "add-host"})
_PORT_OPTIONS: Final = (ID, "port", "internal-port", "range")
_STORAGE_OPTIONS: Final = (ID, "source-dir", "source-dir-root", "target-dir", "options")


class _Sets(NamedTuple):
    params: tuple[AttributeSet, ...]
    meta: tuple[AttributeSet, ...]


def read_node(reading: Reading, element: Element) -> Node:
    """A `<node>`; its name is the `uname`, or the id where there is none."""
    number = element.identity()
    name = element.get("uname") or number
    kind = element.get("type")
    return Node(
        id=NodeId(name),
        number=None if number == name else number,
        kind=None if kind == "member" else kind,
        description=element.get("description"),
        score=read_score(reading, element),
        attributes=read_sets(reading, element, PARAMS, name),
        utilization=read_sets(reading, element, UTILIZATION, name),
        unknown=reading.unknown(element, _NODE_NAMES, (PARAMS, UTILIZATION)),
        layout=read_layout(element, _NODE_SECTIONS),
    )


def read_resource(reading: Reading, element: Element, add: Add) -> bool:
    """Add a resource, after those that it contains; False for an element that is no resource."""
    match element.tag:
        case "primitive":
            add(_read_primitive(reading, element), element)
        case "template":
            add(_read_template(reading, element), element)
        case "group":
            add(_read_group(reading, element, add), element)
        case "clone" | "master":
            add(_read_clone(reading, element, add), element)
        case "bundle":
            add(_read_bundle(reading, element, add), element)
        case _:
            return False
    return True


def _read_agent(element: Element) -> Agent:
    return Agent(element.demand("class"), element.get("provider") or "", element.demand("type"))


def _sets(reading: Reading, element: Element, owner: str) -> _Sets:
    return _Sets(read_sets(reading, element, PARAMS, owner), read_sets(reading, element, META, owner))


def _read_primitive(reading: Reading, element: Element) -> Primitive:
    name = element.identity()
    template = element.get("template")
    has_agent = template is None or element.get("class") is not None
    sets = _sets(reading, element, name)
    utilization = read_sets(reading, element, UTILIZATION, name)
    operations = Operations(reading, element, name)
    return Primitive(
        id=ResourceId(name),
        agent=_read_agent(element) if has_agent else None,
        template=ResourceId(template) if template is not None else None,
        description=element.get("description"),
        params=sets.params,
        meta=sets.meta,
        utilization=utilization,
        operations=operations.found,
        operations_id=operations.id,
        operations_ref=operations.ref,
        unknown=reading.unknown(element, _PRIMITIVE_NAMES, _PRIMITIVE_TAGS),
        layout=read_layout(element),
    )


def _read_template(reading: Reading, element: Element) -> Template:
    name = element.identity()
    sets = _sets(reading, element, name)
    utilization = read_sets(reading, element, UTILIZATION, name)
    operations = Operations(reading, element, name)
    return Template(
        id=ResourceId(name),
        agent=_read_agent(element),
        description=element.get("description"),
        params=sets.params,
        meta=sets.meta,
        utilization=utilization,
        operations=operations.found,
        operations_id=operations.id,
        operations_ref=operations.ref,
        unknown=reading.unknown(element, _TEMPLATE_NAMES, _PRIMITIVE_TAGS),
        layout=read_layout(element),
    )


def _read_group(reading: Reading, element: Element, add: Add) -> Group:
    name = element.identity()
    children = element.all("primitive")
    if not children:
        element.refuse(f"the group '{name}' is empty")
    sets = _sets(reading, element, name)
    for child in children:
        read_resource(reading, child, add)
    return Group(
        id=ResourceId(name),
        members=tuple([ResourceId(child.identity()) for child in children]),
        description=element.get("description"),
        params=sets.params,
        meta=sets.meta,
        unknown=reading.unknown(element, _COLLECTIVE_NAMES, (PARAMS, META, "primitive")),
        layout=read_layout(element),
    )


def _read_clone(reading: Reading, element: Element, add: Add) -> Clone:
    name = element.identity()
    children = [child for child in element.children if child.tag in ("primitive", "group")]
    if len(children) != 1:
        element.refuse(f"the clone '{name}' must contain one primitive or group, not {len(children)}")
    sets = _sets(reading, element, name)
    read_resource(reading, children[0], add)
    return Clone(
        id=ResourceId(name),
        child=ResourceId(children[0].identity()),
        is_master=element.tag == "master",
        description=element.get("description"),
        params=sets.params,
        meta=sets.meta,
        unknown=reading.unknown(element, _COLLECTIVE_NAMES, (PARAMS, META, "primitive", "group")),
        layout=read_layout(element),
    )


def _read_bundle(reading: Reading, element: Element, add: Add) -> Bundle:
    name = element.identity()
    containers = [child for child in element.children if child.tag in _CONTAINERS]
    if len(containers) != 1:
        element.refuse(f"the bundle '{name}' must name one container ({', '.join(_CONTAINERS)}), not {len(containers)}")
    container = containers[0]
    reading.complete(container, frozenset(container.attributes))
    children = element.all("primitive")
    if len(children) > 1:
        children[1].refuse(f"the bundle '{name}' contains a second primitive")
    sets = _sets(reading, element, name)
    network = element.child("network")
    ports, storage = _read_mappings(reading, element, name, network)
    for child in children:
        read_resource(reading, child, add)
    return Bundle(
        id=ResourceId(name),
        container=container.tag,
        options=tuple(container.attributes.items()),
        network=None if network is None else tuple(network.attributes.items()),
        ports=ports,
        storage=storage,
        child=ResourceId(children[0].identity()) if children else None,
        description=element.get("description"),
        params=sets.params,
        meta=sets.meta,
        unknown=reading.unknown(
            element, _COLLECTIVE_NAMES, (PARAMS, META, "primitive", "network", "storage", container.tag)
        ),
        layout=read_layout(element),
    )


def _read_mappings(
    reading: Reading, bundle: Element, owner: str, network: Element | None
) -> tuple[tuple[PortMapping, ...], tuple[StorageMapping, ...]]:
    ports: list[PortMapping] = []
    if network is not None:
        reading.complete(network, _NETWORK_NAMES, ("port-mapping",))
        for child in network.all("port-mapping"):
            reading.complete(child, frozenset(_PORT_OPTIONS))
            get = child.attributes.get
            ports.append(
                PortMapping(
                    id=reading.chosen(get(ID), f"{owner}_port_mapping"),
                    port=get("port"),
                    internal_port=get("internal-port"),
                    range=get("range"),
                    order=_order(child, _PORT_OPTIONS),
                )
            )
    storage: list[StorageMapping] = []
    for section in bundle.all("storage"):
        reading.complete(section, frozenset(), ("storage-mapping",))
        for child in section.all("storage-mapping"):
            reading.complete(child, frozenset(_STORAGE_OPTIONS))
            get = child.attributes.get
            storage.append(
                StorageMapping(
                    id=reading.chosen(get(ID), f"{owner}_storage_mapping"),
                    source_dir=get("source-dir"),
                    source_dir_root=get("source-dir-root"),
                    target_dir=get("target-dir"),
                    options=get("options"),
                    order=_order(child, _STORAGE_OPTIONS),
                )
            )
    return tuple(ports), tuple(storage)


def _order(mapping: Element, usual: tuple[str, ...]) -> tuple[str, ...]:
    """The order in which the options of a mapping stand, empty for the usual one."""
    order = tuple([name for name in mapping.attributes if name in usual])
    return () if order == tuple([name for name in usual if name in order]) else order


def written_node(naming: Naming, node: Node) -> Element:
    """A `<node>`."""
    attributes = {ID: node.number or node.id, "uname": node.id, "type": node.kind, "description": node.description}
    attributes["score"] = written_score(node.score)
    sections = {
        "attributes": written_sets(naming, PARAMS, node.id, node.attributes),
        "utilization": written_sets(naming, UTILIZATION, node.id, node.utilization),
    }
    return Element("node", filled(attributes), children=list(arranged(node.layout, sections)))


def written_resource(naming: Naming, found: Resource, known: Mapping[str, Resource], finish: Finish) -> Element:
    """A resource with all that it contains; `finish` adds what the model does not know."""
    children = list(arranged(found.layout, _written_sections(naming, found)))
    tag, attributes = _written_head(found)
    members: tuple[ResourceId, ...] = ()
    match found:
        case Bundle():
            children += _written_container(naming, found)
            members = () if found.child is None else (found.child,)
        case Group():
            members = found.members
        case Clone():
            members = (found.child,)
        case Primitive() | Template():
            pass
    # Only a clone may contain a group, so that whatever the model says ends somewhere.
    kinds = Primitive | Group if isinstance(found, Clone) else Primitive
    inner = [child for member in members if isinstance(child := known.get(member), kinds)]
    children += [written_resource(naming, child, known, finish) for child in inner]
    return finish(Element(tag, attributes, children=children), found)


Finish = Callable[[Element, Resource], Element]


def _written_sections(naming: Naming, found: Resource) -> dict[str, list[Element]]:
    sections = {
        SECTIONS[PARAMS]: written_sets(naming, PARAMS, found.id, found.params),
        SECTIONS[META]: written_sets(naming, META, found.id, found.meta),
    }
    if isinstance(found, Primitive | Template):
        sections[SECTIONS[UTILIZATION]] = written_sets(naming, UTILIZATION, found.id, found.utilization)
        sections[SECTIONS[OPERATIONS]] = written_operations(
            naming, found.id, found.operations, found.operations_id, found.operations_ref
        )
    return sections


def _written_head(found: Resource) -> tuple[str, dict[str, str]]:
    attributes: dict[str, str | None] = {ID: found.id}
    if isinstance(found, Primitive | Template):
        if isinstance(found, Primitive):
            attributes["template"] = found.template
        if found.agent is not None:
            attributes["class"] = found.agent.standard
            attributes["provider"] = found.agent.provider or None
            attributes["type"] = found.agent.type
    attributes["description"] = found.description
    tag = "master" if isinstance(found, Clone) and found.is_master else type(found).__name__.lower()
    return tag, filled(attributes)


def _written_container(naming: Naming, found: Bundle) -> list[Element]:
    children = [Element(found.container, dict(found.options))]
    if found.network is not None or found.ports:
        ports = [
            _written_mapping(
                "port-mapping",
                port.order,
                {
                    ID: naming.name(port.id, f"{found.id}_port_mapping"),
                    "port": port.port,
                    "internal-port": port.internal_port,
                    "range": port.range,
                },
            )
            for port in found.ports
        ]
        children.append(Element("network", dict(found.network or ()), children=ports))
    mappings = [
        _written_mapping(
            "storage-mapping",
            mapping.order,
            {
                ID: naming.name(mapping.id, f"{found.id}_storage_mapping"),
                "source-dir": mapping.source_dir,
                "source-dir-root": mapping.source_dir_root,
                "target-dir": mapping.target_dir,
                "options": mapping.options,
            },
        )
        for mapping in found.storage
    ]
    if mappings:
        children.append(Element("storage", {}, children=mappings))
    return children


def _written_mapping(tag: str, order: tuple[str, ...], options: dict[str, str | None]) -> Element:
    given = filled(options)
    names = dict.fromkeys((*(name for name in order if name in given), *given))
    return Element(tag, {name: given[name] for name in names})
