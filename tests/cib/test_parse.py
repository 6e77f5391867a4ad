"""Text into statements: what is understood, and how each mistake is told."""

from __future__ import annotations

import pytest

from hashelld.cib.lang.diagnostic import render, suggest
from hashelld.cib.lang.parse import parse_text
from hashelld.cib.lang.tokens import is_unfinished, scan
from hashelld.cib.lang.tree import Monitor
from hashelld.model.constraint import Colocation, Location, Order
from hashelld.model.node import Node
from hashelld.model.resource import Agent, AttributeSet, Clone, Group, NvPair, Operation, Primitive


def item(text):
    statements, found = parse_text(text)
    assert found == [], render(found[0], text)
    (statement,) = statements
    return statement.item


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a b", ["a", "b"]),
        ("a'b c'd", ["ab cd"]),
        ('x="" y', ["x=", "y"]),
        (r'"a\"b\\c\d"', [r'a"b\c\d']),
        (r"a\ b", ["a b"]),
        (r"'C:\dir'", [r"C:\dir"]),
        ("one \\\n  two\\\nthree", ["one", "twothree"]),
        ('"a \\\\\\\n b"', ["a b"]),
        ("${HOME} $(id) *", ["${HOME}", "$(id)", "*"]),
        (r"$'a\nb\x41\u00e9'", ["a\nbA\u00e9"]),
        ("é=中", ["é=中"]),
    ],
)
def test_words_are_split_like_a_shell_does(text, words):
    lines, found = scan(text)
    assert found == []
    assert [word.text for line in lines for word in line.words] == words


def test_comments_belong_to_the_line_that_follows():
    lines, found = scan("# one\n\n  # two\na #b\nc\n# last\n")
    assert found == []
    assert [[w.text for w in line.words] for line in lines] == [["a", "#b"], ["c"]]
    assert [line.comments for line in lines] == [("# one", "# two"), ()]


def test_the_xml_of_a_statement_is_one_word():
    (line,), found = scan("XML  <a b='it\"s'> \\\n  <c/></a>  ")
    assert found == []
    assert [w.text for w in line.words] == ["XML", "<a b='it\"s'> <c/></a>"]
    assert [w.text for w in scan("xml '<a/>' b")[0][0].words] == ["xml", "<a/>", "b"]


def test_words_know_their_place_across_continued_lines():
    lines, _ = scan("first\nprimitive vip X \\\n\t params  ip=1\n")
    places = {w.text: (w.line, w.column, w.length) for w in lines[1].words}
    assert places["vip"] == (2, 11, 3)
    assert places["ip=1"] == (3, 11, 4)


@pytest.mark.parametrize(("text", "unfinished"), [("a \\", True), ("a \\\n", True), ("a", False), ("a\\\nb", False)])
def test_a_backslash_asks_for_another_line(text, unfinished):
    assert is_unfinished(text) is unfinished


def test_primitive():
    text = (
        "PRIMITIVE vip ocf:heartbeat:IPaddr2 PARAMS ip=10.0.0.9 META target-role=Started "
        "op monitor interval=10s DEPTH=1"
    )
    assert item(text) == Primitive(
        id="vip",
        agent=Agent("ocf", "heartbeat", "IPaddr2"),
        params=(AttributeSet((NvPair("ip", "10.0.0.9"),)),),
        meta=(AttributeSet((NvPair("target-role", "Started"),)),),
        operations=(Operation("monitor", (NvPair("interval", "10s"),), (AttributeSet((NvPair("DEPTH", "1"),)),)),),
    )


def test_parameters_may_follow_without_their_keyword_and_ops_get_an_interval():
    found = item('primitive vip IPaddr2 ip=1 nic="" lone op start timeout=60s')
    assert found.agent == Agent("", "", "IPaddr2")
    assert found.params[0].pairs == (NvPair("ip", "1"), NvPair("nic", ""), NvPair("lone"))
    assert found.operations[0].options == (NvPair("timeout", "60s"), NvPair("interval", "0"))


def test_ids_references_and_scores_in_sets():
    found = item("primitive p Dummy params $id=s 3: $x:a=1 @y:b @z meta $id-ref=other")
    pairs = (NvPair("a", "1", "x"), NvPair("b", id_ref="y"), NvPair("", id_ref="z"))
    assert found.params == (AttributeSet(pairs, "s", None, "3"),)
    assert found.meta == (AttributeSet(id_ref="other"),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("node n1", Node(id="n1")),
        ("node 1: n1:remote", Node(id="n1", number="1", kind="remote")),
        ("group g a b", Group(id="g", members=("a", "b"))),
        ("clone c g", Clone(id="c", child="g")),
        (
            "ms m p meta promotable=false",
            Clone(id="m", child="p", is_master=True, meta=(AttributeSet((NvPair("promotable", "false"),)),)),
        ),
        (
            "promotable m p meta promotable=false",
            Clone(id="m", child="p", meta=(AttributeSet((NvPair("promotable", "true"),)),)),
        ),
        ("location l p inf: n1", Location(id="l", resource="p", node="n1", score="inf")),
        (
            "location l p $role=master -INFINITY: n",
            Location(id="l", resource="p", node="n", score="-inf", role="Master"),
        ),
        (
            "colocation c 10: a:Promoted b node-attribute=rack",
            Colocation(
                id="c",
                score="10",
                resource="a",
                with_resource="b",
                role="Promoted",
                options=(("node-attribute", "rack"),),
            ),
        ),
        ("order o a b", Order(id="o", first="a", then="b")),
        ("order o mandatory: a:stop b", Order(id="o", first="a", then="b", kind="Mandatory", first_action="stop")),
        ("order o 0: a b symmetrical=no", Order(id="o", first="a", then="b", kind="Optional", symmetrical=False)),
        ("monitor vip:Master 10s:20s", Monitor(id="vip", role="Master", interval="10s", timeout="20s")),
    ],
)
def test_statements(text, expected):
    assert item(text) == expected


def test_property_sets():
    assert item("property stonith-enabled=false").id == "cib-bootstrap-options"
    assert item("rsc_defaults mine: a=1").id == "mine"
    assert item("op_defaults $id=mine a=1").id == "mine"


@pytest.mark.parametrize(
    ("text", "code", "column"),
    [
        ("ordr o a b", "unknown-statement", 1),
        ("primitive", "incomplete", 1),
        ("primitive 9x Dummy", "bad-id", 11),
        ("primitive p", "incomplete", 11),
        ("primitive p ip=1", "incomplete", 13),
        ("primitive p me:Special", "unknown-agent-class", 13),
        ("primitive p ocf::", "bad-agent", 13),
        ("primitive p Dummy params a=1 a=2", "duplicate-name", 30),
        ("primitive p Dummy params =1", "bad-attribute", 26),
        ("primitive p Dummy params a=1 $id=x", "misplaced-id", 30),
        ("primitive p Dummy params a=1 10:", "misplaced-score", 30),
        ("primitive p Dummy params $id-ref=x a=1", "unexpected-word", 36),
        ("primitive p Dummy op", "incomplete", 19),
        ("primitive p Dummy op interval=1", "incomplete", 22),
        ("primitive p Dummy op monitor LEVEL=1 timeout=3", "misplaced-option", 38),
        ("primitive p Dummy op monitor timeout=1 timeout=3", "duplicate-name", 40),
        ("primitive p Dummy operations x", "incomplete", 19),
        ('primitive p "abc', "unclosed-quote", 13),
        ("primitive p 'abc", "unclosed-quote", 13),
        ("primitive p $'\\ud800'", "bad-escape", 15),
        ("node n1:strange", "unknown-node-kind", 6),
        ("node 'a b'", "bad-id", 6),
        ("group g", "incomplete", 7),
        ("group g a a", "duplicate-member", 11),
        ("clone c a b", "unexpected-word", 11),
        ("location l p n1", "missing-score", 14),
        ("location l p often: n1", "bad-score", 14),
        ("location l p inf:", "incomplete", 14),
        ("location l p inf: n1 more", "unknown-role", 22),
        ("location l p inf: n1 Started more", "unexpected-word", 30),
        ("location l p resource-discovery=soon inf: n1", "unknown-resource-discovery", 14),
        ("colocation c a b", "missing-score", 14),
        ("colocation c inf: a", "incomplete", 19),
        ("colocation c inf: a:Bos b", "unknown-role", 21),
        ("colocation c inf: a b colour=red", "unknown-colocation-option", 23),
        ("order o Bogus: a b", "unknown-order-kind", 9),
        ("order o a:begin b", "unknown-action", 11),
        ("order o a b symmetrical=maybe", "bad-value", 13),
        ("monitor p", "incomplete", 9),
        ("monitor p often", "bad-duration", 11),
        ("monitor p:Bos 10s", "unknown-role", 9),
        ("monitor p 10s more", "unexpected-word", 15),
        ("rsc_defaults a=1 foo:", "misplaced-score", 18),
        ("property 9x: a=1", "bad-id", 10),
        ("user alice read xpath:/cib", "unknown-statement", 1),
    ],
)
def test_mistakes_are_told_with_their_place(text, code, column):
    statements, found = parse_text("node fine\n" + text + "\nnode also\n")
    assert [(d.code, d.line, d.column) for d in found] == [(code, 2, column)]
    assert [s.item.id for s in statements] == ["fine", "also"]


def test_every_mistake_is_reported_in_order():
    _, found = parse_text("ordr x\ngroup g 'a\nclone c\n")
    assert [d.line for d in found] == [1, 2, 3]


def test_a_finding_is_rendered_with_its_line_and_mark():
    text = "node n\n\tordr x"
    _, found = parse_text(text)
    assert render(found[0], text) == (
        "error[unknown-statement] 'ordr' is no statement\n  2 │  ordr x\n    │  ^^^^ did you mean 'order'?"
    )


def test_a_mark_stands_below_wide_characters():
    text = "node 中 中=1 rule"
    _, found = parse_text(text)
    assert render(found[0], text).splitlines()[2].index("^") == len("    │ node 中 中=1 ") + 2


@pytest.mark.parametrize(
    ("word", "hint"), [("wbe", "did you mean 'web'?"), ("WEB1", "did you mean 'web'?"), ("zzz", "")]
)
def test_suggestions(word, hint):
    assert suggest(word, ["web", "vip"]) == hint
