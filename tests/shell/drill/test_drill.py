"""Drills on a cluster in memory: what is refused, what is asked, and how what comes of it is judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from msgspec.structs import replace

from hashell.client.port import Ended
from hashell.drill.play import drill
from hashell.errors import Refused, TimedOut, Unreachable, Usage
from hashell.outcomes import Said
from hashell.session import Options
from hashelld.model.history import ActionResult, NodeStatus
from hashelld.model.ids import NodeId, ResourceId
from hashelld.wire import client as wire
from tests.shell.memory import NOON_MS, WEB, MemoryClient, Shell


FENCED = WEB.replace("stonith-enabled=false", "stonith-enabled=true") + "primitive f stonith:fence_x\n"
PID = 100


class Teller:
    """Keeps what is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def heading(self, text: str) -> None:
        self.lines.append(text)

    def event(self, text: str, measured: str = "") -> None:
        self.lines.append(text)


class Clock:
    """Every rest is a tenth of a second, in which the next thing happens to the cluster."""

    def __init__(self, happenings: Iterable[Callable[[], object]] = ()) -> None:
        self._happenings = iter(happenings)
        self._now = 0.0

    def now(self) -> float:
        return self._now

    def rest(self) -> None:
        self._now += 0.1
        next(self._happenings, lambda: None)()


class Cluster(MemoryClient):
    """One whose daemon can be silent, and that knows a drill."""

    def __init__(self, text: str = WEB) -> None:
        super().__init__(text)
        self.is_silent = False

    def ask(self, request: wire.Request, timeout_ms: int = 10_000) -> wire.Answer:
        if self.is_silent:
            raise Unreachable("nobody answers")
        if isinstance(request, wire.Isolate):
            self.asked.append(request)
            self.hear("lost")
            return wire.Done()
        if isinstance(request, wire.FenceNode):
            self.asked.append(request)
            return wire.Done()
        return super().ask(request, timeout_ms)

    def hear(self, presence: str, *, incarnation: str = "1.x", has_quorum: bool | None = None) -> None:
        is_led = presence == "alive" if has_quorum is None else has_quorum
        links = tuple(replace(one, presence=presence, incarnation=incarnation) for one in self.status.links)
        quorum = replace(self.status.quorum, has_quorum=is_led, voters=dict.fromkeys(NODES, 1))
        self.status = replace(self.status, links=links, quorum=quorum)

    def change(self, node: str, **fields: object) -> None:
        self.views = tuple(replace(one, **fields) if one.node == node else one for one in self.views)  # type: ignore[arg-type]

    def ended(self, node: str, resource: str, operation: str, at_ms: int) -> None:
        done = ActionResult(resource=ResourceId(resource), operation=operation, ended_ms=at_ms)
        self.views = tuple(
            replace(view, status=replace(view.status, operations=(*view.status.operations, done)))
            if view.node == node
            else view
            for view in self.views
        )

    def fenced(self, node: str, *, ok: bool) -> None:
        told = wire.Fenced(
            target=NodeId(node),
            operation="reboot",
            by=NodeId("node1"),
            device="f",
            ok=ok,
            ended_ms=NOON_MS,
            reason="no",
        )
        self.status = replace(self.status, fenced=(*self.status.fenced, told))


NODES = tuple(map(NodeId, ("node1", "node2", "node3")))


class Scene:
    """A shell, its cluster, and a drill's outcome."""

    def __init__(self, text: str = WEB, *, force: bool = False) -> None:
        self.shell = Shell(text, options=Options(yes=True, force=force))
        self.cluster = Cluster(text)
        self.cluster.hear("alive")
        self.shell.session.client = self.cluster
        self.teller = Teller()

    def play(self, test: str, target: str = "", *happenings: Callable[[], object], for_ms: int = 2_000) -> Said:
        clock = Clock(happenings)
        outcome = drill(self.shell.session, test, target, self.teller, clock, for_ms=for_ms, within_ms=3_000)
        assert isinstance(outcome, Said)
        return outcome

    def killed(self, _pid: int) -> str:
        self.cluster.is_silent, self.cluster.pid = True, None
        return ""

    def back(self) -> None:
        self.cluster.is_silent, self.cluster.pid = False, PID + 1


def wrong(said: Said) -> list[str]:
    found = said.data["wrong"]
    assert isinstance(found, list)
    assert said.is_bad == bool(found) == (not said.data["passed"])
    return found


def test_a_daemon_that_is_killed_and_comes_back() -> None:
    scene = Scene()
    scene.shell.programs.on_kill = scene.killed
    said = scene.play("kill", "", lambda: None, scene.back)
    assert wrong(said) == []
    assert scene.shell.programs.killed == [PID]
    assert "its resources ran on: nothing was started, stopped or moved" in scene.teller.lines


def test_a_daemon_that_restarts_its_resources_has_failed() -> None:
    scene = Scene()
    scene.shell.programs.on_kill = scene.killed
    restarted = lambda: scene.cluster.ended("node1", "web", "start", NOON_MS + 5)  # noqa: E731 - one of a list of events
    said = scene.play("kill", "", restarted, scene.back)
    assert wrong(said) == ["start of web on node1"]
    assert "FAILED" in said.text


def test_a_daemon_that_nobody_starts_again() -> None:
    scene = Scene()
    scene.shell.programs.on_kill = scene.killed
    (told,) = wrong(scene.play("kill"))
    assert "does a supervisor start it again?" in told
    assert "does not answer" in told


def test_what_may_not_be_killed_was_not() -> None:
    scene = Scene()
    scene.shell.programs.on_kill = lambda _pid: "not permitted"
    with pytest.raises(Refused, match="not killed: not permitted"):
        scene.play("kill")
    scene.cluster.pid = None
    with pytest.raises(Refused, match="cannot be seen from here"):
        scene.play("kill")


def test_a_node_that_is_cut_off_and_comes_back() -> None:
    scene = Scene()
    said = scene.play("split", "", lambda: None, lambda: scene.cluster.hear("alive"))
    assert wrong(said) == []
    assert wire.Isolate(2_000) in scene.cluster.asked
    texts = [step["text"] for step in said.data["steps"]]  # type: ignore[union-attr, attr-defined]
    assert texts[:2] == ["no other node is heard", "node1 has no quorum: no-quorum-policy holds here"]


def test_a_cut_that_does_not_end() -> None:
    (told,) = wrong(Scene().play("split"))
    assert "the cut ends by itself" in told


def test_a_resource_that_is_lost_in_a_split() -> None:
    scene = Scene()

    def heal() -> None:
        scene.cluster.hear("alive")
        scene.cluster.by_somebody_else(scene.cluster.cib)
        kept = tuple(one for one in scene.cluster.views[0].status.operations if one.resource != "web")
        scene.cluster.change("node1", status=NodeStatus(node=NodeId("node1"), operations=kept))
        scene.shell.run("resource unmanage web")

    assert any("web (Started) is active 0 times" in text for text in wrong(scene.play("split", "", heal)))


def test_a_node_that_is_fenced_and_comes_back() -> None:
    scene = Scene(FENCED)

    def off() -> None:
        scene.cluster.fenced("node2", ok=True)
        scene.cluster.hear("alive", incarnation="2.y")
        scene.cluster.lose("node2")

    said = scene.play("fence", "node2", lambda: None, off, lambda: scene.cluster.change("node2", online=True))
    assert wrong(said) == []
    assert wire.FenceNode(NodeId("node2")) in scene.cluster.asked
    assert any("f says that node2 is off" in line for line in scene.teller.lines)


def test_the_others_take_over_once_who_is_fenced_is_heard_no_more() -> None:
    """What another node takes over is not told before the DC knows that nothing comes from there any more."""
    scene = Scene(FENCED)

    def off() -> None:
        scene.cluster.fenced("node2", ok=True)
        scene.cluster.hear("suspect", has_quorum=True)
        scene.cluster.change("node2", online=False, pending=True)

    assert wrong(scene.play("fence", "node2", off)) == ["not within 3 s: the daemon of node2 is gone"]


@pytest.mark.parametrize("two_node", [False, True])
def test_the_other_one_may_be_fenced_where_there_are_two(two_node: bool) -> None:
    scene = Scene()

    def heal() -> None:
        scene.cluster.fenced("node2", ok=True)
        scene.cluster.hear("alive")
        quorum = replace(scene.cluster.status.quorum, two_node=two_node)
        scene.cluster.status = replace(scene.cluster.status, quorum=quorum)

    found = wrong(scene.play("split", "", heal))
    assert found == ([] if two_node else ["node2 was fenced (reboot, f: done)"])


def test_what_another_dc_remembers_did_not_happen_now() -> None:
    scene = Scene()
    old = wire.Fenced(target=NODES[1], operation="off", by=NODES[0], device="f", ok=True, ended_ms=NOON_MS - 3_600_000)

    def heal() -> None:
        scene.cluster.hear("alive")
        scene.cluster.status = replace(scene.cluster.status, fenced=(old,))

    assert wrong(scene.play("split", "", heal)) == []


def test_a_device_that_fails() -> None:
    scene = Scene(FENCED)
    assert wrong(scene.play("fence", "node2", lambda: scene.cluster.fenced("node2", ok=False))) == [
        "f could not fence node2: no"
    ]


def test_a_resource_whose_processes_are_ended() -> None:
    scene = Scene()
    scene.shell.programs.running["web"] = (7, 8)
    said = scene.play("resource", "web", lambda: scene.cluster.fail("web", "node1"))
    assert wrong(said) == []
    assert scene.shell.programs.killed == [7, 8]
    assert wire.Cleanup(ResourceId("web")) in scene.cluster.asked


def test_a_resource_without_processes_is_stopped_by_its_agent() -> None:
    scene = Scene()
    said = scene.play("resource", "web", lambda: scene.cluster.fail("web", "node1"))
    assert wrong(said) == []
    assert scene.shell.programs.ran == [("ocf:test:Web", "stop")]
    scene.shell.programs.answers["stop"] = Ended(code=1, err="it does not want to\n")
    with pytest.raises(Refused, match="it does not want to"):
        scene.play("resource", "web")


def test_a_failure_that_nobody_notices() -> None:
    (told,) = wrong(Scene().play("resource", "web"))
    assert "a monitor of web notices" in told


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("kill", "node1"), "has no target|name nothing"),
        (("fence",), "needs a node"),
        (("resource",), "needs a primitive"),
    ],
)
def test_a_target_where_one_is_needed(words: tuple[str, ...], expected: str) -> None:
    with pytest.raises(Usage, match=expected):
        Scene().play(*words)


def test_a_cut_is_bounded() -> None:
    with pytest.raises(Usage, match="1s to 60s"):
        Scene().play("split", for_ms=61_000)


@pytest.mark.parametrize(
    ("test", "target", "expected"),
    [
        ("fence", "node1", "the node that answers"),
        ("fence", "nosuch", "no node 'nosuch'"),
        ("fence", "node2", "fencing is switched off"),
        ("resource", "cache", "no recurring monitor"),
        ("resource", "apps", "no primitive"),
    ],
)
def test_what_cannot_be_broken(test: str, target: str, expected: str) -> None:
    scene = Scene(WEB + "location cache-prefers-node1 apps inf: node1\n")
    with pytest.raises(Refused, match=expected):
        scene.play(test, target)


def test_a_resource_is_broken_where_it_runs() -> None:
    scene = Scene(WEB.replace("100: node1", "100: node2"))
    with pytest.raises(Refused, match="but on node2"):
        scene.play("resource", "web")


def test_a_cluster_that_is_not_healthy_is_left_alone_unless_forced() -> None:
    for spoil, expected in (
        (lambda c: c.hear("lost", has_quorum=True), "node2 is lost"),
        (lambda c: c.hear("alive", has_quorum=False), "no DC with a quorum"),
        (lambda c: c.fail("web", "node1"), "web failed on node1"),
        (lambda c: c.change("node3", unclean=True), "node3 is UNCLEAN"),
    ):
        scene = Scene()
        spoil(scene.cluster)
        with pytest.raises(Refused, match=expected) as refused:
            scene.play("split")
        assert "--force" in str(refused.value)
        assert wire.Isolate(2_000) not in scene.cluster.asked
    scene = Scene(force=True)
    scene.cluster.fail("web", "node1")
    assert wrong(scene.play("split", "", lambda: scene.cluster.hear("alive"))) == []


@pytest.mark.parametrize(
    ("test", "target", "expected"),
    [
        ("kill", "", "hashelld of node1 .process 100. is killed. It runs web"),
        ("split", "", "cut off for 2s.*node1 stops what it runs"),
        ("resource", "web", "behind the cluster's back"),
    ],
)
def test_nothing_is_done_before_it_is_asked_for(test: str, target: str, expected: str) -> None:
    scene = Scene()
    scene.shell.session.options = Options()
    with pytest.raises(Refused, match=expected):
        scene.play(test, target)
    assert scene.shell.programs.killed == []
    assert wire.Isolate(2_000) not in scene.cluster.asked


def test_where_fencing_is_on_a_split_is_said_to_end_this_node() -> None:
    scene = Scene(FENCED)
    scene.shell.session.options = Options()
    with pytest.raises(Refused, match="the others FENCE node1, and this shell ends with it"):
        scene.play("split")
    with pytest.raises(Refused, match="node2 is POWERED OFF or restarted by f"):
        scene.play("fence", "node2")


def test_a_daemon_that_is_too_slow_is_one_that_does_not_answer() -> None:
    scene = Scene()

    def slow() -> None:
        def ask(request: wire.Request, timeout_ms: int = 10_000) -> wire.Answer:
            raise TimedOut("slow")

        scene.cluster.ask = ask  # type: ignore[method-assign]

    assert "does not answer" in wrong(scene.play("split", "", slow))[0]
