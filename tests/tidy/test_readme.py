"""The README tells the truth: its commands exist, its paths are there, its two starts are one line each."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest

from tests.tidy.sources import ROOT


TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```\w*\n(.*?)^```", TEXT, flags=re.DOTALL | re.MULTILINE)
COMMANDS = sorted(
    {
        line.removeprefix("$ ").partition("#")[0].strip()
        for b in BLOCKS
        for line in b.splitlines()
        if line.startswith("$ ")
    }
)
PATHS = sorted(set(re.findall(r"`((?:hashelld?|tests|man|completions|\.ci)/[\w./-]*)`", TEXT)))
PROGRAMS = {"hashell": "hashell", "hashelld": "hashelld"}


def test_two_commands_start_everything():
    starts = [line for block in BLOCKS for line in block.splitlines() if line.startswith("python3 -m venv")]
    assert len(starts) == 2
    assert starts[0].endswith("hashell demo")
    assert starts[1].endswith("-m tests.check")


def test_continuous_integration_runs_the_same_line():
    starts = [line for block in BLOCKS for line in block.splitlines() if line.startswith("python3 -m venv")]
    assert starts[1] in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", PATHS)
def test_paths_exist(path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_exist(line):
    """A command that has help is there; options and values in front of it and behind it are not tried."""
    program, *words = shlex.split(line)
    assert program in PROGRAMS
    command = [sys.executable, "-m", PROGRAMS[program], *words, "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    assert done.stdout
