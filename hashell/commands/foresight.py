"""What the cluster would do, and why it does what it does: planned here, with the code that the DC plans with."""

from __future__ import annotations

from msgspec.structs import replace

from hashell.commands.consequences import Placement, changes_of, steps_of, untouched
from hashell.commands.secrets import shown_pair
from hashell.outcomes import Outcome, Planned, Why
from hashell.session import Session
from hashelld.cib.diff import unified
from hashelld.cib.edit import Edit, apply
from hashelld.cib.view import ClusterView
from hashelld.model.action import Action, ActionKind
from hashelld.model.ids import NodeId, ResourceId
from hashelld.policy.explain import explain
from hashelld.policy.explanation import Explanation
from hashelld.policy.graph import Transition
from hashelld.policy.plan import plan
from hashelld.policy.simulate import carry_out
from hashelld.policy.whereabouts import whereabouts


ROUNDS_MAX = 10
"""A plan, carried out, may make further steps possible; so often the cluster is looked at again."""


def foresee(view: ClusterView, diff: str) -> Planned:
    """Everything that the cluster would do until nothing is left to do, with the draft's difference."""
    before = active(view)
    actions: list[Action] = []
    first = transition = plan(view)
    for _round in range(ROUNDS_MAX):
        if not transition.actions:
            break
        _append(actions, transition)
        view = carry_out(view, transition)
        transition = plan(view)
    whole = Transition(tuple(actions), transition.placement, transition.blocked, first.wake_ms)
    return planned(whole, before, diff)


def foresee_edits(session: Session, edits: tuple[Edit, ...]) -> Planned:
    """What the cluster would do if these edits were committed now, whatever the draft is."""
    applied = session.applied().cib
    after = apply(applied, edits)
    seen = shown_pair(session, applied, after)
    return foresee(replace(session.view(), cib=after), unified(*seen, "applied", "with this"))


def planned(transition: Transition, before: Placement, diff: str = "") -> Planned:
    """A plan with what it comes to, for what is active where before it."""
    steps = steps_of(transition)
    changes = changes_of(transition, steps)
    return Planned(transition=transition, diff=diff, changes=changes, steps=steps, unchanged=untouched(before, changes))


def active(view: ClusterView) -> Placement:
    """Resource, node and role of every active instance, sorted."""
    return tuple((one.resource, one.node, one.role) for one in whereabouts(view))


def _append(actions: list[Action], transition: Transition) -> None:
    """Add the actions of a later plan: they come after all of the earlier ones."""
    offset = len(actions)
    ends = set(range(offset)).difference(*(action.after for action in actions))
    if offset:
        actions.append(Action(kind=ActionKind.PSEUDO, operation="plan", after=tuple(sorted(ends))))
    start = len(actions)
    for action in transition.actions:
        after = tuple(at + start for at in action.after) or ((offset,) if offset else ())
        actions.append(replace(action, after=after))


def explain_placement(session: Session, resource: ResourceId, node: NodeId | None) -> Outcome:
    """Why a resource is where it is; with a node, what concerns that node alone."""
    found = explain(session.view(), resource)
    return Why(found if node is None else _at(found, node))


def _at(found: Explanation, node: NodeId) -> Explanation:
    parts = tuple(part for part in found.parts if node in (part.now, part.node))
    return replace(
        found,
        parts=parts,
        scores=tuple(score for score in found.scores if score.node == node),
        promotion=tuple(score for score in found.promotion if score.node == node),
        summary=_about(found, node) or (parts[0].summary if parts else found.summary),
    )


def _about(found: Explanation, node: NodeId) -> str:
    """Why it is not on this node, in the policy's words; empty when it is, or nothing is known of the node."""
    why = next((score.why_not for score in found.scores if score.node == node), "")
    return f"not on {node}: {why}" if why else ""
