"""Processes for drills: found by their environment, ended only while they are the ones that are meant."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from hashell.client.processes import kill, processes_of


@contextmanager
def running(instance: str, node: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process with the environment of an agent, in a group of its own."""
    marks = {"OCF_RESOURCE_INSTANCE": instance, "OCF_RESKEY_CRM_meta_on_node": node}
    program = "import sys; print(); sys.stdout.flush(); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, **marks},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def test_what_belongs_to_a_resource_on_a_node() -> None:
    node = f"node-{os.getpid()}"
    with running("web", node) as one, running("web:1", node) as other, running("webs", node), running("web", "node-x"):
        assert processes_of("web", node, None) == tuple(sorted((one.pid, other.pid)))
        assert processes_of("web", node, os.getpid()) == ()  # Children of the daemon are agents at work.
        assert processes_of("nosuch", node, None) == ()


def test_only_what_is_meant_is_ended() -> None:
    with running("web", "n") as process:
        assert "another by now" in kill(process.pid, lambda: False)
        assert process.poll() is None
        assert kill(process.pid, lambda: True) == ""
        assert process.wait() == -signal.SIGKILL
        assert f"process {process.pid}" in kill(process.pid, lambda: True)
