"""What the DC does with a node that it does not order to do it: fence it, or cut it off; and how it gets access again.

A node restores its access itself, by its own devices (some work only from there), ordered one after the other. Before
the first is called, the log says so: from then on nobody counts on the node being cut off. After the last, the log
says that the way is open, and the node that it has access.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from hashelld.agents.fence import PLUG
from hashelld.core.devices import Device, levels_for
from hashelld.core.fencing import FencingDone
from hashelld.core.office import Wait
from hashelld.core.stakes import delay_of
from hashelld.model.action import Action, ActionKind
from hashelld.model.device import FENCING_DEVICE
from hashelld.model.history import ActionResult
from hashelld.model.ids import Incarnation, Millis, NodeId, ResourceId
from hashelld.wire.log import Entry, PathChange, PathState


if TYPE_CHECKING:
    from hashelld.core.controller import Controller
    from hashelld.core.standing import Standing
    from hashelld.core.stonith import Stonith


FENCE_RETRY_MS: Final = 5_000
"""After fencing failed, or giving access back did, it is planned again so much later."""
_NOBODY: Final = ResourceId("")


class Stage(Enum):
    """How far a node's restoration is."""

    ANNOUNCED = "announced"  # The entry is ordered that the way is being restored.
    SWITCHING = "switching"  # A device is called, or the next one is to be.
    OPEN = "open"  # The entry is ordered that the way is open.
    TOLD = "told"  # The node is told.


class Restoration:
    """One node that gets its access back."""

    __slots__ = (
        "action",
        "began_ms",
        "closed",
        "devices",
        "incarnation",
        "index",
        "is_waiting",
        "names",
        "reason",
        "serial",
        "stage",
        "transition",
        "tries",
    )  # fmt: skip

    def __init__(
        self, action: Action, transition: int, index: int, incarnation: Incarnation, devices: tuple[Device, ...]
    ) -> None:
        self.action = action
        self.transition = transition
        self.index = index
        """The action that waits for it, in the newest transition that wants it."""
        self.incarnation = incarnation
        self.devices = list(devices)
        """Those that are not called yet, or did not succeed yet."""
        self.names: tuple[ResourceId, ...] = ()
        """All whose ways are to be open in the end."""
        self.closed: frozenset[ResourceId] = frozenset()
        """Those whose ways were not known to be open before."""
        self.stage = Stage.ANNOUNCED
        self.serial = 0
        """The entry that is waited for."""
        self.is_waiting = True
        """Is an entry, or a device, under way?"""
        self.tries = 0
        self.reason = ""
        """Why the device that was called last failed."""
        self.began_ms: Millis = 0


class Measures:
    """The fencing of a DC's controller."""

    def __init__(self, controller: Controller, standing: Standing, stonith: Stonith) -> None:
        self._controller = controller
        self._standing = standing
        self._office = controller.office
        self._stonith = stonith
        self._restorations: dict[NodeId, Restoration] = {}

    # -- against a node

    def begin(self, now: Millis, wall_ms: int, index: int, action: Action) -> None:
        """Carry a planned action out."""
        assert action.node is not None
        device = self._device(action.node, action)
        if action.operation == "on" and self._stonith.is_called(action.node):
            # What a device still does against the node would cross what it does for it, in whatever order they end.
            self._rest(now, index)
        elif action.operation == "on":
            self._restore(now, wall_ms, index, action, action.node)
        elif FENCING_DEVICE in action.meta and device is None:
            self._rest(now, index)  # It is not configured so any more.
        elif self._may_touch(now, index, action.node):
            self._fence(now, wall_ms, action, action.node, device)

    def _rest(self, now: Millis, index: int) -> None:
        """It cannot be done now: it is planned anew, in a moment."""
        controller = self._controller
        controller.rest_until(now + self._standing.settings.keepalive_ms)
        controller.finished(controller.transition_number, index, is_ok=False)

    def _may_touch(self, now: Millis, index: int, node: NodeId) -> bool:
        """Is it the node's fault that it is lost, as far as the others can tell? Else this DC hands over, or waits."""
        successor = self._successor(now, node)
        if successor is None:
            return True
        if not isinstance(successor, Wait):
            self._office.hand_over_to = successor
        self._rest(now, index)
        return False

    def objection(self, now: Millis, node: NodeId) -> str:
        """Why the fencing of a node may not go on: votes and ways change while a device fails."""
        return "" if self._successor(now, node) is None else "other nodes hear it"

    def _successor(self, now: Millis, node: NodeId) -> NodeId | Wait | None:
        standing = self._standing
        is_lost = node != standing.node and not standing.membership.is_heard(node)
        return self._office.successor_for(now, node) if is_lost else None

    def _fence(self, now: Millis, wall_ms: int, action: Action, node: NodeId, path: Device | None) -> None:
        standing = self._standing
        standing.note("fence.requested", target=node, reason=action.reason)
        self._doubt(node, wall_ms, path)
        incarnation = standing.incarnation_of(node)
        extra_ms = 0 if path is not None else delay_of(action)
        outcomes = self._stonith.request(
            now, standing.log.cib, node, incarnation, action.operation, extra_ms, path=path
        )
        for outcome in outcomes:
            if isinstance(outcome, FencingDone):
                self.on_fenced(now, wall_ms, outcome)
            else:
                standing.emit(outcome)

    def _device(self, node: NodeId, action: Action) -> Device | None:
        """The only device that is meant, if it is one."""
        name = action.meta.get(FENCING_DEVICE)
        return next((device for device in self._office.paths.devices(node) if device.id == name), None)

    def _doubt(self, node: NodeId, wall_ms: int, path: Device | None) -> None:
        """Whatever comes of it, the node has to be given access again by the devices that are called."""
        levels = levels_for(self._standing.log.cib, node) if path is None else ((path,),)
        known = self._office.paths.of(node)
        called = dict.fromkeys(device.id for level in levels for device in level if device.is_fabric)
        self._say(node, tuple(name for name in called if name not in known), PathState.UNCERTAIN, wall_ms)
        confirming = (name for name in called if name in known and known[name].state is PathState.CONFIRMING)
        self._say(node, tuple(confirming), PathState.RESTORING, wall_ms)

    def _say(self, node: NodeId, names: tuple[ResourceId, ...], state: PathState | None, wall_ms: int) -> int:
        """Order the entry, if it is about any device; its serial."""
        if not names:
            return 0
        incarnation = self._standing.incarnation_of(node)
        word = state.value if state is not None else "open"
        self._standing.note("path.changed", target=node, devices=" ".join(names), state=word)
        change = PathChange(node=node, incarnation=incarnation, devices=names, state=state)
        return self._office.leading.order(change, wall_ms).serial

    def on_fenced(self, now: Millis, wall_ms: int, done: FencingDone) -> None:
        """Fencing ended, on either level."""
        standing, controller, office = self._standing, self._controller, self._office
        waiting = controller.fencing_index(done.target, done.path)
        # Since an earlier office asked for a cut, another one may have given access: that answer counts for nothing.
        is_own = done.path is None or done.began_ms >= office.took_ms
        if done.ok and is_own and done.incarnation == standing.incarnation_of(done.target):
            if done.path is None:
                serial = office.confirm(done.target, done.incarnation, done.device, wall_ms).serial
            else:
                serial = self._say(done.target, (done.path,), PathState.CUT, wall_ms)
                office.paths.settling.add(serial)
            if waiting is not None:
                controller.wait_for(serial, waiting)
            return
        standing.note("fence.failed", target=done.target, reason=done.reason)
        if done.path is not None:
            office.paths.failed(done.target, done.path)
        else:
            office.paths.settled(done.target)
            controller.rest_until(now + FENCE_RETRY_MS)
        if waiting is not None:
            controller.finished(controller.transition_number, waiting, is_ok=False)
        office.is_changed = True

    # -- for a node

    def _restore(self, now: Millis, wall_ms: int, index: int, action: Action, node: NodeId) -> None:
        incarnation = self._standing.incarnation_of(node)
        number = self._controller.transition_number
        known = self._restorations.get(node)
        if known is not None and known.incarnation == incarnation:
            known.action, known.transition, known.index = action, number, index
            if known.stage is Stage.TOLD:
                self._tell(now, wall_ms, node, known)
            return
        devices = self._office.paths.devices(node)
        found = Restoration(action, number, index, incarnation, devices)
        found.began_ms = now
        found.closed = frozenset(self._office.paths.closed(node))
        found.names = tuple(dict.fromkeys((*(device.id for device in devices), *sorted(found.closed))))
        self._restorations[node] = found
        self._standing.note("unfence.begun", target=node, reason=action.reason)
        if found.names:
            serials = [
                self._say(
                    node, tuple(name for name in found.names if (name in found.closed) is is_closed), state, wall_ms
                )
                for is_closed, state in ((False, PathState.CONFIRMING), (True, PathState.RESTORING))
            ]
            found.serial = max(serials)
        else:
            found.stage, found.is_waiting = Stage.OPEN, False

    def on_acknowledged(self, entry: Entry) -> None:
        """An entry that a restoration waited for counts."""
        self._office.paths.settling.discard(entry.version.serial)
        found = self._restorations.get(entry.change.node) if isinstance(entry.change, PathChange) else None
        if found is not None and found.serial == entry.version.serial:
            found.is_waiting = False
            found.stage = Stage.SWITCHING if found.stage is Stage.ANNOUNCED else found.stage

    def on_switched(self, node: NodeId, result: ActionResult) -> None:
        """A node called one of its devices."""
        found = self._restorations.get(node)
        if found is None or not found.devices or found.devices[0].id != result.resource:
            return
        found.is_waiting = False
        found.reason = (result.reason or f"said {result.rc}") if result.is_failed else ""
        if not result.is_failed:
            del found.devices[0]
            found.tries = 0

    def drop(self, node: NodeId) -> None:
        """The node noted it; or it is another, or gone: its orders are settled."""
        self._restorations.pop(node, None)

    def on_time(self, now: Millis, wall_ms: int) -> None:
        """Take the next steps."""
        for node, found in list(self._restorations.items()):
            while not found.is_waiting and self._restorations.get(node) is found:
                found.is_waiting = True
                if found.stage is Stage.SWITCHING:
                    self._switch(now, wall_ms, node, found)
                else:
                    self._tell(now, wall_ms, node, found)

    def _switch(self, now: Millis, wall_ms: int, node: NodeId, found: Restoration) -> None:
        """Call the next device, or the same again; when all have done it, the way is open."""
        if not found.devices:
            found.stage = Stage.OPEN
            found.serial = self._say(node, found.names, None, wall_ms)
            return
        device = found.devices[0]
        if found.tries >= device.tries("on"):
            self._fail(now, wall_ms, node, found)
            return
        found.tries += 1
        order = Action(
            kind=ActionKind.RESOURCE,
            node=node,
            resource=device.id,
            operation="on",
            timeout_ms=device.timeout_ms("on"),
            agent=device.agent,
            parameters=device.parameters,
            meta={PLUG: device.plug},
            reason=found.action.reason,
        )
        self._controller.order_switch(now, wall_ms, order)

    def _tell(self, now: Millis, wall_ms: int, node: NodeId, found: Restoration) -> None:
        """The node notes that it has access; that it did is the end of what was planned."""
        if found.stage is Stage.OPEN:
            found.stage = Stage.TOLD
            self._end(now, node, found, ok=True)
        told = replace(found.action, resource=_NOBODY)
        self._controller.order(now, wall_ms, found.transition, found.index, told)

    def _fail(self, now: Millis, wall_ms: int, node: NodeId, found: Restoration) -> None:
        controller = self._controller
        del self._restorations[node]
        self._standing.note("unfence.failed", target=node, reason=f"{found.devices[0].id}: {found.reason}")
        self._end(now, node, found, ok=False)
        for state in (PathState.UNCERTAIN, None):
            names = tuple(name for name in found.names if (name in found.closed) is (state is not None))
            self._say(node, names, state, wall_ms)
        controller.rest_until(now + FENCE_RETRY_MS)
        controller.finished(found.transition, found.index, is_ok=False)
        self._office.is_changed = True

    def _end(self, now: Millis, node: NodeId, found: Restoration, *, ok: bool) -> None:
        """For the history."""
        if not found.names:
            return
        device = found.names[0] if ok else found.devices[0].id
        done = FencingDone(
            target=node,
            incarnation=found.incarnation,
            operation="on",
            ok=ok,
            device=",".join(found.names) if ok else device,
            reason="" if ok else f"{device}: {found.reason}",
            path=device,
        )
        self._stonith.remember(now, done, found.began_ms)
