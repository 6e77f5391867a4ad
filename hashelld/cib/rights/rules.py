"""What an account's roles say, and what follows from it for one element."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Final

import msgspec

from hashelld.cib.document import PROPERTY, Cib, Properties
from hashelld.cib.rights.xpath import Has, Is, Path, Selectable, Step, XPathRefused, parse_xpath, selects
from hashelld.model.administration import AclRole, AclTarget, Permission
from hashelld.model.options import parse_boolean


ENABLE: Final = "enable-acl"
READ, WRITE, DENY = "read", "write", "deny"


class Account(msgspec.Struct, frozen=True):
    """A user of the operating system, and the groups that the user is in."""

    user: str
    groups: tuple[str, ...] = ()


class Access(IntEnum):
    """What may be done with an element; each includes the one before."""

    NONE = 0
    READ = 1
    WRITE = 2


class Rule(msgspec.Struct, frozen=True):
    """One right on what these paths select."""

    right: str
    paths: tuple[Path, ...]


class Rights(msgspec.Struct, frozen=True):
    """Everything that one account's roles say."""

    rules: tuple[Rule, ...] = ()
    is_unlimited: bool = False

    @property
    def is_none(self) -> bool:
        """May nothing at all be read?"""
        return not self.is_unlimited and all(rule.right == DENY for rule in self.rules)

    @property
    def reads_all(self) -> bool:
        """May everything be read, without exception?"""
        if self.is_unlimited:
            return True
        return not self.has_denials and own_right(self, (_ROOT,)) is not None

    @property
    def has_denials(self) -> bool:
        """Is anything taken from what is given? If not, whatever is readable is so with all within it."""
        return any(rule.right == DENY for rule in self.rules)


class _Root(msgspec.Struct, frozen=True):
    tag: str = "cib"
    attributes: Mapping[str, str] = {}


_ROOT: Final = _Root()
NO_RIGHTS: Final = Rights()
UNLIMITED: Final = Rights(is_unlimited=True)


def is_enforced(cib: Cib) -> bool:
    """Is `enable-acl` set in this configuration (in any of its sets of properties)?"""
    return any(
        pair.name == ENABLE and parse_boolean(pair.value or "") is True
        for found in cib.objects
        if isinstance(found, Properties) and found.kind == PROPERTY
        for pair in found.set.pairs
    )


def rights_of(cib: Cib, account: Account) -> Rights:
    """What the configuration's roles give to an account; without any role that is nothing.

    A right that is not understood gives nothing; a `deny` that is not understood takes everything.
    """
    roles = {found.id: found for found in cib.objects if isinstance(found, AclRole)}
    rules: list[Rule] = []
    for permission in _permissions(cib, roles, account):
        paths = paths_of(permission)
        if paths is None and permission.right == DENY:
            return NO_RIGHTS
        if paths is not None and permission.right in (READ, WRITE, DENY):
            rules.append(Rule(permission.right, paths))
    return Rights(tuple(rules))


def _permissions(cib: Cib, roles: dict[str, AclRole], account: Account) -> Iterator[Permission]:
    for found in cib.objects:
        if not isinstance(found, AclTarget):
            continue
        name = found.name or found.id
        if name in account.groups if found.is_group else name == account.user:
            for role in found.roles:
                if role in roles:
                    yield from roles[role].permissions


def paths_of(permission: Permission) -> tuple[Path, ...] | None:
    """What a right is on; None when that is not understood."""
    if permission.xpath is not None:
        try:
            return parse_xpath(permission.xpath)
        except XPathRefused:
            return None
    if permission.reference is not None:
        return (Path((Step("*", is_deep=True, tests=(Is("id", permission.reference),)),)),)
    if permission.object_type is not None:
        tests = () if permission.attribute is None else (Has(permission.attribute),)
        return (Path((Step(permission.object_type, is_deep=True, tests=tests),)),)
    return None


def own_right(rights: Rights, chain: Sequence[Selectable]) -> str | None:
    """The right on exactly the last element of this chain, which begins with the root; None: there is none."""
    found = {rule.right for rule in rights.rules if selects(rule.paths, chain)}
    return next((right for right in (DENY, WRITE, READ) if right in found), None)


def narrowed(outer: Access, right: str | None) -> Access:
    """What may be done with an element, by its own right and by what may be done with the one around it."""
    return outer if right is None else {DENY: Access.NONE, WRITE: Access.WRITE, READ: Access.READ}[right]


def access_of(rights: Rights, chain: Sequence[Selectable]) -> Access:
    """What may be done with the last element of this chain, which begins with the root."""
    access = Access.WRITE if rights.is_unlimited else Access.NONE
    for at in range(1, len(chain) + 1):
        access = narrowed(access, own_right(rights, chain[:at]))
    return access
