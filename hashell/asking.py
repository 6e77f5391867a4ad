"""Asking for a change while the cluster has no DC for a moment: what was not done for sure is asked for again.

An election takes a moment, and on a busy machine a few seconds; nobody should have to repeat a command by hand for
it. An unknown outcome is never repeated: it is asked what became of it, and what stays unknown is told as that.
"""

from __future__ import annotations

import sys
import time
from typing import Final

from hashell.client.port import Client
from hashell.errors import TimedOut, Unreachable
from hashelld.wire import client as wire


LIMIT_S: Final = 10.0
REST_S: Final = 0.2
CHANGES: Final = (wire.MakeCommit, wire.Cleanup, wire.FenceNode, wire.SetAttribute)
NOT_DONE: Final = frozenset({"no-quorum", "no-dc", "busy"})
"""Refusals that say that nothing was stored, and that it may be otherwise soon."""


class Patience:
    """How long is waited for a DC, and how that is told: a line on the terminal's standard error, taken away again."""

    __slots__ = ("_width", "limit_s")

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        self.limit_s = limit_s
        self._width = 0

    def now(self) -> float:
        """Seconds that only grow."""
        return time.monotonic()

    def rest(self) -> None:
        """A pause before it is asked again."""
        time.sleep(REST_S)

    def tell(self, text: str) -> None:
        """What is waited for; nothing where there is no terminal."""
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{text:<{self._width}}")
            sys.stderr.flush()
            self._width = len(text)

    def end(self) -> None:
        """Take the line away."""
        if self._width:
            sys.stderr.write(f"\r{'':<{self._width}}\r")
            sys.stderr.flush()
            self._width = 0


def ask(client: Client, request: wire.Request, timeout_ms: int, patience: Patience) -> wire.Answer:
    """The answer; a change that was not made for want of a DC is asked for again until there is one, or it takes long.

    The request is the same each time, and a commit has its id: it can be made once only.
    """
    answer = client.ask(request, timeout_ms)
    if not isinstance(request, CHANGES) or not _is_not_done(answer):
        return answer
    ends = patience.now() + patience.limit_s
    try:
        while _is_not_done(answer) and patience.now() < ends:
            patience.tell("waiting for a DC with a quorum; nothing was changed yet")
            patience.rest()
            if _is_led(client.ask(wire.GetStatus())):
                answer = client.ask(request, timeout_ms)
    finally:
        patience.end()
    return answer


def outcome_of(client: Client, commit_id: str, lost: TimedOut, patience: Patience) -> wire.Committed:
    """What became of a commit whose answer was lost; `TimedOut` where that stays unknown.

    It is asked for until there is a DC again whose office has begun here, too: what was stored is acknowledged then.
    """
    ends = patience.now() + patience.limit_s
    is_settled = False
    try:
        while True:
            try:
                answer = client.ask(wire.AskCommit(commit_id))
                if isinstance(answer, wire.Committed):
                    return answer
                if is_settled or patience.now() >= ends:
                    break
                is_settled = _is_settled(client.ask(wire.GetStatus()))
            except (Unreachable, TimedOut):
                if patience.now() >= ends:
                    break
            patience.tell("waiting for a DC that knows what became of the commit")
            patience.rest()
    finally:
        patience.end()
    raise TimedOut(f"{lost} Whether the commit {commit_id} was made is unknown.") from lost


def _is_not_done(answer: wire.Answer) -> bool:
    return isinstance(answer, wire.Refused) and answer.code in NOT_DONE


def _is_led(answer: wire.Answer) -> bool:
    """Is there a DC? Who may not know it simply asks again."""
    return not isinstance(answer, wire.StatusIs) or answer.dc is not None


def _is_settled(answer: wire.Answer) -> bool:
    """Is there a DC of whose epoch an entry is acknowledged?"""
    if not isinstance(answer, wire.StatusIs):
        return True
    return answer.dc is not None and answer.version.epoch == answer.epoch
