"""Log lines: one event, its fields, and nothing that a terminal would obey."""

from __future__ import annotations

import json
import os

import pytest

from hashelld.core.effects import Level, Note
from hashelld.io.logs import Form, Log, format_note
from hashelld.limits import LINES_KEPT


WALL_MS = 1_700_000_000_123


def test_a_note_is_one_line_of_logfmt() -> None:
    note = Note("peer.lost", {"node": "n2", "silence_ms": 600, "is_dc": True, "hears": ("a", "b")}, Level.WARNING)
    assert format_note(note, WALL_MS) == (
        "time=2023-11-14T22:13:20.123Z level=warning event=peer.lost node=n2 silence_ms=600 is_dc=true hears=a,b"
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("two words", '"two words"'),
        ("", '""'),
        ('a"b\\', '"a\\"b\\\\"'),
        ("a\nb", '"a\\nb"'),
        ("\x1b[31mred", '"\\x1b[31mred"'),
        ("\u202e\U000e0001", '"\\u202e\\U000e0001"'),
        ("k=v", '"k=v"'),
        ("ümlaut", "ümlaut"),
        (None, "None"),
    ],
)
def test_values_are_escaped(value: object, written: str) -> None:
    assert format_note(Note("e", {"v": value}), WALL_MS).endswith(f" v={written}")


def test_keys_are_plain() -> None:
    assert " a_b_c=1" in format_note(Note("e", {"a b=c": 1}), WALL_MS)


def test_json_is_an_object_a_line() -> None:
    note = Note("e", {"n": 1, "many": (1, 2), "text": "a\nb\x1b"})
    line = format_note(note, WALL_MS, Form.JSON)
    assert "\n" not in line
    assert "\x1b" not in line
    found = json.loads(line)
    assert (found["level"], found["event"], found["n"], found["many"]) == ("info", "e", 1, "1,2")


def test_a_log_writes_from_its_level_on_and_survives_a_closed_pipe() -> None:
    read, write = os.pipe()
    log = Log(lambda: WALL_MS, least=Level.WARNING, handle=write)
    log.note(Note("quiet"))
    log.note(Note("loud", {}, Level.ERROR))
    assert os.read(read, 1000).decode().count("\n") == 1
    os.close(read)
    log.note(Note("loud", {}, Level.ERROR))
    os.close(write)
    log.note(Note("loud", {}, Level.ERROR))


def test_a_reader_that_is_stuck_does_not_stop_the_daemon() -> None:
    read, write = os.pipe()
    log = Log(lambda: WALL_MS, handle=write)
    for _ in range(100):
        log.note(Note("flood", {"text": "x" * 3_000}))
    while b"\n" in os.read(read, 65_536)[:-1]:
        log.note(Note("after"))
        if b"lines_lost=" in os.read(read, 65_536):
            break
    else:
        pytest.fail("nobody told that lines were lost")
    os.close(read)
    os.close(write)


def test_long_lines_are_cut() -> None:
    read, write = os.pipe()
    Log(lambda: WALL_MS, handle=write).note(Note("long", {"text": "x" * 100_000}))
    assert len(os.read(read, 65_536)) <= 4_001
    os.close(read)
    os.close(write)


def test_the_newest_lines_are_kept_whatever_stderr_takes() -> None:
    read, write = os.pipe()
    os.close(read)
    log = Log(lambda: WALL_MS, handle=write)
    for at in range(LINES_KEPT + 5):
        log.note(Note("e", {"at": at}))
    log.note(Note("quiet", {}, Level.DEBUG))
    os.close(write)
    assert len(log.recent(10 * LINES_KEPT)) == LINES_KEPT
    assert [line.rpartition("at=")[2] for line in log.recent(2)] == [str(LINES_KEPT + 3), str(LINES_KEPT + 4)]
    assert log.recent(0) == ()
    assert log.recent(-1) == ()
