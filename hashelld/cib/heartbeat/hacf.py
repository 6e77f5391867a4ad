"""ha.cf: its statements read into facts, with heartbeat's own start-up checks and their texts."""

from __future__ import annotations

from typing import Final

import msgspec

from hashelld.cib.heartbeat.directives import ACCEPTED, BOOLEANS, KNOWN, MEDIA, TIMES
from hashelld.cib.heartbeat.findings import Findings
from hashelld.cib.heartbeat.lexer import HA_CF, Statement, parse_boolean, parse_time, statements_of
from hashelld.cib.heartbeat.timers import Timers, timers_of
from hashelld.cib.lang.diagnostic import suggest
from hashelld.model.address import is_address
from hashelld.model.ids import is_id


NODES_MAX: Final = 100
PORT_MAX: Final = 65_535
CLUSTER_DEFAULT: Final = "linux-ha"
_CRM_MODES: Final = frozenset({"on", "respawn", "manual", "minimal", "ccm-only", "valgrind"})
_AUTOJOIN: Final = ("none", "other", "any")


class FenceLine(msgspec.Struct, frozen=True):
    """One `stonith_host HOST TYPE params…`; host is `*` for every node."""

    host: str
    type: str
    values: tuple[str, ...]
    where: str


class HaCf(msgspec.Struct, frozen=True, kw_only=True):
    """What ha.cf says, in hashell's words."""

    nodes: tuple[str, ...]
    timers: Timers
    port: int | None
    cluster: str
    returns_home: bool
    """auto_failback: resources go back to the node that their line of haresources names."""
    is_crm: bool
    """Resources are kept in a CIB: haresources is not read."""
    peers: tuple[str, ...]
    """Addresses of `ucast` lines; which is whose, the file does not say."""
    pings: tuple[str, ...]
    """Ping nodes."""
    ping_groups: dict[str, tuple[str, ...]]
    """Of each one address has to answer."""
    deadping_ms: int | None
    fencing: tuple[FenceLine, ...]


class _Reading:
    """The statements of one file, asked by name."""

    __slots__ = ("findings", "statements")

    def __init__(self, statements: tuple[Statement, ...], findings: Findings) -> None:
        self.statements = statements
        self.findings = findings

    def named(self, *names: str) -> tuple[Statement, ...]:
        return tuple(s for s in self.statements if s.name in names)

    def values(self, *names: str) -> list[tuple[str, str]]:
        """(value, where) of every value of these directives, in order."""
        return [(value, statement.where) for statement in self.named(*names) for value in statement.values]

    def last(self, *names: str) -> tuple[str, str] | None:
        """The value in effect: each one replaces the one before."""
        return next(reversed(self.values(*names)), None)


def read_ha_cf(text: str, host: str, findings: Findings) -> HaCf:
    """The facts of ha.cf; with errors in `findings` they are only good for finding more errors."""
    reading = _Reading(statements_of(text), findings)
    _check_names(reading)
    _check_booleans(reading)
    if not reading.named(*MEDIA):
        findings.error(HA_CF, "No heartbeat media defined; add a bcast, mcast or ucast line")
    for statement in reading.named(*ACCEPTED):
        findings.notice(statement.where, f"{statement.name}: {ACCEPTED[statement.name]}")
    is_crm = _is_crm(reading)
    nodes = _nodes(reading, host, is_crm=is_crm)
    cluster = reading.last("cluster")
    pings, groups = _pings(reading)
    return HaCf(
        nodes=nodes,
        timers=timers_of({name: _time(reading, name) for name in TIMES}, findings),
        port=_port(reading),
        cluster=cluster[0] if cluster else CLUSTER_DEFAULT,
        returns_home=is_crm or _returns_home(reading),
        is_crm=is_crm,
        peers=_peers(reading),
        pings=pings,
        ping_groups=groups,
        deadping_ms=_deadping(reading),
        fencing=_fencing(reading, nodes),
    )


def _check_names(reading: _Reading) -> None:
    for statement in reading.statements:
        if statement.name not in KNOWN:
            hint = suggest(statement.name.lower(), KNOWN) or "remove the line or mend its first word"
            reading.findings.error(statement.where, f"Illegal directive [{statement.name}] in {HA_CF}; {hint}")
        elif not statement.values:
            reading.findings.error(statement.where, f"{statement.name} has no value")


def _check_booleans(reading: _Reading) -> None:
    for statement in reading.named(*BOOLEANS):
        for value in statement.values:
            if parse_boolean(value) is None:
                reading.findings.error(statement.where, f"{statement.name} '{value}' is no boolean; write on or off")


def _time(reading: _Reading, name: str) -> int | None:
    last: int | None = None
    for value, where in reading.values(name):
        last = parse_time(value)
        if last is None:
            reading.findings.error(
                where, f"{name} '{value}' is no time; write seconds (2, 1.7) or a number with ms or us (1500ms)"
            )
    return last


def _port(reading: _Reading) -> int | None:
    last = reading.last("udpport")
    if last is None:
        return None
    value, where = last
    if not (value.isascii() and value.isdigit() and 0 < int(value) <= PORT_MAX):
        reading.findings.error(where, f"udpport '{value}' is no port; write a number from 1 to {PORT_MAX}")
        return None
    reading.findings.notice(where, f"port {value} is used for UDP (beats) and for TCP (messages)")
    return int(value)


def _is_crm(reading: _Reading) -> bool:
    statements = reading.named("pacemaker", "crm")
    for extra in statements[1:]:
        reading.findings.error(extra.where, f"{extra.name} may be given once only; remove one of the lines")
    last = reading.last("pacemaker", "crm")
    if last is None:
        return False
    value, where = last
    boolean = parse_boolean(value)
    if boolean is None and value.lower() not in _CRM_MODES:
        reading.findings.error(where, f"'{value}' is no mode of {statements[0].name}; write off, on or respawn")
    return boolean is not False


def _nodes(reading: _Reading, host: str, *, is_crm: bool) -> tuple[str, ...]:
    findings = reading.findings
    nodes: dict[str, str] = {}
    for value, where in reading.values("node"):
        name = value.lower()
        if name in nodes:
            findings.notice(where, f"node {name} is named twice")
        elif not is_id(name):
            findings.error(where, f"'{value}' cannot be a node's name; use letters, digits, '-', '_' and '.'")
        nodes.setdefault(name, where)
    if len(nodes) > NODES_MAX:
        findings.error(HA_CF, f"{len(nodes)} nodes are too many; at most {NODES_MAX} can be members")
    is_open = _is_open(reading, is_crm=is_crm)
    here = host.lower()
    if here not in nodes and is_open:
        nodes[here] = HA_CF
    elif here not in nodes:
        findings.error(
            HA_CF, f"Current node [{here}] not in configuration! Import on a member, or add a line 'node {here}'"
        )
    return tuple(nodes)


def _is_open(reading: _Reading, *, is_crm: bool) -> bool:
    """autojoin any: nodes need no `node` line; whoever has the key is a member."""
    last = reading.last("autojoin")
    if last is None:
        return False
    value, where = last
    if value.lower() not in _AUTOJOIN:
        reading.findings.error(where, f"autojoin '{value}' is unknown; write none, other or any")
        return False
    if value.lower() == "none":
        return False
    if not is_crm:
        reading.findings.error(where, "R1 style resource management conflicts with  autojoin set; write autojoin none")
        return False
    reading.findings.notice(where, "nodes do not join by themselves: add the other members to [[nodes]] and [quorum]")
    return value.lower() == "any"


def _returns_home(reading: _Reading) -> bool:
    findings = reading.findings
    last = reading.last("auto_failback")
    nice = reading.last("nice_failback")
    if last is None and nice is not None:
        is_nice = parse_boolean(nice[0]) is True
        findings.notice(
            nice[1],
            f"nice_failback {nice[0]} has been strictly interpreted as 'auto_failback legacy' by heartbeat 3.0.6;"
            f" here it is what was meant by it: {'auto_failback off' if is_nice else 'auto_failback on'}",
        )
        return not is_nice
    value, where = last or ("legacy", HA_CF)
    if value.lower() == "legacy":
        findings.notice(
            where, "Deprecated 'legacy' auto_failback option selected. Resources return home, as with auto_failback on"
        )
        return True
    boolean = parse_boolean(value)
    if boolean is None:
        findings.error(where, f"auto_failback '{value}' is unknown; write on, off or legacy")
    return boolean is not False


def _peers(reading: _Reading) -> tuple[str, ...]:
    addresses = []
    for statement in reading.named("ucast", "ucast6"):
        if len(statement.values) != 2 or not is_address(statement.values[-1].partition("%")[0]):
            reading.findings.error(statement.where, f"write {statement.name} INTERFACE ADDRESS")
            continue
        addresses.append(statement.values[1])
        reading.findings.notice(statement.where, "beats go by UDP unicast from the address that the route chooses")
    return tuple(dict.fromkeys(addresses))


def _pings(reading: _Reading) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Ping nodes, and the members of each ping group; an address is asked as one of them once."""
    single: list[str] = []
    groups: dict[str, tuple[str, ...]] = {}
    for statement in reading.named("ping", "ping_group"):
        is_group = statement.name == "ping_group"
        given = statement.values[1:] if is_group else statement.values
        for address in given:
            if not is_address(address):
                reading.findings.error(
                    statement.where, f"{statement.name} '{address}' is no IP address; write the address"
                )
        if not given:
            reading.findings.error(statement.where, f"{statement.name} names no address to ping")
        elif is_group:
            groups[statement.values[0]] = tuple(dict.fromkeys(given))
        else:
            single.extend(given)
        reading.findings.notice(
            statement.where,
            f"{statement.name} becomes [quorum.ping]: who reaches none of them does not take over from a lost peer;"
            " they give no vote, and nothing moves away from a node that loses them",
        )
    grouped = {address for addresses in groups.values() for address in addresses}
    return tuple(address for address in dict.fromkeys(single) if address not in grouped), groups


def _deadping(reading: _Reading) -> int | None:
    for statement in reading.named("deadping"):
        text = "deadping becomes the timeout of [quorum.ping]: a node that lost its peer waits so long for an answer"
        reading.findings.notice(statement.where, text)
    last = reading.last("deadping")
    return parse_time(last[0]) if last is not None else None


def _fencing(reading: _Reading, nodes: tuple[str, ...]) -> tuple[FenceLine, ...]:
    found = []
    for statement in reading.named("stonith", "stonith_host"):
        if statement.name == "stonith":
            reading.findings.error(
                statement.where,
                "the parameters of 'stonith TYPE FILE' are in another file;"
                " write them into a line 'stonith_host * TYPE PARAMETERS' and import again",
            )
            continue
        if len(statement.values) < 2:
            reading.findings.error(statement.where, "write stonith_host HOST TYPE PARAMETERS, or * for every host")
            continue
        host = statement.values[0].lower()
        if host not in ("*", *nodes):
            reading.findings.error(statement.where, f"stonith_host names '{host}', which no 'node' line does")
        found.append(FenceLine(host, statement.values[1], statement.values[2:], statement.where))
    return tuple(found)
