"""A whole `<cib>` as a value: the configuration in the model, and the rest as it was written."""

from __future__ import annotations

import msgspec

from hashelld.cib.document import Cib
from hashelld.cib.xml.read import read_configuration
from hashelld.cib.xml.tree import Element, read_tree, text_of
from hashelld.cib.xml.write import configuration


_STATUS = "status"
_CONFIGURATION = "configuration"


class XmlDocument(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A `<cib>`; equal documents are equal configurations, versions and states."""

    cib: Cib
    attributes: tuple[tuple[str, str], ...] = ()
    """Of the `<cib>` element: epochs, schema, who changed it last…, in the order written."""
    status: str = "<status/>\n"
    """The status section as XML, one element a line."""


def read_document(text: str) -> XmlDocument:
    """The document in a text; raises `XmlRefused` for all that could not be written back.

    Not kept are comments, blanks between elements, empty elements without meaning, and the order of sections and of
    different children of one object. Spellings become uniform: booleans of constraints, `+INFINITY`, an order's
    `score` (its `kind` says the same), the `type="member"` of nodes, and ids that selected attributes of alerts have.
    """
    root = read_tree(text)
    return document_of(root, read_whole(root))


def document_of(root: Element, cib: Cib) -> XmlDocument:
    """A configuration, with all else that the tree of a `<cib>` says."""
    status = root.child(_STATUS) or Element(_STATUS, {})
    return XmlDocument(cib=cib, attributes=tuple(root.attributes.items()), status=text_of(status))


def read_whole(root: Element) -> Cib:
    """The configuration in the tree of a `<cib>`; raises `XmlRefused` as `read_document` does."""
    if root.tag != "cib":
        root.refuse(f"<{root.tag}> is no <cib>")
    tags: set[str] = set()
    for child in root.children:
        if child.tag not in (_CONFIGURATION, _STATUS):
            child.refuse(f"<{child.tag}> in <cib> is not supported")
        if child.tag in tags:
            child.refuse(f"<cib> has a second <{child.tag}>")
        tags.add(child.tag)
    return read_configuration(root, is_strict=True)


def write_document(document: XmlDocument) -> str:
    """The text of a document; reading it gives an equal one. Raises `XmlImpossible`."""
    children = [configuration(document.cib), read_tree(document.status)]
    return text_of(Element("cib", dict(document.attributes), children=children))
