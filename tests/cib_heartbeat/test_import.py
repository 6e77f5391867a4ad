"""Whole clusters: what each becomes, and that nothing is lost without a word."""

from __future__ import annotations

import tomllib

import msgspec
import pytest

from hashelld.cib.heartbeat import HeartbeatFiles, read
from hashelld.cib.lang.format import format_cib
from hashelld.cib.lang.lower import read_cib
from hashelld.cib.verify import verify
from hashelld.config import parse, to_settings
from tests.cib_heartbeat.clusters import ADDRESSES, FENCED, MANAGED, SHARED_FOLDER, UNICAST, imported, small


def test_a_web_server_pair_becomes_a_group_with_a_home():
    assert (
        imported(SHARED_FOLDER).configuration
        == """\
node node1
node node2
primitive ip-10.211.55.24 IPaddr2 \\
\tparams ip=10.211.55.24 cidr_netmask=24 nic=eth0 broadcast=10.211.55.255 \\
\top start interval=0 timeout=60s \\
\top stop interval=0 timeout=60s \\
\top monitor interval=10s timeout=20s
primitive httpd lsb:httpd \\
\top start interval=0 timeout=60s \\
\top stop interval=0 timeout=60s \\
\top monitor interval=10s timeout=20s
group group1 ip-10.211.55.24 httpd
location prefer-node1-group1 group1 100: node1
property cib-bootstrap-options: \\
\tstonith-enabled=false
rsc_defaults rsc-options: \\
\tresource-stickiness=0
"""
    )


@pytest.mark.parametrize("files", [SHARED_FOLDER, UNICAST, FENCED])
def test_the_configuration_is_read_back_without_complaint(files):
    text = imported(files, {"node1": "192.0.2.11", "node2": "192.0.2.12"}).configuration
    cib, found = read_cib(text)
    assert found == []
    assert [d for d in verify(cib) if d.is_error] == []
    assert format_cib(cib) == text


def test_the_daemon_file_of_a_pair():
    assert tomllib.loads(imported(SHARED_FOLDER).toml) == {
        "node": {"name": "node1"},
        "cluster": {
            "name": "linux-ha",
            "key": "/etc/hashell/cluster.key",
            "port": 5409,
            "keepalive": "1s",
            "warntime": "15s",
            "deadtime": "30s",
            "initdead": "30s",
        },
        "nodes": [
            {"name": "node1", "addresses": ["10.211.55.45"]},
            {"name": "node2", "addresses": ["10.211.55.46"]},
        ],
        "quorum": {"two_node": True, "ping": {"addresses": ["10.211.55.1"]}},
    }


def test_ping_nodes_and_groups_are_asked_before_a_takeover():
    assert any("ping becomes [quorum.ping]" in notice for notice in imported(SHARED_FOLDER).notices)
    found = imported(UNICAST, {"node1": "192.0.2.11", "node2": "192.0.2.12"})
    assert tomllib.loads(found.toml)["quorum"]["ping"] == {
        "addresses": [],
        "timeout": "5s",
        "groups": {"gws": ["192.0.2.1", "192.0.2.2"]},
    }
    assert any("deadping becomes the timeout" in notice for notice in found.notices)


def test_an_address_is_asked_once_and_a_member_never():
    ping = "ping 10.211.55.1 10.211.55.1 10.211.55.46\nping_group up 10.211.55.1 10.211.55.45 192.0.2.9\n"
    found = small(f"{ping}ping_group us 10.211.55.45\n")
    asked = tomllib.loads(found.toml)["quorum"]["ping"]
    assert asked == {"addresses": [], "groups": {"up": ["10.211.55.1", "192.0.2.9"]}}
    assert sum("it is not asked as a ping node" in notice for notice in found.notices) == 2


@pytest.mark.parametrize("files", [SHARED_FOLDER, UNICAST, FENCED])
def test_the_daemon_takes_the_file(files):
    found = imported(files, {"node1": "192.0.2.11", "node2": "192.0.2.12"})
    settings = to_settings(parse(found.toml, "/etc/hashell/hashelld.toml", "node1"))
    assert settings.founding.two_node
    assert (settings.ping is not None) is ("[quorum.ping]" in found.toml)


def test_no_fencing_is_called_unsafe():
    assert any("UNSAFE" in notice for notice in imported(SHARED_FOLDER).notices)


def test_two_groups_with_arguments_and_a_continuation():
    text = imported(UNICAST, {"node1": "192.0.2.11", "node2": "192.0.2.12"}).configuration
    assert "group group1 Delay ip-192.0.2.21 httpd\n" in text
    assert "params startdelay=1 stopdelay=0" in text
    assert "location prefer-node1-group1 group1 100: node1\n" in text
    assert "group group2 ip-192.0.2.22 Filesystem d1\n" in text
    assert 'params device="/dev/vg0/ldap" directory="/srv/ldap" fstype=ext4 options=noatime' in text
    assert "primitive d1 Dummy" in text
    assert "\tresource-stickiness=INFINITY\n" in text


def test_timers_and_port_of_the_unicast_pair():
    cluster = tomllib.loads(imported(UNICAST, {"node1": "192.0.2.11", "node2": "192.0.2.12"}).toml)["cluster"]
    assert cluster["port"] == 6940
    assert [cluster[name] for name in ("keepalive", "warntime", "deadtime", "initdead")] == [
        "250ms",
        "1500ms",
        "3s",
        "30s",
    ]


@pytest.mark.parametrize("known", [{"node1": "192.0.2.11"}, {"node2": "192.0.2.12"}])
def test_one_known_address_leaves_the_other_ucast_address(known):
    nodes = tomllib.loads(imported(UNICAST, known).toml)["nodes"]
    assert nodes == [
        {"name": "node1", "addresses": ["192.0.2.11"]},
        {"name": "node2", "addresses": ["192.0.2.12"]},
    ]


def test_ucast_addresses_alone_do_not_tell_whose_they_are():
    found = read(UNICAST, "node1", {})
    assert any(
        "no address of node 'node2' is known: add a line 'ADDRESS node2' to /etc/hosts" in e for e in found.errors
    )


def test_two_nodes_with_one_address_are_refused():
    found = read(SHARED_FOLDER, "node1", {"node1": "127.0.1.1", "node2": "127.0.1.1"})
    assert any("node1, node2 have the same address 127.0.1.1" in e for e in found.errors)


def test_node_names_are_folded_and_fencing_is_mapped():
    found = imported(FENCED, host="Node1")
    assert [node["name"] for node in tomllib.loads(found.toml)["nodes"]] == ["node1", "node2"]
    assert 'params hostlist="node1 node2" pcmk_host_list="node1 node2"' in found.configuration
    assert "primitive fence-null stonith:null" in found.configuration
    assert "\tstonith-enabled=true\n" in found.configuration
    assert any("UNSAFE: stonith:null is for tests" in notice for notice in found.notices)


def test_a_cluster_with_a_cib_keeps_its_resources_there():
    found = imported(MANAGED)
    assert found.configuration == ""
    assert [node["name"] for node in tomllib.loads(found.toml)["nodes"]] == ["node1"]
    assert any("load its XML" in notice for notice in found.notices)


def test_every_line_of_ha_cf_is_honoured_or_named():
    found = imported(UNICAST, {"node1": "192.0.2.11", "node2": "192.0.2.12"})
    for name in ("use_logd", "logfacility", "udpport", "ucast", "ping_group", "deadping", "respawn", "apiauth"):
        line = next(n for n, text in enumerate((UNICAST.ha_cf or "").splitlines(), 1) if text.startswith(name))
        assert any(notice.startswith(f"ha.cf:{line}:") for notice in found.notices), name


def test_the_secrets_do_not_appear_anywhere():
    found = imported(SHARED_FOLDER)
    everything = found.toml + found.configuration + "".join(found.notices)
    assert "HI!@@@" not in everything
    assert "Hello!" not in everything


def test_with_errors_there_is_nothing_else():
    found = read(HeartbeatFiles(ha_cf=None, authkeys=None), "node1", ADDRESSES)
    assert (found.toml, found.configuration) == ("", "")
    assert len(found.errors) == 3


def test_three_nodes_are_no_two_node_cluster():
    files = msgspec.structs.replace(SHARED_FOLDER, ha_cf=f"{SHARED_FOLDER.ha_cf}node node3\n")
    found = imported(files, {**ADDRESSES, "node3": "10.211.55.47"})
    assert list(tomllib.loads(found.toml)["quorum"]) == ["ping"]


def test_a_stonith_host_line_for_one_host_keeps_the_device_off_the_others():
    found = small("stonith_host node1 external/ssh node2\nstonith_host node2 external/ssh node1\n")
    assert "location fence-ssh-not-on-node2 fence-ssh -inf: node2" in found.configuration
    assert "location fence-ssh-2-not-on-node1 fence-ssh-2 -inf: node1" in found.configuration


def test_the_last_applicable_stonith_host_line_wins():
    found = small("stonith_host * ssh node1\nstonith_host * meatware node1 node2\n")
    assert "stonith:ssh" not in found.configuration
    assert "primitive fence-meatware stonith:meatware" in found.configuration
    assert any("a later stonith_host line replaces this one" in notice for notice in found.notices)
