"""The command `demo`: a cluster to try, on this machine, without root."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

from hashell.grammar.kinds import choice
from hashell.grammar.registry import command
from hashell.outcomes import Outcome
from hashell.session import Session


Script = Annotated[str, choice("failover:a service moves by hand and by failure, with measured times")]


@command("demo", examples=("demo", "demo --script failover"))
def demo(session: Session, *, script: Script | None = None) -> Outcome:
    """Try a cluster of three nodes on this machine, without root.

    Three daemons start, with their state in a temporary folder and a few resources; then comes the prompt. With
    --script a scene is played instead, and told with measured times. At the end everything is stopped and removed.
    """
    played: Outcome = import_module("hashell.demo.play").play(script, as_json=session.options.json)
    return played
