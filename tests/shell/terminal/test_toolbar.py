from __future__ import annotations

from hashell.settings import THEMES
from hashell.terminal.remarks import Remark
from hashell.terminal.style import STYLES
from hashell.terminal.toolbar import prompt_state, toolbar
from hashelld.cib.view import NodeView
from hashelld.model.history import ActionResult, FailureCount, NodeStatus
from hashelld.model.ids import NO_EPOCH, NodeId, Version
from hashelld.wire.client import QuorumStatus
from tests.shell.grammar.scene import WEB, cib_of, status_of


VERSION = Version(NO_EPOCH, 1)
CIB = cib_of(WEB)


def text(status, *, trouble="", is_dirty=False, width=200):
    return "".join(piece for _style, piece in toolbar(status, CIB, trouble=trouble, is_dirty=is_dirty, width=width))


def view(node, *results, failures=(), online=True):
    return NodeView(node=node, online=online, status=NodeStatus(node=node, operations=results, failures=failures))


def test_a_good_cluster():
    started = ActionResult(resource="web", operation="start", call=1)
    status = status_of(CIB, VERSION, nodes=(view(NodeId("node1"), started), view(NodeId("node2"))))
    assert text(status) == " quorum · 2/2 nodes · DC node1 · 1 running"


def test_what_is_wrong_is_told():
    failure = FailureCount(resource="db", operation="monitor")
    quorum = QuorumStatus(
        has_quorum=False, votes=1, total=2, reason="1 of 2 votes", unsafe=("two_node without fencing",)
    )
    nodes = (view(NodeId("node1"), failures=(failure,)), view(NodeId("node2"), online=False))
    shown = text(status_of(CIB, VERSION, quorum=quorum, nodes=nodes, dc=None), is_dirty=True)
    assert shown == (
        " draft not committed · NO QUORUM: 1 of 2 votes · UNSAFE · 1/2 nodes · no DC · 0 running · 1 failed"
    )


def test_a_stopped_resource_does_not_run():
    results = (
        ActionResult(resource="web", operation="start", call=1),
        ActionResult(resource="web", operation="stop", call=2),
        ActionResult(resource="db", operation="monitor", call=3, rc=7, expected_rc=7),
    )
    assert text(status_of(CIB, VERSION, nodes=(view(NodeId("node1"), *results),))).endswith("0 running")


def test_actions_under_way():
    assert text(status_of(CIB, VERSION, in_flight=("a",), pending=2)).endswith("3 actions under way")


def test_no_cluster():
    assert text(None, trouble="No hashelld answers at x (it does not exist): start it") == (
        " No hashelld answers at x (it does not exist)"
    )
    assert text(None) == " asking the cluster…"


def test_only_whole_pieces_fit_into_a_narrow_terminal():
    status = status_of(CIB, VERSION)
    assert text(status, width=20) == " quorum · 2/2 nodes"
    assert text(status, width=3) == ""


def test_the_prompts_mark_says_what_its_colour_says():
    good = status_of(CIB, VERSION)
    alone = QuorumStatus(has_quorum=False, votes=1, total=2, reason="1 of 2 votes")
    missing = (view(NodeId("node1")), view(NodeId("node2"), online=False))
    assert prompt_state(good, CIB, trouble="") == ("class:prompt", "")
    assert prompt_state(status_of(CIB, VERSION, nodes=missing), CIB, trouble="") == ("class:prompt-trouble", "!")
    assert prompt_state(status_of(CIB, VERSION, quorum=alone), CIB, trouble="") == ("class:prompt-bad", "!")
    assert prompt_state(None, None, trouble="No hashelld answers") == ("class:prompt-bad", "?")
    assert prompt_state(None, None, trouble="") == ("class:prompt", "")


def test_what_is_wrong_with_the_line_comes_first():
    remark = Remark("no id 'nosuch'", start=7, end=13, hint="did you mean 'web'?")
    pieces = toolbar(status_of(CIB, VERSION), CIB, trouble="", is_dirty=True, width=60, remark=remark)
    shown = "".join(piece for _style, piece in pieces)
    assert shown == " no id 'nosuch'; did you mean 'web'? · draft not committed"
    narrow = toolbar(None, None, trouble="", is_dirty=False, width=12, remark=remark)
    assert "".join(piece for _style, piece in narrow) == " no id 'no…"


def test_every_theme_has_every_colour():
    classes = {name: {rule for rule, _colours in style.style_rules} for name, style in STYLES.items()}
    assert set(classes) == set(THEMES)
    assert len(set(map(frozenset, classes.values()))) == 1
