"""A failing seed is made shorter, and what is left still fails in the same way."""

from __future__ import annotations

from tests.sim.guards import Guard
from tests.sim.modes import Mode
from tests.sim.runs import Verdict, run_seed
from tests.sim.shrink import RATES, Diet, kind_of, shrink, told


def test_a_failure_gets_shorter() -> None:
    """Without a guard a seed fails; most of its disturbances have nothing to do with that."""

    def run(diet: Diet) -> Verdict:
        return run_seed(1, 5, guard=Guard.QUORUM_GATE, diet=diet)

    first = run(Diet())
    shrunk = shrink(run)
    assert shrunk is not None
    assert kind_of(shrunk.verdict) == kind_of(first)
    assert len(shrunk.verdict.deeds) - len(shrunk.diet.deeds) <= len(first.deeds)
    assert shrunk.diet.rates | shrunk.diet.deeds
    assert run(shrunk.diet).trace_hash == shrunk.verdict.trace_hash, "what is left does not replay"
    assert shrunk.verdict.failure in told(shrunk)


def test_what_holds_is_not_shrunk() -> None:
    tried: list[Diet] = []

    def run(diet: Diet) -> Verdict:
        tried.append(diet)
        return run_seed(7, 3, Mode.PLAIN, disturbed_ms=2_000, diet=diet)

    assert shrink(run) is None
    assert tried == [Diet()]


def test_only_what_matters_is_left() -> None:
    """Of ten disturbances two make it fail, with loss, whatever else happens."""

    def run(diet: Diet) -> Verdict:
        left = set(range(10)) - diet.deeds
        fails = {3, 8} <= left and "loss" not in diet.rates
        deeds = tuple((number, number * 1_000, "_deed") for number in range(10))
        failure = "Violation: invariant 2: it is lost" if fails else ""
        return Verdict(
            seed=1,
            nodes=3,
            mode=Mode.PLAIN,
            steps=1,
            trace_hash=0,
            virtual_ms=1,
            cpu_s=0.0,
            failure=failure,
            deeds=deeds,
        )

    shrunk = shrink(run)
    assert shrunk is not None
    assert shrunk.diet == Diet(rates=frozenset(RATES) - {"loss"}, deeds=frozenset(range(10)) - {3, 8})
    assert told(shrunk).splitlines()[1:3] == ["    3.000 deed", "    8.000 deed"]
