"""What rights select: the XPath that is understood, and the XPath that is refused."""

from __future__ import annotations

import pytest

from hashelld.cib.lang.lower import read_cib
from hashelld.cib.rights.xpath import XPathRefused, parse_xpath, selects
from hashelld.cib.verify import verify
from hashelld.cib.xml.tree import Element, read_tree


DOCUMENT = """\
<cib><configuration>
  <crm_config><cluster_property_set id="o"><nvpair id="o-m" name="maintenance-mode" value="true"/>
  </cluster_property_set></crm_config>
  <nodes><node id="1" uname="n1"/></nodes>
  <resources><group id="g"><primitive id="a" class="ocf" type="Dummy">
    <meta_attributes id="a-m"><nvpair id="a-t" name="target-role" value="Started"/></meta_attributes>
  </primitive></group><primitive id="b" class="ocf" type="Dummy"/></resources>
</configuration><status/></cib>
"""


def selected(xpath: str) -> list[str]:
    """The tags or ids of what is selected."""
    paths = parse_xpath(xpath)
    found: list[str] = []

    def look(chain: tuple[Element, ...]) -> None:
        if selects(paths, chain):
            found.append(chain[-1].get("id") or chain[-1].tag)
        for child in chain[-1].children:
            look((*chain, child))

    look((read_tree(DOCUMENT),))
    return found


@pytest.mark.parametrize(
    ("xpath", "expected"),
    [
        ("/", ["cib"]),
        ("/cib", ["cib"]),
        ("cib", ["cib"]),
        ("/cib/status", ["status"]),
        ("//nodes/node", ["1"]),
        ("//node[@uname='n1']", ["1"]),
        ('//node[@uname="n1"]', ["1"]),
        ("//node[@uname='n2']", []),
        ("//primitive", ["a", "b"]),
        ("//group/primitive", ["a"]),
        ("//group//nvpair", ["a-t"]),
        ("//resources/*", ["g", "b"]),
        ("/cib/primitive", []),
        ("//resources//meta_attributes/nvpair[@name='target-role']", ["a-t"]),
        ("//nvpair[@name]", ["o-m", "a-t"]),
        ("//nvpair[@name!='target-role']", ["o-m"]),
        ("//nvpair[not(@name='target-role')]", ["o-m"]),
        ("//primitive[@id='a' or @id='b']", ["a", "b"]),
        ("//primitive[@id='a' and @type='Dummy']", ["a"]),
        ("//primitive[(@id='a' or @id='b') and not(@id='a')]", ["b"]),
        ("//primitive[@id='a'][@type='Dummy']", ["a"]),
        ("//nvpair[starts-with(@name, 'target')]", ["a-t"]),
        ("//nvpair[contains(@name, '-mode')]", ["o-m"]),
        ("//@uname", ["1"]),
        ("//node/@uname", ["1"]),
        ("//group | //nodes", ["nodes", "g"]),
        ("*[@name=karl]", []),
        ("//primitive[@or]", []),
    ],
)
def test_what_is_selected(xpath: str, expected: list[str]) -> None:
    assert selected(xpath) == expected


@pytest.mark.parametrize(
    ("xpath", "column"),
    [
        ("", 1),
        ("//primitive[1]", 13),
        ("//primitive[last()]", 13),
        ("//primitive/parent::group", 19),
        ("//primitive[@id='a'", 20),
        ("//primitive[@id='a]", 17),
        ("//primitive[@id=1]", 17),
        ("//primitive[nvpair]", 13),
        ("//primitive/text()", 17),
        ("//..", 3),
        ("id('a')", 3),
        ("//primitive[string-length(@id)=1]", 13),
        ("//a[" + "(" * 40 + "@b" + ")" * 40 + "]", 22),
        ("/" * 5000, 4096),
    ],
)
def test_what_is_refused(xpath: str, column: int) -> None:
    with pytest.raises(XPathRefused) as refused:
        parse_xpath(xpath)
    assert refused.value.column == column


def found(role: str) -> list[tuple[str, str]]:
    cib, diagnostics = read_cib(f"property stonith-enabled=false\n{role}\n")
    assert diagnostics == []
    return [(one.severity.value, one.code) for one in verify(cib)]


def test_verify_refuses_what_is_not_understood() -> None:
    assert found("role r read xpath:/cib deny xpath:\"//primitive[@id='a']\"") == []
    assert found("role r read xpath://primitive[1]") == [("error", "bad-xpath")]
    assert found("role r read xpath:*[@name=karl]") == [("warning", "idle-right")]
