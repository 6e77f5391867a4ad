"""Commands of the top that are not levels: is all well with the configuration, and which version this is."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

from hashell.errors import HashellError
from hashell.grammar.kinds import choice
from hashell.grammar.registry import command
from hashell.outcomes import Outcome, Said
from hashell.session import Session
from hashelld import __version__
from hashelld.wire.client import PROTOCOL


What = Annotated[str, choice("scores:also what every node is worth to every resource")]


@command("verify", examples=("verify", "verify scores"))
def verify(session: Session, what: What | None = None) -> Outcome:
    """Check the whole configuration, as `configure verify` does; with `scores`, print the placement scores too."""
    checked: Outcome = import_module("hashell.commands.configure").configure_verify(session)
    if what is None:
        return checked
    scores: Outcome = import_module("hashell.commands.tuning").resource_scores(session)
    return scores


@command("version", examples=("version",))
def version(session: Session) -> Outcome:
    """Show the versions of the shell and, if one answers, of its daemon."""
    try:
        daemon = session.status().daemon_version
    except HashellError:
        daemon = ""
    told = f", hashelld {daemon}" if daemon else ""
    return Said(
        text=f"hashell {__version__}{told}, protocol {PROTOCOL}",
        data={"shell": __version__, "daemon": daemon, "protocol": PROTOCOL},
    )
