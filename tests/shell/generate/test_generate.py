from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hashell.generate import mdoc
from hashell.generate.__main__ import files, main


ROOT = Path(__file__).resolve().parents[3]


def test_files_are_written_and_then_the_same(tmp_path, capsys):
    assert main(["--check"], tmp_path) == 1
    assert "completions/hashell.bash differs" in capsys.readouterr().err
    assert main([], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")} >= {"man/hashell.1"}


def test_a_wrong_option_is_a_usage_error(tmp_path):
    assert main(["--chekc"], tmp_path) == 2


def test_text_cannot_become_a_command():
    assert mdoc.text(".Sh x\n\n'y. A\\b --c") == ["\\&.Sh x", ".Pp", "\\&'y.", "A\\eb \\-\\-c"]


@pytest.mark.needs("mandoc")
@pytest.mark.parametrize("name", [name for name in files() if name.startswith("man/")])
def test_pages_have_no_warnings(name):
    done = subprocess.run(
        ["mandoc", "-Tlint", "-W", "warning"], input=files()[name], capture_output=True, text=True, check=False
    )
    assert done.stdout == ""


@pytest.mark.parametrize(("shell", "name"), [("bash", "hashell.bash"), ("zsh", "_hashell"), ("fish", "hashell.fish")])
def test_completions_are_understood_by_their_shells(shell, name):
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}")
    text = files()[f"completions/{name}"]
    done = subprocess.run([shell, "-n"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def in_bash(tmp_path, line):
    """What bash offers at the end of a line; `hashell` is a script that runs this tree."""
    (tmp_path / "completion").write_text(files()["completions/hashell.bash"])
    program = tmp_path / "hashell"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m hashell "$@"\n')
    program.chmod(0o755)
    (tmp_path / "x.crm").write_text("primitive web ocf:heartbeat:Dummy\nprimitive wiki ocf:heartbeat:Dummy\nnode n1\n")
    script = (
        "compopt() { :; }; source ./completion; "
        'COMP_LINE="$1"; COMP_POINT=${#1}; _hashell; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "--norc", "-c", script, "bash", line],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=environment,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("hashell conf", ["configure"]),
        ("hashell --json conf", ["configure"]),
        ("hashell configure com", ["commit"]),
        ("hashell configure commit --dr", ["--dry-run"]),
        ("hashell --fo", ["--force"]),
        ("hashell nosuch x", []),
        ("hashell --cib x.crm configure delete w", ["web", "wiki"]),
        ("hashell --cib x.crm configure location l w", ["web", "wiki"]),
        ("hashell --cib x.crm configure property no-quorum-policy=fr", ["freeze"]),
        ("hashell --cib x.c", ["x.crm"]),
        ("hashell --cib x.crm simulate --node-down n", ["n1"]),
        ("hashell --cib x.crm simulate x", ["x.crm"]),
        ("hashell --cib x.crm simulate --graph x", ["x.crm"]),
    ],
)
def test_bash_offers(tmp_path, line, offered):
    assert in_bash(tmp_path, line) == offered
