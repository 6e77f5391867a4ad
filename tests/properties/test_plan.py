"""What holds for every plan of a drawn cluster: it is acyclic, leaves nothing to do, and does not depend on names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hashelld.cib.view import ClusterView, NodeView
from hashelld.cib.xml.status import read_view
from hashelld.cib.xml.tree import XmlRefused
from hashelld.model.action import ActionKind
from hashelld.policy.graph import Transition
from hashelld.policy.plan import plan
from hashelld.policy.simulate import carry_out
from tests.properties.cib_xml import NOW_S, cib_xml
from tests.properties.clusters import Theme, clusters
from tests.properties.effort import few
from tests.properties.shapes import Cluster, Location, Past, Primitive, renamed, subjects_of


RECORDED = Path("/work/shared/data/policy/xml")
ROUNDS_MAX = 2
"""Instances of a clone are numbered anew by what is active, and a resource that shuns the clone may follow once."""
CASES = Path(__file__).parent.parent / "cases" / "xml"
FEW = few(60)
WHOSE = st.sampled_from(["pacemaker's", "our own"])
"""Whose daemons made the history: some things are judged otherwise in a cluster of our own."""


def view_of(cluster: Cluster, whose: str = "pacemaker's") -> ClusterView:
    """The cluster as it is recorded, or as our own daemons would report it."""
    view = read_view(cib_xml(cluster), NOW_S * 1000)
    return view if whose == "pacemaker's" else made_ours(view)


def made_ours(view: ClusterView) -> ClusterView:
    """Without Pacemaker's digests, which cover other things than ours."""
    return replace(view, feature_set="", nodes=tuple(map(_without_digests, view.nodes)))


def _without_digests(node: NodeView) -> NodeView:
    results = tuple(replace(result, digest="") for result in node.status.operations)
    return replace(node, status=replace(node.status, operations=results))


def labels(transition: Transition) -> list[str]:
    return sorted(action.label for action in transition.actions)


def edges(transition: Transition) -> list[tuple[str, str]]:
    """Which action waits for which, by label."""
    known = [action.label for action in transition.actions]
    return sorted((known[first], action.label) for action in transition.actions for first in action.after)


def assert_acyclic(transition: Transition) -> None:
    """Actions wait for earlier ones only."""
    for at, action in enumerate(transition.actions):
        assert all(0 <= first < at for first in action.after), action.label


@FEW
@given(clusters(*Theme), WHOSE)
def test_actions_wait_for_earlier_ones_only(cluster: Cluster, whose: str):
    assert_acyclic(plan(view_of(cluster, whose)))


@pytest.mark.parametrize("path", sorted(CASES.glob("*.xml")), ids=lambda path: path.stem)
def test_plans_of_kept_clusters_are_acyclic_and_leave_nothing_to_do(path: Path):
    view = made_ours(read_view(path.read_text(), NOW_S * 1000))
    transition = plan(view)
    assert_acyclic(transition)
    assert labels(plan(carry_out(view, transition))) == []


@pytest.mark.skipif(not RECORDED.is_dir(), reason=f"needs the recorded cases in {RECORDED}")
def test_plans_of_recorded_clusters_are_acyclic_and_leave_nothing_to_do():
    restless = []
    for path in sorted(RECORDED.glob("*.xml")):
        try:
            view = read_view(path.read_text(encoding="utf-8"), NOW_S * 1000)
        except XmlRefused:
            continue
        assert_acyclic(plan(view))
        if not came_to_rest(made_ours(view)):
            restless.append(path.stem)
    assert restless == []


def came_to_rest(view: ClusterView) -> bool:
    """Is there nothing to do any more after some plans were carried out?"""
    for _round in range(ROUNDS_MAX + 2):
        transition = plan(view)
        if not transition.actions:
            return True
        view = carry_out(view, transition)
    return False


@FEW
@given(clusters(*Theme, is_healthy=True), WHOSE)
def test_carrying_a_plan_out_leaves_nothing_to_do(cluster: Cluster, whose: str):
    view = view_of(cluster, whose)
    for _round in range(ROUNDS_MAX):
        view = carry_out(view, plan(view))
    assert labels(plan(view)) == []


@FEW
@given(clusters(*Theme), WHOSE)
def test_every_cluster_comes_to_rest(cluster: Cluster, whose: str):
    """Also where something failed, is not managed or cannot be fenced."""
    assert came_to_rest(view_of(cluster, whose))


@FEW
@given(clusters(*Theme), WHOSE)
def test_equal_views_give_equal_plans(cluster: Cluster, whose: str):
    assert plan(view_of(cluster, whose)) == plan(view_of(cluster, whose))


@FEW
@given(clusters(*Theme), WHOSE)
def test_names_that_sort_alike_are_as_good(cluster: Cluster, whose: str):
    """Names break ties, so only their order may matter."""
    one, other = plan(view_of(cluster, whose)), plan(view_of(renamed(cluster, "x"), whose))
    assert sorted(re.sub(r"\bx(?=[a-z]\d)", "", label) for label in labels(other)) == labels(one)
    assert len(edges(one)) == len(edges(other))


@FEW
@given(clusters(*Theme), WHOSE, st.data())
def test_the_order_of_constraints_of_different_resources_does_not_matter(
    cluster: Cluster, whose: str, data: st.DataObject
):
    turned = list(cluster.constraints)
    for at in range(len(turned) - 1):
        if not subjects_of(turned[at]) & subjects_of(turned[at + 1]) and data.draw(st.booleans()):
            turned[at], turned[at + 1] = turned[at + 1], turned[at]
    one, other = plan(view_of(cluster, whose)), plan(view_of(cluster.but(constraints=tuple(turned)), whose))
    assert labels(one) == labels(other)
    assert edges(one) == edges(other)


@FEW
@given(clusters(*Theme), WHOSE)
def test_a_stopped_stranger_changes_nothing(cluster: Cluster, whose: str):
    """What runs nowhere and is kept stopped is no load, and nobody waits for it."""
    past = {host.name: Past.ABSENT for host in cluster.hosts}
    stranger = Primitive("stranger", {"target-role": "Stopped"}, past)
    place = Location("stranger-place", "stranger", "100", cluster.hosts[0].name)
    wider = cluster.but(things=(*cluster.things, stranger), constraints=(*cluster.constraints, place))
    mine, theirs = plan(view_of(wider, whose)), plan(view_of(cluster, whose))
    assert [label for label in labels(mine) if not label.startswith("stranger_")] == labels(theirs)


@FEW
@given(clusters(*Theme), WHOSE)
def test_actions_go_to_nodes_that_can_do_them(cluster: Cluster, whose: str):
    view = view_of(cluster, whose)
    online = {node.node for node in view.nodes if node.online and not node.unclean}
    for action in plan(view).actions:
        assert action.kind in {ActionKind.FENCE, ActionKind.PSEUDO} or action.node in online
