"""Kinds of words: each kind parses a word, offers completions for it, and says whether unknown words are refused.

A command's parameters are annotated with the aliases below (`resource: ResourceRef`); a command with words of its own
declares an alias of its own: `Verb = Annotated[str, choice("set", "delete", "show")]`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Final

import msgspec

from hashell.grammar.scope import Scope
from hashell.outcomes import Candidate
from hashelld.cib.document import Properties
from hashelld.model import duration, score
from hashelld.model.ids import NodeId, ResourceId
from hashelld.model.node import Node
from hashelld.model.resource import Clone, Group, Primitive, Template


class BadWord(ValueError):
    """The word is not of its kind; the text says what is expected."""


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of word.

    `parse` turns the word into a value or raises `BadWord`. `offer` gives candidates from the scope and from the words
    already given to the command. With `is_known_only` a word that is not offered is refused, and the nearest one named.
    `is_rest` takes the rest of the line as it was typed; `is_flag` is an option without a value. An option that
    `is_repeatable` may be given several times, and its values make a tuple.
    """

    name: str
    help: str = ""
    parse: Callable[[str], object] = str
    offer: Callable[[Scope, tuple[str, ...]], Iterable[Candidate]] | None = None
    is_known_only: bool = False
    is_rest: bool = False
    is_flag: bool = False
    is_repeatable: bool = False
    is_path: bool = False

    def candidates(self, scope: Scope, before: tuple[str, ...]) -> list[Candidate]:
        """What may stand here; empty when the kind has no list."""
        return [] if self.offer is None else list(self.offer(scope, before))


def choice(*words: str, help: str = "") -> Kind:  # noqa: A002 - the word that a reader of a declaration expects
    """A kind with a fixed list of words; a word may carry a description after a colon (`"on:switch it on"`)."""
    offered = tuple(Candidate(*word.split(":", 1)) for word in words)

    def parse(text: str) -> str:
        if text not in {one.text for one in offered}:
            raise BadWord(f"expected {', '.join(one.text for one in offered)}")
        return text

    return Kind(
        name="|".join(one.text for one in offered), help=help, parse=parse, offer=lambda _scope, _before: offered
    )


def flag(help: str) -> Kind:  # noqa: A002 - as above
    """An option without a value."""
    return Kind(name="flag", help=help, is_flag=True)


def resource_candidates(scope: Scope, before: tuple[str, ...] = ()) -> list[Candidate]:
    """Resources that can be started and stopped, without those already named."""
    return [
        Candidate(found.id, _describe(found))
        for found in scope.cib().resources
        if not isinstance(found, Template) and found.id not in before
    ]


def node_candidates(scope: Scope, before: tuple[str, ...] = ()) -> list[Candidate]:
    """The cluster's nodes, without those already named."""
    return [Candidate(name, "node") for name in scope.node_names() if name not in before]


def object_candidates(scope: Scope, before: tuple[str, ...] = ()) -> list[Candidate]:
    """Every object of the configuration, without those already named."""
    return [Candidate(found.id, _describe(found)) for found in scope.cib().objects if found.id not in before]


def constraint_candidates(scope: Scope, before: tuple[str, ...] = ()) -> list[Candidate]:
    """Constraints, without those already named."""
    return [Candidate(found.id, _describe(found)) for found in scope.cib().constraints if found.id not in before]


def group_candidates(scope: Scope, before: tuple[str, ...] = ()) -> list[Candidate]:
    """Groups, without those already named."""
    return [
        Candidate(found.id, _describe(found))
        for found in scope.cib().resources
        if isinstance(found, Group) and found.id not in before
    ]


def _describe(found: object) -> str:
    match found:
        case Primitive(agent=agent, template=template):
            return str(agent) if agent else f"@{template}"
        case Template(agent=agent):
            return f"template of {agent}"
        case Group(members=members):
            return f"group of {' '.join(members)}"
        case Clone(child=child):
            return f"clone of {child}"
        case Node():
            return "node"
        case Properties(kind=kind):
            return kind
        case _:
            return f"{type(found).__name__.lower()} constraint"


CLASSES: Final = {
    "ocf": "resource agent",
    "systemd": "systemd unit",
    "stonith": "fencing agent",
    "lsb": "init script",
    "service": "systemd unit or init script",
    "heartbeat": "Heartbeat's old kind of agent",
}
"""Classes of agents, in a few words."""


def agent_candidates(scope: Scope, _before: tuple[str, ...] = ()) -> list[Candidate]:
    """Agents by their full names."""
    return [Candidate(name, title or CLASSES.get(name.partition(":")[0], "")) for name, title in scope.agents.offered()]


def _score(text: str) -> int:
    found = score.parse_score(text)
    if found is None:
        raise BadWord("expected a score: a number, inf or -inf")
    return found


def _duration_ms(text: str) -> int:
    found = duration.parse_duration(text)
    if found is None:
        raise BadWord("expected a duration such as 10s, 300ms or 2min")
    return found


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise BadWord("expected a whole number") from None


def _on_off(text: str) -> bool:
    match text.lower():
        case "on" | "true" | "yes":
            return True
        case "off" | "false" | "no":
            return False
        case _:
            raise BadWord("expected on or off")


SCORES: Final = (
    Candidate("inf", "always (infinity)"),
    Candidate("-inf", "never"),
    Candidate("100", "prefer"),
    Candidate("0", "no preference"),
)
_ON_OFF: Final = (Candidate("on"), Candidate("off"))
_DURATIONS: Final = tuple(Candidate(text) for text in ("10s", "30s", "1min", "5min", "1h"))

ResourceRef = Annotated[
    ResourceId,
    Kind(name="resource", help="a resource's id", offer=resource_candidates, is_known_only=True),
]
GroupRef = Annotated[ResourceId, Kind(name="group", help="a group's id", offer=group_candidates, is_known_only=True)]
NodeRef = Annotated[NodeId, Kind(name="node", help="a node's name", offer=node_candidates, is_known_only=True)]
ObjectRef = Annotated[str, Kind(name="id", help="an object's id", offer=object_candidates, is_known_only=True)]
ConstraintRef = Annotated[
    str, Kind(name="constraint", help="a constraint's id", offer=constraint_candidates, is_known_only=True)
]
AgentName = Annotated[str, Kind(name="agent", help="class:provider:type, or a type alone", offer=agent_candidates)]
Score = Annotated[int, Kind(name="score", help="a number, inf or -inf", parse=_score, offer=lambda _s, _b: SCORES)]
DurationMs = Annotated[
    int, Kind(name="duration", help="such as 10s", parse=_duration_ms, offer=lambda _s, _b: _DURATIONS)
]
Integer = Annotated[int, Kind(name="number", parse=_integer)]
OnOff = Annotated[bool, Kind(name="on|off", parse=_on_off, offer=lambda _s, _b: _ON_OFF)]
Word = Annotated[str, Kind(name="word")]
Path = Annotated[str, Kind(name="path", help="a file; - is standard input or output", is_path=True)]
Rest = Annotated[str, Kind(name="text", help="the rest of the line, as typed", is_rest=True)]
Flag = Annotated[bool, Kind(name="flag", is_flag=True)]
DryRun = Annotated[bool, flag("change nothing; show what the cluster would do")]
ShowSecrets = Annotated[bool, flag("print passwords and the like at a terminal, too")]
Wait = Annotated[bool, flag("return when the cluster has settled")]
