"""[quorum.disk] of hashelld.toml: where the quorum disk is, and how often it is written; every problem is told."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from hashelld.core.settings import DiskSettings
from hashelld.model.duration import format_duration, parse_duration
from hashelld.model.ids import Millis, NodeId
from hashelld.wire.log import Electorate
from hashelld.wire.sector import INTERVAL_MS, PLACES_MAX, TKO


INTERVAL_MS_MIN: Final[Millis] = 100
TKO_MIN, TKO_MAX = 4, 100
KEYS: Final = ("path", "interval", "tko")
TABLE: Final = "quorum.disk"
Tell = Callable[[str, int, str, str], None]
"""A problem: its table, which of several, its key, and what it is."""
CheckKeys = Callable[[str, int, Iterable[str], tuple[str, ...]], None]
"""Table, which of several, its keys, and those that there are; of others is told."""


def take_disk(quorum: object, directory: Path, tell: Tell, check_keys: CheckKeys) -> tuple[DiskSettings | None, object]:
    """[quorum.disk], for whatever place; and what else [quorum] says."""
    if not isinstance(quorum, dict) or "disk" not in quorum:
        return None, quorum
    found, rest = quorum["disk"], {key: value for key, value in quorum.items() if key != "disk"}
    if not isinstance(found, dict):
        tell("quorum", 0, "disk", "[quorum.disk] is a table of keys")
        return None, rest
    check_keys(TABLE, 0, found, KEYS)
    return _read(found, directory, lambda key, text: tell(TABLE, 0, key, text)), rest


def placed(disk: DiskSettings | None, names: Sequence[NodeId], own: NodeId) -> DiskSettings | None:
    """The same with the node's own place: the order of [[nodes]] gives each its place."""
    return msgspec.structs.replace(disk, place=names.index(own)) if disk is not None else None


def marks(disk: DiskSettings | None, names: Sequence[NodeId]) -> tuple[object, ...]:
    """What files must agree on; where the disk is they need not."""
    return () if disk is None else (disk.interval_ms, disk.tko, tuple(names))


def _read(found: dict[str, object], directory: Path, tell: Callable[[str, str], None]) -> DiskSettings | None:
    """None when it is wrong, which is told."""
    path, interval, tko = found.get("path"), found.get("interval", format_duration(INTERVAL_MS)), found.get("tko", TKO)
    if not isinstance(path, str) or not path:
        tell("path", "[quorum.disk] needs 'path': a block device or a file that all nodes see")
    interval_ms = parse_duration(interval) if isinstance(interval, str) else None
    if interval_ms is None:
        tell("interval", f"'interval': {interval!r} is no duration (write 500ms, 1s)")
    elif interval_ms < INTERVAL_MS_MIN:
        tell("interval", f"interval ({interval}) is shorter than {INTERVAL_MS_MIN}ms")
    if not isinstance(tko, int) or isinstance(tko, bool) or not TKO_MIN <= tko <= TKO_MAX:
        why = "the vote lapses after tko - 2 intervals without a good round"
        tell("tko", f"'tko': {tko!r} is no whole number from {TKO_MIN} to {TKO_MAX} ({why})")
        return None
    if not isinstance(path, str) or not path or interval_ms is None:
        return None
    return DiskSettings(path=os.path.normpath(directory / path), interval_ms=interval_ms, tko=tko)


def objections(disk: DiskSettings | None, founding: Electorate, takeover_ms: Millis | None) -> list[str]:
    """What else the file says that does not go with a quorum disk; `takeover_ms` is None where it is computed."""
    if disk is None:
        return []
    deciding = {
        "two_node": founding.two_node,
        "auto_tie_breaker": bool(founding.tie_order),
        "an arbiter among [[nodes]]": founding.network_arbiter is not None,
    }
    why = "one of them decides a tie"
    found = [f"{mode} and [quorum.disk] exclude each other: {why}" for mode, is_on in deciding.items() if is_on]
    if len(founding.votes) > PLACES_MAX:
        found.append(f"a quorum disk has places for {PLACES_MAX} nodes, here are {len(founding.votes)}")
    if takeover_ms is not None and takeover_ms < disk.lapse_ms:
        found.append(
            f"takeover_delay ({format_duration(takeover_ms)}) must be at least (tko - 2) * interval of [quorum.disk]"
            f" ({format_duration(disk.lapse_ms)}): so long the other side may hold the disk's vote"
        )
    return found
