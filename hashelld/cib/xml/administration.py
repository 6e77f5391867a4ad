"""Tags, fencing levels, alerts and access rights, in both directions."""

from __future__ import annotations

from typing import Final

from hashelld.cib.xml.naming import ID, Naming, Reading
from hashelld.cib.xml.sets import META, PARAMS, read_layout, read_sets, written_sets
from hashelld.cib.xml.tree import Element, filled
from hashelld.model.administration import (
    AclRole,
    AclTarget,
    Alert,
    FencingLevel,
    Permission,
    Recipient,
    Topology,
)
from hashelld.model.ids import NodeId, ResourceId
from hashelld.model.resource import Tag
from hashelld.model.written import arranged


_LEVEL: Final = "fencing-level"
_LEVEL_NAMES: Final = frozenset(
    {ID, "index", "devices", "target", "target-pattern", "target-attribute", "target-value"}
)
_SELECT: Final = "select"
_SELECTED: Final = "select_"
_KINDS: Final = tuple([_SELECTED + kind for kind in ("nodes", "fencing", "resources", "attributes")])
_ALERT_SECTIONS: Final = {PARAMS: "attributes", META: "meta", _SELECT: "select", "recipient": "to"}
_ALERT_NAMES: Final = frozenset({ID, "path", "description"})
_RECIPIENT_NAMES: Final = frozenset({ID, "value", "description"})
_PERMISSION: Final = "acl_permission"
_PERMISSION_NAMES: Final = frozenset({ID, "kind", "xpath", "reference", "object-type", "attribute", "description"})
_TARGET_NAMES: Final = frozenset({ID, "name"})


def read_tag(reading: Reading, element: Element) -> Tag:
    """A `<tag>`."""
    reading.complete(element, frozenset({ID}), ("obj_ref",))
    for child in element.children:
        reading.complete(child, frozenset({ID}))
    return Tag(id=element.identity(), members=tuple([child.identity() for child in element.all("obj_ref")]))


def written_tag(tag: Tag) -> Element:
    """A `<tag>`."""
    return Element("tag", {ID: tag.id}, children=[Element("obj_ref", {ID: member}) for member in tag.members])


def read_topology(reading: Reading, section: Element) -> Topology | None:
    """The section `<fencing-topology>`; None when it is empty."""
    reading.complete(section, frozenset(), (_LEVEL,))
    levels = tuple([_read_level(reading, child) for child in section.all(_LEVEL)])
    return Topology(levels=levels) if levels else None


def _read_level(reading: Reading, element: Element) -> FencingLevel:
    reading.complete(element, _LEVEL_NAMES)
    target = element.get("target")
    return FencingLevel(
        id=reading.chosen(element.get(ID), "fencing"),
        index=element.demand("index"),
        devices=tuple([ResourceId(device.strip()) for device in element.demand("devices").split(",")]),
        target=None if target is None else NodeId(target),
        pattern=element.get("target-pattern"),
        attribute=element.get("target-attribute"),
        value=element.get("target-value"),
    )


def written_levels(naming: Naming, topology: Topology) -> list[Element]:
    """The children of `<fencing-topology>`."""
    return [
        Element(
            _LEVEL,
            filled(
                {
                    ID: naming.name(level.id, "fencing"),
                    "index": level.index,
                    "target": level.target,
                    "target-pattern": level.pattern,
                    "target-attribute": level.attribute,
                    "target-value": level.value,
                    "devices": ",".join(level.devices),
                }
            ),
        )
        for level in topology.levels
    ]


def read_alert(reading: Reading, element: Element) -> Alert:
    """An `<alert>`."""
    name = element.identity()
    params = read_sets(reading, element, PARAMS, name)
    meta = read_sets(reading, element, META, name)
    select, attributes = _read_select(reading, element)
    return Alert(
        id=name,
        path=element.demand("path"),
        description=element.get("description"),
        params=params,
        meta=meta,
        select=select,
        attributes=attributes,
        recipients=tuple([_read_recipient(reading, child, name) for child in element.all("recipient")]),
        unknown=reading.unknown(element, _ALERT_NAMES, (PARAMS, META, _SELECT, "recipient")),
        layout=read_layout(element, _ALERT_SECTIONS),
    )


def _read_select(reading: Reading, alert: Element) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Kinds of events, and names of node attributes."""
    kinds: list[str] = []
    names: list[str] = []
    for select in alert.all(_SELECT):
        reading.complete(select, frozenset(), _KINDS)
        for child in select.children:
            if child.tag not in _KINDS:
                continue
            kind = child.tag.removeprefix(_SELECTED)
            if kind in kinds:
                child.refuse(f"<{alert.tag}> has a second <{child.tag}>")
            kinds.append(kind)
            reading.complete(child, frozenset(), ("attribute",) if kind == "attributes" else ())
            names += [named.demand("name") for named in child.all("attribute")]
    return tuple(kinds), tuple(names)


def _read_recipient(reading: Reading, element: Element, alert: str) -> Recipient:
    reading.complete(element, _RECIPIENT_NAMES, (PARAMS, META))
    generated = f"{alert}-recipient"
    name = element.get(ID)
    chosen = reading.chosen(name, generated)
    return Recipient(
        id=chosen,
        value=element.demand("value"),
        description=element.get("description"),
        params=read_sets(reading, element, PARAMS, name or generated),
        meta=read_sets(reading, element, META, name or generated),
    )


def written_alert(naming: Naming, alert: Alert) -> Element:
    """An `<alert>`. The ids of selected attributes are made up."""
    sections = {
        "attributes": written_sets(naming, PARAMS, alert.id, alert.params),
        "meta": written_sets(naming, META, alert.id, alert.meta),
        "to": [],
    }
    if alert.select:
        names = [
            Element("attribute", {ID: naming.name(None, f"{alert.id}-attribute-{name}"), "name": name})
            for name in alert.attributes
        ]
        kinds = [Element(_SELECTED + kind, {}, children=names if kind == "attributes" else []) for kind in alert.select]
        sections["select"] = [Element(_SELECT, {}, children=kinds)]
    for recipient in alert.recipients:
        name = naming.name(recipient.id, f"{alert.id}-recipient")
        sets = written_sets(naming, PARAMS, name, recipient.params) + written_sets(naming, META, name, recipient.meta)
        attributes = {ID: name, "value": recipient.value, "description": recipient.description}
        sections["to"].append(Element("recipient", filled(attributes), children=sets))
    head = filled({ID: alert.id, "path": alert.path, "description": alert.description})
    return Element("alert", head, children=list(arranged(alert.layout, sections)))


def read_acl(reading: Reading, element: Element) -> AclRole | AclTarget | None:
    """A child of `<acls>`; None for what only the oldest schemas have."""
    match element.tag:
        case "acl_role" if all(child.tag == _PERMISSION for child in element.children):
            return _read_role(reading, element)
        case "acl_target" | "acl_group":
            reading.complete(element, _TARGET_NAMES, ("role",))
            roles = element.all("role")
            for role in roles:
                reading.complete(role, frozenset({ID}))
            return AclTarget(
                id=element.identity(),
                name=element.get("name"),
                is_group=element.tag == "acl_group",
                roles=tuple([role.identity() for role in roles]),
            )
        case _:
            return None


def _read_role(reading: Reading, element: Element) -> AclRole:
    reading.complete(element, frozenset({ID, "description"}), (_PERMISSION,))
    name = element.identity()
    permissions: list[Permission] = []
    for child in element.children:
        reading.complete(child, _PERMISSION_NAMES)
        right = child.demand("kind")
        get = child.attributes.get
        permissions.append(
            Permission(
                id=reading.chosen(get(ID), f"{name}-{right}"),
                right=right,
                xpath=get("xpath"),
                reference=get("reference"),
                object_type=get("object-type"),
                attribute=get("attribute"),
                description=get("description"),
            )
        )
    return AclRole(id=name, description=element.get("description"), permissions=tuple(permissions))


def written_acl(naming: Naming, found: AclRole | AclTarget) -> Element:
    """A child of `<acls>`."""
    if isinstance(found, AclTarget):
        roles = [Element("role", {ID: role}) for role in found.roles]
        return Element(
            "acl_group" if found.is_group else "acl_target", filled({ID: found.id, "name": found.name}), 0, roles
        )
    children = []
    for permission in found.permissions:
        attributes: dict[str, str | None] = {
            ID: naming.name(permission.id, f"{found.id}-{permission.right}"),
            "kind": permission.right,
            "xpath": permission.xpath,
            "reference": permission.reference,
            "object-type": permission.object_type,
            "attribute": permission.attribute,
            "description": permission.description,
        }
        children.append(Element(_PERMISSION, filled(attributes)))
    return Element("acl_role", filled({ID: found.id, "description": found.description}), children=children)
