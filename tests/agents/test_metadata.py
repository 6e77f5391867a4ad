"""Meta-data of agents: what is read, and what is refused."""

from __future__ import annotations

import pytest

from hashelld.model.metadata import METADATA_LENGTH_MAX, AdvisedAction, MetadataRefused, Parameter, parse_metadata


OCF = """<?xml version="1.0"?>
<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd">
<resource-agent name="Thing" version="1.2">
<version>1.1</version>
<longdesc lang="de">Lang</longdesc>
<longdesc lang="en">
Long
text
</longdesc>
<shortdesc lang="en">A thing</shortdesc>
<parameters>
<parameter name="ip" unique="1" required="1">
<longdesc lang="en">The address</longdesc><shortdesc lang="en">Address</shortdesc>
<content type="string" default=""/>
</parameter>
<parameter name="mode" unique-group="g"><content type="select" default="a"><option value="a"/><option value="b"/>
</content></parameter>
<parameter name="old" required="1"><deprecated/><content type="boolean"/></parameter>
<parameter><content/></parameter>
</parameters>
<actions>
<action name="start" timeout="20s"/>
<action name="monitor" timeout="20" interval="10s" depth="0" role="Promoted"/>
</actions>
</resource-agent>
"""


def test_an_ocf_agent():
    metadata = parse_metadata(OCF)
    assert (metadata.agent, metadata.version, metadata.shortdesc) == ("Thing", "1.2", "A thing")
    assert metadata.longdesc == "Long\ntext"
    assert metadata.parameters == (
        Parameter(name="ip", required=True, unique=True, default="", shortdesc="Address", longdesc="The address"),
        Parameter(name="mode", unique=True, type="select", default="a", values=("a", "b")),
        Parameter(name="old", type="boolean", deprecated=True),
    )
    assert metadata.actions == (
        AdvisedAction(name="start", timeout="20s"),
        AdvisedAction(name="monitor", timeout="20", interval="10s", depth="0", role="Promoted"),
    )
    assert metadata.parameter("mode") is metadata.parameters[1]
    assert metadata.parameter("none") is None


def test_a_fencing_agent():
    metadata = parse_metadata(
        '<resource-agent name="fence_x" shortdesc="Fences"><longdesc>L</longdesc><parameters>'
        '<parameter name="ip" required="1" obsoletes="ipaddr"><content type="string"  /></parameter>'
        '<parameter name="ipaddr" required="1" deprecated="1"><content type="string"/></parameter>'
        '</parameters><actions><action name="on" automatic="0"/></actions></resource-agent>'
    )
    assert metadata.shortdesc == "Fences"
    assert metadata.parameters == (
        Parameter(name="ip", required=True, obsoletes="ipaddr"),
        Parameter(name="ipaddr", deprecated=True),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "well-formed"),
        ("usage: Thing start|stop", "well-formed"),
        ("<resource-agent>", "well-formed"),
        ("<cib/>", "begins with <cib>"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><resource-agent/>', "document type"),
        ('<!DOCTYPE x SYSTEM "y" [<!ENTITY a SYSTEM "file:///etc/shadow">]><resource-agent/>', "document type"),
        ("<resource-agent>&a;</resource-agent>", "well-formed"),
        (" " * (METADATA_LENGTH_MAX + 1), "longer"),
    ],
)
def test_what_is_refused(text, message):
    with pytest.raises(MetadataRefused, match=message):
        parse_metadata(text)


def test_an_agent_that_says_nothing_has_no_parameters():
    assert parse_metadata("<resource-agent/>").parameters == ()
