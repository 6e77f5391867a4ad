"""Statements against a configuration: what is merged, replaced, and refused."""

from __future__ import annotations

import pytest

from hashelld.cib.document import Cib
from hashelld.cib.edit import Put, apply
from hashelld.cib.lang.format import format_cib, format_object
from hashelld.cib.lang.lower import Mode, locate, lower, read_cib
from hashelld.cib.lang.parse import parse_text
from hashelld.cib.verify import verify
from hashelld.model.resource import Agent


BASE = """\
node 1: n1
node 2: n2 attributes standby=off
primitive a Dummy op monitor interval=10s
primitive b Dummy
primitive c Dummy
group g b c
property stonith-enabled=false
"""


def cib(text=BASE):
    found, diagnostics = read_cib(text)
    assert diagnostics == []
    return found


def change(text, mode=Mode.CREATE, resolve=None):
    base = cib()
    statements, found = parse_text(text)
    assert found == []
    edits, found = lower(statements, base, mode, resolve)
    return apply(base, edits), [(d.code, d.line, d.column) for d in found]


def test_a_whole_text_may_name_members_before_they_are_defined():
    found, diagnostics = read_cib("clone k g\ngroup g a\nprimitive a Dummy\n")
    assert diagnostics == []
    assert [o.id for o in found.objects] == ["k", "g", "a"]


@pytest.mark.parametrize(
    ("text", "code", "column"),
    [
        ("primitive a Dummy", "id-in-use", 11),
        ("primitive g Dummy", "id-in-use", 11),
        ("tag g a", "id-in-use", 5),
        ("group h nosuch", "unknown-resource", 9),
        ("group h a b", "child-in-use", 11),
        ("group h g", "bad-member", 9),
        ("clone k n1", "bad-member", 9),
        ("clone k b", "child-in-use", 9),
        ("monitor nosuch 10s", "unknown-resource", 9),
        ("monitor g 10s", "bad-member", 9),
        ("monitor a 10", "duplicate-monitor", 11),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(text, code, column):
    after, found = change(text)
    assert found == [(code, 1, column)]
    assert after == cib()


def test_an_id_defined_twice_in_one_text():
    for mode in Mode:
        _, found = change("primitive z Dummy\nprimitive z Dummy", mode)
        assert found == [("duplicate-id", 2, 11)]


def test_update_replaces_an_object_of_the_same_kind_in_its_place():
    after, found = change("primitive a ocf:pacemaker:Stateful", Mode.UPDATE)
    assert found == []
    assert [o.id for o in after.objects] == [o.id for o in cib().objects]
    assert after.find("a").operations == ()
    assert change("group a b", Mode.UPDATE)[1] == [("id-in-use", 1, 7)]


def test_a_fencing_topology_takes_the_place_of_the_one_before():
    base = apply(cib(), lower(parse_text("fencing_topology n1: a")[0], cib(), Mode.CREATE)[0])
    for mode in Mode:
        edits, found = lower(parse_text("fencing_topology b")[0], base, mode)
        assert found == []
        assert format_object(edits[0].object) == "fencing_topology \\\n\tn1: b \\\n\tn2: b"
    assert lower(parse_text("fencing_topology b")[0], Cib(), Mode.CREATE)[1][0].code == "no-nodes"
    assert lower(parse_text("fencing_topology n1: b\nfencing_topology b")[0], base, Mode.CREATE)[1][0].code == (
        "duplicate-id"
    )


def test_a_node_may_have_the_name_of_a_resource():
    after, found = change("node a\nprimitive n1 Dummy")
    assert found == []
    assert len(after.objects) == len(cib().objects) + 2
    assert change("primitive n1 Dummy\nprimitive n1 Dummy")[1] == [("duplicate-id", 2, 11)]


def test_xml_is_added_and_replaced_like_statements():
    text = '<group id="h"><primitive id="z" class="ocf" provider="heartbeat" type="Dummy"/></group>'
    after, found = change(f"xml {text}")
    assert found == []
    assert format_cib(after, ["z", "h"]) == "primitive z Dummy\ngroup h z\n"
    twice = '<primitive id="a" class="lsb" type="x"/>'
    assert change(f"xml {twice}")[1] == [("id-in-use", 1, 1)]
    assert format_object(change(f"xml {twice}", Mode.UPDATE)[0].find("a")) == "primitive a lsb:x"


def test_operations_meant_by_their_owner_get_an_id():
    after, found = change("primitive z Dummy operations $id-ref=a")
    assert found == []
    assert format_object(after.find("z")).endswith("operations $id-ref=a-operations")
    assert "operations $id=a-operations" in format_object(after.find("a"))


def test_comments_stay_when_nodes_and_properties_are_merged():
    base, _ = read_cib("# one\nnode n\n# two\nproperty a=1")
    edits, _ = lower(parse_text("node n x=1\n# three\nproperty b=2")[0], base, Mode.CREATE)
    assert [edit.object.comments for edit in edits] == [("# one",), ("# two", "# three")]


def test_update_may_move_members_between_groups():
    after, found = change("group h b\ngroup g c", Mode.UPDATE)
    assert found == []
    assert after.parent_of("b").id == "h"


@pytest.mark.parametrize("mode", list(Mode))
def test_properties_are_merged(mode):
    after, found = change("property no-quorum-policy=freeze stonith-enabled=true", mode)
    assert found == []
    pairs = [(p.name, p.value) for p in after.find("cib-bootstrap-options").set.pairs]
    assert pairs == [("stonith-enabled", "true"), ("no-quorum-policy", "freeze")]


def test_a_typed_node_is_merged_and_keeps_its_number():
    after, found = change("node n2 attributes rack=1 utilization cpu=4")
    assert found == []
    assert format_object(after.find("n2")) == "node 2: n2 \\\n\tattributes standby=off rack=1 \\\n\tutilization cpu=4"


def test_monitor_adds_an_operation():
    after, found = change("monitor a:Promoted 20s:5s")
    assert found == []
    assert "op monitor role=Promoted interval=20s timeout=5s" in format_object(after.find("a"))


@pytest.mark.parametrize(
    ("written", "agent"),
    [
        ("IPaddr2", Agent("ocf", "heartbeat", "IPaddr2")),
        ("fence_ipmilan", Agent("stonith", "", "fence_ipmilan")),
        ("ocf:Dummy", Agent("ocf", "heartbeat", "Dummy")),
        ("systemd:nginx@1", Agent("systemd", "", "nginx@1")),
    ],
)
def test_bare_agents(written, agent):
    assert change(f"primitive z {written}")[0].find("z").agent == agent


def test_a_resolver_decides_what_a_bare_agent_means():
    agents = {"Dummy": Agent("ocf", "pacemaker", "Dummy")}
    after, _ = change("primitive z Dummy", resolve=agents.get)
    assert after.find("z").agent == agents["Dummy"]
    assert change("primitive z Nosuch", resolve=agents.get)[1] == [("unknown-agent", 1, 13)]


def test_unchanged_objects_make_no_edits():
    statements, _ = parse_text(format_cib(cib()))
    assert lower(statements, cib(), Mode.UPDATE) == ((), [])


def test_edits_are_in_the_order_of_the_text():
    statements, _ = parse_text("primitive z Dummy\nlocation l z 1: n1\nmonitor z 9s")
    edits, _ = lower(statements, cib(), Mode.CREATE)
    assert [e.object.id for e in edits if isinstance(e, Put)] == ["z", "l"]


def test_findings_of_verify_are_located_in_the_text():
    text = "primitive web Dummy meta target-role=Stoped\ncolocation c inf: web \\\n  wbe\n"
    found, _ = read_cib(text)
    placed = locate(verify(found), parse_text(text)[0])
    assert [(d.code, d.line, d.column) for d in placed if d.is_error] == [
        ("bad-value", 1, 26),
        ("unknown-resource", 3, 3),
    ]
