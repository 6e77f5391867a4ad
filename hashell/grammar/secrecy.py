"""Passwords and the like: which names stand for them, and texts and objects with stars in their place. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Final

from msgspec.structs import replace

from hashell.grammar.words import split
from hashelld.cib.document import Cib, Object, key_of
from hashelld.model.administration import Alert
from hashelld.model.node import Node
from hashelld.model.resource import AttributeSet, Bundle, Clone, Group, NvPair, Operation, Primitive, Template
from hashelld.model.secret import referred


STARS: Final = "******"
OTHER_STARS: Final = "****** (another one)"
"""In a difference: a secret that is not the one before."""
_SECRET: Final = re.compile(r"passw|passphrase|secret|token\Z|api_?key|private_?key", re.IGNORECASE)
_HARMLESS: Final = re.compile(r"_script\Z|_file\Z", re.IGNORECASE)
"""`passwd_script`: where the secret comes from."""


def is_secret(name: str) -> bool:
    """Is a value of this name a secret?"""
    return _SECRET.search(name) is not None and _HARMLESS.search(name) is None


def repeated(name: str, value: str) -> str:
    """A value as it may be repeated to whoever gave it: somebody may look over the shoulder."""
    return STARS if is_secret(name) and referred(value) is None else value


def without_secrets(line: str) -> str:
    """A typed line with stars for the values of secrets: in `NAME=VALUE`, and in `set … NAME VALUE`."""
    parts: list[str] = []
    end = 0
    words = split(line)
    for at, word in enumerate(words):
        name, equals, value = word.text.partition("=")
        if equals and value and is_secret(name) and referred(value) is None:
            parts += [line[end : word.start], f"{name}={STARS}"]
        elif at >= 2 and words[at - 2].text == "set" and _is_told(words[at - 1].text, word.text):
            parts += [line[end : word.start], STARS]
        else:
            continue
        end = word.end
    return "".join((*parts, line[end:]))


def _is_told(path: str, value: str) -> bool:
    """Is this the value of a secret, and not where it is?"""
    return is_secret(path.rpartition(".")[2]) and referred(value) is None


def obscured(cib: Cib, patterns: tuple[str, ...]) -> Cib:
    """The configuration with stars for every value whose name fits one of the patterns (passw*)."""

    def hides(name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in patterns)

    return Cib(tuple(masked_object(o, hides=hides) for o in cib.objects)) if patterns else cib


def masked(cib: Cib, before: Cib | None = None) -> Cib:
    """The configuration with stars for secrets; those that are not as in `before` are told from those that are."""
    old = {} if before is None else {key_of(o): secrets_of(o) for o in before.objects}
    return Cib(tuple(masked_object(o, old.get(key_of(o), {})) for o in cib.objects))


def masked_object(
    found: Object, before: Mapping[str, str] | None = None, hides: Callable[[str], bool] = is_secret
) -> Object:
    """One object with stars for its secrets: the values of the names that `hides` tells."""
    known = before or {}

    def pair(one: NvPair) -> NvPair:
        if one.value is None or not hides(one.name) or referred(one.value) is not None:
            return one  # Where a secret is, is none.
        is_other = one.name in known and known[one.name] != one.value
        return replace(one, value=OTHER_STARS if is_other else STARS)

    def sets(given: tuple[AttributeSet, ...]) -> tuple[AttributeSet, ...]:
        return tuple(replace(one, pairs=tuple(map(pair, one.pairs))) for one in given)

    def operation(one: Operation) -> Operation:
        return replace(one, params=sets(one.params)) if one.params else one

    if not secrets_of(found, hides):
        return found
    match found:
        case Primitive() | Template():
            return replace(found, params=sets(found.params), operations=tuple(map(operation, found.operations)))
        case Group() | Clone() | Bundle() | Alert():
            return replace(found, params=sets(found.params))
        case Node():
            return replace(found, attributes=sets(found.attributes))
        case _:
            return found


def secrets_of(found: Object, hides: Callable[[str], bool] = is_secret) -> dict[str, str]:
    """The secrets of an object by their names."""
    match found:
        case Primitive() | Template():
            sets = (*found.params, *(one for operation in found.operations for one in operation.params))
        case Group() | Clone() | Bundle() | Alert():
            sets = found.params
        case Node():
            sets = found.attributes
        case _:
            return {}
    return {p.name: p.value for one in sets for p in one.pairs if p.value is not None and hides(p.name)}
