"""Changes made with one command."""

from __future__ import annotations

import pytest

from hashelld.cib import change
from hashelld.cib.diff import difference, rebase, unified
from hashelld.cib.edit import Delete, EditRefused, Put, apply
from hashelld.cib.lang.format import format_cib, format_object
from hashelld.cib.lang.lower import read_cib
from hashelld.cib.verify import verify


TEXT = """\
node n1
primitive vip IPaddr2 \\
\tparams ip=10.0.0.9 \\
\tmeta priority=1 \\
\top monitor interval=10s
primitive s Stateful \\
\top monitor interval=3s role=Promoted \\
\top monitor interval=5s
primitive a Dummy
primitive b Dummy
primitive c.d Dummy \\
\tparams x.y=1
group g a b
clone k g
location l vip 100: n1
order o k vip
property cib-bootstrap-options: \\
\tstonith-enabled=false
"""
CIB, _ = read_cib(TEXT)


def after(edits):
    result = apply(CIB, edits)
    assert [d for d in verify(result) if d.is_error] == []
    return result


def show(edits, name):
    return format_object(after(edits).find(name)).replace(" \\\n\t", " ")


def test_the_text_is_canonical():
    assert format_cib(CIB) == TEXT
    assert format_cib(CIB, ["b", "l"]) == "primitive b Dummy\nlocation l vip 100: n1\n"


@pytest.mark.parametrize(
    ("path", "value", "name", "expected"),
    [
        ("vip.ip", "10.0.0.8", "vip", "params ip=10.0.0.8 "),
        ("vip.priority", "5", "vip", "meta priority=5 "),
        ("vip.params.nic", "eth0", "vip", "params ip=10.0.0.9 nic=eth0 "),
        ("a.meta.target-role", "Stopped", "a", "meta target-role=Stopped"),
        ("vip.monitor.timeout", "20s", "vip", "op monitor interval=10s timeout=20s"),
        ("s.monitor.5s.interval", "20s", "s", "op monitor interval=20s"),
        ("s.monitor.3.on-fail", "block", "s", "op monitor interval=3s role=Promoted on-fail=block"),
        ("c.d.x.y", "2", "c.d", "params x.y=2"),
    ],
)
def test_set_path(path, value, name, expected):
    assert expected in show(change.set_path(CIB, path, value), name)
    assert change.get_path(after(change.set_path(CIB, path, value)), path.replace(".5s.", ".20s.")) == value


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("vip", "1", "names no value"),
        ("nosuch.ip", "1", "no resource 'nosuch'"),
        ("vpi.ip", "1", "did you mean 'vip'?"),
        ("vip.cidr_netmask", "24", "write vip.params.cidr_netmask"),
        ("vip.priorty", "24", "did you mean 'priority'?"),
        ("vip.start.timeout", "10s", "no operation 'start'"),
        ("s.monitor.interval", "9s", "2 monitor operations"),
        ("s.monitor.7s.timeout", "9s", "no monitor with interval 7s"),
        ("vip.monitor.timeut", "9s", "did you mean 'timeout'?"),
        ("vip.monitor.timeout", "long", "expects a time"),
        ("g.monitor.timeout", "9s", "names no value"),
        ("k.meta", "x", "no parameter or meta attribute 'meta'"),
    ],
)
def test_set_path_refusals(path, value, told):
    with pytest.raises(EditRefused, match=told.replace("?", r"\?")):
        change.set_path(CIB, path, value)


def test_unset_path():
    assert "params" not in show(change.unset_path(CIB, "vip.ip"), "vip")
    assert "role" not in show(change.unset_path(CIB, "s.monitor.3s.role"), "s")
    for path in ("vip.meta.x", "vip.params.x", "vip.monitor.timeout", "vip.monitor.interval"):
        with pytest.raises(EditRefused):
            change.unset_path(CIB, path)


def test_single_values():
    assert "meta target-role=Stopped" in show(change.set_meta(CIB, "g", "target-role", "Stopped"), "g")
    assert "attributes standby=on" in show(change.set_node_attribute(CIB, "n1", "standby", "on"), "n1")
    assert "utilization cpu=4" in show(change.set_node_attribute(CIB, "n1", "cpu", "4", utilization=True), "n1")
    assert after(change.set_property(CIB, "stonith-enabled", "true")).property_value("stonith-enabled") == "true"
    defaults = after(change.set_property(CIB, "resource-stickiness", "9", "rsc_defaults"))
    assert format_object(defaults.find("rsc-options")) == "rsc_defaults rsc-options: \\\n\tresource-stickiness=9"
    assert change.unset_property(CIB, "stonith-enabled") == (Delete("cib-bootstrap-options"),)
    assert change.set_meta(CIB, "vip", "priority", "1") == ()


@pytest.mark.parametrize(
    "refused",
    [
        lambda: change.set_meta(CIB, "nosuch", "a", "1"),
        lambda: change.set_meta(CIB, "l", "a", "1"),
        lambda: change.unset_meta(CIB, "vip", "a"),
        lambda: change.unset_param(CIB, "vip", "a"),
        lambda: change.set_node_attribute(CIB, "n2", "standby", "on"),
        lambda: change.unset_node_attribute(CIB, "n1", "standby"),
        lambda: change.unset_property(CIB, "no-quorum-policy"),
        lambda: change.add_location(CIB, "x", "vip", "n2", "1"),
        lambda: change.add_location(CIB, "x", "vip", "n1", "often"),
        lambda: change.add_location(CIB, "o", "vip", "n1", "1"),
        lambda: change.add_location(CIB, "9", "vip", "n1", "1"),
        lambda: change.group_add(CIB, "g", ["nosuch"]),
        lambda: change.group_add(CIB, "g", ["a"]),
        lambda: change.group_add(CIB, "g", ["vip", "vip"]),
        lambda: change.group_add(CIB, "g", ["k"]),
        lambda: change.group_add(CIB, "k", ["vip"]),
        lambda: change.group_add(CIB, "g", ["vip"], before="s"),
        lambda: change.group_remove(CIB, "g", ["vip"]),
        lambda: change.group_remove(CIB, "g", ["a", "b"]),
        lambda: change.rename(CIB, "nosuch", "x"),
        lambda: change.rename(CIB, "n1", "n2"),
        lambda: change.rename(CIB, "vip", "a"),
        lambda: change.rename(CIB, "vip", "9"),
        lambda: change.delete(CIB, ["nosuch"]),
        lambda: change.delete(CIB, ["vip"]),
        lambda: change.delete(CIB, ["n1"]),
        lambda: change.delete(CIB, ["g"]),
    ],
)
def test_refusals(refused):
    with pytest.raises(EditRefused):
        refused()


def test_members_of_groups():
    assert show(change.group_add(CIB, "g", ["vip"], before="b"), "g") == "group g a vip b"
    assert show(change.group_add(CIB, "g", ["vip", "s"], after="a"), "g") == "group g a vip s b"
    assert show(change.group_add(CIB, "g", ["vip"]), "g") == "group g a b vip"
    assert show(change.group_remove(CIB, "g", ["a"]), "g") == "group g b"


def test_rename_changes_every_reference_and_keeps_the_place():
    result = after(change.rename(CIB, "vip", "addr"))
    assert format_cib(result) == TEXT.replace(" vip", " addr")
    assert format_cib(after(change.rename(CIB, "a", "z"))) == TEXT.replace(" a ", " z ")
    assert format_cib(after(change.rename(CIB, "g", "z"))) == TEXT.replace(" g", " z")


def test_delete_lists_what_refers_to_it():
    with pytest.raises(EditRefused, match="vip is used by 'l', 'o'"):
        change.delete(CIB, ["vip"])
    result = after(change.delete(CIB, ["vip", "l", "o"]))
    assert result.find("vip") is None


def test_delete_with_everything_that_refers_to_it():
    assert {o.id for o in CIB.objects} - {o.id for o in after(change.delete(CIB, ["vip"], cascade=True)).objects} == {
        "vip",
        "l",
        "o",
    }
    shrunk = after(change.delete(CIB, ["a"], cascade=True))
    assert format_object(shrunk.find("g")) == "group g b"
    assert shrunk.find("k") is not None
    emptied = after(change.delete(CIB, ["a", "b"], cascade=True))
    assert [emptied.find(i) for i in ("a", "b", "g", "k", "o")] == [None] * 5


def test_a_template_in_use_is_never_deleted_silently():
    cib, _ = read_cib("rsc_template t Dummy\nprimitive p @t")
    with pytest.raises(EditRefused, match="takes its settings from t"):
        change.delete(cib, ["t"], cascade=True)


def test_unified_diff():
    new = after(change.set_param(CIB, "vip", "ip", "10.0.0.8"))
    lines = unified(CIB, new, context=0).splitlines()
    assert lines[3:] == ["-\tparams ip=10.0.0.9 \\", "+\tparams ip=10.0.0.8 \\"]
    assert unified(CIB, CIB) == ""


def test_difference_moves_as_few_objects_as_it_can():
    objects = list(CIB.objects)
    objects.append(objects.pop(1))
    moved = type(CIB)(tuple(objects))
    assert difference(CIB, moved) == (Delete("vip"), Put(CIB.find("vip")))


def test_rebase():
    ours = change.set_param(CIB, "vip", "ip", "1")
    theirs = after(change.set_meta(CIB, "a", "priority", "3"))
    assert rebase(CIB, theirs, ours) == (ours, ())
    assert rebase(CIB, apply(CIB, ours), ours) == ((), ())
    clash = after(change.set_param(CIB, "vip", "ip", "2"))
    edits, (conflict,) = rebase(CIB, clash, ours)
    assert edits == ()
    assert (conflict.id, conflict.base) == ("vip", CIB.find("vip"))
    assert conflict.theirs == clash.find("vip")


def test_rebase_merges_properties():
    ours = change.set_property(CIB, "no-quorum-policy", "freeze")
    theirs = after(change.set_property(CIB, "maintenance-mode", "true"))
    edits, conflicts = rebase(CIB, theirs, ours)
    assert conflicts == ()
    merged = apply(theirs, edits)
    assert merged.property_value("no-quorum-policy") == "freeze"
    assert merged.property_value("maintenance-mode") == "true"
    clash = after(change.set_property(CIB, "no-quorum-policy", "stop"))
    assert [c.id for c in rebase(CIB, clash, ours)[1]] == ["cib-bootstrap-options"]


def test_rebase_of_a_deletion():
    ours = change.delete(CIB, ["l"])
    assert rebase(CIB, apply(CIB, ours), ours) == ((), ())
    theirs = after(change.add_location(CIB, "l", "vip", "n1", "5"))
    assert [c.ours for c in rebase(CIB, theirs, ours)[1]] == [None]
