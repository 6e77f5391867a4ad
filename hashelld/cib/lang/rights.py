"""Rights in access roles: what `xpath:…`, `ref:…`, `type:… attr:…` and the shortcuts such as `meta:vip` stand for."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from hashelld.cib.lang.cursor import Cursor
from hashelld.cib.lang.tokens import Word
from hashelld.model.administration import AclRole, Permission
from hashelld.model.ids import is_id


RIGHTS: Final = ("read", "write", "deny")


class _Shortcut(msgspec.Struct, frozen=True):
    """A word for an XPath: `{}` is where what stands behind its colons goes."""

    path: str
    """Without anything behind the colon; `{}` in it demands something."""
    more: str = ""
    """What one word more adds."""


_SHORTCUTS: Final = {
    "meta": _Shortcut("//primitive[@id='{}']/meta_attributes", "/nvpair[@name='{}']"),
    "params": _Shortcut("//primitive[@id='{}']/instance_attributes", "/nvpair[@name='{}']"),
    "utilization": _Shortcut("//primitive[@id='{}']/utilization"),
    "location": _Shortcut("//rsc_location[@id='cli-prefer-{0}' and @rsc='{0}']"),
    "property": _Shortcut("//crm_config/cluster_property_set", "/nvpair[@name='{}']"),
    "nodeattr": _Shortcut("//nodes/node/instance_attributes", "/nvpair[@name='{}']"),
    "nodeutil": _Shortcut("//nodes/node/utilization", "[@uname='{}']"),
    "node": _Shortcut("//nodes/node", "[@uname='{}']"),
    "status": _Shortcut("/cib/status"),
    "cib": _Shortcut("/cib"),
}
_NAME: Final = r"[^'\"]+"
_OF_RESOURCES: Final = frozenset({"meta", "params", "utilization", "location"})
_XPATH, _REFERENCE, _TYPE, _ATTRIBUTE = "xpath", ("ref", "reference"), ("type", "tag"), ("attr", "attribute")
_SELECTORS: Final = (_XPATH, *_REFERENCE, *_TYPE, *_ATTRIBUTE)
_HINT: Final = "for instance xpath:/cib, ref:ID, type:ELEMENT, meta:RESOURCE, property:NAME, node, status, cib"


def read_role(cursor: Cursor) -> AclRole:
    """`role ID [description=…] (read|write|deny) [ID:] [description=…] WHAT… …`."""
    name = cursor.take_id("role id")
    description = cursor.take_option("description")
    permissions: list[Permission] = []
    while (word := cursor.next) is not None:
        if cursor.peek_keyword(RIGHTS) is None:
            cursor.refuse_unknown(word, word.text, "right", RIGHTS)
        permissions.append(_read_permission(cursor))
    if not permissions:
        cursor.refuse(name, "incomplete", f"the rights of {name.text} are missing", "read cib")
    return AclRole(id=name.text, description=description, permissions=tuple(permissions))


def _read_permission(cursor: Cursor) -> Permission:
    right = cursor.take_keyword(RIGHTS) or ""
    opening = cursor.last
    permission_id: str | None = None
    word = cursor.next
    if word is not None and not word.is_quoted and word.text.endswith(":") and is_id(word.text[:-1]):
        permission_id = cursor.take("id").text[:-1]
    description = cursor.take_option("description")
    given: dict[str, str] = {}
    while (word := cursor.next) is not None and cursor.peek_keyword(RIGHTS) is None:
        _read_selector(cursor, cursor.take("what it is about"), given)
    if not given:
        cursor.refuse(opening, "incomplete", f"what may be {right} is missing after '{opening.text}'", _HINT)
    if "attribute" in given and "object_type" not in given:
        cursor.report(opening, "incomplete", "attr:NAME needs type:ELEMENT beside it")
    return Permission(right=right, id=permission_id, description=description, **given)


def _read_selector(cursor: Cursor, word: Word, given: dict[str, str]) -> None:
    head, colon, rest = word.text.partition(":")
    kind = head.lower()
    if colon and kind in _SELECTORS:
        if not rest:
            cursor.report(word, "incomplete", f"something is missing behind '{word.text}'")
        field = "xpath" if kind == _XPATH else "reference" if kind in _REFERENCE else "attribute"
        field = "object_type" if kind in _TYPE else field
        value = rest
    else:
        expanded = _expanded(kind, rest.split(":") if colon else [])
        if kind not in _SHORTCUTS:
            cursor.refuse_unknown(word, head, "selector", (*_SELECTORS, *_SHORTCUTS))
        if expanded is None:
            cursor.refuse(word, "bad-selector", f"'{word.text}' does not say what it is about", _HINT)
        field, value = "xpath", expanded
    if field in given or ("attribute" not in (field, *given) and given):
        cursor.report(word, "bad-selector", f"'{word.text}' is one too many", "write another right for it")
    given[field] = value


def _expanded(kind: str, names: list[str]) -> str | None:
    """The XPath of a shortcut; None when it is none, or has too few or too many names."""
    shortcut = _SHORTCUTS.get(kind)
    if shortcut is None or any(not re.fullmatch(_NAME, name) for name in names):
        return None
    own = 1 if "{" in shortcut.path else 0
    if len(names) < own or len(names) > own + bool(shortcut.more):
        return None
    return shortcut.path.format(*names) + (shortcut.more.format(names[own]) if len(names) > own else "")


def shortcut_of(xpath: str) -> str | None:
    """The shortcut that stands for an XPath, None when none does."""
    for kind, shortcut in _SHORTCUTS.items():
        match = _pattern(shortcut).fullmatch(xpath)
        if match is None:
            continue
        names = [name for name in match.groups() if name is not None]
        if ":" not in "".join(names):
            return ":".join((kind, *names))
    return None


def _pattern(shortcut: _Shortcut) -> re.Pattern[str]:
    path = re.escape(shortcut.path).replace(r"\{\}", f"({_NAME})").replace(r"\{0\}", f"({_NAME})", 1)
    path = path.replace(r"\{0\}", r"\1")
    more = re.escape(shortcut.more).replace(r"\{\}", f"({_NAME})")
    return re.compile(f"{path}(?:{more})?" if more else path)


def renamed_xpath(xpath: str, old: str, new: str) -> str:
    """The XPath with a resource's new id, where it is one that a shortcut stands for."""
    kind, *names = (shortcut_of(xpath) or "").split(":")
    if kind in _OF_RESOURCES and names[0] == old:
        return _expanded(kind, [new, *names[1:]]) or xpath
    return xpath
