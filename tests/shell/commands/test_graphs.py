"""Graphs: of a transition and of a configuration, as text, for graphviz, and by graphviz."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hashell.commands.configuration_graph import configuration_graph
from hashell.commands.drawing import Drawing, Frame, Line, Spot, quoted, to_dot
from hashell.commands.transition_graph import transition_graph
from hashell.outcomes import Listing, Said
from hashelld.cib.document import Cib
from hashelld.cib.lang.diagnostic import errors
from hashelld.cib.lang.lower import read_cib
from hashelld.model.action import Action, ActionKind
from hashelld.policy.graph import Transition
from tests.shell.memory import Shell


ROOT = Path(__file__).parents[3]


def run(operation: str, *after: int, node: str = "n1", resource: str | None = "a", reason: str = "") -> Action:
    return Action(
        kind=ActionKind.RESOURCE, node=node, resource=resource, operation=operation, after=after, reason=reason
    )


def event(operation: str, *after: int) -> Action:
    return Action(kind=ActionKind.PSEUDO, resource="g", operation=operation, after=after)


def text_of(*actions: Action) -> list[str]:
    return transition_graph(Transition(actions)).text.splitlines()


def configuration(text: str) -> Cib:
    cib, found = read_cib(text)
    assert not errors(found), found
    return cib


# Transitions.


def test_what_waits_is_below_what_it_waits_for_last():
    assert text_of(
        run("stop", reason="because"),
        run("start", 0, node="n2"),
        run("stop", node="n3", resource="b"),
        run("start", 1, 2, node="n3"),
    ) == [
        "1  stop a on n1                 because",
        "2    start a on n2  after 1",
        "3  stop b on n3",
        "4    start a on n3  after 2, 3",
    ]


def test_what_follows_from_the_rest_is_left_out():
    graph = transition_graph(Transition((run("stop"), run("start", 0), run("promote", 0, 1))))
    assert [(line.tail, line.head) for line in graph.lines] == [("a0", "a1"), ("a1", "a2")]


def test_events_are_seen_through_unless_that_would_cost_arrows():
    few = (run("stop"), event("stopped", 0), run("start", 1, node="n2"))
    assert text_of(*few) == ["1  stop a on n1", "2    start a on n2  after 1"]
    firsts = [run("stop", node=f"n{number}") for number in range(3)]
    thens = [run("start", 3, node=f"n{number}") for number in range(3)]
    graph = transition_graph(Transition((*firsts, event("stopped", 0, 1, 2), *thens)))
    assert len(graph.lines) == 6
    assert "stopped of g" in graph.text


def test_chains_of_events_are_seen_through():
    assert text_of(run("stop"), event("stopped", 0), event("start", 1), run("start", 2)) == [
        "1  stop a on n1",
        "2    start a on n1  after 1",
    ]


def test_nothing_to_do():
    assert text_of() == ["nothing to do"]


# For graphviz.


@pytest.mark.parametrize(
    ("text", "said"),
    [("a", '"a"'), ('a"b', r'"a\"b"'), ("a\\", r'"a\\"'), ("a\nb", r'"a\nb"'), ("a\x1b[1mb", '"a [1mb"'), ("", '""')],
)
def test_quoting(text: str, said: str):
    assert quoted(text) == said


def test_arrows_end_at_frames():
    inner = Frame(id="g", label="group g", spots=(Spot(id="a", label="a"), Spot(id="b", label="b")))
    drawing = Drawing(
        title="t",
        text="",
        frames=(Frame(id="c", label="clone c", frames=(inner,)), Frame(id="empty", label="empty")),
        spots=(Spot(id="z", label="z", note="last"),),
        lines=(
            Line(tail="c", head="z", label="inf"),
            Line(tail="g", head="a"),
            Line(tail="z", head="empty", style={"color": "red"}),
        ),
    )
    dot = to_dot(drawing)
    assert '"a" -> "z" [label="inf", ltail="cluster_0"]' in dot
    assert '"a" -> "a"\n' in dot
    assert '"z" -> "empty" [color="red", lhead="cluster_1"]' in dot
    assert "subgraph cluster_0_0 {" in dot
    assert '"z" [label="z", tooltip="last"]' in dot


# Configurations.

EVERYTHING = """
node n1
node n2
primitive a ocf:test:Dummy
primitive b ocf:test:Dummy
primitive c ocf:test:Dummy
primitive d ocf:test:Dummy
primitive e ocf:test:Dummy
group g a b
clone cl c meta promotable=true
tag both d e
location l1 g 100: n1
location l2 d -inf: n2
location l3 e rule 50: #uname eq n2
location l4 cl rule $role=Promoted 0: pingd gt 3
colocation c1 inf: g cl:Promoted
colocation c2 -10: d e
colocation c3 inf: a d e
order o1 cl:promote g:start
order o2 Optional: d e
order o3 d e symmetrical=false
rsc_ticket t1 T: both
"""
AS_TEXT = """\
d  ocf:test:Dummy
    avoids n2 (-inf)  l2
    not with e (-10)  c2
e  ocf:test:Dummy
    prefers n2 (50)     l3
    after d (Optional)  o2
    after d (one way)   o3
group g
    prefers n1 (100)                l1
    with cl Promoted (inf)          c1
    after cl (start after promote)  o1
  a  ocf:test:Dummy
  b  ocf:test:Dummy
clone cl
    allows pingd gt 3 as Promoted (0)  l4
  c  ocf:test:Dummy
tag both  d e
    needs ticket T  t1

constraints of several
  colocation c3 inf: a d e
"""


def test_a_configuration_as_text():
    assert configuration_graph(configuration(EVERYTHING)).text == AS_TEXT


def test_a_configuration_as_a_picture():
    dot = to_dot(configuration_graph(configuration(EVERYTHING)))
    for said in (
        'label="group g"',
        'label="clone cl"',
        '"a" -> "b" [color="blue3"]',
        '"a" -> "c" [label="inf", color="darkgreen", style="dashed", ltail="cluster_0", lhead="cluster_1"]',
        '"d" -> "node n2" [label="-inf", color="red3", fontcolor="red3", arrowhead="tee"]',
        '"both" -> "ticket T"',
        '"d" -> "e" [label="Optional", color="blue3", style="dotted"]',
        '"d" -> "e" [label="inf", color="darkgreen", style="dashed", dir="none"]',
    ):
        assert said in dot, dot


# The commands.


def test_configure_graph(tmp_path: Path):
    shell = Shell()
    found = shell.run("configure graph")
    assert isinstance(found, Listing)
    assert "prefers node1 (100)" in found.text
    path = tmp_path / "c.dot"
    said = shell.run(f"configure graph {path}")
    assert isinstance(said, Said)
    assert said.data == {"file": str(path)}
    assert path.read_text().startswith('digraph "configuration" {')


def hashell(tmp_path: Path, line: str) -> subprocess.CompletedProcess[str]:
    """The program, with nothing but `tmp_path` to find other programs in."""
    (tmp_path / "x.crm").write_text("node n1\nprimitive web ocf:heartbeat:Dummy\n")
    return subprocess.run(
        [sys.executable, "-m", "hashell", "--cib", "x.crm", *line.split()],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )


def dot_program(tmp_path: Path, body: str) -> None:
    program = tmp_path / "dot"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)


def test_pictures_are_made_by_graphviz(tmp_path: Path):
    dot_program(tmp_path, 'echo "<svg $1>"; while read -r line; do echo "$line"; done; echo "</svg>"')
    done = hashell(tmp_path, "configure graph x.svg")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "x.svg").read_text().startswith('<svg -Tsvg>\ndigraph "configuration" {')


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (None, "graphviz is not installed"),
        ('while read -r line; do :; done; echo "syntax error" >&2; exit 1', "dot failed: syntax error"),
    ],
)
def test_pictures_that_graphviz_does_not_make(tmp_path: Path, body: str | None, told: str):
    if body is not None:
        dot_program(tmp_path, body)
    done = hashell(tmp_path, "configure graph x.svg")
    assert done.returncode == 1
    assert told in done.stderr
    assert not (tmp_path / "x.svg").exists()
