"""Holds back what follows a `Persist` until the store reports it done; the world's only ordering rule."""

from __future__ import annotations

from collections import deque

from hashelld.core.effects import (
    Arm,
    DiskRound,
    Effect,
    Exit,
    KillAgent,
    Note,
    Persist,
    Ping,
    RunAgent,
    SelfFence,
    Send,
    SetBeat,
)
from hashelld.wire.peer import Pulse


class Outbox:
    """A queue of effects with barriers. Feed it what `Node.step` returned; carry out what it gives back.

    A `Persist` itself is given back at once (it has to be written); everything fed after it waits for
    `on_persisted`. Several may be under way: the store does them in order.
    """

    def __init__(self) -> None:
        self._held: deque[Effect] = deque()
        self._waiting: deque[int] = deque()
        self._is_broken = False

    def feed(self, effects: list[Effect]) -> list[Effect]:
        """Effects that may be carried out now."""
        free = [effect for effect in effects if _is_free(effect)]
        self._held.extend(effect for effect in effects if not _is_free(effect))
        return free + self._drain()

    def on_persisted(self, token: int) -> list[Effect]:
        """The store has written this token; what waited for it alone is let out."""
        assert self._waiting, "the store reported a write that nobody asked for"
        assert self._waiting[0] == token, "the store reports in order"
        self._waiting.popleft()
        return self._drain()

    def on_store_failed(self) -> list[Effect]:
        """Nothing will be stored any more: messages that promise something are dropped, agents still run.

        Beats that waited would tell of what is not on disk; those that are fed from here on do not.
        """
        self._is_broken = True
        self._held = deque(effect for effect in self._held if not isinstance(effect, SetBeat))
        self._waiting.clear()
        return self._drain()

    def _drain(self) -> list[Effect]:
        ready: list[Effect] = []
        while self._held and not self._waiting:
            effect = self._held.popleft()
            if self._is_broken and not isinstance(effect, RunAgent | KillAgent | Ping | Note | Exit | SetBeat):
                continue
            ready.append(effect)
            if isinstance(effect, Persist):
                self._waiting.append(effect.token)
        return ready


def _is_free(effect: Effect) -> bool:
    """Does it depend on nothing that is still being written?

    Agents do not wait: a start or a fencing that was right when it was asked for may be wrong when a slow disk is done.
    What ends this node waits for nothing, and a request for an echo promises nothing.
    """
    if isinstance(effect, RunAgent | KillAgent | DiskRound | Ping | Arm | SelfFence):
        return True
    return isinstance(effect, Send) and isinstance(effect.envelope.body, Pulse)
