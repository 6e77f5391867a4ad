"""What hashelld.toml says of arbiters: the node that only votes, and [quorum.ping], who is asked when votes are few."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import msgspec

from hashelld.core.settings import PingSettings
from hashelld.model.address import is_address
from hashelld.model.ids import Millis


TABLE: Final = "quorum.ping"
INTERVAL_MS_MIN: Final = 100
TARGETS_MAX: Final = 32

Tell = Callable[[str, int, str, str], None]
"""A problem: its table, which of several, its key, and what it is."""
ReadDuration = Callable[[str, str, str], Millis]
"""Table, key and text of a duration; one that is none was told of."""


class PingTable(msgspec.Struct):
    """The keys of the table."""

    addresses: list[str] = []
    groups: dict[str, list[str]] = {}
    require: int = 1
    interval: str = "1s"
    timeout: str = "1s"


_EXCLUDED: Final = {
    "two_node": "with an arbiter two nodes have three votes, and either one is a majority with it: leave two_node out",
    "auto_tie_breaker": "with an arbiter the votes cannot tie: leave auto_tie_breaker out",
}


def check_arbiter(marked: list[tuple[int, int]], nodes: int, modes: Mapping[str, bool], tell: Tell) -> None:
    """At most one node is `arbiter = true`: (which [[nodes]] it is, its votes), beside others, without these modes."""
    for at, _ in marked[1:]:
        tell("nodes", at, "arbiter", "another node is the arbiter already: there is at most one")
    for at, votes in marked:
        if votes != 1:
            tell("nodes", at, "votes", "an arbiter has one vote, where those of the others are even: leave votes out")
        if nodes == len(marked):
            tell("nodes", at, "arbiter", "an arbiter runs nothing: name the nodes that do")
    for mode, is_on in modes.items():
        if is_on and marked:
            tell("quorum", 0, mode, f"{mode} and an arbiter exclude each other: {_EXCLUDED[mode]}")


def ping_settings(table: PingTable, members: Mapping[str, str], tell: Tell, duration: ReadDuration) -> PingSettings:
    """What the table says; `members` are the addresses of the cluster's own nodes, with their names."""
    targets: dict[str, tuple[str, ...]] = {address: (address,) for address in table.addresses}
    for name, addresses in table.groups.items():
        if not name or name in targets or not addresses:
            tell(
                TABLE,
                0,
                "groups",
                f"the group '{name}' needs a name of its own and addresses, of which one has to answer",
            )
        targets[name] = tuple(addresses)
    for text in _problems(table, members):
        tell(TABLE, 0, "groups" if table.groups and not table.addresses else "addresses", text)
    if not 1 <= table.require <= max(1, len(targets)):
        tell(TABLE, 0, "require", f"'require' is {table.require}; there are {len(targets)} ping nodes and groups")
    interval_ms, timeout_ms = (duration(TABLE, key, getattr(table, key)) for key in ("interval", "timeout"))
    if 0 < interval_ms < INTERVAL_MS_MIN:
        tell(TABLE, 0, "interval", f"'interval' is shorter than {INTERVAL_MS_MIN}ms")
    return PingSettings(
        targets=targets,
        require=table.require,
        interval_ms=max(1, interval_ms),
        timeout_ms=max(1, timeout_ms),
    )


def _problems(table: PingTable, members: Mapping[str, str]) -> Iterator[str]:
    addresses = [*table.addresses, *(address for group in table.groups.values() for address in group)]
    if not addresses:
        yield "no address to ping: name gateways or other machines that the nodes reach as their clients do"
    if len(addresses) > TARGETS_MAX:
        yield f"{len(addresses)} addresses; at most {TARGETS_MAX} are asked"
    for address in dict.fromkeys(addresses):
        if not is_address(address):
            yield f"'{address}' is no IP address (names would make the cluster depend on DNS)"
        elif address in members:
            yield f"{address} is node {members[address]}: a ping node is no member of the cluster"
        elif any(group.count(address) > 1 for group in (table.addresses, *table.groups.values())):
            yield f"{address} is there twice"
