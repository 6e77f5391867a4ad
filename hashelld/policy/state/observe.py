"""What the histories say: where everything is active, what failed, what is under way, and what is not known."""

from __future__ import annotations

from hashelld.model.history import OCF_NOT_RUNNING, ActionResult, OpStatus
from hashelld.policy.state.connections import contain
from hashelld.policy.state.consequences import conclude, note_known, stay_stopped
from hashelld.policy.state.counts import add_fillers, count_failures
from hashelld.policy.state.history import Reading
from hashelld.policy.state.items import Item, Kind, Node, Stage
from hashelld.policy.state.matching import item_of
from hashelld.policy.state.observation import Observation, without_number
from hashelld.policy.state.remote import heed_state, is_reachable, judge
from hashelld.policy.state.situation import Situation


def observe(situation: Situation) -> None:
    """Read the histories of all nodes. Adds removed resources and surplus instances to the items, condemns nodes."""
    notes = Observation(situation)
    while _read_reachable(notes):
        pass
    if situation.settings.has_fencing:
        # What is active on the rest has to be fenced before it is recovered.
        for node in notes.nodes:
            if not notes.is_read[node.index]:
                _read_node(notes, node)
    _conclude_remote(notes)
    for container in notes.condemned_containers:
        for at in container.active[:1]:
            container.forced_stops[at] = "what runs in it failed"
    _count_all(notes)


def _read_reachable(notes: Observation) -> bool:
    """One pass over the nodes: those whose histories can be judged by now. Was there any?"""
    situation = notes.situation
    settings = situation.settings
    reads_offline = settings.has_fencing or settings.locks_on_shutdown
    has_read = False
    for node in notes.nodes:
        if notes.is_read[node.index]:
            continue
        if node.is_remote:
            if not is_reachable(situation, node):
                continue
        elif not (reads_offline or node.is_online or node.is_pending):
            continue
        _read_node(notes, node)
        has_read = True
    return has_read


def _read_node(notes: Observation, node: Node) -> None:
    notes.is_read[node.index] = True
    if node.is_remote:
        judge(node, notes.situation.nodes)
        heed_state(notes.situation, node)
    for name, results in notes.histories[node.index].items():
        is_idle = len(results) == 1 and _is_plain_probe(results[0])
        item = item_of(notes, name, node, is_idle=is_idle)
        if item is not None and not _is_harmless(node, item):
            _read_item(notes, item, node, results, is_idle=is_idle)
    if notes.situation.settings.locks_on_shutdown and node.view is not None:
        for resource, since_ms in node.view.status.locks.items():
            item = item_of(notes, resource, node, has_results=False)
            if item is not None:
                _lock(notes, item, node, since_ms)
    _adopt_fillers(notes, node)


def _read_item(notes: Observation, item: Item, node: Node, results: list[ActionResult], *, is_idle: bool) -> None:
    at = node.index
    item.present[at] = None
    if is_idle:
        item.results.setdefault(at, results)
    else:
        item.results[at] = results
    agents = () if node.view is None else node.view.status.agents
    agent = agents.get(results[0].resource) if agents else None
    if agent is not None:
        item.last_agents[at] = agent
    if is_idle and item.migrating_from is None:
        note_known(item, at)
        return
    reading = Reading(notes, item, node)
    reading.read(results)
    conclude(reading)


def _is_harmless(node: Node, item: Item) -> bool:
    """Was the node cut off from the item, or is the item a device, that nobody will call from there?"""
    is_idle_device = item.is_device and node.view is not None and node.view.unclean and bool(node.view.cut)
    return is_idle_device or node.is_cut_from(item)


def _is_plain_probe(result: ActionResult) -> bool:
    """The most frequent history by far: looked for, and not there."""
    return (
        result.rc == OCF_NOT_RUNNING
        and result.operation == "monitor"
        and not result.interval_ms
        and result.status is OpStatus.COMPLETE
    )


def _lock(notes: Observation, item: Item, node: Node, since_ms: int) -> None:
    """The node is expected back, and the item stays reserved for it."""
    settings, now_ms = notes.situation.settings, notes.situation.now_ms
    if settings.lock_limit_ms and now_ms > since_ms + settings.lock_limit_ms:
        item.expired_locks.append(node.index)
        return
    item.lock_node, item.lock_ms = node.index, since_ms
    if settings.lock_limit_ms:
        notes.situation.wake_at(since_ms + settings.lock_limit_ms + 1000)


def _adopt_fillers(notes: Observation, node: Node) -> None:
    """Removed resources that were launched inside another still go with it."""
    containers = {} if node.view is None else node.view.status.containers
    for resource, container_id in containers.items():
        item = notes.situation.by_id.get(resource)
        container = notes.situation.by_id.get(container_id)
        if item is not None and container is not None and item.is_removed and item.container is None:
            contain(item, container)
            if item.remote_node is not None:
                notes.situation.nodes[item.remote_node].is_guest = True


def _conclude_remote(notes: Observation) -> None:
    for node in notes.situation.nodes:
        if not node.is_remote:
            continue
        if node.is_leaving and node.connection is not None and node.connection.target is not Stage.STOPPED:
            stay_stopped(node.connection, f"{node.id} is leaving")
        if not notes.is_read[node.index]:
            judge(node, notes.situation.nodes)


def _count_all(notes: Observation) -> None:
    for node in notes.situation.nodes:
        for name in notes.counts[node.index]:
            _count(notes, name, node)
    for item in notes.situation.primitives():
        if item.fillers:
            add_fillers(item)


def _count(notes: Observation, name: str, node: Node) -> None:
    """Failures of what has no history there count as well."""
    situation = notes.situation
    item = situation.by_id.get(name) or situation.by_id.get(f"{name}:0")
    if item is None and not situation.view.feature_set and without_number(name) == name:
        item = notes.add_removed(name, None)  # Nobody but us will forget them.
    if item is not None and item.kind is Kind.PRIMITIVE:
        count_failures(notes, item, node.index)
