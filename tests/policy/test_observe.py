"""What the histories say: activity, failures and what they ask for, instances, migrations, remote nodes."""

from __future__ import annotations

import msgspec
import pytest

from hashelld.cib.view import ClusterView
from hashelld.cib.xml.status import read_view
from hashelld.model.history import ActionResult, NodeStatus
from hashelld.model.ids import NodeId, ResourceId
from hashelld.policy.state.expand import expand
from hashelld.policy.state.failing import on_fail_of
from hashelld.policy.state.history import since_start
from hashelld.policy.state.items import Item, Node, Stage
from hashelld.policy.state.observe import observe
from hashelld.policy.state.situation import Situation
from tests.build import NOW_MS, cluster


DUMMY = "ocf:heartbeat:Dummy"
HEAD = f"cluster nodes=n1,n2\n  primitive a {DUMMY} op monitor interval=10s"
FENCED = f"cluster nodes=n1,n2 fencing=yes\n  primitive a {DUMMY} op monitor interval=10s"


def seen(view: ClusterView | str) -> Situation:
    found = expand(cluster(view) if isinstance(view, str) else view)
    observe(found)
    return found


def places(found: Situation, name: str) -> dict[str, Stage]:
    item = found.by_id[name]
    return {found.node_id(at): item.stages[at] for at in item.active}


def node(found: Situation, name: str) -> Node:
    return found.nodes[found.node_by_id[name]]


def with_results(view: ClusterView, name: str, *results: ActionResult) -> ClusterView:
    """The view with these results instead of what a node knew of their resources."""
    names = {result.resource for result in results}
    changed = []
    for each in view.nodes:
        if each.node == name:
            kept = tuple(r for r in each.status.operations if r.resource not in names)
            status = msgspec.structs.replace(each.status, operations=(*kept, *results))
            changed.append(msgspec.structs.replace(each, status=status))
        else:
            changed.append(each)
    return msgspec.structs.replace(view, nodes=tuple(changed))


def result(operation: str, call: int, rc: int = 0, interval_ms: int = 0, **fields: object) -> ActionResult:
    values = {"resource": "a", "operation": operation, "call": call, "rc": rc, "interval_ms": interval_ms, **fields}
    return msgspec.convert(values, ActionResult)


def read_alone(*results: ActionResult, meta: str = "") -> tuple[Situation, Item]:
    """The one resource `a` of a cluster without fencing, with this history on n1 and none elsewhere."""
    view = cluster(f"cluster nodes=n1,n2\n  primitive a {DUMMY} {meta} op monitor interval=10s\nunknown a on n1 n2")
    found = seen(with_results(view, "n1", *results))
    return found, found.by_id["a"]


@pytest.mark.parametrize(
    ("results", "stage"),
    [
        ([result("monitor", 1, 7, expected_rc=7)], Stage.STOPPED),
        ([result("monitor", 1, 0, expected_rc=7)], Stage.STARTED),
        ([result("monitor", 1, 190, expected_rc=7)], Stage.STARTED),
        ([result("monitor", 1, 8, expected_rc=7)], Stage.PROMOTED),
        ([result("monitor", 1, 5, expected_rc=7)], Stage.STOPPED),
        ([result("monitor", 1, 1, expected_rc=7)], Stage.STARTED),
        ([result("start", 1)], Stage.STARTED),
        ([result("stop", 2), result("start", 1)], Stage.STOPPED),
        ([result("start", 1), result("monitor", 2, 7, 10_000)], Stage.STARTED),
        ([result("start", 1), result("stop", 2, 1)], Stage.STARTED),
        ([result("start", 1, status="pending")], Stage.STARTED),
        ([result("start", 1), result("stop", 2, status="cancelled")], Stage.STARTED),
        ([result("start", 1), result("notify", 2, 1)], Stage.STARTED),
        ([result("start", 1, expected_rc=-1)], Stage.STARTED),
    ],
)
def test_the_newest_results_tell_where_it_is(results: list[ActionResult], stage: Stage):
    _, item = read_alone(*results)
    assert item.stage is stage
    assert item.known == {0}


def test_probes_come_first_where_calls_are_equal():
    _, item = read_alone(result("start", 1), result("monitor", 1, 7, expected_rc=7))
    assert item.stage is Stage.STARTED


def test_recurring_operations_are_those_since_the_last_start():
    _, item = read_alone(result("monitor", 2, 0, 5000), result("start", 3), result("monitor", 4, 0, 10_000))
    assert list(item.recurring[0]) == [("monitor", 10_000)]


@pytest.mark.parametrize(
    ("operations", "kept"),
    [
        (["start", "monitor"], ["start", "monitor"]),
        (["start", "stop", "start"], ["start"]),
        (["start", "stop"], []),
        (["monitor"], ["monitor"]),
        (["start", "migrate_from", "promote"], ["migrate_from", "promote"]),
    ],
)
def test_what_belongs_to_the_present_run(operations: list[str], kept: list[str]):
    history = [result(operation, call) for call, operation in enumerate(operations)]
    assert [found.operation for found in since_start(history)] == kept


def test_a_failed_monitor_asks_for_a_restart():
    found = seen(f"{HEAD}\nactive a on n1\nfailed a monitor on n1 rc=7")
    item = found.by_id["a"]
    assert (item.is_failed, item.is_recovering) == (True, True)
    assert item.forced_stops == {0: "monitor failed on n1: not running"}
    assert item.failures[0].on_fail == "restart"
    assert item.tallies[0].count == 1


def test_a_later_success_makes_a_failure_good():
    found = seen(f"{HEAD}\nfailed a start on n1\ndid a stop on n1\ndid a start on n1")
    item = found.by_id["a"]
    assert not item.is_failed
    assert item.failures == {}


def test_a_monitor_makes_good_only_its_own_failure():
    history = [result("start", 1), result("monitor", 2, 1, 10_000), result("monitor", 3, 0, 5000)]
    _, item = read_alone(*history)
    assert item.is_failed
    _, item = read_alone(*history, result("monitor", 4, 0, 10_000))
    assert not item.is_failed


@pytest.mark.parametrize(
    ("operation", "on_fail", "fencing", "expected"),
    [
        ("monitor", "", "no", "restart"),
        ("stop", "", "no", "block"),
        ("stop", "", "yes", "fence"),
        ("stop", "standby", "yes", "fence"),
        ("monitor", "fence", "no", "stop"),
        ("monitor", "fence", "yes", "fence"),
        ("monitor", "migrate", "no", "ban"),
        ("monitor", "nothing", "no", "ignore"),
        ("monitor", "nonsense", "no", "restart"),
        ("monitor", "demote", "no", "restart"),
        ("monitor", "restart-container", "no", "restart"),
    ],
)
def test_what_a_failure_asks_for(operation: str, on_fail: str, fencing: str, expected: str):
    interval = "10s" if operation == "monitor" else "0"
    written = f"on-fail={on_fail}" if on_fail else ""
    text = f"cluster nodes=n1 fencing={fencing}\n  primitive a {DUMMY} op {operation} interval={interval} {written}"
    found = expand(cluster(text))
    assert on_fail_of(found, found.by_id["a"], operation, 10_000 if operation == "monitor" else 0) == expected


def test_a_demotion_fails_as_the_monitor_of_the_promoted_role():
    text = f"cluster nodes=n1\n  primitive a {DUMMY} op monitor interval=9s role=Promoted on-fail={{}}"
    for word, expected in (("standby", "standby"), ("demote", "restart")):
        found = expand(cluster(text.format(word)))
        assert on_fail_of(found, found.by_id["a"], "demote", 0) == expected


def with_on_fail(word: str) -> Situation:
    text = f"cluster nodes=n1,n2 fencing=yes\n  primitive a {DUMMY} op monitor interval=10s on-fail={word}"
    return seen(f"{text}\nactive a on n1\nfailed a monitor on n1")


def test_on_fail_ignore_counts_as_success():
    item = with_on_fail("ignore").by_id["a"]
    assert (item.is_failed, item.is_failure_ignored, item.stage) == (False, True, Stage.STARTED)


def test_on_fail_block_leaves_it_alone():
    item = with_on_fail("block").by_id["a"]
    assert (item.is_blocked, item.is_managed, item.is_failed) == (True, False, True)
    assert not item.is_recovering


def test_on_fail_stop_keeps_it_stopped():
    item = with_on_fail("stop").by_id["a"]
    assert item.target is Stage.STOPPED
    assert item.banned_everywhere == "monitor failed on n1: error"
    assert item.stays_stopped == "monitor failed on n1: error, on-fail stop"


def test_on_fail_standby_and_fence_concern_the_node():
    found = with_on_fail("standby")
    assert node(found, "n1").is_standby
    found = with_on_fail("fence")
    assert node(found, "n1").is_unclean
    assert found.by_id["a"].is_failed


def test_on_fail_ban_is_for_that_node():
    assert list(with_on_fail("ban").by_id["a"].bans) == [0]


def test_on_fail_demote_asks_for_a_demotion():
    found = seen(f"""
cluster nodes=n1,n2
  primitive a {DUMMY} op monitor interval=10s role=Promoted on-fail=demote
  clone c a meta promotable=true
active a on n1 watched=no
did a promote on n1
failed a monitor on n1
""")
    item = found.by_id["a:0"]
    assert (item.stage, item.is_failed, item.is_recovering) == (Stage.PROMOTED, True, False)
    assert list(item.forced_demotes) == [0]


def test_after_a_failure_on_a_condemned_node_nothing_more_is_asked_for():
    found = seen(f"{FENCED}\nactive a on n1\nfailed a stop on n1\nnode n1 unclean")
    assert not found.by_id["a"].is_failed
    assert places(found, "a") == {"n1": Stage.STARTED}


def test_a_failed_stop_bans_and_condemns_or_blocks():
    found = seen(f"{FENCED}\nactive a on n1\nfailed a stop on n1")
    assert node(found, "n1").fence_reason == "stop of a failed there"
    assert 0 in found.by_id["a"].bans
    found = seen(f"{HEAD}\nactive a on n1\nfailed a stop on n1")
    assert found.by_id["a"].is_blocked


@pytest.mark.parametrize(("rc", "banned", "everywhere"), [(5, True, False), (6, False, True), (1, False, False)])
def test_some_codes_ban(rc: int, banned: bool, everywhere: bool):
    _, item = read_alone(result("start", 1, rc))
    assert (0 in item.bans, bool(item.banned_everywhere)) == (banned, everywhere)


def test_an_unsupported_monitor_is_no_hard_error():
    _, item = read_alone(result("start", 1), result("monitor", 2, 3, 10_000))
    assert item.is_failed
    assert item.bans == {}


def test_a_failure_of_one_copy_bans_the_whole_clone():
    found = seen(f"cluster nodes=n1,n2\n  primitive a {DUMMY}\n  clone c a\nfailed a start on n2 rc=5")
    assert list(found.by_id["c"].bans) == [1]


def test_failures_expire():
    text = f"cluster nodes=n1\n  primitive a {DUMMY} meta failure-timeout=1min op monitor interval=10s"
    old = seen(f"{text}\nactive a on n1\nfailed a monitor on n1 ago=2min")
    assert old.by_id["a"].tallies[0].why_cleared == "it expired"
    assert not old.by_id["a"].is_failed
    assert old.by_id["a"].reschedules == {0: {("monitor", 10_000)}}
    new = seen(f"{text}\nactive a on n1\nfailed a monitor on n1 ago=30s")
    assert not new.by_id["a"].tallies[0].is_expired
    assert new.by_id["a"].is_failed
    assert new.wake_ms == NOW_MS + 31_000


def test_failures_that_are_to_block_do_not_expire():
    text = f"cluster nodes=n1\n  primitive a {DUMMY} meta failure-timeout=1min op monitor interval=10s on-fail=block"
    found = seen(f"{text}\nactive a on n1\nfailed a monitor on n1 ago=2min")
    assert found.by_id["a"].is_blocked
    assert not found.by_id["a"].tallies[0].is_expired


def test_what_is_unmanaged_and_not_running_is_stopped():
    found = seen(f"{HEAD} meta is-managed=false\nactive a on n1\nfailed a monitor on n1 rc=7".replace(" op", " op", 1))
    assert found.by_id["a"].stage is Stage.STOPPED


def test_what_is_active_on_a_node_in_maintenance_is_unmanaged():
    found = seen(f"{HEAD}\nactive a on n1\nnode n1 maintenance")
    item = found.by_id["a"]
    assert (item.is_managed, item.is_maintenance) == (False, True)


@pytest.mark.parametrize(
    ("policy", "managed", "everywhere", "unexpected"),
    [
        ("stop_start", True, False, False),
        ("stop_only", True, True, False),
        ("block", False, False, False),
        ("stop_unexpected", True, False, True),
    ],
)
def test_active_on_several_nodes(policy: str, managed: bool, everywhere: bool, unexpected: bool):
    item = seen(f"cluster nodes=n1,n2\n  primitive a {DUMMY} meta multiple-active={policy}\nactive a on n1 n2").by_id[
        "a"
    ]
    assert item.active == [0, 1]
    assert (item.is_managed, bool(item.banned_everywhere), item.is_stop_unexpected) == (managed, everywhere, unexpected)


def test_block_of_a_group_blocks_all_of_it():
    found = seen(f"""
cluster nodes=n1,n2
  primitive a {DUMMY}
  primitive b {DUMMY}
  group g a b meta multiple-active=block
active a on n1 n2
""")
    assert [found.by_id[name].is_blocked for name in ("a", "b")] == [True, True]


CLONE = f"cluster nodes=n1,n2,n3\n  primitive a {DUMMY}\n  clone c a"


def test_histories_of_copies_take_the_free_instances():
    found = seen(f"{CLONE}\nactive a on n1 n3")
    assert places(found, "a:0") == {"n1": Stage.STARTED}
    assert places(found, "a:1") == {"n3": Stage.STARTED}
    assert places(found, "a:2") == {}
    assert found.by_id["c"].known == {0, 1, 2}


def test_an_instance_with_something_pending_stays_with_its_node():
    found = seen(f"{CLONE}\nunknown a on n1\npending a start on n1\nactive a on n2")
    assert found.by_id["a:0"].pending_node == 0
    assert found.by_id["a:0"].is_start_pending
    assert places(found, "a:1") == {"n2": Stage.STARTED}


def test_more_histories_than_instances_make_surplus_ones():
    found = seen(f"{CLONE} meta clone-max=1\nactive a on n1 n2")
    assert [(child.id, child.is_surplus) for child in found.by_id["c"].children] == [("a:0", False), ("a:1", True)]
    assert places(found, "a:1") == {"n2": Stage.STARTED}


def test_members_of_one_copy_of_a_group_stay_together():
    found = seen(f"""
cluster nodes=n1,n2
  primitive a {DUMMY}
  primitive b {DUMMY}
  group g a b
  clone c g
active b on n1
active a on n2
active b on n2
""")
    assert places(found, "b:0") == {"n1": Stage.STARTED}
    assert places(found, "a:1") == places(found, "b:1") == {"n2": Stage.STARTED}


def test_what_is_not_configured_is_removed():
    found = seen(f"{HEAD}\nactive old on n2")
    item = found.by_id["old"]
    assert (item.is_removed, item.is_managed, found.top[-1] is item) == (True, True, True)
    kept = seen(f"{HEAD}\n  property stop-orphan-resources=false\nactive old on n2")
    assert not kept.by_id["old"].is_managed


def test_what_seems_active_on_a_node_that_is_off_condemns_it():
    view = with_results(cluster(f"{FENCED}\nnode n2 offline"), "n2", result("start", 1))
    found = seen(view)
    assert node(found, "n2").is_unclean
    without = seen(with_results(cluster(f"{HEAD}\nnode n2 offline"), "n2", result("start", 1)))
    assert places(without, "a") == {}


def test_shutdown_locks():
    text = f"{HEAD}\n  property shutdown-lock=true shutdown-lock-limit=10min\nnode n2 offline"
    for age_ms, locked in ((60_000, True), (700_000, False)):
        view = cluster(text)
        first, second = view.nodes
        status = NodeStatus(node=NodeId("n2"), locks={ResourceId("a"): NOW_MS - age_ms})
        nodes = (first, msgspec.structs.replace(second, status=status))
        item = seen(msgspec.structs.replace(view, nodes=nodes)).by_id["a"]
        assert (item.lock_node == 1, item.expired_locks == [1]) == (locked, not locked)


def migrated(*there: ActionResult, here: tuple[ActionResult, ...] = (), rc: int = 0) -> tuple[Situation, Item]:
    """`a` left n1 for n2 at second 10; what both nodes remember besides."""
    ends = {"migrate_source": "n1", "migrate_target": "n2"}
    view = cluster(f"cluster nodes=n1,n2\n  primitive a {DUMMY} meta allow-migrate=true")
    left = result("migrate_to", 5, rc, ended_ms=10_000, **ends)
    view = with_results(view, "n1", result("start", 2, ended_ms=2000), left, *here)
    probe = result("monitor", 1, 7, expected_rc=7, ended_ms=1000)
    found = seen(with_results(view, "n2", probe, *there))
    return found, found.by_id["a"]


ENDS = {"migrate_source": "n1", "migrate_target": "n2"}
ARRIVED = result("migrate_from", 3, ended_ms=11_000, **ENDS)


def test_half_a_migration_may_go_on():
    _, item = migrated()
    assert (item.migrating_from, item.migrating_to, item.active) == (0, 1, [1, 0])
    assert item.stage is Stage.STARTED


def test_after_a_whole_migration_a_copy_waits_for_its_stop():
    found, item = migrated(ARRIVED)
    assert item.dangling == [0]
    assert places(found, "a") == {"n2": Stage.STARTED}


def test_a_finished_migration_leaves_nothing():
    found, item = migrated(ARRIVED, here=(result("stop", 6, ended_ms=12_000),))
    assert (item.dangling, item.migrating_to) == ([], None)
    assert places(found, "a") == {"n2": Stage.STARTED}


def test_a_failed_departure_may_be_on_both():
    found, item = migrated(rc=1)
    assert places(found, "a") == {"n1": Stage.STARTED, "n2": Stage.STARTED}
    assert item.is_failed


def test_a_failed_arrival_may_be_on_both():
    failed = msgspec.structs.replace(ARRIVED, rc=1)
    found, item = migrated(failed)
    assert set(places(found, "a")) == {"n1", "n2"}
    assert item.is_failed
    assert item.migrating_to is None


def test_a_probe_that_found_nothing_ends_the_doubt():
    found, item = migrated(result("monitor", 9, 7, expected_rc=7, ended_ms=20_000), rc=1)
    assert places(found, "a") == {"n1": Stage.STARTED}
    assert item.dangling == [0]


REMOTE = """<cib have-quorum="true"><configuration><crm_config><cluster_property_set id="o">
 <nvpair id="o1" name="stonith-enabled" value="{fencing}"/></cluster_property_set></crm_config>
<nodes><node id="1" uname="n1"/></nodes>
<resources>
 <primitive id="f" class="stonith" type="x"/>
 <primitive id="far" class="ocf" provider="pacemaker" type="remote"/>
 <primitive id="a" class="ocf" provider="heartbeat" type="Dummy"/>
</resources><constraints/></configuration><status>
<node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="1"><lrm_resources>
 <lrm_resource id="far" class="ocf" provider="pacemaker" type="remote">
  <lrm_rsc_op id="far_last_0" operation="start" interval="0" call-id="1" rc-code="0" op-status="0"
   transition-key="1:1:0:x"/>{more}
 </lrm_resource></lrm_resources></lrm></node_state>
<node_state id="far" uname="far" remote_node="true"><lrm id="far"><lrm_resources>
 <lrm_resource id="a" class="ocf" provider="heartbeat" type="Dummy">
  <lrm_rsc_op id="a_last_0" operation="start" interval="0" call-id="1" rc-code="0" op-status="0"
   transition-key="2:1:0:x"/>
 </lrm_resource></lrm_resources></lrm></node_state></status></cib>"""
LOST = """<lrm_rsc_op id="far_monitor_30000" operation="monitor" interval="30000" call-id="2" rc-code="1" op-status="4"
   transition-key="3:1:0:x"/>"""
STOPPED = """<lrm_rsc_op id="far_stop_0" operation="stop" interval="0" call-id="3" rc-code="0" op-status="0"
   transition-key="3:1:0:x"/>"""


def test_a_remote_node_is_there_while_its_connection_is():
    found = seen(read_view(REMOTE.format(fencing="true", more=""), 0))
    far = node(found, "far")
    assert (far.is_online, far.is_unclean) == (True, False)
    assert places(found, "a") == {"far": Stage.STARTED}


def test_a_lost_connection_condemns_the_remote_node():
    found = seen(read_view(REMOTE.format(fencing="true", more=LOST), 0))
    far = node(found, "far")
    assert (far.is_online, far.is_unclean, far.needs_reset) == (False, True, True)
    assert found.by_id["far"].failures[0].on_fail == "reset-remote"


def test_what_runs_on_a_remote_node_without_connection_condemns_it_unless_it_can_be_reached_again():
    found = seen(read_view(REMOTE.format(fencing="true", more=STOPPED), 0))
    far = node(found, "far")
    assert (far.is_online, far.is_unclean, far.is_unseen) == (False, True, True)


def test_without_fencing_nothing_is_read_of_a_node_that_cannot_be_reached():
    found = seen(read_view(REMOTE.format(fencing="false", more=STOPPED), 0))
    assert places(found, "a") == {}
