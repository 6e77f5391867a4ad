"""Requests of a shell to its local daemon, the answers, and the events that it may subscribe to."""

from __future__ import annotations

from typing import Final

import msgspec

from hashelld.cib.document import Cib
from hashelld.cib.edit import Edit
from hashelld.cib.view import ClusterView, NodeView
from hashelld.model.ids import Epoch, NodeId, ResourceId, Version
from hashelld.wire.log import Author


PROTOCOL = 1
ISOLATION_MS_MIN: Final = 1_000
ISOLATION_MS_MAX: Final = 60_000


class GetCib(msgspec.Struct, frozen=True, tag="get-cib"):
    """The applied configuration and its version. Answer: `CibIs`."""


class GetStatus(msgspec.Struct, frozen=True, tag="get-status"):
    """The cluster as this node knows it. Answer: `StatusIs`."""


class MakeCommit(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="commit"):
    """Change the configuration. Answer: `Committed`, `Conflict` or `Refused`."""

    id: str
    base: Version
    edits: tuple[Edit, ...]
    command: str = ""
    force: bool = False


class AskCommit(msgspec.Struct, frozen=True, tag="ask-commit"):
    """What became of a commit whose answer was lost? Answer: `Committed` or `Refused`(unknown-commit)."""

    id: str


class GetHistory(msgspec.Struct, frozen=True, tag="get-history"):
    """The newest log entries. Answer: `HistoryIs`."""

    limit: int = 50


class Cleanup(msgspec.Struct, frozen=True, tag="cleanup"):
    """Forget failures of a resource (all by default) on a node (all by default) and probe again. Answer: `Done`."""

    resource: ResourceId | None = None
    node: NodeId | None = None


class FenceNode(msgspec.Struct, frozen=True, tag="fence"):
    """Fence a node; with `confirm` nothing is called: the administrator vouches that it is off. Answer: `Done`."""

    node: NodeId
    confirm: bool = False


class ChangeQuorum(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="change-quorum"):
    """Change who has how many votes, or the modes; None leaves one as it is. Answer: `Done` when it is acknowledged."""

    votes: dict[NodeId, int] = {}
    two_node: bool | None = None
    wait_for_all: bool | None = None
    tie_order: tuple[str, ...] | None = None
    """auto_tie_breaker: lowest, highest, or names; empty: off."""
    last_man_standing: bool | None = None
    last_man_standing_window_ms: int | None = None


class ForceStart(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="force-start"):
    """Go on without a quorum: the user vouches that all who are not heard are off, and accepts loss.

    Answer: `Done` once the node that is asked is in office. With `is_question` nothing is done, and `Done` tells what
    may be lost.
    """

    is_question: bool = False


class SetAttribute(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="set-attribute"):
    """Set a transient attribute of a node, or (None) remove it; it is gone with the node's daemon. Answer: `Done`.

    `fail-count-RESOURCE#OPERATION_INTERVAL` is how often an operation failed (`model.history.fail_count_name`).
    """

    node: NodeId
    name: str
    value: str | None = None
    delay_ms: int = 0
    """The change shows when the attribute was not set again for so long."""


class AgentAsk(msgspec.Struct, frozen=True, omit_defaults=True, tag="agent"):
    """A command of Pacemaker's that an agent calls (hashelld.agents.shims).

    Answer: `AgentTold`, or, of what changes something, `Done`, `Committed`, `Conflict` (ask again) or `Refused`.
    """

    words: tuple[str, ...]
    resource: str = ""
    """The instance that the agent is of."""


class GetLog(msgspec.Struct, frozen=True, omit_defaults=True, tag="get-log"):
    """The newest lines of the log of the daemon that is asked. Answer: `LogIs`."""

    limit: int = 1_000


class Isolate(msgspec.Struct, frozen=True, tag="isolate"):
    """A drill: the daemon that is asked sends its peers nothing and hears nothing of them for so long. Answer: `Done`.

    It ends by itself, whatever becomes of the shell, and with the daemon.
    """

    for_ms: int
    """Between `ISOLATION_MS_MIN` and `ISOLATION_MS_MAX`."""


class Subscribe(msgspec.Struct, frozen=True, tag="subscribe"):
    """Send `Changed` whenever status or configuration changed, until the connection ends."""


Request = (
    GetCib
    | GetStatus
    | MakeCommit
    | AskCommit
    | GetHistory
    | GetLog
    | Cleanup
    | FenceNode
    | Isolate
    | Subscribe
    | SetAttribute
    | AgentAsk
    | ChangeQuorum
    | ForceStart
)
"""Every request has exactly one permission in core.rights."""


class CibIs(msgspec.Struct, frozen=True, tag="cib"):
    """The applied document."""

    version: Version
    digest: str
    cib: Cib


class LinkStatus(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A peer as membership sees it from the answering node."""

    node: NodeId
    presence: str
    """alive, suspect, lost, left, or never (not heard since this daemon started)."""
    silence_ms: int | None = None
    incarnation: str = ""
    clock_ahead_ms: int = 0
    """Its wall clock minus that of the answering node."""


class QuorumStatus(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Votes and verdict: `reason` is a phrase such as "2 of 3 votes", `verdict` a sentence with the arithmetic."""

    has_quorum: bool
    votes: int
    total: int
    reason: str
    two_node: bool = False
    unsafe: tuple[str, ...] = ()
    """Why invariants are not promised ("two_node without fencing"); empty is good."""
    needed: int = 0
    """The votes that the nodes which the answering node hears would need, itself included."""
    rule: str = ""
    """majority, auto_tie_breaker, arbiter, two_node, wait_for_all, or joint (the electorate is being changed)."""
    decision: str = ""
    """What these votes allow: quorum, claim (nothing until the peer is confirmed off), or none."""
    verdict: str = ""
    """ "with quorum: 3 > 4/2"."""
    voters: dict[NodeId, int] = {}
    """Who votes, with how many votes."""
    modes: tuple[str, ...] = ()
    """The modes of the electorate, in words."""
    arbiter: NodeId | None = None
    """The voter that runs nothing."""
    pings: dict[str, bool] = {}
    """The ping nodes (and groups) of the answering node, and whether they answer."""
    disk: str = ""
    """What is wrong with the quorum disk, as the answering node sees it; empty: nothing, or there is none."""
    changing: bool = False
    """The newest electorate is not known acknowledged: it needs the votes of the one before, too."""


NODE_LEVEL: Final = "node"
RESOURCE_LEVEL: Final = "resource"


class Fenced(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A fencing that ended."""

    target: NodeId
    operation: str
    by: NodeId
    """The node that called the devices."""
    device: str
    """The devices that did it, or the one that failed last."""
    ok: bool
    reason: str = ""
    """Why it failed."""
    ended_ms: int = 0
    """Wall-clock milliseconds."""
    duration_ms: int = 0
    times: int = 1
    """So often it failed like this, one time after the other; the rest is of the last time."""
    level: str = NODE_LEVEL
    """RESOURCE_LEVEL: the node was only cut off from what a fabric device holds, or (`on`) got that access back."""


class Dropped(msgspec.Struct, frozen=True, array_like=True):
    """What the answering node would not take, since its daemon started."""

    kind: str
    """A name of `DROPS`."""
    count: int


DROPS: Final[dict[str, str]] = {
    "forged_beats": "beats that no key of this cluster made, or that were damaged",
    "replayed_beats": "beats that were heard before, or are older than the newest",
    "unheard_datagrams": "datagrams that the kernel dropped: no beats by their first bytes, or more than fit",
    "strangers": "connections without a key of this cluster",
    "broken_handshakes": "connections that said nothing, or what is no ZeroMQ with encryption",
    "malformed_messages": "messages between nodes that were none, or not from whom they named",
    "stale_messages": "messages between nodes that were late, repeated, or for another incarnation",
    "broken_clients": "local connections that said nothing, what is no ZeroMQ, or more than a request may be",
    "malformed_requests": "requests of shells that were none",
    "refused_users": "requests of users who may not talk to the daemon",
    "refused_requests": "requests that access rights did not permit",
    "unread_answers": "answers that a shell was gone for, or did not read",
}
"""Every kind of what is not taken, in words."""


class WatchdogStatus(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What ends the answering node when its daemon hangs, or does not get its resources stopped without quorum."""

    mode: str = "off"
    """device, supervisor, or off."""
    timeout_ms: int = 0
    stop_budget_ms: int = 0
    is_armed: bool = False
    ended: str = ""
    """Why this node is being ended."""
    fenced_after_ms: int | None = None
    """A lost node counts as fenced by its watchdog after so long (stonith-watchdog-timeout); None: it does not."""


class StatusIs(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="status"):
    """The answer to `GetStatus`; `nodes` with the applied `Cib` is all that the shell needs to plan offline."""

    cluster: str
    """The cluster's name from hashelld.toml."""
    node: NodeId
    """Who answers."""
    dc: NodeId | None
    epoch: Epoch
    phase: str
    """starting, electing, following, joining, planning, executing, idle, leaving (core.controller)."""
    version: Version
    quorum: QuorumStatus
    links: tuple[LinkStatus, ...]
    nodes: tuple[NodeView, ...]
    """As the DC streamed them; empty when there is no DC."""
    in_flight: tuple[str, ...] = ()
    """Labels of the actions that the DC has ordered and not heard the end of."""
    pending: int = 0
    """Actions of the current transition that have not begun."""
    blocked: tuple[str, ...] = ()
    fencing: tuple[str, ...] = ()
    fenced: tuple[Fenced, ...] = ()
    """The newest fencings of this DC, or of this node where there is none; newest last."""
    notices: tuple[str, ...] = ()
    """`history lost`, a file that disagrees with the electorate, missing privileges…"""
    watchdog: WatchdogStatus | None = None
    """None: not told (no daemon answered)."""
    drops: tuple[Dropped, ...] = ()
    """What the answering node did not take: only kinds of which there was any."""
    wall_ms: int = 0
    daemon_version: str = ""
    view: ClusterView | None = None
    """What else the policy needs, where that is more than the nodes and the quorum; without configuration and nodes."""


class Committed(msgspec.Struct, frozen=True, omit_defaults=True, tag="committed"):
    """On disk with a quorum. `warning` is set where the acknowledgement may be lost (UNSAFE)."""

    version: Version
    warning: str = ""


class Conflict(msgspec.Struct, frozen=True, tag="conflict"):
    """An object was changed since the base by somebody else. `theirs` is the document now."""

    version: Version
    theirs: Cib
    objects: tuple[str, ...]
    by: Author


class HistoryEntry(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One log entry, for people; `edits` only for commits."""

    version: Version
    at_ms: int
    kind: str
    text: str
    author: Author | None = None
    edits: tuple[Edit, ...] = ()


class HistoryIs(msgspec.Struct, frozen=True, tag="history"):
    """Newest last."""

    entries: tuple[HistoryEntry, ...]


class LogIs(msgspec.Struct, frozen=True, tag="log"):
    """Lines of the daemon's log, newest last."""

    lines: tuple[str, ...]


class Done(msgspec.Struct, frozen=True, omit_defaults=True, tag="done"):
    """It was done, or is under way; `text` tells what."""

    text: str = ""


class Refused(msgspec.Struct, frozen=True, omit_defaults=True, tag="refused"):
    """It was not done. `code` is stable: no-quorum, no-dc, permission, invalid, unknown-node, unknown-commit, lost,
    and objection: a commit that is forced would be accepted.
    """

    code: str
    text: str
    details: tuple[str, ...] = ()


class AgentTold(msgspec.Struct, frozen=True, omit_defaults=True, tag="agent-told"):
    """What the command prints, and its exit code."""

    code: int = 0
    out: str = ""
    err: str = ""


class Changed(msgspec.Struct, frozen=True, tag="changed"):
    """Something changed; ask again for what you show."""

    what: str
    """status, cib, or event."""
    text: str = ""


Answer = CibIs | StatusIs | Committed | Conflict | HistoryIs | LogIs | Done | Refused | Changed | AgentTold
"""`Refused(no-quorum)` means that nothing was changed; `Refused(lost)`, that the outcome is unknown (exit code 4)."""


class Ask(msgspec.Struct, frozen=True, array_like=True):
    """A request's frame. `ticket` is repeated in the answer."""

    protocol: int
    ticket: int
    request: Request


class Tell(msgspec.Struct, frozen=True, array_like=True):
    """An answer's frame; events of a subscription carry the subscription's ticket."""

    protocol: int
    ticket: int
    answer: Answer
