from __future__ import annotations

import io
import os
import termios
from contextlib import redirect_stdout

import pytest

from hashell.outcomes import Listing, Said
from hashell.terminal.pager import show_paged


LONG = Listing(text="\n".join(f"line {at}" for at in range(100)), language="text")


@pytest.fixture
def page(tmp_path):
    """A pager that keeps what it shows."""
    program = tmp_path / "page"
    program.write_text(f"#!/bin/sh\ncat > {tmp_path}/paged\n")
    program.chmod(0o755)
    return str(program), tmp_path / "paged"


@pytest.fixture
def shown():
    """Shows an outcome while standard output is a terminal; returns what was written without a pager."""
    leader, follower = os.openpty()
    with os.fdopen(follower, "w", encoding="utf-8") as terminal:

        def show(outcome, command):
            stream = io.StringIO()
            with redirect_stdout(terminal):
                show_paged(outcome, stream, as_json=False, pager=command)
            return stream.getvalue()

        termios.tcsetwinsize(follower, (24, 80))
        yield show
    os.close(leader)


def test_what_is_longer_than_the_screen_is_paged(page, shown):
    program, paged = page
    assert shown(LONG, program) == ""
    assert paged.read_text().splitlines()[99].endswith("line 99")


def test_what_fits_is_not(page, shown):
    program, paged = page
    assert shown(Listing(text="one", language="text"), program) == "one\n"
    assert "done" in shown(Said(text="done"), program)
    assert not paged.exists()


@pytest.mark.parametrize("command", ["", "/nonexistent/pager", "'"])
def test_without_a_pager_it_is_written(shown, command):
    assert shown(LONG, command).count("\n") == 100


def test_a_pager_that_is_left_early_is_no_error(tmp_path, shown):
    program = tmp_path / "leave"
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    long = Listing(text="x" * (1 << 20) + "\n" * 100, language="text")
    assert shown(long, str(program)) == ""
