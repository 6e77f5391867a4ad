"""Who goes on after a cut: every row of the table in tests/cases/arbitration for the schemes that hashelld has."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from hashelld.core.quorum import Decision, holds_most, judge
from hashelld.model.ids import NodeId
from hashelld.wire.log import DISK, LOWEST, Electorate


MATRIX = Path(__file__).parent.parent / "cases" / "arbitration" / "matrix.tsv"
UNFENCED, FENCED, TIE_BREAKER = "two_node(no fencing)", "two_node+fencing", "auto_tie_breaker lowest"
PING = "hashell ping"
DISK_SCHEME = "hashell disk"
ARBITER = NodeId(DISK + "uuid")
Row = dict[str, str]


def rows() -> list[Row]:
    lines = [line for line in MATRIX.read_text().splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines, delimiter="\t"))


def electorate_of(row: Row) -> Electorate:
    """The electorate that a scheme founds; of more than two nodes `two_node` is a plain majority."""
    names = {NodeId(str(number)): 1 for number in range(1, int(row["nodes"]) + 1)}
    is_pair = row["scheme"] in (UNFENCED, FENCED, PING) and len(names) == 2
    order = (LOWEST,) if row["scheme"] == TIE_BREAKER else ()
    arbiter = ARBITER if row["scheme"] == DISK_SCHEME else None
    return Electorate(votes={}, two_node=is_pair, tie_order=order, arbiter=arbiter).with_votes(names)


def asked(row: Row, parts: list[str]) -> str:
    """The part that the arbiter votes with: the first half, or else the largest part, that reaches it; or nobody."""
    seeing = parts[1:] if row["context"].startswith("side of node 1") else parts
    if row["scheme"] != DISK_SCHEME or row["context"].startswith("nobody"):
        return ""
    return max(seeing, key=len, default="")


def is_qualified(row: Row, electorate: Electorate, part: str) -> bool:
    """Does a partition with half of the votes, or less, reach the ping node? One with more is not asked."""
    is_cut_off = row["context"].startswith("nobody") or (row["context"].startswith("side of node 1") and "1" in part)
    return row["scheme"] != PING or not is_cut_off or holds_most(electorate, frozenset(map(NodeId, part)))


def survivors(row: Row) -> list[str]:
    """The partitions that go on: by quorum, or by a claim, which without fencing nobody loses (UNSAFE).

    Of claims with fencing the table lets node 1 win the race, as the one without a delay.
    """
    electorate = electorate_of(row)
    parts = [part for part in row["live_partitions"].split("|") if is_qualified(row, electorate, part)]
    voting = {part: [*part, ARBITER] if part == asked(row, parts) else [*part] for part in parts}
    decisions = {part: judge(electorate, frozenset(map(NodeId, voting[part]))).decision for part in parts}
    claims = [part for part in parts if decisions[part] is Decision.CLAIM]
    winners = claims if row["scheme"] == UNFENCED else claims[:1]
    return [part for part in parts if decisions[part] is Decision.QUORUM or part in winners]


def test_the_table_is_whole() -> None:
    assert len(rows()) == 180
    assert {row["scheme"] for row in rows()} == {"majority", UNFENCED, FENCED, TIE_BREAKER, PING, DISK_SCHEME}


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row['scheme']} {row['live_partitions']} {row['context']}")
def test_row(row: Row) -> None:
    found = survivors(row)
    assert ("+".join(found) or "-") == row["survivors"]
    assert (len(found) > 1) is (row["remark"] == "SPLIT-BRAIN")
