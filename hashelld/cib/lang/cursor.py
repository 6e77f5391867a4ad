"""A reader of one statement's words: what comes next, and a clear refusal when it is not what must come."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NoReturn

from hashelld.cib.lang.diagnostic import Diagnostic, suggest
from hashelld.cib.lang.tokens import Word
from hashelld.model.ids import is_id
from hashelld.model.options import ROLES, canonical_role


class SyntaxRefused(Exception):
    """The statement cannot be understood, for these reasons; reading goes on with the next one."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        self.diagnostics = diagnostics
        super().__init__(diagnostics[0].message)


SCORE_TOKEN: Final = re.compile(r"[^\s='\"\\$]+:\Z")


class Cursor:
    """Walks over the words of a statement, the first one (its keyword) excluded.

    `refuse` gives the statement up at once; `report` notes what is wrong with a value, and reading goes on.
    """

    __slots__ = ("_at", "found", "words")

    def __init__(self, words: tuple[Word, ...]) -> None:
        self.words = words
        self.found: list[Diagnostic] = []
        self._at = 1

    @property
    def next(self) -> Word | None:
        """The next word, not taken."""
        return self.peek()

    @property
    def last(self) -> Word:
        """The word taken last."""
        return self.words[self._at - 1]

    def peek(self, ahead: int = 0) -> Word | None:
        """The next word, or one behind it, not taken."""
        at = self._at + ahead
        return self.words[at] if at < len(self.words) else None

    def rest(self) -> tuple[Word, ...]:
        """All words that are left, not taken."""
        return self.words[self._at :]

    def replace_rest(self, words: Iterable[Word]) -> None:
        """Put other words in the place of those that are left."""
        self.words = (*self.words[: self._at], *words)

    def take(self, wanted: str) -> Word:
        """The next word; refused when there is none, naming what was wanted."""
        word = self.next
        if word is None:
            last = self.words[-1]
            self.refuse(last, "incomplete", f"{wanted} is missing after '{last.text}'")
        self._at += 1
        return word

    def take_id(self, wanted: str) -> Word:
        """An object id, also written `id=NAME`."""
        word = self.take(wanted)
        text = word.text.removeprefix("id=")
        if not is_id(text):
            self.refuse(word, "bad-id", f"'{text}' is no {wanted}", "a letter or _, then letters, digits, _ . -")
        return Word(text, word.line, word.column, word.length, word.is_quoted)

    def take_keyword(self, keywords: Iterable[str]) -> str | None:
        """The next word in lower case when it is one of the keywords, otherwise None and nothing is taken."""
        found = self.peek_keyword(keywords)
        if found is not None:
            self._at += 1
        return found

    def peek_keyword(self, keywords: Iterable[str], ahead: int = 0) -> str | None:
        """Is a keyword next (or behind it)?"""
        word = self.peek(ahead)
        if word is None or word.is_quoted:
            return None
        return word.text.lower() if word.text.lower() in keywords else None

    def take_option(self, name: str) -> str | None:
        """The value when `name=value` is next."""
        word = self.next
        if word is None or not word.text.startswith(f"{name}="):
            return None
        self._at += 1
        return word.text[len(name) + 1 :]

    def take_score(self) -> str | None:
        """What stands before the colon when `SCORE:` is next."""
        word = self.next
        if word is None or word.is_quoted or SCORE_TOKEN.match(word.text) is None:
            return None
        self._at += 1
        return word.text[:-1]

    def finish(self) -> None:
        """Refuse whatever is left over."""
        word = self.next
        if word is not None:
            self.refuse(word, "unexpected-word", f"'{word.text}' is not expected here")

    def role(self, word: Word, text: str) -> str:
        """A role in its usual case; reported when there is no such role."""
        role = canonical_role(text)
        if role is None:
            self.report_unknown(word, text, "role", ROLES)
        return role or text

    def refuse(self, word: Word, code: str, message: str, hint: str = "") -> NoReturn:
        """Give the statement up, pointing at a word."""
        self.report(word, code, message, hint)
        raise SyntaxRefused(tuple(self.found))

    def report(self, word: Word, code: str, message: str, hint: str = "") -> None:
        """Note that a word is wrong; the statement is refused when all of it has been read."""
        self.found.append(word.finding(code, message, hint))

    def refuse_unknown(self, word: Word, text: str, what: str, known: Iterable[str]) -> NoReturn:
        """Give the statement up: a word is none of those that are known here."""
        self.report_unknown(word, text, what, known)
        raise SyntaxRefused(tuple(self.found))

    def report_unknown(self, word: Word, text: str, what: str, known: Iterable[str]) -> None:
        """Note that a word is none of those that are known here."""
        names = list(known)
        hint = suggest(text, names) or f"known: {', '.join(names)}"
        self.report(word, f"unknown-{what.replace(' ', '-')}", f"'{text}' is no {what}", hint)
