"""What text has no words for, written as XML: whole objects (`xml <…>`), and rests at the end of a statement.

    primitive p Dummy xml_attributes shade=blue xml_child '<note text="…"/>'

A statement ends in such a rest when its XML has attributes or elements that the model has no place for.
"""

from __future__ import annotations

from typing import Final

from hashelld.cib.lang.cursor import Cursor
from hashelld.cib.lang.diagnostic import suggest
from hashelld.cib.lang.rules import RULE, read_rules
from hashelld.cib.lang.tokens import Word
from hashelld.cib.lang.tree import Fragment
from hashelld.cib.xml.read import read_xml
from hashelld.cib.xml.tree import Element, XmlRefused, read_tree, text_of
from hashelld.model.administration import Unmodelled
from hashelld.model.resource import Unknown
from hashelld.model.rule import Rule


CONFIGURATION: Final = "configuration"
XML_ATTRIBUTES, XML_CHILD, LIFETIME = "xml_attributes", "xml_child", "lifetime"
_SECTIONS: Final = {
    "crm_config": ("cluster_property_set",),
    "nodes": ("node",),
    "resources": ("primitive", "group", "clone", "master", "bundle", "template"),
    "constraints": ("rsc_location", "rsc_colocation", "rsc_order", "rsc_ticket"),
    "acls": ("acl_role", "acl_target", "acl_group", "acl_user"),
    "tags": ("tag",),
    "alerts": ("alert",),
    "fencing-topology": ("fencing-level",),
    "rsc_defaults": (),
    "op_defaults": (),
}
_SECTION_OF: Final = {tag: section for section, tags in _SECTIONS.items() for tag in tags}


def read_fragment(cursor: Cursor) -> Fragment:
    """`xml <ELEMENT …>`: an object, or a section of the configuration with its objects."""
    word = cursor.take("XML")
    text = word.text
    try:
        root = read_tree(text)
        section = _SECTION_OF.get(root.tag)
        if section is not None:
            text = f"<{section}>{text}</{section}>"
        elif root.tag not in (CONFIGURATION, *_SECTIONS):
            hint = suggest(root.tag, (CONFIGURATION, *_SECTIONS, *_SECTION_OF))
            cursor.refuse(word, "unknown-element", f"<{root.tag}> is no object of a configuration", hint)
        if root.tag != CONFIGURATION:
            text = f"<{CONFIGURATION}>{text}</{CONFIGURATION}>"
        objects = read_xml(text).objects
    except XmlRefused as refused:
        cursor.refuse(word, "bad-xml", refused.text)
    if not objects:
        cursor.refuse(word, "bad-xml", f"<{root.tag}> contains no object")
    return Fragment(objects=objects)


def format_unmodelled(found: Unmodelled) -> str:
    """The XML of an object, inside the section that it belongs to unless its own tag tells that."""
    element = _tree(found.xml)
    if element is None:
        return found.xml
    if found.section == element.tag:
        is_known = element.tag in _SECTIONS
        return found.xml if is_known else f"<{CONFIGURATION}>{found.xml}</{CONFIGURATION}>"
    is_told = _SECTION_OF.get(element.tag) == found.section
    return found.xml if is_told else f"<{found.section}>{found.xml}</{found.section}>"


def _tree(text: str) -> Element | None:
    try:
        return read_tree(text)
    except XmlRefused:
        return None


def tail_of(words: tuple[Word, ...]) -> int:
    """Where the rest of a statement begins: `lifetime rule …`, `xml_attributes …`, `xml_child …`."""
    for at in range(2, len(words)):
        word = words[at]
        text = "" if word.is_quoted else word.text.lower()
        follows = words[at + 1].text if at + 1 < len(words) else ""
        # Resources may have these names, too: what follows tells.
        is_tail = (
            (text == XML_ATTRIBUTES and "=" in follows)
            or (text == XML_CHILD and follows.startswith("<"))
            or (text == LIFETIME and follows.lower() == RULE)
        )
        if is_tail:
            return at
    return len(words)


def read_lifetime(cursor: Cursor) -> tuple[Rule, ...]:
    """`lifetime rule …` when it is next."""
    return read_rules(cursor) if cursor.take_keyword((LIFETIME,)) else ()


def read_unknown(cursor: Cursor) -> Unknown | None:
    """`xml_attributes name=value…` and `xml_child '<…>'…` up to the end; None when there is neither."""
    attributes: dict[str, str] = {}
    children: list[str] = []
    while (section := cursor.take_keyword((XML_ATTRIBUTES, XML_CHILD))) is not None:
        if section == XML_CHILD:
            word = cursor.take("XML")
            children.append(_child(cursor, word))
            continue
        while (pair := cursor.next) is not None and "=" in pair.text:
            cursor.take("name=value")
            name, _, value = pair.text.partition("=")
            attributes[name] = value
    return Unknown(tuple(attributes.items()), tuple(children)) if attributes or children else None


def _child(cursor: Cursor, word: Word) -> str:
    try:
        return text_of(read_tree(word.text)).rstrip("\n")
    except XmlRefused as refused:
        cursor.report(word, "bad-xml", refused.text)
        return word.text
