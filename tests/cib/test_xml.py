"""Pacemaker's CIB XML."""

from __future__ import annotations

import pytest

from hashelld.cib.lang.format import format_cib
from hashelld.cib.lang.lower import read_cib
from hashelld.cib.xml.read import XmlRefused, read_xml
from hashelld.cib.xml.write import XmlImpossible, write_xml
from hashelld.model.node import Node
from hashelld.model.resource import AttributeSet, NvPair


TEXT = """\
property cib-bootstrap-options: \\
\tstonith-enabled=false
node 1: n1 \\
\tattributes standby=on
node n2
primitive vip IPaddr2 \\
\tparams $id=mine 3: $addr:ip="10.0.0.9<&>" \\
\tmeta description="a \\"b\\" é" \\
\top monitor interval=10s timeout=20s \\
\top_params OCF_CHECK_LEVEL=10
primitive a Dummy \\
\tparams @addr \\
\tmeta $id-ref=vip-meta_attributes
primitive b systemd:nginx
group g a b
clone k g \\
\tmeta promotable=true
location l vip role=Promoted resource-discovery=never -inf: n1
colocation c inf: vip:Promoted k
order o Optional: k:start vip symmetrical=false
rsc_defaults rsc-options: \\
\tresource-stickiness=1
op_defaults op-options: \\
\ttimeout=30s
"""


def test_text_to_xml_and_back():
    cib, found = read_cib(TEXT)
    assert found == []
    assert format_cib(read_xml(write_xml(cib))) == TEXT.replace(
        "\tmeta description", "\tmeta $id=vip-meta_attributes description"
    )


def test_generated_ids():
    xml = write_xml(read_cib("primitive p Dummy params #a=1 meta b=2 meta c=3 op monitor interval=10s LEVEL=1")[0])
    for made in ("p-instance_attributes-.a", "p-meta_attributes-0-c", "p-monitor-10s-instance_attributes-LEVEL"):
        assert f'id="{made}"' in xml


def test_older_spellings():
    xml = """<configuration><resources><master id="m"><primitive id="p" class="ocf" provider="x" type="D"/></master>
      </resources><constraints><rsc_order id="o" first="m" then="p" score="0"/>
      <rsc_location id="l" rsc="m" node="n" score="-INFINITY"/></constraints><tags/></configuration>"""
    assert format_cib(read_xml(xml)) == (
        "primitive p ocf:x:D\nclone m p \\\n\tmeta promotable=true\norder o Optional: m p\nlocation l m -inf: n\n"
    )


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
        ("<configuration>\n<tags>\n<tag/></tags></configuration>", 2, "<tags> is not supported"),
        ("<configuration><resources>\n<bundle id='b'/></resources></configuration>", 2, "<bundle>"),
        ("<configuration><resources>\n<primitive class='ocf'/></resources></configuration>", 2, "attribute 'id'"),
        ("<configuration><resources>\n<primitive id='p'/></resources></configuration>", 2, "attribute 'class'"),
        ("<configuration><resources>\n<group id='g'/></resources></configuration>", 2, "empty"),
        ("<configuration><resources>\n<clone id='g'/></resources></configuration>", 2, "one primitive or group"),
        ("<configuration><nodes>\n<node id='1' x='2'/></nodes></configuration>", 2, "attribute 'x'"),
        ("<configuration><nodes><node id='1'/>\n<node id='1'/></nodes></configuration>", 2, "already used on line 1"),
        ("<configuration><constraints>\n<rsc_location id='l' rsc='a' node='n' score='x'/></constraints>"
         "</configuration>",
         2, "no score"),
        ("<configuration><constraints><rsc_location id='l' rsc='a'>\n<rule/></rsc_location></constraints>"
         "</configuration>",
         2, "<rule>"),
        ("<configuration><constraints>\n<rsc_order id='l' first='a' then='b' symmetrical='x'/></constraints>"
         "</configuration>", 2, "neither true nor false"),
        ("<a>" * 100 + "</a>" * 100, 1, "nested"),
        ("\ud800", 1, "no text"),
    ],
)  # fmt: skip
def test_what_is_refused_names_its_line(xml, line, told):
    with pytest.raises(XmlRefused) as refused:
        read_xml(xml)
    assert refused.value.line == line
    assert told in refused.value.text


def test_control_characters_cannot_be_written():
    node = Node(id="n", attributes=(AttributeSet((NvPair("a", "\x01"),)),))
    cib, _ = read_cib("node x")
    with pytest.raises(XmlImpossible, match=r"U\+0001"):
        write_xml(type(cib)((node,)))
