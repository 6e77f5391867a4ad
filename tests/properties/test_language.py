"""Whatever the model can hold, the formatter prints so that the parser reads the same again."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from hashelld.cib.diff import difference, rebase
from hashelld.cib.document import Cib, key_of
from hashelld.cib.edit import apply
from hashelld.cib.lang.diagnostic import render
from hashelld.cib.lang.format import format_cib, format_object, keyword_of
from hashelld.cib.lang.lower import Mode, lower, read_cib
from hashelld.cib.lang.parse import parse_text
from hashelld.cib.lang.tokens import scan
from hashelld.cib.verify import verify
from hashelld.cib.xml.read import XmlRefused, read_xml
from hashelld.cib.xml.write import XmlImpossible, write_xml
from hashelld.model.resource import Bundle, Clone, Group, Primitive, Template
from tests.properties.statements import (
    alerts,
    colocations,
    locations,
    nodes,
    objects,
    orders,
    primitives,
    templates,
    tickets,
)


quick = settings(max_examples=40, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])


@quick
@given(objects)
def test_what_is_printed_is_read_back(thing):
    text = format_object(thing)
    statements, found = parse_text(text)
    assert found == [], render(found[0], text)
    assert len(statements) == 1
    assert statements[0].keyword.text == keyword_of(thing)
    (item,) = statements[0].objects
    if isinstance(item, Primitive | Template):
        edits, found = lower(statements, Cib(), Mode.CREATE)
        assert found == []
        item = edits[0].object
    assert item == thing


single = objects.filter(lambda o: not isinstance(o, Group | Clone | Bundle))
"""What needs nothing else to be there."""
cibs = st.lists(single, max_size=6, unique_by=key_of).map(lambda found: Cib(tuple(found)))


@quick
@given(cibs)
def test_a_whole_configuration_comes_back(cib):
    again, found = read_cib(format_cib(cib))
    assert found == []
    assert again == cib


@quick
@given(cibs)
def test_what_is_printed_is_printed_again(cib):
    for is_brief in (False, True):
        printed = format_cib(cib, is_brief=is_brief)
        again, found = read_cib(printed)
        assert found == []
        assert format_cib(again, is_brief=is_brief) == printed


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


KEYWORDS = [
    *("primitive", "group", "clone", "ms", "location", "order", "colocation", "property", "monitor", "node"),
    *("rsc_ticket", "bundle", "tag", "alert", "role", "acl_target", "fencing_topology", "xml", "rsc_template"),
]
PIECES = [
    *("a", "b", "inf:", "10:", "a=b", "$id=x", "$id-ref=a", "@y", ":x", "/x/", "n1:", "start=1", "image=x", "type:x"),
    *(
        "(",
        ")",
        "[",
        "{",
        "}",
        "rule",
        "op",
        "params",
        "meta",
        "'",
        '"',
        "#",
        "\\",
        "and",
        "defined",
        "eq",
        "date",
        "lt",
    ),
    *("in", "to", "select", "attributes", "docker", "network", "port-mapping", "read", "cib", "a:start", "b:Promoted"),
    *("lifetime", "xml_attributes", "xml_child", "<a/>"),
]
garbage = st.lists(st.sampled_from(KEYWORDS) | st.sampled_from(PIECES), max_size=8)


@quick
@given(st.lists(garbage.map(" ".join), max_size=4).map("\n".join))
def test_near_misses_are_diagnosed_and_never_raise(text):
    cib, _ = read_cib(text)
    verify(cib)
    again, found = read_cib(format_cib(cib))
    assert found == []
    assert again == cib


plain_cibs = st.lists(locations | nodes | tickets, max_size=6, unique_by=key_of).map(lambda found: Cib(tuple(found)))


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


arranged_objects = nodes | primitives | templates | alerts()


@quick
@given(arranged_objects)
def test_xml_keeps_the_order_of_sections(found):
    try:
        text = write_xml(Cib((found,)))
    except XmlImpossible:
        assume(False)
        return
    (again,) = read_xml(text).objects
    assert again.layout == found.layout
