"""Names and counters that the whole cluster shares: ids, milliseconds, epochs, versions, incarnations."""

from __future__ import annotations

import re
from typing import Annotated, Final, NewType

import msgspec


NodeId = NewType("NodeId", str)
ResourceId = NewType("ResourceId", str)
ConstraintId = NewType("ConstraintId", str)

Millis = int
"""Milliseconds of CLOCK_BOOTTIME; an instant or a span, by the name of the variable."""

NUMBER_MAX: Final = 1 << 62
"""Of epochs, serials and incarnations: a store holds it, and there is always a next one."""
Number = Annotated[int, msgspec.Meta(ge=0, le=NUMBER_MAX)]
"""A counter, checked where it is decoded."""

ID_PATTERN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
ID_LENGTH_MAX: Final = 255


def is_id(text: str) -> bool:
    """Is this a legal object id (an XML NCName without colon, at most 255 characters)?"""
    return len(text) <= ID_LENGTH_MAX and ID_PATTERN.match(text) is not None


def is_account(text: str) -> bool:
    """May a user or group of an operating system be called this (any word of at most 255 characters)?"""
    return 0 < len(text) <= ID_LENGTH_MAX and text.isprintable() and not any(char.isspace() for char in text)


class Epoch(msgspec.Struct, frozen=True, order=True, array_like=True):
    """The reign of one DC: a number, and the node that may be DC in it. Compared in that order."""

    number: Number
    node: NodeId

    def __str__(self) -> str:
        return f"{self.number}.{self.node}" if self.node else str(self.number)


class Version(msgspec.Struct, frozen=True, order=True, array_like=True):
    """A CIB version: the epoch that ordered the newest entry, and its serial, which has no gaps."""

    epoch: Epoch
    serial: Number

    def __str__(self) -> str:
        return f"{self.epoch}:{self.serial}"


class Incarnation(msgspec.Struct, frozen=True, order=True, array_like=True):
    """One start of a node's daemon: a counter kept on disk, and a random part."""

    counter: Number
    token: str

    def __str__(self) -> str:
        return f"{self.counter}-{self.token}"


NO_EPOCH: Final = Epoch(0, NodeId(""))
NO_VERSION: Final = Version(NO_EPOCH, 0)
NO_INCARNATION: Final = Incarnation(0, "")
