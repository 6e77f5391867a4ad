"""What the demo asks of its cluster, through the same client as every shell: configure it, and wait until it is so."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from hashell.client.zmq import ZmqClient
from hashell.commands.waiting import settle
from hashell.demo.nodes import ADDRESS, DemoCluster, DemoNode
from hashell.errors import TimedOut, Unreachable
from hashell.session import Session
from hashelld.cib.edit import Put
from hashelld.cib.lang.lower import read_cib
from hashelld.wire.client import StatusIs


POLL_S: Final = 0.02
START_S: Final = 20.0
SETTLE_S: Final = 20.0


def configuration(web_port: int) -> str:
    """What the demo's cluster runs, in the configure language."""
    return (
        "property stonith-enabled=false\n"
        "rsc_defaults resource-stickiness=10\n"
        f"primitive web ocf:hashell:WebServer params address={ADDRESS} port={web_port} "
        "op monitor interval=2s timeout=10s\n"
        "primitive cache ocf:hashell:Dummy op monitor interval=10s timeout=10s\n"
        "primitive queue ocf:hashell:Dummy op monitor interval=10s timeout=10s\n"
        "group apps cache queue\n"
        "location web-prefers-node1 web 100: node1\n"
    )


class Watcher:
    """One shell's view of the demo's cluster, through the daemon of one node."""

    __slots__ = ("_cluster", "_node", "session")

    def __init__(self, cluster: DemoCluster, node: DemoNode) -> None:
        self._cluster = cluster
        self._node = node
        self.session = Session(ZmqClient(node.socket))
        self.session.command_line = "hashell demo"

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, *_failure: object) -> None:
        self.session.client.close()

    def wait_until(self, what: str, is_so: Callable[[StatusIs], bool], timeout_s: float) -> StatusIs:
        """The first status for which `is_so` holds; `TimedOut` tells what was waited for."""
        deadline = time.monotonic() + timeout_s
        while True:
            status = self._status()
            if status is not None and is_so(status):
                return status
            self._cluster.check_alive([self._node])
            if time.monotonic() >= deadline:
                raise TimedOut(f"The demo waited {timeout_s:g} s in vain: {what}.")
            time.sleep(POLL_S)

    def wait_founded(self) -> StatusIs:
        """The cluster has a quorum and a DC, and every node has joined it."""

        def is_founded(status: StatusIs) -> bool:
            online = [view for view in status.nodes if view.online]
            return status.quorum.has_quorum and status.dc is not None and len(online) == len(self._cluster.nodes)

        return self.wait_until("three nodes that form a cluster", is_founded, START_S)

    def wait_idle(self) -> StatusIs:
        """Everything is carried out, and nothing is under way."""
        return settle(self.session, timeout_ms=int(SETTLE_S * 1000))

    def configure(self, text: str) -> None:
        """Commit a configuration, keeping the nodes that are in the document."""
        cib, diagnostics = read_cib(text)
        assert not diagnostics, "the demo's own configuration is sound"
        self.session.commit(tuple(Put(found) for found in cib.objects))

    def _status(self) -> StatusIs | None:
        """None while the daemon is not up yet."""
        self.session.forget()
        try:
            return self.session.status()
        except Unreachable:
            self.session.client.close()
            return None
