"""What is active where, as a status lists it."""

from __future__ import annotations

import pytest

from hashelld.cib.view import ClusterView
from hashelld.model.action import Action, ActionKind
from hashelld.policy.graph import Transition
from hashelld.policy.plan import plan
from hashelld.policy.simulate import carry_out
from hashelld.policy.whereabouts import whereabouts
from tests.build import cluster


WEB = "  primitive web ocf:heartbeat:Dummy op monitor interval=10s"


def found(view: ClusterView) -> list[tuple[str, str, str]]:
    return [(one.resource, one.node, one.role) for one in whereabouts(view)]


def settled(view: ClusterView) -> ClusterView:
    for _round in range(5):
        view = carry_out(view, plan(view))
    return view


def test_what_runs_is_listed_and_what_does_not_is_not():
    view = cluster(f"cluster nodes=n1,n2\n{WEB}\n  primitive off ocf:heartbeat:Dummy\nactive web on n2")
    assert found(view) == [("web", "n2", "Started")]


def test_what_failed_and_what_is_active_twice_and_what_is_not_configured_are_listed():
    view = cluster(f"cluster nodes=n1,n2\n{WEB}\nactive web on n1 n2\nactive old on n1\nfailed web monitor on n2 rc=7")
    assert found(view) == [("old", "n1", "Started"), ("web", "n1", "Started"), ("web", "n2", "Started")]


@pytest.mark.parametrize(
    ("meta", "names"),
    [("", {("web", "n1"), ("web", "n2")}), (" globally-unique=true", {("web:0", "n1"), ("web:1", "n2")})],
)
def test_only_instances_that_differ_have_numbers(meta: str, names: set[tuple[str, str]]):
    view = settled(cluster(f"cluster nodes=n1,n2\n{WEB}\n  clone webs web meta interleave=true{meta}"))
    assert {(resource, node) for resource, node, _role in found(view)} == names


def test_roles():
    text = f"cluster nodes=n1,n2\n{WEB}\n  clone webs web meta promotable=true\nattribute n2 master-web=10"
    assert found(settled(cluster(text))) == [("web", "n1", "Unpromoted"), ("web", "n2", "Promoted")]


GUEST = (
    "cluster nodes=n1,n2\n  primitive vm ocf:heartbeat:VirtualDomain params config=x meta remote-node=guest\n"
    f"{WEB}\n  location l web inf: guest"
)


def test_what_runs_on_a_guest_is_listed_and_its_connection_is_not():
    view = settled(cluster(GUEST))
    assert ("web", "guest", "Started") in found(view)
    assert {resource for resource, _node, _role in found(view)} == {"vm", "web"}


def test_nothing_runs_on_a_guest_whose_host_was_stopped():
    view = settled(cluster(GUEST))
    host = next(node for resource, node, _role in found(view) if resource == "vm")
    stop = Action(kind=ActionKind.RESOURCE, node=host, resource="vm", operation="stop")
    gone = Action(kind=ActionKind.PSEUDO, node="guest", operation="off", after=(0,))
    assert found(carry_out(view, Transition((stop, gone)))) == []
