"""The statements of the configure language as commands: each adds to the draft what it says."""

from __future__ import annotations

from importlib import import_module

from hashell.commands.drafting import CONFIGURE
from hashell.grammar.kinds import Rest
from hashell.grammar.registry import command
from hashell.outcomes import Outcome, Table
from hashell.session import Session
from hashelld.cib.document import OP_DEFAULTS, PROPERTY, RSC_DEFAULTS, Cib, Properties
from hashelld.model.options import CLUSTER_PROPERTIES, META_ATTRIBUTES, OPERATION_ATTRIBUTES, Option
from hashelld.model.resource import pairs_of


@command(
    CONFIGURE, "node", examples=("configure node node1 attributes rack=7", "configure node node2 utilization cpu=8")
)
def configure_node(session: Session, statement: Rest) -> Outcome:
    """Describe a node: its attributes and capacities.

    Attributes that are not mentioned stay as they are.
    """
    return _add(session, "node", statement)


@command(
    CONFIGURE,
    "primitive",
    aliases=("resource",),
    examples=(
        "configure primitive vip ocf:heartbeat:IPaddr2 params ip=10.0.0.9 op monitor interval=10s",
        "configure primitive web @web-template params port=8080",
        "configure primitive fence1 stonith:fence_ipmilan params ip=10.0.0.8 username=ha password=secret:bmc1",
    ),
)
def configure_primitive(session: Session, statement: Rest) -> Outcome:
    """Define a resource that an agent starts, stops and monitors.

    A parameter secret:NAME stands for what the file /etc/hashell/secrets/NAME says on the node that runs the agent: one
    line, mode 0600, the same on every node. `resource secret` moves a value there.
    """
    return _add(session, "primitive", statement)


@command(
    CONFIGURE,
    "rsc_template",
    examples=("configure rsc_template web-template ocf:hashell:WebServer op monitor interval=10s",),
)
def configure_rsc_template(session: Session, statement: Rest) -> Outcome:
    """Define settings that several primitives share; a primitive takes them with @TEMPLATE."""
    return _add(session, "rsc_template", statement)


@command(CONFIGURE, "group", examples=("configure group apps fs db vip",))
def configure_group(session: Session, statement: Rest) -> Outcome:
    """Put primitives into a group: on one node, started in order, stopped in reverse order."""
    return _add(session, "group", statement)


@command(CONFIGURE, "clone", examples=("configure clone dlm-clone dlm meta clone-max=3",))
def configure_clone(session: Session, statement: Rest) -> Outcome:
    """Run copies of a primitive or group on several nodes."""
    return _add(session, "clone", statement)


@command(CONFIGURE, "ms", aliases=("master",), examples=("configure ms db-clone db meta promoted-max=1",))
def configure_ms(session: Session, statement: Rest) -> Outcome:
    """Define a promotable clone: `clone` with meta promotable=true, in crmsh's older spelling."""
    return _add(session, "ms", statement)


@command(CONFIGURE, "promotable", examples=("configure promotable db-clone db",))
def configure_promotable(session: Session, statement: Rest) -> Outcome:
    """Define a promotable clone: `clone` with meta promotable=true."""
    return _add(session, "promotable", statement)


@command(
    CONFIGURE,
    "location",
    examples=("configure location web-prefers-node1 web 100: node1", "configure location never web -inf: node3"),
)
def configure_location(session: Session, statement: Rest) -> Outcome:
    """Prefer or avoid a node for a resource, by a score; inf and -inf are absolute."""
    return _add(session, "location", statement)


@command(
    CONFIGURE, "colocation", aliases=("collocation",), examples=("configure colocation web-with-vip inf: web vip",)
)
def configure_colocation(session: Session, statement: Rest) -> Outcome:
    """Keep a resource (the first) where another one is, or (negative score) away from it."""
    return _add(session, "colocation", statement)


@command(CONFIGURE, "order", examples=("configure order fs-first Mandatory: fs web",))
def configure_order(session: Session, statement: Rest) -> Outcome:
    """Let one resource start before another; they stop in reverse order."""
    return _add(session, "order", statement)


@command(
    CONFIGURE,
    "bundle",
    examples=(
        "configure bundle web-bundle podman image=web replicas=2 network ip-range-start=10.0.0.20 primitive web",
    ),
)
def configure_bundle(session: Session, statement: Rest) -> Outcome:
    """Run a primitive in containers: their image, network and storage are part of it."""
    return _add(session, "bundle", statement)


@command(CONFIGURE, "tag", examples=("configure tag shop: web db vip",))
def configure_tag(session: Session, statement: Rest) -> Outcome:
    """Give several objects a common name, for constraints and for `show tag:NAME`."""
    return _add(session, "tag", statement)


@command(
    CONFIGURE,
    "fencing_topology",
    aliases=("fencing-topology",),
    examples=("configure fencing_topology node1: ipmi1 pdu1,pdu2 node2: ipmi2",),
)
def configure_fencing_topology(session: Session, statement: Rest) -> Outcome:
    """Say which fencing devices are tried for a node, level after level; devices joined by commas act together."""
    return _add(session, "fencing_topology", statement)


@command(CONFIGURE, "rsc_ticket", examples=("configure rsc_ticket db-needs-a ticketA: db loss-policy=stop",))
def configure_rsc_ticket(session: Session, statement: Rest) -> Outcome:
    """Let a resource run only where the cluster holds a ticket."""
    return _add(session, "rsc_ticket", statement)


@command(CONFIGURE, "alert", examples=("configure alert mail /usr/local/bin/mail.sh to admin@example.com",))
def configure_alert(session: Session, statement: Rest) -> Outcome:
    """Have a program called when something happens in the cluster."""
    return _add(session, "alert", statement)


@command(CONFIGURE, "role", examples=("configure role operator read xpath:/cib write id:web",))
def configure_role(session: Session, statement: Rest) -> Outcome:
    """Define a role: what its holders may read and write of the configuration."""
    return _add(session, "role", statement)


@command(CONFIGURE, "acl_target", examples=("configure acl_target anna operator",))
def configure_acl_target(session: Session, statement: Rest) -> Outcome:
    """Give a user roles."""
    return _add(session, "acl_target", statement)


@command(CONFIGURE, "acl_group", examples=("configure acl_group staff operator",))
def configure_acl_group(session: Session, statement: Rest) -> Outcome:
    """Give a group of users roles."""
    return _add(session, "acl_group", statement)


@command(CONFIGURE, "xml", examples=('configure xml \'<tag id="t"><obj_ref id="web"/></tag>\'',))
def configure_xml(session: Session, statement: Rest) -> Outcome:
    """Add objects that are written as Pacemaker's XML."""
    return _add(session, "xml", statement)


@command(CONFIGURE, "monitor", examples=("configure monitor web 10s:20s",))
def configure_monitor(session: Session, statement: Rest) -> Outcome:
    """Add a recurring monitor to a primitive."""
    return _add(session, "monitor", statement)


@command(
    CONFIGURE,
    "property",
    examples=("configure property stonith-enabled=true no-quorum-policy=stop", "configure property"),
)
def configure_property(session: Session, statement: Rest = "") -> Outcome:
    """Set cluster properties; without any, list them all with their values."""
    return _add(session, PROPERTY, statement) if statement else _options(session.cib(), PROPERTY, CLUSTER_PROPERTIES)


@command(
    CONFIGURE, "rsc_defaults", examples=("configure rsc_defaults resource-stickiness=100", "configure rsc_defaults")
)
def configure_rsc_defaults(session: Session, statement: Rest = "") -> Outcome:
    """Set defaults of meta attributes; without any, list them all with their values."""
    return (
        _add(session, RSC_DEFAULTS, statement) if statement else _options(session.cib(), RSC_DEFAULTS, META_ATTRIBUTES)
    )


@command(CONFIGURE, "op_defaults", examples=("configure op_defaults timeout=60s", "configure op_defaults"))
def configure_op_defaults(session: Session, statement: Rest = "") -> Outcome:
    """Set defaults of operations; without any, list them all with their values."""
    return (
        _add(session, OP_DEFAULTS, statement)
        if statement
        else _options(session.cib(), OP_DEFAULTS, OPERATION_ATTRIBUTES)
    )


def _add(session: Session, keyword: str, rest: str) -> Outcome:
    """The language is imported for those who say something in it: help does without."""
    added: Outcome = import_module("hashell.commands.stating").add(session, keyword, rest)
    return added


def _options(cib: Cib, kind: str, known: tuple[Option, ...]) -> Outcome:
    """Every option of a kind with the value that holds; set ones first."""
    sets = [o.set for o in cib.objects if isinstance(o, Properties) and o.kind == kind]
    given = {pair.name: pair.value or "" for pair in pairs_of(tuple(reversed(sets)))}
    described = {option.name: option for option in known}
    rows = [(name, value, "set", described[name].help if name in described else "") for name, value in given.items()]
    rows += [(o.name, o.default or "", "default", o.help) for o in known if o.name not in given and not o.deprecated]
    return Table(columns=("name", "value", "from", "what"), rows=tuple(rows))
