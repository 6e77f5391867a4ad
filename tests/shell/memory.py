"""A cluster in memory behind the client's port: commits are checked, applied, planned and carried out at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from hashell.client.port import AgentCall, Ended, Shadows
from hashell.grammar.run import run_line
from hashell.outcomes import Outcome
from hashell.session import Options, Session
from hashelld.cib.digest import digest
from hashelld.cib.document import Cib
from hashelld.cib.edit import apply, touched
from hashelld.cib.lang.diagnostic import errors
from hashelld.cib.lang.lower import read_cib
from hashelld.cib.verify import verify
from hashelld.cib.view import ClusterView, NodeView
from hashelld.model.history import FailureCount, NodeStatus
from hashelld.model.ids import Epoch, NodeId, ResourceId, Version
from hashelld.model.metadata import AdvisedAction, Metadata, Parameter
from hashelld.model.resource import Agent
from hashelld.policy.plan import plan
from hashelld.policy.simulate import carry_out
from hashelld.wire import client as wire
from hashelld.wire.log import Author
from tests.shell.patience import Hasty


EPOCH = Epoch(3, NodeId("node1"))
NODES = ("node1", "node2", "node3")
NOON_MS = 1_800_000_000_000
WEB = """
node node1
node node2
node node3
property stonith-enabled=false
rsc_defaults resource-stickiness=10
primitive web ocf:test:Web params port=80 op monitor interval=10s timeout=20s
primitive cache ocf:test:Dummy
primitive queue ocf:test:Dummy
group apps cache queue
location web-prefers-node1 web 100: node1
"""
SETTLE_ROUNDS_MAX = 20


class MemoryClient:
    """One cluster of nodes that do at once what they are told."""

    def __init__(self, text: str = WEB, nodes: Iterable[str] = NODES) -> None:
        self.cib, found = read_cib(text)
        assert not errors(found), found
        self.serial = 1
        self.now_ms = NOON_MS
        self.views = tuple(
            NodeView(node=NodeId(name), online=True, status=NodeStatus(node=NodeId(name))) for name in nodes
        )
        self.changed_at: dict[str, int] = {}
        self.entries: list[wire.HistoryEntry] = []
        self.asked: list[wire.Request] = []
        self.status = wire.StatusIs(
            cluster="test",
            node=NodeId("node1"),
            dc=NodeId("node1"),
            epoch=EPOCH,
            phase="idle",
            version=self.version,
            quorum=wire.QuorumStatus(has_quorum=True, votes=3, total=3, reason="3 of 3 votes"),
            links=tuple(wire.LinkStatus(node=NodeId(n), presence="alive", silence_ms=20) for n in list(nodes)[1:]),
            nodes=(),
            wall_ms=NOON_MS,
            daemon_version="0.1.0",
        )
        self.pid: int | None = 100
        self.settle()

    @property
    def name(self) -> str:
        return "memory"

    @property
    def has_cluster(self) -> bool:
        return True

    def daemon_pid(self) -> int | None:
        return self.pid

    def another(self) -> MemoryClient:
        return self

    @property
    def version(self) -> Version:
        return Version(EPOCH, self.serial)

    def ask(self, request: wire.Request, timeout_ms: int = 10_000) -> wire.Answer:
        self.asked.append(request)
        match request:
            case wire.GetCib():
                return wire.CibIs(self.version, digest(self.cib), self.cib)
            case wire.GetStatus():
                return replace(self.status, nodes=self.views, version=self.version)
            case wire.MakeCommit():
                return self._commit(request)
            case wire.GetHistory(limit=limit):
                return wire.HistoryIs(tuple(self.entries[-limit:]))
            case wire.Cleanup(resource=resource, node=node):
                return self._cleanup(resource, node)
            case wire.SetAttribute(node=node, name=name, value=value):
                self._set_attribute(node, name, value)
                return wire.Done()
            case wire.FenceNode(node=node, confirm=confirm):
                self.lose(node)
                return wire.Done(f"{node} is {'taken to be off' if confirm else 'fenced'}")
            case wire.ChangeQuorum(votes=votes):
                voters = {**self.status.quorum.voters, **votes}
                self.status = replace(self.status, quorum=replace(self.status.quorum, voters=voters))
                return wire.Done("changed")
            case wire.ForceStart(is_question=is_question):
                return wire.Done("node1 would vote alone." if is_question else "node1 goes on alone")
            case _:
                return wire.Refused("invalid", f"{type(request).__name__} is not known here")

    def events(self, timeout_ms: int) -> Iterator[wire.Changed | None]:
        while True:
            yield wire.Changed("status")

    def close(self) -> None:
        pass

    def settle(self) -> None:
        """Plan and carry out until nothing is left to do."""
        for _round in range(SETTLE_ROUNDS_MAX):
            view = ClusterView(cib=self.cib, nodes=self.views, now_ms=self.now_ms, dc=NodeId("node1"))
            transition = plan(view)
            if not transition.actions:
                return
            self.views = carry_out(view, transition).nodes
        raise AssertionError("the cluster does not settle")

    def lose(self, node: str) -> None:
        """The node is off."""
        self.views = tuple(
            NodeView(node=v.node, status=NodeStatus(node=v.node)) if v.node == node else v for v in self.views
        )
        self.settle()

    def fail(self, resource: str, node: str, count: int = 1) -> None:
        """Monitors of a resource failed on a node."""
        failed = FailureCount(resource=ResourceId(resource), operation="monitor", interval_ms=10_000, count=count)
        self.views = tuple(
            replace(v, status=replace(v.status, failures=(*v.status.failures, failed))) if v.node == node else v
            for v in self.views
        )

    def by_somebody_else(self, cib: Cib) -> None:
        """Somebody else commits a document."""
        self.serial += 1
        before = {o.id: o for o in self.cib.objects}
        for found in cib.objects:
            if before.get(found.id) != found:
                self.changed_at[found.id] = self.serial
        self.cib = cib

    def _commit(self, request: wire.MakeCommit) -> wire.Answer:
        clash = tuple(sorted(i for i in touched(request.edits) if self.changed_at.get(i, 0) > request.base.serial))
        if clash:
            return wire.Conflict(self.version, self.cib, clash, Author(user="eve"))
        after = apply(self.cib, request.edits)
        wrong = errors(verify(after))
        if wrong:
            return wire.Refused("invalid", "the result would not verify", tuple(d.message for d in wrong))
        self.by_somebody_else(after)
        author = Author(user="adam", node=NodeId("node1"), command=request.command)
        self.entries.append(
            wire.HistoryEntry(
                version=self.version, at_ms=NOON_MS, kind="commit", text="", author=author, edits=request.edits
            )
        )
        self.settle()
        return wire.Committed(self.version)

    def _set_attribute(self, node: str, name: str, value: str | None) -> None:
        def changed(view: NodeView) -> NodeView:
            attributes = {**view.status.attributes, name: value}
            kept = {key: given for key, given in attributes.items() if given is not None}
            return replace(view, status=replace(view.status, attributes=kept))

        self.views = tuple(changed(view) if view.node == node else view for view in self.views)
        self.settle()

    def _cleanup(self, resource: ResourceId | None, node: NodeId | None) -> wire.Answer:
        self.views = tuple(
            replace(
                v,
                status=replace(
                    v.status, failures=tuple(f for f in v.status.failures if resource not in (None, f.resource))
                ),
            )
            if node in (None, v.node)
            else v
            for v in self.views
        )
        return wire.Done()


class TestAgents:
    """Two agents that describe themselves, and a unit that does not."""

    __test__ = False

    def offered(self) -> Iterable[tuple[str, str]]:
        return (("ocf:test:Dummy", "Does nothing"), ("ocf:test:Web", "A web server"), ("systemd:nginx", ""))

    def resolve(self, text: str) -> Agent | None:
        found = next(
            (name for name, _title in self.offered() if name.rpartition(":")[2] == text.rpartition(":")[2]), ""
        )
        standard, _, rest = found.partition(":")
        provider, _, type_ = rest.rpartition(":")
        return Agent(standard, provider, type_) if found else None

    def metadata(self, agent: Agent | str) -> Metadata | None:
        port = Parameter(name="port", required=True, type="integer", shortdesc="TCP port")
        page = Parameter(name="page", default="index.html", shortdesc="What is shown")
        actions = (
            AdvisedAction(name="monitor", interval="10s", timeout="20s"),
            AdvisedAction(name="start", timeout="20s"),
        )
        match str(agent):
            case "ocf:test:Web":
                return Metadata(agent="Web", shortdesc="A web server", parameters=(page, port), actions=actions)
            case "ocf:test:Dummy":
                return Metadata(agent="Dummy", shortdesc="Does nothing", actions=actions)
            case _:
                return None


class TestPrograms:
    """Programs as functions of their words and input; agents by name of the operation."""

    __test__ = False

    def __init__(self) -> None:
        self.ran: list[tuple[str, ...]] = []
        self.answers: dict[str, Ended] = {}
        """By the program's name, or the last word of its command line."""
        self.filters: dict[str, Callable[[str], str]] = {"cat": str}
        self.running: dict[str, tuple[int, ...]] = {}
        """Processes by the resource that they belong to."""
        self.on_kill: Callable[[int], str] = lambda pid: ""
        self.killed: list[int] = []
        self.flaws: dict[str, str] = {}
        """What is wrong with secrets, by their names."""
        self.kept: dict[str, str] = {}

    def run(
        self,
        command: Sequence[str],
        *,
        text: str = "",
        environment: Mapping[str, str] | None = None,
        timeout_s: float = 60.0,
    ) -> Ended:
        self.ran.append(tuple(command))
        if command[0] in self.filters:
            return Ended(code=0, out=self.filters[command[0]](text))
        found = self.answers.get(command[0]) or self.answers.get(command[-1])
        return found or Ended(code=0, out="done\n")

    def run_agent(self, call: AgentCall) -> Ended:
        return self.run(call.command, text=call.text, environment=call.environment)

    def secret_flaw(self, name: str) -> str:
        return self.flaws.get(name, "")

    def secret(self, name: str) -> tuple[str, str]:
        return (self.kept[name], "") if name in self.kept else ("", f"{name}: No such file or directory")

    def keep_secret(self, name: str, value: str) -> tuple[str, str]:
        self.kept[name] = value
        return f"/secrets/{name}", self.flaws.get(name, "")

    def kill(self, pid: int, is_meant: Callable[[], bool]) -> str:
        if not is_meant():
            return "it is another process"
        self.killed.append(pid)
        return self.on_kill(pid)

    def processes_of(self, resource: str, node: str, daemon: int | None) -> tuple[int, ...]:
        return self.running.get(resource, ())

    def agent_call(
        self, agent: Agent, operation: str, resource: str, parameters: Mapping[str, str]
    ) -> AgentCall | None:
        if agent.standard not in ("ocf", "stonith"):
            return None
        return AgentCall(command=(str(agent), operation), environment=dict(parameters))


class Shell:
    """A session with a cluster in memory; `run` does a line as it is typed, `yes` answers every question."""

    def __init__(
        self,
        text: str = WEB,
        *,
        answers: bool | None = None,
        options: Options | None = None,
        shadows: Shadows | None = None,
    ) -> None:
        self.client = MemoryClient(text)
        self.questions: list[str] = []
        ask_user = None if answers is None else self._answer
        self._answers = bool(answers)
        self.programs = TestPrograms()
        self.session = Session(
            self.client,
            options,
            ask_user=ask_user,
            agents=TestAgents(),
            programs=self.programs,
            shadows=shadows,
            patience=Hasty(),
        )

    def _answer(self, question: str) -> bool:
        self.questions.append(question)
        return self._answers

    def run(self, line: str) -> Outcome:
        outcome = run_line(self.session, line).outcome
        assert outcome is not None, line
        return outcome

    def enter(self, level: str) -> None:
        self.session.enter(level)
