"""What the cluster would do, and why it does what it does: planned here, with the code that the DC plans with."""

from __future__ import annotations

from msgspec.structs import replace

from hashell.outcomes import Outcome, Planned, Why
from hashell.session import Session
from hashelld.cib.document import Cib
from hashelld.cib.view import ClusterView
from hashelld.model.action import Action
from hashelld.model.ids import NodeId, ResourceId
from hashelld.model.resource import Clone
from hashelld.model.score import format_score
from hashelld.policy.explain import explain
from hashelld.policy.explanation import Explanation
from hashelld.policy.graph import Transition
from hashelld.policy.plan import plan
from hashelld.policy.simulate import carry_out


ROUNDS_MAX = 10
"""A plan, carried out, may make further steps possible; so often the cluster is looked at again."""


def foresee(view: ClusterView, diff: str) -> Planned:
    """Everything that the cluster would do until nothing is left to do, with the draft's difference."""
    actions: list[Action] = []
    first = transition = plan(view)
    for _round in range(ROUNDS_MAX):
        offset = len(actions)
        actions += [replace(a, after=tuple(at + offset for at in a.after)) for a in transition.actions]
        if not transition.actions:
            break
        view = carry_out(view, transition)
        transition = plan(view)
    whole = Transition(tuple(actions), transition.placement, transition.blocked, first.wake_ms)
    return Planned(transition=whole, diff=diff)


def explain_placement(session: Session, resource: ResourceId, node: NodeId | None) -> Outcome:
    """Why a resource is where it is; with a node, that node's scores alone."""
    found = explain(session.view(), _speaker(session.cib(), resource))
    if node is not None:
        chosen = tuple(score for score in found.scores if score.node == node)
        found = replace(found, scores=chosen, summary=_about(found, node) or found.summary)
    return Why(found)


def _speaker(cib: Cib, resource: ResourceId) -> ResourceId:
    """What is placed: of a clone, what is inside it."""
    found = cib.find(resource)
    return _speaker(cib, found.child) if isinstance(found, Clone) else resource


def _about(found: Explanation, node: NodeId) -> str:
    """Why it is not on this node; empty when it is, or nothing is known of the node."""
    score = next((one for one in found.scores if one.node == node), None)
    if score is None or node in found.planned_on:
        return ""
    worst = min(score.contributions, key=lambda part: part.score, default=None)
    if score.total < 0 and worst is not None:
        return f"may not run on {node}: {worst.source} ({format_score(worst.score)})"
    best = next((one for one in found.scores if one.node in found.planned_on), None)
    if best is None:
        return ""
    if best.total > score.total:
        return f"is better on {best.node}: {format_score(best.total)} there, {format_score(score.total)} on {node}"
    return f"stays on {best.node}: {node} is not better"
