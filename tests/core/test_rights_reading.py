"""What of a configuration and of the state an account may read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashelld.cib.document import Cib, key_of
from hashelld.cib.lang.format import format_cib
from hashelld.cib.lang.lower import read_cib
from hashelld.cib.rights.marks import Marks, document_of
from hashelld.cib.rights.reading import visible
from hashelld.cib.rights.rules import NO_RIGHTS, UNLIMITED, Account, Rights, is_enforced, rights_of
from hashelld.cib.rights.state import reads_cluster, visible_nodes
from hashelld.cib.view import NodeView
from hashelld.cib.xml.read import read_xml
from hashelld.cib.xml.tree import Element
from hashelld.model.administration import AclRole, AclTarget
from hashelld.model.history import ActionResult, FailureCount, NodeStatus
from hashelld.model.ids import NodeId, ResourceId
from hashelld.model.resource import Agent, Group, Primitive


BASE = """\
node n1 attributes standby=off site=a
node n2
primitive vip IPaddr2 params ip=10.0.0.9 nic=eth0 meta target-role=Started op monitor interval=10s
primitive db Dummy params password=secret
primitive web Dummy
group g vip web
clone c db
location l g 100: n1
property stonith-enabled=false enable-acl=true
"""


def cib(roles: str = "") -> Cib:
    """The configuration with a role `r` that anna has."""
    found, diagnostics = read_cib(f"{BASE}role r {roles or 'read ref:nothing'}\nacl_target anna r\n")
    assert diagnostics == []
    return found


def seen(roles: str) -> str:
    """What anna sees of it, without the roles themselves."""
    whole = cib(roles)
    shown = visible(whole, rights_of(whole, Account("anna")))
    return format_cib(Cib(tuple(o for o in shown.objects if not isinstance(o, AclRole | AclTarget))))


def words(roles: str) -> str:
    return " ".join(seen(roles).replace("\\", "").split())


def test_without_a_role_nothing_is_seen() -> None:
    assert visible(cib(), rights_of(cib(), Account("eve"))) == Cib()
    assert visible(cib(), NO_RIGHTS) == Cib()
    assert visible(cib(), UNLIMITED) is not None


def test_the_whole() -> None:
    whole = cib("read cib")
    assert visible(whole, rights_of(whole, Account("anna"))) == whole


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ("read xpath:\"//nodes/node[@uname='n1']\"", "node n1 attributes standby=off site=a"),
        ("read xpath:\"//nodes/node[@uname='n1']//nvpair[@name='standby']\"", "node n1 attributes standby=off"),
        ('read xpath:"//constraints"', "location l g 100: n1"),
        ("read type:cluster_property_set", "property cib-bootstrap-options: stonith-enabled=false enable-acl=true"),
        ("read property:enable-acl", "property cib-bootstrap-options: enable-acl=true"),
        ("read ref:l deny ref:l", ""),
        ("read ref:nothing", ""),
        ("read type:node attr:uname deny type:instance_attributes", "node n1 node n2"),
    ],
)
def test_parts(roles: str, expected: str) -> None:
    assert words(roles) == expected


def test_a_parameter_is_hidden() -> None:
    text = seen("read cib deny type:instance_attributes")
    assert "password" not in text
    assert "10.0.0.9" not in text
    assert "primitive db" in text
    assert "target-role=Started" in text


def test_the_innermost_right_decides() -> None:
    text = seen("deny xpath:/cib/configuration/resources read ref:vip")
    assert "10.0.0.9" in text
    assert "primitive db" not in text
    assert "primitive web" not in text
    again = seen("read cib deny ref:vip read params:vip")
    assert "10.0.0.9" in again
    assert "target-role" not in again
    assert "IPaddr2" not in again


def test_deny_is_stronger_than_write_and_read_on_the_same() -> None:
    assert "primitive db" not in seen("read ref:db deny ref:db write ref:db")


def test_a_group_is_seen_with_the_members_that_are() -> None:
    whole = cib("read ref:web")
    shown = visible(whole, rights_of(whole, Account("anna")))
    assert [type(o) for o in shown.objects] == [Primitive, Group]
    assert shown.objects[1] == Group(id=ResourceId("g"), members=(ResourceId("web"),))


def test_a_clone_is_not_seen_without_what_it_copies() -> None:
    text = seen("read cib deny ref:db")
    assert "clone" not in text
    assert "group g vip web" in text


def test_groups_of_the_system() -> None:
    text = f"{BASE}role r read cib\nacl_group wheel r\nacl_target wheel r\n"
    whole, _ = read_cib(text.replace("acl_target wheel r\n", ""))
    assert rights_of(whole, Account("wheel")) == NO_RIGHTS
    assert rights_of(whole, Account("anna", ("users", "wheel"))) != NO_RIGHTS


def test_the_name_of_an_account_counts_not_its_id() -> None:
    target = AclTarget(id="t", roles=("r",), name="anna")
    whole = Cib((*cib("read cib").objects[:-1], target))
    assert rights_of(whole, Account("t")) == NO_RIGHTS
    assert rights_of(whole, Account("anna")) != NO_RIGHTS


def test_what_is_not_understood_gives_nothing_and_a_deny_takes_all() -> None:
    whole = cib('read xpath:/cib read xpath:"//a[1]"')
    assert visible(whole, rights_of(whole, Account("anna"))) == whole
    assert rights_of(cib('read xpath:/cib deny xpath:"//a[1]"'), Account("anna")) == NO_RIGHTS


def test_it_is_enforced_when_the_property_says_so() -> None:
    assert is_enforced(cib())
    assert not is_enforced(Cib())
    assert not is_enforced(read_cib("property enable-acl=no\n")[0])


# The state.


def view() -> NodeView:
    return NodeView(
        node=NodeId("n1"),
        online=True,
        status=NodeStatus(
            node=NodeId("n1"),
            operations=(
                ActionResult(resource=ResourceId("vip"), operation="start"),
                ActionResult(resource=ResourceId("db"), operation="start", reason="password wrong"),
            ),
            failures=(FailureCount(resource=ResourceId("db"), operation="start"),),
            attributes={"pingd": "1", "token": "x"},
            agents={ResourceId("vip"): Agent("ocf", "heartbeat", "IPaddr2"), ResourceId("db"): Agent("ocf", "a", "D")},
        ),
    )


def state(roles: str) -> tuple[NodeView, ...]:
    return visible_nodes((view(),), rights_of(cib(roles), Account("anna")))


def test_the_state_of_all() -> None:
    assert state("read status") == (view(),)
    assert state("read type:node") == ()
    assert reads_cluster(rights_of(cib("read status"), Account("anna")))
    assert not reads_cluster(rights_of(cib("read type:node_state"), Account("anna")))


def test_the_state_of_one_resource() -> None:
    (seen_view,) = state("read xpath:\"//lrm_resource[@id='vip']\"")
    assert not seen_view.online
    assert [one.resource for one in seen_view.status.operations] == ["vip"]
    assert seen_view.status.failures == ()
    assert seen_view.status.attributes == {}
    assert list(seen_view.status.agents) == ["vip"]


def test_the_state_but_for_one_resource_and_one_attribute() -> None:
    (seen_view,) = state("read status deny xpath:\"//lrm_resource[@id='db']\" deny xpath:\"//nvpair[@name='token']\"")
    assert seen_view.online
    assert [one.resource for one in seen_view.status.operations] == ["vip"]
    assert seen_view.status.attributes == {"pingd": "1"}


# Nothing leaks.

EVERYTHING = read_xml((Path(__file__).parent.parent / "cib" / "everything.xml").read_text(encoding="utf-8"))
_PATHS = st.sampled_from(
    (
        "/cib",
        "//nvpair",
        "//resources",
        "//resources/*",
        "//op",
        "//operations",
        "//meta_attributes",
        "//instance_attributes",
        "//nodes",
        "//primitive[@id]",
        "//group/primitive",
        "//clone",
        "//bundle/*",
        "//constraints",
        "//constraints/*",
        "//rule",
        "//acls",
        "//alert",
        "//recipient",
        "//fencing-level",
        "//crm_config",
        "//tags",
        "//*[@name]",
        "//*[@id]",
    )
)
_RULES = st.lists(st.tuples(st.sampled_from(("read", "write", "deny")), _PATHS), max_size=5)


@settings(max_examples=120, deadline=None, database=None)
@given(_RULES)
def test_what_may_not_be_read_is_not_in_what_is_seen(rules: list[tuple[str, str]]) -> None:
    rights = rights_from(rules)
    shown = visible(EVERYTHING, rights)
    marks = Marks(document_of(EVERYTHING), rights)
    open_words, hidden_words = set(_NAMED), set()
    for element in elements(marks.root):
        values = {v for name, v in element.attributes.items() if name not in ("id", "uname", "id-ref")}
        (open_words if marks.is_readable(element) else hidden_words).update(values)
        open_words.update(element.attributes.get(name, "") for name in ("id", "uname", "id-ref"))
    assert not (set(strings(shown)) & (hidden_words - open_words))
    assert [key_of(o) for o in shown.objects] == [
        key_of(o) for o in EVERYTHING.objects if key_of(o) in {key_of(s) for s in shown.objects}
    ]


@pytest.mark.parametrize("right", ["read", "write"])
def test_whoever_reads_all_sees_all(right: str) -> None:
    assert visible(EVERYTHING, rights_from([(right, "/cib")])) == EVERYTHING
    assert visible(EVERYTHING, rights_from([("deny", "/cib")])) == Cib()


_NAMED: Final = ("property", "rsc_defaults", "op_defaults", "")
"""What the model calls kinds of objects."""


def rights_from(rules: list[tuple[str, str]]) -> Rights:
    text = " ".join(f"{right} xpath:{path}" for right, path in rules)
    granted, _ = read_cib(f"role r {text}\nacl_target anna r\n" if rules else "")
    return rights_of(granted, Account("anna"))


def elements(root: Element) -> Iterator[Element]:
    yield root
    for child in root.children:
        yield from elements(child)


def strings(value: object) -> Iterator[str]:
    """Every text in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from strings(item)
    elif isinstance(value, msgspec.Struct):
        for field in value.__struct_fields__:
            yield from strings(getattr(value, field))
