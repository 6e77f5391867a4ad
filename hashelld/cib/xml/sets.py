"""Attribute sets and operations, in both directions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from hashelld.cib.references import META_SUFFIX, PARAMS_SUFFIX, UTILIZATION_SUFFIX, operation_id
from hashelld.cib.xml.naming import ID, ID_REF, Naming, Reading
from hashelld.cib.xml.rules import RULE, read_rules, written_rules
from hashelld.cib.xml.scores import read_score, written_score
from hashelld.cib.xml.tree import Element
from hashelld.model.resource import AttributeSet, NvPair, Operation
from hashelld.model.written import layout_of


PARAMS: Final = PARAMS_SUFFIX
META: Final = META_SUFFIX
UTILIZATION: Final = UTILIZATION_SUFFIX
OPERATIONS: Final = "operations"
_WRAPPER: Final = "attributes"
"""Between a set and its pairs in the oldest schemas."""
_SET_NAMES: Final = frozenset({ID, ID_REF, "score"})
_SET_TAGS: Final = ("nvpair", RULE, _WRAPPER)
_PAIR_NAMES: Final = frozenset({ID, ID_REF, "name", "value"})
_OPERATIONS_NAMES: Final = frozenset({ID, ID_REF})


SECTIONS: Final = {PARAMS: "params", META: "meta", UTILIZATION: "utilization", OPERATIONS: OPERATIONS}
"""What the sections of a resource are called in its layout."""


def read_layout(element: Element, sections: Mapping[str, str] = SECTIONS) -> tuple[str, ...]:
    """The order of the sections in an object, empty for the usual one; `sections` names them by their elements."""
    order: list[str] = []
    for child in element.children:
        section = sections.get(child.tag)
        if section is None or (child.tag == OPERATIONS and (OPERATIONS in order or not _says_something(child))):
            continue
        order.append(section)
    return layout_of(order) if len(order) > 1 else ()


def _says_something(element: Element) -> bool:
    return bool(element.children or element.attributes)


def read_sets(reading: Reading, parent: Element, tag: str, owner: str) -> tuple[AttributeSet, ...]:
    """The sets of one kind in an element; `owner` is the id that theirs are made from."""
    found = [child for child in parent.children if child.tag == tag]
    return tuple([read_set(reading, child, f"{owner}-{tag}") for child in found]) if found else ()


def read_set(reading: Reading, element: Element, generated: str) -> AttributeSet:
    """One set; `generated` is the id that the writer would make up."""
    reading.complete(element, _SET_NAMES, _SET_TAGS)
    if (id_ref := element.get(ID_REF)) is not None:
        return AttributeSet(id_ref=id_ref, score=read_score(reading, element))
    set_id = element.get(ID)
    # In the order in which the writer makes up ids.
    chosen = reading.chosen(set_id, generated)
    pairs = tuple(_read_pairs(reading, element, set_id or generated))
    rules = read_rules(reading, element, set_id or generated)
    return AttributeSet(pairs, chosen, None, read_score(reading, element), rules)


def _read_pairs(reading: Reading, parent: Element, set_id: str) -> Iterator[NvPair]:
    for child in parent.children:
        if child.tag == "nvpair":
            reading.complete(child, _PAIR_NAMES)
            get = child.attributes.get
            if (id_ref := get(ID_REF)) is not None:
                yield NvPair(get("name") or "", get("value"), id_ref=id_ref)
                continue
            name = child.demand("name")
            yield NvPair(name, get("value"), reading.chosen(get(ID), f"{set_id}-{name}"))
        elif child.tag == _WRAPPER:
            yield from _read_pairs(reading, child, set_id)


def written_sets(naming: Naming, tag: str, owner: str, sets: tuple[AttributeSet, ...]) -> list[Element]:
    """The elements of an object's sets of one kind."""
    return [_written_set(naming, tag, f"{owner}-{tag}", found) for found in sets]


def _written_set(naming: Naming, tag: str, generated: str, found: AttributeSet) -> Element:
    ref = found.id_ref
    attributes = {ID: naming.name(found.id, generated)} if ref is None else {ID_REF: ref}
    return written_set(naming, tag, attributes, found)


def written_set(naming: Naming, tag: str, attributes: dict[str, str], found: AttributeSet) -> Element:
    """The element of a set whose id (or reference) is known."""
    score = written_score(found.score)
    if score is not None:
        attributes["score"] = score
    if found.id_ref is not None:
        return Element(tag, attributes)
    set_id = attributes[ID]
    children: list[Element] = []
    for pair in found.pairs:
        if pair.id_ref is not None:
            nvpair = {ID_REF: pair.id_ref} if not pair.name else {ID_REF: pair.id_ref, "name": pair.name}
        else:
            nvpair = {ID: naming.name(pair.id, f"{set_id}-{pair.name}"), "name": pair.name}
        if pair.value is not None:
            nvpair["value"] = pair.value
        children.append(Element("nvpair", nvpair))
    # Rules come first in a set, and the ids of pairs are made up first.
    return Element(tag, attributes, children=[*written_rules(naming, found.rules, set_id), *children])


class Operations:
    """All operations of a resource: their own ones, and the `id` or `id-ref` of the element around them."""

    __slots__ = ("found", "id", "ref")

    def __init__(self, reading: Reading, parent: Element, owner: str) -> None:
        self.found: tuple[Operation, ...] = ()
        self.id: str | None = None
        self.ref: str | None = None
        for child in parent.children:
            if child.tag == OPERATIONS:
                reading.complete(child, _OPERATIONS_NAMES, ("op",))
                self.id = child.get(ID) or self.id
                self.ref = child.get(ID_REF) or self.ref
                self.found += tuple([_read_operation(reading, op, owner) for op in child.children if op.tag == "op"])


def _read_operation(reading: Reading, element: Element, owner: str) -> Operation:
    reading.complete(element, frozenset(element.attributes), (PARAMS, META))
    if (id_ref := element.get(ID_REF)) is not None:
        return Operation(element.get("name") or "", id_ref=id_ref)
    name = element.demand("name")
    generated = operation_id(owner, name, element.get("interval"))
    given = element.get(ID)
    chosen = reading.chosen(given, generated)
    options = tuple([NvPair(k, v) for k, v in element.attributes.items() if k not in (ID, "name")])
    if not element.children:
        return Operation(name, options, id=chosen)
    params = read_sets(reading, element, PARAMS, given or generated)
    return Operation(name, options, params, read_sets(reading, element, META, given or generated), chosen)


def written_operations(
    naming: Naming, owner: str, operations: tuple[Operation, ...], given_id: str | None, given_ref: str | None = None
) -> list[Element]:
    """The `<operations>` of a resource, when it has any."""
    if not operations and given_id is None and given_ref is None:
        return []
    attributes = {} if given_id is None else {ID: given_id}
    if given_ref is not None:
        attributes[ID_REF] = given_ref
    return [Element(OPERATIONS, attributes, children=[_written_operation(naming, owner, o) for o in operations])]


def _written_operation(naming: Naming, owner: str, operation: Operation) -> Element:
    if operation.id_ref is not None:
        return Element(
            "op", {"name": operation.name, ID_REF: operation.id_ref} if operation.name else {ID_REF: operation.id_ref}
        )
    op_id = naming.name(operation.id, operation_id(owner, operation.name, operation.option("interval")))
    options = {option.name: option.value or "" for option in operation.options}
    children = [*written_sets(naming, PARAMS, op_id, operation.params)]
    children.extend(written_sets(naming, META, op_id, operation.meta))
    return Element("op", {"name": operation.name, **options, ID: op_id}, children=children)
