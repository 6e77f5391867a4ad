"""What a daemon did not take, as `cluster health` tells it."""

from __future__ import annotations

from msgspec.structs import replace

from hashell.commands.advice import examine
from hashelld.wire.client import DROPS, Dropped
from tests.shell.memory import MemoryClient


def test_every_kind_is_told_with_its_count() -> None:
    client = MemoryClient()
    status = replace(client.status, nodes=client.views, drops=tuple(Dropped(kind, 7) for kind in DROPS))
    found = [one for one in examine(status, client.cib) if " dropped by node1: " in one.text]
    assert {one.text.split()[1] for one in found} == set(DROPS)
    assert all(one.text.startswith("7 ") and one.advice for one in found)
    assert {one.text.split()[1] for one in found if one.level == "note"} == {"stale_messages", "unread_answers"}


def test_a_kind_that_this_shell_does_not_know_is_told_too() -> None:
    client = MemoryClient()
    found = examine(replace(client.status, drops=(Dropped("martians", 1),)), client.cib)
    assert any("1 martians dropped by node1: of a kind" in one.text for one in found)
