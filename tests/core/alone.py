"""A cluster of one node without any world: its disk answers at once, its agents succeed."""

from __future__ import annotations

from collections.abc import Iterable

from hashelld.cib.edit import Put
from hashelld.cib.lang.lower import read_cib
from hashelld.core.effects import CutOff, Effect, Note, Persist, Reply, RunAgent, Stored, TellLog
from hashelld.core.events import AgentEnded, ClientAsked, ClientGone, Event, Persisted, Woken
from hashelld.core.node import Node
from hashelld.core.settings import Settings
from hashelld.model.ids import Incarnation, NodeId
from hashelld.wire.client import Answer, CibIs, Committed, GetCib, MakeCommit, Request
from hashelld.wire.log import Author, Electorate


N1 = NodeId("n1")
ROOT = Author(user="root", uid=0, node=N1, pid=7, is_trusted=True)
ANNA = Author(user="anna", uid=1001, node=N1, pid=8, groups=("haclient",))
EVE = Author(user="eve", uid=1002, node=N1, pid=9, groups=("haclient",))


class Alone:
    """A founded node, and shells of several users that ask it. `absent` nodes have no vote, and are never heard."""

    def __init__(self, text: str = "", absent: Iterable[str] = ()) -> None:
        votes = {N1: 1, **{NodeId(name): 0 for name in absent}}
        settings = Settings(node=N1, cluster_name="c", file_digest="f", founding=Electorate(votes=votes))
        self.now = 1_000
        self.notes: list[Note] = []
        self.logs: list[TellLog] = []
        self.cuts: list[CutOff] = []
        self._tickets = 0
        self._commits = 0
        self._answers: dict[tuple[bytes, int], list[Answer]] = {}
        self.node = Node(self.now, settings, Stored(incarnation=Incarnation(1, "x")), lambda low, _: low)
        self._carry_out(self.node.start(self.now))
        while self.node.dc is None or not self.node.dc.office.leading.has_barrier:
            self.wait()
        if text:
            self.configure(text)

    def wait(self, turns: int = 1) -> None:
        """Let some time pass."""
        for _ in range(turns):
            self.now += 100
            self.take(Woken())

    def take(self, event: Event) -> None:
        self._carry_out(self.node.step(self.now, event))

    def _carry_out(self, effects: Iterable[Effect]) -> None:
        follow: list[Event] = []
        for effect in effects:
            match effect:
                case Persist(token=token):
                    follow.append(Persisted(token))
                case RunAgent(run=run, label=label):
                    follow.append(AgentEnded(run=run, rc=7 if "monitor_0" in label else 0))
                case Reply(client=client, ticket=ticket, answer=answer):
                    self._answers.setdefault((client, ticket), []).append(answer)
                case Note():
                    self.notes.append(effect)
                case CutOff():
                    self.cuts.append(effect)
                case TellLog():
                    self.logs.append(effect)
                case _:
                    pass
        for event in follow:
            self.take(event)

    def ask(self, author: Author, request: Request) -> Answer | None:
        """What a user's shell is answered."""
        self._tickets += 1
        key = (author.user.encode(), self._tickets)
        self.take(ClientAsked(*key, author, request))
        return (self._answers.get(key) or [None])[-1]

    def answers(self, author: Author, ticket: int) -> list[Answer]:
        """What was answered to one of a user's requests."""
        return self._answers.get((author.user.encode(), ticket), [])

    def gone(self, author: Author) -> None:
        self.take(ClientGone(author.user.encode()))

    def commit(self, author: Author, text: str, *more: object) -> Answer | None:
        """Put what the statements describe."""
        found, _ = read_cib(text)
        return self.commit_edits(author, *(Put(one) for one in found.objects), command=text)

    def commit_edits(self, author: Author, *edits: object, command: str = "") -> Answer | None:
        shown = self.ask(ROOT, GetCib())
        assert isinstance(shown, CibIs)
        self._commits += 1
        made = MakeCommit(
            id=f"{author.user}-{self._commits}",
            base=shown.version,
            edits=edits,
            command=command,
            force=True,  # type: ignore[arg-type]
        )
        return self.ask(author, made)

    def configure(self, text: str) -> None:
        assert isinstance(self.commit(ROOT, text), Committed)
        self.wait(20)

    def said(self, event: str) -> list[dict[str, object]]:
        return [note.fields for note in self.notes if note.event == event]
