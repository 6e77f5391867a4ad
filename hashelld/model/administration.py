"""What the configuration says beside nodes, resources and constraints: fencing levels, alerts, access rights."""

from __future__ import annotations

import msgspec

from hashelld.model.ids import NodeId, ResourceId
from hashelld.model.resource import AttributeSet, Unknown
from hashelld.model.written import Arranged, Written


class FencingLevel(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Devices that are used together for a target when all lower levels failed. One of the targets is given."""

    index: str
    devices: tuple[ResourceId, ...]
    target: NodeId | None = None
    pattern: str | None = None
    """A regular expression on node names."""
    attribute: str | None = None
    """A node attribute that has to have `value`."""
    value: str | None = None
    id: str | None = None

    @property
    def is_for_all(self) -> bool:
        """No target is named: it is meant for every node (which only a statement says, no configuration)."""
        return self.target is None and self.pattern is None and self.attribute is None


class Topology(Written, frozen=True, omit_defaults=True, kw_only=True, tag="fencing_topology"):
    """All fencing levels; there is at most one topology, and its id is always `fencing_topology`."""

    id: str = "fencing_topology"
    levels: tuple[FencingLevel, ...] = ()


class Recipient(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Whom an alert's agent tells."""

    value: str
    id: str | None = None
    description: str | None = None
    params: tuple[AttributeSet, ...] = ()
    meta: tuple[AttributeSet, ...] = ()


class Alert(Arranged, frozen=True, omit_defaults=True, kw_only=True, tag="alert"):
    """A program that is run at events of the cluster."""

    id: str
    path: str
    description: str | None = None
    params: tuple[AttributeSet, ...] = ()
    meta: tuple[AttributeSet, ...] = ()
    select: tuple[str, ...] = ()
    """Kinds of events: `nodes`, `fencing`, `resources`, `attributes`; none: the first three."""
    attributes: tuple[str, ...] = ()
    """Names of node attributes whose changes count, when `attributes` is selected; none: all."""
    recipients: tuple[Recipient, ...] = ()
    unknown: Unknown | None = None


class Permission(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One right (`read`, `write`, `deny`) on what `xpath`, `reference` or `object_type` (with `attribute`) selects."""

    right: str
    xpath: str | None = None
    reference: str | None = None
    object_type: str | None = None
    attribute: str | None = None
    id: str | None = None
    description: str | None = None


class AclRole(Written, frozen=True, omit_defaults=True, kw_only=True, tag="role"):
    """Rights under a name."""

    id: str
    description: str | None = None
    permissions: tuple[Permission, ...] = ()


class AclTarget(Written, frozen=True, omit_defaults=True, kw_only=True, tag="acl_target"):
    """The roles of a user (or, `is_group`, of a group of the operating system)."""

    id: str
    roles: tuple[str, ...] = ()
    is_group: bool = False
    name: str | None = None
    """The account's name where it is not the id."""


class Unmodelled(Written, frozen=True, omit_defaults=True, kw_only=True, tag="xml"):
    """An element of the configuration that no other object stands for, kept as XML."""

    id: str
    section: str
    """The section (child of `configuration`) that it belongs to; its own tag when it is a section itself."""
    xml: str
