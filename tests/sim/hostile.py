"""A member that holds the cluster's key and says what is wrong: nobody else may come to harm by it.

Its daemon runs as any other's; only what leaves it is spoiled, and it repeats what it overheard. It does not lie about
what only it can know: that it stored an entry, to whom it gave its vote, what its own agents did. Nobody could tell
that from the truth, and whoever has the key of a cluster is trusted so far (DESIGN.md 3.2). What it says passes the
codec, as it would on the wire; what the codec refuses counts as dropped there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from hashelld.model.history import ActionResult, NodeStatus
from hashelld.model.ids import NO_VERSION, Epoch, NodeId, ResourceId, Version
from hashelld.wire.client import Done
from hashelld.wire.codec import ProtocolError, decode_beat, decode_envelope, encode_beat, encode_envelope
from hashelld.wire.peer import (
    Append,
    Appended,
    Beat,
    Body,
    Envelope,
    Forwarded,
    Handover,
    Join,
    JoinRequest,
    LeaveGranted,
    OrderResult,
    Picture,
    PreVoteAnswer,
    Refusal,
    ResultHeard,
    Status,
    Vote,
    VoteAnswer,
)


if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sim.world import SimWorld

LIES: Final = 0.05
"""So many of its messages become another one."""
FALSE_BEATS: Final = 0.02
ECHOES_MS: Final = (1, 20_000)
"""When it repeats what it overheard."""
OVERHEARD_MAX: Final = 400
HUGE: Final = (10**3, 2**31, 2**40, 2**61, 2**62, 2**63 - 1, 2**64 - 1, -1)


class Hostile:
    """Spoils what one machine sends, until it is told to stop."""

    def __init__(self, world: SimWorld, name: NodeId) -> None:
        self._world = world
        self._random = world.timeline.random
        self.name = name
        self.is_on = True
        self.refused = self.said = 0
        """Lies that the codec refused, and those that were sent."""
        self._overheard: list[Envelope] = []
        self._lies: tuple[Callable[[Envelope], Body], ...] = (
            lambda _: OrderResult(self._random.randint(10**6, 2**31), self._result()),
            lambda _: ResultHeard(self._random.randint(0, 60)),
            lambda _: VoteAnswer(self._number(), granted=True, promised=self._number()),
            lambda _: PreVoteAnswer(self._number(), granted=True, promised=self._number()),
            lambda _: Vote(self._number(), NO_VERSION),
            lambda _: Refusal("older epoch"),
            lambda _: Refusal("not joined"),
            lambda _: Appended(self._version(), matches=True),
            lambda _: Appended(self._version(), matches=False),
            lambda _: Append(self._version(), "x" * 32, (), self._version()),
            lambda _: JoinRequest(),
            lambda _: Handover(),
            lambda _: LeaveGranted(is_running=self._random.random() < 0.5),
            lambda _: Picture(b"\xc1\xff", b"\x00"),
            lambda _: Forwarded(self._random.randint(0, 60), Done("never asked")),
            self._report_of_another,
        )
        world.checkers.excused.add(name)
        world.network.tongues[name] = self.say
        world.network.ears.append(self._overhear)

    def stop(self) -> None:
        """From now on it says what it should."""
        self.is_on = False
        self._world.network.tongues.pop(self.name, None)

    def _overhear(self, envelope: Envelope) -> None:
        if self.is_on:
            self._overheard.append(envelope)
            del self._overheard[:-OVERHEARD_MAX]

    # -- messages

    def say(self, envelope: Envelope) -> list[Envelope]:
        """What it sends instead, or beside."""
        if self._random.random() < LIES and self._overheard:
            self._world.timeline.after(self._world.timeline.between(*ECHOES_MS), self._repeat)
        if self._random.random() >= LIES:
            return [envelope]
        lie = self._with_another_epoch(envelope) if self._random.random() < 0.4 else self._with_another_body(envelope)
        passed = self._passed(lie)
        return [envelope] if passed is None else [passed]

    def _repeat(self) -> None:
        """Something overheard, whoever said it to whom."""
        if self.is_on and self._overheard:
            self._world.network.travel(self._random.choice(self._overheard))

    def _passed(self, lie: Envelope) -> Envelope | None:
        try:
            passed = decode_envelope(encode_envelope(lie))
        except (ProtocolError, OverflowError):
            self.refused += 1
            return None
        self.said += 1
        self._world.timeline.record(self.name, f"lies {type(passed.body).__name__}", passed)
        return passed

    def _with_another_epoch(self, envelope: Envelope) -> Envelope:
        """Of an older epoch, of one that is not its own, or of one that nobody heard of."""
        own = envelope.epoch
        number = self._random.choice((own.number - 1, own.number - 3, own.number, own.number + 1, self._number()))
        others = self._world.peers_of(self.name)
        return replace(envelope, epoch=Epoch(number, self._random.choice(others)))

    def _with_another_body(self, envelope: Envelope) -> Envelope:
        body = self._random.choice(self._lies)(envelope)
        if envelope.epoch.node != self.name or not isinstance(body, Append | JoinRequest | Picture):
            return replace(envelope, body=body)
        return envelope  # In its own office it is the DC.

    def _number(self) -> int:
        return self._random.choice((*HUGE, self._random.randint(0, 30)))

    def _version(self) -> Version:
        return Version(Epoch(self._random.randint(0, 30), self.name), self._number())

    @staticmethod
    def _result() -> ActionResult:
        return ActionResult(resource=ResourceId("alpha"), operation="stop", call=1)

    def _report_of_another(self, envelope: Envelope) -> Body:
        """Nothing runs there, it says, on a node that is not it."""
        others = [name for name in self._world.peers_of(self.name) if name != envelope.receiver]
        status = NodeStatus(node=self._random.choice(others or [envelope.receiver]), serial=2**40)
        return self._random.choice((Status(status), Join(status)))

    # -- beats

    def beat(self, beat: Beat) -> Beat:
        """What its beat says instead."""
        if not self.is_on or beat.sender != self.name or self._random.random() >= FALSE_BEATS:
            return beat
        content = beat.content
        number = self._number()
        false = self._random.choice(
            (
                replace(content, promised=Epoch(number, self._random.choice(self._world.names))),
                replace(content, hears=self._world.names),
                replace(content, hears=()),
                replace(content, is_quorate_dc=not content.is_quorate_dc),
            )
        )
        try:
            return decode_beat(encode_beat(replace(beat, content=false)))
        except (ProtocolError, OverflowError):
            self.refused += 1
            return beat
