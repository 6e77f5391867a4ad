"""The whole prompt on a pseudo terminal."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pexpect
import pytest


ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.slow


@pytest.fixture
def terminal(tmp_path):
    """Starts a prompt on a file; the terminal is closed at the end."""
    started = []

    def start(kind: str, width: int = 80) -> pexpect.spawn:
        environment = {
            **os.environ,
            "TERM": kind,
            "PYTHONPATH": str(ROOT),
            "XDG_STATE_HOME": str(tmp_path),
            "PROMPT_TOOLKIT_NO_CPR": "1",
        }
        words = ["-m", "hashell", "--cib", str(tmp_path / "web.crm")]
        child = pexpect.spawn(
            sys.executable, words, dimensions=(24, width), env=environment, encoding="utf-8", timeout=15
        )
        started.append(child)
        child.expect(r"web\.crm\)?# ")
        return child

    yield start
    for child in started:
        child.close(force=True)


@pytest.mark.parametrize(("kind", "width"), [("dumb", 40), ("dumb", 80), ("xterm-256color", 100)])
def test_a_draft_is_not_lost_without_a_question(terminal, tmp_path, kind, width):
    child = terminal(kind, width)
    child.send("configure\r")
    child.expect("configure")
    child.send("node n1\r")
    child.expect("in the draft")
    child.expect(r"\*")
    child.send("up\r")
    child.expect(r"\(s\)tay")
    child.send("s\r")
    child.expect("configure")
    child.send("\x04")
    child.expect(r"\(s\)tay")
    child.send("c\r")
    child.expect("Committed")
    child.send("quit\r")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert (tmp_path / "web.crm").read_text() == "node n1\n"


def test_control_c_drops_the_line_and_control_d_leaves(terminal, tmp_path):
    child = terminal("dumb")
    child.send("nosuch")
    child.send("\x03")
    child.expect("web")
    child.send("nosuch\r")
    child.expect("no command 'nosuch'")
    child.send("\x04")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert "nosuch" in (tmp_path / "hashell" / "history").read_text()
