"""What the log says of nodes' ways through fabric devices, and what a DC makes of it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from hashelld.cib.document import Cib
from hashelld.cib.view import NodeView
from hashelld.core.log import LEFT, advance
from hashelld.core.paths import Paths
from hashelld.model.device import DIGESTS_ALL, UNFENCED
from hashelld.model.history import NodeStatus
from hashelld.model.ids import NO_INCARNATION, Epoch, Incarnation, NodeId, ResourceId, Version
from hashelld.wire.client import GetStatus, StatusIs
from hashelld.wire.log import (
    Change,
    Checkpoint,
    Confirmation,
    Departure,
    Electorate,
    Entry,
    Founding,
    Path,
    PathChange,
    PathState,
)
from tests.core.alone import ROOT, Alone


N1, N2, SWITCH, DISK = NodeId("n1"), NodeId("n2"), ResourceId("switch"), ResourceId("disk")
FIRST, SECOND = Incarnation(1, "a"), Incarnation(2, "b")
CONFIGURATION = """\
primitive switch stonith:fence_ifmib params pcmk_status_action=none
primitive data ocf:heartbeat:Dummy meta fencing-device=switch
property stonith-enabled=true
"""


def folded(*changes: Change) -> Checkpoint:
    """What a log with these entries says."""
    state: Checkpoint | None = None
    founding = Founding("c", Electorate(votes={N1: 1}), Cib())
    for serial, change in enumerate((founding, *changes), start=1):
        version = Version(Epoch(1, N1), serial)
        state = advance(state, Entry(version=version, change=change, previous="", document="", at_ms=0))
    assert state is not None
    return state


def way(state: PathState | None, *devices: ResourceId, node: NodeId = N2) -> PathChange:
    return PathChange(node=node, incarnation=FIRST, devices=devices or (SWITCH,), state=state)


def test_a_way_is_what_was_said_of_it_last():
    found = folded(way(PathState.UNCERTAIN, SWITCH, DISK), way(PathState.CUT))
    assert found.paths == {N2: {SWITCH: Path(FIRST, PathState.CUT), DISK: Path(FIRST, PathState.UNCERTAIN)}}


def test_an_open_way_is_nothing_to_remember():
    assert folded(way(PathState.CUT), way(PathState.RESTORING), way(None)).paths == {}
    assert list(folded(way(PathState.CUT), way(PathState.CUT, node=N1), way(None)).paths) == [N1]


def test_who_gets_access_back_is_not_off_any_more():
    """The next DC must not count on a confirmation that a restoration is about to undo."""
    off = Confirmation(node=N2, incarnation=FIRST, by="disk")
    assert folded(off, way(PathState.CUT)).off == {N2: FIRST}
    assert folded(off, way(PathState.RESTORING)).off == {}
    assert folded(off, way(PathState.RESTORING, node=N1)).off == {N2: FIRST}
    left = folded(Departure(N2, FIRST), way(PathState.RESTORING))
    assert (left.off, left.off_by) == ({N2: FIRST}, {N2: LEFT})


def test_a_lost_node_is_cut_off_by_the_device_of_what_it_may_run():
    """It was never heard, so nobody knows what it runs; no node is off, and all is in the log."""
    rig = Alone(CONFIGURATION, absent=["n2"])
    rig.wait(150)
    applied = rig.node.standing.log.applied
    assert applied is not None
    assert applied.paths == {N2: {SWITCH: Path(NO_INCARNATION, PathState.CUT)}}
    assert applied.off == {}
    states = [(fields["target"], fields["state"]) for fields in rig.said("path.changed")]
    assert states == [("n1", "confirming"), ("n1", "open"), ("n2", "uncertain"), ("n2", "cut")]
    assert "data" in rig.node.lrm.active()
    told = rig.ask(ROOT, GetStatus())
    assert isinstance(told, StatusIs)
    assert [(one.operation, one.level, one.ok) for one in told.fenced] == [
        ("on", "resource", True),
        ("off", "resource", True),
    ]
    assert any("n2 is lost, and fenced on the resource level only: switch" in notice for notice in told.notices)
    attributes = rig.node.lrm.attributes()
    assert attributes[UNFENCED] != "0"
    assert attributes[DIGESTS_ALL].startswith("switch:fence_ifmib:")


def test_other_parameters_of_the_device_have_nodes_get_access_anew():
    rig = Alone(CONFIGURATION)
    before = len(rig.said("unfence.begun"))
    rig.configure("primitive switch stonith:fence_ifmib params pcmk_status_action=none ip=10.0.0.7\n")
    assert len(rig.said("unfence.begun")) == before + 1


LOST = NodeView(node=N2, unclean=True, status=NodeStatus(node=N2))


@pytest.mark.parametrize(
    ("state", "cut", "can_cut"),
    [
        (PathState.UNCERTAIN, (), (SWITCH,)),
        (PathState.CUT, (SWITCH,), ()),
        (PathState.RESTORING, (), ()),
        (PathState.CONFIRMING, (), ()),
        (None, (), (SWITCH,)),
    ],
)
def test_what_is_shown_of_a_lost_node(state, cut, can_cut):
    """While the node itself may be at work on a device, what that device says proves nothing."""
    rig = Alone(CONFIGURATION, absent=["n2"])
    office = _office(rig)
    change = PathChange(node=N2, incarnation=NO_INCARNATION, devices=(SWITCH,), state=state)
    office.leading.order(change, 0)
    rig.wait(2)
    shown = Paths(rig.node.standing).shown(LOST)
    assert (shown.cut, shown.can_cut) == (cut, can_cut)
    assert shown.closed == ((SWITCH,) if state not in (None, PathState.CONFIRMING) else ())


def test_what_failed_is_not_tried_again_before_something_else_was():
    paths = Paths(Alone(CONFIGURATION, absent=["n2"]).node.standing)
    paths.failed(N2, SWITCH)
    assert paths.shown(LOST).can_cut == ()
    paths.settled(N2)
    assert paths.shown(LOST).can_cut == (SWITCH,)


def test_a_cut_of_an_earlier_incarnation_is_made_again():
    rig = Alone(CONFIGURATION, absent=["n2"])
    _office(rig).leading.order(way(PathState.CUT), 0)
    rig.wait(2)
    shown = Paths(rig.node.standing).shown(LOST)
    assert (shown.cut, shown.can_cut, shown.closed) == ((), (SWITCH,), (SWITCH,))


def test_a_node_that_is_there_is_only_told_what_is_closed():
    rig = Alone(CONFIGURATION, absent=["n2"])
    _office(rig).leading.order(way(PathState.CUT), 0)
    rig.wait(2)
    shown = Paths(rig.node.standing).shown(replace(LOST, unclean=False, online=True))
    assert (shown.cut, shown.can_cut, shown.closed) == ((), (), (SWITCH,))


def _office(rig: Alone):
    assert rig.node.dc is not None
    return rig.node.dc.office
