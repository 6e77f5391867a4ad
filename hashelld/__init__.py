"""hashelld: a small node daemon; the daemons of two to sixteen machines are a high-availability cluster.

**Layers.** `model`, `cib`, `wire`, `policy` and `agents` are pure values and functions. `core` is made of state
machines without any IO: time, random numbers and messages are arguments, effects are results. `io` is the only place
with sockets, processes, disk, clock and randomness. The shell (`hashell`) uses `model`, `cib`, `wire` and `policy`;
nothing here knows the shell. The table of allowed imports is a test (tests/tidy).

**One loop.** Everything that happens becomes an event in one bounded queue. `core.node.Node.step(now, event)` returns
effects, and `io.runtime` carries them out in order. What follows a `Persist` is held back (`core.outbox`) until the
store's own thread reports that it is on disk; the loop itself never waits for a disk. Two things overtake: agents,
which only ever act on what is acknowledged or joined already, and pulses, which promise nothing. Beats are sent and
heard by a thread of their own (`io.beats`), so that a long computation never makes a healthy node look dead; what they
bring is heard between any two events, before time judges anybody. A loop that has taken no event for `deadtime`
silences them, so that a stuck node does not look healthy either. The simulator
(tests/sim) runs the same `Node`s in virtual time, with the same `core.beating` and `core.outbox`.

**Presence** (`core.membership`). A peer is heard while its beats arrive and echo recent beats of ours: what lay in a
socket while this node slept proves nothing, and a one-way link is no link. Silence for `deadtime` makes a node lost.
Loss of frames is no silence: who is told that beats of it are missed sends more of them, and messages of a peer whose
beats are seen to be lost may stand still for longer.
Where its host answers that no daemon listens, it gets `restart_grace`: a supervisor may bring the daemon back to
resources that still run.

**Messages** travel over ZeroMQ with CURVE. Each names both incarnations, the sender's epoch, a sequence number and
the newest beat of the receiver; `core.peers` refuses what is stale, repeated, of an older epoch, or meant for another
incarnation. Orders, results, joins and leaves are repeated until they are answered, and carried out once.

**One DC per epoch** (`core.election`). An epoch is a number and the node that may lead in it. Pre-votes keep a
returning node from disturbing; a vote is on disk before it leaves. Who votes is an `Electorate`, a value in the log;
while a newer one is not known to be acknowledged, a quorum of it and of the one before are needed (`core.quorum`).
Commands change it (`core.reform`, `core.electorates`), nodes that are configured and stored the log are added, deleted
ones are taken out (`core.office`); who was never added is neither missed nor ordered. By the operator's word those who
are left go on alone (`core.force`). A node whose store is empty, was set aside, or is older than its peers remember
neither votes nor counts until it was removed from the electorate and added again.

**The CIB** (`core.log`, `core.replication`). One document, changed by commits; the log's entries are commits,
electorates, departures, confirmations that a node is off, what became of its ways through fabric devices, and the
barrier with which every DC begins. An entry is acknowledged when a quorum has it on disk and it is of the DC's own
epoch; only what is acknowledged is applied, shown or planned with. Every entry carries the digests of its predecessor
and of the document after it.

**Office** (`core.dc`: `office`, `controller`, `commits`). A new DC knows nothing but what joins report. To join is to
promise the epoch on disk, to drop orders not yet begun, and to report what is active and in flight. Nothing is started
before every other configured node joined, left cleanly, or is confirmed off (or cut off from just that). Then
`policy.plan(view)` gives a transition, a graph of actions; the controller orders what is ready, gives the transition
up when its input changes, and plans again. An order without an answer is pending, never "not run". A DC that does not
hear a quorum, or hears of a higher epoch, steps down; one that would fence a node which others hear hands over
instead.

**Two nodes** (`core.claim`). Quorum is both. A node that loses its peer freezes, makes sure that the peer is off (a
fencing device, a clean leave, the administrator's word; without fencing only `takeover_delay`, and status says
UNSAFE), and stands alone with an electorate of itself. Only a node in sync may claim. A peer that returns is added
again once it has the log.

**Arbiters.** Ping nodes (`core.pinging`, `io.pinging`) qualify and never vote: who reaches none of them does not
claim, and does not stand with half of the nodes' votes or less. What was answered before the question came up does not
count, and a DC is not asked again. The network arbiter (`core.arbiter`) is a node that votes and runs nothing: no plan
sees it, nobody waits for it or fences it; it stands last, and gives its office to the first that has the whole log.

**The quorum disk** (`core.disk_vote`, `wire.sector`, `io.qdisk`) has one vote while those of the nodes are even. It is
a voter with a memory and no log: each node writes its own sector, and then reads the others'. A candidate that needs
it bids with its number, a DC that needs it has it vouch for what it stored, and holds the vote from round to round; of
two that write, at least one sees the other. Nobody older than what is vouched for gets the vote.

**Shells** (`core.clients`, `core.requests`). Who asks is what the kernel says of the connection. Every request has one
permission and passes one check (`core.rights`), on the node that is asked and on the one that carries it out; every
answer goes back one way, on which what its user may not read is taken out (`core.shown`). Rights are Pacemaker's roles
(`cib.rights`), judged on the elements that configuration and state are in XML; a commit is judged edit by edit where it
is ordered. Who had what done is an entry of the log, or (for transient attributes) a note.

**Without quorum** (`core.retreat`) a node applies `no-quorum-policy` by itself, with the policy engine's own order of
stops. Where it has a watchdog (`core.lifeline`), others may count on it that after a fixed time nothing of it is left:
the time is counted from the last moment at which a DC said that it hears the node, and the watchdog (`io.watchdog`,
`io.supervisor`) ends whoever is late, hangs, or cannot stop; `core.self_fencing` waits for that where there is no
device. A graceful end is a handshake: resources move away, the departure is an entry of the log, then the daemon ends.
A departure says that nothing runs there: in maintenance, a daemon ends without one and finds its resources again. That
a node which was off is back is an entry, too (`core.returns`), before anything is ordered there: all who heard it may
end.

**Resources** (`core.lrm`, `agents`). One agent at a time for each resource, in a process group of its own, noted on
disk before it is executed: a daemon that starts ends what an earlier incarnation left in flight, joins, and is probed;
resources keep running meanwhile. Agents find Pacemaker's commands (`crm_attribute` and the like) as programs of the
daemon (`agents.shims`); what they set travels in the node's status. `core.stonith` walks fencing devices, delays and
retries, and asks before every call whether this node still has the right to. `core.measures` is what the DC does with
a node that it does not order to do it, on two levels: it fences the node, or has a fabric device cut it off from
single resources (`fencing-device`). Who was cut off is looked at before it calls its devices to get access again: the
log says so first (`core.paths`), and from then on nobody counts on the cut.
"""

__version__ = "0.1.0"
