"""What holds for every cluster: plans are acyclic, carrying one out leaves nothing to do, names do not matter."""

from __future__ import annotations

import re

import msgspec
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from hashelld.cib.document import Cib
from hashelld.cib.view import ClusterView
from hashelld.model.action import ActionKind
from hashelld.model.constraint import Colocation, Location, Order
from hashelld.model.resource import Primitive
from hashelld.policy.graph import Transition
from hashelld.policy.plan import plan
from hashelld.policy.simulate import carry_out
from tests.build import cluster


NODES = ("n1", "n2", "n3")
SCORES = st.sampled_from(["inf", "-inf", "100", "-50", "7", "0"])
ROUNDS_MAX = 2
"""What is blocked counts as load where it was; once it is stopped the others may balance anew."""
METAS = st.sampled_from(
    [
        "",
        "",
        " meta target-role=Stopped",
        " meta resource-stickiness=20",
        " meta migration-threshold=2",
        " meta is-managed=false",
        " meta priority=5",
    ]
)
QUICK = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def descriptions(draw: st.DrawFn) -> str:
    """A cluster of three nodes in any state, with up to six primitives, a group and some constraints."""
    names = [f"r{number}" for number in range(draw(st.integers(1, 6)))]
    fencing = draw(st.sampled_from(["yes", "no"]))
    lines = [f"cluster nodes={','.join(NODES)} fencing={fencing}"]
    for name in names:
        meta = draw(METAS)
        lines.append(f"  primitive {name} ocf:heartbeat:Dummy op monitor interval=10s{meta}")
    grouped = names[: draw(st.sampled_from([0, 0, 2, 3]))]
    things = names
    if len(grouped) > 1:
        lines.append(f"  group g {' '.join(grouped)}")
        things = ["g", *names[len(grouped) :]]
    lines += draw(st.lists(constraints(things), max_size=5, unique_by=lambda line: line.split()[1]))
    for name in names:
        said = draw(st.lists(states(name), max_size=2))
        lines += sorted(said, key=lambda line: " stop on " in line)  # Nothing succeeds after a failed stop.
    node = st.sampled_from(["standby", "maintenance", "unclean", "offline", "unprobed", "leaving"])
    lines += [
        f"node {name} {draw(node)}" for name in draw(st.lists(st.sampled_from(NODES[1:]), max_size=2, unique=True))
    ]
    return "\n".join(lines)


@st.composite
def constraints(draw: st.DrawFn, things: list[str]) -> str:
    name, score = f"k{draw(st.integers(0, 99))}", draw(SCORES)
    one, other = draw(st.sampled_from(things)), draw(st.sampled_from(things))
    kind = draw(st.sampled_from(["location", "colocation", "order", "optional"]))
    if kind == "location" or one == other:
        return f"  location {name} {one} {score}: {draw(st.sampled_from(NODES))}"
    if kind == "colocation":
        return f"  colocation {name} {score}: {one} {other}"
    return f"  order {name} {'Optional: ' if kind == 'optional' else ''}{one} {other}"


@st.composite
def states(draw: st.DrawFn, name: str) -> str:
    node = draw(st.sampled_from(NODES))
    return draw(
        st.sampled_from(
            [
                f"active {name} on {node}",
                f"active {name} on {node}",
                f"active {name} on {node} watched=no",
                f"failed {name} monitor on {node} rc=7",
                f"failed {name} start on {node} rc=1 count=inf",
                f"failed {name} stop on {node} rc=1",
                f"unknown {name} on {node}",
            ]
        )
    )


def closure(transition: Transition) -> set[tuple[str, str]]:
    """Which real action comes before which, by label."""
    before: list[set[int]] = []
    for action in transition.actions:
        reached = set(action.after)
        for first in action.after:
            reached |= before[first]
        before.append(reached)
    real = {at: a.label for at, a in enumerate(transition.actions) if a.kind is not ActionKind.PSEUDO}
    return {(real[first], real[at]) for at in real for first in before[at] if first in real}


def labels(transition: Transition) -> list[str]:
    return sorted(action.label for action in transition.actions)


@QUICK
@given(descriptions())
def test_actions_wait_only_for_earlier_ones_and_happen_once(description: str):
    transition = plan(cluster(description))
    assert all(first < at for at, action in enumerate(transition.actions) for first in action.after)
    assert len(set(labels(transition))) == len(transition.actions)


@QUICK
@given(descriptions())
def test_carrying_a_plan_out_leaves_nothing_to_do(description: str):
    assume("leaving" not in description or "is-managed=false" not in description)  # What is left behind is unknown.
    view = cluster(description)
    for _round in range(ROUNDS_MAX):
        view = carry_out(view, plan(view))
    assert labels(plan(view)) == []


@QUICK
@given(descriptions())
def test_actions_go_to_online_nodes_only(description: str):
    view = cluster(description)
    online = {node.node for node in view.nodes if node.online and not node.unclean}
    for action in plan(view).actions:
        assert action.kind in {ActionKind.FENCE, ActionKind.PSEUDO} or action.node in online


@QUICK
@given(descriptions())
def test_nothing_starts_while_starts_are_on_hold_or_quorum_is_missing(description: str):
    view = cluster(description)
    for held in ({"may_start": False}, {"has_quorum": False}):
        transition = plan(msgspec.structs.replace(view, **held))
        assert [a.label for a in transition.actions if a.operation == "start" and a.kind is ActionKind.RESOURCE] == []


@QUICK
@given(descriptions())
def test_equal_views_give_equal_transitions(description: str):
    assert plan(cluster(description)) == plan(cluster(description))


def reordered(view: ClusterView) -> ClusterView:
    """The same configuration with constraints in the opposite order."""
    fixed = [o for o in view.cib.objects if not isinstance(o, Location | Colocation | Order)]
    turned = [o for o in view.cib.objects if isinstance(o, Location | Colocation | Order)]
    return msgspec.structs.replace(view, cib=Cib((*fixed, *reversed(turned))))


@QUICK
@given(descriptions())
def test_the_order_of_constraints_does_not_matter(description: str):
    view = cluster(description)
    one, other = plan(view), plan(reordered(view))
    assert labels(one) == labels(other)
    assert set(one.placement) == set(other.placement)


@QUICK
@given(descriptions())
def test_names_of_resources_do_not_matter(description: str):
    one, other = plan(cluster(description)), plan(cluster(re.sub(r"\br(\d)\b", r"x\1", description)))
    assert sorted(re.sub(r"\bx(\d)_", r"r\1_", label) for label in labels(other)) == labels(one)
    assert len(closure(one)) == len(closure(other))


@QUICK
@given(descriptions())
def test_a_stopped_stranger_changes_nothing(description: str):
    view = cluster(description)
    stranger = cluster("cluster nodes=n1\n  primitive stranger ocf:heartbeat:Dummy meta target-role=Stopped").cib
    added = tuple(o for o in stranger.objects if isinstance(o, Primitive))
    wider = msgspec.structs.replace(view, cib=Cib((*view.cib.objects, *added)))
    mine = [label for label in labels(plan(wider)) if not label.startswith("stranger")]
    assert mine == labels(plan(view))
