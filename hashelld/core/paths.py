"""What the DC knows of the nodes' ways through fabric devices: which are cut, and which may be.

All of it is in the log, for the next DC has to know: what one was told before the other, what a device confirmed, and
that a node is about to get its access back. Only that some device failed to cut a node off is this DC's own memory.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from hashelld.cib.document import Cib
from hashelld.cib.view import NodeView
from hashelld.core.devices import Device, path_devices, protecting
from hashelld.core.standing import Standing
from hashelld.model.ids import Incarnation, NodeId, ResourceId
from hashelld.wire.log import Path, PathState


class Paths:
    """The ways of all nodes, as far as they are not known to be open."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        self.settling: set[int] = set()
        """Serials of entries by which a node will be known to be cut off: nothing is planned before."""
        self._failed: dict[NodeId, set[ResourceId]] = {}
        self._cib: Cib | None = None
        self._devices: dict[NodeId, tuple[Device, ...]] = {}
        self._protecting: frozenset[ResourceId] = frozenset()

    def of(self, node: NodeId) -> Mapping[ResourceId, Path]:
        """What is acknowledged of a node's ways, by device; those that are open are not there."""
        applied = self._standing.log.applied
        return applied.paths.get(node, {}) if applied is not None else {}

    def closed(self, node: NodeId) -> tuple[ResourceId, ...]:
        """The devices that cut the node off, or may have."""
        return tuple(name for name, path in self.of(node).items() if path.state is not PathState.CONFIRMING)

    def devices(self, node: NodeId) -> tuple[Device, ...]:
        """The devices that the node has to get access from."""
        self._look()
        if node not in self._devices:
            self._devices[node] = path_devices(self._standing.log.cib, node)
        return self._devices[node]

    def _look(self) -> None:
        cib = self._standing.log.cib
        if cib is not self._cib:
            self._cib, self._protecting = cib, protecting(cib)
            self._devices.clear()

    def failed(self, node: NodeId, device: ResourceId) -> None:
        """A device did not cut the node off: until something else does, the node has to be fenced instead."""
        self._failed.setdefault(node, set()).add(device)

    def settled(self, node: NodeId) -> None:
        """The node is back, or fencing was tried as well: what failed may be tried anew."""
        self._failed.pop(node, None)

    def shown(self, view: NodeView) -> NodeView:
        """The node's view, with what its ways are.

        A confirmation counts while no later incarnation was heard. A device proves nothing while the node itself may
        be at work on it: a registration that comes late would undo the cut.
        """
        self._look()
        known = self.of(view.node)
        if not known and not (view.unclean and self._protecting):
            return view
        closed = self.closed(view.node)
        if not view.unclean:
            return msgspec.structs.replace(view, closed=closed)
        incarnation = self._standing.incarnation_of(view.node)
        cut = tuple(device for device, path in known.items() if _is_cut(path, incarnation))
        failed = self._failed.get(view.node, ())
        can_cut = tuple(
            device.id
            for device in self.devices(view.node)
            if device.id in self._protecting and device.id not in (*cut, *failed) and _is_idle(known.get(device.id))
        )
        return msgspec.structs.replace(view, closed=closed, cut=cut, can_cut=can_cut)


def _is_cut(path: Path, incarnation: Incarnation) -> bool:
    return path.state is PathState.CUT and path.incarnation == incarnation


def _is_idle(path: Path | None) -> bool:
    return path is None or path.state not in (PathState.RESTORING, PathState.CONFIRMING)
