"""What holds for every plan of a drawn cluster: it is acyclic, leaves nothing to do, and does not depend on names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hashelld.cib.view import ClusterView
from hashelld.cib.xml.status import read_view
from hashelld.cib.xml.tree import XmlRefused
from hashelld.model.action import ActionKind
from hashelld.policy.graph import Transition
from hashelld.policy.plan import plan
from hashelld.policy.simulate import carry_out
from tests.properties.cib_xml import NOW_S, cib_xml
from tests.properties.clusters import Theme, clusters
from tests.properties.shapes import Cluster, Location, Past, Primitive, renamed, subjects_of


RECORDED = Path("/work/shared/data/policy/xml")
CASES = Path(__file__).parent.parent / "cases" / "xml"
EVERYTHING = (Theme.GROUPS, Theme.CLONES, Theme.PROMOTABLE)
FEW = settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def view_of(cluster: Cluster) -> ClusterView:
    return read_view(cib_xml(cluster), NOW_S * 1000)


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
@given(clusters(*EVERYTHING))
def test_actions_wait_for_earlier_ones_only(cluster: Cluster):
    assert_acyclic(plan(view_of(cluster)))


@pytest.mark.parametrize("path", sorted(CASES.glob("*.xml")), ids=lambda path: path.stem)
def test_plans_of_kept_clusters_are_acyclic_and_leave_nothing_to_do(path: Path):
    view = read_view(path.read_text(), NOW_S * 1000)
    transition = plan(view)
    assert_acyclic(transition)
    assert labels(plan(carry_out(view, transition))) == []


@pytest.mark.skipif(not RECORDED.is_dir(), reason=f"needs the recorded cases in {RECORDED}")
def test_plans_of_recorded_clusters_are_acyclic():
    for path in sorted(RECORDED.glob("*.xml")):
        try:
            view = read_view(path.read_text(encoding="utf-8"), NOW_S * 1000)
        except XmlRefused:
            continue
        assert_acyclic(plan(view))


@FEW
@given(clusters(*EVERYTHING, is_healthy=True))
def test_carrying_a_plan_out_leaves_nothing_to_do(cluster: Cluster):
    view = view_of(cluster)
    assert labels(plan(carry_out(view, plan(view)))) == []


@FEW
@given(clusters(*EVERYTHING))
def test_equal_views_give_equal_plans(cluster: Cluster):
    assert plan(view_of(cluster)) == plan(view_of(cluster))


@FEW
@given(clusters(*EVERYTHING))
def test_names_that_sort_alike_are_as_good(cluster: Cluster):
    """Names break ties, so only their order may matter."""
    one, other = plan(view_of(cluster)), plan(view_of(renamed(cluster, "x")))
    assert sorted(re.sub(r"\bx(?=[a-z]\d)", "", label) for label in labels(other)) == labels(one)
    assert len(edges(one)) == len(edges(other))


@FEW
@given(clusters(*EVERYTHING), st.data())
def test_the_order_of_constraints_of_different_resources_does_not_matter(cluster: Cluster, data: st.DataObject):
    turned = list(cluster.constraints)
    for at in range(len(turned) - 1):
        if not subjects_of(turned[at]) & subjects_of(turned[at + 1]) and data.draw(st.booleans()):
            turned[at], turned[at + 1] = turned[at + 1], turned[at]
    one, other = plan(view_of(cluster)), plan(view_of(cluster.but(constraints=tuple(turned))))
    assert labels(one) == labels(other)
    assert edges(one) == edges(other)


@FEW
@given(clusters(*EVERYTHING))
def test_a_stopped_stranger_changes_nothing(cluster: Cluster):
    """What runs nowhere and is kept stopped is no load, and nobody waits for it."""
    past = {host.name: Past.ABSENT for host in cluster.hosts}
    stranger = Primitive("stranger", {"target-role": "Stopped"}, past)
    place = Location("stranger-place", "stranger", "100", cluster.hosts[0].name)
    wider = cluster.but(things=(*cluster.things, stranger), constraints=(*cluster.constraints, place))
    mine, theirs = plan(view_of(wider)), plan(view_of(cluster))
    assert [label for label in labels(mine) if not label.startswith("stranger_")] == labels(theirs)


@FEW
@given(clusters(*EVERYTHING))
def test_actions_go_to_nodes_that_can_do_them(cluster: Cluster):
    view = view_of(cluster)
    online = {node.node for node in view.nodes if node.online and not node.unclean}
    for action in plan(view).actions:
        assert action.kind in {ActionKind.FENCE, ActionKind.PSEUDO} or action.node in online
