"""Migrations in a history: which halves are done, and where the resource may therefore be active."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashelld.model.history import OCF_NOT_RUNNING, ActionResult, OpStatus
from hashelld.model.ids import NodeId
from hashelld.policy.state.items import Stage


if TYPE_CHECKING:
    from hashelld.policy.state.history import Reading


_EVENTS = frozenset({"start", "stop", "migrate_to", "migrate_from"})


class Migrating:
    """One half of a migration, as a node's history has it, seen together with the other node's history."""

    __slots__ = ("_reading", "_result", "_source", "_target")

    def __init__(self, reading: Reading, result: ActionResult) -> None:
        self._reading = reading
        self._result = result
        self._source = self._index(result.migrate_source)
        self._target = self._index(result.migrate_target)

    def succeed(self) -> None:
        """migrate_to succeeded: half done, fully done with a copy left here, or long past."""
        reading, result, target = self._reading, self._result, self._target
        item, at = reading.item, reading.node.index
        arrival = self._other("migrate_from", target)
        is_newer_here = self._has_event_after(at, result)
        if arrival is not None and is_newer_here:
            return
        is_newer_there = self._is_superseded(target, arrival)
        if is_newer_here and is_newer_there:
            return
        if arrival is not None and arrival.status is OpStatus.COMPLETE and not arrival.is_failed:
            reading.stage = Stage.STOPPED
            item.dangling.append(at)
            return
        reading.stage = Stage.STARTED
        is_there = not is_newer_there and self._is_online(target)
        if arrival is not None and arrival.is_failed:
            self._be_active_there(is_there=is_there)
        elif target is not None and self._is_online(target) and self._is_unknown_on(target):
            return
        elif is_there and target is not None:
            reading.notes.activate(item, target, Stage.STARTED)
            if reading.node.is_online:
                item.migrating_from, item.migrating_to = at, target
        elif not is_newer_here:
            self._give_up()

    def fail_to(self) -> None:
        """migrate_to failed: it may be active on both nodes."""
        reading, target = self._reading, self._target
        reading.stage = Stage.STARTED
        arrival = self._other("migrate_from", target)
        if not self._is_superseded(target, arrival):
            if target is not None and self._is_online(target):
                reading.notes.activate(reading.item, target, Stage.STARTED)
        elif not self._has_event_after(reading.node.index, self._result):
            reading.item.dangling.append(reading.node.index)

    def fail_from(self) -> None:
        """migrate_from failed: it may still be active on the source too."""
        reading, source = self._reading, self._source
        reading.stage = Stage.STARTED
        if source is None or not self._is_online(source):
            return
        departure = self._other("migrate_to", source)
        if not self._is_superseded(source, departure):
            reading.notes.activate(reading.item, source, Stage.STARTED)

    def _be_active_there(self, *, is_there: bool) -> None:
        if is_there and self._target is not None:
            self._reading.notes.activate(self._reading.item, self._target, Stage.STARTED)
        else:
            self._give_up()

    def _give_up(self) -> None:
        """Nobody knows what became of it: it is recovered, and not migrated any more."""
        item = self._reading.item
        item.is_failed = item.is_recovering = True
        item.allows_migration = False

    def _index(self, name: NodeId | None) -> int | None:
        return None if name is None else self._reading.notes.situation.node_by_id.get(name)

    def _is_online(self, at: int | None) -> bool:
        return at is not None and self._reading.notes.situation.nodes[at].is_online

    def _history(self, at: int | None) -> list[ActionResult]:
        return [] if at is None else self._reading.notes.histories[at].get(self._result.resource, [])

    def _other(self, operation: str, at: int | None) -> ActionResult | None:
        """The other half of this migration in the other node's history."""
        for result in self._history(at):
            if result.operation == operation and (result.migrate_source, result.migrate_target) == (
                self._result.migrate_source,
                self._result.migrate_target,
            ):
                return result
        return None

    def _has_event_after(self, at: int | None, moment: ActionResult) -> bool:
        """Was it started, stopped or migrated on a node since?"""
        is_here = moment in self._history(at)
        return any(
            result.operation in _EVENTS and result is not moment and _is_newer(result, moment, is_same_node=is_here)
            for result in self._history(at)
        )

    def _is_superseded(self, at: int | None, other: ActionResult | None) -> bool:
        """Does a node (the other one) have news that make the migration's outcome there irrelevant?"""
        moment = self._result if other is None else other
        if self._has_event_after(at, moment):
            return True
        is_same_node = other is not None
        return any(
            result.operation == "monitor"
            and result.rc == OCF_NOT_RUNNING
            and result.status is OpStatus.COMPLETE
            and _is_newer(result, moment, is_same_node=is_same_node)
            for result in self._history(at)
        )

    def _is_unknown_on(self, at: int) -> bool:
        return not any(result.status is not OpStatus.PENDING for result in self._history(at))


def _is_newer(result: ActionResult, moment: ActionResult, *, is_same_node: bool) -> bool:
    """On one node call numbers tell, between nodes only time."""
    if is_same_node and result.status is not OpStatus.PENDING and moment.status is not OpStatus.PENDING:
        if result.call != moment.call:
            return result.call > moment.call
    elif is_same_node:
        return result.status is OpStatus.PENDING
    return bool(moment.ended_ms) and result.ended_ms > moment.ended_ms
