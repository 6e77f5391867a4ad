"""Pacemaker's CIB XML."""

from __future__ import annotations

from hashelld.cib.lang.format import format_cib
from hashelld.cib.lang.lower import read_cib
from hashelld.cib.xml.read import read_xml
from hashelld.cib.xml.write import write_xml


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
    assert format_cib(read_xml(xml)) == ("primitive p ocf:x:D\nms m p\norder o Optional: m p\nlocation l m -inf: n\n")


def test_comments_go_along():
    text = "# the address\n# of the service\nprimitive vip IPaddr2\n"
    assert format_cib(read_xml(write_xml(read_cib(text)[0]))) == text


def test_sections_are_written_in_the_order_of_the_text():
    xml = write_xml(read_cib("primitive p Dummy\nproperty stonith-enabled=false")[0])
    assert xml.index("<resources>") < xml.index("<crm_config>") < xml.index("<nodes/>")
