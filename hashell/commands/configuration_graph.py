"""The graph of a configuration: resources inside resources, who is with whom, who waits for whom, who prefers what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise, product
from typing import Final

from hashell.commands.drawing import Drawing, Frame, Line, Spot
from hashelld.cib.document import Cib
from hashelld.cib.lang.format import format_object
from hashelld.model.constraint import Colocation, Constraint, Location, Order, ResourceSet, TicketConstraint
from hashelld.model.resource import Agent, Bundle, Clone, Group, Primitive, Resource, Tag, Template


_IS_NODE: Final = "#uname eq "
_NODE: Final = {"shape": "ellipse", "style": "filled", "fillcolor": "gray92", "color": "gray50"}
_TICKET: Final = {"shape": "note", "color": "gray50"}
_OTHER: Final = {"shape": "component", "color": "gray50"}
_ORDER: Final = {"color": "blue3"}
_OPTIONAL: Final = {"color": "blue3", "style": "dotted"}
_WITH: Final = {"color": "darkgreen", "style": "dashed"}
_APART: Final = {"color": "red3", "style": "dashed", "arrowhead": "tee"}
_LIKES: Final = {"color": "gray40", "fontcolor": "gray30"}
_DISLIKES: Final = {"color": "red3", "fontcolor": "red3", "arrowhead": "tee"}


def configuration_graph(cib: Cib) -> Drawing:
    """Resources as boxes in the frames of their groups and clones; constraints as arrows."""
    return _Graph(cib).drawing()


class _Graph:
    def __init__(self, cib: Cib) -> None:
        self._cib = cib
        self._resources: dict[str, Resource] = {
            str(found.id): found for found in cib.resources if not isinstance(found, Template)
        }
        self._inner = {child for found in self._resources.values() for child in _children(found)}
        self._frames = {name for name, found in self._resources.items() if _children(found)}
        self._others: dict[str, Spot] = {}

    def drawing(self) -> Drawing:
        lines = [line for found in self._cib.constraints for line in self._lines(found)]
        lines += [
            Line(tail=first, head=then, style=_ORDER)
            for found in self._resources.values()
            if isinstance(found, Group)
            for first, then in pairwise(found.members)
        ]
        outer = [found for name, found in self._resources.items() if name not in self._inner]
        return Drawing(
            title="configuration",
            text="\n".join(_Text(self._cib, self._resources, self._inner).lines()) + "\n",
            frames=tuple(self._frame(found) for found in outer if found.id in self._frames),
            spots=(*(_spot(found) for found in outer if found.id not in self._frames), *self._others.values()),
            lines=tuple(lines),
            is_across=True,
        )

    def _frame(self, found: Resource) -> Frame:
        inner = [self._resources[name] for name in _children(found) if name in self._resources]
        return Frame(
            id=found.id,
            label=_title(found),
            spots=tuple(_spot(one) for one in inner if one.id not in self._frames),
            frames=tuple(self._frame(one) for one in inner if one.id in self._frames),
        )

    def _lines(self, found: Constraint) -> Iterator[Line]:
        match found:
            case Location():
                for name in _named(found, found.resource):
                    yield from self._likes(found, self._end(name))
            case TicketConstraint():
                ticket = f"ticket {found.ticket}"
                self._others[ticket] = Spot(id=ticket, label=ticket, style=_TICKET)
                for name in _named(found, found.resource):
                    yield Line(tail=self._end(name), head=ticket, label=found.role or "", style=_LIKES)
            case Colocation():
                style = _APART if (found.score or "").startswith("-") else _WITH
                for one, other in _pairs(found.sets, found.resource, found.with_resource):
                    ends = {**style, "dir": "none"} if found.sets else style
                    yield Line(tail=self._end(one), head=self._end(other), label=_score(found.score), style=ends)
            case Order():
                style = _ORDER if (found.kind or "Mandatory") == "Mandatory" else _OPTIONAL
                for one, other in _pairs(found.sets, found.first, found.then):
                    yield Line(tail=self._end(one), head=self._end(other), label=_manner(found), style=style)

    def _likes(self, found: Location, tail: str) -> Iterator[Line]:
        if found.node is not None:
            style = _DISLIKES if (found.score or "").startswith("-") else _LIKES
            yield Line(
                tail=tail, head=self._place(f"node {found.node}", found.node), label=_score(found.score), style=style
            )
        for number, rule in enumerate(found.rules):
            place = self._place(f"rule {found.id} {number}", _rules(found)[number])
            yield Line(tail=tail, head=place, label=_score(rule.score), style=_LIKES)

    def _place(self, name: str, label: str) -> str:
        self._others.setdefault(name, Spot(id=name, label=label, style=_NODE))
        return name

    def _end(self, name: str) -> str:
        """The spot of a resource; what a constraint names and is none (a tag, a template, a pattern) gets its own."""
        if name not in self._resources:
            self._others.setdefault(name, Spot(id=name, label=name, style=_OTHER))
        return name


class _Text:
    def __init__(self, cib: Cib, resources: dict[str, Resource], inner: set[str]) -> None:
        self._cib = cib
        self._resources = resources
        self._inner = inner
        self._told: dict[str, list[tuple[str, str]]] = {}
        self._sets: list[Constraint] = []
        for found in cib.constraints:
            self._tell(found)

    def lines(self) -> Iterator[str]:
        for name, found in self._resources.items():
            if name not in self._inner:
                yield from self._of_resource(found, "")
        for name in self._told:
            if name not in self._resources:
                tag = self._cib.find(name)
                about = f"tag {name}  {' '.join(tag.members)}" if isinstance(tag, Tag) else name
                yield from (about, *self._of_constraints(name, "    "))
        if self._sets:
            yield from ("", "constraints of several")
            for one in self._sets:
                yield from (f"  {line}" for line in format_object(one).splitlines())

    def _of_resource(self, found: Resource, indent: str) -> Iterator[str]:
        yield indent + _title(found)
        yield from self._of_constraints(found.id, indent + "    ")
        for name in _children(found):
            if name in self._resources:
                yield from self._of_resource(self._resources[name], indent + "  ")

    def _of_constraints(self, name: str, indent: str) -> Iterator[str]:
        told = self._told.get(name, ())
        wide = max((len(what) for what, _id in told), default=0)
        yield from (f"{indent}{what:<{wide}}  {constraint}" for what, constraint in told)

    def _tell(self, found: Constraint) -> None:
        if found.sets:
            self._sets.append(found)
            return
        match found:
            case Location(resource=name, pattern=pattern):
                for what in _wishes(found):
                    self._add(name or f"pattern {pattern}", what, found.id)
            case Colocation(resource=name, with_resource=other):
                role = f" as {found.role}" if found.role else ""
                other_role = f" {found.with_role}" if found.with_role else ""
                how = "not with" if (found.score or "").startswith("-") else "with"
                self._add(name or "", f"{how} {other}{other_role}{role} ({_score(found.score)})", found.id)
            case Order(first=first, then=then):
                manner = f" ({_manner(found)})" if _manner(found) else ""
                self._add(then or "", f"after {first}{manner}", found.id)
            case TicketConstraint(resource=name):
                role = f" as {found.role}" if found.role else ""
                self._add(name or "", f"needs ticket {found.ticket}{role}", found.id)

    def _add(self, name: str, what: str, constraint: str) -> None:
        self._told.setdefault(name, []).append((what, constraint))


def _wishes(found: Location) -> Iterator[str]:
    role = f" as {found.role}" if found.role else ""
    if found.node is not None:
        yield f"{_verb(found.score)} {found.node}{role} ({_score(found.score)})"
    for rule, text in zip(found.rules, _rules(found), strict=True):
        as_role = f" as {rule.role}" if rule.role else role
        yield f"{_verb(rule.score)} {text}{as_role} ({_score(rule.score) if rule.score else rule.score_attribute})"


def _verb(score: str | None) -> str:
    text = score or ""
    return "avoids" if text.startswith("-") else "allows" if text.strip("+0") == "" and text else "prefers"


def _rules(found: Location) -> list[str]:
    """What its rules say, as the configure language has it; a node's name for a rule that says no more."""
    said = re.split(r"\srule\s", format_object(found).replace("\\\n", " "))[1:]
    texts = [_plain(text) or f"rule of {found.id}" for text in said]
    return texts if len(texts) == len(found.rules) else [f"rule of {found.id}"] * len(found.rules)


def _plain(rule: str) -> str:
    """Without ids, role and score; `$id=r 100: $id=e #uname eq n1` is `n1`."""
    words = [word for word in rule.split() if not word.startswith("$")]
    text = " ".join(words[1:] if words and words[0].endswith(":") else words)
    return text.removeprefix(_IS_NODE) if text.count(" ") == 2 else text


def _children(found: Resource) -> tuple[str, ...]:
    match found:
        case Group(members=members):
            return members
        case Clone(child=child):
            return (child,)
        case Bundle(child=child):
            return () if child is None else (child,)
        case _:
            return ()


def _title(found: Resource) -> str:
    match found:
        case Group():
            return f"group {found.id}"
        case Clone():
            return f"clone {found.id}"
        case Bundle():
            return f"bundle {found.id}  {found.container}"
        case Primitive(agent=Agent() as agent):
            return f"{found.id}  {agent}"
        case Primitive():
            return f"{found.id}  @{found.template}"
        case Template():
            return f"template {found.id}"


def _spot(found: Resource) -> Spot:
    name, _blank, about = _title(found).partition("  ")
    return Spot(id=found.id, label=f"{name}\n{about}" if about else name)


def _named(found: Location | TicketConstraint, name: str | None) -> list[str]:
    if name is not None:
        return [name]
    if found.sets:
        return [member for one in found.sets for member in one.members]
    return [f"pattern {found.pattern}"] if isinstance(found, Location) and found.pattern else []


def _pairs(sets: tuple[ResourceSet, ...], one: str | None, other: str | None) -> Iterator[tuple[str, str]]:
    """Neighbours in sets that are gone through in order; all of one set with all of the next where they are not."""
    if one is not None and other is not None:
        yield one, other
    for found in sets:
        if found.sequential is not False:
            yield from pairwise(found.members)
    for before, behind in pairwise(sets):
        last = before.members if before.sequential is False else before.members[-1:]
        first = behind.members if behind.sequential is False else behind.members[:1]
        yield from product(last, first)


def _score(text: str | None) -> str:
    return "inf" if text is None or text.lower().lstrip("+") in ("inf", "infinity") else text


def _manner(found: Order) -> str:
    """What is not the usual: another kind, other actions."""
    words: Iterable[str | None] = (
        None if found.kind in (None, "Mandatory") else found.kind,
        None
        if {found.first_action or "start", found.then_action or found.first_action or "start"} == {"start"}
        else f"{found.then_action or found.first_action} after {found.first_action or 'start'}",
        "one way" if found.symmetrical is False else None,
    )
    return ", ".join(word for word in words if word)
