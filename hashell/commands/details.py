"""What `status` shows only when it is asked for: the newest operations, fail counts, tickets."""

from __future__ import annotations

from hashell.commands.chronicle import answer_of, written
from hashell.outcomes import OperationLine, TicketLine
from hashell.session import Session
from hashelld.cib.view import TicketState
from hashelld.model.constraint import TicketConstraint
from hashelld.model.duration import format_duration
from hashelld.model.history import ActionResult
from hashelld.model.ids import NodeId


def operations(session: Session) -> tuple[OperationLine, ...]:
    """The newest result of every operation, by resource and node, in the order in which they were carried out."""
    found = [(view.node, result) for view in session.status().nodes for result in view.status.operations]
    found.sort(key=lambda one: (one[1].resource, one[0], one[1].call))
    return tuple(_operation(node, result) for node, result in found)


def _operation(node: NodeId, result: ActionResult) -> OperationLine:
    every = f" {format_duration(result.interval_ms)}" if result.interval_ms else ""
    return OperationLine(
        resource=result.resource,
        node=node,
        operation=f"{result.operation}{every}",
        outcome=answer_of(result),
        is_failed=result.is_failed,
        when=written(result.started_ms),
        duration_ms=result.duration_ms,
    )


def tickets(session: Session) -> tuple[TicketLine, ...]:
    """Every ticket that constraints name, or that the cluster was told of; one that was never granted is revoked."""
    known = session.view().tickets
    named = {one.ticket for one in session.applied().cib.constraints if isinstance(one, TicketConstraint)}
    return tuple(TicketLine(ticket=name, state=_state(known.get(name))) for name in sorted(named | known.keys()))


def _state(ticket: TicketState | None) -> str:
    if ticket is None or not ticket.is_granted:
        return "revoked"
    return "granted, in standby" if ticket.is_standby else "granted"
