"""`mon` on real daemons: the screen follows what keys, and others, do to the cluster."""

from __future__ import annotations

import signal

import pytest

from tests.e2e.harness import LoopbackCluster
from tests.shell.terminal.screen import Terminal


pytestmark = pytest.mark.slow

DOWN = "\x1b[B"


@pytest.fixture
def cluster(tmp_path):
    """Two daemons, and a resource that runs on the first."""
    folder = tmp_path / "cluster"
    folder.mkdir()
    with LoopbackCluster(folder, ("node1", "node2")) as made:
        made.start()
        text = f"""
property stonith-enabled=false
primitive tick ocf:hashell:Tick params file={folder}/ticks op monitor interval=1s timeout=10s
location home tick 10: node1
"""
        made["node1"].shell("--yes", "configure", "load", "update", "-", text=text).ok()
        made.await_place("tick", "node1")
        yield made


def test_the_screen_follows_a_move_and_a_node_that_leaves(cluster, tmp_path):
    screen = Terminal(None, (80, 24), "xterm-256color")
    try:
        screen.start(tmp_path, "--socket", str(cluster["node1"].socket), "mon")
        screen.await_text("● tick  Started  node1", "q quit")
        screen.send(DOWN * 2 + "m")
        screen.await_text("move  tick  node1 → node2", "Move tick to node2  y/n")
        screen.send("y")
        screen.await_text("● tick  Started  node2", "tick runs on node2. Without its constraint it would go elsewhere")
        cluster["node2"].end(signal.SIGTERM)
        screen.await_text("✗ node2  offline", "● tick  Started  node1")
        cluster["node1"].end(signal.SIGTERM)
        screen.await_text("NOT CURRENT:")
        screen.send("q")
        assert screen.end() == 0
    finally:
        screen.close()
