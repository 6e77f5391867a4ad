"""Whole documents: nothing is lost, and what cannot be kept is refused with its line."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hashelld.cib.document import Cib
from hashelld.cib.xml.document import XmlDocument, read_document, write_document
from hashelld.cib.xml.read import XmlRefused, read_xml
from hashelld.cib.xml.write import XmlImpossible, write_xml
from hashelld.model.administration import Unmodelled
from hashelld.model.constraint import Colocation, Location, Order, ResourceSet
from hashelld.model.node import Node
from hashelld.model.resource import AttributeSet, Clone, NvPair, Operation, Primitive, Unknown
from hashelld.model.rule import AttributeTest, Rule


EVERYTHING = (Path(__file__).parent / "everything.xml").read_text(encoding="utf-8")


def configured(resources: str = "", constraints: str = "", rest: str = "") -> str:
    sections = f"<resources>{resources}</resources><constraints>{constraints}</constraints>"
    return f"<configuration>{sections}{rest}</configuration>"


def test_everything_comes_back_as_it_was():
    assert write_document(read_document(EVERYTHING)) == EVERYTHING


def test_everything_is_understood():
    kinds = [type(found) for found in read_document(EVERYTHING).cib.objects]
    assert kinds.count(Unmodelled) == 3
    assert len(set(kinds)) == 17


def test_what_is_outside_the_configuration_is_kept():
    document = read_document('<cib epoch="3"><configuration/><status><a x="&#10;"/></status></cib>')
    assert document == XmlDocument(
        cib=Cib(), attributes=(("epoch", "3"),), status='<status>\n  <a x="&#10;"/>\n</status>\n'
    )


def test_spellings_that_become_uniform():
    text = configured(
        constraints='<rsc_order id="o" first="a" then="b" score="0" symmetrical="Yes"/>'
        '<rsc_order id="p" first="a" then="b" score="+INFINITY"/>'
        '<rsc_colocation id="c" rsc="a" with-rsc="b" score="+INFINITY"/>',
        rest='<nodes><node id="1" uname="n" type="member"/></nodes>',
    )
    order, other, colocation, node = read_xml(text).objects
    assert isinstance(order, Order)
    assert (order.kind, order.symmetrical, other.kind) == ("Optional", True, "Mandatory")
    assert colocation == Colocation(id="c", resource="a", with_resource="b", score="inf")
    assert node == Node(id="n", number="1")


def test_the_oldest_schemas():
    text = configured(
        '<master id="m"><primitive id="p" class="lsb" type="x"><instance_attributes id="p-instance_attributes">'
        '<attributes><nvpair id="i" name="a" value="b"/></attributes></instance_attributes></primitive></master>'
    )
    primitive, clone = read_xml(text).objects
    assert clone == Clone(id="m", child="p", is_master=True)
    assert primitive.params == (AttributeSet((NvPair("a", "b", "i"),)),)


def test_a_location_without_a_node_is_kept():
    assert read_xml(configured(constraints='<rsc_location id="l" rsc="nowhere"/>')).objects == (
        Location(id="l", resource="nowhere"),
    )


def test_comments_belong_to_objects():
    text = configured('<!-- of p\n and more --><primitive id="p" class="lsb" type="x"><!--# in p--></primitive>')
    (primitive,) = read_xml(text).objects
    assert primitive.comments == ("# of p", "# and more", "# in p")
    assert read_xml(write_xml(Cib((primitive,)))).objects == (primitive,)
    hyphens = msgspec.structs.replace(primitive, comments=("#--a--->-",))
    assert read_xml(write_xml(Cib((hyphens,)))).objects[0].comments == ("#- -a- - ->-",)


def test_made_up_ids_are_forgotten_unless_something_refers_to_them():
    sets = "".join(
        f'<meta_attributes id="p-meta_attributes{n}"><nvpair id="p-meta_attributes{n}-a" name="a"/></meta_attributes>'
        for n in ("", "-0", "-2", "-1")
    )
    text = configured(
        f'<primitive id="p" class="lsb" type="x">{sets}</primitive>'
        '<primitive id="q" class="lsb" type="x"><meta_attributes id-ref="p-meta_attributes-0"/></primitive>'
    )
    found = read_xml(text).objects[0]
    assert [s.id for s in found.meta] == [None, "p-meta_attributes-0", "p-meta_attributes-2", None]
    assert [s.pairs[0].id for s in found.meta] == [None] * 4


def test_an_id_that_stands_twice_is_kept():
    text = configured(
        '<primitive id="p" class="lsb" type="x"><meta_attributes id="p-meta_attributes"/></primitive>',
        rest='<tags><tag id="t"><obj_ref id="p-meta_attributes"/></tag></tags>',
    )
    assert read_xml(text).objects[0].meta == (AttributeSet(id="p-meta_attributes"),)


def test_made_up_ids_avoid_all_others():
    rule = Rule(id="l-rule-expression", conditions=(AttributeTest(attribute="a", operation="defined"),))
    cib = Cib((
        Unmodelled(id="s", section="s", xml='<s id="l"><x id="l-0"/></s>'),
        Primitive(id="l-1", template="t", unknown=Unknown(children=('<x id="l-2"/>',))),
        Location(id="l", resource="p", sets=(ResourceSet(members=("p",)),), rules=(rule,)),
    ))  # fmt: skip
    text = write_xml(cib)
    assert '<resource_set id="l-3">' in text
    assert '<expression id="l-rule-expression-expression" ' in text


def test_references_need_no_more_than_an_id():
    operations = Operation("", id_ref="x"), Operation("monitor", id_ref="y")
    primitive = Primitive(id="p", template="t", operations=operations, operations_ref="z")
    (again,) = read_xml(write_xml(Cib((primitive,)))).objects
    assert again == primitive


PRIMITIVE = '<primitive id="p" class="lsb" type="x">'


@pytest.mark.parametrize(
    ("xml", "line", "told"),
    [
        ("", 1, "not well-formed"),
        ("text", 1, "not well-formed"),
        ("<cib>\n<configuration>\n</cib>", 3, "not well-formed"),
        ("<!DOCTYPE x>\n<cib/>", 1, "DOCTYPE"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><cib>&a;</cib>', 1, "DOCTYPE"),
        ("<cib/>", 1, "no <configuration>"),
        ("<html/>", 1, "no cluster configuration"),
        ("<a>" * 100 + "</a>" * 100, 1, "nested"),
        ("\ud800", 1, "no text"),
        (configured("\n<primitive class='ocf'/>"), 2, "attribute 'id'"),
        (configured("\n<primitive id='p'/>"), 2, "attribute 'class'"),
        (configured("\n<template id='p' class='ocf'/>"), 2, "attribute 'type'"),
        (configured("\n<group id='g'/>"), 2, "empty"),
        (configured("\n<clone id='g'/>"), 2, "one primitive or group"),
        (configured("\n<bundle id='b'/>"), 2, "one container"),
        (configured("\n<bundle id='b'><docker/><podman/></bundle>"), 2, "one container"),
        (configured(f"<bundle id='b'><docker/>{PRIMITIVE}</primitive>\n{PRIMITIVE}</primitive></bundle>"), 2, "second"),
        (configured(f"{PRIMITIVE}<operations>\n<op id='o'/></operations></primitive>"), 2, "attribute 'name'"),
        (configured(f"{PRIMITIVE}<operations>\n<o/></operations></primitive>"), 2, "<o> in <operations>"),
        (configured(f"{PRIMITIVE}\n<meta_attributes id='m' x='1'/></primitive>"), 2, "attribute 'x'"),
        (configured(f"{PRIMITIVE}\n<meta_attributes id='m' score='x'/></primitive>"), 2, "'x' is no score"),
        (configured(f"{PRIMITIVE}<meta_attributes id='m'>\n<nvpair/></meta_attributes></primitive>"), 2, "'name'"),
        (configured(f"{PRIMITIVE}</primitive>\n{PRIMITIVE}</primitive>"), 2, "already used on line 1"),
        (configured(constraints="\n<rsc_location id='l' rsc='a' node='n' score='x'/>"), 2, "no score"),
        (configured(constraints="\n<rsc_order id='l' first='a' then='b' symmetrical='x'/>"), 2, "neither true nor"),
        (configured(constraints="\n<rsc_ticket id='l'/>"), 2, "attribute 'ticket'"),
        (configured(constraints="<rsc_location id='l'><rule>\n<expression/></rule></rsc_location>"), 2, "'attribute'"),
        (configured(constraints="<rsc_location id='l'><rule><date_expression><duration/>\n<duration/></date_expression>"
                                "</rule></rsc_location>"), 2, "second <duration>"),
        (configured(rest="<nodes><node id='1'/>\n<node id='2' uname='1'/></nodes>"), 2, "already used on line 1"),
        (configured(rest="<tags>\n<tag/></tags>"), 2, "attribute 'id'"),
        (configured(rest="<fencing-topology>\n<fencing-level index='1'/></fencing-topology>"), 2, "'devices'"),
        (configured(rest="<alerts>\n<alert id='a'/></alerts>"), 2, "attribute 'path'"),
        (configured(rest="<acls><acl_role id='r'>\n<acl_permission/></acl_role></acls>"), 2, "attribute 'kind'"),
    ],
)  # fmt: skip
def test_what_is_refused_names_its_line(xml, line, told):
    with pytest.raises(XmlRefused) as refused:
        read_xml(xml)
    assert refused.value.line == line
    assert told in refused.value.text


@pytest.mark.parametrize(
    ("xml", "line", "told"),
    [
        ("<configuration/>", 1, "no <cib>"),
        ("<cib><configuration/>\n<more/></cib>", 2, "<more> in <cib>"),
        ("<cib><configuration/>\n<configuration/></cib>", 2, "second <configuration>"),
        ("<cib><status/></cib>", 1, "no <configuration>"),
    ],
)
def test_documents_that_are_none(xml, line, told):
    with pytest.raises(XmlRefused) as refused:
        read_document(xml)
    assert refused.value.line == line
    assert told in refused.value.text


def test_nodes_and_resources_may_share_a_name():
    text = configured(f"{PRIMITIVE}</primitive>", rest="<nodes><node id='p' uname='p'/></nodes>")
    assert [found.id for found in read_xml(text).objects] == ["p", "p"]


@pytest.mark.parametrize(
    "found",
    [
        Node(id="n", attributes=(AttributeSet((NvPair("a", "\x01"),)),)),
        Node(id="n", comments=("# \x01",)),
        Unmodelled(id="x", section="x", xml="<x"),
    ],
)
def test_what_xml_cannot_hold(found):
    with pytest.raises(XmlImpossible):
        write_xml(Cib((found,)))


@pytest.mark.parametrize("piece", ["<a/>", "<a>", "x", "<!---->", "&#9;", "<a b='", "<?p?>", "&"])
def test_junk_is_refused_in_no_time(piece):
    with pytest.raises(XmlRefused):
        read_document("<cib>" + piece * (2_000_000 // len(piece)))
