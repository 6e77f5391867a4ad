"""hashelld.toml of an imported cluster."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Final

from hashelld.cib.heartbeat.findings import Findings
from hashelld.cib.heartbeat.hacf import HaCf
from hashelld.cib.heartbeat.lexer import HA_CF
from hashelld.model.duration import format_duration


KEY_PATH: Final = "/etc/hashell/cluster.key"
PORT_DEFAULT: Final = 5409


def addresses_of(ha: HaCf, known: Mapping[str, str], findings: Findings) -> dict[str, str]:
    """Each node's address: as the resolver knows it, or the one `ucast` address that nobody else has."""
    found = {node: known[node] for node in ha.nodes if node in known}
    left = [address for address in ha.peers if address not in found.values()]
    unknown = [node for node in ha.nodes if node not in found]
    if len(unknown) == 1 and len(left) == 1 and ha.peers:
        found[unknown[0]] = left[0]
        findings.notice(HA_CF, f"{unknown[0]} has the address {left[0]}: the only ucast address that is left")
        unknown = []
    for node in unknown:
        findings.error(
            HA_CF,
            f"no address of node '{node}' is known: add a line 'ADDRESS {node}' to /etc/hosts and import again"
            " (heartbeat's media do not tell the nodes' addresses)",
        )
    for address in {a for a in found.values() if list(found.values()).count(a) > 1}:
        sharing = ", ".join(node for node, own in found.items() if own == address)
        findings.error(HA_CF, f"{sharing} have the same address {address}: mend /etc/hosts and import again")
    return {node: found[node] for node in ha.nodes if node in found}


def daemon_file_of(ha: HaCf, host: str, addresses: Mapping[str, str], findings: Findings) -> str:
    """The text of hashelld.toml for `host`; other nodes differ in [node] name only."""
    timers = ha.timers
    lines = [
        "# Imported from heartbeat's ha.cf.",
        "[node]",
        f"name = {_text(host)}  # on the other nodes, their name",
        "",
        "[cluster]",
        f"name = {_text(ha.cluster)}",
        f"key = {_text(KEY_PATH)}",
        f"port = {ha.port or PORT_DEFAULT}",
        f"keepalive = {_text(format_duration(timers.keepalive_ms))}",
        f"warntime = {_text(format_duration(timers.warntime_ms))}",
        f"deadtime = {_text(format_duration(timers.deadtime_ms))}",
        f"initdead = {_text(format_duration(timers.initdead_ms))}",
    ]
    for node, address in addresses.items():
        lines += ["", "[[nodes]]", f"name = {_text(node)}", f"addresses = [{_text(address)}]"]
    if len(addresses) == 2:
        lines += ["", "[quorum]", "two_node = true"]
    lines += _pings(ha, addresses, findings)
    return "".join(f"{line}\n" for line in lines)


def _pings(ha: HaCf, members: Mapping[str, str], findings: Findings) -> list[str]:
    """[quorum.ping]; a member of the cluster is none of them, or a node would ask itself."""
    own = set(members.values())
    for address in sorted(own.intersection({*ha.pings, *(a for group in ha.ping_groups.values() for a in group)})):
        findings.notice(HA_CF, f"{address} is a member of the cluster: it is not asked as a ping node")
    single = [address for address in ha.pings if address not in own]
    groups = {name: [a for a in addresses if a not in own] for name, addresses in ha.ping_groups.items()}
    groups = {name: addresses for name, addresses in groups.items() if addresses}
    if not single and not groups:
        return []
    lines = ["", "[quorum.ping]", f"addresses = {_list(single)}"]
    if ha.deadping_ms:
        lines.append(f"timeout = {_text(format_duration(ha.deadping_ms))}")
    if groups:
        lines += ["", "[quorum.ping.groups]", *(f"{_text(name)} = {_list(group)}" for name, group in groups.items())]
    return lines


def _list(values: Iterable[str]) -> str:
    return f"[{', '.join(map(_text, values))}]"


def _text(value: str) -> str:
    """A TOML basic string: the same escapes as JSON's."""
    return json.dumps(value, ensure_ascii=False)
