from __future__ import annotations

import pytest

from hashell.grammar.bind import Target, bind, call_of, resolve
from hashell.grammar.kinds import DurationMs, Flag, Integer, OnOff, ResourceRef, Rest, Score, Word
from hashell.grammar.mistake import BadLine
from hashell.grammar.registry import Command
from hashell.grammar.words import split
from hashell.session import Session
from tests.shell.grammar.scene import session_of


def stop(session: Session, resource: ResourceRef, *more: ResourceRef, wait: Flag = False, limit: Integer = 3) -> None:
    """Stop resources.

    They stay stopped.
    """


def weigh(session: Session, name: Word, score: Score = 0, after: DurationMs | None = None, is_on: OnOff = True) -> None:
    """Weigh."""


def define(session: Session, statement: Rest) -> None:
    """Define."""


def command_of(function, *, is_exact=False):
    return Command("resource", function.__name__, function, aliases=(), examples=(), is_exact=is_exact)


def call(function, text, level=""):
    command = command_of(function)
    line = f"{function.__name__} {text}"
    return bind(line, split(line), Target(level="", command=command, used=1), session_of())


def mistakes(function, text):
    with pytest.raises(BadLine) as caught:
        call(function, text)
    return [(m.text, m.start, m.hint) for m in caught.value.mistakes]


def test_parameters_are_read_from_the_signature():
    command = command_of(stop)
    assert command.usage == "resource stop RESOURCE [MORE …] [--wait] [--limit NUMBER]"
    assert command.summary == "Stop resources."
    assert command.details == "They stay stopped."


def test_words_and_options_become_arguments():
    found = call(stop, "web --wait vip --limit=5 --json")
    assert found.arguments == ("web", "vip")
    assert found.options == {"wait": True, "limit": 5}
    assert found.common == {"--json"}


def test_values_are_parsed_by_their_kinds():
    assert call(weigh, "x -inf 2min off").arguments == ("x", -1_000_000, 120_000, False)


def test_the_rest_is_kept_as_it_was_typed():
    found = call(define, "x  Dummy  params a='b  c' --what \"open")
    assert found.arguments == ("x  Dummy  params a='b  c' --what \"open",)


@pytest.mark.parametrize(
    ("text", "rest", "common"),
    [
        ("a b --force", "a b", {"--force"}),
        ("a  'b' --force --json  ", "a  'b'", {"--force", "--json"}),
        ("a '--force'", "a '--force'", set()),
        ("a --force b", "a --force b", set()),
        ("a x=--force", "a x=--force", set()),
        ("a --nosuch", "a --nosuch", set()),
    ],
)
def test_common_options_may_stand_behind_the_rest(text, rest, common):
    found = call(define, text)
    assert found.arguments == (rest,)
    assert found.common == common


def test_common_options_may_stand_before_the_rest():
    found = call(define, "--force x Dummy")
    assert (found.arguments, found.common) == (("x Dummy",), {"--force"})


@pytest.mark.parametrize(
    ("function", "text", "expected"),
    [
        (stop, "", [("resource stop needs resource", 5)]),
        (stop, "wbe", [("no resource 'wbe'", 5)]),
        (stop, "web web", [("no resource 'web' again", 9)]),
        (stop, "wbe vpi", [("no resource 'wbe'", 5), ("no resource 'vpi'", 9)]),
        (stop, "web --wiat", [("resource stop has no option --wiat", 9)]),
        (stop, "web --limit", [("--limit needs a value", 9)]),
        (stop, "web --limit x", [("limit: expected a whole number", 17)]),
        (stop, "web --wait=1", [("--wait takes no value", 9)]),
        (stop, "'web", [("the quote is not closed", 5)]),
        (weigh, "x 1 2s on more", [("resource weigh takes no more words", 16)]),
        (weigh, "x high", [("score: expected a score: a number, inf or -inf", 8)]),
        (weigh, "x 1 soon", [("after: expected a duration such as 10s, 300ms or 2min", 10)]),
        (weigh, "x 1 2s perhaps", [("is-on: expected on or off", 13)]),
    ],
)
def test_every_mistake_is_told_with_its_place(function, text, expected):
    assert [(found, start) for found, start, _hint in mistakes(function, text)] == expected


def test_a_near_name_is_proposed():
    assert mistakes(stop, "wbe")[0][2] == "did you mean 'web'?"
    assert mistakes(stop, "web --wiat")[0][2] == "did you mean '--wait'?"


def test_help_needs_no_other_words():
    assert call(stop, "--help").common == {"--help"}


@pytest.mark.parametrize(
    ("line", "level", "path"),
    [
        ("configure show", "", "configure show"),
        ("show", "configure", "configure show"),
        ("sho", "configure", "configure show"),
        ("primitive x Dummy", "configure", "configure primitive"),
        ("node n1", "configure", "configure node"),
        ("cf show", "", "configure show"),
        ("resource stop web", "configure", "resource stop"),
        ("configure resource x Dummy", "", "configure primitive"),
        ("help", "node", "help"),
        ("?", "", "help"),
    ],
)
def test_the_command_is_found(line, level, path):
    found = resolve(line, split(line), level)
    assert found.command is not None
    assert found.command.path == path


@pytest.mark.parametrize(
    ("line", "level", "text"),
    [
        ("configure er", "", "'er' is short for 'erase', which must be written in full"),
        ("era", "configure", "'era' is short for 'erase', which must be written in full"),
        ("statsu", "", "no command 'statsu'"),
        ("configure nosuch", "", "no command 'nosuch' in configure"),
        ("re", "configure", "'re' is ambiguous: redo, refresh, rename, resource, resume"),
    ],
)
def test_what_is_no_command_is_refused(line, level, text):
    with pytest.raises(BadLine) as caught:
        resolve(line, split(line), level)
    assert caught.value.mistakes[0].text == text


def test_a_level_alone_is_a_place_to_go_to():
    found = call_of("configure", session_of())
    assert isinstance(found, Target)
    assert (found.level, found.command) == ("configure", None)


@pytest.mark.parametrize("line", ["", "   ", "# nothing"])
def test_nothing_means_nothing(line):
    assert call_of(line, session_of()) is None
