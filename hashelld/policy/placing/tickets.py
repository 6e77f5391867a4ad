"""Tickets: what may run only where the cluster holds one, and what happens when it is lost (POLICY.md 23)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashelld.cib.view import TicketState
from hashelld.model.constraint import TicketConstraint
from hashelld.policy.placing.locating import ban
from hashelld.policy.state.items import STAGES, Item, Stage
from hashelld.policy.state.situation import Situation
from hashelld.policy.state.ties import members_of, stands_for


if TYPE_CHECKING:
    from hashelld.policy.placing.assign import Placer

_NONE = TicketState()


def apply_tickets(situation: Situation) -> None:
    """Ban what lacks its ticket; freeze, fence or stop what loses it."""
    for constraint in situation.cib.objects:
        if not isinstance(constraint, TicketConstraint):
            continue
        for item, role in _named(situation, constraint):
            stage = STAGES.get((role or "").strip().lower(), Stage.UNKNOWN)
            item.tickets.append((constraint.ticket, stage))
            state = situation.view.tickets.get(constraint.ticket, _NONE)
            if not state.is_granted or state.is_standby:
                for part in list(item.primitives()):
                    _lack(situation, part, constraint, stage, state)


def _named(situation: Situation, constraint: TicketConstraint) -> list[tuple[Item, str | None]]:
    found: list[tuple[Item, str | None]] = []
    for each in constraint.sets:
        found += [(item, each.role) for item in members_of(situation, each)]
    if constraint.resource is not None:
        names = stands_for(situation, constraint.resource)
        for name in names if names is not None else (constraint.resource,):
            item = situation.named(name)
            if item is not None:
                found.append((item, constraint.role))
    return found


def _lack(situation: Situation, item: Item, constraint: TicketConstraint, stage: Stage, state: TicketState) -> None:
    policy = (constraint.loss_policy or "stop").strip().lower()
    if policy == "demote" and stage is not Stage.PROMOTED:
        policy = "stop"
    if policy == "fence" and not situation.settings.has_fencing:
        policy = "stop"
    word = "in standby" if state.is_granted else "not granted"
    reason = f"ticket {constraint.ticket} is {word}"
    if state.is_granted or not item.active:
        if stage is not Stage.PROMOTED or policy == "stop":
            ban(situation, item, reason)
            item.why_stopped = item.why_stopped or reason
        return
    has_role = stage in {Stage.UNKNOWN, item.stage} or (stage < Stage.PROMOTED and item.stage is Stage.STARTED)
    match policy:
        case "demote":
            return
        case "fence" | "freeze" if not has_role:
            return
        case "fence":
            ban(situation, item, reason)
            item.why_stopped = item.why_stopped or reason
            for node in item.active:
                situation.nodes[node].condemn(f"{reason}, and {item.called} ran there")
        case "freeze":
            item.is_managed = False
            item.is_blocked = True
            item.block_reason = reason
        case _:
            ban(situation, item, reason)
            item.why_stopped = item.why_stopped or reason


def ban_promotion_without_ticket(placer: Placer, clone: Item) -> None:
    """Nothing of a clone is promoted whose promoted role needs a ticket that is not there."""
    for name, stage in clone.tickets:
        state = placer.situation.view.tickets.get(name, _NONE)
        if stage is Stage.PROMOTED and (not state.is_granted or state.is_standby):
            clone.table.ban()
