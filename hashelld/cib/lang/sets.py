"""Reading resource sets: `a b ( c d ) [ e f sequential=true ]`.

Members outside brackets form a set in which they come one after the other; `( … )` is `sequential=false`, `[ … ]` also
`require-all=false`. A change of role or action begins a new set. Beyond crmsh's language, brackets take a set's own
`score`, `kind` and `ordering`, its id (`$id=ID`), and a reference to another set (`$id-ref=ID`).
"""

from __future__ import annotations

from typing import Final

import msgspec

from hashelld.cib.lang.cursor import SCORE_TOKEN, Cursor
from hashelld.cib.lang.tokens import Word
from hashelld.model.constraint import ResourceSet
from hashelld.model.ids import ResourceId, is_id
from hashelld.model.options import parse_boolean


ACTIONS: Final = ("start", "stop", "promote", "demote")
FORCE_SETS: Final = "_rsc_set_"
"""In front of members that would otherwise be taken for a constraint between two resources."""
SEQUENTIAL, REQUIRE_ALL = "sequential", "require-all"
_FLAGS: Final = (SEQUENTIAL, REQUIRE_ALL)
_DETAILS: Final = ("score", "kind", "ordering", "$id", "$id-ref")
_CLOSING: Final = {"(": ")", "[": "]"}
_BRACKETS: Final = "()[]"
_BRACES: Final = "{}"


class Member(msgspec.Struct, frozen=True):
    """One resource in a constraint, and what stands behind its colon: a role, an action, a number of an instance."""

    name: ResourceId
    word: Word
    detail: str | None = None
    detail_word: Word | None = None


class _Options(msgspec.Struct, frozen=True):
    """What is said of a set inside its brackets, or behind its members."""

    sequential: bool | None = None
    require_all: bool | None = None
    score: str | None = None
    kind: str | None = None
    ordering: str | None = None
    id: str | None = None
    id_ref: str | None = None


class SetReader:
    """Reads the members of a constraint: `plain` when they are no more than resources, and `sets` in any case."""

    __slots__ = ("_cursor", "_is_action", "_members", "_options", "is_set", "plain", "sets")

    def __init__(self, cursor: Cursor, *, is_action: bool = False) -> None:
        self._cursor = cursor
        self._is_action = is_action
        self._members: list[Member] = []
        self._options = _Options()
        self.plain: list[Member] = []
        self.sets: list[ResourceSet] = []
        self.is_set = False
        """There were brackets, flags, or the word that asks for sets."""

    def read(self, closing: str = "") -> None:
        """Members up to a constraint's option, or to the end; with `closing`, from a brace up to its closing one."""
        cursor = self._cursor
        _split_brackets(cursor, closing)
        if closing:
            cursor.take("opening brace")
        while (word := cursor.next) is not None:
            if not word.is_quoted and word.text in _CLOSING:
                self._read_brackets(cursor.take("bracket"))
            elif not word.is_quoted and word.text in (*_CLOSING.values(), *_BRACES):
                if word.text == closing:
                    break
                cursor.refuse(word, "stray-bracket", f"'{word.text}' closes nothing here")
            elif closing and SCORE_TOKEN.match(word.text):
                break  # The closing brace has been forgotten.
            elif "=" in word.text:
                if not self._read_flag(word):
                    break
            elif word.text == FORCE_SETS:
                cursor.take("member")
                self.is_set = True
            else:
                self._add(cursor.take("member"))
        self._close()

    def _read_brackets(self, opening: Word) -> None:
        self._close()
        self.is_set = True
        cursor, closing = self._cursor, _CLOSING[opening.text]
        self._options = _Options(sequential=False, require_all=False if opening.text == "[" else None)
        while (word := cursor.next) is not None and (word.is_quoted or word.text != closing):
            cursor.take("member")
            if not word.is_quoted and (word.text in _BRACKETS or word.text in _BRACES):
                cursor.refuse(word, "stray-bracket", f"'{word.text}' inside {opening.text} …: {closing} is missing")
            if "=" in word.text:
                self._read_option(word)
            else:
                self._add(word)
        if cursor.next is None:
            cursor.refuse(opening, "unclosed-bracket", f"the bracket {opening.text} is never closed")
        cursor.take("bracket")
        if not self._members and self._options.id_ref is None:
            cursor.report(opening, "empty-set", f"there is nothing in the brackets {opening.text} {closing}")
        self._close()

    def _read_flag(self, word: Word) -> bool:
        """`sequential=…` behind members; False when the word is an option of the constraint."""
        name = word.text.partition("=")[0]
        is_own = name == SEQUENTIAL or (name == REQUIRE_ALL and (self.is_set or len(self.plain) > 2))
        if is_own and self._members:
            self._cursor.take("option")
            self._read_option(word)
            self.is_set = True
            return True
        return False

    def _read_option(self, word: Word) -> None:
        name, _, value = word.text.partition("=")
        if name not in (*_FLAGS, *_DETAILS):
            self._cursor.refuse_unknown(word, name, "option of a set", (*_FLAGS, *_DETAILS))
        if name in _DETAILS:
            self._options = msgspec.structs.replace(self._options, **{name.removeprefix("$").replace("-", "_"): value})
            return
        flag = parse_boolean(value)
        if flag is None:
            self._cursor.report(word, "bad-value", f"{name} expects true or false, not '{value}'")
        field = "sequential" if name == SEQUENTIAL else "require_all"
        self._options = msgspec.structs.replace(self._options, **{field: None if flag else False})

    def _add(self, word: Word) -> None:
        member = read_member(self._cursor, word)
        detail: str | None
        if member.detail is not None and member.detail.isdigit():
            detail = member.detail
        elif self._is_action:
            detail = self._action(member)
        else:
            detail = self._role(member)
        member = msgspec.structs.replace(member, detail=detail)
        if self._members and self._members[-1].detail != detail:
            self._flush()
        self._members.append(member)
        self.plain.append(member)

    def _role(self, member: Member) -> str | None:
        if member.detail is None or member.detail_word is None:
            return None
        return self._cursor.role(member.detail_word, member.detail)

    def _action(self, member: Member) -> str | None:
        if member.detail is None or member.detail_word is None:
            return None
        if member.detail.lower() not in ACTIONS:
            self._cursor.report_unknown(member.detail_word, member.detail, "action", ACTIONS)
        return member.detail.lower()

    def _close(self) -> None:
        self._flush()
        self._options = _Options()

    def _flush(self) -> None:
        """What has been gathered becomes a set; the options hold on, for a change of role does not end brackets."""
        options = self._options
        if not self._members and options.id_ref is None:
            return
        detail = self._members[0].detail if self._members else None
        self.sets.append(
            ResourceSet(
                members=tuple(member.name for member in self._members),
                sequential=options.sequential,
                require_all=options.require_all,
                role=None if self._is_action else detail,
                action=detail if self._is_action else None,
                score=options.score,
                kind=options.kind,
                ordering=options.ordering,
                id=options.id,
                id_ref=options.id_ref,
            )
        )
        self._members = []
        self._options = msgspec.structs.replace(options, id=None, id_ref=None)

    def check_sets(self) -> None:
        """Report what may stand between two resources only: numbers of instances, one resource twice."""
        seen: set[tuple[str, str | None]] = set()
        for member in self.plain:
            if (member.name, member.detail) in seen:
                self._cursor.report(member.word, "duplicate-member", f"'{member.name}' is listed twice")
            seen.add((member.name, member.detail))
            if member.detail is not None and member.detail.isdigit():
                message = f"'{member.word.text}': a set cannot name a single instance of a clone"
                self._cursor.report(member.word, "instance-in-set", message, "name the clone")


def read_member(cursor: Cursor, word: Word) -> Member:
    """A resource, and what stands behind its colon."""
    name, colon, detail = word.text.partition(":")
    if not is_id(name):
        hint = "a letter or _, then letters, digits, _ . -"
        cursor.report(word, "bad-id", f"'{name or word.text}' is no resource id", hint)
    at = word.column + len(name) + 1
    behind = Word(detail, word.line, at, max(1, len(detail))) if colon else None
    return Member(ResourceId(name), word, detail if colon else None, behind)


def _split_brackets(cursor: Cursor, closing: str) -> None:
    """Brackets may be glued to the word beside them: `(a b)`."""
    signs = _BRACKETS + _BRACES if closing else _BRACKETS
    words: list[Word] = []
    is_over = False
    for word in cursor.rest():
        words.extend([word] if word.is_quoted or is_over else _pieces(word, signs))
        is_over = is_over or (bool(closing) and words[-1].text == closing)
    cursor.replace_rest(words)


def _pieces(word: Word, signs: str) -> list[Word]:
    text = word.text
    start, end = 0, len(text)
    while start < end and text[start] in signs:
        start += 1
    while end > start and text[end - 1] in signs:
        end -= 1
    spans = [(at, at + 1) for at in range(start)]
    spans += [(start, end)] if end > start else []
    spans += [(at, at + 1) for at in range(end, len(text))]
    if len(spans) <= 1:
        return [word]
    return [Word(text[a:b], word.line, word.column + a, b - a) for a, b in spans]
