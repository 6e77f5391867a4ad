"""The level `options`: preferences in a file, below what the environment says."""

from __future__ import annotations

import json
import os
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import msgspec
import pytest

from hashell.commands.preferences import KNOWN, prefer, read_file, settings_path, write_file
from hashell.errors import Refused
from hashell.main import main


class Done(msgspec.Struct, frozen=True):
    """What a shell came to."""

    returncode: int
    stdout: str
    stderr: str


def hashell(home: Path, *words: str, text: str = "", **more: str) -> Done:
    """A shell on a file, in an environment of its own; a text is its script."""
    (home / "script").write_text(text)
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update({"PATH": before["PATH"], "HOME": str(home), **more})
    try:
        with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
            code = main(["--cib", str(home / "cib.crm"), *(words or ("-f", str(home / "script")))])
    finally:
        os.environ.clear()
        os.environ.update(before)
    return Done(code, out.getvalue(), err.getvalue())


def shown(home: Path, **more: str) -> dict[str, tuple[str, str]]:
    done = hashell(home, "--json", "options", "show", **more)
    return {row["option"]: (row["value"], row["from"]) for row in json.loads(done.stdout)["rows"]}


def test_a_preference_is_kept_for_the_next_shell(tmp_path: Path) -> None:
    assert shown(tmp_path)["editing"] == ("emacs", "default")
    assert hashell(tmp_path, "options", "set", "editing", "vi").stdout == "editing is vi.\n"
    assert shown(tmp_path)["editing"] == ("vi", "file")
    assert shown(tmp_path, HASHELL_EDITING="emacs")["editing"] == ("emacs", "environment")
    assert hashell(tmp_path, "options", "reset", "editing").returncode == 0
    assert shown(tmp_path)["editing"] == ("emacs", "default")


def test_every_shortcut_sets_its_preference(tmp_path: Path) -> None:
    lines = ("editor nano", "pager more", "output plain", "wait on", "sort-elements on", "user admin")
    for line in lines:
        assert hashell(tmp_path, "options", *line.split()).returncode == 0, line
    assert {line.split()[0]: shown(tmp_path)[line.split()[0]] for line in lines} == {
        line.split()[0]: (line.split()[1], "file") for line in lines
    }
    assert (tmp_path / ".config" / "hashell" / "settings").stat().st_mode & 0o077 in (0, 0o044)


def test_at_the_prompt_a_preference_is_kept_only_by_save(tmp_path: Path) -> None:
    hashell(tmp_path, text="options\nset theme colourblind\nset theme default\nset theme colourblind\n")
    assert shown(tmp_path)["theme"] == ("default", "default")
    done = hashell(tmp_path, text="options\nset theme colourblind\nsave\n")
    assert done.stdout.startswith("theme is colourblind; save keeps it.\nWrote ")
    assert shown(tmp_path)["theme"] == ("colourblind", "file")
    hashell(tmp_path, "options", "reset")
    assert {origin for _value, origin in shown(tmp_path).values()} == {"default"}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("set", "editing", "word"), 2),
        (("set", "edting", "vi"), 1),
        (("show", "edting"), 1),
        (("reset", "edting"), 1),
        (("output", "pink"), 2),
        (("wait", "perhaps"), 2),
    ],
)
def test_what_is_no_preference_is_refused(tmp_path: Path, words: tuple[str, ...], code: int) -> None:
    done = hashell(tmp_path, "options", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert not (tmp_path / ".config").exists()


def test_a_sorted_configuration(tmp_path: Path) -> None:
    (tmp_path / "cib.crm").write_text("primitive b ocf:heartbeat:Dummy\nprimitive a ocf:heartbeat:Dummy\nnode n1\n")
    assert hashell(tmp_path, "configure", "show").stdout.split()[1] == "b"
    hashell(tmp_path, "options", "sort-elements", "on")
    lines = hashell(tmp_path, "configure", "show").stdout.splitlines()
    assert lines == ["node n1", "primitive a Dummy", "primitive b Dummy"]


def test_the_file_is_read_as_far_as_it_makes_sense(tmp_path: Path) -> None:
    path = tmp_path / "settings"
    path.write_text("# mine\nediting = vi\ntheme=pink\nnonsense\nsocket = /x = y\n")
    assert read_file(str(path)) == {"editing": "vi", "socket": "/x = y"}
    path.write_bytes(b"\xff")
    assert read_file(str(path)) == {}
    assert read_file(None) == {}


def test_the_environment_wins_but_for_the_editor(tmp_path: Path) -> None:
    write_file(str(tmp_path / "hashell" / "settings"), {"editor": "nano", "theme": "colourblind", "output": "plain"})
    environment = {"XDG_CONFIG_HOME": str(tmp_path), "VISUAL": "vi", "HASHELL_THEME": "default"}
    prefer(environment)
    assert environment["VISUAL"] == "nano"
    assert environment["HASHELL_THEME"] == "default"
    assert environment["NO_COLOR"] == "1"
    assert settings_path({}) is None


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused):
        write_file(str(tmp_path / "file" / "settings"), {"editing": "vi"})
    done = hashell(tmp_path, "options", "set", "editing", "vi", HOME="")
    assert done.returncode == 1
    assert "no place" in done.stderr


def test_every_preference_has_a_default_among_its_words() -> None:
    assert all(one.default in one.values for one in KNOWN.values() if one.values)
