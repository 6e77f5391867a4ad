"""What holds for every command that there is."""

from __future__ import annotations

import pytest

from hashell.grammar.bind import names_at
from hashell.grammar.helptext import command_help
from hashell.grammar.registry import LEVELS, all_commands, commands_of
from hashell.grammar.statements import STATEMENTS
from hashell.grammar.words import split


EVERY = list(all_commands())


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one.path)
def test_a_command_explains_itself(one):
    assert one.summary.endswith("."), "the first line of a docstring is a sentence"
    assert one.examples
    assert command_help(one)


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one.path)
def test_examples_name_their_command(one):
    for example in one.examples:
        words = [word.text for word in split(example)]
        known = (
            names_at(one.level) if len(words) == 1 else {**names_at(one.level), **names_at(one.level, is_below=True)}
        )
        name = words[1] if words[0] == one.level else words[0]
        assert name in known, example


@pytest.mark.parametrize("level", LEVELS)
def test_names_and_aliases_are_used_once(level):
    names = [name for one in commands_of(level).values() if one.level == level for name in (one.name, *one.aliases)]
    assert len(names) == len(set(names))


def test_what_follows_the_rest_of_a_line_is_never_reached():
    for one in EVERY:
        assert not any(word.kind.is_rest or word.is_repeated for word in one.positionals[:-1]), one.path


def test_every_statement_that_is_completed_is_a_command():
    assert set(STATEMENTS) - set(commands_of("configure")) <= {"fencing_topology", "tag"}
