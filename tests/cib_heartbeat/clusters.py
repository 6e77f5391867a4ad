"""Heartbeat clusters as their administrators wrote them, and one way to read them with a change."""

from __future__ import annotations

from collections.abc import Mapping

from hashelld.cib.heartbeat import HeartbeatFiles, Imported, read


ADDRESSES = {"node1": "10.211.55.45", "node2": "10.211.55.46"}

SHARED_FOLDER = HeartbeatFiles(
    ha_cf="""\
# two web servers, one floating address
logfile /var/log/ha-log
mcast eth0 225.0.12.1 694 1 0
ping 10.211.55.1
compression     bz2
compression_threshold 2
node node1 node2
auto_failback on
""",
    authkeys="auth 2\n1 crc\n2 sha1 HI!@@@\n3 md5 Hello!\n",
    haresources="node1 10.211.55.24/24/eth0/10.211.55.255 httpd\n",
)

UNICAST = HeartbeatFiles(
    ha_cf="""\
use_logd off
logfacility local3
keepalive 250ms
warntime 1500ms
deadtime 3
initdead 30
udpport 6940
ucast eth0 192.0.2.11
ucast eth0 192.0.2.12
auto_failback off
node node1,node2
ping_group gws 192.0.2.1 192.0.2.2
deadping 5
respawn hacluster /usr/libexec/heartbeat/ipfail
apiauth ipfail gid=haclient uid=hacluster
""",
    authkeys="# rolled over\nauth 2\n1 md5 old-secret\n2 sha1 s3cond.key\n",
    haresources="""\
# two groups
node1 Delay::1::0 \\
      192.0.2.21/24/eth0 httpd
node2 192.0.2.22/24/eth0/192.0.2.255 Filesystem::/dev/vg0/ldap::/srv/ldap::ext4::noatime OCF::Dummy::d1
""",
)

FENCED = HeartbeatFiles(
    ha_cf="""\
debugfile /dev/null
bcast eth0
keepalive 1
deadtime 8
auto_failback on
node Node1 NODE2
stonith_host * null node1 node2
realtime no
""",
    authkeys="auth 1\n1 crc\n",
    haresources="NODE1 10.0.0.9\n",
)

MANAGED = HeartbeatFiles(
    ha_cf="logfacility daemon\nmcast eth0 239.1.2.3 694 1 0\nautojoin any\ncrm respawn\n",
    authkeys="auth 1\n1 sha1 crm-key\n",
)

SMALL_HA_CF = "bcast eth0\nauto_failback on\nnode node1 node2\n"


def imported(files: HeartbeatFiles, addresses: Mapping[str, str] = ADDRESSES, host: str = "node1") -> Imported:
    """Read files of which everything is expected to be right."""
    found = read(files, host, addresses)
    assert found.errors == ()
    return found


def small(
    ha_cf: str = "", authkeys: str | None = "auth 1\n1 sha1 key\n", mode: int = 0o600, haresources: str | None = ""
) -> Imported:
    """Read a small legal cluster with lines added to ha.cf, or with other files."""
    files = HeartbeatFiles(ha_cf=SMALL_HA_CF + ha_cf, authkeys=authkeys, authkeys_mode=mode, haresources=haresources)
    return read(files, "node1", ADDRESSES)
