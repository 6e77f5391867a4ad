"""Configurations expanded to nodes and items: inheritance, defaults, instances, bundles, guests."""

from __future__ import annotations

import msgspec
import pytest

from hashelld.cib.document import Cib
from hashelld.cib.view import ClusterView, NodeView
from hashelld.cib.xml.status import read_view
from hashelld.model.history import NodeStatus
from hashelld.model.ids import NodeId, ResourceId
from hashelld.model.node import Node
from hashelld.model.resource import (
    Agent,
    AttributeSet,
    Bundle,
    NvPair,
    Operation,
    PortMapping,
    Primitive,
    StorageMapping,
)
from hashelld.policy.state.expand import expand
from hashelld.policy.state.items import Item, Kind, Needs, Stage
from hashelld.policy.state.parameters import parameters
from hashelld.policy.state.situation import Situation
from tests.build import cluster


DUMMY = "ocf:heartbeat:Dummy"


def situation(text: str) -> Situation:
    return expand(cluster(text))


def item_of(meta: str, *, fencing: str = "no") -> Item:
    return situation(f"cluster nodes=n1 fencing={fencing}\n  primitive a {DUMMY} {meta}").by_id["a"]


def pairs(**values: str) -> tuple[AttributeSet, ...]:
    return (AttributeSet(tuple(NvPair(name.replace("_", "-"), value) for name, value in values.items())),)


@pytest.mark.parametrize(
    ("meta", "field", "value"),
    [
        ("", "priority", 0),
        ("meta priority=inf", "priority", 1_000_000),
        ("meta resource-stickiness=5", "stickiness", 5),
        ("meta migration-threshold=3", "threshold", 3),
        ("meta migration-threshold=-3", "threshold", 1_000_000),
        ("meta failure-timeout=1min", "failure_timeout_ms", 60_000),
        ("meta multiple-active=block", "multiple_active", "block"),
        ("meta multiple-active=nonsense", "multiple_active", "stop_start"),
        ("meta is-managed=false", "is_managed", False),
        ("meta is-managed=nonsense", "is_managed", True),
        ("meta maintenance=true", "is_managed", False),
        ("meta target-role=Stopped", "target", Stage.STOPPED),
        ("meta target-role=Started", "target", Stage.UNKNOWN),
        ("meta target-role=Unpromoted", "target", Stage.UNKNOWN),
        ("meta target-role=nonsense", "target", Stage.UNKNOWN),
        ("meta requires=nothing", "needs", Needs.NOTHING),
        ("meta requires=unfencing", "needs", Needs.QUORUM),
        ("meta critical=false", "is_critical", False),
    ],
)
def test_meta_attributes_are_parsed_with_pacemakers_defaults(meta: str, field: str, value: object):
    assert getattr(item_of(meta), field) == value


def test_what_must_be_there_before_a_start_depends_on_the_cluster():
    assert item_of("").needs is Needs.QUORUM
    assert item_of("", fencing="yes").needs is Needs.FENCING
    found = situation(f"cluster nodes=n1\n  primitive a {DUMMY}\n  property no-quorum-policy=ignore")
    assert found.by_id["a"].needs is Needs.NOTHING
    found = situation(
        f"cluster nodes=n1 fencing=yes\n  primitive a {DUMMY}\n  primitive d stonith:x meta provides=unfencing"
    )
    assert found.by_id["a"].needs is Needs.UNFENCING
    assert found.by_id["d"].needs is Needs.QUORUM
    assert found.has_device


def test_members_take_what_they_do_not_say_from_the_collectives_around_them():
    found = situation(f"""
cluster nodes=n1,n2
  primitive a {DUMMY} meta priority=1
  primitive b {DUMMY}
  group g a b meta priority=7 target-role=Stopped
  clone c g meta is-managed=false
  rsc_defaults resource-stickiness=9 priority=3
""")
    first, second = found.by_id["a:0"], found.by_id["b:0"]
    assert (first.priority, second.priority) == (1, 7)
    assert second.target is Stage.STOPPED
    assert not second.is_managed
    assert found.by_id["c"].stickiness == second.stickiness == 9


def test_a_clone_without_stickiness_has_one():
    found = situation(f"cluster nodes=n1\n  primitive a {DUMMY}\n  clone c a\n  primitive b {DUMMY}")
    assert [found.by_id[name].stickiness for name in ("c", "a:0", "b")] == [1, 1, 0]


def test_a_template_gives_what_the_primitive_does_not():
    found = situation(f"""
cluster nodes=n1
  rsc_template t {DUMMY} params x=1 y=2 meta priority=5 op monitor interval=10s timeout=40s
  primitive a @t params y=3 op start timeout=7s
""")
    item = found.by_id["a"]
    assert str(item.agent) == DUMMY
    assert item.priority == 5
    assert parameters(found, item) == {"x": "1", "y": "3"}
    assert {key: op.timeout_ms for key, op in item.ops.items()} == {("start", 0): 7000, ("monitor", 10_000): 40_000}
    assert found.templates == {"t": ("a",)}


def test_the_first_of_two_operations_with_one_interval_counts_and_defaults_fill_it_up():
    found = situation(f"""
cluster nodes=n1
  primitive a {DUMMY} op monitor interval=10s on-fail=Block op monitor interval=10s timeout=3s op stop interval=0
  op_defaults timeout=33s
""")
    ops = found.by_id["a"].ops
    assert (ops["monitor", 10_000].timeout_ms, ops["monitor", 10_000].on_fail) == (33_000, "block")
    assert ops["stop", 0].timeout_ms == 33_000


def test_anonymous_instances_share_a_name_in_histories():
    found = situation(f"cluster nodes=n1,n2,n3\n  primitive a {DUMMY}\n  clone c a")
    clone = found.by_id["c"]
    assert [child.id for child in clone.children] == ["a:0", "a:1", "a:2"]
    assert {child.history_id for child in clone.children} == {"a"}
    assert (clone.is_unique, clone.instance_node_max) == (False, 1)
    assert found.named("a") is clone


def test_unique_instances_keep_their_numbers():
    found = situation(f"cluster nodes=n1\n  primitive a {DUMMY}\n  clone c a meta clone-max=3 clone-node-max=3")
    clone = found.by_id["c"]
    assert clone.is_unique
    assert [child.history_id for child in clone.children] == ["a:0", "a:1", "a:2"]


@pytest.mark.parametrize(
    ("meta", "is_unique", "node_max"),
    [
        ("globally-unique=false clone-node-max=2", False, 1),
        ("globally-unique=true", True, 1),
        ("clone-node-max=2", True, 2),
    ],
)
def test_who_is_unique(meta: str, is_unique: bool, node_max: int):
    found = situation(f"cluster nodes=n1,n2\n  primitive a {DUMMY}\n  clone c a meta {meta}")
    assert (found.by_id["c"].is_unique, found.by_id["c"].instance_node_max) == (is_unique, node_max)


def test_agents_without_ocf_cannot_be_unique():
    found = situation(
        "cluster nodes=n1,n2\n  primitive a lsb:x\n  clone c a meta globally-unique=true clone-node-max=2"
    )
    assert not found.by_id["c"].is_unique


def test_no_instances_at_all_leave_one_that_histories_can_be_attached_to():
    found = situation(f"cluster nodes=n1\n  primitive a {DUMMY}\n  clone c a meta clone-max=0")
    assert [(child.id, child.is_surplus) for child in found.by_id["c"].children] == [("a:0", True)]


def test_a_promotable_clone_and_its_old_spellings():
    found = situation(f"""
cluster nodes=n1,n2
  primitive a {DUMMY}
  clone c a meta promotable=true master-max=2 target-role=Slave
""")
    clone = found.by_id["c"]
    assert (clone.is_promotable, clone.promoted_max, clone.target) == (True, 2, Stage.UNPROMOTED)
    assert found.by_id["a:0"].target is Stage.UNPROMOTED


def test_copies_are_not_migrated():
    found = situation(f"""
cluster nodes=n1
  primitive a {DUMMY} meta allow-migrate=true
  primitive b {DUMMY} meta allow-migrate=true
  clone c a
""")
    assert not found.by_id["a:0"].allows_migration
    assert found.by_id["b"].allows_migration


def test_more_important_resources_come_first():
    found = situation(
        f"cluster nodes=n1\n  primitive a {DUMMY}\n  primitive b {DUMMY} meta priority=5\n  primitive c {DUMMY}"
    )
    assert [item.id for item in found.top] == ["b", "a", "c"]


def test_nodes_have_builtin_attributes_and_transient_ones_win():
    view = cluster("cluster nodes=n1,n2 dc=n2\n  node n1 attributes rack=1 site-name=X standby=on\nattribute n1 rack=2")
    found = expand(view)
    first, second = found.nodes
    assert first.attributes["rack"] == "2"
    assert first.attributes["#uname"] == "n1"
    assert first.attributes["#site-name"] == "X"
    assert (first.is_standby, second.is_standby) == (True, False)
    assert (first.is_dc, second.attributes["#is_dc"]) == (False, "true")


def test_a_configured_node_without_view_is_there_and_offline():
    view = cluster("cluster nodes=n1\n  node n9")
    found = expand(view)
    assert [(node.id, node.is_online) for node in found.nodes] == [("n1", True), ("n9", False)]


def test_parameters_may_depend_on_the_node():
    found = situation(f"""
cluster nodes=n1,n2
  primitive a {DUMMY} params 2: rule #uname eq n2 port=2 params 1: port=1
  primitive b {DUMMY} params x=1
""")
    item = found.by_id["a"]
    assert [parameters(found, item, at)["port"] for at in (0, 1)] == ["1", "2"]
    assert parameters(found, item)["port"] == "1"
    other = found.by_id["b"]
    assert parameters(found, other, 0) is parameters(found, other, 1)


def bundle_view(bundle: Bundle, child: Primitive | None = None) -> ClusterView:
    names = [NodeId("n1"), NodeId("n2")]
    objects = (*(Node(id=name) for name in names), *((child,) if child else ()), bundle)
    nodes = tuple(NodeView(node=name, online=True, status=NodeStatus(node=name)) for name in names)
    return ClusterView(cib=Cib(objects), nodes=nodes, can_reach=True, can_unfence=True)


WEB = Bundle(
    id=ResourceId("web"),
    container="podman",
    options=(("image", "web:latest"), ("replicas", "2"), ("options", "--log=journald")),
    network=(("ip-range-start", "10.0.0.253"), ("host-netmask", "24")),
    ports=(PortMapping(port="80"),),
    storage=(StorageMapping(source_dir_root="/srv", target_dir="/var/www", options="rw"),),
    child=ResourceId("apache"),
)
APACHE = Primitive(
    id=ResourceId("apache"),
    agent=Agent("ocf", "heartbeat", "apache"),
    operations=(Operation("monitor", (NvPair("interval", "10s"),)),),
)


def test_a_bundle_is_containers_addresses_connections_and_instances():
    found = expand(bundle_view(WEB, APACHE))
    bundle = found.by_id["web"]
    assert bundle.kind is Kind.BUNDLE
    first, second = bundle.replicas
    assert [part.id for part in (first.container, first.address, first.connection, first.child) if part] == [
        "web-podman-0",
        "web-ip-10.0.0.253",
        "web-0",
        "apache:0",
    ]
    assert second.address is not None
    assert second.address.id == "web-ip-10.0.0.254"
    assert [item.id for item in bundle.containers()] == ["web-podman-0", "web-podman-1"]
    assert bundle.bundled is found.by_id["web-clone"]
    assert found.named("apache") is bundle


def test_a_replicas_connection_makes_a_node_for_its_instance():
    found = expand(bundle_view(WEB, APACHE))
    replica = found.by_id["web"].replicas[0]
    assert replica.connection is not None
    assert replica.child is not None
    assert replica.connection.container is replica.container
    assert replica.container.fillers == [replica.connection]
    node = found.nodes[found.node_by_id["web-0"]]
    assert (node.connection, node.is_guest, node.attributes["#kind"]) == (replica.connection, True, "container")
    assert replica.child.bundle_host == node.index
    assert replica.child.is_isolated


def test_a_containers_parameters_are_pacemakers():
    found = expand(bundle_view(WEB, APACHE))
    assert parameters(found, found.by_id["web-podman-0"]) == {
        "image": "web:latest",
        "allow_pull": "true",
        "force_kill": "false",
        "reuse": "false",
        "run_opts": " -h web-0 -e PCMK_stderr=1 -e PCMK_remote_port=3121 -v /srv/web-0:/var/www:rw"
        " -v /etc/pacemaker/authkey:/etc/pacemaker/authkey -v /var/log/pacemaker/bundles/web-0:/var/log"
        " -p 10.0.0.253:80:80 -p 10.0.0.253:3121:3121"
        " --log=journald  --add-host=web-0:10.0.0.253 --add-host=web-1:10.0.0.254",
        "mount_points": "/srv/web-0,/var/log/pacemaker/bundles/web-0",
        "run_cmd": "/usr/sbin/pacemaker-remoted",
        "monitor_cmd": "/bin/true",
    }
    assert parameters(found, found.by_id["web-ip-10.0.0.253"]) == {"ip": "10.0.0.253", "cidr_netmask": "24"}
    assert parameters(found, found.by_id["web-0"]) == {"addr": "10.0.0.253", "port": "3121"}


def test_a_bundle_without_child_has_containers_alone():
    bare = msgspec.structs.replace(WEB, child=None, network=None, container="docker")
    found = expand(bundle_view(bare))
    replica = found.by_id["web"].replicas[1]
    assert (replica.container.id, replica.address, replica.connection, replica.child) == (
        "web-docker-1",
        None,
        None,
        None,
    )
    assert " --restart=no" in parameters(found, replica.container)["run_opts"]


def test_a_bundle_with_promoted_instances_is_promotable():
    promotable = msgspec.structs.replace(WEB, options=(("image", "x"), ("promoted-max", "3")))
    bundle = expand(bundle_view(promotable, APACHE)).by_id["web"]
    assert (bundle.instance_max, bundle.is_promotable, bundle.promoted_max) == (3, True, 3)
    assert bundle.bundled is not None
    assert bundle.bundled.id == "web-master"


def test_the_nodes_of_a_bundle_count_for_clones_that_are_written_after_it():
    view = bundle_view(WEB, APACHE)
    dummy = Agent("ocf", "heartbeat", "Dummy")
    early = cluster(f"cluster nodes=n1\n  primitive e {DUMMY}\n  clone ec e").cib.resources
    late = cluster(f"cluster nodes=n1\n  primitive l {DUMMY}\n  clone lc l").cib.resources
    cib = Cib((*view.cib.nodes, *early, APACHE, WEB, *late))
    found = expand(msgspec.structs.replace(view, cib=cib))
    assert (found.by_id["ec"].instance_max, found.by_id["lc"].instance_max) == (2, 4)
    assert found.by_id["e:0"].agent == dummy


GUESTS = """<cib><configuration><crm_config/>
<nodes><node id="1" uname="n1"/></nodes>
<resources>
 <primitive id="vm" class="ocf" provider="heartbeat" type="VirtualDomain">
  <meta_attributes id="m"><nvpair id="m1" name="remote-node" value="guest"/>
   <nvpair id="m2" name="remote-addr" value="10.0.0.7"/></meta_attributes>
 </primitive>
 <primitive id="far" class="ocf" provider="pacemaker" type="remote">
  <instance_attributes id="i"><nvpair id="i1" name="reconnect_interval" value="60"/></instance_attributes>
 </primitive>
 <primitive id="inner" class="ocf" provider="heartbeat" type="Dummy">
  <meta_attributes id="n"><nvpair id="n1" name="container" value="vm"/></meta_attributes>
 </primitive>
 <clone id="c"><primitive id="p" class="ocf" provider="heartbeat" type="Dummy"/></clone>
</resources><constraints/></configuration><status/></cib>"""


def test_guests_get_a_connection_and_remote_nodes_are_connected():
    found = expand(read_view(GUESTS, 0))
    connection = found.by_id["guest"]
    assert (connection.is_remote_connection, connection.allows_migration) == (True, True)
    assert connection.container is found.by_id["vm"]
    assert found.by_id["vm"].fillers == [connection, found.by_id["inner"]]
    assert parameters(found, connection) == {"addr": "10.0.0.7"}
    guest, far = (found.nodes[found.node_by_id[name]] for name in ("guest", "far"))
    assert (guest.is_guest, far.is_guest) == (True, False)
    assert (guest.is_unclean, far.is_unclean, far.is_unseen) == (False, True, True)
    assert (found.by_id["far"].reconnect_ms, found.by_id["far"].failure_timeout_ms) == (60_000, 60_000)
    assert found.by_id["far"].needs is Needs.QUORUM
    assert found.by_id["c"].instance_max == 3
