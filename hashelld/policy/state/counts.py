"""How often a resource failed on a node, and which failures are old enough to be forgotten."""

from __future__ import annotations

from msgspec.structs import replace

from hashelld.model.history import OCF_NOT_RUNNING, OCF_OK, OCF_RUNNING_PROMOTED, ActionResult, OpStatus
from hashelld.model.score import add
from hashelld.policy.digests import all_digest
from hashelld.policy.state.findings import Tally
from hashelld.policy.state.items import Item
from hashelld.policy.state.observation import Observation
from hashelld.policy.state.parameters import covered_now, needs_host


_COUNTED = frozenset({"start", "promote", "monitor"})
_PLAIN_PROBES = frozenset({OCF_OK, OCF_NOT_RUNNING, OCF_RUNNING_PROMOTED, 190, 191})


def count_failures(notes: Observation, item: Item, at: int) -> Tally | None:
    """All failures of the item on a node, over all operations; noted for it and for instances that share them."""
    known = item.tallies.get(at)
    if known is not None:
        return known
    name = item.base_id if item.is_anonymous else item.id
    counts = notes.counts[at].get(name)
    if not counts:
        return None
    if item.failure_timeout_ms and is_to_block(item, item.results.get(at, ())):
        item.failure_timeout_ms = 0
    total = 0
    for count in counts:
        total = add(total, count.count)
    last_ms = max(count.last_ms for count in counts)
    span_ms = item.failure_timeout_ms
    is_expired = bool(span_ms and total > 0 and last_ms) and notes.situation.now_ms > last_ms + span_ms
    if total > 0 and span_ms and last_ms and not is_expired:
        notes.situation.wake_at(last_ms + span_ms + 1000)
    item.tallies[at] = tally = Tally(total, last_ms, is_expired)
    return tally


def is_expired(notes: Observation, item: Item, at: int, result: ActionResult) -> bool:
    """Is a result older than failure-timeout, so that it does not matter any more if it was a failure?

    Notes in the item's tally when the failure counts are to be cleared for that.
    """
    if result.status is OpStatus.NOT_INSTALLED or not result.ended_ms:
        return False
    tally = count_failures(notes, item, at)
    span_ms = item.failure_timeout_ms
    if not span_ms or notes.situation.now_ms < result.ended_ms + span_ms or _awaits_fencing(notes, item, result):
        return False
    if tally is not None and tally.count > 0:
        if not tally.is_expired:
            return False
        item.tallies[at] = Tally(tally.count, tally.last_ms, is_expired=True, why_cleared="it expired")
    elif item.reconnect_ms and result.is_failed:
        item.tallies[at] = Tally(0, 0, is_expired=True, why_cleared="the reconnect interval is over")
    is_probe = result.operation == "monitor" and not result.interval_ms
    return not (is_probe and result.rc in _PLAIN_PROBES)


def heed_parameters(notes: Observation, item: Item, at: int, result: ActionResult) -> None:
    """A failure with parameters that it would not have now does not count any more.

    Only of Pacemaker's histories: our own daemons begin a new count when an agent gets other parameters.
    """
    situation = notes.situation
    if not (situation.view.feature_set and result.digest and result.operation in _COUNTED and result.is_failed):
        return
    tally = count_failures(notes, item, at)
    if tally is None or tally.why_cleared or needs_host(item, item.params_by_node.get(None, {})):
        return
    op = item.ops.get((result.operation, result.interval_ms))
    if result.digest != all_digest(covered_now(situation, item, op, at)):
        item.tallies[at] = replace(tally, why_cleared="its parameters changed since")


def _awaits_fencing(notes: Observation, item: Item, result: ActionResult) -> bool:
    """A lost connection counts until its node was fenced: a monitor tells of nothing but changes."""
    if not item.reconnect_ms or not result.interval_ms or item.remote_node is None:
        return False
    return notes.situation.settings.has_fencing and not notes.situation.nodes[item.remote_node].was_fenced


def is_to_block(item: Item, results: list[ActionResult] | tuple[ActionResult, ...]) -> bool:
    """Did an operation fail that is configured with on-fail=block? Such failures do not expire."""
    for result in results:
        op = item.ops.get((result.operation, result.interval_ms))
        if op is not None and op.on_fail == "block" and result.is_failed:
            return True
    return False


def add_fillers(item: Item) -> None:
    """What is launched inside a resource fails to its account; bundles keep account themselves."""
    if item.is_bundle_container:
        return
    for filler in item.fillers:
        for at, tally in filler.tallies.items():
            if not tally.is_expired:
                known = item.tallies.get(at)
                count = tally.count if known is None or known.is_expired else add(known.count, tally.count)
                item.tallies[at] = Tally(count, tally.last_ms, is_expired=False)
