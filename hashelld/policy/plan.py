"""The policy engine: what should run where, and the actions that lead there. Pure; its phases are on one screen."""

from __future__ import annotations

from hashelld.cib.view import ClusterView
from hashelld.policy.actions import add_actions
from hashelld.policy.colocation import Colocations
from hashelld.policy.emit import emit
from hashelld.policy.expand import Situation, expand
from hashelld.policy.fence import add_fencing
from hashelld.policy.graph import Transition
from hashelld.policy.location import Ledger, base_scores
from hashelld.policy.observe import Observed, observe
from hashelld.policy.order import add_orderings, add_restart_waits
from hashelld.policy.place import Placement, place
from hashelld.policy.propagate import propagate
from hashelld.policy.reasons import Reasons
from hashelld.policy.steps import Graph


class Plan:
    """A transition with everything that led to it, for explanations."""

    __slots__ = ("graph", "observed", "placement", "reasons", "situation", "transition")

    def __init__(self, view: ClusterView, ledger: Ledger | None = None) -> None:
        situation = expand(view)  # Items and nodes, with their options parsed.
        observed = observe(situation)  # What runs where, what failed, what is unknown.
        colocations = Colocations(situation)
        tables = base_scores(situation, observed, ledger)
        placement = place(situation, observed, tables, colocations)
        graph = Graph()
        add_actions(situation, observed, tables, placement, graph)
        add_orderings(situation, observed, colocations, graph)
        add_fencing(situation, observed, graph)
        propagate(situation, observed, colocations, graph)
        add_restart_waits(graph)
        self.situation: Situation = situation
        self.observed: Observed = observed
        self.placement: Placement = placement
        self.graph = graph
        self.reasons = Reasons(situation, observed, colocations, placement, graph)
        self.transition: Transition = emit(situation, observed, placement, graph, self.reasons)


def plan(view: ClusterView) -> Transition:
    """What leads from the view to the wanted state. Equal views give equal transitions."""
    return Plan(view).transition
