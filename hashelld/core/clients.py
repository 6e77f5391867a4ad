"""The shells of this node: who they are, what they wait for, and the one way on which answers go to them."""

from __future__ import annotations

from typing import Final

from hashelld.cib.digest import digest
from hashelld.cib.edit import Edit, Put
from hashelld.core.rights import Gate
from hashelld.core.standing import Standing
from hashelld.model.ids import Millis, NodeId
from hashelld.wire.client import (
    AgentAsk,
    Answer,
    AskCommit,
    Changed,
    ChangeQuorum,
    CibIs,
    Cleanup,
    Committed,
    FenceNode,
    ForceStart,
    GetCib,
    GetHistory,
    GetLog,
    GetStatus,
    HistoryEntry,
    HistoryIs,
    Isolate,
    MakeCommit,
    Refused,
    Request,
    SetAttribute,
    Subscribe,
)
from hashelld.wire.log import (
    Author,
    Barrier,
    Commit,
    Confirmation,
    Departure,
    ElectorateChange,
    Entry,
    Founding,
    Operation,
    PathChange,
    PathState,
    Return,
)
from hashelld.wire.peer import Forward


SUBSCRIBERS_MAX: Final = 64
AGAIN_FACTOR: Final = 4
"""A commit that the DC did not answer for so many deadtimes is sent to it again."""
HISTORY_MAX: Final = 1000


class _Forwarded:
    __slots__ = ("client", "dc", "message", "sent_ms", "ticket")

    def __init__(self, client: bytes, ticket: int, dc: NodeId, message: Forward) -> None:
        self.client = client
        self.ticket = ticket
        self.dc = dc
        self.message = message
        self.sent_ms: Millis | None = None
        """None: just now."""


class Clients:
    """The shells of this node: subscriptions, and requests that the DC is answering for them."""

    def __init__(self, standing: Standing) -> None:
        self.refused = 0
        """Requests that access rights did not permit."""
        self._standing = standing
        self._gate = Gate(standing)
        self._authors: dict[bytes, Author] = {}
        self._subscribers: dict[tuple[bytes, int], None] = {}
        self._forwarded: dict[int, _Forwarded] = {}
        self._early: list[tuple[bytes, int, Committed]] = []
        """Commits that are done, and that this node's own log does not show yet."""
        self._ticket = 0
        self._told: tuple[object, object] = ("", "")

    def refusal(self, client: bytes, author: Author, request: Request) -> Refused | None:
        """The one permission check: why this may not be asked; None when it may. The author is remembered."""
        self._authors[client] = author
        return self.judge(author, request)

    def judge(self, author: Author, request: Request) -> Refused | None:
        """The same for a request that came from another node."""
        refused = self._gate.refusal(author, request)
        if refused is not None:
            self.refused += 1
            self._standing.note(
                "request.refused",
                request=type(request).__struct_config__.tag,
                user=author.user,
                uid=author.uid,
                pid=author.pid,
                at=author.node,
                reason=refused.text,
            )
        return refused

    def reply(self, client: bytes, ticket: int, answer: Answer) -> None:
        """Answer a shell of this node with what its user may see of the answer; one that is gone gets nothing."""
        author = self._authors.get(client)
        if author is not None:
            self._standing.reply(client, ticket, self._gate.shown(author, answer))

    def answer_locally(self, client: bytes, ticket: int, request: Request) -> Answer | None:
        """The answer to what any node can tell of its own log; None for everything else."""
        match request:
            case GetCib():
                log = self._standing.log
                return CibIs(log.acknowledged, digest(log.cib), log.cib)
            case GetHistory(limit=limit):
                return HistoryIs(history(self._standing, min(limit, HISTORY_MAX)))
            case AskCommit(id=commit_id):
                applied = self._standing.log.applied
                if applied is not None and commit_id in applied.commits:
                    return Committed(applied.commits[commit_id])
                return Refused("unknown-commit", f"no commit '{commit_id}' is known to be acknowledged here")
            case Subscribe():
                if len(self._subscribers) >= SUBSCRIBERS_MAX:
                    return Refused("busy", f"{SUBSCRIBERS_MAX} subscriptions are open")
                self._subscribers[(client, ticket)] = None
                return Changed("status")
            case GetStatus() | GetLog() | AgentAsk() | Isolate():
                return None
            case MakeCommit() | Cleanup() | FenceNode() | SetAttribute():
                return None
            case ChangeQuorum() | ForceStart():
                return None

    def forward(self, client: bytes, ticket: int, dc: NodeId, author: Author, request: Request) -> int:
        """Ask the DC, or the node that an attribute is of; returns the forwarded request's ticket."""
        self._ticket += 1
        message = Forward(self._ticket, author, request)
        self._forwarded[self._ticket] = _Forwarded(client, ticket, dc, message)
        self._standing.send(dc, message)
        return self._ticket

    def _forward_again(self, now: Millis) -> None:
        """A message may be lost. A commit sent again gets its first answer (its id tells); anything else waits."""
        for found in self._forwarded.values():
            if found.sent_ms is None:
                found.sent_ms = now
            elif now - found.sent_ms >= AGAIN_FACTOR * self._standing.settings.deadtime_ms:
                found.sent_ms = now
                if isinstance(found.message.request, MakeCommit):
                    self._standing.send(found.dc, found.message)

    def on_forwarded(self, peer: NodeId, ticket: int, answer: Answer) -> None:
        """The DC's answer. A commit is told when a shell that then reads the configuration here finds it."""
        found = self._forwarded.get(ticket)
        if found is None or found.dc != peer:
            return
        del self._forwarded[ticket]
        if isinstance(answer, Committed) and answer.version > self._standing.log.acknowledged:
            self._early.append((found.client, found.ticket, answer))
        else:
            self.reply(found.client, found.ticket, answer)

    def on_dc(self, dc: NodeId | None) -> None:
        """The DC is another: what was forwarded to the old one has an unknown outcome."""
        for ticket, found in list(self._forwarded.items()):
            if found.dc != dc:
                del self._forwarded[ticket]
                text = f"the DC {found.dc} was lost before it answered; whether the change was made is unknown"
                self.reply(found.client, found.ticket, Refused("lost", text))
        if dc is None:
            self._tell_early(is_waiting=False)

    def _tell_early(self, *, is_waiting: bool) -> None:
        early, self._early = self._early, []
        for client, ticket, answer in early:
            if is_waiting and answer.version > self._standing.log.acknowledged:
                self._early.append((client, ticket, answer))
            else:
                self.reply(client, ticket, answer)

    def on_gone(self, client: bytes) -> None:
        """A shell's connection ended."""
        self._authors.pop(client, None)
        for key in [key for key in self._subscribers if key[0] == client]:
            del self._subscribers[key]
        for ticket in [t for t, found in self._forwarded.items() if found.client == client]:
            del self._forwarded[ticket]

    def tell(self, now: Millis, status: object, cib: object) -> None:
        """Tell subscribers what changed since they were told last, and shells that their commits are done."""
        self._tell_early(is_waiting=True)
        self._forward_again(now)
        before, self._told = self._told, (status, cib)
        for client, ticket in self._subscribers:
            if before[1] != cib:
                self._standing.reply(client, ticket, Changed("cib"))
            elif before[0] != status:
                self._standing.reply(client, ticket, Changed("status"))


def history(standing: Standing, limit: int) -> tuple[HistoryEntry, ...]:
    """The newest acknowledged entries that say something to people, newest last."""
    log = standing.log
    found = [e for e in log.entries if e.version <= log.acknowledged and not isinstance(e.change, Barrier)]
    return tuple(_history_entry(entry) for entry in found[-limit:])


_PATHS: Final[dict[PathState | None, str]] = {
    PathState.UNCERTAIN: "may be cut off by",
    PathState.CUT: "is cut off by",
    PathState.RESTORING: "gets its access back from",
    PathState.CONFIRMING: "makes sure of its access by",
    None: "has access again by",
}


def _path_text(change: PathChange) -> str:
    return f"{change.node} {_PATHS[change.state]} {' '.join(change.devices)}"


def _history_entry(entry: Entry) -> HistoryEntry:
    change = entry.change
    author: Author | None = None
    edits: tuple[Edit, ...] = ()
    text = ""
    match change:
        case Commit():
            author, edits = change.author, change.edits
            named = [e.object.id if isinstance(e, Put) else f"-{e.id}" for e in change.edits]
            text = change.author.command or "changed " + " ".join(named)
        case Founding():
            text = "cluster founded by " + " ".join(sorted(change.electorate.votes))
        case ElectorateChange():
            author = change.author
            text = f"electorate {' '.join(sorted(change.electorate.votes))}: {change.reason}"
        case Departure():
            text = f"{change.node} left cleanly"
        case Return():
            text = f"{change.node} is back"
        case Confirmation():
            text = f"{change.node} is confirmed off by {change.by}"
        case PathChange():
            text = _path_text(change)
        case Operation():
            author, text = change.author, change.text
        case Barrier():
            text = f"{entry.version.epoch.node} took office"
    kind = type(change).__name__.lower()
    return HistoryEntry(version=entry.version, at_ms=entry.at_ms, kind=kind, text=text, author=author, edits=edits)
