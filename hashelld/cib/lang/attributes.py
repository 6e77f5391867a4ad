"""Reading attribute sets (`params`, `meta`, `utilization`, `attributes`), operations, and whole bodies of sections."""

from __future__ import annotations

from typing import Final

from hashelld.cib.lang.cursor import SCORE_TOKEN, Cursor
from hashelld.cib.lang.rules import RULE, read_rules
from hashelld.cib.lang.tokens import Word
from hashelld.model.resource import AttributeSet, NvPair, Operation
from hashelld.model.written import layout_of


PARAMS, META, UTILIZATION, ATTRIBUTES = "params", "meta", "utilization", "attributes"
OPERATIONS: Final = "operations"

NODE_SECTIONS: Final = frozenset({ATTRIBUTES, UTILIZATION})
CONTAINER_SECTIONS: Final = frozenset({PARAMS, META})
PRIMITIVE_SECTIONS: Final = frozenset({PARAMS, META, UTILIZATION, OPERATIONS, "op"})
OPERATION_SECTIONS: Final = frozenset({"op_params", "op_meta"})

OPERATION_OPTIONS: Final = (
    "interval",
    "timeout",
    "start-delay",
    "interval-origin",
    "on-fail",
    "enabled",
    "record-pending",
    "role",
    "requires",
    "description",
)


def read_set(cursor: Cursor, keywords: frozenset[str]) -> AttributeSet:
    """One attribute set, up to the next keyword or the end."""
    id_ref = cursor.take_option("$id-ref")
    if id_ref is not None:
        score = cursor.take_score()
        word = cursor.next
        if word is not None and cursor.peek_keyword(keywords) is None:
            cursor.refuse(word, "unexpected-word", f"nothing may follow $id-ref={id_ref} in a set")
        return AttributeSet(id_ref=id_ref, score=score)
    set_id = cursor.take_option("$id")
    score = cursor.take_score()
    rules = read_rules(cursor)
    pairs = _read_pairs(cursor, keywords)
    return AttributeSet(pairs, id=set_id, score=score, rules=rules)


def _read_pairs(cursor: Cursor, keywords: frozenset[str]) -> tuple[NvPair, ...]:
    pairs: list[NvPair] = []
    seen: set[str] = set()
    while cursor.next is not None and cursor.peek_keyword(keywords) is None:
        word = cursor.take("name=value")
        if not word.is_quoted and word.text.lower() == RULE:
            hint = "rules come in front of the values; a section may be written several times"
            cursor.refuse(word, "misplaced-rule", "a rule cannot stand behind values", hint)
        if not word.is_quoted and word.text.startswith("#") and "=" not in word.text:
            cursor.refuse(word, "misplaced-comment", "a comment stands on a line of its own", 'or quote it: "#…"')
        pair = _read_pair(cursor, word)
        if pair.name and pair.name in seen:
            cursor.report(word, "duplicate-name", f"'{pair.name}' is given twice")
        seen.add(pair.name)
        pairs.append(pair)
    return tuple(pairs)


def _read_pair(cursor: Cursor, word: Word) -> NvPair:
    text = word.text
    head, equals, value = text.partition("=")
    given = value if equals else None
    if head.startswith("@") and len(head) > 1:
        id_ref, _, name = head[1:].partition(":")
        return NvPair(name, given, id_ref=id_ref)
    pair_id = None
    if head.startswith("$"):
        if head in ("$id", "$id-ref"):
            cursor.report(word, "misplaced-id", f"{head} must be the first word of its set")
        pair_id, _, name = head[1:].partition(":")
        head = name or pair_id
    elif not equals and not word.is_quoted and SCORE_TOKEN.match(text):
        cursor.report(
            word, "misplaced-score", f"the score '{text}' must come first in its set", "or name=value is meant"
        )
    if not head:
        cursor.report(word, "bad-attribute", f"'{text}' has no name", "write name=value")
    return NvPair(head, given, pair_id)


def _read_operation(cursor: Cursor, keywords: frozenset[str]) -> Operation:
    """What follows `op`: its name, its options, its parameters."""
    id_ref = cursor.take_option("$id-ref")
    if id_ref is not None:
        return Operation("", id_ref=id_ref)
    name = cursor.take("the operation's name")
    if "=" in name.text:
        cursor.refuse(name, "incomplete", f"the operation's name is missing before '{name.text}'", "op monitor …")
    id_ref = cursor.take_option("$id-ref")
    if id_ref is not None:
        return Operation(name.text, id_ref=id_ref)
    ends = keywords | OPERATION_SECTIONS
    options, rest, op_id = _read_options(cursor, ends)
    params = [AttributeSet(rest)] if rest else []
    meta: list[AttributeSet] = []
    while (section := cursor.take_keyword(OPERATION_SECTIONS)) is not None:
        (params if section == "op_params" else meta).append(read_set(cursor, ends))
    if not any(option.name == "interval" for option in options):
        options = (*options, NvPair("interval", "0"))
    return Operation(name.text, options, tuple(params), tuple(meta), op_id)


def _read_options(cursor: Cursor, ends: frozenset[str]) -> tuple[tuple[NvPair, ...], tuple[NvPair, ...], str | None]:
    options: list[NvPair] = []
    rest: list[NvPair] = []
    op_id: str | None = None
    seen: set[str] = set()
    while cursor.next is not None and cursor.peek_keyword(ends) is None:
        word = cursor.take("name=value")
        name, equals, value = word.text.partition("=")
        is_option = bool(equals) and (name in OPERATION_OPTIONS or name == "id")
        if name in seen:
            cursor.report(word, "duplicate-name", f"'{name}' is given twice")
        seen.add(name)
        if not equals and not word.is_quoted and name in OPERATION_OPTIONS:
            cursor.report(word, "incomplete", f"the option '{name}' has no value", f"{name}=…")
        if not is_option:
            rest.append(_read_pair(cursor, word))
        elif rest:
            cursor.report(
                word,
                "misplaced-option",
                f"the option '{name}' must come before the parameter '{rest[0].name}'",
                "options first, then parameters",
            )
        elif name == "id":
            op_id = value
        else:
            options.append(NvPair(name, value))
    return tuple(options), tuple(rest), op_id


class Body:
    """The sections of an object, gathered while its words are read."""

    __slots__ = ("_order", "operations", "operations_id", "operations_ref", "sets")

    def __init__(self) -> None:
        self.sets: dict[str, list[AttributeSet]] = {PARAMS: [], META: [], UTILIZATION: [], ATTRIBUTES: []}
        self.operations: list[Operation] = []
        self.operations_id: str | None = None
        self.operations_ref: str | None = None
        self._order: list[str] = []

    def of(self, section: str) -> tuple[AttributeSet, ...]:
        """The sets of one kind."""
        return tuple(self.sets[section])

    @property
    def layout(self) -> tuple[str, ...]:
        """The order of the sections, empty for the usual one."""
        return layout_of(self._order)

    def read(self, cursor: Cursor, keywords: frozenset[str], first: str | None = None) -> None:
        """Sections up to the end; values that come without a keyword belong to the section `first`."""
        if first is not None and cursor.next is not None and cursor.peek_keyword(keywords) is None:
            self.add(first, read_set(cursor, keywords))
        while cursor.next is not None:
            section = cursor.take_keyword(keywords)
            if section is None:
                cursor.finish()
            elif section == "op":
                self.operations.append(_read_operation(cursor, keywords))
                self._note(OPERATIONS)
            elif section == OPERATIONS:
                self._read_operations_id(cursor)
                self._note(OPERATIONS)
            else:
                self.add(section, read_set(cursor, keywords))

    def add(self, section: str, found: AttributeSet) -> None:
        """One more set."""
        self.sets[section].append(found)
        self._order.append(section)

    def _note(self, section: str) -> None:
        if section not in self._order:
            self._order.append(section)

    def _read_operations_id(self, cursor: Cursor) -> None:
        self.operations_ref = cursor.take_option("$id-ref")
        self.operations_id = cursor.take_option("$id")
        if self.operations_id is None and self.operations_ref is None:
            cursor.refuse(cursor.last, "incomplete", "$id=NAME or $id-ref=NAME is missing after 'operations'")
