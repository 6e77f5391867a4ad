"""Options of a command line as GNU and GLib programs take them: `-n NAME`, `-nNAME`, `--name=NAME`, `-qG`."""

from __future__ import annotations

import msgspec


class OptionsRefused(Exception):
    """The words are no command line of this command; the text tells why."""


class Known(msgspec.Struct, frozen=True):
    """The options that a command has: each of their spellings (`n`, `name`) leads to one name.

    `flags` take no value, `valued` take one, `maybe` take one if the next word is none of the options.
    """

    flags: dict[str, str]
    valued: dict[str, str]
    maybe: dict[str, str] = {}


class Options:
    """What was given: values by name; of an option that is given twice, the last."""

    __slots__ = ("_given",)

    def __init__(self, given: dict[str, str | None]) -> None:
        self._given = given

    def __contains__(self, name: str) -> bool:
        return name in self._given

    def value(self, name: str) -> str | None:
        """The option's value; None when it was not given, or has none."""
        return self._given.get(name)


def read_options(words: tuple[str, ...], known: Known) -> Options:
    """Read a command line; raises OptionsRefused for what is not known, and for words that are no option's."""
    reader = _Reader(words, known)
    while reader.words:
        reader.take(reader.words.pop(0))
    return Options(reader.given)


class _Reader:
    __slots__ = ("_known", "given", "words")

    def __init__(self, words: tuple[str, ...], known: Known) -> None:
        self.words = list(words)
        self.given: dict[str, str | None] = {}
        self._known = known

    def take(self, word: str) -> None:
        if word.startswith("--") and len(word) > len("--"):
            spelling, is_joined, value = word[2:].partition("=")
            self._take(f"--{spelling}", spelling, value if is_joined else None)
        elif word.startswith("-") and len(word) > len("-"):
            self._take_letters(word[1:])
        else:
            raise OptionsRefused(f"Unexpected argument {word}")

    def _take_letters(self, letters: str) -> None:
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter in self._known.flags:
                self._take(f"-{letter}", letter, None)
            else:
                self._take(f"-{letter}", letter, letters or None)
                return

    def _take(self, shown: str, spelling: str, value: str | None) -> None:
        known = self._known
        if spelling in known.flags:
            if value is not None:
                raise OptionsRefused(f"Option {shown} takes no value")
            self.given[known.flags[spelling]] = None
        elif spelling in known.valued:
            if value is None and not self.words:
                raise OptionsRefused(f"Missing argument for {shown}")
            self.given[known.valued[spelling]] = self.words.pop(0) if value is None else value
        elif spelling in known.maybe:
            if value is None and self.words and not self.words[0].startswith("-"):
                value = self.words.pop(0)
            self.given[known.maybe[spelling]] = value
        else:
            raise OptionsRefused(f"Unknown option {shown}")
