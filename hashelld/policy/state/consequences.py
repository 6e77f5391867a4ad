"""What a history that was read means: where the item is active, what its failures ask for, who has to be fenced."""

from __future__ import annotations

from hashelld.policy.state.history import IGNORED, Reading
from hashelld.policy.state.items import Item, Stage
from hashelld.policy.state.observation import block


def conclude(reading: Reading) -> None:
    """Write what was read to the item and its node."""
    item, node = reading.item, reading.node
    at = node.index
    before = item.stage
    if reading.stage is Stage.STARTED and item.is_promotable:
        reading.stage = Stage.UNPROMOTED
    if reading.stage is not Stage.UNKNOWN:
        note_known(item, at)
    # Who is still waited for may be back in a moment; and as long as nothing starts anywhere, no doubt is needed.
    is_awaited = node.is_pending and not reading.notes.situation.view.may_start
    is_absent = not (node.is_online or node.is_maintenance or is_awaited)
    if reading.stage > Stage.STOPPED and is_absent and item.is_managed:
        _doubt_node(reading)
    if reading.failure is not None:
        item.failures[at] = reading.failure
    _heed_failure(reading)
    if reading.stage > Stage.STOPPED:
        _be_active(reading)
    elif reading.stage is Stage.STOPPED and item.migrating_from == at and item.migrating_to is not None:
        reading.stage = Stage.STARTED
    item.stage = max(before, reading.stage)


def note_known(item: Item, at: int) -> None:
    """The state is known on a node; of one anonymous instance means of its whole clone."""
    item.known.add(at)
    around = item.parent
    if around is None or not item.is_anonymous:
        return
    while around is not None and at not in around.known:
        around.known.add(at)
        around = around.parent


def _doubt_node(reading: Reading) -> None:
    """Something seems to be active on a node that is not there."""
    item, node, notes = reading.item, reading.node, reading.notes
    if node.is_guest:
        item.is_failed = item.is_recovering = True
    elif not notes.situation.settings.has_fencing:
        return
    elif node.is_remote and node.connection is not None and not node.connection.is_failed:
        # Only if its connection cannot be made anywhere is it fenced.
        node.is_unseen = True
    node.condemn(f"{node.id} may be running {item.called}")


def _be_active(reading: Reading) -> None:
    item, node = reading.item, reading.node
    reading.notes.activate(item, node.index, reading.stage)
    if reading.on_fail != IGNORED:
        item.is_failed = True
        if reading.on_fail not in {"demote", "block"}:
            item.is_recovering = True


def _heed_failure(reading: Reading) -> None:
    item, node, on_fail = reading.item, reading.node, reading.on_fail
    failure = reading.failure
    if node.is_unclean:
        reading.on_fail = IGNORED  # It is fenced anyway, and what failed there may start again.
        return
    if on_fail == IGNORED or failure is None:
        return
    text = failure.text(node.id)
    match on_fail:
        case "fence":
            node.condemn(f"{failure.operation} of {item.called} failed there")
        case "standby":
            if not node.is_standby:
                node.standby_reason = f"{text}, on-fail standby"
            node.is_standby = True
        case "restart" | "restart-container" | "reset-remote":
            _recover(reading, text)
        case _:
            _limit(item, node.index, on_fail, text)
    if item.is_failed and item.is_remote_connection and item.remote_node is not None:
        _expose(reading)


def _limit(item: Item, at: int, on_fail: str, text: str) -> None:
    match on_fail:
        case "block":
            block(item, text)
        case "ban":
            item.bans.setdefault(at, text)
        case "stop":
            stay_stopped(item, f"{text}, on-fail stop")
        case _:
            item.is_failed = True
            item.forced_demotes[at] = text


def _recover(reading: Reading, text: str) -> None:
    item = reading.item
    match reading.on_fail:
        case "restart-container":
            _restart_container(reading, text)
        case "reset-remote":
            _reset_remote(reading, text)
        case _ if reading.stage > Stage.STOPPED:
            item.is_failed = item.is_recovering = True
            item.forced_stops[reading.node.index] = text
        case _:
            pass


def stay_stopped(item: Item, reason: str) -> None:
    """It is not started again before the reason is gone."""
    item.stays_stopped = item.stays_stopped or reason
    item.target = Stage.STOPPED


def _restart_container(reading: Reading, text: str) -> None:
    item, at = reading.item, reading.node.index
    item.is_failed = item.is_recovering = True
    container = item.container
    if container is None:
        if reading.stage > Stage.STOPPED:
            item.forced_stops[at] = text
    elif container.is_bundle_container:
        # Where it runs may not have been read yet, and need not be where the connection is.
        reading.notes.condemned_containers.append(container)
    else:
        container.forced_stops[at] = text


def _reset_remote(reading: Reading, text: str) -> None:
    item, situation = reading.item, reading.notes.situation
    item.is_failed = item.is_recovering = True
    if situation.settings.has_fencing and item.remote_node is not None:
        remote = situation.nodes[item.remote_node]
        if not remote.is_guest and not remote.was_fenced:
            remote.condemn(f"connection lost: {text}")
    if reading.stage > Stage.STOPPED:
        item.forced_stops[reading.node.index] = text
    if item.reconnect_ms:
        stay_stopped(item, f"{text}, reconnect_interval is not over")


def _expose(reading: Reading) -> None:
    """A failed connection means that its unclean node is fenced, even if it could be connected to again."""
    assert reading.item.remote_node is not None
    remote = reading.notes.situation.nodes[reading.item.remote_node]
    if remote.is_unclean:
        remote.is_unseen = False
