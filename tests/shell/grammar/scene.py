"""A configuration, some agents and a client in memory: what a line is completed, bound and run against."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hashell.session import Options, Session
from hashelld.cib.digest import digest
from hashelld.cib.document import Cib
from hashelld.cib.edit import apply
from hashelld.cib.lang.lower import read_cib
from hashelld.cib.view import NodeView
from hashelld.model.history import NodeStatus
from hashelld.model.ids import Epoch, NodeId, Version
from hashelld.model.metadata import AdvisedAction, Metadata, Parameter
from hashelld.model.resource import Agent
from hashelld.wire import client as wire
from tests.shell.patience import Hasty


WEB = """
node node1
node node2
primitive vip ocf:heartbeat:IPaddr2 params ip=192.0.2.9
primitive web ocf:heartbeat:nginx
primitive db ocf:heartbeat:pgsql
primitive fence stonith:fence_ipmilan
rsc_template small ocf:heartbeat:Dummy
group site vip web
location site-home site 100: node1
property stonith-enabled=true
"""

_IPADDR2 = Metadata(
    agent="IPaddr2",
    shortdesc="Manages an IP address",
    parameters=(
        Parameter(name="nic", shortdesc="Network interface"),
        Parameter(name="ip", required=True, shortdesc="Address"),
        Parameter(name="lvs_support", type="boolean", default="false", shortdesc="For direct routing"),
        Parameter(name="mode", type="select", values=("one", "two"), shortdesc="How"),
        Parameter(name="old", deprecated=True),
    ),
    actions=(AdvisedAction(name="start", timeout="20s"), AdvisedAction(name="monitor", timeout="20s", interval="10s")),
)


class FewAgents:
    """Three agents, of which one describes itself."""

    def offered(self) -> Iterable[tuple[str, str]]:
        return (
            ("ocf:heartbeat:IPaddr2", "Manages an IP address"),
            ("ocf:heartbeat:Dummy", ""),
            ("systemd:nginx", ""),
        )

    def resolve(self, text: str) -> Agent | None:
        names = [name for name, _title in self.offered() if name == text or name.endswith(f":{text}")]
        return Agent(*("", "", names[0])[-3:]) if names else None

    def metadata(self, agent: Agent | str) -> Metadata | None:
        return _IPADDR2 if str(agent).endswith("IPaddr2") else None


class MemoryClient:
    """A cluster of one document. `answers` overrides what is answered to a kind of request, in turn."""

    def __init__(self, cib: Cib) -> None:
        self.cib = cib
        self.version = Version(Epoch(3, NodeId("node1")), 1)
        self.asked: list[wire.Request] = []
        self.answers: list[wire.Answer | Exception] = []

    @property
    def name(self) -> str:
        return "live"

    def ask(self, request: wire.Request, timeout_ms: int = 10_000) -> wire.Answer:
        self.asked.append(request)
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        match request:
            case wire.GetCib():
                return wire.CibIs(self.version, digest(self.cib), self.cib)
            case wire.GetStatus():
                return status_of(self.cib, self.version)
            case wire.MakeCommit():
                self.cib = apply(self.cib, request.edits)
                self.version = Version(self.version.epoch, self.version.serial + 1)
                return wire.Committed(self.version)
            case _:
                return wire.Refused("invalid", "not in this test")

    def events(self, timeout_ms: int) -> Iterator[wire.Changed | None]:
        while True:
            yield wire.Changed("status")

    def close(self) -> None:
        pass


def status_of(cib: Cib, version: Version, **changes: object) -> wire.StatusIs:
    fields: dict[str, object] = {
        "cluster": "web",
        "node": NodeId("node1"),
        "dc": NodeId("node1"),
        "epoch": version.epoch,
        "phase": "idle",
        "version": version,
        "quorum": wire.QuorumStatus(has_quorum=True, votes=2, total=2, reason="2 of 2 votes"),
        "links": (),
        "nodes": tuple(NodeView(node=n.id, online=True, status=NodeStatus(node=n.id)) for n in cib.nodes),
    }
    return wire.StatusIs(**{**fields, **changes})


def cib_of(text: str) -> Cib:
    cib, found = read_cib(text)
    assert not [one for one in found if one.is_error], found
    return cib


def session_of(text: str = WEB, *, level: str = "", **options: bool) -> Session:
    session = Session(MemoryClient(cib_of(text)), Options(**options), agents=FewAgents(), patience=Hasty())
    session.level = level
    return session
