"""Makes a failing seed shorter: faults are taken away one by one, as long as it still fails in the same way.

What is left are few disturbances, and a trace that people can read. A run without a disturbance takes another course
from there on (all chance comes from one source), so this is a search, not a proof that nothing shorter fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from tests.sim.faults import Faults


if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sim.runs import Verdict

RUNS_MAX: Final = 150
"""Of a search."""
RATES: Final = (
    "loss",
    "message_loss",
    "duplicate",
    "reorder",
    "late_for_next_incarnation",
    "agent_fails",
    "agent_hangs",
    "stop_fails",
    "fence_fails",
)
"""Faults that are taken away before the disturbances."""


class Diet(msgspec.Struct, frozen=True, kw_only=True):
    """What a run goes without."""

    rates: frozenset[str] = frozenset()
    """Names of `Faults` that never happen."""
    deeds: frozenset[int] = frozenset()
    """Numbers of the nemesis's disturbances that are left out."""

    def eaten_by(self, faults: Faults) -> Faults:
        """The faults that are left."""
        return replace(faults, **dict.fromkeys(self.rates, 0.0))


class Shrunk(msgspec.Struct, frozen=True, kw_only=True):
    """A shorter failure."""

    diet: Diet
    verdict: Verdict
    runs: int


def shrink(run: Callable[[Diet], Verdict]) -> Shrunk | None:
    """The shortest failure that was found; None when nothing fails."""
    search = _Search(run)
    first = search.try_out(Diet())
    if first is None:
        return None
    search.kind = kind_of(first)
    best, diet = first, Diet()
    for name in RATES:
        best, diet = search.prefer(replace(diet, rates=diet.rates | {name}), best, diet)
    step = max(1, len(best.deeds) // 2)
    while search.runs < RUNS_MAX:
        left = [number for number, _, _ in best.deeds if number not in diet.deeds]
        before = diet
        for at in range(0, len(left), step):
            leaves_out = frozenset(left[at : at + step])
            best, diet = search.prefer(replace(diet, deeds=diet.deeds | leaves_out), best, diet)
        if step == 1 and diet == before:
            break
        step = max(1, step // 2)
    return Shrunk(diet=diet, verdict=best, runs=search.runs)


def kind_of(verdict: Verdict) -> str:
    """What kind of failure it is: which invariant, without names and numbers of the case."""
    return verdict.failure.partition("\n")[0].split(":")[1].strip() if ":" in verdict.failure else verdict.failure


class _Search:
    def __init__(self, run: Callable[[Diet], Verdict]) -> None:
        self._run = run
        self.kind = ""
        self.runs = 0

    def try_out(self, diet: Diet) -> Verdict | None:
        """The verdict if it fails in the way that is looked for."""
        self.runs += 1
        verdict = self._run(diet)
        fails = verdict.failure and self.kind in ("", kind_of(verdict))
        return verdict if fails else None

    def prefer(self, diet: Diet, best: Verdict, before: Diet) -> tuple[Verdict, Diet]:
        """This diet, if it still fails, and the run is not over already for that."""
        if self.runs >= RUNS_MAX:
            return best, before
        found = self.try_out(diet)
        return (found, diet) if found is not None else (best, before)


def told(shrunk: Shrunk) -> str:
    """What is left, for people."""
    verdict, lines = shrunk.verdict, []
    for number, moment, name in verdict.deeds:
        if number not in shrunk.diet.deeds:
            lines.append(f"{moment / 1000:9.3f} {name.strip('_').replace('_', ' ')}")
    never = ", ".join(sorted(shrunk.diet.rates)) or "nothing"
    head = f"after {shrunk.runs} runs: fails without {len(shrunk.diet.deeds)} of its disturbances; never: {never}"
    return "\n".join([head, *lines, verdict.trace, verdict.failure])
