"""Views: pure functions from outcomes to lines."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from hashell.commands.foresight import planned
from hashell.outcomes import (
    Instance,
    Leftover,
    Listing,
    NodeLine,
    OperationLine,
    Said,
    Simulated,
    Simulation,
    StatusReport,
    Table,
    TicketLine,
    Why,
)
from hashell.views.layout import Cell, clean, columns, one_line, paragraph, width_of, wrap
from hashell.views.record import SCHEMA, plain, to_json
from hashell.views.render import render, show, theme_of
from hashell.views.theme import Style, Theme
from hashelld.model.action import Action, ActionKind
from hashelld.model.ids import Epoch, Version
from hashelld.policy.explanation import Contribution, Explanation, NodeScore, PartExplained
from hashelld.policy.graph import Blocked, Transition
from hashelld.wire.client import LinkStatus, QuorumStatus, StatusIs


CASES = Path(__file__).parents[2] / "cases" / "shell"
EPOCH = Epoch(3, "node1")
TROUBLE = StatusReport(
    status=StatusIs(
        cluster="web",
        node="node1",
        dc="node1",
        epoch=EPOCH,
        phase="executing",
        version=Version(EPOCH, 17),
        quorum=QuorumStatus(
            has_quorum=True,
            votes=2,
            total=3,
            reason="2 of 3 votes",
            unsafe=("stonith-enabled=false: a lost node is taken over without being fenced",),
        ),
        links=(
            LinkStatus(node="node2", presence="alive", silence_ms=40),
            LinkStatus(node="node3", presence="lost", silence_ms=4000),
        ),
        nodes=(),
        in_flight=("web_start_0@node1",),
        pending=2,
        blocked=("db: no node is left",),
    ),
    nodes=(
        NodeLine(node="node1", state="online", is_dc=True, resources=2),
        NodeLine(node="node2", state="standby", resources=1),
        NodeLine(node="node3", state="offline"),
    ),
    instances=(
        Instance(resource="web", agent="ocf:hashell:WebServer", role="Started", nodes=("node1",)),
        Instance(resource="cache", agent="ocf:hashell:Dummy", role="Stopped", note="to be stopped"),
        Instance(
            resource="fs",
            agent="ocf:heartbeat:Filesystem",
            role="Started",
            nodes=("node1",),
            group="apps",
            container="group",
        ),
        Instance(
            resource="db",
            agent="ocf:heartbeat:pgsql",
            role="Stopped",
            group="apps",
            container="group",
            failures=("start failed: not installed (psql is missing) on node1",),
            fail_counts=(("node1", 3),),
        ),
        Instance(
            resource="dlm",
            agent="ocf:pacemaker:controld",
            role="Started",
            nodes=("node1", "node2"),
            group="dlm-clone",
            container="clone",
            is_managed=False,
        ),
    ),
    leftovers=(Leftover(constraint="cli-ban-web-on-node2", resource="web", node="node2", is_ban=True),),
)
PLAN = planned(
    diff="--- applied\n+++ draft\n-a\n+b\n",
    before=(("web", "node1", "Started"), ("db", "node1", "Started"), ("cache", "node2", "Started")),
    transition=Transition(
        actions=(
            Action(kind=ActionKind.FENCE, node="node3", operation="off", reason="node3 is lost"),
            Action(kind=ActionKind.RESOURCE, node="node1", resource="web", operation="stop", reason="node1 in standby"),
            Action(kind=ActionKind.PSEUDO, resource="web", operation="stopped"),
            Action(kind=ActionKind.RESOURCE, node="node2", resource="web", operation="start", after=(1,)),
            Action(kind=ActionKind.RESOURCE, node="node2", resource="web", operation="monitor", interval_ms=10_000),
            Action(
                kind=ActionKind.RESOURCE, node="node1", resource="db", operation="stop", reason="its parameters changed"
            ),
            Action(kind=ActionKind.RESOURCE, node="node1", resource="db", operation="start"),
            Action(
                kind=ActionKind.RESOURCE,
                node="node1",
                resource="old",
                operation="stop",
                reason="not configured any more",
            ),
            Action(kind=ActionKind.RESOURCE, node="node2", resource="new", operation="monitor"),
            Action(kind=ActionKind.RESOURCE, node="node2", resource="ms", operation="start", after=(8,)),
            Action(kind=ActionKind.RESOURCE, node="node2", resource="ms", operation="promote", after=(9,)),
        ),
        blocked=(Blocked("lonely", None, "no node may run it"),),
    ),
)
WHY = Why(
    Explanation(
        "web",
        ("node1",),
        ("node1",),
        "prefers node1 (100 > 0)",
        (
            NodeScore("node1", 110, (Contribution("location web-prefers-node1", 100), Contribution("stickiness", 10))),
            NodeScore("node3", 0, (), "1 failure, threshold 3 on node3"),
            NodeScore("node2", -1_000_000, (Contribution("location cli-ban-web-on-node2", -1_000_000),)),
        ),
    )
)
WHY_CLONE = Why(
    Explanation(
        "ms",
        ("node1", "node2"),
        ("node1", "node2"),
        "2 of 2 instances run, promoted on node2",
        (NodeScore("node1", 10), NodeScore("node2", 10), NodeScore("node3", -1_000_000)),
        (
            PartExplained(
                resource="db", now="node1", now_role="Promoted", node="node1", role="Unpromoted",
                summary="is demoted on node1: db on node2 is promoted instead",
            ),
            PartExplained(
                resource="db", now=None, node="node2", role="Promoted", summary="starts on node2: is not running"
            ),
            PartExplained(resource="db", summary="stopped: node3 is offline"),
        ),
        (
            NodeScore("node2", 100, (Contribution("node attribute master-db", 100),)),
            NodeScore("node1", -1, (Contribution("no promotion score set by the agent", -1),)),
        ),
    )
)  # fmt: skip
TABLE = Table(
    title="T", columns=("name", "value"), rows=(("a", "1"), ("long name", "some words that go on")), note="a note"
)
OUTCOMES = {
    "status": TROUBLE,
    "plan": PLAN,
    "why": WHY,
    "why-clone": WHY_CLONE,
    "table": TABLE,
    "simulation": Simulation(
        files=(
            Simulated(
                file="a.xml",
                about="2 nodes online; node3 offline; quorum; 2026-07-01 12:00:00 UTC",
                assumed=("node3 is lost",),
                placement=(("web", "node2", "Started"), ("ms", "node2", "Promoted")),
                actions=("web_start_0@node2",),
                edges=(),
                plans=(PLAN, planned(transition=Transition(), before=())),
                failed=("web_start_0@node2",),
                skipped=("web_monitor_10000@node2",),
                missed=("web_stop_0@node9",),
            ),
            Simulated(file="b.xml", error="line 1: no"),
        )
    ),
}


def text_of(name: str, theme: Theme) -> str:
    return "\n".join(line.rstrip() for line in render(OUTCOMES[name], theme)) + "\n"


@pytest.mark.parametrize("width", [80, 40])
@pytest.mark.parametrize("name", OUTCOMES)
def test_screens(name: str, width: int, *, rewrite: bool) -> None:
    golden = CASES / f"view-{name}-{width}.txt"
    text = text_of(name, Theme(width=width))
    if rewrite:
        golden.write_text(text)
    assert text == golden.read_text()


@pytest.mark.parametrize("width", [80, 60, 40])
@pytest.mark.parametrize("name", OUTCOMES)
def test_nothing_is_wider_than_the_terminal(name: str, width: int) -> None:
    assert max(map(width_of, text_of(name, Theme(width=width)).splitlines())) <= width


@pytest.mark.parametrize("name", OUTCOMES)
def test_colours_change_no_word(name: str) -> None:
    coloured = text_of(name, Theme(has_colour=True))
    assert "\x1b[" in coloured
    assert "\n".join(line.rstrip() for line in clean(coloured).split("\n")) == text_of(name, Theme())


@pytest.mark.parametrize("name", OUTCOMES)
def test_plain_marks_are_ascii(name: str) -> None:
    assert text_of(name, Theme(has_unicode=False)).isascii()


@pytest.mark.parametrize("words", [("bynode",), ("full",), ("bynode", "full")])
def test_words_of_status(words: tuple[str, ...]) -> None:
    text = "\n".join(render(replace(TROUBLE, words=words), Theme()))
    assert ("Not running" in text) == ("bynode" in words)
    assert ("heard 40 ms ago" in text) == ("full" in words)
    assert ("fail count 3" in text) == ("full" in words)


def test_operations_and_tickets_of_status() -> None:
    failed = OperationLine(
        resource="db",
        node="node1",
        operation="monitor 10s",
        outcome="rc 7 FAILED",
        is_failed=True,
        when="12:00:00",
        duration_ms=40,
    )
    tickets = (TicketLine(ticket="ticketA", state="revoked"),)
    asked = replace(TROUBLE, words=("timing", "noheaders", "failcounts"), operations=(failed,), tickets=tickets)
    lines = render(asked, Theme(width=200))
    assert [line.split() for line in lines[lines.index("Operations") + 1 :]] == [
        ["db", "node1", "monitor", "10s", "rc", "7", "FAILED", "12:00:00", "40", "ms"],
        [],
        ["Tickets"],
        ["ticketA", "revoked"],
    ]
    assert "Fail counts" in lines
    assert "12:00:00" not in "\n".join(render(replace(asked, words=("ops",)), Theme(width=200)))
    assert lines[0] == render(TROUBLE, Theme(width=200))[2]


def test_an_empty_cluster_says_so() -> None:
    text = "\n".join(render(replace(TROUBLE, instances=(), leftovers=()), Theme()))
    assert "No resources are configured." in text


@pytest.mark.parametrize("name", OUTCOMES)
def test_json_is_complete_and_has_a_schema(name: str) -> None:
    for line in to_json(OUTCOMES[name]).splitlines():
        found = json.loads(line)
        assert name == "simulation" or (found["schema"], found["type"]) == (SCHEMA, name.partition("-")[0])


def test_json_says_what_people_know() -> None:
    found = json.loads(to_json(TROUBLE))
    assert found["status"]["version"] == "3.node1:17"
    assert found["instances"][0] == {
        "resource": "web",
        "agent": "ocf:hashell:WebServer",
        "group": "",
        "container": "",
        "role": "Started",
        "nodes": ["node1"],
        "is_managed": True,
        "failures": [],
        "note": "",
        "fail_counts": [],
    }
    assert json.loads(to_json(TABLE))["rows"][0] == {"name": "a", "value": "1"}


def test_json_of_what_is_no_outcome_is_a_bug() -> None:
    with pytest.raises(TypeError, match="object"):
        plain(object())


@pytest.mark.parametrize(
    ("dirty", "tidy"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\rb\x00c\x7f\x9bd", "abcd"),
        ("left\u202eright", "leftright"),
        ("line\n\ttab", "line\n\ttab"),
        ("\x1b", ""),
    ],
)
def test_control_characters_are_taken_out(dirty: str, tidy: str) -> None:
    assert clean(dirty) == tidy


def test_one_line_is_one_line() -> None:
    assert one_line(" a\n\tb\x1b[2Jc ") == "a bc"


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("", 0)])
def test_display_width(text: str, width: int) -> None:
    assert width_of(text) == width


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("", 10, [""]),
        ("a b c", 3, ["a b", "c"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("a abcdefgh b", 4, ["a", "abcd", "efgh", "b"]),
    ],
)
def test_wrapping(text: str, width: int, lines: list[str]) -> None:
    assert wrap(text, width) == lines


def test_columns_are_aligned_and_squeezed() -> None:
    rows = [
        [Cell("a"), Cell("some rather long text that goes on"), Cell("x", Style.BAD)],
        [Cell("bb"), Cell("y"), Cell("z")],
    ]
    assert columns(Theme(width=80), rows, indent="") == [
        "a   some rather long text that goes on  x",
        "bb  y                                   z",
    ]
    narrow = columns(Theme(width=30), rows, indent="")
    assert max(map(width_of, narrow)) <= 30
    assert len(narrow) == 3


def test_a_paragraph_hangs() -> None:
    assert paragraph(Theme(width=20), "one two three four five", indent="    ", first="  * ") == [
        "  * one two three",
        "    four five",
    ]


def test_a_pipe_gets_no_colours_and_no_wrapping() -> None:
    stream = io.StringIO()
    show(Table(columns=("a",), rows=(("word " * 60,),)), stream)
    assert len(stream.getvalue().splitlines()) == 2
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize(
    ("environment", "is_tty", "has_colour"),
    [
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "xterm"}, False, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, True, True),
        ({"TERM": "dumb"}, True, False),
    ],
)
def test_when_there_are_colours(environment: dict[str, str], *, is_tty: bool, has_colour: bool) -> None:
    assert theme_of(io.StringIO(), is_tty=is_tty, environment=environment).has_colour == has_colour


def test_ascii_streams_get_ascii_marks() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    show(TROUBLE, stream)


def test_of_many_warnings_of_a_kind_some_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    alike = tuple(f"f:{at}: [short] d{at} is short" for at in range(400))
    show(Said(text="done", warnings=(*alike, "f:9: [odd] odd", "no code", "none")), io.StringIO())
    assert capsys.readouterr().err.splitlines() == [
        "warning: f:0: [short] d0 is short",
        "warning: f:1: [short] d1 is short",
        "warning: f:2: [short] d2 is short",
        "warning: 397 more like these [short]; --json tells all",
        "warning: f:9: [odd] odd",
        "warning: no code",
        "warning: none",
    ]


def test_warnings_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    show(Said(text="done", warnings=("be\x1b[31mware",)), stream)
    assert stream.getvalue() == "done\n"
    assert capsys.readouterr().err == "warning: beware\n"


def test_nothing_to_say_writes_nothing() -> None:
    stream = io.StringIO()
    show(Said(text=""), stream)
    show(Listing(text=""), stream)
    assert stream.getvalue() == ""


def test_a_listing_in_a_pipe_is_as_it_is() -> None:
    stream = io.StringIO()
    show(Listing(text='primitive a ocf:x:y \\\n\tparams b="c"\n'), stream)
    assert stream.getvalue() == 'primitive a ocf:x:y \\\n\tparams b="c"\n'


@pytest.mark.parametrize(
    ("listing", "coloured"),
    [
        (Listing(text="primitive web ocf:x:y params a=1"), "\x1b[36mprimitive\x1b[0m"),
        (Listing(text="# comment"), "\x1b[2m# comment\x1b[0m"),
        (Listing(text="+new", language="diff"), "\x1b[32m+new\x1b[0m"),
        (Listing(text="-old", language="diff"), "\x1b[31m-old\x1b[0m"),
        (Listing(text="@@ -1 +1 @@", language="diff"), "\x1b[36m@@"),
        (Listing(text='<node id="1"/>', language="xml"), "\x1b[36m<node\x1b[0m"),
    ],
)
def test_listings_are_highlighted(listing: Listing, coloured: str) -> None:
    assert coloured in "\n".join(render(listing, Theme(has_colour=True)))
