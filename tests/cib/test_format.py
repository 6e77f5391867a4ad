"""What is left out of the text that is only read."""

from __future__ import annotations

import pytest

from hashelld.cib.document import Cib
from hashelld.cib.lang.format import format_cib, format_object, keyword_of
from hashelld.cib.lang.lower import read_cib
from hashelld.model.administration import AclTarget
from hashelld.model.constraint import Colocation, Location
from hashelld.model.node import Node
from hashelld.model.resource import Agent, AttributeSet, Clone, NvPair, Primitive


def brief(text):
    cib, found = read_cib(text)
    assert found == []
    return format_cib(cib, is_brief=True).replace(" \\\n\t", " ").splitlines()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "primitive p Dummy params $id=s $x:a=1 op stop interval=0 id=o",
            "primitive p Dummy params a=1 op stop interval=0",
        ),
        ("primitive p Dummy operations $id=ops", "primitive p Dummy operations $id=ops"),
        ("location l p rule $id=r $test=t defined a", "location l p rule defined a"),
        ("order o ( a b $id=s )", "order o ( a b )"),
        ("role r read a: cib", "role r read cib"),
        ("alert a x to $id=r y", "alert a x to y"),
        (
            "bundle b rkt image=x network port-mapping range=1",
            "bundle b rkt image=x network port-mapping range=1 id=b-0",
        ),
    ],
)
def test_ids_that_nothing_refers_to_are_not_shown(text, shown):
    assert brief(text) == [shown]


def test_ids_that_something_refers_to_are_shown():
    text = (
        "primitive p Dummy params $id=s $x:a=1 b=2",
        "primitive q Dummy params $id-ref=s meta @x:c",
        "location l p rule $id=r defined a",
        "location m q rule $id-ref=r",
    )
    assert brief("\n".join(text)) == list(text)


def test_levels_that_every_node_has_are_shown_once():
    nodes = ["node n1", "node n2"]
    assert brief("node n1\nnode n2\nfencing_topology n1: a b,c n2: a b,c") == [*nodes, "fencing_topology a b,c"]
    assert brief("node n1\nnode n2\nfencing_topology n1: a n2: b") == [*nodes, "fencing_topology n1: a n2: b"]
    assert brief("node n1\nnode n2\nfencing_topology n1: a") == [*nodes, "fencing_topology n1: a"]


def test_what_is_not_said_has_the_score_that_it_means():
    assert format_object(Location(id="l", resource="p", node="n")) == "location l p 0: n"
    assert format_object(Colocation(id="c", resource="a", with_resource="b")) == "colocation c inf: a b"


def test_a_layout_outlives_changes_of_the_sections():
    agent = Agent("ocf", "heartbeat", "Dummy")
    one = AttributeSet((NvPair("a", "1"),))
    layout = ("meta", "params", "meta")
    found = Primitive(id="p", agent=agent, params=(one, one), meta=(one,), utilization=(one,), layout=layout)
    assert format_object(found).replace(" \\\n\t", " ") == (
        "primitive p Dummy meta a=1 params a=1 params a=1 utilization a=1"
    )


def test_comments_cannot_swallow_what_follows():
    node = Node(id="n", comments=("plain\n#two \\", "  # three"))
    assert format_object(node) == "# plain\n#two\n# three\nnode n"
    assert read_cib(format_object(node))[0].objects[0].comments == ("# plain", "#two", "# three")


def test_the_first_word_of_a_statement():
    assert keyword_of(Clone(id="c", child="p", is_master=True)) == "ms"
    assert keyword_of(AclTarget(id="g", is_group=True)) == "acl_group"
    assert format_cib(Cib()) == ""
