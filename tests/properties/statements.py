"""Drawn objects of every kind, as the configure language can hold them."""

from __future__ import annotations

from hypothesis import strategies as st

from hashelld.cib.document import Properties
from hashelld.model.administration import (
    AclRole,
    AclTarget,
    Alert,
    FencingLevel,
    Permission,
    Recipient,
    Topology,
    Unmodelled,
)
from hashelld.model.constraint import Colocation, Location, Order, ResourceSet, TicketConstraint
from hashelld.model.node import Node
from hashelld.model.resource import (
    Agent,
    AttributeSet,
    Bundle,
    Clone,
    Group,
    NvPair,
    Operation,
    PortMapping,
    Primitive,
    StorageMapping,
    Tag,
    Template,
    Unknown,
)
from hashelld.model.rule import AttributeTest, DateSpan, DateTest, OperationTest, ResourceTest, Rule
from hashelld.model.written import layout_of


HOSTILE = [
    "",
    '"',
    "'",
    "\\",
    'a\\"b',
    "C:\\dir",
    "${x}",
    "$(id)",
    "a b",
    "é中",
    "\n",
    "\ttab",
    "#no",
    "=",
    "end\\",
    "\u2028",
    "rule",
    "param{x}",
    "( )",
    "and",
]
names = st.from_regex(r"[a-z#_][a-z0-9_.-]{0,8}", fullmatch=True) | st.sampled_from(["rule", "to", "and", "date", "op"])
ids = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,9}", fullmatch=True)
refs = ids.map(lambda name: f"to.{name}")
"""What is referred to is nothing drawn, and so stays what it is."""
values = st.sampled_from(HOSTILE) | st.text(st.characters(codec="utf-8"), max_size=6)
scores = st.sampled_from(["inf", "-inf", "0", "100", "-5"])
roles = st.sampled_from([None, "Started", "Promoted", "Master"])
flags = st.sampled_from([None, False])


def maybe(strategy):
    return st.one_of(st.none(), strategy)


def few(strategy, least=0, most=2):
    return st.lists(strategy, min_size=least, max_size=most).map(tuple)


comments = few(st.from_regex(r"#[ a-z\"'$]{0,8}[a-z]", fullmatch=True))
unknowns = maybe(
    st.builds(
        Unknown,
        few(st.tuples(ids, values), least=1).map(lambda pairs: tuple(dict(pairs).items())),
        few(st.sampled_from(["<a/>", '<a b="c&quot;d"/>', "<a>\n  <b/>\n</a>"])),
    )
)

# Rules.
attribute_tests = st.builds(
    AttributeTest,
    id=maybe(ids),
    attribute=names | values.filter(bool),
    operation=st.sampled_from(["defined", "not_defined"]),
) | st.builds(
    AttributeTest,
    id=maybe(ids),
    attribute=names | values.filter(bool),
    operation=st.sampled_from(["eq", "lte"]),
    type=st.sampled_from([None, "number", "string"]),
    value=values,
    value_source=st.sampled_from([None, "param", "literal", "meta"]),
)
spans = st.builds(
    DateSpan,
    id=maybe(ids),
    fields=few(st.tuples(st.sampled_from(["hours", "weekdays", "moon"]), values), least=1).map(
        lambda pairs: tuple(dict(pairs).items())
    ),
)
date_tests = (
    st.builds(DateTest, id=maybe(ids), operation=st.just("lt"), end=values)
    | st.builds(DateTest, id=maybe(ids), operation=st.just("gt"), start=values)
    | st.builds(
        DateTest,
        id=maybe(ids),
        operation=st.just("in_range"),
        start=values,
        end=maybe(values),
        duration=maybe(spans),
    )
    | st.builds(DateTest, id=maybe(ids), operation=st.just("date_spec"), spec=spans)
)
other_tests = st.builds(ResourceTest, id=maybe(ids), standard=maybe(ids), provider=maybe(ids), type=ids) | st.builds(
    OperationTest, id=maybe(ids), name=names | st.just("eq"), interval=maybe(values)
)


def _literal(test):
    """`param{x}` as a plain value is written, and so read, as a literal."""
    if isinstance(test, AttributeTest) and test.value == "param{x}" and test.value_source is None:
        return AttributeTest(attribute=test.attribute, operation=test.operation, value="x", id=test.id)
    return test


tests = (attribute_tests | date_tests | other_tests).map(_literal)


@st.composite
def rules(draw, depth=1):
    """A rule as text says it: an operator only between conditions, a score where it is the outer one."""
    if depth and draw(st.integers(0, 9)) == 0:
        return Rule(id_ref=draw(refs), role=draw(roles))
    conditions = tests if not depth else tests | rules(depth=0)
    drawn = draw(few(conditions, least=1, most=3))
    score = draw(scores)
    attribute = None if score != "0" else draw(st.sampled_from([None, "pingd"]))
    return Rule(
        id=draw(maybe(ids)),
        role=draw(roles),
        score=None if attribute else score,
        score_attribute=attribute,
        operator="or" if len(drawn) > 1 and draw(st.booleans()) else None,
        conditions=drawn,
    )


# Attribute sets and operations.
@st.composite
def attribute_sets(draw, allow_ref=True):
    if allow_ref and draw(st.integers(0, 9)) == 0:
        return AttributeSet(id_ref=draw(refs))
    pairs = draw(
        st.lists(
            st.builds(NvPair, names, maybe(values), maybe(ids)) | st.builds(NvPair, names, maybe(values), id_ref=refs),
            max_size=3,
            unique_by=lambda p: p.name,
        )
    )
    drawn = draw(few(rules(), most=2)) if draw(st.integers(0, 3)) == 0 else ()
    return AttributeSet(tuple(pairs), draw(maybe(ids)), None, draw(maybe(scores)), drawn)


sets = few(attribute_sets())
operations = st.builds(
    lambda name, interval, timeout, params, meta, op_id: Operation(
        name,
        (NvPair("interval", interval), *([NvPair("timeout", timeout)] if timeout is not None else [])),
        params,
        meta,
        op_id,
    ),
    st.sampled_from(["start", "monitor", "my op"]),
    values,
    maybe(values),
    sets,
    sets,
    maybe(ids),
) | st.builds(Operation, st.sampled_from(["", "monitor"]), id_ref=refs)

# Resources and nodes.
descriptions = maybe(values)
agents = st.builds(Agent, st.just("ocf"), st.sampled_from(["heartbeat", "pacemaker"]), ids) | st.builds(
    Agent, st.sampled_from(["systemd", "stonith", "lsb"]), st.just(""), ids
)
common = {"comments": comments, "unknown": unknowns}
body = {"description": descriptions, "params": sets, "meta": sets, **common}


@st.composite
def laid_out(draw, strategy, sections):
    """An object whose sections are in any order."""
    found = draw(strategy)
    order = [name for name, field in sections for _ in range(_count(found, field))]
    return type(found)(**{**_fields(found), "layout": layout_of(draw(st.permutations(order)))})


def _count(found, field):
    return min(1, len(found.operations)) if field == "operations" else len(getattr(found, field))


def _fields(found):
    return {name: getattr(found, name) for name in found.__struct_fields__}


_PLAIN = (("params", "params"), ("meta", "meta"))
_FULL = (*_PLAIN, ("utilization", "utilization"), ("operations", "operations"))
primitives = laid_out(
    st.builds(
        Primitive,
        id=ids,
        agent=agents,
        **body,
        utilization=sets,
        operations=few(operations),
        operations_id=st.none(),
    ),
    _FULL,
)
templates = laid_out(st.builds(Template, id=ids, agent=agents, **body, utilization=sets), _FULL)
groups = laid_out(
    st.builds(Group, id=ids, members=st.lists(ids, min_size=1, max_size=4, unique=True).map(tuple), **body), _PLAIN
)
clones = laid_out(st.builds(Clone, id=ids, child=ids, is_master=st.booleans(), **body), _PLAIN)


def pairs_of(*options):
    return st.fixed_dictionaries({}, optional=dict.fromkeys(options, values)).map(lambda given: tuple(given.items()))


bundles = laid_out(
    st.builds(
        lambda image, options, **fields: Bundle(options=(("image", image), *options), **fields),
        id=ids,
        container=st.sampled_from(["docker", "podman", "rkt"]),
        image=values,
        options=pairs_of("replicas", "run-command"),
        network=maybe(pairs_of("ip-range-start", "control-port")),
        ports=st.just(()),
        storage=few(
            st.builds(StorageMapping, id=ids, source_dir=maybe(values), target_dir=maybe(values), options=maybe(values))
        ),
        child=maybe(ids),
        **{**body, "params": sets},
    ),
    _PLAIN,
).flatmap(
    lambda bundle: (
        st.just(bundle)
        if bundle.network is None
        else few(st.builds(PortMapping, id=ids, port=maybe(values), range=maybe(values))).map(
            lambda ports: Bundle(**{**_fields(bundle), "ports": ports})
        )
    )
)
nodes = laid_out(
    st.builds(
        Node,
        id=st.from_regex(r"[A-Za-z0-9.*_-]{1,8}", fullmatch=True),
        number=maybe(st.from_regex(r"[0-9a-z]{1,6}", fullmatch=True)),
        kind=st.sampled_from([None, "member", "remote"]),
        description=descriptions,
        score=maybe(scores),
        attributes=sets,
        utilization=sets,
        **common,
    ),
    (("attributes", "attributes"), ("utilization", "utilization")),
)
tags = st.builds(Tag, id=ids, members=st.lists(ids, min_size=1, max_size=3, unique=True).map(tuple), comments=comments)


# Constraints.
@st.composite
def resource_sets(draw, detail=None, most=3):
    """Sets as text can tell them apart."""
    found = []
    for _ in range(draw(st.integers(1, most))):
        if draw(st.integers(0, 9)) == 0:
            found.append(ResourceSet(id_ref=draw(refs), sequential=False))
            continue
        field = {} if detail is None else {detail: draw(roles if detail == "role" else st.sampled_from([None, "stop"]))}
        found.append(
            ResourceSet(
                members=draw(st.lists(ids, min_size=1, max_size=3, unique=True).map(tuple)),
                sequential=draw(flags),
                require_all=draw(flags),
                score=draw(maybe(scores)),
                kind=draw(st.sampled_from([None, "Optional"])),
                id=draw(maybe(ids)),
                **field,
            )
        )
    members = [(m, s.role, s.action) for s in found for m in s.members]
    return tuple(found) if len(set(members)) == len(members) else tuple(found[:1])


lifetimes = st.just(()) | few(rules(), least=1)
constrained = {"lifetime": lifetimes, **common}
targets = st.fixed_dictionaries({"resource": ids}) | st.fixed_dictionaries({"sets": resource_sets("role")})
locations = st.builds(
    lambda target, place, **fields: Location(**target, **place, **fields),
    targets | st.fixed_dictionaries({"pattern": values.filter(lambda text: text != "")}),
    st.fixed_dictionaries({"node": ids, "score": scores}) | st.fixed_dictionaries({"rules": few(rules(), least=1)}),
    id=ids,
    role=roles,
    options=st.sampled_from([(), (("resource-discovery", "never"),)]),
    **constrained,
)
colocations = st.builds(
    lambda ends, **fields: Colocation(**ends, **fields),
    st.fixed_dictionaries({"resource": ids, "with_resource": ids, "role": roles, "with_role": roles})
    | st.fixed_dictionaries({"sets": resource_sets("role")}),
    id=ids,
    score=scores,
    options=st.sampled_from([(), (("node-attribute", "rack no"),)]),
    **constrained,
)
orders = st.builds(
    lambda ends, **fields: Order(**ends, **fields),
    st.fixed_dictionaries(
        {
            "first": ids,
            "then": ids,
            "first_action": st.sampled_from([None, "stop"]),
            "then_action": st.sampled_from([None, "promote"]),
        }
    )
    | st.fixed_dictionaries({"sets": resource_sets("action")}),
    id=ids,
    kind=st.sampled_from([None, "Mandatory", "Optional", "Serialize"]),
    symmetrical=st.sampled_from([None, True, False]),
    **constrained,
)
tickets = st.builds(
    lambda target, **fields: TicketConstraint(**target, **fields),
    st.fixed_dictionaries({"resource": ids, "role": roles}) | st.fixed_dictionaries({"sets": resource_sets("role")}),
    id=ids,
    ticket=values.filter(bool),
    loss_policy=st.sampled_from([None, "stop", "fence"]),
    **constrained,
)

# Everything else.
properties = st.builds(
    lambda i, kind, s, said, unknown: Properties(
        id=i, kind=kind, set=AttributeSet(s.pairs, None, None, s.score, s.rules), comments=said, unknown=unknown
    ),
    ids,
    st.sampled_from(["property", "rsc_defaults", "op_defaults"]),
    attribute_sets(allow_ref=False),
    comments,
    unknowns,
)
fencing_targets = st.sampled_from([{"target": "n1"}, {"pattern": "a b"}, {"attribute": "rack", "value": "x y"}])


@st.composite
def topologies(draw):
    """Levels target by target, in the order of their numbers."""
    levels = []
    for target in draw(st.lists(fencing_targets, min_size=1, max_size=3, unique_by=str)):
        for index in sorted(draw(st.sets(st.integers(1, 9), min_size=1, max_size=3))):
            devices = draw(few(ids, least=1))
            levels.append(FencingLevel(index=str(index), devices=devices, id=draw(maybe(ids)), **target))
    return Topology(levels=tuple(levels), comments=draw(comments))


recipients = st.builds(
    Recipient,
    id=maybe(ids),
    value=values.filter(lambda text: text != ""),
    description=descriptions,
    params=sets,
    meta=sets,
)


@st.composite
def alerts(draw):
    select = tuple(draw(st.lists(st.sampled_from(["nodes", "fencing", "attributes"]), max_size=3, unique=True)))
    found = Alert(
        id=draw(ids),
        path=draw(values),
        description=draw(descriptions),
        params=draw(sets),
        meta=draw(sets),
        select=select,
        attributes=draw(few(names)) if "attributes" in select else (),
        recipients=draw(few(recipients)),
        comments=draw(comments),
        unknown=draw(unknowns),
    )
    order = ["attributes"] * len(found.params) + ["meta"] * len(found.meta)
    order += ["select"] * bool(select) + ["to"] * len(found.recipients)
    return Alert(**{**_fields(found), "layout": layout_of(draw(st.permutations(order)))})


permissions = st.builds(
    lambda selector, **fields: Permission(**selector, **fields),
    st.fixed_dictionaries({"xpath": values.filter(bool) | st.just("//primitive[@id='d0']/meta_attributes")})
    | st.fixed_dictionaries({"reference": ids})
    | st.fixed_dictionaries({"object_type": ids, "attribute": maybe(ids)}),
    right=st.sampled_from(["read", "write", "deny"]),
    id=maybe(ids),
    description=descriptions,
)
acl_roles = st.builds(
    AclRole, id=ids, description=descriptions, permissions=few(permissions, least=1), comments=comments
)
acl_targets = st.builds(
    AclTarget,
    id=ids | st.sampled_from(["CORP\\ann", "ann@corp", "x:y", "a'b"]),
    roles=st.lists(ids, max_size=3, unique=True).map(tuple),
    is_group=st.booleans(),
    name=maybe(values),
    comments=comments,
)
unmodelled = st.builds(
    lambda i, said: Unmodelled(
        id=i, section="acls", xml=f'<acl_user id="{i}">\n  <read id="r" xpath="/cib"/>\n</acl_user>', comments=said
    ),
    ids,
    comments,
)
objects = st.one_of(
    primitives,
    templates,
    groups,
    clones,
    bundles,
    nodes,
    tags,
    locations,
    colocations,
    orders,
    tickets,
    properties,
    topologies(),
    alerts(),
    acl_roles,
    acl_targets,
    unmodelled,
)
