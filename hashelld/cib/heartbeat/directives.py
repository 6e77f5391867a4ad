"""Every directive of ha.cf, and what the importer says of those that hashelld does in another way or not at all."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final


_UNICAST: Final = "beats go by UDP unicast between the nodes' addresses; the medium itself is not imported"
_LOGS: Final = "hashelld logs to standard error (the journal under systemd); set up log files there"
_SCHEDULING: Final = "hashelld takes real-time priority and locks its memory where the system allows it"
_WIRE: Final = "belongs to heartbeat's own protocol; hashelld has none of it"
_CRM: Final = "belongs to the daemons of heartbeat 2; hashelld does this in one process"

HONOURED: Final = frozenset(
    {"node", "keepalive", "warntime", "deadtime", "initdead", "udpport", "auto_failback", "cluster"}
)
"""Their values appear in hashelld.toml or the configuration, without further words."""

EXPLAINED: Final = frozenset(
    {"ucast", "ucast6", "ping", "ping_group", "nice_failback", "stonith", "stonith_host", "pacemaker", "crm"}
    | {"autojoin", "deadping"}
)
"""Mapped by code that says by itself what it did."""

ACCEPTED: Final = MappingProxyType(
    {
        "bcast": _UNICAST,
        "udp": _UNICAST,
        "mcast": _UNICAST,
        "mcast6": _UNICAST,
        "serial": "there is no serial medium; use a second address of each node as a redundant link",
        "baud": "there is no serial medium; the line is dropped",
        "tipc": _WIRE,
        "rds": _WIRE,
        "hbaping": "is no medium that hashelld knows; the line is dropped",
        "logfile": _LOGS,
        "debugfile": _LOGS,
        "logfacility": _LOGS,
        "use_logd": _LOGS,
        "conn_logd_time": _LOGS,
        "syslogmsgfmt": _LOGS,
        "debug": "the level of detail is chosen with hashelld's own options",
        "respawn": "supervised clients are not started; ipfail's part is named under [quorum.ping]",
        "failfast": "supervised clients are not started; let systemd supervise the program",
        "apiauth": "who may do what is decided by the system user at the daemon's socket",
        "watchdog": "the watchdog is not armed by the import; without fencing it is worth setting up",
        "compression": "messages are small and are not compressed",
        "compression_threshold": "messages are small and are not compressed",
        "traditional_compression": "messages are small and are not compressed",
        "hbgenmethod": "every start of hashelld has a number and a random part; there is no generation file",
        "uuidfrom": "nodes are known by their names; there are no uuids",
        "realtime": _SCHEDULING,
        "rtprio": _SCHEDULING,
        "memreserve": _SCHEDULING,
        "coredumps": "core dumps follow the system's settings",
        "coreroot": "core dumps follow the system's settings",
        "msgfmt": _WIRE,
        "hopfudge": _WIRE,
        "max_rexmit_delay": _WIRE,
        "log_badpack": "datagrams that do not authenticate are counted and reported always",
        "quorum_server": "there is no quorum server; a third node, or a node without resources, is the better vote",
        "env": "agents get variables from [agents] environment of hashelld.toml; add them there",
        "use_apphbd": "there is no application heartbeat daemon; monitors of resources do its work",
        "crm_daemon_dir": _CRM,
        "crmd_spawns_pengine": _CRM,
        "record_config_changes": "every change is recorded in the history always",
        "record_pengine_inputs": _CRM,
        "enable_config_writes": "the configuration is written to disk always",
        "normalpoll": "has had no effect for a long time; the line is dropped",
    }
)
"""Accepted without effect, with what takes the directive's place."""

BOOLEANS: Final = frozenset(
    {"use_logd", "syslogmsgfmt", "nice_failback", "traditional_compression", "realtime", "coredumps", "log_badpack"}
    | {"use_apphbd", "crmd_spawns_pengine", "record_config_changes", "record_pengine_inputs", "enable_config_writes"}
    | {"normalpoll"}
)
"""Directives whose value must be a boolean."""

TIMES: Final = ("keepalive", "warntime", "deadtime", "initdead", "deadping", "conn_logd_time")
"""Directives whose value must be a time."""

MEDIA: Final = frozenset({"bcast", "udp", "mcast", "mcast6", "ucast", "ucast6", "serial", "tipc", "rds", "hbaping"})
"""At least one of these must be there."""

KNOWN: Final = HONOURED | EXPLAINED | frozenset(ACCEPTED)
