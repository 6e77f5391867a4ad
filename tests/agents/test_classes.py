"""Init scripts, units and legacy heartbeat scripts."""

from __future__ import annotations

import pytest

from hashelld.agents.classes import interpret, invocation
from hashelld.agents.kinds import AgentRefused
from tests.agents.build import NODE, Around, action


def test_an_init_script_is_asked_for_its_status():
    assert invocation(action("lsb:nginx", "monitor"), NODE, Around()).argv == ("/etc/init.d/nginx", "status")
    assert invocation(action("lsb:nginx", "stop"), NODE, Around()).argv == ("/etc/init.d/nginx", "stop")


@pytest.mark.parametrize(
    ("operation", "rc", "expected"),
    [
        *(("monitor", rc, ocf) for rc, ocf in [(0, 0), (1, 1), (2, 1), (3, 7), (4, 1), (150, 5), (151, 4), (99, 1)]),
        *(("start", rc, ocf) for rc, ocf in [(0, 0), (1, 1), (4, 4), (5, 5), (7, 7), (42, 1), (-15, 1)]),
        *(("stop", rc, ocf) for rc, ocf in [(0, 0), (7, 0), (1, 1)]),
    ],
)
def test_codes_of_init_scripts(operation, rc, expected):
    assert interpret(action("lsb:nginx", operation), rc, "", "")[0] == expected


@pytest.mark.parametrize("name", ["lsb:nginx", "systemd:nginx", "heartbeat:nginx"])
def test_operations_that_a_class_does_not_have_are_unimplemented(name):
    with pytest.raises(AgentRefused) as refusal:
        invocation(action(name, "promote"), NODE, Around())
    assert refusal.value.rc == 3


def test_units_are_driven_by_systemctl():
    assert invocation(action("systemd:nginx"), NODE, Around()).argv == ("/usr/bin/systemctl", "start", "nginx.service")
    assert invocation(action("systemd:pg@14-main", "monitor"), NODE, Around()).argv == (
        "/usr/bin/systemctl",
        "show",
        "-p",
        "ActiveState,SubState,LoadState",
        "pg@14-main.service",
    )
    assert invocation(action("systemd:a.socket", "stop"), NODE, Around()).argv[-1] == "a.socket"


@pytest.mark.parametrize(
    ("state", "probe", "recurring"),
    [
        ("active/running", 0, 0),
        ("active/exited", 0, 0),
        ("reloading/reload", 0, 0),
        ("inactive/dead", 7, 7),
        ("failed/failed", 7, 1),
        ("activating/start", 0, 0),
        ("activating/auto-restart", 7, 7),
        ("deactivating/stop", 0, 1),
    ],
)
def test_states_of_units(state, probe, recurring):
    active, sub = state.split("/")
    shown = f"SubState={sub}\nActiveState={active}\nLoadState=loaded\n"
    assert interpret(action("systemd:x", "monitor", expected_rc=7), 0, shown, "")[0] == probe
    assert interpret(action("systemd:x", "monitor", interval_ms=1), 0, shown, "")[0] == recurring


def test_a_unit_that_does_not_exist():
    shown = "LoadState=not-found\nActiveState=inactive\nSubState=dead\n"
    assert interpret(action("systemd:x", "monitor"), 0, shown, "") == (5, "there is no unit x.service")
    assert interpret(action("systemd:x", "start"), 5, "", "Unit x.service not found.") == (
        5,
        "Unit x.service not found.",
    )
    assert interpret(action("systemd:x", "stop"), 5, "", "Unit x.service not loaded.") == (0, "")


@pytest.mark.parametrize(("rc", "shown"), [(1, "ActiveState=active\n"), (0, ""), (0, "nonsense")])
def test_a_systemctl_that_tells_nothing_is_a_failure(rc, shown):
    assert interpret(action("systemd:x", "monitor"), rc, shown, "Failed to connect to bus") == (
        1,
        "Failed to connect to bus",
    )


def test_service_is_the_init_script_where_there_is_one():
    there = {"/etc/init.d/nginx"}.__contains__
    assert invocation(action("service:nginx"), NODE, Around(), there).argv == ("/etc/init.d/nginx", "start")
    assert invocation(action("service:nginx"), NODE, Around()).argv[0] == "/usr/bin/systemctl"
    assert interpret(action("service:nginx", "monitor"), 3, "", "", there) == (7, "script said 3")


def test_heartbeat_scripts_get_the_action_last():
    parameters = {"2": "eth0", "10": "z", "1": "10.0.0.1/24"}
    called = invocation(action("heartbeat:IPaddr", "monitor", **parameters), NODE, Around())
    assert called.argv == ("/etc/ha.d/resource.d/IPaddr", "10.0.0.1/24", "eth0", "z", "status")
    assert called.environment["HA_CURHOST"] == "node1"


def test_a_heartbeat_script_may_be_an_init_script():
    there = {"/etc/init.d/httpd"}.__contains__
    assert invocation(action("heartbeat:httpd"), NODE, Around(), there).argv == ("/etc/init.d/httpd", "start")


def test_heartbeat_scripts_have_no_named_parameters():
    with pytest.raises(AgentRefused, match="'ip'"):
        invocation(action("heartbeat:IPaddr", ip="10.0.0.1"), NODE, Around())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("running", 0),
        ("IPaddr Running OK", 0),
        ("OK", 0),
        ("ok", 7),
        ("", 7),
        ("not running", 7),
        ("Not Running", 7),
        ("Resource is stopped", 7),
        ("*stopped* was running", 7),
    ],
)
@pytest.mark.parametrize("rc", [0, 1])
def test_the_text_of_a_heartbeat_script_decides(text, expected, rc):
    assert interpret(action("heartbeat:IPaddr", "monitor"), rc, text, "") == (expected, "")


def test_start_of_a_heartbeat_script_is_judged_by_its_code():
    assert interpret(action("heartbeat:IPaddr"), 0, "", "x") == (0, "")
    assert interpret(action("heartbeat:IPaddr"), 4, "", "") == (1, "script said 4")
