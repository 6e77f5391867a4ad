"""Fencing levels, alerts and access rights as text."""

from __future__ import annotations

from collections.abc import Iterator

from hashelld.cib.lang.administration import SELECT, TO
from hashelld.cib.lang.attributes import ATTRIBUTES, META
from hashelld.cib.lang.format_sets import Ids, format_sets
from hashelld.cib.lang.quoting import is_bare_word, quote_value, quote_word
from hashelld.cib.lang.rights import shortcut_of
from hashelld.model.administration import (
    AclRole,
    AclTarget,
    Alert,
    FencingLevel,
    Permission,
    Recipient,
    Topology,
)
from hashelld.model.written import arranged


def topology_lines(found: Topology, ids: Ids, nodes: tuple[str, ...] = ()) -> list[str]:
    """A line for each target; a single one without any when all nodes (given ones) have the same levels."""
    by_target: dict[str, list[FencingLevel]] = {}
    for level in found.levels:
        by_target.setdefault(_target(level), []).append(level)
    lines = {target: " ".join(_levels(levels, ids)) for target, levels in by_target.items()}
    if nodes and lines.keys() == {_node(name) for name in nodes} and len(set(lines.values())) == 1:
        return [f"fencing_topology {next(iter(lines.values()))}"]
    if lines.keys() == {""}:
        return [f"fencing_topology {lines['']}"]
    return ["fencing_topology", *(f"{target} {line}" for target, line in lines.items())]


def _target(level: FencingLevel) -> str:
    if level.target is not None:
        return _node(level.target)
    if level.pattern is not None:
        return quote_word(f"pattern:{level.pattern}")
    if level.attribute is not None:
        value = quote_value(level.value or "")
        is_bare = is_bare_word(level.attribute)
        return f"attr:{level.attribute}={value}" if is_bare else quote_value(f"attr:{level.attribute}={level.value}")
    return ""


def _node(name: str) -> str:
    return quote_word(f"{name}:")


def _levels(levels: list[FencingLevel], ids: Ids) -> Iterator[str]:
    expected = 1
    for level in sorted(levels, key=_index):
        yield from ids.option(level.id)
        devices = ",".join(level.devices)
        yield devices if level.index == str(expected) else f"{level.index}:{devices}"
        expected = _index(level) + 1


def _index(level: FencingLevel) -> int:
    return int(level.index) if level.index.isdecimal() else 0


def alert_lines(found: Alert, ids: Ids) -> dict[str, list[list[str]]]:
    """The sections of an alert: of each kind its entries, of each entry its lines."""
    return {
        ATTRIBUTES: [[line] for line in format_sets(ATTRIBUTES, found.params, ids)],
        META: [[line] for line in format_sets(META, found.meta, ids)],
        SELECT: [[" ".join((SELECT, *_select(found)))]] if found.select else [],
        TO: [[f"to {words}"] for words in _recipients(found, ids)],
    }


def _ends_in_sections(found: Alert) -> bool:
    """Do sections of the alert follow the recipients? They must not be taken for the last one's."""
    names = {ATTRIBUTES: len(found.params), META: len(found.meta), SELECT: 1, TO: len(found.recipients)}
    order = list(arranged(found.layout, {name: [name] * count for name, count in names.items()}))
    return TO in order and any(section in (ATTRIBUTES, META) for section in order[order.index(TO) :])


def _select(found: Alert) -> Iterator[str]:
    for event in found.select:
        yield event
        if event == ATTRIBUTES:
            yield from ("{", *(quote_word(name) for name in found.attributes), "}")


def _recipients(found: Alert, ids: Ids) -> Iterator[str]:
    needs_braces = _ends_in_sections(found)
    for one in found.recipients:
        words = " ".join(_recipient(one, ids))
        yield f"{{ {words} }}" if needs_braces else words


def _recipient(found: Recipient, ids: Ids) -> list[str]:
    words = [*ids.option(found.id), quote_value(found.value)]
    if found.description is not None:
        words.append(f"description={quote_value(found.description)}")
    words.extend(format_sets(ATTRIBUTES, found.params, ids))
    words.extend(format_sets(META, found.meta, ids))
    return words


def role_lines(found: AclRole, ids: Ids) -> list[str]:
    """A line for each right."""
    description = "" if found.description is None else f" description={quote_value(found.description)}"
    return [f"role {found.id}{description}", *(" ".join(_permission(one, ids)) for one in found.permissions)]


def _permission(found: Permission, ids: Ids) -> Iterator[str]:
    yield found.right
    if found.id is not None and ids.shown(found.id) is not None:
        yield f"{found.id}:"
    if found.description is not None:
        yield f"description={quote_value(found.description)}"
    if found.xpath is not None:
        shortcut = shortcut_of(found.xpath)
        yield quote_word(shortcut) if shortcut is not None else f"xpath:{quote_value(found.xpath)}"
    selectors = (("ref", found.reference), ("attr", found.attribute), ("type", found.object_type))
    yield from (f"{kind}:{quote_value(value)}" for kind, value in selectors if value is not None)


def target_line(found: AclTarget) -> str:
    """Who has which roles."""
    name = () if found.name is None else (f"name={quote_value(found.name)}",)
    keyword = "acl_group" if found.is_group else "acl_target"
    return " ".join((keyword, quote_word(found.id), *name, *found.roles))
