"""What `simulate` takes to have happened: applied to a view, checked against its names, told in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from hashell.errors import Refused
from hashell.grammar.mistake import did_you_mean
from hashelld.cib.view import ClusterView
from hashelld.model.constraint import TicketConstraint
from hashelld.model.ids import NodeId, ResourceId
from hashelld.model.resource import Primitive
from hashelld.policy import whatif


class Assumptions(msgspec.Struct, frozen=True, kw_only=True):
    """As the options of the command say them."""

    up: tuple[str, ...] = ()
    down: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    injected: tuple[whatif.Ended, ...] = ()
    to_fail: tuple[whatif.Ended, ...] = ()
    """Not assumed, but to happen while the plan is carried out."""
    has_quorum: bool | None = None
    granted: tuple[str, ...] = ()
    revoked: tuple[str, ...] = ()
    standby: tuple[str, ...] = ()
    active: tuple[str, ...] = ()
    now_ms: int | None = None

    @property
    def failures(self) -> dict[str, int]:
        """The return codes of actions that are to end otherwise, by their labels."""
        return {one.label: one.rc for one in self.to_fail}

    def of(self, view: ClusterView) -> Assumptions:
        """The same with the view's own names of resources. Raises `Refused` for names that it does not know."""
        nodes = [str(node.node) for node in view.nodes] + [str(node.id) for node in view.cib.nodes]
        ends = (*self.injected, *self.to_fail)
        _demand("node", (*self.up, *self.down, *self.failed, *(str(end.node) for end in ends)), nodes)
        tickets = [found.ticket for found in view.cib.constraints if isinstance(found, TicketConstraint)]
        _demand("ticket", (*self.granted, *self.revoked, *self.standby, *self.active), (*tickets, *view.tickets))
        resources = _resources(view) if ends else {}
        return msgspec.structs.replace(
            self,
            injected=tuple(_named(end, resources) for end in self.injected),
            to_fail=tuple(_named(end, resources) for end in self.to_fail),
        )

    def apply(self, view: ClusterView) -> ClusterView:
        """The view in which all this has happened. Raises `Refused` for an operation on a node that is off."""
        if self.now_ms is not None:
            view = whatif.moment(view, self.now_ms)
        if self.has_quorum is not None:
            view = whatif.quorum(view, is_there=self.has_quorum)
        view = self._with_tickets(view)
        for node in self.up:
            view = whatif.node_up(view, NodeId(node))
        for node in self.down:
            view = whatif.node_down(view, NodeId(node))
        for node in self.failed:
            view = whatif.node_failed(view, NodeId(node))
        for one in self.injected:
            place = view.node(one.node)
            if place is None or not (place.online or place.unclean or place.is_remote):
                raise Refused(f"{one.node} is off: no operation ends there")
            view = whatif.ended(view, one)
        return view

    def _with_tickets(self, view: ClusterView) -> ClusterView:
        for names, is_granted, is_standby in (
            (self.granted, True, None),
            (self.revoked, False, None),
            (self.standby, None, True),
            (self.active, None, False),
        ):
            for name in names:
                view = whatif.ticket(view, name, is_granted=is_granted, is_standby=is_standby)
        return view

    def told(self) -> tuple[str, ...]:
        """One sentence without a full stop for each; what is to fail later is not among them."""
        return tuple(self._told())

    def _told(self) -> Iterator[str]:
        if self.has_quorum is not None:
            yield "there is quorum" if self.has_quorum else "there is no quorum"
        yield from (f"{node} has come online" for node in self.up)
        yield from (f"{node} has left" for node in self.down)
        yield from (f"{node} is lost" for node in self.failed)
        for one in self.injected:
            yield f"{one.operation} of {one.resource} on {one.node} ended with {one.rc}"
        yield from (f"ticket {name} is granted" for name in self.granted)
        yield from (f"ticket {name} is revoked" for name in self.revoked)
        yield from (f"ticket {name} is in standby" for name in self.standby)
        yield from (f"ticket {name} is active" for name in self.active)


def _demand(what: str, named: Iterable[str], known: Iterable[str]) -> None:
    there = dict.fromkeys(known)
    for name in named:
        if name not in there:
            hint = did_you_mean(name, there)
            raise Refused(f"there is no {what} '{name}'{f'; {hint}' if hint else ''}")


def _named(end: whatif.Ended, resources: dict[str, None]) -> whatif.Ended:
    """With the resource as histories call it: instances of anonymous clones have no number there."""
    base, colon, number = end.resource.rpartition(":")
    if colon and number.isdigit() and end.resource not in resources and base in resources:
        return msgspec.structs.replace(end, resource=ResourceId(base))
    _demand("resource", (str(end.resource),), resources)
    return end


def _resources(view: ClusterView) -> dict[str, None]:
    """Primitives, and what histories tell of (what bundles make, what is not configured any more)."""
    names: dict[str, None] = {found.id: None for found in view.cib.resources if isinstance(found, Primitive)}
    for node in view.nodes:
        names.update((result.resource, None) for result in node.status.operations)
    return names
