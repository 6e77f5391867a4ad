"""What the history says: where each resource is active, what failed, what is under way, what is unknown."""

from __future__ import annotations

import msgspec

from hashelld.cib.view import ClusterView
from hashelld.model.history import (
    OCF_ERR_CONFIGURED,
    OCF_ERR_INSTALLED,
    OCF_ERR_UNIMPLEMENTED,
    OCF_NOT_RUNNING,
    OCF_OK,
    OCF_RUNNING_PROMOTED,
    ActionResult,
    FailureCount,
    NodeStatus,
    OpStatus,
    Role,
)
from hashelld.model.ids import NodeId, ResourceId
from hashelld.model.score import add
from hashelld.policy.expand import NOWHERE, Item, NodeState, Situation, expand


_DEGRADED = {190: OCF_OK, 191: OCF_RUNNING_PROMOTED}
_ACTIVE_RC = {OCF_OK: Role.STARTED, OCF_RUNNING_PROMOTED: Role.PROMOTED}
_HARD_ERRORS = frozenset({2, 3, 4, OCF_ERR_INSTALLED})
_DONE_ROLE = {
    "start": Role.STARTED,
    "stop": Role.STOPPED,
    "promote": Role.PROMOTED,
    "demote": Role.STARTED,
    "migrate_from": Role.STARTED,
    "migrate_to": Role.STOPPED,
}
_RC_WORDS = {
    1: "error",
    2: "invalid argument",
    3: "not supported",
    4: "no permission",
    5: "not installed",
    6: "not configured",
    7: "not running",
    8: "running promoted",
    9: "failed promoted",
}
SEVERITY = ("", "ignore", "demote", "restart", "ban", "block", "stop", "standby", "fence")
_IGNORED, _RESTARTED = "ignore", "restart"
_LASTING = frozenset({"stop", "ban", "standby", "fence"})


class Failure(msgspec.Struct, frozen=True):
    """A failed operation that still matters, and what its on-fail asks for."""

    operation: str
    interval_ms: int
    rc: int
    status: OpStatus
    on_fail: str
    reason: str = ""

    def text(self, node: NodeState) -> str:
        """`monitor failed on node1: not running`, `start timed out on node1`."""
        return failure_text(self, node.id)


class Tally(msgspec.Struct, frozen=True):
    """Failures of a resource on a node, over all operations."""

    count: int
    last_ms: int
    is_expired: bool


class Seen:
    """One primitive's state: everything is keyed by node index."""

    __slots__ = ("active", "banned", "banned_everywhere", "blocked", "busy", "changed", "failed", "known", "present",
                 "recurring", "stays_stopped", "tallies")  # fmt: skip

    def __init__(self) -> None:
        self.active: dict[int, Role] = {}
        self.known: set[int] = set()
        self.present: set[int] = set()
        """Nodes that have any history of it."""
        self.failed: dict[int, Failure] = {}
        self.busy: dict[int, str] = {}
        """An operation is under way there."""
        self.recurring: dict[int, dict[tuple[str, int], str]] = {}
        """Recurring operations under way, with the digest of their parameters."""
        self.changed: set[int] = set()
        """Started there with other parameters than the configured ones."""
        self.banned: dict[int, str] = {}
        self.banned_everywhere = ""
        self.stays_stopped = ""
        self.blocked = ""
        self.tallies: dict[int, Tally] = {}

    @property
    def is_failed(self) -> bool:
        """Does any failure call for recovery?"""
        return any(f.on_fail != _IGNORED for f in self.failed.values())


class Observed:
    """The state of all primitives, by item index."""

    __slots__ = ("seen", "wake_ms")

    def __init__(self) -> None:
        self.seen: dict[int, Seen] = {}
        self.wake_ms: int | None = None

    def of(self, item: int) -> Seen:
        """The state of one primitive."""
        return self.seen[item]

    def wake_at(self, moment_ms: int) -> None:
        """Plan again then."""
        self.wake_ms = moment_ms if self.wake_ms is None else min(self.wake_ms, moment_ms)


def failure_text(failed: Failure | ActionResult, node: NodeId) -> str:
    """A failure in words: `start timed out on n1`, `monitor failed on n1: not running (port 80 refused)`."""
    if failed.status is OpStatus.TIMED_OUT:
        return f"{failed.operation} timed out on {node}"
    is_said = failed.status is OpStatus.COMPLETE
    what = _RC_WORDS.get(failed.rc, f"rc {failed.rc}") if is_said else "could not be executed"
    detail = f" ({failed.reason.strip()})" if failed.reason.strip() else ""
    return f"{failed.operation} failed on {node}: {what}{detail}"


def observe(situation: Situation) -> Observed:
    """Read the history of all nodes that may run something. Adds removed resources to the items."""
    observed = Observed()
    for item in situation.primitives():
        observed.seen[item.index] = Seen()
    for node in situation.nodes:
        if _counts(node, situation):
            _read_node(situation, observed, node)
    for item in situation.primitives():
        _conclude(situation, observed, item)
    for item in situation.primitives():
        if observed.of(item.index).blocked:
            item.is_managed = False
    for seen in observed.seen.values():
        for at in [at for at in seen.busy if situation.nodes[at].is_unclean]:
            del seen.busy[at]
    return observed


def _counts(node: NodeState, situation: Situation) -> bool:
    if node.is_online or node.is_pending:
        return True
    return node.is_unclean and situation.settings.has_fencing


def _read_node(situation: Situation, observed: Observed, node: NodeState) -> None:
    status = node.view.status
    histories: dict[ResourceId, list[ActionResult]] = {}
    for result in status.operations:
        histories.setdefault(result.resource, []).append(result)
    counts: dict[ResourceId, list[FailureCount]] = {}
    for count in status.failures:
        counts.setdefault(count.resource, []).append(count)
        histories.setdefault(count.resource, [])
    for resource, results in histories.items():
        item = situation.by_id.get(resource)
        if item is None or item.children:
            if item is not None or resource in situation.known_ids:
                continue
            item = situation.add_removed(resource)
            observed.seen[item.index] = Seen()
        _Reading(situation, observed, item, node).run(results, counts.get(resource, []))


class _Reading:
    """One resource's history on one node, from the oldest call to the newest."""

    __slots__ = ("_failure", "_item", "_node", "_now_ms", "_observed", "_role", "_seen", "_situation", "_span_ms")

    def __init__(self, situation: Situation, observed: Observed, item: Item, node: NodeState) -> None:
        self._situation = situation
        self._observed = observed
        self._item = item
        self._node = node
        self._seen = observed.of(item.index)
        self._now_ms = situation.view.now_ms
        self._role: Role | None = None
        self._failure: Failure | None = None
        self._span_ms = item.failure_timeout_ms

    def run(self, results: list[ActionResult], counts: list[FailureCount]) -> None:
        at = self._node.index
        self._seen.present.add(at)
        if self._span_ms and any(result.is_failed and self._is_to_block(result) for result in results):
            self._span_ms = 0
        if counts:
            self._count(counts)
        for result in sorted(results, key=_call_order):
            if result.status is OpStatus.PENDING:
                self._pending(result)
            elif result.status is not OpStatus.CANCELLED:
                self._done(result)
        if self._role is not None:
            self._seen.known.add(at)
            if self._role is not Role.STOPPED:
                self._seen.active[at] = self._role
        if self._failure is not None:
            self._seen.failed[at] = self._failure

    @property
    def _is_left_alone(self) -> bool:
        return not self._item.is_managed or self._node.is_maintenance

    def _is_to_block(self, result: ActionResult) -> bool:
        """Is on-fail=block configured for it? Such failures wait for people, however old they are."""
        op = self._item.recurring(result.operation, result.interval_ms) or self._item.op(result.operation)
        return op.on_fail.strip().lower() == "block"

    def _count(self, counts: list[FailureCount]) -> None:
        total = 0
        for count in counts:
            total = add(total, count.count)
        last_ms = max(count.last_ms for count in counts)
        is_expired = self._expires(last_ms)
        self._seen.tallies[self._node.index] = Tally(total, last_ms, is_expired)

    def _expires(self, moment_ms: int) -> bool:
        """Is a failure of that moment too old to matter? If not yet, remember when."""
        if not self._span_ms or not moment_ms:
            return False
        if moment_ms + self._span_ms <= self._now_ms:
            return True
        self._observed.wake_at(moment_ms + self._span_ms)
        return False

    def _pending(self, result: ActionResult) -> None:
        at = self._node.index
        if result.interval_ms:
            self._seen.recurring.setdefault(at, {})[result.operation, result.interval_ms] = result.digest
            return
        if self._node.is_online and not self._node.is_unclean:
            self._seen.busy[at] = result.operation
        if result.operation != "monitor" and self._role in {None, Role.STOPPED}:
            self._role = Role.STARTED

    def _done(self, result: ActionResult) -> None:
        rc = _DEGRADED.get(result.rc, result.rc) if result.operation == "monitor" else result.rc
        if result.interval_ms:
            self._seen.recurring.setdefault(self._node.index, {})[result.operation, result.interval_ms] = result.digest
        elif result.operation in _DONE_ROLE or result.operation == "monitor":
            self._seen.recurring.pop(self._node.index, None)
        is_probe = result.operation == "monitor" and result.interval_ms == 0
        if result.status is OpStatus.COMPLETE and (rc == result.expected_rc or is_probe):
            self._succeeded(result, rc, is_probe=is_probe)
        elif result.status is OpStatus.COMPLETE and rc == OCF_NOT_RUNNING and self._is_left_alone:
            self._role = Role.STOPPED
        else:
            self._failed(result, rc)

    def _succeeded(self, result: ActionResult, rc: int, *, is_probe: bool) -> None:
        if is_probe and rc not in _ACTIVE_RC:
            if rc not in {OCF_NOT_RUNNING, OCF_ERR_INSTALLED}:
                self._failed(result, rc)
                return
            if rc == OCF_ERR_INSTALLED and self._is_expired(result):
                return
            self._role = Role.STOPPED
            if rc == OCF_ERR_INSTALLED:
                self._seen.banned[self._node.index] = f"not installed on {self._node.id}"
            return
        if result.operation == "monitor":
            role = _ACTIVE_RC.get(rc, Role.STOPPED)
        else:
            role = _DONE_ROLE.get(result.operation, self._role or Role.STOPPED)
        self._role = role
        clears = result.operation != "monitor" or (
            self._failure is not None
            and (self._failure.operation, self._failure.interval_ms) == ("monitor", result.interval_ms)
        )
        if clears and self._failure is not None and self._failure.on_fail not in _LASTING:
            self._failure = None
        self._compare(result)

    def _compare(self, result: ActionResult) -> None:
        if result.operation not in {"start", "monitor"} or result.interval_ms:
            return
        at = self._node.index
        differs = bool(result.digest) and result.digest != self._item.digest
        if differs and not self._item.is_removed:
            self._seen.changed.add(at)
        else:
            self._seen.changed.discard(at)

    def _failed(self, result: ActionResult, rc: int) -> None:
        if self._is_expired(result):
            return
        on_fail = on_fail_of(self._situation, self._item, result)
        failure = Failure(result.operation, result.interval_ms, rc, result.status, on_fail, result.reason)
        if on_fail == _IGNORED:
            self._role = _DONE_ROLE.get(result.operation, Role.STARTED)
            if self._failure is None:
                self._failure = failure
            return
        self._ban(result, rc)
        if self._role in {None, Role.STOPPED}:
            self._role = Role.STARTED
        if self._failure is None or SEVERITY.index(self._failure.on_fail) <= SEVERITY.index(on_fail):
            self._failure = failure

    def _is_expired(self, result: ActionResult) -> bool:
        tally = self._seen.tallies.get(self._node.index)
        if tally is not None:
            return tally.is_expired
        return self._expires(result.ended_ms)

    def _ban(self, result: ActionResult, rc: int) -> None:
        at, seen = self._node.index, self._seen
        if result.operation == "stop":
            seen.banned[at] = f"stop failed on {self._node.id}"
        if result.status is not OpStatus.COMPLETE:
            return
        if rc == OCF_ERR_CONFIGURED:
            seen.banned_everywhere = f"{result.operation} on {self._node.id}: not configured"
        elif rc in _HARD_ERRORS and not (rc == OCF_ERR_UNIMPLEMENTED and result.interval_ms):
            seen.banned[at] = f"{result.operation} on {self._node.id}: {_RC_WORDS[rc]}"


def _call_order(result: ActionResult) -> tuple[bool, int]:
    return (result.status is OpStatus.PENDING, result.call)


def on_fail_of(situation: Situation, item: Item, result: ActionResult) -> str:
    """What a failure of this operation asks for: configured or default."""
    op = item.recurring(result.operation, result.interval_ms) if result.interval_ms else item.op(result.operation)
    word = (op.on_fail if op else "").strip().lower()
    word = {"migrate": "ban", "nothing": "ignore"}.get(word, word)
    fences = situation.settings.has_fencing
    if result.operation == "stop":
        return word if word in {"block", "ignore"} else ("fence" if fences else "block")
    if word == "fence" and not fences:
        return "stop"
    if word not in SEVERITY or not word or word == "demote":
        return _RESTARTED
    return word


def _conclude(situation: Situation, observed: Observed, item: Item) -> None:
    """What failures and multiple activity mean for the resource as a whole."""
    seen = observed.of(item.index)
    active = [situation.nodes[at] for at in seen.active]
    if any(node.is_maintenance for node in active):
        item.is_managed = False
    for at, failure in seen.failed.items():
        if at in seen.active and item.is_managed:
            _apply_on_fail(situation.nodes[at], item, seen, failure)
    for node in active:
        if not node.is_online and not node.is_pending:
            node.condemn(f"{node.id} may be running {item.id}")
    if len(active) > 1 and item.multiple_active == "block":
        _block(situation, observed, item, f"{item.id} is active on {', '.join(node.id for node in active)}")


def _block(situation: Situation, observed: Observed, item: Item, reason: str) -> None:
    """Leave the resource alone, and all of its group."""
    parent = item if item.parent == NOWHERE else situation.items[item.parent]
    for bearer in situation.bearers(parent):
        observed.of(bearer.index).blocked = reason


def _apply_on_fail(node: NodeState, item: Item, seen: Seen, failure: Failure) -> None:
    if node.is_unclean:
        return  # It is fenced anyway, and what failed there may start again.
    match failure.on_fail:
        case "fence":
            node.condemn(f"{failure.operation} of {item.id} failed there")
        case "standby":
            if not node.is_standby:
                node.standby_reason = f"{failure.text(node)}, on-fail standby"
            node.is_standby = True
        case "block":
            seen.blocked = failure.text(node)
        case "ban":
            seen.banned[node.index] = failure.text(node)
        case "stop":
            seen.stays_stopped = failure.text(node)
        case _:
            return


class InstanceState(msgspec.Struct, frozen=True):
    """A primitive at one node, for displays; `node` is None when it is active nowhere."""

    resource: ResourceId
    node: NodeId | None
    role: Role
    failures: tuple[str, ...] = ()
    is_managed: bool = True
    is_removed: bool = False
    busy: str = ""
    """The operation that is under way."""


def active(status: NodeStatus) -> dict[ResourceId, Role]:
    """What is active on a node, judged by its own report alone; an operation under way counts as active."""
    found: dict[ResourceId, Role] = {}
    for result in sorted(status.operations, key=_call_order):
        if result.status is OpStatus.CANCELLED:
            continue
        role = _plain_role(result)
        if role is Role.STOPPED:
            found.pop(result.resource, None)
        elif role is not None:
            found[result.resource] = role
    return found


def _plain_role(result: ActionResult) -> Role | None:
    if result.status is OpStatus.PENDING:
        return None if result.operation in {"monitor", "notify"} else Role.STARTED
    if result.operation == "monitor" and result.interval_ms == 0:
        is_absent = result.status is OpStatus.COMPLETE and result.rc in {OCF_NOT_RUNNING, OCF_ERR_INSTALLED}
        return Role.STOPPED if is_absent else _ACTIVE_RC.get(result.rc, Role.STARTED)
    if result.is_failed:
        return Role.STARTED
    if result.operation == "monitor":
        return _ACTIVE_RC.get(result.rc, Role.STOPPED)
    return _DONE_ROLE.get(result.operation)


def instances(view: ClusterView) -> tuple[InstanceState, ...]:
    """Every primitive of the configuration or the status, once for each node that it is active on, or once stopped."""
    situation = expand(view)
    observed = observe(situation)
    found: list[InstanceState] = []
    for item in situation.primitives():
        seen = observed.of(item.index)
        failures = tuple(failure.text(situation.nodes[at]) for at, failure in seen.failed.items())
        for at in seen.active or (None,):
            node = None if at is None else situation.nodes[at].id
            role = Role.STOPPED if at is None else seen.active[at]
            busy = next(iter(seen.busy.values()), "") if at is None else seen.busy.get(at, "")
            found.append(InstanceState(item.id, node, role, failures, item.is_managed, item.is_removed, busy))
    return tuple(found)
