"""The command `cluster crash-test`: break something on purpose, and see whether the cluster does what it promises."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Final

from hashell.grammar.kinds import DurationMs, Kind, choice, node_candidates, resource_candidates
from hashell.grammar.registry import command
from hashell.grammar.scope import Scope
from hashell.outcomes import Candidate, Outcome
from hashell.session import Session


CUT_OFF_MS: Final = 10_000
WITHIN_MS: Final = 300_000


def _targets(scope: Scope, before: tuple[str, ...]) -> list[Candidate]:
    if before[-1:] == ("fence",):
        return node_candidates(scope)
    return resource_candidates(scope) if before[-1:] == ("resource",) else []


CrashTest = Annotated[
    str,
    choice(
        "kill:end this node's daemon by SIGKILL: its resources must run on",
        "split:cut this node off from the others for a while: it must come back by itself",
        "fence:have a node fenced by its devices: it must be off, and come back",
        "resource:end the processes of a resource here: its monitor must notice, and it must run again",
    ),
]
CrashTarget = Annotated[str, Kind(name="target", help="fence: a node; resource: a primitive", offer=_targets)]


@command(
    "cluster",
    "crash-test",
    aliases=("crash_test",),
    stops=True,
    examples=(
        "cluster crash-test kill",
        "cluster crash-test split --for 20s",
        "cluster crash-test fence node3",
        "cluster crash-test resource web",
    ),
)
def cluster_crash_test(
    session: Session,
    test: CrashTest,
    target: CrashTarget | None = None,
    *,
    for_: DurationMs = CUT_OFF_MS,
    within: DurationMs = WITHIN_MS,
) -> Outcome:
    """Break something on purpose, tell with measured times what comes of it, and judge it (exit 1: not as promised).

    kill, split and resource break this node (the one whose daemon answers), fence the one that is named. Before
    anything is done it is said what will happen and what is expected, and it is asked for (--yes agrees). A cluster
    that is not healthy is refused, unless --force is given. --for is how long split cuts the node off, 60s at most; it
    ends by itself, also without this shell. --within is how long is waited for the daemon, the node or the resource to
    come back.
    """
    played: Outcome = import_module("hashell.drill.play").play(session, test, target, for_ms=for_, within_ms=within)
    return played
