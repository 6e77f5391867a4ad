from __future__ import annotations

import stat

import pytest
from prompt_toolkit.history import InMemoryHistory

from hashell.terminal.history import is_secret, open_history


@pytest.mark.parametrize(
    "line",
    ["primitive f stonith:fence_x params passwd=x", "resource param web set Token 1", "x key=1", "SECRET", "password"],
)
def test_lines_that_look_like_secrets(line):
    assert is_secret(line)


@pytest.mark.parametrize("line", ["resource stop web", "primitive k Dummy", "show keyboard"])
def test_ordinary_lines(line):
    assert not is_secret(line)


def test_the_file_is_its_owners_alone_and_has_no_secrets(tmp_path):
    path = tmp_path / "state" / "history"
    history = open_history(path)
    history.append_string("resource stop web")
    history.append_string("primitive f stonith:x params passwd=hidden")
    assert "stop web" in path.read_text()
    assert "hidden" not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(open_history(path).load_history_strings()) == ["resource stop web"]


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path):
    path = tmp_path / "history"
    path.write_text("")
    path.chmod(0o644)
    open_history(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_without_a_place_it_is_kept_in_memory(tmp_path):
    (tmp_path / "file").write_text("")
    assert isinstance(open_history(None), InMemoryHistory)
    assert isinstance(open_history(tmp_path / "file" / "history"), InMemoryHistory)
