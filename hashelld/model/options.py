"""The one table of options: cluster properties, meta attributes, operation and node attributes.

Checks, completion, help, manual pages and the policy's defaults read it; no option is described anywhere else.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

import msgspec

from hashelld.model.duration import parse_duration
from hashelld.model.score import parse_score


class OptionKind(Enum):
    """What the values of an option look like."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    SCORE = "score"
    DURATION = "duration"
    ENUM = "enumeration"
    TEXT = "text"


class Option(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One option. `default` is what holds when it is not set, as it would be written; None when nothing holds."""

    name: str
    kind: OptionKind
    default: str | None = None
    values: tuple[str, ...] = ()
    """The words of an enumeration; for other kinds, words that are accepted besides (`auto`)."""
    help: str
    aliases: tuple[str, ...] = ()
    """Other spellings of the same name that are still understood."""
    deprecated: str = ""
    """Why not to use it any more, and what to use instead."""

    def objection(self, value: str) -> str | None:
        """What is wrong with a value, as the end of a sentence ("expects true or false"); None when it is fine."""
        if value.lower() in (word.lower() for word in self.values):
            return None
        fits, wanted = self._fits(value)
        if fits:
            return None
        also = f", or {' or '.join(self.values)}" if self.values and self.kind is not OptionKind.ENUM else ""
        return f"expects {wanted}{also}"

    def _fits(self, value: str) -> tuple[bool, str]:
        """Is the value of the kind, and what is a value of the kind?"""
        match self.kind:
            case OptionKind.BOOLEAN:
                return parse_boolean(value) is not None, "true or false"
            case OptionKind.INTEGER:
                return _is_integer(value), "a whole number"
            case OptionKind.SCORE:
                return parse_score(value) is not None, "a score: a whole number, inf or -inf"
            case OptionKind.DURATION:
                return parse_duration(value) is not None, "a time such as 10s, 300ms or 2min"
            case OptionKind.ENUM:
                return False, "one of " + ", ".join(self.values)
            case OptionKind.TEXT:
                return True, "any text"


_TRUE: Final = frozenset({"true", "yes", "on", "y", "1"})
_FALSE: Final = frozenset({"false", "no", "off", "n", "0"})


def parse_boolean(text: str) -> bool | None:
    """`true`, `yes`, `on`, `y`, `1` and their opposites, in any case; None when it is neither."""
    word = text.strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


def _is_integer(text: str) -> bool:
    body = text.strip().removeprefix("-").removeprefix("+")
    return body.isascii() and body.isdigit()


def _boolean(name: str, default: str | None, help_: str, deprecated: str = "") -> Option:
    return Option(name=name, kind=OptionKind.BOOLEAN, default=default, help=help_, deprecated=deprecated)


def _enum(name: str, default: str | None, values: str, help_: str) -> Option:
    return Option(name=name, kind=OptionKind.ENUM, default=default, values=tuple(values.split()), help=help_)


def _duration(name: str, default: str | None, help_: str, *words: str) -> Option:
    return Option(name=name, kind=OptionKind.DURATION, default=default, values=words, help=help_)


def _integer(name: str, default: str | None, help_: str, *words: str) -> Option:
    return Option(name=name, kind=OptionKind.INTEGER, default=default, values=words, help=help_)


def _score(name: str, default: str | None, help_: str, *words: str) -> Option:
    return Option(name=name, kind=OptionKind.SCORE, default=default, values=words, help=help_)


def _text(name: str, default: str | None, help_: str, deprecated: str = "") -> Option:
    return Option(name=name, kind=OptionKind.TEXT, default=default, help=help_, deprecated=deprecated)


CLUSTER_PROPERTIES: Final[tuple[Option, ...]] = (
    Option(
        name="stonith-enabled",
        kind=OptionKind.BOOLEAN,
        default="true",
        help="Fence nodes that fail or cannot be reached; without it data on shared storage is at risk.",
        aliases=("fencing-enabled", "stonith_enabled"),
    ),
    Option(
        name="no-quorum-policy",
        kind=OptionKind.ENUM,
        default="stop",
        values=("stop", "freeze", "ignore", "demote", "fence", "suicide"),
        help="What a part of the cluster without quorum does with the resources it runs; fence and suicide reset its "
        "nodes where hashelld.toml has a [watchdog], and stop resources elsewhere.",
        aliases=("no_quorum_policy",),
    ),
    _boolean("maintenance-mode", "false", "Touch no resource and run no monitor, in the whole cluster."),
    _boolean("stop-all-resources", "false", "Keep every resource stopped."),
    Option(
        name="symmetric-cluster",
        kind=OptionKind.BOOLEAN,
        default="true",
        help="Resources may run on any node unless forbidden; when false, only where a location allows it.",
        aliases=("symmetric_cluster",),
    ),
    Option(
        name="stonith-action",
        kind=OptionKind.ENUM,
        default="reboot",
        values=("reboot", "off", "poweroff"),
        help="What fencing does to a node.",
        aliases=("fencing-action",),
    ),
    Option(
        name="stonith-timeout",
        kind=OptionKind.DURATION,
        default="60s",
        help="How long one call of a fencing device may take.",
        aliases=("fencing-timeout",),
    ),
    Option(
        name="stonith-max-attempts",
        kind=OptionKind.INTEGER,
        default="10",
        help="How often fencing of one node may fail before it is no longer tried at once.",
        aliases=("fencing-max-attempts",),
    ),
    Option(
        name="stonith-watchdog-timeout",
        kind=OptionKind.DURATION,
        default="0",
        values=("-1",),
        help="Trust that a lost node's watchdog has reset it after this time, where no device can fence it; 0 means "
        "never, -1 twice the watchdog's own timeout, which is the least. It needs [watchdog] in hashelld.toml.",
        aliases=("fencing-watchdog-timeout",),
    ),
    _boolean("startup-fencing", "true", "Fence nodes that were not seen since the cluster started."),
    _boolean("concurrent-fencing", "true", "Fence several nodes at the same time."),
    _duration("priority-fencing-delay", "0", "Head start in a fencing race for the node with the higher priority."),
    _enum("fence-reaction", "stop", "stop panic", "What a node does when it learns that it was fenced."),
    _duration("node-pending-timeout", "0", "Fence a node that is heard but has not joined for this long; 0: never."),
    _boolean("start-failure-is-fatal", "true", "A failed start bans the resource from the node at once."),
    _boolean("enable-startup-probes", "true", "Look for resources that already run when a node joins."),
    _duration("cluster-delay", "60s", "How long a message to another node and its answer may take."),
    _integer("batch-limit", "0", "How many actions may run at the same time in the cluster; 0: 30."),
    _integer("migration-limit", "-1", "How many live migrations may run at the same time on a node; -1: any number."),
    _integer("node-action-limit", "0", "How many actions may run at the same time on a node; 0: any number."),
    Option(
        name="load-threshold",
        kind=OptionKind.TEXT,
        default="80%",
        help="Pacemaker's; hashelld goes by batch-limit and node-action-limit alone.",
    ),
    _enum(
        "placement-strategy",
        "default",
        "default utilization minimal balanced",
        "Whether and how capacities (utilization) decide where resources run.",
    ),
    _enum(
        "node-health-strategy",
        "none",
        "none migrate-on-red only-green progressive custom",
        "How health attributes of nodes influence where resources run.",
    ),
    _score("node-health-base", "0", "Base score of a node under the progressive health strategy."),
    _score("node-health-green", "0", "Score of a green health attribute."),
    _score("node-health-yellow", "0", "Score of a yellow health attribute."),
    _score("node-health-red", "-inf", "Score of a red health attribute."),
    _duration("cluster-recheck-interval", "15min", "How often the cluster plans again when nothing happens."),
    Option(
        name="stop-orphan-resources",
        kind=OptionKind.BOOLEAN,
        default="true",
        help="Stop resources that run but are no longer configured.",
        aliases=("stop-removed-resources",),
    ),
    Option(
        name="stop-orphan-actions",
        kind=OptionKind.BOOLEAN,
        default="true",
        help="Cancel recurring operations that are no longer configured.",
        aliases=("cancel-removed-actions",),
    ),
    _boolean("shutdown-lock", "false", "Keep resources on a node that was shut down cleanly until it comes back."),
    _duration("shutdown-lock-limit", "0", "End shutdown locks after this time; 0: never."),
    _duration("shutdown-escalation", "20min", "Give up waiting for a clean stop of everything after this time."),
    _duration("dc-deadtime", "20s", "How long to wait for other nodes while starting."),
    _duration("election-timeout", "2min", "How long an election may take."),
    _duration("join-finalization-timeout", "30min", "How long a join may take to be completed."),
    _duration("join-integration-timeout", "3min", "How long a join may take to be answered."),
    _duration("transition-delay", "0", "Wait this long before planning, so that events gather."),
    _boolean("enable-acl", "false", "Check access control lists."),
    _text("cluster-name", None, "A name for the cluster; rules may refer to it."),
    _text("cluster-infrastructure", None, "Which messaging layer the cluster runs on (set by the cluster)."),
    _text("dc-version", None, "Version of the daemon on the designated controller (set by the cluster)."),
    _boolean("have-watchdog", "false", "Whether watchdog fencing is in use (set by the cluster)."),
    _integer("last-lrm-refresh", None, "When resources were last probed again by hand, in seconds."),
    _integer("pe-error-series-max", "-1", "How many inputs that led to errors are kept; -1: all."),
    _integer("pe-warn-series-max", "5000", "How many inputs that led to warnings are kept; -1: all."),
    _integer("pe-input-series-max", "4000", "How many other planning inputs are kept; -1: all."),
    _boolean("remove-after-stop", "false", "Forget a resource after stopping it.", deprecated="leave it at false"),
    Option(
        name="default-resource-stickiness",
        kind=OptionKind.SCORE,
        default="0",
        help="Preference of every resource to stay where it is.",
        deprecated="use rsc_defaults resource-stickiness",
    ),
    Option(
        name="default-migration-threshold",
        kind=OptionKind.SCORE,
        help="Failures after which a resource leaves a node.",
        deprecated="use rsc_defaults migration-threshold",
    ),
    Option(
        name="is-managed-default",
        kind=OptionKind.BOOLEAN,
        default="true",
        help="Whether resources are managed.",
        deprecated="use rsc_defaults is-managed",
    ),
    Option(
        name="default-action-timeout",
        kind=OptionKind.DURATION,
        default="20s",
        help="How long an operation may take.",
        deprecated="use op_defaults timeout",
    ),
)

META_ATTRIBUTES: Final[tuple[Option, ...]] = (
    _enum(
        "target-role",
        "Started",
        "Started Stopped Promoted Unpromoted Master Slave",
        "The state in which to keep the resource.",
    ),
    _boolean("is-managed", "true", "Whether the cluster may start and stop the resource."),
    _boolean("maintenance", "false", "Neither start, stop nor monitor the resource."),
    _score("resource-stickiness", "0", "Preference of the resource to stay where it is."),
    _score("priority", "0", "Who gets a place first, and stays last when places are short."),
    _score("migration-threshold", "inf", "Failures after which the resource leaves the node; 0 means never."),
    _duration("failure-timeout", "0", "Forget failures that are older than this; 0 means never."),
    _boolean("allow-migrate", "false", "Move the resource live when its agent can."),
    _boolean("allow-unhealthy-nodes", "false", "Run the resource on unhealthy nodes too."),
    _boolean("critical", "true", "Let the resource pull along those that it is placed with."),
    _enum(
        "multiple-active",
        "stop_start",
        "stop_start block stop_only stop_unexpected",
        "What to do when the resource is found active on several nodes.",
    ),
    _enum("requires", "fencing", "nothing quorum fencing unfencing", "What must hold before the resource may start."),
    _text(
        "fencing-device",
        None,
        "The fabric device (a switch port, reservations on a disk) that cuts a lost node off from the resource, "
        "which may then start elsewhere although the node itself was not fenced. Where it fails, the node is fenced.",
    ),
    _enum(
        "provides",
        None,
        "unfencing",
        "Of a fencing device: nodes have to get access from it (its `on`) before anything that needs it starts there.",
    ),
    _text("resource-type", None, "Free word that access rules may refer to."),
    _integer("clone-max", None, "How many copies to run in the cluster (default: one a node)."),
    _integer("clone-node-max", "1", "How many copies one node may run."),
    _integer("clone-min", "0", "How many copies must run before what depends on the clone may."),
    _boolean("notify", "false", "Tell every copy before and after the others are started or stopped."),
    _boolean("globally-unique", "false", "Copies differ from each other, and have their own parameters."),
    _boolean("ordered", "false", "Start copies one after the other instead of together."),
    _boolean("interleave", "false", "Wait only for the copy on the same node when clones depend on each other."),
    _boolean("promotable", "false", "Copies have a promoted role besides the started one."),
    Option(
        name="promoted-max",
        kind=OptionKind.INTEGER,
        default="1",
        help="How many copies may be promoted in the cluster.",
        aliases=("master-max",),
    ),
    Option(
        name="promoted-node-max",
        kind=OptionKind.INTEGER,
        default="1",
        help="How many promoted copies one node may run.",
        aliases=("master-node-max",),
    ),
    _boolean("collocated", "true", "Keep the members of a group on one node.", deprecated="use constraints instead"),
    _text("container", None, "The resource inside which this one runs."),
    _text("container-attribute-target", None, "Whose node attributes a container's resource reads: its own or host."),
    _text("remote-node", None, "Name of the remote node that this resource connects to."),
    _integer("remote-port", "3121", "Port of the remote node's daemon."),
    _text("remote-addr", None, "Address of the remote node (default: its name)."),
    _duration("remote-connect-timeout", "60s", "How long to wait for a connection to the remote node."),
    _boolean("remote-allow-migrate", "true", "Whether the remote connection may move to another node."),
    _text("description", None, "Free text for people."),
    _text("isolation", None, "Unused.", "it has no effect any more"),
    _text("restart-type", "ignore", "Whether dependents restart with the resource.", "use order constraints"),
)

OPERATION_ATTRIBUTES: Final[tuple[Option, ...]] = (
    _duration("interval", "0", "Time between two runs; 0: only when needed."),
    _duration("timeout", "20s", "How long the operation may take before it counts as failed."),
    _enum(
        "on-fail",
        "restart",
        "restart ignore block stop demote fence standby restart-container",
        "What to do when the operation fails (default: restart; fence for stop).",
    ),
    _enum(
        "role",
        None,
        "Started Stopped Promoted Unpromoted Master Slave",
        "Run the operation only where the resource has this role.",
    ),
    _boolean("enabled", "true", "Whether the operation is run."),
    _duration("start-delay", "0", "Wait this long before the first run."),
    _text("interval-origin", None, "Instant from which the times of runs are counted."),
    _boolean("record-pending", "true", "Show the operation while it is running."),
    _text("description", None, "Free text for people."),
    _text("requires", None, "What must hold before the operation may run.", "set the meta attribute requires instead"),
)

NODE_ATTRIBUTES: Final[tuple[Option, ...]] = (
    _boolean("standby", "false", "Run no resources on the node."),
    _boolean("maintenance", "false", "Touch no resource on the node."),
)

OPERATION_NAMES: Final[tuple[str, ...]] = (
    "start",
    "stop",
    "monitor",
    "promote",
    "demote",
    "notify",
    "migrate_to",
    "migrate_from",
    "reload",
    "reload-agent",
    "validate-all",
    "meta-data",
    "status",
    "on",
    "off",
    "reboot",
    "list",
)
"""Operations that agents may offer, besides their own."""

ROLES: Final[tuple[str, ...]] = ("Started", "Stopped", "Promoted", "Unpromoted", "Master", "Slave")
"""Roles as they may be written; the last two are older names of Promoted and Unpromoted."""

STANDARDS: Final[tuple[str, ...]] = ("ocf", "systemd", "stonith", "lsb", "service", "heartbeat", "upstart", "nagios")
"""Classes of agents."""


def _index(options: tuple[Option, ...]) -> dict[str, Option]:
    return {name: option for option in options for name in (option.name, *option.aliases)}


_CLUSTER: Final = _index(CLUSTER_PROPERTIES)
_META: Final = _index(META_ATTRIBUTES)
_OPERATION: Final = _index(OPERATION_ATTRIBUTES)
_NODE: Final = _index(NODE_ATTRIBUTES)


def cluster_property(name: str) -> Option | None:
    """The cluster property of this name or of another spelling of it."""
    return _CLUSTER.get(name)


def meta_attribute(name: str) -> Option | None:
    """The resource meta attribute of this name or of another spelling of it."""
    return _META.get(name)


def operation_attribute(name: str) -> Option | None:
    """The operation attribute of this name."""
    return _OPERATION.get(name)


def node_attribute(name: str) -> Option | None:
    """The node attribute of this name that the cluster itself reads."""
    return _NODE.get(name)


def canonical_role(text: str) -> str | None:
    """A role in its usual case (`promoted` -> `Promoted`, `master` -> `Master`); None when it is none."""
    return next((role for role in ROLES if role.lower() == text.lower()), None)
