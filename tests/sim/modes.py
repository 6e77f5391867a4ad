"""The quorum modes that simulated clusters are founded with."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final

from hashelld.core.settings import PingSettings
from hashelld.model.ids import Millis, NodeId
from hashelld.wire.log import DISK, HIGHEST, LOWEST, Electorate
from tests.sim.qdisk import UUID


WINDOW_MS: Final[Millis] = 3_000
"""last_man_standing_window of simulated clusters."""
GATEWAY: Final = "gateway"
SIZES: Final = (2, 3, 4, 5)
"""Nodes of a simulated cluster."""


class Mode(Enum):
    """What a cluster's [quorum] says."""

    PLAIN = "plain"
    """A vote each; `two_node` where there are two."""
    WAIT_FOR_ALL = "wait-for-all"
    TIE_BREAKER = "tie-breaker"
    SHRINKING = "shrinking"
    """last_man_standing."""
    SHRINKING_TIE_BREAKER = "shrinking-tie-breaker"
    SHRINKING_ARBITER = "shrinking-arbiter"
    WEIGHTED = "weighted"
    """The first node has two votes, the last of four or more none."""
    DISK = "disk"
    """A quorum disk; it votes where the nodes are even."""
    SHRINKING_DISK = "shrinking-disk"
    EVERYTHING = "everything"
    """Weights, wait_for_all, last_man_standing and a tie-breaker."""
    ARBITER = "arbiter"
    """The last node is the network arbiter."""
    PING = "ping"
    """A ping node; `two_node` where there are two, else a tie-breaker, for a majority never asks."""


_WEIGHTED: Final = frozenset({Mode.WEIGHTED, Mode.EVERYTHING})
_ARBITRATED: Final = frozenset({Mode.ARBITER, Mode.SHRINKING_ARBITER})
_PAIRS: Final = frozenset({Mode.PLAIN, Mode.PING})
_WAITING: Final = frozenset({Mode.WAIT_FOR_ALL, Mode.EVERYTHING})
_WITH_DISK: Final = frozenset({Mode.DISK, Mode.SHRINKING_DISK})
_SHRINKING: Final = frozenset(
    {Mode.SHRINKING, Mode.SHRINKING_ARBITER, Mode.SHRINKING_TIE_BREAKER, Mode.SHRINKING_DISK, Mode.EVERYTHING}
)
_ORDER: Final[dict[Mode, tuple[str, ...]]] = {
    Mode.TIE_BREAKER: (LOWEST,),
    Mode.SHRINKING_TIE_BREAKER: (LOWEST,),
    Mode.EVERYTHING: (HIGHEST,),
    Mode.PING: (LOWEST,),
}


def founding(names: Sequence[NodeId], mode: Mode) -> Electorate:
    """The electorate that founds a cluster of these nodes."""
    votes = dict.fromkeys(names, 1)
    if mode in _WEIGHTED:
        votes[names[0]] = 2
        if len(names) > 3:
            votes[names[-1]] = 0
    is_pair = mode in _PAIRS and len(names) == 2
    modes = Electorate(
        votes={},
        two_node=is_pair,
        wait_for_all=mode in _WAITING,
        tie_order=() if is_pair else _ORDER.get(mode, ()),
        last_man_standing_ms=WINDOW_MS if mode in _SHRINKING else None,
        network_arbiter=names[-1] if mode in _ARBITRATED else None,
        arbiter=DISK + UUID if mode in _WITH_DISK else None,
    )
    return modes.with_votes(votes)


def ping_settings(mode: Mode) -> PingSettings | None:
    """Whom the nodes ask whether they are cut off."""
    return PingSettings(targets={GATEWAY: (GATEWAY,)}) if mode is Mode.PING else None


def drawn(seed: int) -> tuple[tuple[int, Mode], tuple[int, Mode]]:
    """The two clusters that a seed is run with, by size and mode: a plain one, and of each size each mode in turn."""
    modes = tuple(Mode)
    at, size = divmod(seed, len(SIZES))
    return (SIZES[size - 2], Mode.PLAIN), (SIZES[size], modes[at % len(modes)])


def is_fenced(seed: int, mode: Mode) -> bool:
    """Does the cluster of a seed have a fencing device?

    Devices hide faults of voting: the wrong side shoots the right one before it can act. So every other round of all
    modes and sizes is without; a `two_node` pair has one, for without it is UNSAFE and promises nothing.
    """
    return mode in _PAIRS or seed // (len(SIZES) * len(Mode)) % 2 == 0


def is_reformed(seed: int) -> bool:
    """Does somebody change the electorate all the time? In half of the seeds, with each size and mode."""
    return seed // len(SIZES) % 2 == 1
