"""The command lines of Pacemaker's commands, as far as agents use them, read into wishes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hashelld.agents.shims.options import Known, Options, OptionsRefused, read_options
from hashelld.agents.shims.wishes import NOT_FOUND, USAGE, Ban, Fact, Get, Place, Said, Set, Slot, Style, Tell, Wish
from hashelld.model.duration import parse_duration
from hashelld.model.ids import Millis


VERSION: Final = "Pacemaker 2.1.8 (hashell)\n"
"""What agents compare with; they ask nothing of older ones that hashell has not."""
_ON, _FOR_EVER = "reboot", "forever"

_EVERYWHERE: Final = {"$": "version", "version": "version", "V": "verbose", "verbose": "verbose", "?": "help",
                      "h": "help", "help": "help"}  # fmt: skip

_ATTRIBUTE: Final = Known(
    flags=_EVERYWHERE
    | {"G": "query", "query": "query", "get-value": "query", "D": "delete", "delete": "delete"}
    | {"delete-attr": "delete", "q": "quiet", "Q": "quiet", "quiet": "quiet", "z": "utilization"}
    | {"utilization": "utilization", "!": "inhibit", "inhibit-policy-engine": "inhibit"},
    valued={"n": "name", "name": "name", "attr-name": "name", "i": "id", "id": "id", "attr-id": "id", "s": "set"}
    | {"set-name": "set", "v": "update", "update": "update", "attr-value": "update", "d": "default"}
    | {"default": "default", "l": "lifetime", "lifetime": "lifetime", "N": "node", "U": "node", "node": "node"}
    | {"uname": "node", "t": "type", "type": "type"},
    maybe={"p": "promotion", "promotion": "promotion"},
)
_MASTER: Final = Known(flags=_ATTRIBUTE.flags, valued=_ATTRIBUTE.valued | {"r": "promotion", "resource": "promotion"})
_UPDATER: Final = Known(
    flags=_EVERYWHERE
    | {"Q": "query", "query": "query", "D": "delete", "delete": "delete", "R": "refresh", "refresh": "refresh"}
    | {"Y": "delay-only", "update-delay": "delay-only", "A": "all", "all": "all", "p": "private"}
    | {"private": "private", "q": "quiet", "quiet": "quiet"},
    valued={"n": "name", "name": "name", "U": "update", "v": "update", "update": "update", "B": "update"}
    | {"update-both": "update", "d": "delay", "delay": "delay", "s": "set", "set": "set", "N": "node"}
    | {"node": "node", "l": "lifetime", "lifetime": "lifetime", "S": "set"},
)
_NODE: Final = Known(
    flags=_EVERYWHERE
    | {"n": "name", "name": "name", "i": "id", "cluster-id": "id", "l": "list", "list": "list", "p": "partition"}
    | {"partition": "partition", "q": "quorum", "quorum": "quorum", "Q": "quiet", "quiet": "quiet"},
    valued={"N": "name-for", "name-for-id": "name-for"},
)
_RESOURCE: Final = Known(
    flags=_EVERYWHERE
    | {"Q": "quiet", "quiet": "quiet", "z": "utilization", "utilization": "utilization", "m": "meta"}
    | {"meta": "meta", "B": "ban", "ban": "ban", "f": "force", "force": "force"},
    valued={"r": "resource", "resource": "resource", "g": "get", "get-parameter": "get", "p": "set"}
    | {"set-parameter": "set", "d": "delete", "delete-parameter": "delete", "v": "value", "N": "node"}
    | {"parameter-value": "value", "node": "node"},
)

_LIFETIMES: Final = {_ON: Place.STATUS, _FOR_EVER: Place.NODES}
_TYPES: Final = {
    "status": Place.STATUS,
    "nodes": Place.NODES,
    "crm_config": Place.CRM_CONFIG,
    "rsc_defaults": Place.RSC_DEFAULTS,
    "op_defaults": Place.OP_DEFAULTS,
}


def understand(words: tuple[str, ...], resource: str = "") -> Wish:
    """What a command line asks for; `resource` is the instance that the asking agent is of (OCF_RESOURCE_INSTANCE)."""
    program = words[0] if words else ""
    reader = _READERS.get(program)
    if reader is None:
        return _refused(program or "command", "hashell has no such command")
    known, read = reader
    try:
        options = read_options(words[1:], known)
        if "help" in options:
            return Said(out=f"{program}: see Pacemaker's manual page; hashell answers what agents use of it\n")
        return Said(out=VERSION) if "version" in options else read(options, resource)
    except OptionsRefused as refusal:
        return _refused(program, str(refusal))


def _refused(program: str, text: str) -> Said:
    return Said(USAGE, err=f"{program}: {text}\n")


def _attribute(options: Options, resource: str) -> Wish:
    name = options.value("name")
    is_score = "promotion" in options
    if is_score:
        resource = options.value("promotion") or resource
        if not resource:
            raise OptionsRefused("-p/--promotion must be called from an OCF resource agent or with a resource ID")
        name = f"master-{resource}"
    if not name:
        raise OptionsRefused("an attribute is needed: give its name with -n, or -p")
    place = _place(options, is_score=is_score)
    is_of_node = place in (Place.STATUS, Place.NODES, Place.NODE_UTILIZATION)
    owner = options.value("node" if is_of_node else "set") or ""
    slot = Slot(place=place, name=name, owner="" if owner in ("localhost", "auto") else owner)
    if "update" in options:
        return Set(slot=slot, value=options.value("update"))
    if "delete" in options:
        return Set(slot=slot, value=None)
    style = Style.PLAIN if "quiet" in options else Style.SCOPED
    return Get(slot=slot, style=style, default=options.value("default"))


def _place(options: Options, *, is_score: bool) -> Place:
    """A lifetime is a node's, and so is the type `nodes`; without any of them it is a cluster option."""
    lifetime, section, is_of_node = options.value("lifetime"), options.value("type"), "node" in options
    if lifetime is not None and lifetime not in _LIFETIMES:
        raise OptionsRefused(f"'{lifetime}' is no lifetime: use reboot or forever")
    if section is not None and section not in _TYPES:
        raise OptionsRefused(f"'{section}' is no section of the configuration that agents may change")
    if "utilization" in options:
        return Place.NODE_UTILIZATION
    if lifetime is not None:
        return _LIFETIMES[lifetime]
    if section is not None:
        return _TYPES[section]
    if is_score:
        return Place.STATUS
    return Place.NODES if is_of_node else Place.CRM_CONFIG


def _master(options: Options, resource: str) -> Wish:
    """The older command for promotion scores, which last for ever unless a lifetime is given."""
    resource = options.value("promotion") or resource
    if not resource:
        raise OptionsRefused("No resource specified")
    place = _LIFETIMES.get(options.value("lifetime") or _FOR_EVER)
    if place is None:
        raise OptionsRefused(f"'{options.value('lifetime')}' is no lifetime: use reboot or forever")
    slot = Slot(place=place, name=f"master-{resource}", owner=options.value("node") or "")
    if "update" in options:
        return Set(slot=slot, value=options.value("update"))
    if "delete" in options:
        return Set(slot=slot, value=None)
    return Get(slot=slot, style=Style.PLAIN if "quiet" in options else Style.SCOPED)


def _updater(options: Options, _resource: str) -> Wish:
    name = options.value("name")
    if "refresh" in options or "delay-only" in options:
        return Said()  # What is set is known to all, and how long it takes is said with every value.
    if not name:
        raise OptionsRefused("Command requires --name argument")
    slot = Slot(place=Place.STATUS, name=name, owner=options.value("node") or "")
    if "update" in options:
        return Set(slot=slot, value=options.value("update"), delay_ms=_delay_ms(options.value("delay")))
    if "delete" in options:
        return Set(slot=slot, value=None)
    if "query" not in options:
        raise OptionsRefused("Must specify a command")
    return Get(slot=slot, style=Style.QUOTED, is_everywhere="all" in options)


def _delay_ms(text: str | None) -> Millis:
    delay_ms = 0 if not text else parse_duration(text)
    if delay_ms is None:
        raise OptionsRefused(f"'{text}' is no duration")
    return delay_ms


def _node(options: Options, _resource: str) -> Wish:
    if "name-for" in options:
        return Tell(Fact.NAME_OF, options.value("name-for") or "")
    facts = {
        "partition": Fact.MEMBERS,
        "list": Fact.LIST,
        "quorum": Fact.QUORUM,
        "id": Fact.NUMBER,
        "name": Fact.NAME,
    }
    for option, fact in facts.items():
        if option in options:
            return Tell(fact)
    raise OptionsRefused("Must specify a command")


def _of_resource(options: Options, resource: str) -> Wish:
    resource = options.value("resource") or resource
    if not resource:
        return Said(NOT_FOUND, err="crm_resource: Must supply a resource id with -r\n")
    if "ban" in options:
        return Ban(resource, options.value("node") or "")
    place = Place.UTILIZATION if "utilization" in options else Place.META if "meta" in options else Place.PARAMS
    for option in ("get", "set", "delete"):
        if option not in options:
            continue
        slot = Slot(place=place, name=options.value(option) or "", owner=resource)
        if option == "get":
            return Get(slot=slot, style=Style.PLAIN)
        value = options.value("value") if option == "set" else None
        if option == "set" and value is None:
            raise OptionsRefused("You need to supply a value with the -v option")
        return Set(slot=slot, value=value)
    raise OptionsRefused("only parameters (-g, -p, -d) and --ban are answered to agents")


_READERS: Final[dict[str, tuple[Known, Callable[[Options, str], Wish]]]] = {
    "crm_attribute": (_ATTRIBUTE, _attribute),
    "crm_master": (_MASTER, _master),
    "attrd_updater": (_UPDATER, _updater),
    "crm_node": (_NODE, _node),
    "crm_resource": (_RESOURCE, _of_resource),
}
