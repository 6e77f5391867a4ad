"""The command `status`: the cluster at a glance."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

from hashell.commands.observed import report
from hashell.grammar.kinds import Flag, choice
from hashell.grammar.registry import command
from hashell.outcomes import Outcome, Said
from hashell.session import Session


View = Annotated[
    str,
    choice(
        "bynode:resources below the nodes that run them",
        "full:links and fail counts, too",
        "inactive:also what is stopped (it is always shown)",
        "failcounts:how often resources failed, and where",
        "ops:the newest operations with their outcome",
        "timing:the newest operations with when and how long",
        "tickets:which tickets are granted",
        "noheaders:without the first line",
    ),
]


@command(
    "status",
    aliases=("st",),
    examples=("status", "status bynode", "status full", "status ops failcounts", "status --watch"),
)
def status(session: Session, *words: View, watch: Flag = False) -> Outcome:
    """Show the cluster at a glance: what is wrong first, then nodes, then resources.

    With --watch the screen follows the cluster until it is ended with Ctrl-C.
    """
    if watch:
        import_module("hashell.terminal.monitor").watch(session, " ".join(("status", *words)))
        return Said(text="")
    return report(session, words)
