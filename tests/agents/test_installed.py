"""Agents on a machine: found in their places, described, remembered."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hashell.client.agents import InstalledAgents, Places
from hashelld.model.resource import Agent
from tests.agents.build import agent


SCRIPT = """#!/bin/sh
echo asked >> "$(dirname "$0")/.asked"
echo '<resource-agent name="A" version="{version}"><shortdesc>Title</shortdesc></resource-agent>'
"""


def program(path: Path, text: str = "#!/bin/sh\n", mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.fixture
def places(tmp_path: Path) -> Places:
    ocf = tmp_path / "ocf" / "resource.d"
    program(ocf / "heartbeat" / "Thing", SCRIPT.format(version="1"))
    program(ocf / "heartbeat" / "Silent")
    program(ocf / "heartbeat" / "Broken", "#!/bin/sh\nexit 1\n")
    program(ocf / "heartbeat" / ".ocf-shellfuncs")
    program(ocf / "heartbeat" / "README", mode=0o644)
    program(ocf / "acme" / "Thing")
    program(ocf / "acme" / "Rocket")
    program(ocf / "pacemaker" / "Only")
    program(tmp_path / "init.d" / "httpd")
    program(tmp_path / "ha.d" / "IPaddr")
    program(
        tmp_path / "sbin" / "fence_x", '#!/bin/sh\n[ "$*" = "-o metadata" ] && echo "<resource-agent name=\'x\'/>"\n'
    )
    program(tmp_path / "sbin" / "other")
    program(tmp_path / "external" / "ipmi")
    program(tmp_path / "systemctl")
    program(tmp_path / "units" / "web.service", mode=0o644)
    program(tmp_path / "units" / "pg@.service", mode=0o644)
    program(tmp_path / "units" / "a.socket", mode=0o644)
    return Places(
        ocf_root=tmp_path / "ocf",
        init_scripts=tmp_path / "init.d",
        heartbeat_scripts=tmp_path / "ha.d",
        fence_agents=tmp_path / "sbin",
        external_plugins=tmp_path / "external",
        systemctl=tmp_path / "systemctl",
        unit_folders=(tmp_path / "units", tmp_path / "absent"),
        cache=tmp_path / "cache",
    )


def test_what_there_is(places):
    here = InstalledAgents(places)
    assert here.providers() == ("heartbeat", "pacemaker", "hashell", "acme")
    assert here.types("ocf", "heartbeat") == ("Broken", "Silent", "Thing")
    assert here.types("ocf", "hashell") == ("Dummy", "Stateful", "Tick", "WebServer")
    assert "Rocket" in here.types("ocf")
    assert here.types("lsb") == ("httpd",)
    assert here.types("heartbeat") == ("IPaddr",)
    assert here.types("stonith") == ("external/ipmi", "fence_x")
    assert here.types("systemd") == ("web",)
    assert here.types("service") == ("httpd", "web")
    assert here.types("upstart") == ()
    assert Agent("ocf", "acme", "Rocket") in here.agents()
    assert all(a.standard == "lsb" for a in here.agents("lsb"))


def test_a_machine_without_anything_has_our_own_agents(tmp_path):
    nothing = tmp_path / "nothing"
    here = InstalledAgents(
        Places(
            ocf_root=nothing,
            init_scripts=nothing,
            heartbeat_scripts=nothing,
            fence_agents=nothing,
            external_plugins=nothing,
            systemctl=nothing,
        )
    )
    assert {a.provider for a in here.agents()} == {"hashell"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Thing", "ocf:heartbeat:Thing"),
        ("ocf:Thing", "ocf:heartbeat:Thing"),
        ("acme:Thing", "ocf:acme:Thing"),
        ("Rocket", "ocf:acme:Rocket"),
        ("Only", "ocf:pacemaker:Only"),
        ("Tick", "ocf:hashell:Tick"),
        ("fence_x", "stonith:fence_x"),
        ("external/ipmi", "stonith:external/ipmi"),
        ("ocf:nobody:Absent", "ocf:nobody:Absent"),
        ("systemd:anything", "systemd:anything"),
        ("stonith:fence_y", "stonith:fence_y"),
        ("lsb:httpd", "lsb:httpd"),
    ],
)
def test_what_a_name_means(places, text, expected):
    assert InstalledAgents(places).resolve(text) == agent(expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Absent",
        "fence_y",
        "external/y",
        "nobody:Thing",
        "ocf:Absent",
        "systemd:",
        "ocf::Thing",
        "ocf:a:",
        "../heartbeat/Thing",
        "acme:../heartbeat/Thing",
        ".ocf-shellfuncs",
        "README",
        "_daemons",
        ":",
    ],
)
def test_names_that_mean_nothing(places, text):
    assert InstalledAgents(places).resolve(text) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("systemd:web", True),
        ("systemd:web.service", True),
        ("systemd:pg@14", True),
        ("systemd:nope", False),
        ("service:httpd", True),
        ("lsb:httpd", True),
        ("lsb:web", False),
        ("ocf:acme:Rocket", True),
    ],
)
def test_what_is_installed(places, name, expected):
    assert InstalledAgents(places).is_installed(agent(name)) is expected


def test_an_agent_is_asked_once_for_all_shells_until_it_changes(places):
    thing = places.ocf_root / "resource.d" / "heartbeat" / "Thing"
    asked = thing.with_name(".asked")
    for _ in range(2):
        metadata = InstalledAgents(places).metadata(agent("ocf:heartbeat:Thing"))
        assert metadata is not None
        assert (metadata.version, metadata.shortdesc) == ("1", "Title")
    assert asked.read_text() == "asked\n"
    program(thing, SCRIPT.format(version="2"))
    os.utime(thing, ns=(1, 1))
    found = InstalledAgents(places).metadata("Thing")
    assert found is not None
    assert found.version == "2"


def test_a_damaged_cache_costs_nothing_but_time(places):
    assert InstalledAgents(places).metadata("Thing") is not None
    assert places.cache is not None
    for kept in places.cache.iterdir():
        kept.write_bytes(b'{"agent": 5')
    assert InstalledAgents(places).metadata("Thing") is not None


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(places, tmp_path):
    assert places.cache is not None
    places.cache.write_text("a file in its place")
    assert InstalledAgents(places).metadata("Thing") is not None


@pytest.mark.parametrize(
    "name",
    [
        "ocf:heartbeat:Silent",
        "ocf:heartbeat:Broken",
        "ocf:heartbeat:Absent",
        "systemd:web",
        "stonith:external/ipmi",
        "ocf:heartbeat:README",
        "ocf:heartbeat:../acme/Thing",
        "Absent",
    ],
)
def test_agents_that_say_nothing(places, name):
    here = InstalledAgents(places)
    assert here.metadata(name) is None
    assert here.metadata(agent(name)) is None


def test_a_fencing_agent_describes_itself(places):
    metadata = InstalledAgents(places).metadata("fence_x")
    assert metadata is not None
    assert metadata.agent == "x"


def test_a_device_that_is_tried_by_hand_is_told_its_own_parameters_alone(places):
    given = {"action": "reboot", "pcmk_host_list": "node3", "user": "u"}
    call = InstalledAgents(places).call(agent("stonith:fence_x"), "monitor", "x", given)
    assert call is not None
    assert call.text == "action=monitor\nuser=u\n"


@pytest.mark.parametrize("name", ["fence_x", "external/ipmi"])
def test_a_device_is_never_told_by_hand_to_switch_anything(places, name):
    here, device = InstalledAgents(places), agent(f"stonith:{name}")
    for operation in ("stop", "off", "on", "reboot", "promote", "demote", "status", "cycle"):
        assert here.call(device, operation, "x", {"user": "u"}) is None
    for verb in ("off", "on", "reboot", "reset", "cycle", "diag"):
        assert here.call(device, "monitor", "x", {"pcmk_monitor_action": verb}) is None
    assert here.call(device, "start", "x", {"user": "u\naction=off"}) is None


def test_to_start_a_device_by_hand_is_to_ask_whether_it_works(places):
    here = InstalledAgents(places)
    call = here.call(agent("stonith:fence_x"), "start", "x", {"user": "u", "pcmk_monitor_action": "list"})
    assert call is not None
    assert call.text == "action=list\nuser=u\n"
    plugin = here.call(agent("stonith:external/ipmi"), "start", "x", {"hostname": "n2", "action": "off"})
    assert plugin is not None
    assert plugin.command[1:] == ("status",)
    assert plugin.environment["hostname"] == "n2"
    assert "action" not in plugin.environment
    assert here.call(agent("stonith:external/ipmi"), "validate-all", "x", {}) is None


def test_titles_are_offered_of_what_was_read(places):
    here = InstalledAgents(places)
    assert dict(here.offered())["ocf:heartbeat:Thing"] == ""
    here.metadata("Thing")
    assert dict(here.offered())["ocf:heartbeat:Thing"] == "Title"
    assert dict(InstalledAgents(places).offered())["ocf:heartbeat:Thing"] == "Title"
