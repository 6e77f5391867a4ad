"""Fencing agents: what they are told, and what never reaches them."""

from __future__ import annotations

import pytest

from hashelld.agents.classes import interpret, invocation
from hashelld.agents.fence import fencing
from hashelld.agents.kinds import AgentRefused, Invocation
from hashelld.model.ids import NodeId
from tests.agents.build import NODE, Around, action, agent


def fence(name: str, operation: str = "off", at: str = "7", **parameters: str) -> Invocation:
    return fencing(agent(name), parameters, operation, NodeId("node3"), at, NODE, Around(), 60_000)


def test_the_action_is_the_first_line_and_nothing_is_in_the_arguments():
    called = fence("stonith:fence_ipmilan", ip="10.0.0.1", password="s3 cret")
    assert called.argv == ("/usr/sbin/fence_ipmilan",)
    assert called.stdin == "action=off\nip=10.0.0.1\npassword=s3 cret\nnodename=node3\nplug=7\n"
    assert "s3 cret" not in called.environment.values()


def test_a_configured_action_and_the_clusters_own_parameters_are_not_told():
    told = fence(
        "stonith:fence_x", action="status", option="reboot", pcmk_host_list="node3", priority="5", crm_x="1", user="u"
    )
    assert told.stdin == "action=off\nuser=u\nnodename=node3\nplug=7\n"


@pytest.mark.parametrize(
    ("parameters", "lines"),
    [
        ({"pcmk_host_argument": "port"}, "nodename=node3\nport=7\n"),
        ({"pcmk_host_argument": "none"}, "nodename=node3\n"),
        ({"plug": "vm1"}, "plug=vm1\nnodename=node3\n"),
        ({"port": "vm1"}, "port=vm1\nnodename=node3\n"),
        ({"port": "dynamic"}, "port=dynamic\nnodename=node3\nplug=7\n"),
    ],
)
def test_how_the_agent_learns_whom_to_fence(parameters, lines):
    assert fence("stonith:fence_x", **parameters).stdin == "action=off\n" + lines


def test_without_a_plug_the_target_is_named():
    assert fence("stonith:fence_x", at="").stdin.endswith("plug=node3\n")


def test_an_operation_may_be_another_action_of_the_agent():
    assert fence("stonith:fence_x", "reboot", pcmk_reboot_action="off").stdin.startswith("action=off\n")


@pytest.mark.parametrize(
    "parameters", [{"x": "1\naction=on"}, {"x": "1\raction=on"}, {"x y": "1"}, {"#x": "1"}, {"a=b": "1"}, {"": "1"}]
)
def test_what_would_become_another_line_is_refused(parameters):
    with pytest.raises(AgentRefused, match="cannot be told"):
        fence("stonith:fence_x", **parameters)


@pytest.mark.parametrize("name", ["stonith:null", "stonith:fence_../x", "stonith:external/../x", "stonith:/bin/sh"])
def test_other_programs_are_refused(name):
    with pytest.raises(AgentRefused):
        fence(name)


@pytest.mark.parametrize(("operation", "word"), [("off", "off"), ("reboot", "reset"), ("on", "on")])
def test_plugins_of_cluster_glue_get_parameters_in_the_environment(operation, word):
    called = fence("stonith:external/ipmi", operation, at="node3", hostname="node3", pcmk_delay_base="5")
    assert called.argv == ("/usr/lib/stonith/plugins/external/ipmi", word, "node3")
    assert called.environment["hostname"] == "node3"
    assert called.environment["HA_LOGTAG"] == "external/ipmi"
    assert called.environment["PATH"].startswith("/usr/share/cluster-glue:")
    assert "pcmk_delay_base" not in called.environment
    assert called.stdin == ""


@pytest.mark.parametrize("operation", ["start", "monitor"])
def test_start_and_monitor_of_a_device_ask_whether_it_works(operation):
    called = invocation(action("stonith:fence_x", operation, ip="10.0.0.1"), NODE, Around())
    assert called.stdin == "action=monitor\nip=10.0.0.1\n"
    assert invocation(action("stonith:external/ipmi", operation), NODE, Around()).argv[1:] == ("status",)


def test_results():
    assert interpret(action("stonith:fence_x"), 0, "", "DeprecationWarning") == (0, "")
    assert interpret(action("stonith:fence_x"), 2, "", "Status: OFF\n") == (1, "Status: OFF")
    assert interpret(action("stonith:fence_x"), 1, "", "") == (1, "stonith:fence_x said 1")
