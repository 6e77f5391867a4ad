"""Requests of shells: answered here, by this node as DC, or by the DC on another node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hashelld.core.agent_desk import AgentDesk
from hashelld.core.commits import Origin
from hashelld.core.effects import CutOff, TellLog
from hashelld.core.events import ClientAsked
from hashelld.core.options import has_fencing
from hashelld.core.report import status_of
from hashelld.core.rights import primitives_of
from hashelld.model.history import read_fail_count_name
from hashelld.model.ids import Millis, NodeId
from hashelld.model.score import parse_score
from hashelld.wire.client import (
    ISOLATION_MS_MAX,
    ISOLATION_MS_MIN,
    AgentAsk,
    AgentTold,
    Answer,
    AskCommit,
    ChangeQuorum,
    Cleanup,
    Committed,
    Done,
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
from hashelld.wire.log import Author, Operation
from hashelld.wire.peer import Forwarded


if TYPE_CHECKING:
    from hashelld.core.dc import Dc
    from hashelld.core.node import Node


ATTRIBUTES_MAX: Final = 1_000
"""Transient attributes of one node."""
ATTRIBUTE_LENGTH_MAX: Final = 4_096

_NO_QUORUM = Refused(
    "no-quorum", "no DC with a quorum is heard: nothing was changed; see 'hashell cluster health' for what is missing"
)


_ELSEWHERE = Refused("invalid", "this is answered by one's own node")


class Requests:
    """Brings every request to whoever can answer it."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._agents = AgentDesk(node)

    def answer(self, origin: Origin, answer: Answer) -> None:
        """Give an answer back to where its request came from."""
        if origin.client is not None:
            self._node.clients.reply(origin.client, origin.ticket, answer)
        elif origin.peer is not None:
            self._node.standing.send(origin.peer, Forwarded(origin.ticket, answer))

    def on_asked(self, now: Millis, event: ClientAsked) -> None:
        """A shell of this node asks."""
        node = self._node
        refused = node.clients.refusal(event.client, event.author, event.request)
        if refused is not None:
            node.clients.reply(event.client, event.ticket, refused)
            return
        request: Request | AgentTold = event.request
        if isinstance(request, GetLog):
            node.standing.emit(TellLog(event.client, event.ticket, request.limit))
            return
        if isinstance(request, AgentAsk):
            request = self._agents.resolve(request)
        answer = self._answer_here(now, event, request)
        if answer is not None:
            node.clients.reply(event.client, event.ticket, answer)
            return
        if isinstance(request, AgentTold | ForceStart):
            return  # The one is answered; the other is once this node is in office.
        if isinstance(request, SetAttribute):
            self._forward(event, request.node, request)
        elif node.dc is not None:
            self._decide(now, node.dc, event.author, request, Origin(event.ticket, client=event.client))
        elif node.heard_dc is not None:
            self._forward(event, node.heard_dc, request)
        else:
            node.clients.reply(event.client, event.ticket, self._without_dc(event.author, request))

    def _answer_here(self, now: Millis, event: ClientAsked, request: Request | AgentTold) -> Answer | None:
        """The answer to what this node knows or does by itself; None for everything else."""
        match request:
            case AgentTold():
                return request
            case GetStatus():
                return status_of(self._node, now)
            case Isolate():
                return self._isolate(now, event.author, request)
            case ForceStart():
                return self._node.force.on_request(now, event.author, request, Origin(event.ticket, event.client))
            case SetAttribute(node=owner) if owner == self._node.standing.node:
                is_agent = isinstance(event.request, AgentAsk)
                return self._set_attribute(now, None if is_agent else event.author, request)
            case SetAttribute(node=owner) if not self._node.standing.membership.is_heard(owner):
                return Refused("unknown-node", f"node '{owner}' is not online")
            case _:
                return self._node.clients.answer_locally(event.client, event.ticket, request)

    def _set_attribute(self, now: Millis, author: Author | None, request: SetAttribute) -> Answer:
        """Without an author an agent sets it, as it does all the time."""
        node = self._node
        text = request.name + (request.value or "")
        if not request.name or len(text) > ATTRIBUTE_LENGTH_MAX or "\0" in text:
            return Refused("invalid", f"an attribute has a name, and {ATTRIBUTE_LENGTH_MAX} characters with it at most")
        operation = read_fail_count_name(request.name)
        if operation is not None:
            count = parse_score(request.value or "0")
            if count is None or count < 0:
                return Refused("invalid", f"'{request.value}' is no count: a number from 0, or INFINITY")
            outcomes = node.lrm.set_failures(operation, count, now + node.standing.wall_offset_ms)
        else:
            known = node.lrm.attributes()
            if request.name not in known and len(known) >= ATTRIBUTES_MAX:
                return Refused("invalid", f"{ATTRIBUTES_MAX} transient attributes are set already")
            outcomes = node.lrm.set_attribute(now, request.name, request.value, request.delay_ms)
        if node.dc is not None:
            node.dc.controller.on_own(now, [*outcomes])
        else:
            node.member.on_outcomes(now, [*outcomes])
        if author is not None:
            self._note(author, f"{'removed' if request.value is None else 'set'} {request.name} of {request.node}")
        return Done(f"{request.name} of {request.node} is {'gone' if request.value is None else request.value}")

    def _isolate(self, now: Millis, author: Author, request: Isolate) -> Answer:
        if not ISOLATION_MS_MIN <= request.for_ms <= ISOLATION_MS_MAX:
            span = f"{ISOLATION_MS_MIN // 1000} to {ISOLATION_MS_MAX // 1000} s"
            return Refused("invalid", f"a node is cut off for {span}")
        self._note(author, f"cut {self._node.standing.node} off for {request.for_ms} ms")
        self._node.standing.emit(CutOff(now + request.for_ms))
        return Done(f"{self._node.standing.node} is cut off for {request.for_ms} ms")

    def _forward(self, event: ClientAsked, to: NodeId, request: Request) -> None:
        self._node.clients.forward(event.client, event.ticket, to, event.author, request)

    def on_forwarded_here(self, now: Millis, peer: NodeId, ticket: int, author: Author, request: Request) -> None:
        """A shell of another node asks this DC, or sets an attribute of this node."""
        dc = self._node.dc
        origin = Origin(ticket, peer=peer)
        refused = self._node.clients.judge(author, request)
        if refused is not None:
            self.answer(origin, refused)
        elif isinstance(request, SetAttribute):
            is_own = request.node == self._node.standing.node
            self.answer(origin, self._set_attribute(now, author, request) if is_own else _ELSEWHERE)
        elif dc is None:
            self.answer(origin, _NO_QUORUM)
        else:
            self._decide(now, dc, author, request, origin)

    def _decide(self, now: Millis, dc: Dc, author: Author, request: Request, origin: Origin) -> None:
        answer: Answer | None
        match request:
            case MakeCommit():
                wall_ms = now + self._node.standing.wall_offset_ms
                answer = dc.commits.on_commit(wall_ms, author, request, origin)
            case Cleanup():
                answer = self._clean_up(now, dc, author, request)
            case FenceNode():
                answer = self._fence(now, dc, author, request)
            case ChangeQuorum():
                answer = dc.reform.on_request(now + self._node.standing.wall_offset_ms, author, request, origin)
            case (
                GetCib()
                | GetStatus()
                | GetHistory()
                | AskCommit()
                | Subscribe()
                | SetAttribute()
                | AgentAsk()
                | GetLog()
                | Isolate()
                | ForceStart()
            ):
                answer = _ELSEWHERE
        if answer is not None:
            self.answer(origin, answer)

    def _note(self, author: Author, text: str) -> None:
        """Say in the log who did what, and from where."""
        self._node.standing.note(
            "request.done", user=author.user, uid=author.uid, pid=author.pid, at=author.node, what=text
        )

    def _record(self, now: Millis, dc: Dc, author: Author, text: str) -> None:
        """The same in the cluster's own log, for what is no change of the configuration."""
        self._note(author, text)
        if dc.office.leading.has_barrier:
            wall_ms = now + self._node.standing.wall_offset_ms
            dc.office.leading.order(Operation(author.signature(), text), wall_ms)

    def _clean_up(self, now: Millis, dc: Dc, author: Author, request: Cleanup) -> Answer:
        standing = self._node.standing
        if request.resource is not None and standing.log.cib.find(request.resource) is None:
            return Refused("unknown-resource", f"no resource '{request.resource}' in this configuration")
        joined = [n for n in dc.office.places if n == standing.node or dc.office.is_joined(n)]
        if request.node is not None and request.node not in joined:
            return Refused("unknown-node", f"node '{request.node}' is not online")
        nodes = tuple(joined) if request.node is None else (request.node,)
        meant = (None,) if request.resource is None else primitives_of(standing.log.cib, request.resource)
        for resource in meant:
            dc.controller.clean_up(now, resource, nodes)
        what = request.resource or "all resources"
        self._record(now, dc, author, f"cleaned up {what} on {', '.join(nodes)}")
        return Done(f"cleaned up {what} on {', '.join(nodes)}")

    def _fence(self, now: Millis, dc: Dc, author: Author, request: FenceNode) -> Answer:
        standing = self._node.standing
        if request.node not in dc.office.configured:
            return Refused("unknown-node", f"no node '{request.node}' in this cluster")
        if standing.is_arbiter(request.node):
            return Refused(
                "invalid", f"{request.node} is the arbiter: it runs nothing, and nobody waits for it to be off"
            )
        if not request.confirm:
            if request.node == standing.node and len(dc.office.configured) == 1:
                return Refused("invalid", "the only node of a cluster cannot be fenced")
            if not has_fencing(standing.log.cib):  # What it runs would be started elsewhere, and go on there.
                return Refused(
                    "invalid",
                    f"fencing is off (stonith-enabled=false): nothing would end {request.node}; configure a device and "
                    "switch fencing on, or switch the node off by hand and then say so: node fence NODE --confirm",
                )
            dc.office.fence_requests.add(request.node)
            dc.office.is_changed = True
            self._record(now, dc, author, f"asked for {request.node} to be fenced")
            return Done(f"fencing of {request.node} is requested")
        if request.node == standing.node or standing.membership.is_heard(request.node):
            return Refused("invalid", f"{request.node} is alive: it cannot be confirmed off")
        wall_ms = now + standing.wall_offset_ms
        incarnation = standing.incarnation_of(request.node)
        self._record(now, dc, author, f"vouched that {request.node} is off")
        by = f"admin {author.user}"
        dc.office.confirm(request.node, incarnation, by, wall_ms)
        return Done(f"{request.node} counts as off, because you say so")

    def _without_dc(self, author: Author, request: Request) -> Answer:
        if isinstance(request, FenceNode) and request.confirm:
            if self._node.claim.on_confirmed_by_hand(request.node, author.user):
                self._note(author, f"vouched that {request.node} is off")
                return Done(f"{request.node} counts as off, because you say so")
            return Refused("invalid", f"{request.node} is not lost, or this node may not stand alone")
        if isinstance(request, MakeCommit):
            applied = self._node.standing.log.applied
            if applied is not None and request.id in applied.commits:
                return Committed(applied.commits[request.id])
        return _NO_QUORUM
