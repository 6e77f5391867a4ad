from __future__ import annotations

from pathlib import Path

import pytest

from hashell.errors import Refused
from hashell.terminal.editor import edit_text


@pytest.fixture
def editor(tmp_path):
    """Makes an editor of shell commands, one for each time that it is opened ($1 is the file)."""

    def make(*scripts: str) -> str:
        lines = "\n".join(f"{at}) {script} ;;" for at, script in enumerate(scripts, 1))
        path = tmp_path / "editor"
        count = tmp_path / "count"
        path.write_text(f"#!/bin/sh\necho >> {count}\ncase $(($(wc -l < {count}))) in\n{lines}\nesac\n")
        path.chmod(0o755)
        return str(path)

    return make


def refuse_bad(text: str) -> None:
    if "bad" in text:
        raise Refused("no 'bad' here\n  and a second line")


def test_what_is_saved_is_accepted(editor):
    taken = []
    assert edit_text("old\n", taken.append, editor=editor('echo new > "$1"'))
    assert taken == ["new\n"]


def test_an_unchanged_text_is_no_edit(editor):
    taken = []
    assert not edit_text("old\n", taken.append, editor=editor("true"))
    assert taken == []


def test_a_refused_text_comes_back_with_the_reasons(editor, tmp_path):
    seen = tmp_path / "seen"
    scripts = ('echo bad > "$1"', f'cp "$1" {seen}; sed -i s/bad/good/g "$1"')
    taken = []

    def accept(text: str) -> None:
        refuse_bad(text)
        taken.append(text)

    assert edit_text("old\n", accept, editor=editor(*scripts))
    assert taken == ["good\n"]
    assert seen.read_text().splitlines()[:2] == ["#! no 'bad' here", "#!   and a second line"]


def test_the_editor_opens_at_the_wrong_line_below_the_reasons(editor, tmp_path):
    seen, words = tmp_path / "seen", tmp_path / "words"
    program = Path(
        editor('printf "one\\nbad\\nthree\\n" > "$1"', f'echo "$1" > {words}; cp "$2" {seen}; sed -i s/bad/b/ "$2"')
    )
    vi = program.rename(tmp_path / "vi")

    def accept(text: str) -> None:
        if "bad" in text:
            raise Refused("no 'bad' here", line=2)

    assert edit_text("old\n", accept, editor=f"{vi}")
    shown = seen.read_text().splitlines()
    assert shown[0] == "one"
    assert shown[1] == "#! no 'bad' here"
    assert shown[3:] == ["bad", "three"]
    assert words.read_text() == "+4\n"


def test_an_editor_that_fails_later_loses_nothing(editor):
    with pytest.raises(Refused, match="status 1") as caught:
        edit_text("old\n", refuse_bad, editor=editor('echo bad > "$1"', "exit 1"))
    kept = Path(str(caught.value).rsplit(" ", 1)[1].rstrip("."))
    assert kept.read_text() == "bad\n"
    kept.unlink()


def test_a_text_that_is_no_text_is_kept(editor):
    with pytest.raises(Refused, match="Byte 1 is not UTF-8") as caught:
        edit_text("old\n", refuse_bad, editor=editor(r"printf 'a\377' > $1"))
    kept = Path(str(caught.value).rsplit(" ", 1)[1].rstrip("."))
    assert kept.read_bytes() == b"a\xff"
    kept.unlink()


def test_giving_up_keeps_the_text_in_a_file(editor):
    with pytest.raises(Refused) as caught:
        edit_text("old\n", refuse_bad, editor=editor('echo bad > "$1"', "true"))
    kept = Path(str(caught.value).rsplit(" ", 1)[1].rstrip("."))
    assert kept.read_text() == "bad\n"
    kept.unlink()


def test_an_editor_that_fails_changes_nothing(editor):
    with pytest.raises(Refused, match="status 3"):
        edit_text("old\n", refuse_bad, editor=editor("exit 3"))


def test_an_editor_that_is_not_there():
    with pytest.raises(Refused, match="cannot be started"):
        edit_text("old\n", refuse_bad, editor="/nonexistent/editor")
