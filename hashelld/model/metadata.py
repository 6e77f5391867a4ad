"""What an agent says of itself: its parameters and advised operations, read from its meta-data XML."""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

import msgspec


METADATA_LENGTH_MAX: Final = 1 << 20
_ROOT: Final = "resource-agent"
_TRUE: Final = frozenset({"1", "true", "yes", "on"})


class MetadataRefused(Exception):
    """The text is no agent's meta-data, or is XML that is not read (its own entities, too long)."""


class Parameter(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One instance attribute that the agent knows."""

    name: str
    required: bool = False
    unique: bool = False
    type: str = "string"
    default: str | None = None
    values: tuple[str, ...] = ()
    """The legal values of a `select`."""
    shortdesc: str = ""
    longdesc: str = ""
    deprecated: bool = False
    obsoletes: str = ""
    """The older name that may be given instead (fence agents: `ip` obsoletes `ipaddr`)."""


class AdvisedAction(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One operation with the timings that the agent's author advises, as written (`20s`, `20`)."""

    name: str
    timeout: str = ""
    interval: str = ""
    depth: str = ""
    role: str = ""


class Metadata(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An agent's description of itself."""

    agent: str
    version: str = ""
    shortdesc: str = ""
    longdesc: str = ""
    parameters: tuple[Parameter, ...] = ()
    actions: tuple[AdvisedAction, ...] = ()

    def parameter(self, name: str) -> Parameter | None:
        """The parameter of this name."""
        return next((p for p in self.parameters if p.name == name), None)


def parse_metadata(xml_text: str) -> Metadata:
    """Read the meta-data of an OCF or fencing agent; raises MetadataRefused with the place and the cause.

    A document type that only names a DTD is common (`ra-api-1.dtd`) and is never fetched; one with declarations
    of its own is refused.
    """
    if len(xml_text) > METADATA_LENGTH_MAX:
        raise MetadataRefused(f"meta-data is longer than {METADATA_LENGTH_MAX} characters")
    root = _tree(xml_text)
    if root.tag != _ROOT:
        raise MetadataRefused(f"meta-data begins with <{root.tag}>, not with <{_ROOT}>")
    return Metadata(
        agent=root.get("name", ""),
        version=root.get("version") or _text(root, "version"),
        shortdesc=_text(root, "shortdesc") or root.get("shortdesc", ""),
        longdesc=_text(root, "longdesc"),
        parameters=tuple(_parameter(e) for e in root.iterfind("parameters/parameter") if e.get("name")),
        actions=tuple(_action(e) for e in root.iterfind("actions/action") if e.get("name")),
    )


def _tree(xml_text: str) -> Element:
    parser, builder = expat.ParserCreate(), TreeBuilder()
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = _check_doctype
    try:
        parser.Parse(xml_text.strip(), True)  # noqa: FBT003 -- expat takes it by position
    except expat.ExpatError as error:
        raise MetadataRefused(f"meta-data is not well-formed XML: {error}") from error
    return builder.close()


def _check_doctype(name: str, system_id: str | None, public_id: str | None, has_declarations: int) -> None:
    """An entity that expands to a million others needs a declaration: none is let in."""
    if has_declarations:
        raise MetadataRefused(f"meta-data declares its own document type ({system_id or public_id or name})")


def _text(owner: Element, tag: str) -> str:
    """The English text of a child (or its first one), its lines joined as written, ends trimmed."""
    found = owner.findall(tag)
    chosen = next((e for e in found if e.get("lang", "").startswith("en")), found[0] if found else None)
    return "" if chosen is None or chosen.text is None else chosen.text.strip()


def _parameter(element: Element) -> Parameter:
    content = element.find("content")
    is_deprecated = _is_true(element.get("deprecated")) or element.find("deprecated") is not None
    return Parameter(
        name=element.get("name", ""),
        # Fence agents mark the old and the new name of a parameter as required: the new one suffices.
        required=_is_true(element.get("required")) and not is_deprecated,
        unique=_is_true(element.get("unique")) or bool(element.get("unique-group")),
        type="string" if content is None else content.get("type", "string"),
        default=None if content is None else content.get("default"),
        values=() if content is None else tuple(o.get("value", "") for o in content.iterfind("option")),
        shortdesc=_text(element, "shortdesc"),
        longdesc=_text(element, "longdesc"),
        deprecated=is_deprecated,
        obsoletes=element.get("obsoletes", ""),
    )


def _action(element: Element) -> AdvisedAction:
    return AdvisedAction(
        name=element.get("name", ""),
        timeout=element.get("timeout", ""),
        interval=element.get("interval", ""),
        depth=element.get("depth", ""),
        role=element.get("role", ""),
    )


def _is_true(text: str | None) -> bool:
    return text is not None and text.strip().lower() in _TRUE
