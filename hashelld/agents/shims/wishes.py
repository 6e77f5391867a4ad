"""What an agent's command line asks for, as values."""

from __future__ import annotations

from enum import Enum
from typing import Final

import msgspec

from hashelld.model.ids import Millis


OK, ERROR, USAGE, NOT_FOUND = 0, 1, 64, 105
"""Exit codes of Pacemaker's commands."""

NO_SUCH: Final = "No such device or address"


class Place(Enum):
    """Where a value is kept; the value of the word is what queries call it (`scope=…`)."""

    STATUS = "status"  # Transient, with the node's daemon.
    NODES = "nodes"
    NODE_UTILIZATION = "node utilization"
    CRM_CONFIG = "crm_config"
    RSC_DEFAULTS = "rsc_defaults"
    OP_DEFAULTS = "op_defaults"
    PARAMS = "parameters"
    META = "meta attributes"
    UTILIZATION = "utilization"


class Style(Enum):
    """How a value is printed."""

    SCOPED = "scoped"  # scope=status  name=x value=y
    QUOTED = "quoted"  # name="x" host="n" value="y"
    PLAIN = "plain"  # y


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """A name at its place. `owner` is a node or resource, or an attribute set's id; empty: this node, the usual set."""

    place: Place
    name: str
    owner: str = ""


class Get(msgspec.Struct, frozen=True, kw_only=True):
    """Print a value."""

    slot: Slot
    style: Style
    default: str | None = None
    is_everywhere: bool = False
    """Of all nodes that have it."""


class Set(msgspec.Struct, frozen=True, kw_only=True):
    """Set a value, or (None) remove it."""

    slot: Slot
    value: str | None
    delay_ms: Millis = 0


class Fact(Enum):
    """What `crm_node` tells of the cluster."""

    NAME = "name"
    NUMBER = "number"
    NAME_OF = "name of a number"
    LIST = "list"
    MEMBERS = "members"
    QUORUM = "quorum"


class Tell(msgspec.Struct, frozen=True):
    """Print a fact; `number` is that of NAME_OF."""

    fact: Fact
    number: str = ""


class Ban(msgspec.Struct, frozen=True):
    """Keep a resource from a node (empty: this one) until the administrator allows it again."""

    resource: str
    node: str = ""


class Said(msgspec.Struct, frozen=True):
    """The answer is known without looking at the cluster."""

    code: int = OK
    out: str = ""
    err: str = ""


Wish = Get | Set | Tell | Ban | Said
