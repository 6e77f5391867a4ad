"""The policy engine: what should run where, and the actions that lead there. Pure; its phases are on one screen."""

from __future__ import annotations

import msgspec

from hashelld.cib.view import ClusterView
from hashelld.policy.acting.actions import add_actions
from hashelld.policy.acting.emit import emit
from hashelld.policy.acting.fencing import add_fencing
from hashelld.policy.acting.notify import add_notifications, complete_notifications
from hashelld.policy.acting.orderings import add_orderings
from hashelld.policy.acting.propagate import propagate
from hashelld.policy.acting.steps import Graph
from hashelld.policy.graph import Transition
from hashelld.policy.placing.assign import place
from hashelld.policy.placing.colocating import read_ties
from hashelld.policy.placing.colocation import Colocations
from hashelld.policy.placing.locating import apply_criteria, apply_locations
from hashelld.policy.placing.tickets import apply_tickets
from hashelld.policy.state.expand import expand
from hashelld.policy.state.observe import observe
from hashelld.policy.state.situation import Ledger, Situation


class Plan:
    """A transition with everything that led to it, for explanations."""

    __slots__ = ("colocations", "graph", "situation", "transition")

    def __init__(self, view: ClusterView, ledger: Ledger | None = None) -> None:
        situation = expand(view, ledger)  # Items and nodes, with their options parsed.
        observe(situation)  # What runs where, what failed, what is unknown.
        read_ties(situation)
        apply_locations(situation)  # Scores: locations, health…
        apply_tickets(situation)
        apply_criteria(situation)  # …failures, locks, stickiness.
        colocations = Colocations(situation)
        place(situation, colocations)  # A node and a role for everything.
        situation.wake_at(situation.attributes.wake_ms)  # All rules have been judged by now.
        graph = Graph()
        add_actions(situation, graph)
        add_fencing(situation, graph)
        add_orderings(situation, graph)
        add_notifications(situation, graph)
        propagate(situation, graph)  # Necessity and impossibility, to the fixed point.
        complete_notifications(situation, graph)
        self.situation: Situation = situation
        self.colocations = colocations
        self.graph = graph
        self.transition: Transition = emit(situation, graph)


class Planner:
    """Plans, and gives its last answer again while nothing that counts has changed."""

    __slots__ = ("_transition", "_view")

    def __init__(self) -> None:
        self._view: ClusterView | None = None
        self._transition = Transition()

    def plan(self, view: ClusterView) -> Transition:
        """As the function `plan`; the time alone changes nothing before the moment that the last answer named."""
        last, wake_ms = self._view, self._transition.wake_ms
        is_same = (
            last is not None
            and last.now_ms <= view.now_ms
            and (wake_ms is None or view.now_ms < wake_ms)
            and msgspec.structs.replace(last, now_ms=view.now_ms) == view
        )
        if not is_same:
            self._view, self._transition = view, plan(view)
        return self._transition


def plan(view: ClusterView) -> Transition:
    """What leads from the view to the wanted state. Equal views give equal transitions."""
    return Plan(view).transition
