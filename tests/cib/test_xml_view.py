"""The status section: nodes, histories, failure counts, tickets."""

from __future__ import annotations

from pathlib import Path

import pytest

from hashelld.cib.view import NodeView
from hashelld.cib.xml.status import read_view
from hashelld.model.history import ActionResult, FailureCount, OpStatus
from hashelld.model.resource import Agent
from hashelld.model.score import INFINITY


TEXT = (Path(__file__).parent / "history.xml").read_text(encoding="utf-8")
NOW_MS = 1_700_000_000_000


@pytest.fixture(scope="module")
def view():
    return read_view(TEXT, 5)


def flags(node: NodeView) -> str:
    names = ("online", "unclean", "pending", "is_leaving", "fence_requested", "is_remote")
    return " ".join(name for name in names if getattr(node, name))


def test_all_kinds_of_nodes_in_order(view):
    assert [(str(node.node), flags(node)) for node in view.nodes] == [
        ("n1", "online"),
        ("n2", "online is_leaving"),
        ("n3", "unclean"),
        ("far", "is_remote"),
        ("guest", "is_remote"),
        ("b-1", "is_remote"),
        ("gone", "is_remote"),
    ]
    assert view.reported == ("n1", "n2", "far", "b-1", "gone")
    far = view.node("far")
    assert far.was_fenced
    assert far.was_in_maintenance


def test_what_the_root_says(view):
    assert (view.now_ms, view.dc, view.has_quorum, view.was_quorate) == (NOW_MS, "n2", True, True)
    assert view.feature_set == "3.19.0"


def test_time_and_quorum_may_be_missing():
    view = read_view('<cib no-quorum-panic="1" dc-uuid="9"><configuration/></cib>', 5)
    assert (view.now_ms, view.dc, view.has_quorum, view.was_quorate) == (5, None, False, True)
    assert read_view("<cib><configuration/></cib>", None).now_ms == 0


def test_a_result_has_everything(view):
    operations = view.node("n1").status.operations
    assert operations[0] == ActionResult(
        resource="vip",
        operation="start",
        call=7,
        reason="why",
        started_ms=1_600_000_001_000,
        ended_ms=1_600_000_005_000,
        duration_ms=12,
        digest="d",
        restart_digest="r",
        restart_params=" ip ",
        secure_digest="s",
        secure_params=" passwd ",
        migrate_source="n2",
        migrate_target="n1",
        version="3.19.0",
    )
    assert [(o.operation, o.interval_ms, o.call, o.rc, o.expected_rc) for o in operations[1:]] == [
        ("monitor", 10_000, 5, 8, 8)
    ]


def test_the_rest_of_a_history(view):
    status = view.node("n1").status
    assert status.agents["old"] == Agent("lsb", "", "old")
    assert status.locks == {"vip": 1_600_000_000_000}
    assert status.containers == {"b-0": "b-podman-0"}
    assert status.attributes == {"pingd": "200"}
    assert status.utilization == {"cpu": "2"}
    assert status.failures == (
        FailureCount(resource="vip:0", operation="monitor", interval_ms=10_000, count=2, last_ms=1_600_000_007_000),
        FailureCount(resource="old", operation="", count=INFINITY),
        FailureCount(resource="worse", operation="start", count=0),
    )


def test_tickets(view):
    assert view.tickets["A"].is_granted
    assert view.tickets["A"].attributes == {"last-granted": "1331666075"}
    assert (view.tickets["B"].is_granted, view.tickets["B"].is_standby) == (False, True)


def one(state: str, *properties: str, kind: str = "", now_ms: int = NOW_MS) -> NodeView:
    """The node `n`, with its `<node_state>` and `name=value` properties."""
    pairs = "".join('<nvpair id="{0}" name="{0}" value="{1}"/>'.format(*p.split("=")) for p in properties)
    text = (
        f'<cib><configuration><crm_config><cluster_property_set id="c">{pairs}</cluster_property_set></crm_config>'
        f'<nodes><node id="1" uname="n" {kind}/></nodes></configuration><status>{state}</status></cib>'
    )
    return read_view(text, now_ms).nodes[0]


def state(text: str, **transient: str) -> str:
    pairs = "".join(f'<nvpair id="t-{k}" name="{k}" value="{v}"/>' for k, v in transient.items())
    inner = (
        f'<transient_attributes id="1"><instance_attributes id="s">{pairs}</instance_attributes></transient_attributes>'
    )
    return f'<node_state id="1" {text}>{inner if transient else ""}</node_state>'


UP = 'in_ccm="true" crmd="online" '


@pytest.mark.parametrize(
    ("attributes", "with_fencing", "without"),
    [
        (UP + 'join="member" expected="member"', "online", "online"),
        (UP + 'join="member"', "pending", "online"),
        (UP + 'join="pending" expected="member"', "pending", ""),
        (UP + 'join="down" expected="member"', "pending", ""),
        (UP + 'join="down" expected="down"', "pending", ""),
        (UP + 'join="banned" expected="member"', "online unclean", ""),
        (UP + 'join="what" expected="member"', "online unclean", ""),
        ('in_ccm="true" crmd="offline" join="down" expected="member"', "online unclean", "unclean"),
        ('in_ccm="true" crmd="offline" join="down" expected="down"', "pending", ""),
        ('in_ccm="false" crmd="offline" join="down" expected="member"', "unclean", ""),
        ('in_ccm="false" crmd="offline" join="down" expected="down"', "", ""),
        ('in_ccm="0" crmd="0" join="down" expected="member"', "unclean", ""),
        ('in_ccm="1690000000" crmd="1690000000" join="member" expected="member"', "online", "online"),
        ('crmd="offline" join="down"', "unclean", ""),
    ],
)
def test_a_members_state(attributes, with_fencing, without):
    assert flags(one(state(attributes))) == with_fencing
    for name in ("stonith-enabled", "stonith_enabled", "fencing-enabled"):
        assert flags(one(state(attributes), f"{name}=false")) == without


def test_a_node_that_was_never_seen():
    assert flags(one("")) == "unclean"
    assert flags(one("", "startup-fencing=false")) == ""
    assert flags(one("", "stonith-enabled=no")) == ""
    assert flags(one("", kind='type="ping"')) == ""
    assert flags(one("", kind='type="remote"')) == "is_remote"


def test_a_node_that_leaves_is_not_fenced():
    assert flags(one(state('in_ccm="false" crmd="offline" expected="member"', shutdown="1"))) == "is_leaving"
    assert flags(one(state(UP + 'join="member" expected="member"', shutdown="0"))) == "online"


def test_fencing_may_be_requested():
    assert (
        flags(one(state(UP + 'join="member" expected="member"', terminate="true"))) == "online unclean fence_requested"
    )
    assert flags(one(state('in_ccm="false" crmd="offline" join="down"', terminate="1"))) == ""


def test_a_node_may_be_pending_for_too_long():
    pending = state('in_ccm="1699999000" crmd="0" join="pending" expected="down"')
    assert flags(one(pending)) == "pending"
    assert flags(one(pending, "node-pending-timeout=30min")) == "pending"
    assert flags(one(pending, "node-pending-timeout=10min")) == "online unclean"


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ('op-status="-1"', OpStatus.PENDING),
        ('op-status="0"', OpStatus.COMPLETE),
        ('op-status="1"', OpStatus.CANCELLED),
        ('op-status="2"', OpStatus.TIMED_OUT),
        ('op-status="3"', OpStatus.NOT_SUPPORTED),
        ('op-status="4"', OpStatus.COMPLETE),
        ('op-status="5"', OpStatus.HARD),
        ('op-status="6"', OpStatus.FATAL),
        ('op-status="7"', OpStatus.NOT_INSTALLED),
        ('op-status="8"', OpStatus.NOT_CONNECTED),
        ('op-status="9"', OpStatus.INVALID),
        ('op-status="10"', OpStatus.HARD),
        ('op-status="11"', OpStatus.HARD),
        ('op-status="12"', OpStatus.CANCELLED),
        ("", OpStatus.CANCELLED),
    ],
)
def test_all_statuses(told, status):
    assert result(told).status is status


def result(told: str) -> ActionResult:
    operation = f'<lrm_rsc_op id="o" operation="start" {told}/>'
    history = f'<lrm id="1"><lrm_resources><lrm_resource id="r">{operation}</lrm_resource></lrm_resources></lrm>'
    return one(f'<node_state id="1">{history}</node_state>').status.operations[0]


@pytest.mark.parametrize(("text", "span_ms"), [("10000", 10_000), ("10s", 10_000), ("x", 0), ("9" * 5000, 0), ("²", 0)])
def test_intervals(text, span_ms):
    assert result(f'interval="{text}"').interval_ms == span_ms


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("1:2:7:u", 7),
        ("0:7;1:2:7:u", 7),
        ("1:2:7", -1),
        ("", -1),
        ("a:b:c:d", -1),
    ],
)
def test_expected_return_codes(key, expected):
    assert result(f'transition-key="{key}"').expected_rc == expected


def test_what_the_model_has_no_place_for_is_left_out():
    operations = '<operations><op name="start" interval="0"><x/></op></operations>'
    primitive = f'<primitive id="p" class="lsb" type="x">{operations}</primitive>'
    cib = read_view(f"<cib><configuration><resources>{primitive}</resources></configuration></cib>", 0).cib
    assert cib.resources[0].operations[0].name == "start"
