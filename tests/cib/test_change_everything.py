"""Deleting and renaming, where sets, tags, fencing levels, tickets, rules and access rights name what changes."""

from __future__ import annotations

import pytest

from hashelld.cib import change
from hashelld.cib.diff import difference, rebase
from hashelld.cib.document import Cib, key_of
from hashelld.cib.edit import Delete, EditRefused, Put, apply, names_for_edits, touched
from hashelld.cib.lang.format import format_cib, format_object
from hashelld.cib.lang.lower import locate, read_cib
from hashelld.cib.lang.parse import parse_text
from hashelld.cib.references import referrers
from hashelld.cib.verify import verify


TEXT = """\
node n1
node n2
primitive a Dummy \\
\tparams $x:p=1 \\
\tmeta priority=1 \\
\toperations $id=a-ops \\
\top monitor interval=10s
primitive b Dummy
primitive c Dummy
primitive d Dummy
primitive e Dummy \\
\tparams @x \\
\tmeta $id-ref=a-meta_attributes \\
\top $id-ref=a-monitor-10s
primitive f Dummy \\
\toperations $id-ref=a-ops
primitive st stonith:fence_x
primitive st2 stonith:fence_x
primitive web apache
bundle box \\
\tdocker image=x \\
\tnetwork \\
\tprimitive web
tag t a b
location l1 { a ( b c ) } inf: n1
location l2 d \\
\trule $id=r 5: #uname eq n1
location l3 b \\
\trule $id-ref=r \\
\trule defined x
colocation c1 inf: a ( b c )
colocation c2 inf: a b:Promoted c
colocation c3 inf: ( a b ) c
order o1 Serialize: a b ( c d )
rsc_ticket k1 T: a b loss-policy=stop
fencing_topology \\
\tn1: st,st2 st2 \\
\tn2: st \\
\tattr:rack=1 st
role r1 \\
\twrite meta:a:target-role \\
\tread ref:a \\
\tread cib
role r2 \\
\tread ref:b
acl_target alice r1 r2
acl_target bob r2
property cib-bootstrap-options: \\
\tstonith-enabled=false
"""
CIB, _ = read_cib(TEXT)


def after(edits):
    result = apply(CIB, edits)
    assert [d for d in verify(result) if d.is_error] == []
    return result


def lines(cib, *names):
    return [format_object(cib.find(name)).replace(" \\\n\t", " ") if cib.find(name) else None for name in names]


def test_the_text_is_canonical_and_sound():
    assert format_cib(CIB) == TEXT
    assert [d.code for d in verify(CIB) if d.is_error] == []


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        (" web", " www", ()),
        (" box", " crate", ()),
        (" st2", " st9", ((",st2", ",st9"),)),
        (" r1", " ops", ()),
        (" r2", " r9", ()),
        (" c1", " together", ()),
        (" l2", " place", ()),
        (" alice", " carol", ()),
        (" k1", " ticket", ()),
        (" t ", " tagged ", ()),
    ],
)
def test_rename_changes_every_reference_and_keeps_the_place(old, new, changed):
    expected = TEXT.replace(old, new)
    for was, now in changed:
        expected = expected.replace(was, now)
    assert format_cib(after(change.rename(CIB, old.strip(), new.strip()))) == expected


def test_rename_changes_references_to_parts_and_rights():
    result = after(change.rename(CIB, "a", "z"))
    assert lines(result, "t", "l1", "c1", "o1", "k1") == [
        "tag t z b",
        "location l1 { z ( b c ) } inf: n1",
        "colocation c1 inf: z ( b c )",
        "order o1 Serialize: z b ( c d )",
        "rsc_ticket k1 T: z b loss-policy=stop",
    ]
    assert lines(result, "e", "f") == [
        "primitive e Dummy params @x meta $id-ref=z-meta_attributes op $id-ref=z-monitor-10s",
        "primitive f Dummy operations $id-ref=a-ops",
    ]
    assert lines(result, "r1") == ["role r1 write meta:z:target-role read ref:z read cib"]


@pytest.mark.parametrize("name", ["fencing_topology", "n1"])
def test_what_has_no_name_of_its_own_is_not_renamed(name):
    with pytest.raises(EditRefused):
        change.rename(CIB, name, "x")


def test_delete_lists_who_refers_to_parts():
    with pytest.raises(EditRefused, match=r"a is used by 'e', 'f', 't', 'l1', 'c1', 'c2', 'c3', 'o1', 'k1', 'r1'"):
        change.delete(CIB, ["a"])
    with pytest.raises(EditRefused, match="l2 is used by 'l3'"):
        change.delete(CIB, ["l2"])
    with pytest.raises(EditRefused, match="n1 is used by 'l1', 'fencing_topology'"):
        change.delete(CIB, ["n1"])


def test_cascading_shrinks_collections_and_simplifies_relations_of_two():
    result = after(change.delete(CIB, ["b"], cascade=True))
    assert lines(result, "t", "l1", "l3", "c1", "c2", "c3", "o1", "k1", "r2", "bob", "alice") == [
        "tag t a",
        "location l1 { a ( c ) } inf: n1",
        None,
        "colocation c1 inf: a c",
        "colocation c2 inf: a c",
        "colocation c3 inf: a c",
        "order o1 Serialize: a ( c d )",
        "rsc_ticket k1 T: a loss-policy=stop",
        None,
        None,
        "acl_target alice r1",
    ]


def test_which_of_two_is_placed_by_the_other_when_a_set_shrinks():
    cib, _ = read_cib("primitive x Dummy\nprimitive y Dummy\nprimitive z Dummy\ncolocation c inf: x y z")
    result = apply(cib, change.delete(cib, ["y"], cascade=True))
    assert lines(result, "c") == ["colocation c inf: z x"]
    assert lines(apply(cib, change.delete(cib, ["y", "z"], cascade=True)), "c") == [None]


def test_cascading_shrinks_fencing_levels():
    assert lines(after(change.delete(CIB, ["st"], cascade=True)), "fencing_topology") == [
        "fencing_topology n1: st2 st2"
    ]
    assert lines(after(change.delete(CIB, ["n1"], cascade=True)), "fencing_topology", "l1") == [
        "fencing_topology n2: st attr:rack=1 st",
        None,
    ]
    assert lines(after(change.delete(CIB, ["st", "st2"], cascade=True)), "fencing_topology") == [None]


def test_cascading_empties_a_bundle_and_drops_rules_by_reference():
    assert lines(after(change.delete(CIB, ["web"], cascade=True)), "box") == ["bundle box docker image=x network"]
    assert lines(after(change.delete(CIB, ["l2"], cascade=True)), "l3") == ["location l3 b rule defined x"]


def test_settings_that_others_take_are_not_deleted():
    with pytest.raises(EditRefused, match=r"'e' takes its settings from a-meta_attributes, a-monitor-10s, x"):
        change.delete(CIB, ["a"], cascade=True)


def test_values_are_set_where_no_rule_decides():
    cib, _ = read_cib(
        "primitive a Dummy params rule #uname eq n1 p=1\nbundle b docker image=x\nproperty rule date gt 1 y=1"
    )
    assert lines(apply(cib, change.set_param(cib, "a", "p", "2")), "a") == [
        "primitive a Dummy params rule #uname eq n1 p=1 params p=2"
    ]
    assert lines(apply(cib, change.set_meta(cib, "b", "priority", "2")), "b")[0].endswith("meta priority=2")
    with pytest.raises(EditRefused, match="rules"):
        change.set_property(cib, "x", "1")


NAMESAKES = """\
node x
node y
primitive x ocf:pacemaker:remote
role r \\
\tread cib
acl_target x r
location l x inf: x
location m x inf: y
"""


def test_nodes_users_and_everything_else_have_names_of_their_own():
    cib, found = read_cib(NAMESAKES)
    assert found == []
    assert [d.code for d in verify(cib) if d.is_error] == []
    assert format_cib(cib) == NAMESAKES
    assert [key_of(o) for o in cib.objects][:5] == ["node:x", "node:y", "x", "r", "acl_target:x"]
    assert [type(cib.find(n)).__name__ for n in ("x", "node:x", "y", "acl_target:x")] == [
        "Primitive",
        "Node",
        "Node",
        "AclTarget",
    ]
    assert names_for_edits(cib) == {
        "node:x": "node:x",
        "node:y": "y",
        "x": "x",
        "r": "r",
        "acl_target:x": "acl_target:x",
        "l": "l",
        "m": "m",
    }
    assert format_cib(cib, ["node:x", "y"]) == "node x\nnode y\n"


def test_edits_tell_namesakes_apart():
    cib, _ = read_cib(NAMESAKES)
    left = apply(cib, (Delete("m"), Delete("l"), Delete("x")))
    assert [key_of(o) for o in left.objects] == ["node:x", "node:y", "r", "acl_target:x"]
    assert [key_of(o) for o in apply(left, (Delete("node:x"),)).objects] == ["node:y", "r", "acl_target:x"]
    assert [key_of(o) for o in apply(left, (Put(cib.find("x"), "node:y"),)).objects][:3] == ["node:x", "x", "node:y"]
    with pytest.raises(EditRefused):
        apply(left, (Delete("acl_target:y"),))
    assert touched((Delete("node:x"), Put(cib.find("l")))) == {"x", "l"}


def test_the_difference_tells_namesakes_apart():
    cib, _ = read_cib(NAMESAKES)
    without_node = Cib(tuple(o for o in cib.objects if key_of(o) != "node:x"))
    assert difference(cib, without_node) == (Delete("node:x"),)
    assert apply(without_node, difference(without_node, cib)) == cib
    assert difference(Cib(cib.objects[:1]), Cib(cib.objects[2:3])) == (Delete("node:x"), Put(cib.objects[2]))


def test_rebase_keeps_deleting_what_was_meant():
    base = Cib(read_cib(NAMESAKES)[0].objects[:2])
    theirs, _ = read_cib(NAMESAKES)
    edits, conflicts = rebase(base, theirs, (Delete("x"),))
    assert (edits, conflicts) == ((Delete("node:x"),), ())


def test_deleting_and_renaming_a_namesake():
    cib, _ = read_cib(NAMESAKES)
    assert [o.id for o in referrers(cib, "node:x")] == ["l"]
    assert [o.id for o in referrers(cib, "x")] == ["l", "m"]
    with pytest.raises(EditRefused, match="x is used by 'l'"):
        change.delete(cib, ["node:x"])
    gone = apply(cib, change.delete(cib, ["node:x"], cascade=True))
    assert [key_of(o) for o in gone.objects] == ["node:y", "x", "r", "acl_target:x", "m"]
    renamed = apply(cib, change.rename(cib, "x", "z"))
    assert format_cib(renamed, ["z", "l", "m"]) == (
        "primitive z ocf:pacemaker:remote\nlocation l z inf: x\nlocation m z inf: y\n"
    )
    assert [key_of(o) for o in apply(cib, change.rename(cib, "acl_target:x", "z")).objects][4] == "acl_target:z"


def test_findings_of_namesakes_point_at_the_right_statement():
    text = "node x attributes standby=perhaps\nprimitive x Dummy\n"
    cib, _ = read_cib(text)
    (found,) = [d for d in locate(verify(cib), parse_text(text)[0]) if d.is_error]
    assert (found.object, found.line, found.column) == ("node:x", 1, 19)
