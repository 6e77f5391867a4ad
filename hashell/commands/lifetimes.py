"""Changes that end by themselves: `for 30min`, as date rules in the configuration that every node judges alike."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated, Final

import msgspec
from msgspec.structs import replace

from hashell.errors import Usage
from hashell.grammar.kinds import Kind
from hashell.grammar.mistake import did_you_mean
from hashell.grammar.scope import Scope
from hashell.outcomes import Candidate
from hashell.session import Session
from hashelld.model.constraint import Location
from hashelld.model.duration import format_duration, parse_duration
from hashelld.model.ids import NodeId
from hashelld.model.resource import AttributeSet, NvPair
from hashelld.model.rule import AttributeTest, DateTest, Rule


FOR: Final = "for"
REBOOT: Final = "reboot"
_STRONGEST: Final = "INFINITY"
_DURATIONS: Final = ("10min", "30min", "1h", "2h", "8h")


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """`node1 node2 off for 30min`, read. `is_on` None: it was not said."""

    nodes: tuple[NodeId, ...] = ()
    is_on: bool | None = None
    for_ms: int | None = None
    until_reboot: bool = False

    @property
    def told(self) -> str:
        """The end of a sentence: ` for 30min`."""
        if self.until_reboot:
            return " until its daemon ends"
        return "" if self.for_ms is None else f" for {format_duration(self.for_ms)}"


def _offer(scope: Scope, before: tuple[str, ...]) -> Iterator[Candidate]:
    if before[-1:] == (FOR,):
        yield from (Candidate(text, "then it ends by itself") for text in _DURATIONS)
        yield Candidate(REBOOT, "until the node's daemon ends")
        return
    if FOR in before:
        return
    yield from (Candidate(name, "node") for name in scope.node_names() if name not in before)
    yield Candidate(FOR, "a time after which it ends by itself")


def _offer_one(scope: Scope, before: tuple[str, ...]) -> Iterator[Candidate]:
    if before[-1:] == (FOR,):
        yield from (Candidate(text, "then it ends by itself") for text in _DURATIONS)
    elif FOR not in before:
        if len(before) == 1:  # The resource.
            yield from (Candidate(name, "node") for name in scope.node_names())
        yield Candidate(FOR, "a time after which it ends by itself")


NodesFor = Annotated[
    str, Kind(name="nodes", help="nodes; then perhaps on or off; then perhaps: for 30min", offer=_offer)
]
NodeFor = Annotated[str, Kind(name="node", help="a node; then perhaps: for 30min", offer=_offer_one)]


def read_wish(session: Session, words: tuple[str, ...]) -> Wish:
    """`NODE … [on|off] [for DURATION|reboot]`; raises `Usage`."""
    for_ms, until_reboot = None, False
    known = session.node_names()
    if FOR in words and FOR not in known:
        at = words.index(FOR)
        words, tail = words[:at], words[at + 1 :]
        until_reboot = tail == (REBOOT,)
        for_ms = parse_duration(tail[0]) if len(tail) == 1 and not until_reboot else None
        if not until_reboot and not for_ms:
            raise Usage(f"'for {' '.join(tail)}' is no time: say for 30min, for 2h, or for reboot")
    is_on = None
    if words[-1:] in (("on",), ("off",)) and words[-1] not in known:
        words, is_on = words[:-1], words[-1] == "on"
    for word in words:
        if word not in known:
            raise Usage(f"no node '{word}'. {did_you_mean(word, known)}".strip())
    return Wish(
        nodes=tuple(NodeId(word) for word in dict.fromkeys(words)),
        is_on=is_on,
        for_ms=for_ms,
        until_reboot=until_reboot,
    )


def end_of(session: Session, for_ms: int) -> str:
    """The moment after so many milliseconds, by the cluster's clock, as ISO 8601 in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime((now_of(session) + for_ms) / 1000))


def now_of(session: Session) -> int:
    """Wall-clock milliseconds by the cluster's clock; of a file, by ours."""
    return session.status().wall_ms or time.time_ns() // 1_000_000


def with_timed(sets: tuple[AttributeSet, ...], name: str, value: str, end: str) -> tuple[AttributeSet, ...]:
    """The sets with a value that counts until a moment, whatever the others say."""
    rule = Rule(conditions=(DateTest(operation="lt", end=end),))
    timed = AttributeSet((NvPair(name, value),), score=_STRONGEST, rules=(rule,))
    return (*without_timed(sets, name), timed)


def without_timed(sets: tuple[AttributeSet, ...], name: str) -> tuple[AttributeSet, ...]:
    """The sets without values of this name that count until a moment."""
    return tuple(one for one in sets if not (_is_timed(one) and [pair.name for pair in one.pairs] == [name]))


def timed_value(sets: tuple[AttributeSet, ...], name: str) -> str | None:
    """The moment until which a value counts (or counted), if there is such a value."""
    for one in sets:
        if _is_timed(one) and [pair.name for pair in one.pairs] == [name]:
            return _end(one.rules)
    return None


def until(location: Location, end: str) -> Location:
    """A constraint of one node that counts until a moment."""
    tests = (
        AttributeTest(attribute="#uname", operation="eq", value=location.node),
        DateTest(operation="lt", end=end),
    )
    return replace(location, node=None, score=None, rules=(Rule(conditions=tests, score=location.score),))


def _is_timed(found: AttributeSet) -> bool:
    return found.id is None and found.score == _STRONGEST and bool(_end(found.rules))


def _end(rules: tuple[Rule, ...]) -> str | None:
    match rules:
        case (Rule(conditions=(DateTest(operation="lt", end=end),)),):
            return end
        case _:
            return None
