"""hashelld.toml: what is legal, and that every mistake is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from hashelld.config import ConfigError, DaemonConfig, load, parse, to_settings


NODES = """
[[nodes]]
name = "node1"
addresses = ["10.0.0.1"]
[[nodes]]
name = "node2"
addresses = ["10.0.0.2", "fd00::2"]
"""


ARBITER = "[[nodes]]\nname = 'node3'\naddresses = ['10.0.0.3']\narbiter = true\n"


def read(text: str, uname: str = "node1") -> DaemonConfig:
    return parse(text, "/etc/hashell/hashelld.toml", uname)


def problems(text: str, uname: str = "node1") -> list[tuple[int, str]]:
    with pytest.raises(ConfigError) as raised:
        read(text, uname)
    return [(problem.line, problem.text) for problem in raised.value.problems]


def test_everything_but_nodes_has_a_default() -> None:
    config = read(NODES)
    assert config.node == "node1"
    assert config.socket == "/run/hashell/hashelld.sock"
    assert config.keys == ("/etc/hashell/cluster.key",)
    assert [entry.port for entry in config.nodes] == [5409, 5409]
    assert (config.keepalive_ms, config.warntime_ms, config.deadtime_ms, config.initdead_ms) == (100, 300, 600, 10_000)
    assert config.founding.votes == {"node1": 1, "node2": 1}
    assert config.takeover_delay_ms is None
    assert [entry.name for entry in config.peers] == ["node2"]


def test_a_single_node_is_a_cluster() -> None:
    assert read('[[nodes]]\nname="node1"\naddresses=["::1"]').peers == ()


def test_names_fold() -> None:
    assert read(NODES, "NODE2").node == "node2"


def test_relative_paths_count_from_the_file() -> None:
    config = read('[node]\nstate = "s"\nsocket = "../x.sock"\n[cluster]\nkey = ["a", "/b"]\n' + NODES)
    assert (config.state, config.socket, config.keys) == (
        "/etc/hashell/s",
        "/etc/x.sock",
        ("/etc/hashell/a", "/b"),
    )


def test_a_pair_takes_over_at_once_and_a_majority_lets_the_others_stop() -> None:
    assert read("[quorum]\ntwo_node = true\n" + NODES).takeover_delay_ms == 0
    assert read('[quorum]\ntakeover_delay = "2s"\n' + NODES).takeover_delay_ms == 2_000


def test_quorum_modes() -> None:
    config = read('[quorum]\ntwo_node = true\ntakeover_delay = "auto"\n' + NODES)
    assert config.founding.two_node
    assert config.takeover_delay_ms is None
    config = read('[quorum]\nauto_tie_breaker = "highest"\nlast_man_standing = true\n' + NODES)
    assert (config.founding.tie_breaker, config.founding.tie_order) == ("node2", ("highest",))
    assert config.founding.last_man_standing_ms == 10_000
    assert read("[quorum]\nauto_tie_breaker = true\n" + NODES).founding.tie_breaker == "node1"
    config = read("[quorum]\nauto_tie_breaker = ['NODE2', 'node1']\n" + NODES)
    assert (config.founding.tie_breaker, config.founding.tie_order) == ("node2", ("node2", "node1"))
    assert read("[quorum]\nauto_tie_breaker = []\n" + NODES).founding == read(NODES).founding


def test_two_node_needs_no_word_of_wait_for_all() -> None:
    """Its electorate of both needs both at a start; one that stood alone goes on alone."""
    plain = read("[quorum]\ntwo_node = true\n" + NODES)
    assert read("[quorum]\ntwo_node = true\nwait_for_all = true\n" + NODES).founding == plain.founding


def test_the_digest_tells_what_nodes_must_agree_on() -> None:
    one = to_settings(read(NODES))
    assert one.file_digest == to_settings(read(NODES, "node2")).file_digest
    assert one.file_digest == to_settings(read('[cluster]\nport = 1\n[agents]\nocf_root="/x"\n' + NODES)).file_digest
    for different in ("[quorum]\ntwo_node = true\n", '[cluster]\ndeadtime = "700ms"\n'):
        assert one.file_digest != to_settings(read(different + NODES)).file_digest


def test_settings_name_the_shipped_agents() -> None:
    settings = to_settings(read('[agents]\nenvironment = { A = "b" }\n' + NODES))
    assert settings.own_ocf_root.endswith("hashelld/agents/ocf")

    assert settings.environment == {"A": "b"}


def test_where_secrets_are() -> None:
    assert read(NODES).secrets == "/etc/hashell/secrets"
    assert read("[agents]\nsecrets = '/srv/secrets'\n" + NODES).secrets == "/srv/secrets"


def test_an_arbiter_has_a_vote_where_the_others_are_even() -> None:
    config = read(NODES + ARBITER, "node3")
    assert config.own.is_arbiter
    assert config.founding.network_arbiter == "node3"
    assert config.founding.votes == {"node1": 1, "node2": 1, "node3": 1}
    odd = read(NODES + ARBITER + "[[nodes]]\nname = 'node4'\naddresses = ['::4']\n")
    assert odd.founding.votes == {"node1": 1, "node2": 1, "node3": 0, "node4": 1}
    assert to_settings(config).file_digest != to_settings(read(NODES + ARBITER.replace("true", "false"))).file_digest


def test_ping_nodes_and_groups_are_told_to_the_core() -> None:
    text = "[quorum.ping]\naddresses = ['10.0.0.9']\nrequire = 2\n[quorum.ping.groups]\ngws = ['10.0.0.8', 'fd00::8']\n"
    ping = to_settings(read(text + NODES)).ping
    assert ping is not None
    assert ping.targets == {"10.0.0.9": ("10.0.0.9",), "gws": ("10.0.0.8", "fd00::8")}
    assert (ping.require, ping.interval_ms, ping.timeout_ms) == (2, 1_000, 1_000)
    assert to_settings(read(NODES)).ping is None
    assert to_settings(read(text + NODES)).file_digest == to_settings(read(NODES)).file_digest, "it is each node's own"


def test_a_longer_deadtime_raises_the_restart_grace() -> None:
    assert read('[cluster]\ndeadtime = "8s"\n' + NODES).restart_grace_ms == 8_000


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("[cluster]\nkeepalife = '1s'\n" + NODES, 2, "did you mean 'keepalive'?"),
        ("[clutser]\n" + NODES, 1, "did you mean 'cluster'?"),
        ("x = 1\n" + NODES, 1, "unknown key 'x'"),
        (NODES + "vote = 2\n", 8, "unknown key 'vote' in [nodes]; did you mean 'votes'?"),
        ("[cluster]\nport = '1'\n" + NODES, 2, "'port': expected a whole number"),
        ("[cluster]\nport = 70000\n" + NODES, 2, "70000 is no port"),
        ("[cluster]\n\nkeepalive = 100\n" + NODES, 3, "'keepalive': expected text in quotes"),
        ("[cluster]\nkeepalive = 'soon'\n" + NODES, 2, "'soon' is no duration"),
        ("[cluster]\nkeepalive = '150ms'\n" + NODES, 1, "warntime (300ms) must be more than twice keepalive (150ms)"),
        ("[cluster]\ndeadtime = '300ms'\n" + NODES, 2, "deadtime (300ms) must be longer than warntime (300ms)"),
        ("[cluster]\ninitdead = '500ms'\n" + NODES, 2, "initdead (500ms) must be at least deadtime (600ms)"),
        ("[cluster]\nrestart_grace = '1ms'\n" + NODES, 2, "must be at least deadtime"),
        ("[cluster]\nkeepalive = '1ms'\n" + NODES, 2, "shorter than 10ms"),
        ("[cluster]\nkey = []\n" + NODES, 2, "no key file"),
        ("[cluster]\nname = ' '\n" + NODES, 2, "name is empty"),
        ("cluster = 3\n" + NODES, 1, "is a table"),
        ("nodes = 3\n", 1, "no [[nodes]]"),
        ("", 0, "no [[nodes]]"),
        ("[[nodes]]\nname = 'node1'\n", 1, "it needs the key `addresses`"),
        ("[[nodes]]\nname = 'node1'\naddresses = []\n", 3, "needs 1 to 4 addresses"),
        ("[[nodes]]\nname = 'node1'\naddresses = ['node1.example']\n", 3, "is no IP address"),
        ("[[nodes]]\nname = 'node1'\naddresses = ['::1', '::1']\n", 3, "is there twice"),
        ("[[nodes]]\nname = 'node1'\naddresses = ['::1']\nvotes = 0\n", 4, "no node has a vote"),
        ("[[nodes]]\nname = 'node1'\naddresses = ['::1']\nvotes = -1\n", 4, "-1 votes"),
        ("[[nodes]]\nname = '1/2'\naddresses = ['::1']\n", 2, "'1/2' is no node name"),
        (NODES + "[[nodes]]\nname = 'Node1'\naddresses = ['::3']\n", 9, "'Node1' is there twice"),
        (NODES + "[[nodes]]\nname = 'n3'\naddresses = ['10.0.0.1']\n", 10, "10.0.0.1 port 5409 is there twice"),
        ("[quorum]\ntwo_node = true\n[[nodes]]\nname='node1'\naddresses=['::1']", 2, "two_node is for two nodes"),
        ("[quorum]\ntwo_node=true\nauto_tie_breaker='lowest'\n" + NODES, 3, "exclude each other"),
        ("[quorum]\nauto_tie_breaker='node3'\n" + NODES, 2, "did you mean 'node"),
        ("[quorum]\nauto_tie_breaker=['node1', 'lowest']\n" + NODES, 2, "'lowest' is no node with a vote"),
        ("[quorum]\nauto_tie_breaker=['node1', 'Node1']\n" + NODES, 2, "'Node1' is named twice"),
        ("[quorum]\ntwo_node=true\nlast_man_standing=true\n" + NODES, 3, "stands alone once its peer is off"),
        ("[quorum]\ntwo_node=true\nwait_for_all=false\n" + NODES, 3, "cannot be switched off with two_node"),
        ("[quorum]\nwait_for_all='no'\n" + NODES, 2, "expected true or false"),
        ("[quorum]\nauto_tie_breaker=1\n" + NODES, 2, "expected true, false, text in quotes or a list"),
        (NODES + ARBITER + "[[nodes]]\nname = 'n4'\naddresses = ['::4']\narbiter = true\n", 15, "at most one"),
        (NODES + ARBITER + "votes = 2\n", 12, "an arbiter has one vote"),
        ("[[nodes]]\nname = 'node1'\naddresses = ['::1']\narbiter = true\n", 4, "name the nodes that do"),
        ("[quorum]\ntwo_node = true\n" + NODES + ARBITER, 2, "either one is a majority with it"),
        ("[quorum]\nauto_tie_breaker = true\n" + NODES + ARBITER, 2, "the votes cannot tie"),
        (NODES + "arbiter = 1\n", 8, "'arbiter': expected true or false"),
        ("[quorum.ping]\n" + NODES, 1, "no address to ping"),
        ("[quorum]\nping = {}\n" + NODES, 2, "no address to ping"),
        ("[quorum.ping]\nadresses=['10.0.0.9']\n" + NODES, 2, "did you mean 'addresses'?"),
        ("[quorum.ping]\naddresses=['gateway']\n" + NODES, 2, "'gateway' is no IP address"),
        ("[quorum.ping]\naddresses=['10.0.0.2']\n" + NODES, 2, "10.0.0.2 is node node2: a ping node is no member"),
        ("[quorum.ping]\naddresses=['10.0.0.9', '10.0.0.9']\n" + NODES, 2, "10.0.0.9 is there twice"),
        ("[quorum.ping]\n[quorum.ping.groups]\ngws=[]\n" + NODES, 2, "the group 'gws' needs"),
        ("[quorum.ping]\naddresses=['10.0.0.9']\nrequire=2\n" + NODES, 3, "'require' is 2; there are 1"),
        ("[quorum.ping]\naddresses=['10.0.0.9']\ninterval='9ms'\n" + NODES, 3, "shorter than 100ms"),
        ("[quorum.ping]\naddresses=['10.0.0.9']\ntimeout='x'\n" + NODES, 3, "'x' is no duration"),
        ("[quorum]\nping = 3\n" + NODES, 2, "'ping': expected"),
        ("[quorum.disk]\ninterval='1s'\n" + NODES, 1, "[quorum.disk] needs 'path'"),
        ("[quorum.disk]\npath='q'\nintervall='1s'\n" + NODES, 3, "unknown key 'intervall' in [quorum.disk]; did you"),
        ("[quorum.disk]\npath='q'\ninterval='soon'\n" + NODES, 3, "'soon' is no duration"),
        ("[quorum.disk]\npath='q'\ninterval='50ms'\n" + NODES, 3, "is shorter than 100ms"),
        ("[quorum.disk]\npath='q'\ntko=3\n" + NODES, 3, "3 is no whole number from 4 to 100"),
        ("[quorum.disk]\npath='q'\ntko='8'\n" + NODES, 3, "'8' is no whole number"),
        ("[quorum]\ndisk='/dev/sdb'\n" + NODES, 2, "[quorum.disk] is a table of keys"),
        ("[quorum]\ntwo_node=true\n[quorum.disk]\npath='q'\n" + NODES, 3, "two_node and [quorum.disk] exclude"),
        ("[quorum]\nauto_tie_breaker=true\n[quorum.disk]\npath='q'\n" + NODES, 3, "auto_tie_breaker and [quorum.d"),
        (
            "[quorum]\ntakeover_delay='5s'\n[quorum.disk]\npath='q'\n" + NODES,
            3,
            "takeover_delay (5s) must be at least (tko - 2) * interval of [quorum.disk] (6s)",
        ),
        ("[node]\nname = 'nod1'\n" + NODES, 2, "'nod1', is not in [[nodes]]; did you mean 'node1'?"),
        ("[node]\nsocket = '" + "x" * 120 + "'\n" + NODES, 2, "longer than 100 bytes"),
        ("[agents]\nenvironment = { 'A=B' = '1' }\n" + NODES, 2, "no environment variable"),
        ("[agents]\nenvironment = { A = 1 }\n" + NODES, 2, "expected text in quotes"),
        ("[agents]\nocf_root = 'lib'\n" + NODES, 2, "is not absolute"),
        ("[cluster\n", 1, "not TOML"),
        ("a = 1\na = 2\n", 2, "not TOML"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, line: int, said: str) -> None:
    found = problems(text)
    assert any(at == line and said in told for at, told in found), found


def test_the_quorum_disk() -> None:
    text = "[quorum.disk]\npath='qdisk'\ninterval='500ms'\ntko=6\n" + NODES
    found = read(text, "node2")
    assert found.disk is not None
    assert (found.disk.path, found.disk.interval_ms, found.disk.tko) == ("/etc/hashell/qdisk", 500, 6)
    settings = to_settings(found)
    assert settings.disk is not None
    assert (settings.disk.place, settings.disk.lapse_ms, settings.founding.arbiter) == (1, 2_000, None)
    assert settings.takeover_ms == 10 * 600 + 2_000


def test_files_with_another_disk_differ() -> None:
    """Where it is may differ; its timings, and the places of the nodes, may not."""
    disk = "[quorum.disk]\npath='qdisk'\n"
    one = to_settings(read(disk + NODES)).file_digest
    assert one == to_settings(read(disk.replace("qdisk", "/dev/sdb") + NODES)).file_digest
    first, second = NODES.split("[[nodes]]")[1:]
    turned = f"[[nodes]]{second}\n[[nodes]]{first}"
    assert to_settings(read(turned)).file_digest == to_settings(read(NODES)).file_digest
    for other in (NODES, disk + "tko = 9\n" + NODES, disk + "interval = '2s'\n" + NODES, disk + turned):
        assert to_settings(read(other)).file_digest != one


def test_the_default_name_is_explained() -> None:
    assert "uname -n" in problems(NODES, "node1x.example.com")[0][1]


def test_all_problems_are_told_at_once() -> None:
    assert len(problems("[cluster]\nfoo = 1\nport = 'x'\n[quorum]\nbar = 1\n" + NODES)) == 3


def test_a_missing_file_and_one_that_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load(str(tmp_path / "none.toml"))
    (tmp_path / "bad.toml").write_bytes(b"# fine\n\xff\n")
    with pytest.raises(ConfigError, match=r"bad\.toml:2: not UTF-8"):
        load(str(tmp_path / "bad.toml"))


def test_load_reads_a_file(tmp_path: Path) -> None:
    (tmp_path / "good.toml").write_text(NODES)
    assert load(str(tmp_path / "good.toml"), "node2").node == "node2"


def test_a_watchdog_is_off_until_it_is_named() -> None:
    assert read(NODES).watchdog is None
    assert read("[watchdog]\nmode = 'off'\n" + NODES).watchdog is None
    found = read("[watchdog]\n" + NODES).watchdog
    assert found is not None
    assert (found.mode, found.device, found.timeout_ms, found.stop_budget_ms) == (
        "device",
        "/dev/watchdog",
        5_000,
        20_000,
    )
    found = read('[watchdog]\nmode = "supervisor"\ntimeout = "2500ms"\nstop_budget = "8s"\n' + NODES).watchdog
    assert found is not None
    assert (found.mode, found.timeout_ms, found.stop_budget_ms) == ("supervisor", 2_500, 8_000)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ('mode = "devcie"', "'devcie' is no mode of a watchdog (device, supervisor, off); did you mean 'device'?"),
        (
            'timeout = "1s"',
            "timeout (1s) must be at least twice deadtime (600ms): a loop that is late is no dead one",
        ),
        ('timeout = "2500ms"', "timeout (2500ms): a device counts whole seconds"),
        ('stop_budget = "0s"', "stop_budget (0s): without quorum nothing could be stopped in time"),
        ("timeout = 5", "'timeout': expected text in quotes, got a whole number"),
        ('timeouts = "5s"', "unknown key 'timeouts' in [watchdog]; did you mean 'timeout'?"),
    ],
)
def test_watchdogs_are_refused_with_their_line(line: str, text: str) -> None:
    assert problems(f"[watchdog]\n{line}\n" + NODES) == [(2, text)]


def test_what_watchdogs_promise_is_equal_on_all_nodes_and_counts_for_the_takeover() -> None:
    without, slow, fast = (
        to_settings(read(text + NODES))
        for text in ("", "[watchdog]\n", '[watchdog]\nmode = "supervisor"\nstop_budget = "5s"\n')
    )
    assert len({without.file_digest, slow.file_digest, fast.file_digest}) == 3
    other = to_settings(read('[watchdog]\ndevice = "/dev/watchdog1"\n' + NODES))
    assert other.file_digest == slow.file_digest
    assert (without.takeover_ms, slow.takeover_ms, fast.takeover_ms) == (6_000, 26_800, 11_800)
    given = to_settings(read('[quorum]\ntakeover_delay = "1s"\n[watchdog]\n' + NODES))
    assert (given.takeover_ms, given.ended_ms) == (1_000, 26_800)
