"""The texts of hashelld(8) and hashelld.toml(5)."""

from __future__ import annotations

from typing import Final

from hashell.generate import mdoc


_DAEMON: Final = """
hashelld runs on every node of a cluster. The daemons hear each other's heartbeats, agree on one configuration, and
decide together which node runs which resource; each starts, stops and monitors its own with resource agents. A node
that is lost is fenced before what it ran is started elsewhere.
"""
_COMMANDS: Final = (
    (
        "run [--config PATH] [--log FORM] [--level LEVEL]",
        "Run in the foreground and log to standard error. SIGTERM stops the node's resources and leaves the cluster."
        " SIGUSR1 has the key files read again: append a new key on every node, then make it the first line everywhere,"
        " then remove the old one, with the signal each time, and keys are rolled over while everything runs.",
    ),
    (
        "arbiter [--config PATH] [--log FORM] [--level LEVEL]",
        "The same on a third host that votes and runs no resources: its node has arbiter = true in the hashelld.toml "
        "of all. It keeps the log, and leads only while nobody else can; install the fence agents there, too. run does "
        "the same on such a node; arbiter refuses to run on any other.",
    ),
    ("keygen PATH", "Write a new cluster key, readable by its owner alone. Every node needs a copy of the same key."),
    ("check [PATH]", "Check a hashelld.toml and the keys that it names; every problem is told with its line."),
    (
        "unit [--config PATH]",
        "Print a service of systemd for this installation. hashell cluster start and cluster enable make it "
        "/etc/systemd/system/hashelld.service where there is none.",
    ),
)
_SERVICE: Final = """
As a service of systemd the daemon says when shells can ask it, before it has found its cluster. It is started again at
once when it dies: within restart_grace nothing is taken over, and resources run on. They are processes of the service,
and outlive it: its KillMode is process, and systemctl kill hashelld would reach them as well without --kill-whom=main.
systemctl reload hashelld has the key files read again, systemctl stop hashelld leaves the cluster. To run the service
in another way, use systemctl edit hashelld.
"""
_NODES: Final = """
hashelld.toml founds a cluster. From then on the cluster's log says who belongs to it, who has how many votes, and which
modes are on. A file that says something else is told by hashell status, and not followed; other timings alone keep a
daemon out. The addresses of the nodes come from the file only, and are read when the daemon starts: a node is heard by
those whose files name it, so while nodes are added or taken out the files may differ.

To add node3 to a running cluster: run cluster add node3=ADDRESS on every node, which names it in the file. Restart
the daemons one after another, in maintenance, so that resources go on running. Run cluster join TOKEN on node3 and
start its daemon; the token is printed by cluster token. Then run configure node node3. It votes once it has stored the
log. With the third vote two_node ends.

To take node3 out: cluster stop node3, or, when it is dead, have it fenced, or vouch for it by node fence node3
--confirm. Then run cluster remove node3, which deletes it from the configuration and takes out its vote. Take it out
of the files when it suits. Where two votes are left, cluster quorum set two_node on lets a survivor go on alone.

Votes and modes are changed by cluster quorum. When the quorum is gone for good, cluster quorum force-start on one of
the nodes that are left lets them go on alone: what only the others had stored is lost.
"""
_DAEMON_FILES: Final = (
    ("/etc/hashell/hashelld.toml", "The daemon's configuration."),
    ("/etc/hashell/cluster.key", "The cluster's key, mode 0600."),
    ("/var/lib/hashell", "The replicated log, promises and votes."),
    ("/run/hashell/hashelld.sock", "Where hashell talks to the daemon; for root and the group haclient."),
)
_EXIT: Final = (
    ("0", "Done, or left cleanly."),
    ("1", "Refused or failed."),
    ("2", "The command line is wrong."),
)
_FILE: Final = """
hashelld.toml is a TOML file. Every key has a default but the names and addresses of the nodes; an unknown key is an
error that is told with its line. Durations are written as 100ms, 10s or 2min. Relative paths count from the
file's directory. Votes and [quorum] found a cluster; a running one is changed by hashell, see hashelld(8).
"""
_TABLES: Final = (
    (
        "[node]",
        (
            ("name", "This node's name; the host's name by default. It must be among the nodes."),
            ("state", "Where the log is kept; /var/lib/hashell by default."),
            ("socket", "Where hashell connects; /run/hashell/hashelld.sock by default."),
            ("realtime", "Run with realtime priority and locked memory where the system allows it; true by default."),
        ),
    ),
    (
        "[cluster]",
        (
            ("name", "The cluster's name; clusters of different names do not hear each other."),
            (
                "key",
                "The file with the cluster's key, or a list of files: the first is active, all are accepted. "
                "/etc/hashell/cluster.key by default.",
            ),
            ("port", "TCP for messages and UDP for heartbeats; 5409 by default."),
            ("keepalive", "Time between two heartbeats; 100ms by default."),
            ("warntime", "Silence after which a late node is told of; 300ms by default."),
            ("deadtime", "Silence after which a node is lost; 600ms by default."),
            ("initdead", "How long nodes are waited for at the start; 10s by default."),
            (
                "restart_grace",
                "How long a daemon that ended on a node that lives is waited for before its node is lost.",
            ),
        ),
    ),
    (
        "[[nodes]]",
        (
            ("name", "The node's name."),
            ("addresses", "A list of IP addresses; more than one are redundant links."),
            ("port", "When it differs from the cluster's."),
            ("votes", "1 by default. A node with 0 runs resources and has no say in who goes on."),
            (
                "arbiter",
                "true on a node that votes and runs no resources, so that the votes of the others cannot tie: it has a "
                "vote where theirs are even. At most one; not with two_node or auto_tie_breaker. Nobody waits for it "
                "or fences it.",
            ),
        ),
    ),
    (
        "[quorum]",
        (
            (
                "two_node",
                "A cluster of two: quorum is both, and the survivor goes on alone after it has fenced its peer. "
                "A node that starts waits for its peer, unless it stood alone before; wait_for_all is always on here.",
            ),
            ("wait_for_all", "A node that starts takes no office before it has seen all others; false by default."),
            (
                "auto_tie_breaker",
                "lowest or highest (of the nodes' names), a node's name, or a list of names of which the first that "
                "votes counts: of two halves the one with this node goes on. Not with two_node.",
            ),
            (
                "last_man_standing",
                "Who is lost and confirmed off, or leaves, votes no more until it returns: the votes that are needed "
                "fall with the nodes that are there. Half of the votes lost at once are lost all the same, and from "
                "two to one only auto_tie_breaker or the quorum disk goes on. Not with two_node.",
            ),
            ("last_man_standing_window", "How long after a loss that happens; 10s by default."),
            (
                "takeover_delay",
                "Without fencing: how long survivors wait before they take over. auto computes the time in which those "
                "who were cut off have noticed it and stopped, or were ended by their watchdogs; it is the default, "
                "with two_node 0s is.",
            ),
        ),
    ),
    (
        "[watchdog]",
        (
            (
                "mode",
                "What ends this node with all that it runs when its daemon hangs, or does not get its resources "
                "stopped without quorum, or when no-quorum-policy is suicide or fence. device: a watchdog of the "
                "kernel; supervisor: a parent process of the daemon, which ends the daemon and every process that came "
                "of it (no addresses, mounts or units of systemd), and then itself with exit code 1; off. Without this "
                "table off, with it device. It is armed when a DC first counts the daemon in, and disarmed when the "
                "daemon has left.",
            ),
            ("device", "The kernel's watchdog; /dev/watchdog by default. Nothing else may hold it open."),
            (
                "timeout",
                "A daemon that was silent for so long is ended; 5s by default, at least twice deadtime, and whole "
                "seconds for a device. Equal on all nodes.",
            ),
            (
                "stop_budget",
                "A node without quorum has so long to stop everything before it is ended; 20s by default. Equal on all "
                "nodes: with takeover_delay = auto, or stonith-watchdog-timeout, the others wait for deadtime, two "
                "keepalives, this, timeout and a second.",
            ),
        ),
    ),
    (
        "[quorum.ping]",
        (
            (
                "addresses",
                "A list of IP addresses, of gateways for example, that answer to ICMP echo. A node that reaches none "
                "of them does not take over from a lost peer (two_node), and does not stand where the votes of the "
                "nodes that it hears are half or less; without quorum it does what no-quorum-policy says. They give no "
                "vote: two halves may both reach them. When the peer and they are lost together, nobody takes over by "
                "itself.",
            ),
            ("groups", "A table of names and lists of addresses: one of a list has to answer."),
            ("require", "So many of the addresses and groups have to answer; 1 by default."),
            ("interval", "Time between two requests, to tell of those that are silent; 1s by default."),
            ("timeout", "When it matters, silence for so long is a no; 1s by default."),
        ),
    ),
    (
        "[quorum.disk]",
        (
            (
                "path",
                "A block device or file that all nodes see, made with hashell cluster qdisk create. It has one vote "
                "while those of the nodes are even, so that of two halves the one that reaches it goes on. Which disk "
                "it is stands in the cluster's log from its founding on: another one at this path is told, not used. "
                "The order of [[nodes]] gives each its place there: add new nodes at the end. "
                "Not with two_node or auto_tie_breaker.",
            ),
            ("interval", "How often each node writes its place and reads the others; 1s by default."),
            (
                "tko",
                "8 by default: after tko - 2 intervals without a good round a DC has the disk's vote no more. A "
                "takeover_delay must not be shorter than that; auto has it counted in.",
            ),
        ),
    ),
    (
        "[agents]",
        (
            ("environment", "A table of variables that every agent gets."),
            ("ocf_root", "Where OCF agents are; /usr/lib/ocf by default."),
            (
                "secrets",
                "Where secrets are that parameters refer to as secret:NAME: one file each, mode 0600, on every node; "
                "/etc/hashell/secrets by default.",
            ),
        ),
    ),
)
_TIMERS: Final = """
Twice keepalive is less than warntime, warntime less than deadtime, and deadtime at most initdead; all nodes have the
same. By default a node that dies is known to be lost after 600ms. Loss is not death: a node that is told that its
heartbeats do not all arrive sends four times as many, so that the loss of 30% of all frames is borne.

Fast timers are for nodes with realtime priority on a quiet network: a loss is known after 250ms, and any pause of
250ms, be it of a switch or of a virtual machine, is one.
"""
_FAST: Final = ("[cluster]", 'keepalive = "50ms"', 'warntime = "150ms"', 'deadtime = "250ms"')
_EXAMPLE: Final = (
    "[cluster]",
    'name = "web"',
    "",
    "[[nodes]]",
    'name = "node1"',
    'addresses = ["192.0.2.1", "198.51.100.1"]',
    "",
    "[[nodes]]",
    'name = "node2"',
    'addresses = ["192.0.2.2", "198.51.100.2"]',
    "",
    "[quorum]",
    "two_node = true",
)


def daemon_page() -> str:
    """hashelld(8)."""
    body = [
        *mdoc.section("SYNOPSIS", ".Nm", ".Ar command", ".Op Ar argument ..."),
        *mdoc.section("DESCRIPTION", *mdoc.text(_DAEMON)),
        *mdoc.section("COMMANDS", *mdoc.items(_COMMANDS)),
        *mdoc.section("SERVICE", *mdoc.text(_SERVICE)),
        *mdoc.section("CHANGING THE NODES", *mdoc.text(_NODES)),
        *mdoc.section("FILES", *mdoc.items(_DAEMON_FILES)),
        *mdoc.section("EXIT STATUS", *mdoc.items(_EXIT)),
        *mdoc.section("SEE ALSO", ".Xr hashell 1 ,", ".Xr hashelld.toml 5"),
    ]
    return mdoc.page("HASHELLD", "8", "hashelld", "high-availability node daemon", body)


def file_page() -> str:
    """hashelld.toml(5)."""
    tables = [line for name, keys in _TABLES for line in (f".Ss {name}", *mdoc.items(keys))]
    body = [
        *mdoc.section("DESCRIPTION", *mdoc.text(_FILE)),
        *mdoc.section("KEYS", *tables),
        *mdoc.section("TIMERS", *mdoc.text(_TIMERS), *mdoc.example(_FAST)),
        *mdoc.section("EXAMPLES", *mdoc.example(_EXAMPLE)),
        *mdoc.section("SEE ALSO", ".Xr hashell 1 ,", ".Xr hashelld 8"),
    ]
    return mdoc.page("HASHELLD.TOML", "5", "hashelld.toml", "configuration of hashelld", body)
