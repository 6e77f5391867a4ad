"""The table of options."""

from __future__ import annotations

import pytest

from hashelld.model.options import (
    CLUSTER_PROPERTIES,
    META_ATTRIBUTES,
    NODE_ATTRIBUTES,
    OPERATION_ATTRIBUTES,
    canonical_role,
    cluster_property,
    meta_attribute,
    operation_attribute,
    parse_boolean,
)


@pytest.mark.parametrize("table", [CLUSTER_PROPERTIES, META_ATTRIBUTES, OPERATION_ATTRIBUTES, NODE_ATTRIBUTES])
def test_every_default_is_a_legal_value_and_every_name_is_unique(table):
    for option in table:
        assert option.help.endswith((".", ")."))
        if option.default is not None:
            assert option.objection(option.default) is None, option.name
    names = [name for option in table for name in (option.name, *option.aliases)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        (cluster_property("stonith-enabled"), "maybe"),
        (cluster_property("no-quorum-policy"), "perhaps"),
        (cluster_property("batch-limit"), "many"),
        (cluster_property("stonith-timeout"), "10x"),
        (meta_attribute("priority"), "high"),
        (meta_attribute("target-role"), ""),
        (operation_attribute("timeout"), ""),
    ],
)
def test_bad_values(option, value):
    assert option.objection(value).startswith("expects ")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        (cluster_property("fencing-enabled"), "YES"),
        (cluster_property("no-quorum-policy"), "Freeze"),
        (meta_attribute("migration-threshold"), "INFINITY"),
        (meta_attribute("target-role"), "started"),
        (operation_attribute("timeout"), "PT5M"),
    ],
)
def test_good_values(option, value):
    assert option.objection(value) is None


def test_lookups():
    assert cluster_property("fencing-enabled") is cluster_property("stonith-enabled")
    assert cluster_property("nosuch") is None
    assert canonical_role("MASTER") == "Master"
    assert canonical_role("boss") is None
    assert [parse_boolean(t) for t in ("On", "0", "maybe")] == [True, False, None]
