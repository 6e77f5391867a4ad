"""Changes of the configuration, judged edit by edit."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hashelld.cib.change import delete, set_meta, set_node_attribute, set_param, set_property, unset_meta
from hashelld.cib.diff import difference
from hashelld.cib.document import Cib, key_of
from hashelld.cib.edit import Delete, Edit, EditRefused, Put, apply
from hashelld.cib.lang.lower import read_cib
from hashelld.cib.rights.reading import visible
from hashelld.cib.rights.rules import UNLIMITED, Account, Rights, rights_of
from hashelld.cib.rights.writing import NotPermitted, permitted
from hashelld.model.ids import ResourceId
from hashelld.model.resource import Clone, Group, Primitive, value_of
from tests.core.test_rights_reading import EVERYTHING, rights_from


BASE = """\
node n1 attributes standby=off
node n2
primitive vip IPaddr2 params ip=10.0.0.9 password=secret meta target-role=Started op monitor interval=10s
primitive db Dummy
primitive web Dummy meta is-managed=true
group g db web
location l vip 100: n1
property stonith-enabled=false enable-acl=true
"""
TARGET_ROLE = "write xpath:\"//resources//nvpair[@name='target-role']\""


def cib(roles: str) -> Cib:
    found, diagnostics = read_cib(f"{BASE}role r {roles}\nacl_target anna r\n")
    assert diagnostics == []
    return found


def rights(whole: Cib) -> Rights:
    return rights_of(whole, Account("anna"))


def changed(roles: str, edits: tuple[Edit, ...]) -> Cib:
    whole = cib(roles)
    return apply(whole, permitted(whole, edits, rights(whole)))


def refused(roles: str, edits: tuple[Edit, ...]) -> str:
    whole = cib(roles)
    with pytest.raises(NotPermitted) as raised:
        permitted(whole, edits, rights(whole))
    return str(raised.value)


def shown(roles: str) -> Cib:
    return visible(cib(roles), rights(cib(roles)))


def meta(found: Cib, name: str, option: str) -> str | None:
    resource = found.find(name)
    assert isinstance(resource, Primitive | Group)
    return value_of(resource.meta, option)


READ = "read cib"


def test_who_reads_only_changes_nothing() -> None:
    text = refused(READ, set_meta(cib(READ), "vip", "target-role", "Stopped"))
    assert text == ("you may not change //primitive[@id='vip']/meta_attributes/nvpair[@name='target-role']")


def test_without_limits_nothing_is_judged() -> None:
    edits = (Delete("nobody"),)
    assert permitted(cib(READ), edits, UNLIMITED) is edits


def test_one_meta_attribute_may_be_changed_set_and_removed() -> None:
    roles = f"{READ} {TARGET_ROLE}"
    whole = cib(roles)
    assert meta(changed(roles, set_meta(whole, "vip", "target-role", "Stopped")), "vip", "target-role") == "Stopped"
    assert meta(changed(roles, set_meta(whole, "db", "target-role", "Stopped")), "db", "target-role") == "Stopped"
    assert meta(changed(roles, unset_meta(whole, "vip", "target-role")), "vip", "target-role") is None
    assert meta(changed(roles, set_meta(whole, "g", "target-role", "Stopped")), "g", "target-role") == "Stopped"


@pytest.mark.parametrize(
    ("edits", "text"),
    [
        (set_meta(cib(READ), "vip", "is-managed", "false"), "create //primitive[@id='vip']/meta_attributes"),
        (set_meta(cib(READ), "web", "is-managed", "false"), "change //primitive[@id='web']"),
        (set_param(cib(READ), "vip", "ip", "10.0.0.8"), "change //primitive[@id='vip']"),
        (set_property(cib(READ), "enable-acl", "false"), "change //cluster_property_set"),
        (set_node_attribute(cib(READ), "n1", "standby", "on"), "change //node[@uname='n1']"),
        (delete(cib(READ), ["vip"], cascade=True), "remove //"),
        ((Put(Primitive(id=ResourceId("x"))),), "create //primitive[@id='x']"),
        ((Put(Clone(id=ResourceId("c"), child=ResourceId("vip"))),), "remove //primitive[@id='vip']"),
        ((Put(Group(id=ResourceId("g"), members=(ResourceId("web"), ResourceId("db")))),), "change the order in"),
        ((Delete("r"),), "remove //acl_role[@id='r']"),
        ((Put(read_cib("role r write cib")[0].objects[0]),), "acl_role[@id='r']/acl_permission"),
        ((Put(read_cib("acl_target eve r")[0].objects[0]),), "create //acl_target[@id='eve']"),
        ((Delete("l"), Put(read_cib("location l vip 100: n2")[0].objects[0])), "change //rsc_location[@id='l']"),
    ],
)
def test_everything_else_is_refused(edits: tuple[Edit, ...], text: str) -> None:
    assert text in refused(f"{READ} {TARGET_ROLE}", edits)


def test_a_kind_of_objects_may_be_made_and_removed() -> None:
    roles = f"{READ} write type:rsc_location"
    made = read_cib("location m g -inf: n2")[0].objects[0]
    assert changed(roles, (Put(made),)).find("m") == made
    assert changed(roles, (Delete("l"),)).find("l") is None
    assert "order" in refused(roles, (Put(read_cib("order o db web")[0].objects[0]),))


def test_a_denied_part_protects_the_whole_from_being_removed() -> None:
    roles = "write cib deny xpath:\"//nvpair[@name='password']\""
    whole = cib(roles)
    text = refused(roles, delete(whole, ["vip", "l"]))
    assert text == "you may not remove what is hidden from you"
    assert changed(roles, delete(whole, ["g"])).find("g") is None
    assert changed("write cib", delete(whole, ["vip", "l"])).find("vip") is None


def test_what_is_hidden_stays_when_the_rest_is_changed() -> None:
    roles = "write cib deny xpath:\"//nvpair[@name='password']\""
    seen = shown(roles)
    vip = seen.find("vip")
    assert isinstance(vip, Primitive)
    assert value_of(vip.params, "password") is None
    after = changed(roles, set_param(seen, "vip", "ip", "10.0.0.8")).find("vip")
    assert isinstance(after, Primitive)
    assert (value_of(after.params, "ip"), value_of(after.params, "password")) == ("10.0.0.8", "secret")
    bare = changed(roles, (Put(replace(vip, params=())),)).find("vip")
    assert isinstance(bare, Primitive)
    assert (value_of(bare.params, "ip"), value_of(bare.params, "password")) == (None, "secret")


def test_a_hidden_value_is_not_changed_by_giving_it_again() -> None:
    roles = "write cib deny xpath:\"//nvpair[@name='password']\""
    assert "hidden" in refused(roles, set_param(shown(roles), "vip", "password", "mine"))


def test_an_object_seen_in_part_does_not_become_another() -> None:
    roles = "read meta:vip write meta:vip"
    vip = shown(roles).find("vip")
    assert isinstance(vip, Primitive)
    assert vip.agent is None
    whole = cib(roles)
    after = apply(whole, permitted(whole, set_meta(shown(roles), "vip", "target-role", "Stopped"), rights(whole)))
    before = whole.find("vip")
    assert isinstance(before, Primitive)
    assert after.find("vip") == replace(before, meta=set_meta(whole, "vip", "target-role", "Stopped")[0].object.meta)  # type: ignore[union-attr]
    assert "hidden" in refused(roles, (Put(Group(id=ResourceId("vip"), members=(ResourceId("db"),))),))
    other = replace(vip, template=ResourceId("t"))
    assert "change what is hidden from you" in refused(roles, (Put(other),))


def test_what_is_not_seen_is_as_if_it_were_not_there() -> None:
    whole = cib("read ref:db")
    with pytest.raises(EditRefused, match="no object 'vip' to delete"):
        permitted(whole, (Delete("vip"),), rights(whole))
    assert "may not see" in refused("read ref:db", (Put(Primitive(id=ResourceId("vip"))),))


def test_the_rights_that_count_are_those_before_the_change() -> None:
    role = read_cib("role r write cib")[0].objects[0]
    assert "acl_role" in refused(READ, (Put(role), Delete("l")))
    roles = "read cib write xpath://acls"
    assert changed(roles, (Put(role),)).find("r") == role
    assert "rsc_location" in refused(roles, (Put(role), Delete("l")))


_PATHS = st.sampled_from(("/cib", "//nvpair", "//resources", "//constraints", "//op", "//node", "//meta_attributes"))
_RULES = st.lists(st.tuples(st.sampled_from(("read", "write", "deny")), _PATHS), max_size=4)


@settings(max_examples=60, deadline=None, database=None)
@given(_RULES, st.integers(0, len(EVERYTHING.objects) - 1))
def test_saying_again_what_is_seen_changes_nothing(rules: list[tuple[str, str]], at: int) -> None:
    granted = rights_from(rules)
    name = key_of(EVERYTHING.objects[at])
    for found in visible(EVERYTHING, granted).objects:
        if key_of(found) == name:
            assert apply(EVERYTHING, permitted(EVERYTHING, (Put(found),), granted)) == EVERYTHING


@settings(max_examples=60, deadline=None, database=None)
@given(_RULES, st.integers(0, len(EVERYTHING.objects) - 1))
def test_nothing_is_removed_without_write(rules: list[tuple[str, str]], at: int) -> None:
    without = Cib(EVERYTHING.objects[:at] + EVERYTHING.objects[at + 1 :])
    edits = difference(EVERYTHING, without)
    granted = rights_from([rule for rule in rules if rule[0] != "write"])
    with pytest.raises((NotPermitted, EditRefused)):
        permitted(EVERYTHING, edits, granted)
    assert permitted(EVERYTHING, edits, rights_from([("write", "/cib")])) == edits
