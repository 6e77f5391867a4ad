"""Whatever the model can hold, the formatter prints so that the parser reads the same again."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from hashelld.cib.diff import difference, rebase
from hashelld.cib.document import Cib, Properties
from hashelld.cib.edit import apply
from hashelld.cib.lang.diagnostic import render
from hashelld.cib.lang.format import format_cib, format_object
from hashelld.cib.lang.lower import Mode, lower, read_cib
from hashelld.cib.lang.parse import parse_text
from hashelld.cib.lang.tokens import scan
from hashelld.cib.verify import verify
from hashelld.cib.xml.read import XmlRefused, read_xml
from hashelld.cib.xml.write import XmlImpossible, write_xml
from hashelld.model.constraint import Colocation, Location, Order
from hashelld.model.node import Node
from hashelld.model.resource import Agent, AttributeSet, Clone, Group, NvPair, Operation, Primitive, Template


quick = settings(max_examples=40, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])

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
]
names = st.from_regex(r"[a-z#_][a-z0-9_.-]{0,8}", fullmatch=True)
ids = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,9}", fullmatch=True)
values = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(codec="utf-8"), max_size=8))
scores = st.sampled_from(["inf", "-inf", "0", "100", "-5"])
roles = st.sampled_from([None, "Started", "Promoted", "Master"])


@st.composite
def attribute_sets(draw, allow_ref=True):
    if allow_ref and draw(st.integers(0, 9)) == 0:
        return AttributeSet(id_ref=draw(ids))
    pairs = draw(
        st.lists(
            st.builds(NvPair, names, st.one_of(st.none(), values), st.one_of(st.none(), ids)),
            max_size=3,
            unique_by=lambda p: p.name,
        )
    )
    return AttributeSet(tuple(pairs), draw(st.one_of(st.none(), ids)), None, draw(st.one_of(st.none(), scores)))


sets = st.lists(attribute_sets(), max_size=2).map(tuple)
operations = st.builds(
    lambda name, interval, timeout, params, op_id: Operation(
        name,
        (NvPair("interval", interval), *([NvPair("timeout", timeout)] if timeout is not None else [])),
        params,
        (),
        op_id,
    ),
    st.sampled_from(["start", "monitor", "my op"]),
    values,
    st.one_of(st.none(), values),
    sets,
    st.one_of(st.none(), ids),
)
descriptions = st.one_of(st.none(), values)
agents = st.builds(Agent, st.just("ocf"), st.sampled_from(["heartbeat", "pacemaker"]), ids) | st.builds(
    Agent, st.sampled_from(["systemd", "stonith", "lsb"]), st.just(""), ids
)
body = {"description": descriptions, "params": sets, "meta": sets}
primitives = st.builds(
    Primitive,
    id=ids,
    agent=agents,
    **body,
    utilization=sets,
    operations=st.lists(operations, max_size=2).map(tuple),
    operations_id=st.one_of(st.none(), ids),
)
templates = st.builds(Template, id=ids, agent=agents, **body, utilization=sets)
groups = st.builds(
    Group,
    id=ids,
    members=st.lists(ids, min_size=1, max_size=4, unique=True).map(tuple),
    description=descriptions,
    params=sets,
    meta=sets,
)
clones = st.builds(Clone, id=ids, child=ids, **body)
nodes = st.builds(
    Node,
    id=st.from_regex(r"[A-Za-z0-9.*_-]{1,8}", fullmatch=True),
    number=st.one_of(st.none(), st.from_regex(r"[0-9a-z]{1,6}", fullmatch=True)),
    kind=st.sampled_from([None, "member", "remote"]),
    description=descriptions,
    attributes=sets,
    utilization=sets,
)
locations = st.builds(Location, id=ids, resource=ids, node=ids, score=scores, role=roles)
colocations = st.builds(
    Colocation,
    id=ids,
    score=scores,
    resource=ids,
    with_resource=ids,
    role=roles,
    with_role=roles,
    options=st.sampled_from([(), (("node-attribute", "rack no"),)]),
)
orders = st.builds(
    Order,
    id=ids,
    first=ids,
    then=ids,
    kind=st.sampled_from([None, "Mandatory", "Optional", "Serialize"]),
    first_action=st.sampled_from([None, "stop"]),
    then_action=st.sampled_from([None, "promote"]),
    symmetrical=st.sampled_from([None, True, False]),
)
properties = st.builds(
    lambda i, kind, s: Properties(id=i, kind=kind, set=AttributeSet(s.pairs, None, None, s.score)),
    ids,
    st.sampled_from(["property", "rsc_defaults", "op_defaults"]),
    attribute_sets(allow_ref=False),
)
objects = st.one_of(primitives, templates, groups, clones, nodes, locations, colocations, orders, properties)


@quick
@given(objects)
def test_what_is_printed_is_read_back(thing):
    text = format_object(thing)
    statements, found = parse_text(text)
    assert found == [], render(found[0], text)
    assert len(statements) == 1
    item = statements[0].item
    if isinstance(item, Primitive | Template):
        edits, found = lower(statements, Cib(), Mode.CREATE)
        assert found == []
        item = edits[0].object
    assert item == thing


cibs = st.lists(primitives | locations | orders | properties | nodes, max_size=6, unique_by=lambda o: o.id).map(
    lambda found: Cib(tuple(found))
)


@quick
@given(cibs)
def test_a_whole_configuration_comes_back(cib):
    again, found = read_cib(format_cib(cib))
    assert found == []
    assert again == cib


@quick
@given(st.text(max_size=60))
def test_any_text_is_parsed_or_diagnosed(text):
    statements, found = parse_text(text)
    lines, _ = scan(text)
    assert len(statements) <= len(lines)
    for diagnostic in found:
        assert 1 <= diagnostic.line <= text.count("\n") + 1
        assert diagnostic.column >= 1
        assert render(diagnostic, text)


KEYWORDS = ["primitive", "group", "clone", "ms", "location", "order", "colocation", "property", "monitor", "node"]
PIECES = ["a", "b", "inf:", "10:", "a=b", "$id=x", "@y", ":x", "/x/", "(", ")", "rule", "op", "params", "'", '"']
garbage = st.lists(st.sampled_from(KEYWORDS) | st.sampled_from(PIECES), max_size=8)


@quick
@given(st.lists(garbage.map(" ".join), max_size=4).map("\n".join))
def test_near_misses_are_diagnosed_and_never_raise(text):
    cib, _ = read_cib(text)
    verify(cib)
    again, found = read_cib(format_cib(cib))
    assert found == []
    assert again == cib


plain_cibs = st.lists(locations | orders, max_size=6, unique_by=lambda o: o.id).map(lambda found: Cib(tuple(found)))


@quick
@given(plain_cibs, plain_cibs)
def test_difference_leads_from_one_to_the_other(old, new):
    assert apply(old, difference(old, new)) == new


@quick
@given(plain_cibs, plain_cibs)
def test_rebase_on_the_same_base_changes_nothing(old, new):
    edits, conflicts = rebase(old, old, difference(old, new))
    assert conflicts == ()
    assert apply(old, edits) == new


@quick
@given(st.text(max_size=80))
def test_text_that_is_no_xml_is_refused(text):
    with pytest.raises(XmlRefused) as refused:
        read_xml(text)
    assert refused.value.line >= 1


@quick
@given(st.lists(primitives | locations | colocations | orders, max_size=5, unique_by=lambda o: o.id))
def test_xml_keeps_the_meaning(found):
    cib = Cib(tuple(found))
    try:
        text = write_xml(cib)
    except XmlImpossible:
        assume(False)
        return
    assert write_xml(read_xml(text)) == text
