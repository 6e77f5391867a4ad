from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hashell.client.offline import OfflineClient
from hashell.errors import Usage
from hashell.main import main, parse, statements
from hashelld.model.resource import value_of
from hashelld.wire.client import GetCib


ROOT = Path(__file__).resolve().parents[3]
GOOD = "configure\nproperty stonith-enabled=false\nnode n1\ncommit\n"


@pytest.fixture
def run(tmp_path, capsys):
    """Runs hashell on a file in a folder of its own; (exit code, output, messages)."""

    def hashell(*words: str, script: str | None = None) -> tuple[int, str, str]:
        options = ["--cib", str(tmp_path / "cib.crm")]
        if script is not None:
            (tmp_path / "script").write_text(script)
            options += ["-f", str(tmp_path / "script")]
        code = main([*options, *words])
        return (code, *capsys.readouterr())

    return hashell


@pytest.fixture
def written(tmp_path):
    """What is in that file."""
    path = tmp_path / "cib.crm"
    return lambda: path.read_text() if path.exists() else ""


def test_options_end_where_the_command_begins():
    arguments = parse(["--json", "--cib=x", "-y", "resource", "stop", "--wait", "web"])
    assert arguments.flags == {"json", "yes"}
    assert arguments.values == {"cib": "x"}
    assert arguments.words == ["resource", "stop", "--wait", "web"]
    assert parse(["--", "-x"]).words == ["-x"]


@pytest.mark.parametrize(
    "argv",
    [["--nosuch"], ["--cib"], ["-f", "x", "status"], ["--cib", "x", "--socket", "y"], ["--json=1"], ["-z"]],
)
def test_a_wrong_command_line(argv, capsys):
    with pytest.raises(Usage):
        parse(argv)
    assert main(argv) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_version_and_help(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("hashell ")
    assert main(["--help"]) == 0
    assert "Exit status:" in capsys.readouterr().out


def test_no_cluster(capsys, tmp_path):
    assert main(["--socket", str(tmp_path / "none"), "status"]) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "No hashelld answers" in captured.err


def test_a_single_statement_commits_itself(run, written):
    code, _out, _err = run("configure", "property", "stonith-enabled=false")
    assert code == 0
    assert "stonith-enabled=false" in written()


@pytest.mark.parametrize("value", ['it\'s "a  b" \\ c', "C:\\dir", "a'b\"c", "", "grün", "#x", "$HOME `x` !"])
def test_words_are_taken_literally(run, tmp_path, value):
    assert run("configure", "node", "n1", "attributes", f"note={value}")[0] == 0
    cib = OfflineClient(str(tmp_path / "cib.crm")).ask(GetCib()).cib
    assert value_of(cib.nodes[0].attributes, "note") == value


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["configure", "er"], 2),
        (["nosuch"], 2),
        (["configure", "property", "stonith-enabled=perhaps"], 1),
        (["configure", "delete", "nosuch"], 2),
        (["configure", "show"], 0),
    ],
)
def test_exit_codes(run, words, code):
    assert run(*words)[0] == code


def test_a_script_is_committed_where_it_says_so(run, written):
    code, _out, err = run(script=GOOD)
    assert (code, err) == (0, "")
    assert "node n1" in written()


@pytest.mark.parametrize(
    ("script", "line", "text"),
    [
        ("configure\nproperty stonith-enabled=false\nnosuch x\ncommit\n", 3, "no command 'nosuch'"),
        ("configure\n\n# comment\nnode n1 \\\n  attributes \\\n  a=1\ndelete nosuch\n", 7, "nosuch"),
        ("configure\nnode n1 \\\n bad=' \\\n x\n", 2, ""),
        ("nosuch\n", 1, "no command"),
    ],
)
def test_the_first_refused_line_ends_a_script(run, written, tmp_path, script, line, text):
    code, _out, err = run(script=script)
    assert code == 1
    assert err.startswith(f"error: {tmp_path}/script:{line}: ")
    assert text in err
    assert written() == ""


def test_a_draft_left_at_the_end_is_an_error(run, written):
    code, _out, err = run(script=GOOD.replace("commit\n", ""))
    assert code == 1
    assert "were not committed" in err
    assert written() == ""


def test_what_was_committed_before_stays(run, written):
    assert run(script=GOOD + "nosuch\n")[0] == 1
    assert "node n1" in written()


def test_quit_ends_a_script_unless_there_is_a_draft(run):
    assert run(script="quit\nnosuch\n")[0] == 0
    assert run(script="configure\nnode n1\nquit\n")[0] == 1


def test_a_script_that_is_not_there(run, tmp_path):
    assert main(["-f", str(tmp_path / "nosuch")]) == 1


def test_statements_know_their_first_line():
    assert list(statements(["a\n", "b \\\n", "c\n", "d \\\n"])) == [(1, "a"), (2, "b c"), (4, "d ")]


def test_completion_prints_tabs_and_no_errors(run):
    run(script=GOOD)
    code, out, err = run("--complete", "configure delete n")
    assert (code, out, err) == (0, "n1\tnode\n", "")
    assert run("--complete", "configure nosuch 'x")[1:] == ("", "")


def in_a_process(*words, **options):
    command = [sys.executable, "-m", "hashell", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=30, **options)


def test_standard_input_is_a_script(tmp_path):
    path = tmp_path / "x.crm"
    done = in_a_process("--cib", str(path), input=GOOD)
    assert (done.returncode, done.stderr) == (0, "")
    assert in_a_process("--cib", str(path), "configure", input="node n2\ncommit\n").returncode == 0
    assert "n2" in path.read_text()


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    command = f"{sys.executable} -m hashell --help | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode in (0, 141)
    assert done.stderr == ""


def loaded_by(*words):
    code = (
        "import sys; from hashell.main import main; "
        f"main({list(words)!r}); sys.stderr.write('\\n' + ' '.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    )
    return set(done.stderr.rsplit("\n", 1)[1].split())


def test_the_version_costs_next_to_nothing():
    assert not loaded_by("--version") & {"zmq", "msgspec", "asyncio", "inspect", "argparse", "json"}


def test_a_single_command_loads_no_terminal(tmp_path):
    loaded = loaded_by("--socket", str(tmp_path / "none"), "status")
    assert "msgspec" in loaded
    heavy = {"zmq", "rich", "prompt_toolkit", "pygments", "asyncio", "argparse", "dataclasses", "xml.etree.ElementTree"}
    assert not loaded & heavy
