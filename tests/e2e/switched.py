"""Hosts whose cables end in a switch of ours, which loses, delays and spoils frames; power is cut by another way.

Each link of the hosts is a switch of its own (node1 is 10.211.55.45 on the first, 10.211.56.45 on the second); the
client and the gateway are behind the first one's port `outside`. What controls power is reached by a bridge.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from tests.e2e.frames import CLEAR, Way
from tests.e2e.frameswitch import FrameSwitch
from tests.e2e.netns import NET, Host, Network, ip


OUTSIDE = "outside"
LINK_NETS = (NET, "10.211.56")
POWER_NET = "10.211.57"
POWER_BRIDGE = "power"


class SwitchedNetwork(Network):
    """The hosts, the client, and a switch for each link; a context manager that removes all of them."""

    def __init__(self, folder: Path, names: tuple[str, ...], seed: int = 1, links: int = 1) -> None:
        super().__init__(folder, names)
        self.power_net, self.power_bridge = POWER_NET, POWER_BRIDGE
        self.links = tuple(FrameSwitch(seed + number) for number in range(links))
        self._stack = ExitStack()

    @property
    def frames(self) -> FrameSwitch:
        """The switch of the first link."""
        return self.links[0]

    def _build(self) -> None:
        for link in self.links:
            self._stack.enter_context(link)
        super()._build()
        self.frames.plug(OUTSIDE, self.switch, OUTSIDE)
        ip(self.switch, f"link set {OUTSIDE} master br0 up")
        ip(self.switch, f"link add {POWER_BRIDGE} type bridge forward_delay 0 mcast_snooping 0")
        ip(self.switch, f"link set {POWER_BRIDGE} up")
        for number, host in enumerate(self.hosts.values(), start=1):
            ip(self.switch, f"link add power{number} type veth peer power netns {host.namespace}")
            ip(self.switch, f"link set power{number} master {POWER_BRIDGE} up")
            ip(host.namespace, "link set power up")
            ip(host.namespace, f"address add {POWER_NET}.{44 + number}/24 dev power")

    def _remove(self) -> None:
        try:
            super()._remove()
        finally:
            self._stack.close()

    def plug(self, host: Host) -> None:
        """Give a host that boots an interface for each link; `eth0` gets its address from the host."""
        for number, link in enumerate(self.links):
            link.plug(host.name, host.namespace, f"eth{number}")
        for number, address in enumerate(self.addresses(host)[1:], start=1):
            ip(host.namespace, f"link set eth{number} up")
            ip(host.namespace, f"address add {address}/24 dev eth{number}")

    def addresses(self, host: Host) -> list[str]:
        """Of a host, on each link."""
        last = host.address.rpartition(".")[2]
        return [f"{net}.{last}" for net, _ in zip(LINK_NETS, self.links, strict=False)]

    def wire_of(self, host: Host) -> tuple[str, str]:
        return host.namespace, "eth0"

    def set_way_between(self, way: Way, *names: str, link: int = 0) -> None:
        """What happens from now on to frames between any two of these (all hosts, if none is named), both ways."""
        ends = names or tuple(self.hosts)
        self.links[link].set_ways({(one, other): way for one in ends for other in ends if one != other})

    def _set_cut(self, *, is_cut: bool) -> float:
        self.set_way_between(Way(is_cut=True) if is_cut else CLEAR)
        return super()._set_cut(is_cut=is_cut)

    def apply_cut(self, host: Host) -> None:
        """Done for all pairs at once; a host that boots finds its ways as they are."""
