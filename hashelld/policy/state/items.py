"""What is planned for: items (resources, expanded to their instances) and nodes, as all phases share them.

An item is a primitive instance, a group, a clone or a bundle; `children` and `parent` connect them. A clone's children
are its instances: primitives or groups. Every phase reads what earlier ones wrote here; who writes what is said at the
fields. Nodes are referred to by index everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import TYPE_CHECKING

from hashelld.cib.view import NodeView
from hashelld.model.history import ActionResult, Role
from hashelld.model.ids import NodeId
from hashelld.model.resource import Agent, AttributeSet, Bundle, Clone, Group, Primitive
from hashelld.model.score import INFINITY, Score
from hashelld.policy.state.table import Table


if TYPE_CHECKING:
    from hashelld.policy.state.findings import Failure, Tally
    from hashelld.policy.state.ops import Op
    from hashelld.policy.state.ties import Tie


class Kind(IntEnum):
    """What an item is; later kinds are processed first where priorities are equal."""

    PRIMITIVE = 0
    GROUP = 1
    CLONE = 2
    BUNDLE = 3


class Stage(IntEnum):
    """How far up an instance is. Comparable; STARTED is said of what is not promotable."""

    UNKNOWN = 0
    STOPPED = 1
    STARTED = 2
    UNPROMOTED = 3
    PROMOTED = 4

    @property
    def role(self) -> Role:
        """The role as the model names it."""
        return _ROLES[self]


_ROLES = {
    Stage.UNKNOWN: Role.STOPPED,
    Stage.STOPPED: Role.STOPPED,
    Stage.STARTED: Role.STARTED,
    Stage.UNPROMOTED: Role.UNPROMOTED,
    Stage.PROMOTED: Role.PROMOTED,
}

STAGES = {
    "stopped": Stage.STOPPED,
    "started": Stage.STARTED,
    "unpromoted": Stage.UNPROMOTED,
    "slave": Stage.UNPROMOTED,
    "promoted": Stage.PROMOTED,
    "master": Stage.PROMOTED,
}
"""Roles as users write them, in lower case."""


class Needs(IntEnum):
    """What has to be there before an item may be started (meta attribute `requires`); each includes those before."""

    NOTHING = 0
    QUORUM = 1
    FENCING = 2
    UNFENCING = 3


class Item:
    """A resource, or an instance of one.

    Who writes what: expand the settings, observe what the histories say, the placing phase the rest.
    """

    source: Primitive | Group | Clone | Bundle | None = None
    """None for removed resources."""
    agent: Agent | None = None
    param_sets: tuple[tuple[AttributeSet, ...], ...] = ()
    """Its own parameters, then those of the collectives around it."""
    has_node_params: bool = False
    """May its parameters depend on the node?"""
    reconnect_ms: int = 0
    """Of a remote connection: how long to wait before it is tried again after a failure."""
    # Settings, filled in by expand
    priority: Score = 0
    stickiness: Score = 0
    threshold: Score = INFINITY
    failure_timeout_ms: int = 0
    multiple_active: str = "stop_start"
    """stop_start, stop_only, block or stop_unexpected."""
    needs: Needs = Needs.QUORUM
    fencing_device: str = ""
    """The device that a lost node is cut off with instead of being fenced, as far as this item goes."""
    target: Stage = Stage.UNKNOWN
    """From target-role; UNKNOWN: not limited."""
    is_ordered: bool = True
    is_collocated: bool = True
    is_critical: bool = True
    is_managed: bool = True
    is_maintenance: bool = False
    is_unique: bool = False
    is_promotable: bool = False
    notifies: bool = False
    is_interleaved: bool = False
    allows_migration: bool = False
    allows_unhealthy: bool = False
    is_device: bool = False
    is_remote_connection: bool = False
    instance_max: int = 1
    instance_node_max: int = 1
    instance_min: int = 0
    promoted_max: int = 1
    promoted_node_max: int = 1
    container: Item | None = None
    """What it is launched inside: its start implies nothing, its stop ends this one too."""
    remote_node: int | None = None
    """The node that this connection (or guest) makes reachable."""
    bundle_host: int | None = None
    """Of a bundle's child instance: the only node that it may run on."""
    is_isolated: bool = False
    """The child of a bundle: no constraints of others reach inside."""
    bundled: Item | None = None
    """Of a bundle: the clone of its child."""
    is_bundle_container: bool = False
    # Written by observe
    is_removed: bool = False
    """It is in the status and not in the configuration."""
    is_surplus: bool = False
    """An instance beyond clone-max that was found in the status."""
    is_failed: bool = False
    is_failure_ignored: bool = False
    is_blocked: bool = False
    block_reason: str = ""
    stays_stopped: str = ""
    """Why a failure keeps it stopped (on-fail=stop); its target is then Stopped."""
    stage: Stage = Stage.STOPPED
    """What it is now: the highest found."""
    pending: str = ""
    """The operation (other than a recurring monitor) that is under way, on `pending_node`."""
    pending_node: int | None = None
    is_start_pending: bool = False
    migrating_from: int | None = None
    migrating_to: int | None = None
    """A migration whose first half is done: continued when `migrating_to` is still the choice."""
    lock_node: int | None = None
    lock_ms: int = 0
    """The node that shutdown-lock reserves it for, and since when."""
    is_stop_unexpected: bool = False
    """multiple-active=stop_unexpected applies: only the copies that should not be there are stopped."""
    is_reload: bool = False
    banned_everywhere: str = ""
    is_recovering: bool = False
    """It failed, and the failure asks for more than a demotion or being left alone."""
    # Written by the constraints' phase
    is_exclusive: bool = False
    """Some location says resource-discovery=exclusive: elsewhere it is neither looked for nor run."""
    # Written by place
    home: int | None = None
    is_assigned: bool = False
    is_assigning: bool = False
    next: Stage = Stage.UNKNOWN
    """The stage to be reached; UNKNOWN until placed (then at least STOPPED)."""
    why_stopped: str = ""
    sort_index: Score = 0
    is_frozen: bool = False
    """It goes no further up than it is, because the partition has no quorum."""
    promotion_priority: Score = 0
    is_merging: bool = False
    is_unplaceable: bool = False
    is_restarting: bool = False

    # Containers
    history_id: str
    """The name in histories: "web" for instances of anonymous clones, else the id."""
    base_id: str
    """The configured id, without any number."""
    children: list[Item]
    ops: dict[tuple[str, int], Op]
    """All configured operations by (name, interval_ms)."""
    params_by_node: dict[int | None, dict[str, str]]
    """A cache: see `parameters.parameters`. Instances of one clone share it."""
    utilization: dict[str, int]
    fillers: list[Item]
    """What is launched inside this one."""
    replicas: list[Replica]
    """Of a bundle: what belongs together, container by container."""
    active: list[int]
    """Nodes on which it is active, in the order found; of collectives: see `active_nodes`."""
    stages: dict[int, Stage]
    """Stage by node, for the nodes in `active`."""
    known: set[int]
    """Nodes on which its state is known, by a probe or any operation."""
    present: dict[int, None]
    """Nodes that have any history of it."""
    failures: dict[int, Failure]
    """The failure that matters most, by node."""
    tallies: dict[int, Tally]
    recurring: dict[int, dict[tuple[str, int], ActionResult]]
    """Recurring operations under way, by node."""
    results: dict[int, list[ActionResult]]
    """Its history by node, oldest first, pending last."""
    held_on: list[int]
    """Nodes on which it was found active when it was not managed."""
    dangling: list[int]
    """Nodes with a copy left behind by a migration, to be stopped there."""
    last_agents: dict[int, Agent]
    """With which agent it was run, by node."""
    bans: dict[int, str]
    """Nodes where a failure forbids it, with the reason."""
    forced_stops: dict[int, str]
    """Nodes where it has to be stopped whatever is planned, with the reason."""
    forced_demotes: dict[int, str]
    """Nodes where it has to be demoted (on-fail=demote), with the reason."""
    reschedules: dict[int, set[tuple[str, int]]]
    """Recurring operations whose failure expired: to be ordered again, by node."""
    expired_locks: list[int]
    """Nodes whose shutdown lock is over: what they remember of it is deleted."""
    ties_with: list[Tie]
    """Colocations with this item as dependent (`colocation.Tie`)."""
    ties_of: list[Tie]
    """Colocations with this item as primary."""
    discovery: dict[int, str]
    """resource-discovery by node where a location gives one: always, never, exclusive."""
    role_scores: list[tuple[str, Score]]
    """What was added up to its promotion priority: source and score."""
    tickets: list[tuple[str, Stage]]
    """Tickets that it needs, with the role that needs it (UNKNOWN: any)."""
    promotion_scores: list[tuple[str, Table]]
    """Locations for the role Promoted, by name of the constraint."""
    counts: dict[int, int]
    """Of a clone: how many instances each node has been given."""
    against: dict[tuple[str, int | None], Score]
    """What was said against a node (None: against all): source and node, with the score. See `Situation.note`."""

    def __init__(self, index: int, name: str, kind: Kind, parent: Item | None, meta: dict[str, str]) -> None:
        self.index = index
        self.id = self.history_id = self.base_id = name
        self.kind = kind
        self.parent = parent
        self.children = []
        self.meta = meta
        self.ops = {}
        self.params_by_node = {}
        self.utilization = {}
        self.fillers = []
        self.replicas = []
        self.active = []
        self.stages = {}
        self.known = set()
        self.present = {}
        self.failures = {}
        self.tallies = {}
        self.recurring = {}
        self.results = {}
        self.held_on = []
        self.dangling = []
        self.last_agents = {}
        self.bans = {}
        self.forced_stops = {}
        self.forced_demotes = {}
        self.reschedules = {}
        self.expired_locks = []
        self.ties_with = []
        self.ties_of = []
        self.discovery = {}
        self.role_scores = []
        self.tickets = []
        self.promotion_scores = []
        self.table = Table(0)
        self.counts = {}
        self.against = {}

    def __repr__(self) -> str:
        return f"<{self.kind.name.lower()} {self.id}>"

    @property
    def top(self) -> Item:
        """The outermost collective around it (a bundle's child counts to the bundle)."""
        found = self
        while found.parent is not None:
            found = found.parent
        return found

    @property
    def clone(self) -> Item | None:
        """The clone that it is an instance, or part of an instance, of."""
        found = self.parent
        while found is not None and found.kind is not Kind.CLONE:
            found = found.parent
        return found

    @property
    def is_collective(self) -> bool:
        """Is it a group, a clone or a bundle?"""
        return self.kind is not Kind.PRIMITIVE

    @property
    def is_anonymous(self) -> bool:
        """Is it an instance, or part of one, whose number means nothing?"""
        clone = self.clone
        return clone is not None and not clone.is_unique

    @property
    def called(self) -> str:
        """What people call it: without a number that means nothing."""
        return self.base_id if self.is_anonymous else self.id

    def primitives(self) -> Iterator[Item]:
        """The primitives in it, itself included, in order."""
        if not self.children:
            if self.kind is Kind.PRIMITIVE:
                yield self
            return
        for child in self.children:
            yield from child.primitives()

    def active_nodes(self) -> list[int]:
        """Where any part of it is active, without repeats, in the order found."""
        if not self.children:
            return self.active
        return list(dict.fromkeys(node for part in self.primitives() for node in part.active))

    def is_active(self) -> bool:
        """Is any part of it active anywhere?"""
        return bool(self.active) if not self.children else any(part.active for part in self.primitives())

    def highest_stage(self) -> Stage:
        """The highest stage of its parts."""
        return (
            self.stage if not self.children else max((part.stage for part in self.primitives()), default=Stage.STOPPED)
        )

    def highest_next(self) -> Stage:
        """The highest stage that its parts are to reach."""
        if not self.children:
            return self.next
        return max((part.next for part in self.primitives()), default=Stage.STOPPED)

    def containers(self) -> list[Item]:
        """Of a bundle: its containers, in order."""
        return [part for part in self.children if part.is_bundle_container]

    def op(self, name: str, interval_ms: int = 0) -> Op | None:
        """The configured operation of this name and interval."""
        return self.ops.get((name, interval_ms))


class Replica:
    """One container of a bundle with what goes with it."""

    __slots__ = ("address", "child", "connection", "container")

    def __init__(self, container: Item) -> None:
        self.container = container
        self.address: Item | None = None
        self.connection: Item | None = None
        self.child: Item | None = None
        """The instance of the bundle's child that runs inside."""


class Node:
    """One node, with what its view and its attributes say. Remote and guest nodes are nodes as well."""

    __slots__ = (
        "attributes",
        "connection",
        "discovers",
        "fence_reason",
        "id",
        "index",
        "is_dc",
        "is_guest",
        "is_leaving",
        "is_maintenance",
        "is_online",
        "is_pending",
        "is_remote",
        "is_standby",
        "is_unclean",
        "is_unseen",
        "load",
        "needs_reset",
        "number",
        "standby_reason",
        "utilization",
        "view",
        "was_fenced",
    )  # fmt: skip

    def __init__(self, index: int, name: NodeId, view: NodeView | None, attributes: dict[str, str]) -> None:
        self.index = index
        self.id = name
        self.number = name
        self.view = view
        self.attributes = attributes
        """Permanent ones, overlaid by transient ones, with the builtin `#uname` and the like."""
        self.utilization: dict[str, int] = {}
        """Free capacity; place takes what it assigns."""
        self.is_dc = False
        self.is_online = view is not None and view.online and not view.pending
        self.is_unclean = view is not None and (view.unclean or view.fence_requested)
        self.is_pending = view is not None and view.pending
        self.is_leaving = view is not None and view.is_leaving and view.online
        self.is_unseen = view is None
        self.is_remote = view is not None and view.is_remote
        self.is_guest = False
        """Remote, and its host is a resource (a container or virtual machine) of the cluster."""
        self.connection: Item | None = None
        """The resource that connects to a remote or guest node."""
        self.needs_reset = False
        """Remote: the connection failed, so that nothing is known until it is re-established."""
        self.was_fenced = False
        """Remote: it is known to have been fenced since it was active."""
        self.is_standby = self.is_maintenance = False
        self.standby_reason = f"{name} in standby"
        self.fence_reason = ""
        self.discovers = True
        """resource-discovery-enabled: remote nodes may be exempt from probes."""
        self.load = 0
        """How many primitives place has assigned to it."""

    def __repr__(self) -> str:
        return f"<node {self.id}>"

    @property
    def guest(self) -> Item | None:
        """The container or virtual machine that it is, or that is behind a removed connection to it."""
        return None if self.connection is None else self.connection.container

    def is_cut_from(self, item: Item) -> bool:
        """Is it known that the item does no harm on this lost node, whatever it does there?"""
        view = self.view
        return view is not None and view.unclean and bool(item.fencing_device) and item.fencing_device in view.cut

    def condemn(self, reason: str) -> None:
        """The node has to be fenced: a guest by starting what it is anew, so that it may be back at once."""
        connection = self.connection
        if self.is_guest:
            guest = self.guest
            if guest is None or guest.is_failed or not guest.is_managed:
                return
            guest.is_failed = guest.is_recovering = self.needs_reset = True
        elif self.is_remote:
            if connection is not None and not connection.is_managed:
                return
            self.is_unclean = self.needs_reset = True
        else:
            self.is_unclean = True
        self.fence_reason = self.fence_reason or reason

    @property
    def is_usable(self) -> bool:
        """May it be given resources?"""
        return self.is_online and not (
            self.is_unclean or self.is_standby or self.is_leaving or self.is_maintenance or self.is_pending
        )

    @property
    def trouble(self) -> str:
        """Why it cannot be given resources, in few words; empty when it can."""
        if self.is_unclean:
            reason = self.fence_reason or f"{self.id} {'was never seen' if self.is_remote else 'is unclean'}"
            return reason if self.id in reason else f"{self.id}: {reason}"
        if self.is_pending:
            return f"{self.id} is joining"
        if not self.is_online:
            return f"{self.id} is offline"
        if self.is_leaving:
            return f"the connection to {self.id} stops" if self.is_remote else f"{self.id} is leaving"
        if self.is_standby:
            return self.standby_reason
        return f"{self.id} in maintenance" if self.is_maintenance else ""
