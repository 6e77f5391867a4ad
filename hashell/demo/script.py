"""`hashell demo --script failover`: a service moves by hand and by failure; a client that keeps asking times it."""

from __future__ import annotations

import time
from typing import Final

import msgspec

from hashell.commands.changes import with_attribute
from hashell.commands.observed import report
from hashell.demo.cluster import SETTLE_S, Watcher, configuration
from hashell.demo.nodes import ADDRESS, NAMES, DemoCluster
from hashell.demo.polling import Move, Poller
from hashell.errors import TimedOut
from hashell.views.narration import Narrator
from hashelld.model.ids import NodeId


FIRST, SECOND, THIRD = NAMES
OTHERS: Final = frozenset({SECOND, THIRD})


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What the script measured, in milliseconds as the client saw it."""

    founded_ms: int
    started_ms: int
    standby_gap_ms: int
    online_gap_ms: int
    failover_gap_ms: int
    requests: int
    total_ms: int


def play_failover(cluster: DemoCluster, tell: Narrator) -> Measured:
    """Run the script. Raises `TimedOut` or `Refused` when something does not happen."""
    begun = time.monotonic()
    founded_ms = _found(cluster, tell)
    with Watcher(cluster, cluster.nodes[1]) as watcher, Poller(ADDRESS, cluster.web_port) as poller:
        started_ms = _configure(cluster, watcher, poller, tell)
        standby = _standby(watcher, poller, tell, value="on")
        online = _standby(watcher, poller, tell, value=None)
        failover = _kill(cluster, watcher, poller, tell)
        asked = poller.asked
    measured = Measured(
        founded_ms=founded_ms,
        started_ms=started_ms,
        standby_gap_ms=standby.gap_ms,
        online_gap_ms=online.gap_ms,
        failover_gap_ms=failover.gap_ms,
        requests=asked,
        total_ms=_since(begun),
    )
    tell.heading("What the client saw")
    tell.text(
        f"standby     no answer for {measured.standby_gap_ms:>5} ms\n"
        f"online      no answer for {measured.online_gap_ms:>5} ms\n"
        f"node killed no answer for {measured.failover_gap_ms:>5} ms (600 ms of it to be sure that the node is gone)\n"
        f"It asked {asked} times.",
        indent="  ",
    )
    return measured


def _since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)


def _found(cluster: DemoCluster, tell: Narrator) -> int:
    begun = time.monotonic()
    tell.heading("Three daemons on this machine")
    cluster.start()
    tell.event(f"hashelld of {', '.join(NAMES)} started; everything of theirs is in {cluster.folder}")
    with Watcher(cluster, cluster.nodes[1]) as watcher:
        status = watcher.wait_founded()
    took = _since(begun)
    tell.event(f"they are a cluster: {status.quorum.reason}, DC is {status.dc}", f"{took} ms")
    return took


def _configure(cluster: DemoCluster, watcher: Watcher, poller: Poller, tell: Narrator) -> int:
    tell.heading("A web server and a group, in crmsh's language")
    text = configuration(cluster.web_port)
    tell.text(text.removesuffix("\n"), indent="    ")
    begun = time.monotonic()
    watcher.configure(text)
    tell.event("committed: a quorum has it on disk", f"{_since(begun)} ms")
    seen = poller.wait_for(frozenset({FIRST}), SETTLE_S)
    if seen is None:
        raise TimedOut(f"The web server does not answer from {FIRST} within {SETTLE_S:g} s.")
    took = round((seen.at - begun) * 1000)
    tell.event(f"{cluster.url} answers from {seen.node}, which it prefers", f"{took} ms after the commit was sent")
    watcher.wait_idle()
    return took


def _standby(watcher: Watcher, poller: Poller, tell: Narrator, *, value: str | None) -> Move:
    verb = "online" if value is None else "standby"
    tell.heading(f"hashell node {verb} {FIRST}")
    applied = watcher.session.applied()
    watcher.session.commit(with_attribute(applied.cib, FIRST, "standby", value))
    move = _moved(poller, frozenset({FIRST}) if value is None else OTHERS, f"node {verb}")
    told = "moved back to" if value is None else "moved to"
    tell.event(f"web {told} {move.after.node}; the client had no answer for", f"{move.gap_ms} ms")
    watcher.wait_idle()
    return move


def _kill(cluster: DemoCluster, watcher: Watcher, poller: Poller, tell: Narrator) -> Move:
    status = watcher.session.status()
    office = " (it is the DC, too)" if status.dc == FIRST else ""
    tell.heading(f"kill -9: all of {FIRST}{office}")
    count = cluster.kill(cluster.nodes[0])
    tell.event(f"{count} processes of {FIRST} are gone, its daemon and its web server among them")
    move = _moved(poller, OTHERS, "the failover")
    tell.event(f"web answers from {move.after.node}; the client had no answer for", f"{move.gap_ms} ms")
    watcher.wait_idle()
    tell.heading("hashell status")
    watcher.session.forget()
    tell.outcome(report(watcher.session))
    return move


def _moved(poller: Poller, to: frozenset[NodeId], what: str) -> Move:
    seen = poller.wait_for(to, SETTLE_S)
    move = poller.last_move()
    if seen is None or move is None:
        raise TimedOut(f"After {what}, the web server does not answer within {SETTLE_S:g} s.")
    return move
