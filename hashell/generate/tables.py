"""The registry as plain rows, for the files that other shells read."""

from __future__ import annotations

from typing import Final

import msgspec

from hashell.grammar.bind import COMMON
from hashell.grammar.kinds import resource_candidates
from hashell.grammar.registry import EVERYWHERE, LEVELS, Command, all_commands


GLOBAL_OPTIONS: Final = {
    "--socket": "which hashelld to talk to",
    "--cib": "work on a CIB file",
    "--shadow": "work on a shadow: hashell cib list",
    "--file": "run the statements of a file",
    "--json": COMMON["--json"],
    "--force": COMMON["--force"],
    "--yes": COMMON["--yes"],
    "--wait": COMMON["--wait"],
    "--show-secrets": "print passwords and the like at a terminal, too",
    "--version": "print the version",
    "--help": "explain",
}
"""Options before the command, with their help."""
MANY: Final = 99
"""More words than are ever given."""
WITH_FILE: Final = ("--socket", "--cib", "--file")
"""Those that name a file."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One command."""

    level: str
    name: str
    summary: str
    options: dict[str, str]
    """Its own and the common ones, with their help."""
    takes_words: bool
    takes_path: bool
    valued: tuple[str, ...] = ()
    """Options that are followed by a word of the cluster: the name of a node, and the like."""
    filed: tuple[str, ...] = ()
    """Options that are followed by a file."""
    resources: int = 0
    """So many of its words, from the first on, are names of resources."""

    @property
    def key(self) -> str:
        """The words that run it."""
        return f"{self.level} {self.name}" if self.level else self.name


def rows() -> list[Row]:
    """Every command that a command line may name: moving between levels is for the prompt, `help` is for both."""
    return [
        Row(
            level="" if one.level == EVERYWHERE else one.level,
            name=one.name,
            summary=one.summary,
            options={f"--{option.name}": option.kind.help for option in one.options} | COMMON,
            takes_words=bool(one.positionals),
            takes_path=bool(one.positionals) and all(word.kind.is_path for word in one.positionals),
            valued=_options(one, is_path=False),
            filed=_options(one, is_path=True),
            resources=_resources(one),
        )
        for one in all_commands()
        if one.level != EVERYWHERE or one.name == "help"
    ]


def _options(command: Command, *, is_path: bool) -> tuple[str, ...]:
    valued = (option for option in command.options if not option.kind.is_flag)
    return tuple(f"--{option.name}" for option in valued if option.kind.is_path is is_path)


def _resources(command: Command) -> int:
    kinds = [word.kind.offer is resource_candidates for word in command.positionals]
    count = kinds.index(False) if False in kinds else len(kinds)
    is_endless = count == len(kinds) > 0 and command.positionals[-1].is_repeated
    return MANY if is_endless else count


def words_at_top(table: list[Row]) -> list[str]:
    """Levels and the commands of the top."""
    return [*levels(), *sorted(row.name for row in table if not row.level)]


def levels() -> dict[str, str]:
    """Levels with their help."""
    return {name: known.help for name, known in LEVELS.items() if name not in ("", EVERYWHERE)}
