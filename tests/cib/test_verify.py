"""Checks of whole configurations."""

from __future__ import annotations

import pytest

from hashelld.cib.document import Cib
from hashelld.cib.lang.lower import read_cib
from hashelld.cib.verify import verify
from hashelld.cib.verify_agents import verify_agents
from hashelld.model.metadata import AdvisedAction, Metadata, Parameter
from hashelld.model.resource import Clone, Group


SOUND = """\
node n1
primitive a Dummy op monitor interval=10s timeout=20s
primitive b Dummy
primitive c Dummy
group g b c
clone k g meta interleave=true
property stonith-enabled=false
rsc_defaults resource-stickiness=inf
op_defaults timeout=30s
location l a 100: n1
"""


def checked(text, base=SOUND):
    cib, found = read_cib(base + text)
    assert found == []
    return [(d.severity.value, d.code, d.hint) for d in verify(cib)]


def test_a_sound_configuration():
    assert checked("") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("location x wbe 1: n1", ("error", "unknown-resource", "")),
        ("order x a kk", ("error", "unknown-resource", "did you mean 'k'?")),
        ("colocation x inf: a a", ("error", "self-reference", "")),
        ("location x n1 1: n1", ("error", "unknown-resource", "")),
        ("location x a 1: m2", ("warning", "unknown-node", "")),
        ("order x a b", ("warning", "inner-resource", "constrain 'g' instead")),
        ("order x a g", ("warning", "inner-resource", "constrain 'k' instead")),
        ("property no-quorum-policy=freez", ("error", "bad-value", "did you mean 'freeze'?")),
        ("property maintenance-mode=maybe", ("error", "bad-value", "")),
        ("property maintenence-mode=true", ("warning", "unknown-option", "did you mean 'maintenance-mode'?")),
        ("property default-action-timeout=9s", ("warning", "deprecated", "use op_defaults timeout")),
        ("rsc_defaults migration-threshold=three", ("error", "bad-value", "")),
        ("op_defaults timeout=long", ("error", "bad-value", "")),
        ("node n2 attributes standby=perhaps", ("error", "bad-value", "")),
        ("primitive x Dummy meta target_role=Stopped", ("warning", "unknown-option", "did you mean 'target-role'?")),
        ("primitive x Dummy meta $id-ref=unheard", ("error", "unknown-reference", "")),
        (
            "primitive x Dummy meta $id-ref=x-meta_attributes",
            ("error", "unknown-reference", "did you mean 'k-meta_attributes'?"),
        ),
        ("primitive x Dummy params @nosuch", ("error", "unknown-reference", "")),
        ("primitive x Dummy params ten: a=1", ("error", "bad-score", "a whole number or inf")),
        ("primitive x @tmpl", ("error", "unknown-template", "")),
        (
            "primitive x Dummy op monitor timeout=3s",
            ("warning", "idle-monitor", "give it an interval, for instance 10s"),
        ),
        ("primitive x Dummy op start interval=10s", ("warning", "bad-interval", "")),
        ("primitive x Dummy op stop on-fail=sulk", ("error", "bad-value", "")),
        ("primitive x Dummy op stop timeut=3", ("warning", "unknown-option", "did you mean 'timeout'?")),
        (
            "primitive x Dummy op monitor interval=10 op monitor role=Promoted interval=10s",
            ("warning", "equal-intervals", "each needs another interval"),
        ),
    ],
)
def test_each_check(text, expected):
    assert checked(text) == [expected]


def test_sets_of_the_users_own_may_hold_anything():
    assert checked("property SAPHanaSR: hana_site=abc") == []


def test_references_that_exist():
    assert checked("primitive x Dummy params $p:ip=1 meta @x-meta_attributes") != []
    assert checked("primitive x Dummy params $p:ip=1\nprimitive y Dummy params @p meta $id-ref=k") == []


def test_fencing_without_a_device_is_told():
    assert checked("", "primitive a Dummy\n")[0][1] == "no-fencing-device"
    assert checked("", "primitive a Dummy\nprimitive f stonith:external/ssh\n") == []


@pytest.mark.parametrize(("value", "code"), [("10s", "watchdog-fencing"), ("-1", "watchdog-fencing"), ("0", "")])
def test_fencing_by_watchdogs_is_told(value, code):
    found = checked("", f"primitive a Dummy\nproperty stonith-enabled=true stonith-watchdog-timeout={value}\n")
    assert found[0][1] == (code or "no-fencing-device")
    assert len(found) == 1


def test_containers_that_no_statement_could_make():
    cib, _ = read_cib("primitive a Dummy\nproperty stonith-enabled=no")
    bad = Cib(
        (*cib.objects, Group(id="g", members=("a", "a", "x")), Clone(id="k", child="a"), Group(id="e", members=()))
    )
    codes = [d.code for d in verify(bad)]
    assert codes == ["unknown-resource", "duplicate-member", "child-in-use", "empty-group"]
    assert verify(Cib((*cib.objects, cib.objects[0])))[0].code == "duplicate-id"


METADATA = Metadata(
    agent="IPaddr2",
    parameters=(
        Parameter(name="ip", required=True, unique=True, default="", shortdesc="Address"),
        Parameter(name="cidr_netmask"),
        Parameter(name="new", obsoletes="old", required=True),
    ),
    actions=(
        AdvisedAction(name="start", timeout="20s"),
        AdvisedAction(name="monitor", timeout="20s", interval="10s"),
        AdvisedAction(name="monitor", timeout="30s", interval="60s", depth="10"),
    ),
)


def agents_checked(text):
    cib, found = read_cib(text)
    assert found == []
    known = ("ocf:heartbeat:IPaddr2", "systemd:nginx")
    found = verify_agents(cib, lambda agent: METADATA if agent.type == "IPaddr2" else None, known)
    return [(d.severity.value, d.code, d.hint) for d in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("primitive v IPaddr2 ip=1 new=1 op monitor interval=10s", []),
        ("primitive v IPaddr2 ip=1 old=1", []),
        ("primitive v IPadr2 ip=1", [("objection", "unknown-agent", "did you mean 'ocf:heartbeat:IPaddr2'?")]),
        ("primitive v IPaddr2 new=1", [("objection", "missing-parameter", "Address")]),
        ("primitive v IPaddr2 params $id-ref=x", []),
        (
            "primitive v IPaddr2 ip=1 new=1 netmask=24",
            [("objection", "unknown-parameter", "did you mean 'cidr_netmask'?")],
        ),
        ("primitive v IPaddr2 ip=1 new=1 op start timeout=9s", [("warning", "short-timeout", "")]),
        ("op_defaults timeout=9s\nprimitive v IPaddr2 ip=1 new=1 op start", [("warning", "short-timeout", "")]),
        ("primitive v IPaddr2 ip=1 new=1 op monitr", [("warning", "unknown-operation", "did you mean 'monitor'?")]),
        (
            "primitive v IPaddr2 ip=1 new=1\nprimitive w IPaddr2 ip=1 new=1",
            [("warning", "not-unique", "")],
        ),
        ("rsc_template t IPaddr2 ip=1 new=1\nprimitive v @t", []),
        ("rsc_template t IPaddr2 new=1\nprimitive v @t", [("objection", "missing-parameter", "Address")]),
    ],
)
def test_agents(text, expected):
    assert agents_checked(text) == expected
