from __future__ import annotations

import threading
from collections.abc import Iterator

from hashell.errors import Unreachable
from hashell.terminal.watch import KeptAgents, Watch, WatchedScope
from hashelld.cib.edit import Delete
from hashelld.wire import client as wire
from tests.shell.grammar.scene import WEB, FewAgents, MemoryClient, cib_of, session_of


class OneEventClient(MemoryClient):
    """Ends its events after the first."""

    def events(self, timeout_ms: int) -> Iterator[wire.Changed | None]:
        yield wire.Changed("status")
        raise Unreachable("gone")


def test_the_newest_state_is_kept_and_trouble_is_told():
    seen = threading.Event()
    watch = Watch(lambda: OneEventClient(cib_of(WEB)), lambda: seen.set() if watch.trouble else None)
    watch.start()
    assert seen.wait(5)
    watch.stop()
    assert watch.trouble == "gone"
    assert watch.status is None
    assert watch.cib is not None
    assert watch.cib.cib == cib_of(WEB)


def test_completion_sees_the_draft_first():
    watch = Watch(lambda: MemoryClient(cib_of("")), lambda: None)
    session = session_of()
    scope = WatchedScope(session, watch)
    assert scope.cib().objects == ()
    session.edit((Delete("db"),))
    assert scope.cib().find("web") is not None
    assert scope.node_names() == ("node1", "node2")


def test_agents_are_not_looked_for_at_every_key_press():
    class Counting(FewAgents):
        looks = 0

        def offered(self):
            self.looks += 1
            return super().offered()

    source = Counting()
    kept = KeptAgents(source)
    assert kept.offered() == kept.offered()
    assert source.looks == 1
    assert kept.metadata("IPaddr2") is not None
    assert kept.resolve("nosuch") is None
