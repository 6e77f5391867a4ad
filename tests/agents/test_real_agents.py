"""Debian's agents, driven by what this package makes of actions."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from hashell.client.agents import InstalledAgents, Places
from hashelld.agents.classes import interpret, invocation
from hashelld.agents.fence import fencing
from hashelld.agents.kinds import Invocation
from hashelld.model.ids import NodeId
from tests.agents.build import NODE, Around, action, agent


PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def execute(called: Invocation) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        called.argv,
        env={"PATH": PATH, "LC_ALL": "C"} | called.environment,
        input=called.stdin,
        capture_output=True,
        text=True,
        timeout=called.timeout_ms / 1000,
        check=False,
    )


@pytest.mark.needs("heartbeat:Dummy")
def test_dummy_lives_and_dies(tmp_path: Path):
    around = Around(state_dir=str(tmp_path))
    seen = []
    for operation in ("monitor", "start", "monitor", "stop", "monitor"):
        wanted = action("ocf:heartbeat:Dummy", operation, state=str(tmp_path / "state"))
        ended = execute(invocation(wanted, NODE, around))
        seen.append(interpret(wanted, ended.returncode, ended.stdout, ended.stderr)[0])
    assert seen == [7, 0, 0, 0, 7]


@pytest.mark.needs("heartbeat:IPaddr2")
def test_ipaddr2_describes_itself():
    metadata = InstalledAgents(Places()).metadata("IPaddr2")
    assert metadata is not None
    ip = metadata.parameter("ip")
    assert ip is not None
    assert ip.required
    assert ip.unique
    assert {"start", "stop", "monitor"} <= {a.name for a in metadata.actions}


@pytest.mark.needs("heartbeat:IPaddr2")
def test_ipaddr2_gives_its_reason():
    wanted = action("ocf:heartbeat:IPaddr2", "validate-all", ip="nonsense")
    ended = execute(invocation(wanted, NODE, Around(state_dir=os.devnull)))
    rc, reason = interpret(wanted, ended.returncode, ended.stdout, ended.stderr)
    assert rc != 0
    assert reason


@pytest.mark.needs("fence_dummy")
def test_fence_dummy_is_told_to_switch_off_and_on(tmp_path: Path):
    power = tmp_path / "power"
    power.write_text("on")
    parameters = {"status_file": str(power), "action": "status", "pcmk_host_list": "node3"}
    for operation, state in (("off", "off"), ("on", "on"), ("reboot", "on")):
        called = fencing(
            agent("stonith:fence_dummy"), parameters, operation, NodeId("node3"), "node3", NODE, Around(), 20_000
        )
        assert execute(called).returncode == 0
        assert power.read_text().strip() == state
    watch = action("stonith:fence_dummy", "monitor", status_file=str(power))
    assert execute(invocation(watch, NODE, Around())).returncode == 0


@pytest.mark.needs("fence_dummy")
def test_fence_dummy_that_fails_gives_its_reason():
    called = fencing(
        agent("stonith:fence_dummy"),
        {"type": "fail", "power_timeout": "1"},
        "off",
        NodeId("node3"),
        "node3",
        NODE,
        Around(),
        20_000,
    )
    ended = execute(called)
    rc, reason = interpret(action("stonith:fence_dummy"), ended.returncode, ended.stdout, ended.stderr)
    assert rc == 1
    assert "power" in reason.lower()
