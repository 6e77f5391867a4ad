"""What heartbeat refuses to start with is refused, with its words; and what only hashelld cannot use."""

from __future__ import annotations

import re

import pytest

from hashelld.cib.heartbeat import HeartbeatFiles, read
from tests.cib_heartbeat.clusters import ADDRESSES, SMALL_HA_CF, small


KEYS = "auth 1\n1 sha1 key\n"
GROUP = "node1 10.0.0.9\n"


def errors_of(ha_cf=SMALL_HA_CF, authkeys=KEYS, mode=0o600, haresources=GROUP):
    files = HeartbeatFiles(ha_cf=ha_cf, authkeys=authkeys, authkeys_mode=mode, haresources=haresources)
    return read(files, "node1", ADDRESSES).errors


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mode": 0o644}, r"Bad permissions on keyfile .* 600 recommended"),
        ({"authkeys": "auth 5\n1 sha1 key\n"}, r"Auth Key \[5\] not found in keyfile"),
        ({"authkeys": "auth 1\n1 crc key\n"}, r"Auth method \[crc\] doesn't use a key"),
        ({"authkeys": "auth 1\n1 sha1\n"}, r"Auth method \[sha1\] requires a key"),
        ({"authkeys": "auth 1\n1 rot13 key\n"}, r"Invalid authtype \[rot13\]"),
        ({"authkeys": "1 sha1 key\n"}, r"Missing auth directive in keyfile"),
        ({"haresources": None}, r"Cannot open resources file"),
        ({"haresources": "nodeX 10.0.0.9\n"}, r"Bad nodename in .*haresources \[nodeX\]"),
        ({"ha_cf": SMALL_HA_CF + "frobnicate 1\n"}, r"Illegal directive \[frobnicate\] in"),
        ({"ha_cf": "node node1\nauto_failback on\n"}, r"No heartbeat media defined"),
        ({"ha_cf": "bcast eth0\nnode node2\n"}, r"Current node \[node1\] not in configuration!"),
        (
            {"ha_cf": SMALL_HA_CF + "deadtime 1\nkeepalive 500ms\n"},
            r"Dead time \[1000\] is too small compared to keeplive \[500\]",
        ),
        (
            {"ha_cf": SMALL_HA_CF + "deadtime 4\ninitdead 2\n"},
            r"Initial dead time \[2000\] is smaller than deadtime \[4000\]",
        ),
        (
            {"ha_cf": SMALL_HA_CF + "autojoin any\n"},
            r"R1 style resource management conflicts with  autojoin set",
        ),
        ({"ha_cf": SMALL_HA_CF + "deadtime 4h\n"}, r"Heartbeat not started: configuration error."),
        ({"ha_cf": None}, r"Cannot open config file"),
    ],
)
def test_heartbeat_s_own_refusals(change, message):
    assert re.search(message, "\n".join(errors_of(**change)))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("", r"Deprecated 'legacy' auto_failback option selected\."),
        ("nice_failback on\n", r"nice_failback on has been strictly interpreted as 'auto_failback legacy'"),
    ],
)
def test_heartbeat_s_own_warnings_are_notices(lines, message):
    files = HeartbeatFiles(ha_cf=f"bcast eth0\nnode node1 node2\n{lines}", authkeys=KEYS, haresources=GROUP)
    found = read(files, "node1", ADDRESSES)
    assert found.errors == ()
    assert re.search(message, "\n".join(found.notices))


@pytest.mark.parametrize(
    ("value", "stickiness"), [("on", "0"), ("yes", "0"), ("legacy", "0"), ("off", "INFINITY"), ("0", "INFINITY")]
)
def test_auto_failback(value, stickiness):
    files = HeartbeatFiles(
        ha_cf=f"bcast eth0\nnode node1 node2\nauto_failback {value}\n", authkeys=KEYS, haresources=GROUP
    )
    assert f"resource-stickiness={stickiness}\n" in read(files, "node1", ADDRESSES).configuration


def test_nice_failback_is_what_was_meant_by_it():
    files = HeartbeatFiles(ha_cf="bcast eth0\nnode node1 node2\nnice_failback on\n", authkeys=KEYS, haresources=GROUP)
    assert "resource-stickiness=INFINITY\n" in read(files, "node1", ADDRESSES).configuration


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("deadtme 10", "ha.cf:4: Illegal directive [deadtme] in ha.cf; did you mean 'deadtime'?"),
        ("Keepalive 1", "did you mean 'keepalive'?"),
        ("keepalive", "ha.cf:4: keepalive has no value"),
        ("keepalive 0", "keepalive must be more than 0"),
        ("deadtime 1m", "deadtime '1m' is no time"),
        ("deadtime -1", "deadtime '-1' is no time"),
        ("deadtime 4ms\nkeepalive 1ms", "is less than 50ms"),
        ("deadping 1", "Ping dead time [1000] is too small"),
        ("udpport http", "udpport 'http' is no port"),
        ("udpport 70000", "udpport '70000' is no port"),
        ("use_logd maybe", "use_logd 'maybe' is no boolean"),
        ("auto_failback sometimes", "auto_failback 'sometimes' is unknown"),
        ("autojoin all", "autojoin 'all' is unknown"),
        ("crm perhaps", "'perhaps' is no mode of crm"),
        ("crm off\npacemaker off", "pacemaker may be given once only"),
        ("ucast eth0", "write ucast INTERFACE ADDRESS"),
        ("ucast eth0 node2", "write ucast INTERFACE ADDRESS"),
        ("ping_group gateways", "ping_group names no address to ping"),
        ("ping gateway", "ping 'gateway' is no IP address"),
        ("node 1st", "'1st' cannot be a node's name"),
        ("stonith external/ipmi /etc/ha.d/ipmi.conf", "write them into a line 'stonith_host * TYPE PARAMETERS'"),
        ("stonith_host *", "write stonith_host HOST TYPE PARAMETERS"),
        ("stonith_host node7 ssh node1", "stonith_host names 'node7'"),
        ("stonith_host * vacuum 1", "the stonith device 'vacuum' have no known names"),
        ("stonith_host * apcmaster 10.0.0.2 admin", "apcmaster lacks parameters: password"),
        ("stonith_host * wti_nps 10.0.0.2 secret more", "wti_nps takes 2 parameters"),
    ],
)
def test_unusable_lines_of_ha_cf(line, message):
    assert message in "\n".join(small(f"{line}\n").errors)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "Cannot open keyfile"),
        ("auth one\n1 sha1 key\n", "authkeys:1: the auth line must be 'auth NUMBER'"),
        ("auth 1\nsha1 key\n", "authkeys:2: is no key line"),
        ("auth 1\n1 sha1 a\n1 md5 b\n", "authkeys:3: key 1 is there twice"),
        ("auth 16\n16 sha1 a\n", "key number 16 is more than 15"),
    ],
)
def test_unusable_authkeys(text, message):
    assert message in "\n".join(small(authkeys=text).errors)


@pytest.mark.parametrize(
    "text", ["auth 0\n0 crc\n", "\n# keys\nauth 1\n1 sha1 two words\n", "auth 2\n1 crc\n2 md5 HI!@\n"]
)
def test_usable_authkeys(text):
    assert small(authkeys=text).errors == ()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("node1", "haresources:1: names no resource"),
        ("node1 10.0.0.9\nnode2 10.0.0.9 httpd", "haresources:2: begins with 10.0.0.9, as line 1 does"),
        ("node1 10.0.0.999", "'10.0.0.999' is no IP address"),
        ("node1 10.0.0.9/33", "'33' is no netmask"),
        ("node1 10.0.0.9/24/eth0/10.0.0.255/more", "has too many parts"),
        ("node1 10.0.0.9/24/eth0/10.0.0.256", "'10.0.0.256' is no broadcast address"),
        ("node1 IPaddr", "IPaddr takes one argument"),
        ("node1 OCF::Dummy", "OCF takes two arguments"),
        ("node1 Delay::1::2::3::4", "Delay takes at most 3 arguments"),
        ("node1 ::arg", "is no resource"),
        ("node1 /etc/init.d/httpd", "is no resource"),
    ],
)
def test_unusable_haresources(line, message):
    assert message in "\n".join(small(haresources=f"{line}\n").errors)
