"""Selections of objects, as `configure show`, `edit`, `save` and `filter` take them."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from typing import Annotated, Final

from hashell.errors import Refused
from hashell.grammar.kinds import Kind, object_candidates
from hashell.grammar.mistake import did_you_mean
from hashell.grammar.scope import Scope
from hashell.outcomes import Candidate
from hashell.session import Session
from hashelld.cib.document import Cib, Object, Properties, key_of
from hashelld.cib.references import names_in, referrers
from hashelld.model.administration import AclTarget
from hashelld.model.resource import Tag


TYPES: Final = (
    "node",
    "primitive",
    "group",
    "clone",
    "bundle",
    "rsc_template",
    "tag",
    "location",
    "colocation",
    "order",
    "rsc_ticket",
    "property",
    "rsc_defaults",
    "op_defaults",
    "fencing_topology",
    "alert",
    "role",
    "acl_target",
    "acl_group",
    "xml",
)
_NAMES: Final = {
    "Template": "rsc_template",
    "TicketConstraint": "rsc_ticket",
    "Topology": "fencing_topology",
    "AclRole": "role",
    "Unmodelled": "xml",
}
"""Statements of the objects whose classes are called otherwise."""


def _offered(scope: Scope, before: tuple[str, ...]) -> Iterator[Candidate]:
    yield Candidate("changed", "what the draft changes")
    yield Candidate("xml", "as Pacemaker's XML")
    yield Candidate(f"{OBSCURE}passw*", "stars for values of such names")
    yield from object_candidates(scope, before)
    objects = scope.cib().objects
    used = {type_of(found) for found in objects}
    yield from (Candidate(f"type:{name}", f"every {name}") for name in TYPES if name in used)
    yield from (Candidate(f"tag:{found.id}", "what it names") for found in objects if isinstance(found, Tag))


OBSCURE: Final = "obscure:"
SELECTION_HELP: Final = "an id, a pattern (web*), type:TYPE, tag:TAG, related:ID, or changed"
Selector = Annotated[str, Kind(name="selection", help=SELECTION_HELP, offer=_offered)]


def selected(session: Session, words: tuple[str, ...]) -> frozenset[str] | None:
    """The ids that words select in the draft; None without any words: everything. What is not there is `Refused`."""
    if not words:
        return None
    cib = session.cib()
    return frozenset(one for word in words for one in _one(session, cib, word))


def patterns_in(words: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words of a selection without `xml` and `obscure:PATTERN`, and these patterns."""
    chosen = tuple(word for word in words if word != "xml" and not word.startswith(OBSCURE))
    return chosen, tuple(word.removeprefix(OBSCURE) for word in words if word.startswith(OBSCURE))


def part(cib: Cib, chosen: frozenset[str] | None) -> Cib:
    """The chosen objects alone."""
    return cib if chosen is None else Cib(tuple(o for o in cib.objects if o.id in chosen))


def type_of(found: Object) -> str:
    """The statement that an object is written with."""
    if isinstance(found, Properties):
        return found.kind
    if isinstance(found, AclTarget):
        return "acl_group" if found.is_group else "acl_target"
    name = type(found).__name__
    return _NAMES.get(name, name.lower())


def _one(session: Session, cib: Cib, word: str) -> set[str]:
    ids = [o.id for o in cib.objects]
    if word == "changed":
        before = {key_of(o): o for o in session.draft.original.objects}
        return {o.id for o in cib.objects if before.get(key_of(o)) != o}
    kind, colon, name = word.partition(":")
    if colon and kind == "type":
        if name not in TYPES:
            raise Refused(f"There is no type '{name}'. {did_you_mean(name, TYPES)}".strip())
        return {o.id for o in cib.objects if type_of(o) == name}
    if colon and kind == "tag":
        tag = cib.find(name)
        if not isinstance(tag, Tag):
            known = [o.id for o in cib.objects if isinstance(o, Tag)]
            raise Refused(f"There is no tag '{name}'. {did_you_mean(name, known)}".strip())
        return {name, *tag.members}
    if colon and kind == "related" and name in ids:
        return _related(cib, name)
    if any(sign in word for sign in "*?["):
        return {one for one in ids if fnmatch.fnmatchcase(one, word)}
    if word not in ids:
        raise Refused(f"There is no object '{word}' in this configuration. {did_you_mean(word, ids)}".strip())
    return {word}


def _related(cib: Cib, name: str) -> set[str]:
    """The object, what it names, and what names it."""
    found = cib.find(name)
    named = names_in(found) if found is not None else frozenset()
    inside = {o.id for o in cib.objects if key_of(o) in named or o.id in named}
    return {name, *inside, *(o.id for o in referrers(cib, name))}
