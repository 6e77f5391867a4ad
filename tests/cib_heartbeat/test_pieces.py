"""Times, addresses, timers and resource words, one by one."""

from __future__ import annotations

import tomllib

import pytest

from hashelld.cib.heartbeat.lexer import parse_boolean, parse_time, statements_of
from tests.cib_heartbeat.clusters import small


@pytest.mark.parametrize(
    ("text", "span_ms"),
    [("2", 2000), ("1.7", 1700), ("1500ms", 1500), ("2000000us", 2000), (".5", 500), ("2.", 2000), ("0", 0)],
)
def test_times(text, span_ms):
    assert parse_time(text) == span_ms


@pytest.mark.parametrize("text", ["", "4h", "10s", "1m", "ms", "1 s", "-1", "1e3", "five"])
def test_what_is_no_time(text):
    assert parse_time(text) is None


@pytest.mark.parametrize(("text", "value"), [("On", True), ("Y", True), ("1", True), ("NO", False), ("2", None)])
def test_booleans(text, value):
    assert parse_boolean(text) is value


def test_comments_commas_and_whole_lines():
    found = statements_of("  node a,b c # d\n#node e\n\nucast eth0,x 1\r\n")
    assert [(s.name, s.values, s.line) for s in found] == [("node", ("a", "b", "c"), 1), ("ucast", ("eth0,x", "1"), 4)]


def cluster_of(lines):
    found = small(lines)
    assert found.errors == ()
    return tomllib.loads(found.toml)["cluster"], found.notices


@pytest.mark.parametrize(
    ("lines", "initdead"),
    [("deadtime 30", "30s"), ("deadtime 5", "12s"), ("deadtime 8", "16s"), ("deadtime 10\ninitdead 10", "10s")],
)
def test_initdead_follows_deadtime(lines, initdead):
    assert cluster_of(lines)[0]["initdead"] == initdead


def test_the_last_of_several_values_counts():
    assert cluster_of("deadtime 10 20")[0]["deadtime"] == "20s"


@pytest.mark.parametrize(
    ("lines", "keepalive", "warntime"),
    [
        ("keepalive 2\ndeadtime 5", "2s", "4500ms"),
        ("keepalive 1\nwarntime 60\ndeadtime 10", "1s", "6s"),
        ("keepalive 2000ms\ndeadtime 4001ms", "1s", "3s"),
        ("keepalive 1ms\ndeadtime 50ms", "10ms", "35ms"),
    ],
)
def test_timers_are_made_to_fit_with_a_notice(lines, keepalive, warntime):
    cluster, notices = cluster_of(f"{lines}\n")
    assert (cluster["keepalive"], cluster["warntime"]) == (keepalive, warntime)
    assert any("hashelld wants 2 * keepalive < warntime < deadtime" in notice for notice in notices)


def primitive_of(word):
    found = small(haresources=f"node1 {word}\n")
    assert found.errors == ()
    return next(
        line for line in found.configuration.replace(" \\\n\t", " ").splitlines() if line.startswith("primitive")
    )


@pytest.mark.parametrize(
    ("word", "begin"),
    [
        ("10.0.0.9", "primitive ip-10.0.0.9 IPaddr2 params ip=10.0.0.9 op"),
        (
            "10.0.0.9/24/10.0.0.255",
            "primitive ip-10.0.0.9 IPaddr2 params ip=10.0.0.9 cidr_netmask=24 broadcast",
        ),
        (
            "10.0.0.9/255.255.255.0/eth0",
            "primitive ip-10.0.0.9 IPaddr2 params ip=10.0.0.9 cidr_netmask=24 nic=eth0",
        ),
        ("IPaddr::10.0.0.9/24", "primitive ip-10.0.0.9 IPaddr2 params ip=10.0.0.9 cidr_netmask=24"),
        (
            "IPv6addr::2001:db8:0:0:0:0:0:9/64/eth0",
            'primitive ip-2001-db8--9 IPaddr2 params ip="2001:db8::9" cidr_netmask=64 nic=eth0 op',
        ),
        ("httpd", "primitive httpd lsb:httpd op"),
        ("drbddisk::r0", "primitive drbddisk heartbeat:drbddisk params 1=r0"),
        (
            "Filesystem::/dev/sda1::/srv",
            'primitive Filesystem Filesystem params device="/dev/sda1" directory="/srv" op',
        ),
        (
            "MailTo::root@example.org::moved",
            'primitive MailTo MailTo params email="root@example.org" subject=moved',
        ),
        ("OCF::Dummy::d1", "primitive d1 Dummy op"),
    ],
)
def test_resource_words(word, begin):
    assert primitive_of(word).startswith(begin)


def test_ids_are_unique_and_legal():
    text = small(haresources="node1 httpd 10.0.0.9\nnode2 10.0.0.8 httpd my+app\n").configuration
    assert "group group2 ip-10.0.0.8 httpd-2 my-app\n" in text
