"""The one permission check: who may ask what, and what of an answer is shown to whom.

Every request has exactly one permission. What a request changes of the configuration is judged edit by edit where it
is ordered (`judged`); what an answer tells goes through `Gate.shown`, whatever way it came.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final

import msgspec

from hashelld.cib.document import Cib, key_of
from hashelld.cib.lang.diagnostic import Diagnostic
from hashelld.cib.rights.reading import visible
from hashelld.cib.rights.rules import UNLIMITED, Account, Rights, is_enforced, rights_of
from hashelld.cib.rights.state import may_clean_up, may_fence, may_set_attribute
from hashelld.cib.rights.writing import permitted
from hashelld.core.shown import Viewer
from hashelld.core.standing import Standing
from hashelld.model.ids import ResourceId
from hashelld.model.resource import Bundle, Clone, Group, Primitive
from hashelld.wire.client import (
    AgentAsk,
    Answer,
    AskCommit,
    ChangeQuorum,
    Cleanup,
    FenceNode,
    ForceStart,
    GetCib,
    GetHistory,
    GetLog,
    GetStatus,
    Isolate,
    MakeCommit,
    Refused,
    Request,
    SetAttribute,
    Subscribe,
)
from hashelld.wire.log import Author


class Permission(Enum):
    """What a request needs of somebody whom access rights limit."""

    READ = "read"
    """Any right to read: the answer is what the rights leave of it."""
    WRITE = "write"
    """The right to write everything that it changes in the configuration."""
    OPERATE = "operate"
    """The right to write the part of the status section that it changes."""
    UNLIMITED = "unlimited"
    """Nobody whom access rights limit may ask this."""


PERMISSIONS: Final[dict[type, Permission]] = {
    GetCib: Permission.READ,
    GetStatus: Permission.READ,
    GetHistory: Permission.READ,
    Subscribe: Permission.READ,
    AskCommit: Permission.READ,
    MakeCommit: Permission.WRITE,
    Cleanup: Permission.OPERATE,
    FenceNode: Permission.OPERATE,
    SetAttribute: Permission.OPERATE,
    AgentAsk: Permission.UNLIMITED,
    Isolate: Permission.UNLIMITED,
    GetLog: Permission.UNLIMITED,
    ChangeQuorum: Permission.UNLIMITED,
    ForceStart: Permission.UNLIMITED,
}
"""A request without an entry is refused to everybody."""

_VIEWS_MAX: Final = 8
"""Of so many authors what they may see is kept until it changes."""


def rights_for(cib: Cib, author: Author) -> Rights:
    """What an author may do with this configuration, by its own roles."""
    if author.uid == 0 or author.is_trusted or not is_enforced(cib):
        return UNLIMITED
    return rights_of(cib, Account(author.user, author.groups))


def judged(cib: Cib, author: Author, request: MakeCommit) -> MakeCommit:
    """The commit as it is to be applied to this configuration.

    `NotPermitted`, or `EditRefused` where it does not fit.
    """
    rights = rights_for(cib, author)
    if rights.is_unlimited:
        return request
    return msgspec.structs.replace(request, edits=permitted(cib, request.edits, rights))


def told_objections(before: Cib, after: Cib, author: Author, found: Sequence[Diagnostic]) -> tuple[str, ...]:
    """What is wrong with the result of a commit, in words that say nothing of what its author may not see."""
    rights = rights_for(before, author)
    if rights.reads_all:
        return tuple(one.message for one in found)
    shown = {key_of(one) for one in visible(after, rights).objects}
    hidden = "something that you may not see would not be sound any more"
    return tuple(dict.fromkeys(one.message if one.object in shown else hidden for one in found))


class Gate:
    """Stands between the shells of this node, or those of others, and everything that can be asked."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        self._viewers: dict[tuple[str, tuple[str, ...]], Viewer] = {}

    def refusal(self, author: Author, request: Request) -> Refused | None:
        """Why this author may not ask this; None when the author may."""
        permission = PERMISSIONS.get(type(request))
        if permission is None or not author.user:
            return Refused("permission", "this is not permitted to you")
        cib = self._standing.log.cib
        rights = rights_for(cib, author)
        if rights.is_unlimited:
            return None
        if rights.is_none:
            text = f"access rights are enforced (enable-acl), and user {author.user} has no role"
            return Refused("permission", text, ("root gives roles: configure acl_target USER ROLE",))
        if permission is Permission.UNLIMITED:
            return Refused("permission", "access rights limit you, and this is for those whom none limit")
        return _operation_refusal(cib, rights, request) if permission is Permission.OPERATE else None

    def shown(self, author: Author, answer: Answer) -> Answer:
        """The answer as this author may see it."""
        rights = rights_for(self._standing.log.cib, author)
        if rights.reads_all:
            self._viewers.pop((author.user, author.groups), None)
            return answer
        key = (author.user, author.groups)
        viewer = self._viewers.pop(key, None)
        if viewer is None or viewer.rights != rights:
            viewer = Viewer(self._standing, rights)
        self._viewers[key] = viewer
        while len(self._viewers) > _VIEWS_MAX:
            del self._viewers[next(iter(self._viewers))]
        return viewer.shown(answer)


def _operation_refusal(cib: Cib, rights: Rights, request: Request) -> Refused | None:
    match request:
        case Cleanup(resource=resource, node=node):
            nodes = () if node is None else (node,)
            names = _primitives(cib) if resource is None else primitives_of(cib, resource)
            is_all = resource is not None or may_clean_up(rights, nodes, ())
            if is_all and may_clean_up(rights, nodes or tuple(one.id for one in cib.nodes), names):
                return None
            what = f"the status of {resource or 'all resources'} on {node or 'all nodes'}"
        case SetAttribute(node=node, name=name):
            if may_set_attribute(rights, node, name):
                return None
            what = f"the attribute {name} in the status of {node}"
        case FenceNode(node=node):
            if may_fence(cib, rights, node):
                return None
            what = f"both the configuration and the status of {node}"
        case _:
            what = "what this changes"
    return Refused("permission", f"this needs the right to write {what}, and you do not have it")


def primitives_of(cib: Cib, resource: ResourceId) -> tuple[ResourceId, ...]:
    """The resource itself, or the primitives that it consists of."""
    found = cib.find(resource)
    match found:
        case Group():
            return found.members
        case Clone():
            return primitives_of(cib, found.child)
        case Bundle():
            return (resource,) if found.child is None else (resource, found.child)
        case _:
            return (resource,)


def _primitives(cib: Cib) -> tuple[ResourceId, ...]:
    return tuple(found.id for found in cib.resources if isinstance(found, Primitive))
