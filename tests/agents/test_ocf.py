"""OCF agents: what is executed, in which environment, and what comes of the result."""

from __future__ import annotations

import sys

import msgspec
import pytest

from hashelld.agents.classes import interpret, invocation
from hashelld.agents.kinds import REASON_LENGTH_MAX, AgentRefused
from hashelld.model.ids import ResourceId
from tests.agents.build import NODE, Around, action


def test_the_agent_is_executed_by_its_path_with_the_action_alone():
    called = invocation(action("ocf:heartbeat:IPaddr2", ip="10.0.0.9"), NODE, Around())
    assert called.argv == ("/usr/lib/ocf/resource.d/heartbeat/IPaddr2", "start")
    assert called.timeout_ms == 7_000
    assert called.stdin == ""


def test_the_environment_is_ocf_1_1():
    wanted = msgspec.structs.replace(
        action("ocf:heartbeat:IPaddr2", "monitor", interval_ms=10_000, ip="10.0.0.9"),
        meta={"clone-max": "2", "notify_type": "pre"},
    )
    environment = invocation(wanted, NODE, Around(environment={"EXTRA": "1"})).environment
    assert {
        "OCF_ROOT": "/usr/lib/ocf",
        "OCF_RA_VERSION_MAJOR": "1",
        "OCF_RA_VERSION_MINOR": "1",
        "OCF_RESOURCE_INSTANCE": "rsc:0",
        "OCF_RESOURCE_TYPE": "IPaddr2",
        "OCF_RESOURCE_PROVIDER": "heartbeat",
        "OCF_RESKEY_ip": "10.0.0.9",
        "OCF_RESKEY_CRM_meta_timeout": "7000",
        "OCF_RESKEY_CRM_meta_interval": "10000",
        "OCF_RESKEY_CRM_meta_name": "monitor",
        "OCF_RESKEY_CRM_meta_on_node": "node1",
        "OCF_RESKEY_CRM_meta_clone_max": "2",
        "OCF_RESKEY_CRM_meta_notify_type": "pre",
        "OCF_CHECK_LEVEL": "0",
        "HA_RSCTMP": "/run/test",
        "EXTRA": "1",
    }.items() <= environment.items()


def test_an_instance_of_a_clone_is_called_as_in_its_history_and_learns_of_its_clone():
    wanted = msgspec.structs.replace(
        action("ocf:heartbeat:Stateful", "notify"),
        resource=ResourceId("db"),
        meta={
            "clone": "1",
            "clone-max": "3",
            "notify_type": "post",
            "notify_promote_uname": "n1 n2",
            "notify_key": " ",
        },
    )
    environment = invocation(wanted, NODE, Around()).environment
    assert environment["OCF_RESOURCE_INSTANCE"] == "db"
    told = {
        name.removeprefix("OCF_RESKEY_CRM_meta_"): value
        for name, value in environment.items()
        if name.startswith("OCF_RESKEY_CRM_meta_")
    }
    assert told == {
        "clone": "1",
        "clone_max": "3",
        "notify_type": "post",
        "notify_promote_uname": "n1 n2",
        "notify_key": " ",
        "name": "notify",
        "interval": "0",
        "timeout": "7000",
        "on_node": "node1",
        "on_node_uuid": "node1",
        "op_target_rc": "0",
    }


@pytest.mark.parametrize("name", ["ocf:heartbeat:Stateful", "ocf:hashell:Stateful", "heartbeat:Stateful"])
def test_the_daemon_s_commands_come_before_pacemaker_s(name):
    environment = invocation(action(name), NODE, Around(shims_dir="/s")).environment
    assert environment["HA_SBIN_DIR"] == "/s"
    assert environment["PATH"] == "/s:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    own_path = Around(shims_dir="/s", environment={"PATH": "/opt/bin"})
    assert invocation(action(name), NODE, own_path).environment["PATH"] == "/s:/opt/bin"
    assert "PATH" not in invocation(action(name), NODE, Around()).environment


def test_the_check_level_is_an_operation_parameter():
    called = invocation(action("ocf:heartbeat:Filesystem", "monitor", OCF_CHECK_LEVEL="20"), NODE, Around())
    assert called.environment["OCF_CHECK_LEVEL"] == "20"


def test_own_agents_run_through_the_shell_with_this_interpreter_and_the_system_root():
    called = invocation(action("ocf:hashell:Tick"), NODE, Around())
    assert called.argv == ("/bin/sh", "/opt/hashelld/agents/ocf/hashell/Tick", "start")
    assert called.environment["HASHELL_PYTHON"] == sys.executable
    assert called.environment["OCF_ROOT"] == "/usr/lib/ocf"


def test_without_a_state_folder_agents_use_the_systems():
    called = invocation(action("ocf:heartbeat:Dummy"), NODE, Around(state_dir=""))
    assert called.environment["HA_RSCTMP"] == "/run/resource-agents"


@pytest.mark.parametrize(
    "name",
    [
        "ocf:heartbeat:../../../bin/sh",
        "ocf:..:sh",
        "ocf:heartbeat:.hidden",
        "ocf:heartbeat:-x",
        "ocf::Dummy",
        "ocf:a:b c",
    ],
)
def test_names_that_are_paths_are_refused(name):
    with pytest.raises(AgentRefused, match="no plain file name"):
        invocation(action(name), NODE, Around())


@pytest.mark.parametrize("parameters", [{"a=b": "1"}, {"a": "1\0"}])
def test_parameters_that_no_environment_can_hold_are_refused(parameters):
    with pytest.raises(AgentRefused, match="environment"):
        invocation(action("ocf:heartbeat:Dummy", **parameters), NODE, Around())


def test_own_agents_without_their_place_are_refused_as_not_installed():
    with pytest.raises(AgentRefused) as refusal:
        invocation(action("ocf:hashell:Tick"), NODE, Around(own_ocf_root=""))
    assert refusal.value.rc == 5


def test_an_unknown_class_is_refused_with_the_known_ones():
    with pytest.raises(AgentRefused, match=r"upstart.*ocf, systemd"):
        invocation(action("upstart:cron"), NODE, Around())


@pytest.mark.parametrize(
    ("rc", "stderr", "expected"),
    [
        (0, "noise", (0, "")),
        (7, "noise\n", (7, "noise")),
        (1, "a\nocf-exit-reason:first\nocf-exit-reason:second\nb\n", (1, "second")),
        (190, "ocf-exit-reason:slow", (0, "slow")),
        (191, "", (8, "degraded")),
        (-9, "", (1, "ended by signal 9")),
        (1, "\x1b[31mred\x07\n \n", (1, "[31mred")),
        (300, "", (1, "impossible return code 300")),
    ],
)
def test_results(rc, stderr, expected):
    assert interpret(action("ocf:heartbeat:Dummy", "monitor", interval_ms=1), rc, "", stderr) == expected


def test_an_expected_code_has_no_reason():
    assert interpret(action("ocf:heartbeat:Dummy", "monitor", expected_rc=7), 7, "", "not running") == (7, "")


def test_standard_output_is_the_last_resort_and_reasons_are_short():
    rc, reason = interpret(action("ocf:heartbeat:Dummy"), 1, "x" * 5_000, "")
    assert (rc, len(reason)) == (1, REASON_LENGTH_MAX)
