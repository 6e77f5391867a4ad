"""What command handlers return: data only. Views turn it into text; `--json` prints it as it is."""

from __future__ import annotations

import msgspec

from hashelld.model.ids import NodeId
from hashelld.policy.explanation import Explanation
from hashelld.policy.graph import Blocked, Transition
from hashelld.wire.client import StatusIs


class Said(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="said"):
    """A sentence or two; `data` is its machine-readable twin."""

    text: str
    data: dict[str, object] = {}
    warnings: tuple[str, ...] = ()
    """Told on standard error."""
    is_bad: bool = False
    """What was to be found out is found out, and it is not as it should be: the exit code is 1."""


class Table(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="table"):
    """Rows of plain words."""

    title: str = ""
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


class Listing(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="listing"):
    """Text in the configure language (`language` crm), XML, a man page or a diff; highlighted when possible."""

    text: str
    language: str = "crm"


class Instance(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One primitive in the status: where it is, where it should be, what is wrong."""

    resource: str
    agent: str
    group: str = ""
    """The outermost group or clone that contains it."""
    container: str = ""
    """What `group` is: "group", "clone", "promotable clone", "clone of group apps"."""
    role: str
    nodes: tuple[NodeId, ...] = ()
    is_managed: bool = True
    failures: tuple[str, ...] = ()
    """Sentences: "monitor failed on node1 (rc 7, not running), 12:31:07"."""
    note: str = ""
    """Why it is not as one would expect: "target-role Stopped", "blocked: …"."""
    fail_counts: tuple[tuple[NodeId, int], ...] = ()


class NodeLine(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One node in the status. state: online, standby, maintenance, pending, UNCLEAN, offline."""

    node: NodeId
    state: str
    is_dc: bool = False
    resources: int = 0


class Leftover(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A constraint that `resource move` or `ban` left behind; `resource clear` removes it."""

    constraint: str
    resource: str
    node: NodeId
    is_ban: bool = False


class OperationLine(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The newest result of an operation of a resource on a node."""

    resource: str
    node: NodeId
    operation: str
    """With its interval when it is recurring: "monitor 10s"."""
    outcome: str
    is_failed: bool = False
    when: str = ""
    duration_ms: int = 0


class TicketLine(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A ticket; state: granted, "granted, in standby", revoked."""

    ticket: str
    state: str


class StatusReport(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="status"):
    """The cluster at a glance."""

    status: StatusIs
    nodes: tuple[NodeLine, ...]
    instances: tuple[Instance, ...]
    leftovers: tuple[Leftover, ...] = ()
    words: tuple[str, ...] = ()
    """How it is to be shown: bynode, full, noheaders, and what more: failcounts, ops, timing, tickets."""
    operations: tuple[OperationLine, ...] = ()
    tickets: tuple[TicketLine, ...] = ()


class Change(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a plan does to one resource (or, without one, to a node), and in which of its steps."""

    verb: str
    """start, stop, move, migrate, restart, promote, demote, re-promote, reload; fence, cut off, unfence, let go."""
    resource: str = ""
    nodes: tuple[str, ...] = ()
    """Where it happens; of a move, where it comes from."""
    to: str | None = None
    detail: str = ""
    """How a node is fenced, or by which device it is cut off;
    the role in which a resource is started when it is no ordinary one."""
    reason: str = ""
    first_step: int = 0
    last_step: int = 0


class Planned(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="plan"):
    """What the cluster would do."""

    transition: Transition
    diff: str = ""
    changes: tuple[Change, ...] = ()
    steps: tuple[int, ...] = ()
    """For each action the step in which it may happen at the earliest, from 1 (0: nothing is done, at once)."""
    unchanged: tuple[str, ...] = ()
    """Active resources to which nothing happens."""


class Why(msgspec.Struct, frozen=True, tag="why"):
    """Why a resource is where it is."""

    explanation: Explanation


class Simulated(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One recorded CIB: where things are after its plan was carried out, the actions, and what waits for what."""

    file: str
    error: str = ""
    about: str = ""
    """Which nodes are there, whether there is quorum, and when that was."""
    placement: tuple[tuple[str, str, str], ...] = ()
    """Resource, node and role of every active instance."""
    actions: tuple[str, ...] = ()
    edges: tuple[tuple[int, int], ...] = ()
    """Pairs of indexes into `actions`: before, after."""
    reasons: tuple[str, ...] = ()
    """Why, for each of `actions`."""
    blocked: tuple[Blocked, ...] = ()
    assumed: tuple[str, ...] = ()
    """What was taken to have happened, in sentences."""
    plans: tuple[Planned, ...] = ()
    """The plan; when something in it was made to fail, also what the cluster would do then."""
    failed: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    """Actions that were not begun, because they wait for one that failed."""
    missed: tuple[str, ...] = ()
    """Actions that were to fail and that the plan does not have."""


class Simulation(msgspec.Struct, frozen=True, kw_only=True, tag="simulation"):
    """Several recorded CIBs; in JSON, each is a line of its own."""

    files: tuple[Simulated, ...]


class Candidate(msgspec.Struct, frozen=True):
    """One completion: what is inserted, and one line that describes it."""

    text: str
    description: str = ""


Outcome = Said | Table | Listing | StatusReport | Planned | Why | Simulation
