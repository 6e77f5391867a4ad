"""Every event that the daemon logs: its name, its level and one line of meaning (the man page's MESSAGES)."""

from __future__ import annotations

from typing import Final

from hashelld.core.effects import Level


MESSAGES: Final[dict[str, tuple[Level, str]]] = {
    "node.started": (Level.INFO, "the daemon is up, in this incarnation"),
    "node.gap": (Level.WARNING, "the loop did not turn for longer than deadtime: office and orders were dropped"),
    "node.leaving": (Level.INFO, "SIGTERM: resources are moved away, then the daemon leaves"),
    "node.left": (Level.INFO, "the daemon left the cluster cleanly"),
    "node.store-failed": (Level.ERROR, "the disk failed: this node leaves the cluster"),
    "peer.alive": (Level.INFO, "a peer is heard"),
    "peer.suspect": (Level.WARNING, "a peer was silent for warntime"),
    "peer.silent": (Level.WARNING, "a peer's daemon is away, its host answers"),
    "peer.lost": (Level.WARNING, "a peer was silent for deadtime"),
    "peer.restarted": (Level.INFO, "a peer's daemon is a new incarnation"),
    "peer.forgetful": (Level.WARNING, "a peer's store is empty or older than it was: it may not vote"),
    "peer.refused": (Level.DEBUG, "a message was refused: stale, repeated, or for another incarnation"),
    "peer.differs": (Level.ERROR, "a peer's hashelld.toml differs (nodes, votes or timings): it cannot join"),
    "election.standing": (Level.INFO, "this node stands for DC"),
    "election.voted": (Level.INFO, "this node gave its vote"),
    "dc.elected": (Level.INFO, "this node is DC"),
    "dc.ended": (Level.WARNING, "this node is no longer DC"),
    "arbiter.handed-over": (Level.INFO, "another node has the whole log by now: the arbiter gives it the office"),
    "dc.heard": (Level.INFO, "a DC with a quorum is heard"),
    "dc.missed": (Level.WARNING, "no DC with a quorum is heard"),
    "quorum.lost": (Level.ERROR, "no quorum: no-quorum-policy is applied"),
    "lifeline.armed": (Level.INFO, "the watchdog runs: a daemon that hangs ends this node"),
    "disk.problem": (Level.WARNING, "the quorum disk has no vote here: it does not answer, or is not the cluster's"),
    "disk.answers": (Level.INFO, "the quorum disk answers again"),
    "disk.bid": (Level.INFO, "this node asks for the quorum disk's vote"),
    "disk.granted": (Level.INFO, "the quorum disk votes for this node"),
    "disk.refused": (Level.WARNING, "the quorum disk does not vote for this node: it promised, or vouched, otherwise"),
    "disk.forgetful": (Level.WARNING, "the quorum disk remembers more of this node than its store: it may not vote"),
    "claim.begun": (Level.WARNING, "the peer is lost: this node claims to stand alone"),
    "claim.confirmed": (Level.WARNING, "the peer is off: this node stands alone"),
    "claim.failed": (Level.ERROR, "the peer could not be fenced: resources are frozen"),
    "claim.unqualified": (Level.ERROR, "the peer is lost and ping nodes do not answer: this node does not claim"),
    "log.founded": (Level.INFO, "a new cluster was founded"),
    "log.history-lost": (Level.ERROR, "acknowledged entries that the DC lacks were set aside"),
    "log.fault": (Level.ERROR, "equal versions with different digests"),
    "log.electorate": (Level.INFO, "the electorate is another"),
    "request.done": (Level.INFO, "somebody had this done"),
    "request.refused": (Level.WARNING, "somebody asked for what access rights do not permit"),
    "commit.acknowledged": (Level.INFO, "a commit is on disk with a quorum"),
    "join.asked": (Level.DEBUG, "the DC asks a node to join"),
    "join.done": (Level.INFO, "a node joined this DC's epoch"),
    "plan.made": (Level.INFO, "a transition was planned"),
    "plan.done": (Level.INFO, "a transition is complete"),
    "plan.aborted": (Level.INFO, "a transition was given up: its input changed, or an action failed"),
    "action.ordered": (Level.DEBUG, "an action was ordered"),
    "action.failed": (Level.WARNING, "an action failed"),
    "action.refused": (Level.ERROR, "no daemon can do it (unfencing, remote nodes): what waits for it waits"),
    "fence.requested": (Level.WARNING, "a node is to be fenced"),
    "fence.done": (Level.WARNING, "a node is confirmed off"),
    "fence.failed": (Level.ERROR, "fencing failed"),
    "fence.handed-over": (Level.WARNING, "others hear the lost node: the office goes to one of them"),
}
"""Names used by the composed node; lrm, stonith and io add theirs with a level of their own."""
