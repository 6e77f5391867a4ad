"""The part of XPath that rights may be written in: steps from the root, and tests of an element's own attributes.

    path       = [ "/" | "//" ] step { ( "/" | "//" ) step } [ ( "/" | "//" ) "@" name ] { "|" path }
    step       = ( name | "*" ) { "[" test "]" }
    test       = test "or" test | test "and" test | "not(" test ")" | "(" test ")"
               | "@" name [ ( "=" | "!=" ) "'" text "'" ]
               | ( "starts-with" | "contains" ) "(@" name ", '" text "')"

Whether it selects an element follows from the element and those around it alone, never from its neighbours or from
what it contains: positions, other axes and other functions are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, NoReturn, Protocol

import msgspec


LENGTH_MAX: Final = 4_096
NESTED_MAX: Final = 16
_TOKEN: Final = re.compile(r"\s*(//|!=|[/|\[\]()@=,*]|\"[^\"]*\"|'[^']*'|[A-Za-z_][\w.-]*|\S)")
_NAME: Final = re.compile(r"[A-Za-z_][\w.-]*")
_FUNCTIONS: Final = ("starts-with", "contains")


class XPathRefused(Exception):
    """The text is no XPath of this kind; `column` counts from 1."""

    def __init__(self, column: int, text: str) -> None:
        self.column = column
        super().__init__(f"column {column}: {text}")


class Selectable(Protocol):
    """What is selected: an element."""

    @property
    def tag(self) -> str:
        """Its name."""

    @property
    def attributes(self) -> Mapping[str, str]:
        """Its attributes."""


class Has(msgspec.Struct, frozen=True, tag="has"):
    """The attribute is there."""

    attribute: str


class Is(msgspec.Struct, frozen=True, tag="is"):
    """The attribute is there, and has this value (or another one)."""

    attribute: str
    value: str
    is_other: bool = False


class Holds(msgspec.Struct, frozen=True, tag="holds"):
    """The attribute contains this, or begins with it."""

    attribute: str
    part: str
    is_start: bool


class Never(msgspec.Struct, frozen=True, tag="never"):
    """A comparison with the text of an element: a configuration's elements have none."""

    word: str


class Not(msgspec.Struct, frozen=True, tag="not"):
    """The opposite."""

    test: Test


class All(msgspec.Struct, frozen=True, tag="and"):
    """Every one of them."""

    tests: tuple[Test, ...]


class Any(msgspec.Struct, frozen=True, tag="or"):
    """One of them at least."""

    tests: tuple[Test, ...]


Test = Has | Is | Holds | Never | Not | All | Any


class Step(msgspec.Struct, frozen=True):
    """One level of a path."""

    name: str
    """`*`: any."""
    is_deep: bool
    """Anywhere below what comes before it, not directly in it."""
    tests: tuple[Test, ...] = ()


class Path(msgspec.Struct, frozen=True):
    """The steps from the root."""

    steps: tuple[Step, ...]


def parse_xpath(text: str) -> tuple[Path, ...]:
    """The paths of an XPath; `XPathRefused` where it is none of those that are understood."""
    if len(text) > LENGTH_MAX:
        raise XPathRefused(LENGTH_MAX, f"longer than {LENGTH_MAX} characters")
    parser = _Parser(text)
    paths = [parser.path()]
    while parser.take("|"):
        paths.append(parser.path())
    parser.end()
    return tuple(paths)


def selects(paths: Sequence[Path], chain: Sequence[Selectable]) -> bool:
    """Does one of the paths select the last element of this chain, which begins with the root?"""
    return any(_is_selected(path.steps, chain) for path in paths)


def unquoted_words(paths: Sequence[Path]) -> tuple[str, ...]:
    """Words that a value is compared with and that lack quotes: such tests hold for nothing."""
    return tuple(word for path in paths for step in path.steps for test in step.tests for word in _unquoted(test))


def _unquoted(test: Test) -> tuple[str, ...]:
    match test:
        case Never(word=word):
            return (word,)
        case Not(test=inner):
            return _unquoted(inner)
        case All(tests=tests) | Any(tests=tests):
            return tuple(word for one in tests for word in _unquoted(one))
        case _:
            return ()


def _is_selected(steps: Sequence[Step], chain: Sequence[Selectable]) -> bool:
    if not _fits(steps[-1], chain[-1]):
        return False
    ends = {-1}
    for step in steps:
        ends = {
            at
            for at, element in enumerate(chain)
            if (at - 1 in ends or (step.is_deep and at > min(ends))) and _fits(step, element)
        }
        if not ends:
            return False
    return len(chain) - 1 in ends


def _fits(step: Step, element: Selectable) -> bool:
    return step.name in ("*", element.tag) and all(_holds(test, element.attributes) for test in step.tests)


def _holds(test: Test, attributes: Mapping[str, str]) -> bool:
    match test:
        case Has(attribute=name):
            return name in attributes
        case Is(attribute=name, value=value, is_other=is_other):
            return name in attributes and (attributes[name] == value) is not is_other
        case Holds(attribute=name, part=part, is_start=is_start):
            given = attributes.get(name, "")
            return given.startswith(part) if is_start else part in given
        case Never():
            return False
        case Not(test=inner):
            return not _holds(inner, attributes)
        case All(tests=tests):
            return all(_holds(one, attributes) for one in tests)
        case Any(tests=tests):
            return any(_holds(one, attributes) for one in tests)


class _Parser:
    """Takes tokens from the front."""

    __slots__ = ("_at", "_depth", "_text", "_tokens")

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [(found.start(1) + 1, found.group(1)) for found in _TOKEN.finditer(text)]
        self._at = 0
        self._depth = 0

    @property
    def _next(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def take(self, *wanted: str) -> str:
        """The next token when it is one of these, else nothing."""
        token = self._next
        if token and token in wanted:
            self._at += 1
            return token
        return ""

    def end(self) -> None:
        """Nothing may follow."""
        if self._next:
            self._refuse(f"'{self._next}' is not expected here")

    def path(self) -> Path:
        """The steps of one path."""
        steps: list[Step] = []
        slash = self.take("/", "//")
        if slash == "/" and self._next in ("", "|"):
            return Path((Step("*", is_deep=False),))
        while True:
            is_deep = slash == "//"
            if self.take("@"):
                self._of_attribute(steps, Has(self._name()), is_deep=is_deep)
                return Path(tuple(steps))
            steps.append(self._step(is_deep=is_deep))
            slash = self.take("/", "//")
            if not slash:
                return Path(tuple(steps))

    def _of_attribute(self, steps: list[Step], test: Has, *, is_deep: bool) -> None:
        """A path to an attribute means the elements that have it."""
        if is_deep or not steps:
            steps.append(Step("*", is_deep, (test,)))
        else:
            last = steps[-1]
            steps[-1] = Step(last.name, last.is_deep, (*last.tests, test))

    def _step(self, *, is_deep: bool) -> Step:
        name = self.take("*") or self._name()
        if self._next == "(":
            self._refuse(f"{name}() is not understood as a step")
        tests: list[Test] = []
        while self.take("["):
            tests.append(self._either())
            self._demand("]")
        return Step(name, is_deep, tuple(tests))

    def _either(self) -> Test:
        tests = [self._both()]
        while self.take("or"):
            tests.append(self._both())
        return tests[0] if len(tests) == 1 else Any(tuple(tests))

    def _both(self) -> Test:
        tests = [self._one()]
        while self.take("and"):
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else All(tuple(tests))

    def _one(self) -> Test:
        if self.take("@"):
            return self._comparison(self._name())
        if function := self.take(*_FUNCTIONS):
            return self._call(function)
        is_opposite = bool(self.take("not"))
        if not self.take("("):
            self._refuse(f"'{self._next}' is not understood in a test: @NAME, @NAME='TEXT', and, or, not(…)")
        self._depth += 1
        if self._depth > NESTED_MAX:
            self._refuse(f"tests are nested more than {NESTED_MAX} deep")
        inner = self._either()
        self._depth -= 1
        self._demand(")")
        return Not(inner) if is_opposite else inner

    def _comparison(self, name: str) -> Test:
        sign = self.take("=", "!=")
        if not sign:
            return Has(name)
        if _NAME.fullmatch(self._next):
            return Never(self._name())
        return Is(name, self._literal(), is_other=sign == "!=")

    def _call(self, function: str) -> Holds:
        self._demand("(")
        self._demand("@")
        name = self._name()
        self._demand(",")
        part = self._literal()
        self._demand(")")
        return Holds(name, part, is_start=function == "starts-with")

    def _literal(self) -> str:
        token = self._next
        if len(token) < 2 or token[0] not in "'\"":
            self._refuse(f"a text in quotes is expected, not '{token}'")
        self._at += 1
        return token[1:-1]

    def _name(self) -> str:
        token = self._next
        if not _NAME.fullmatch(token):
            self._refuse(f"a name is expected, not '{token}'" if token else "a name is expected at the end")
        self._at += 1
        return token

    def _demand(self, token: str) -> None:
        if not self.take(token):
            self._refuse(f"'{token}' is expected, not '{self._next}'" if self._next else f"'{token}' is missing")

    def _refuse(self, text: str) -> NoReturn:
        column = self._tokens[self._at][0] if self._at < len(self._tokens) else len(self._text) + 1
        raise XPathRefused(column, text)
