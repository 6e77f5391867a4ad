"""What is loaded before anything happens: the shared model and a one-shot command stay light."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.tidy.sources import ROOT, modules


HEAVY = ("asyncio", "zmq", "dataclasses", "argparse", "prompt_toolkit", "rich", "sqlite3", "xml.etree.ElementTree")


def loaded_after(*names: str) -> set[str]:
    """Names of all modules that a fresh interpreter has after importing these."""
    code = "import sys\n" + "".join(f"import {name}\n" for name in names) + "print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    )
    return set(done.stdout.split())


def test_the_model_loads_without_sockets_and_event_loops():
    names = [module.name for module in modules("hashelld") if module.name.startswith("hashelld.model")]
    assert loaded_after(*names) & {"zmq", "asyncio"} == set()


@pytest.mark.parametrize("name", ["hashell.main", "hashelld.cib", "hashelld.policy", "hashelld.wire"])
def test_what_every_command_loads_is_light(name):
    assert loaded_after(name) & set(HEAVY) == set()
