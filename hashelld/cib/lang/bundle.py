"""Reading bundles: `bundle ID podman image=… [network …] [storage …] [primitive RESOURCE] [meta …]`."""

from __future__ import annotations

from typing import Final, TypeVar

from hashelld.cib.lang.attributes import META, PARAMS, Body, read_set
from hashelld.cib.lang.cursor import Cursor
from hashelld.model.ids import ResourceId
from hashelld.model.resource import Bundle, PortMapping, StorageMapping


CONTAINERS: Final = ("docker", "podman", "rkt")
CONTAINER_OPTIONS: Final = (
    "image",
    "replicas",
    "replicas-per-host",
    "promoted-max",
    "masters",
    "run-command",
    "network",
    "options",
)
NETWORK_OPTIONS: Final = ("ip-range-start", "host-netmask", "host-interface", "control-port", "add-host")
PORT_OPTIONS: Final = ("id", "port", "internal-port", "range")
STORAGE_OPTIONS: Final = ("id", "source-dir", "source-dir-root", "target-dir", "options")
NETWORK, STORAGE, PORT_MAPPING, STORAGE_MAPPING, PRIMITIVE = (
    "network",
    "storage",
    "port-mapping",
    "storage-mapping",
    "primitive",
)
_SECTIONS: Final = frozenset({*CONTAINERS, NETWORK, STORAGE, PRIMITIVE, META, PARAMS})

_Mapping = TypeVar("_Mapping", PortMapping, StorageMapping)
_Given = dict[str, str]


class _Parts:
    """What a bundle consists of, gathered section by section."""

    __slots__ = ("body", "child", "container", "network", "options", "ports", "storage")

    def __init__(self) -> None:
        self.body = Body()
        self.container: str | None = None
        self.options: _Given = {}
        self.network: _Given | None = None
        self.ports: list[_Given] = []
        self.storage: list[_Given] = []
        self.child: str | None = None


def read_bundle(cursor: Cursor) -> Bundle:
    """A bundle; mappings without an id get one, for that is how others refer to them."""
    name = cursor.take_id("bundle id")
    description = cursor.take_option("description")
    parts = _Parts()
    while cursor.next is not None:
        _read_section(cursor, parts)
    if parts.container is None:
        message = f"what runs the containers of {name.text} is missing"
        cursor.refuse(cursor.last, "incomplete", message, "podman image=…")
    if "image" not in parts.options:
        cursor.report(name, "incomplete", f"image=NAME is missing: which image {name.text} runs", "podman image=…")
    _name(name.text, (*parts.ports, *parts.storage))
    return Bundle(
        id=ResourceId(name.text),
        description=description,
        container=parts.container,
        options=tuple(parts.options.items()),
        network=None if parts.network is None else tuple(parts.network.items()),
        ports=tuple(_mapping(PortMapping, PORT_OPTIONS, given) for given in parts.ports),
        storage=tuple(_mapping(StorageMapping, STORAGE_OPTIONS, given) for given in parts.storage),
        child=None if parts.child is None else ResourceId(parts.child),
        params=parts.body.of(PARAMS),
        meta=parts.body.of(META),
        layout=parts.body.layout,
    )


def _read_section(cursor: Cursor, parts: _Parts) -> None:
    word = cursor.next
    section = cursor.take_keyword(_SECTIONS)
    if section is None or word is None:
        cursor.finish()
    elif section in CONTAINERS:
        if parts.container is not None:
            cursor.report(word, "duplicate-section", f"'{section}' after '{parts.container}': one runs the containers")
        parts.container = section
        parts.options = _read_given(cursor, CONTAINER_OPTIONS, "container option")
    elif section == NETWORK:
        parts.network = {**(parts.network or {}), **_read_given(cursor, NETWORK_OPTIONS, "network option")}
        parts.ports.extend(_read_mappings(cursor, PORT_MAPPING, PORT_OPTIONS))
    elif section == STORAGE:
        if not cursor.peek_keyword((STORAGE_MAPPING,)):
            cursor.report(word, "incomplete", "storage-mapping … is missing after 'storage'")
        parts.storage.extend(_read_mappings(cursor, STORAGE_MAPPING, STORAGE_OPTIONS))
    elif section == PRIMITIVE:
        if parts.child is not None:
            cursor.report(word, "duplicate-section", "a bundle runs one primitive")
        parts.child = cursor.take_id("primitive").text
    else:
        parts.body.add(section, read_set(cursor, _SECTIONS))


def _read_given(cursor: Cursor, known: tuple[str, ...], what: str) -> _Given:
    given: _Given = {}
    while (word := cursor.next) is not None and "=" in word.text:
        cursor.take("option")
        name, _, value = word.text.partition("=")
        if name not in known:
            cursor.report_unknown(word, name, what, known)
        elif name in given:
            cursor.report(word, "duplicate-name", f"'{name}' is given twice")
        given[name] = value
    return given


def _read_mappings(cursor: Cursor, keyword: str, known: tuple[str, ...]) -> list[_Given]:
    found: list[_Given] = []
    while cursor.take_keyword((keyword,)):
        opening = cursor.last
        found.append(_read_given(cursor, known, "option of a mapping"))
        if not found[-1]:
            cursor.report(opening, "incomplete", f"options are missing after '{keyword}'", ", ".join(known))
    return found


def _name(owner: str, mappings: tuple[_Given, ...]) -> None:
    """Give ids to mappings that have none."""
    taken = {given["id"] for given in mappings if "id" in given}
    number = 0
    for given in mappings:
        if "id" in given:
            continue
        while f"{owner}-{number}" in taken:
            number += 1
        given["id"] = f"{owner}-{number}"
        taken.add(given["id"])


def _mapping(kind: type[_Mapping], usual: tuple[str, ...], given: _Given) -> _Mapping:
    order = tuple(given)
    is_usual = order == tuple(name for name in usual if name in given)
    fields = {name.replace("-", "_"): value for name, value in given.items() if name in usual}
    return kind(**fields, order=() if is_usual else order)
