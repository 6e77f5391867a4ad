"""Requests of shells: answered here, by this node as DC, or by the DC on another node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashelld.core.commits import Origin
from hashelld.core.events import ClientAsked
from hashelld.core.report import status_of
from hashelld.model.ids import Millis, NodeId, ResourceId
from hashelld.model.resource import Group
from hashelld.wire.client import (
    Answer,
    AskCommit,
    Cleanup,
    Committed,
    Done,
    FenceNode,
    GetCib,
    GetHistory,
    GetStatus,
    MakeCommit,
    Refused,
    Request,
    Subscribe,
)
from hashelld.wire.log import Author
from hashelld.wire.peer import Forward, Forwarded


if TYPE_CHECKING:
    from hashelld.core.dc import Dc
    from hashelld.core.node import Node


_NO_QUORUM = Refused(
    "no-quorum", "no DC with a quorum is heard: nothing was changed; see 'hashell cluster health' for what is missing"
)


class Requests:
    """Brings every request to whoever can answer it."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def answer(self, origin: Origin, answer: Answer) -> None:
        """Give an answer back to where its request came from."""
        if origin.client is not None:
            self._node.standing.reply(origin.client, origin.ticket, answer)
        elif origin.peer is not None:
            self._node.standing.send(origin.peer, Forwarded(origin.ticket, answer))

    def on_asked(self, now: Millis, event: ClientAsked) -> None:
        """A shell of this node asks."""
        node = self._node
        if not node.clients.is_permitted(event.author, event.request):
            node.standing.reply(event.client, event.ticket, Refused("permission", "this is not permitted to you"))
            return
        if isinstance(event.request, GetStatus):
            node.standing.reply(event.client, event.ticket, status_of(node, now))
            return
        answer = node.clients.answer_locally(event.client, event.ticket, event.request)
        if answer is not None:
            node.standing.reply(event.client, event.ticket, answer)
            return
        if node.dc is not None:
            self._decide(now, node.dc, event.author, event.request, Origin(event.ticket, client=event.client))
        elif node.heard_dc is not None:
            ticket = node.clients.forward(event.client, event.ticket, node.heard_dc, event.request)
            node.standing.send(node.heard_dc, Forward(ticket, event.author, event.request))
        else:
            node.standing.reply(event.client, event.ticket, self._without_dc(event.author, event.request))

    def on_forwarded_here(self, now: Millis, peer: NodeId, ticket: int, author: Author, request: Request) -> None:
        """A shell of another node asks this DC."""
        dc = self._node.dc
        origin = Origin(ticket, peer=peer)
        if dc is None:
            self.answer(origin, _NO_QUORUM)
            return
        if not self._node.clients.is_permitted(author, request):
            self.answer(origin, Refused("permission", "this is not permitted to you"))
            return
        self._decide(now, dc, author, request, origin)

    def _decide(self, now: Millis, dc: Dc, author: Author, request: Request, origin: Origin) -> None:
        answer: Answer | None
        match request:
            case MakeCommit():
                wall_ms = now + self._node.standing.wall_offset_ms
                answer = dc.commits.on_commit(wall_ms, author, request, origin)
            case Cleanup():
                answer = self._clean_up(now, dc, request)
            case FenceNode():
                answer = self._fence(now, dc, author, request)
            case GetCib() | GetStatus() | GetHistory() | AskCommit() | Subscribe():
                answer = Refused("invalid", "this is answered by one's own node")
        if answer is not None:
            self.answer(origin, answer)

    def _clean_up(self, now: Millis, dc: Dc, request: Cleanup) -> Answer:
        standing = self._node.standing
        if request.resource is not None and standing.log.cib.find(request.resource) is None:
            return Refused("unknown-resource", f"no resource '{request.resource}' in this configuration")
        joined = [n for n in dc.office.configured if n == standing.node or dc.office.is_joined(n)]
        if request.node is not None and request.node not in joined:
            return Refused("unknown-node", f"node '{request.node}' is not online")
        nodes = tuple(joined) if request.node is None else (request.node,)
        for resource in self._members(request.resource):
            dc.controller.clean_up(now, resource, nodes)
        what = request.resource or "all resources"
        return Done(f"cleaned up {what} on {', '.join(nodes)}")

    def _members(self, resource: ResourceId | None) -> list[ResourceId | None]:
        found = self._node.standing.log.cib.find(resource) if resource is not None else None
        return list(found.members) if isinstance(found, Group) else [resource]

    def _fence(self, now: Millis, dc: Dc, author: Author, request: FenceNode) -> Answer:
        standing = self._node.standing
        if request.node not in dc.office.configured:
            return Refused("unknown-node", f"no node '{request.node}' in this cluster")
        if not request.confirm:
            if request.node == standing.node and len(dc.office.configured) == 1:
                return Refused("invalid", "the only node of a cluster cannot be fenced")
            dc.office.fence_requests.add(request.node)
            dc.office.is_changed = True
            return Done(f"fencing of {request.node} is requested")
        if request.node == standing.node or standing.membership.is_heard(request.node):
            return Refused("invalid", f"{request.node} is alive: it cannot be confirmed off")
        wall_ms = now + standing.wall_offset_ms
        incarnation = standing.incarnation_of(request.node)
        by = f"admin {author.user}"
        dc.office.confirm(request.node, incarnation, by, wall_ms)
        return Done(f"{request.node} counts as off, because you say so")

    def _without_dc(self, author: Author, request: Request) -> Answer:
        if isinstance(request, FenceNode) and request.confirm:
            if self._node.claim.on_confirmed_by_hand(request.node, author.user):
                return Done(f"{request.node} counts as off, because you say so")
            return Refused("invalid", f"{request.node} is not lost, or this node may not stand alone")
        if isinstance(request, MakeCommit):
            applied = self._node.standing.log.applied
            if applied is not None and request.id in applied.commits:
                return Committed(applied.commits[request.id])
        return _NO_QUORUM
