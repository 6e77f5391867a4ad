"""Large clusters as a real one would write them: CIB XML with its status section, the same in every run."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tests.properties.records import FEATURE_SET, TIMEOUT_MS, Record, history


AT_S = 1_767_225_600
"""When the clusters were recorded: the first of January 2026."""
DEVICE = "fencing"


class Size(msgspec.Struct, frozen=True):
    """How many nodes there are, and primitives in groups of so many (1: none is in a group).

    Chained: each primitive starts after the one before it.
    """

    nodes: int
    primitives: int
    grouped: int
    is_chained: bool = False

    def names(self) -> list[str]:
        """The nodes' names."""
        return [f"node{number:02}" for number in range(1, self.nodes + 1)]

    def group_of(self, primitive: int) -> int:
        """The number of the group that a primitive is in."""
        return primitive // self.grouped


def cib_xml(size: Size, *, is_settled: bool) -> str:
    """A cluster whose nodes have just come up; settled: everything was probed, and runs where it should."""
    states = "".join(_state(size, at, name, is_settled=is_settled) for at, name in enumerate(size.names()))
    nodes = "".join(f'<node id="{at}" uname="{name}"/>' for at, name in enumerate(size.names(), start=1))
    return f"""\
<cib validate-with="pacemaker-3.9" crm_feature_set="{FEATURE_SET}" epoch="7" num_updates="1" admin_epoch="0" \
have-quorum="1" dc-uuid="1" execution-date="{AT_S}">
  <configuration>
    <crm_config><cluster_property_set id="cib-bootstrap-options">
      <nvpair id="cib-bootstrap-options-stonith-enabled" name="stonith-enabled" value="true"/>
    </cluster_property_set></crm_config>
    <nodes>{nodes}</nodes>
    <resources>
      <primitive id="{DEVICE}" class="stonith" type="fence_dummy"/>
      {"".join(_resources(size))}
    </resources>
    <constraints>{"".join(_orders(size))}</constraints>
    <rsc_defaults><meta_attributes id="rsc-options">
      <nvpair id="rsc-options-resource-stickiness" name="resource-stickiness" value="100"/>
    </meta_attributes></rsc_defaults>
  </configuration>
  <status>{states}</status>
</cib>
"""


def _resources(size: Size) -> Iterator[str]:
    for number in range(size.primitives):
        if size.grouped > 1 and number % size.grouped == 0:
            yield f'<group id="group{size.group_of(number):04}">'
        yield _primitive(number)
        if size.grouped > 1 and (number % size.grouped == size.grouped - 1 or number == size.primitives - 1):
            yield "</group>"


def _orders(size: Size) -> Iterator[str]:
    for number in range(1, size.primitives if size.is_chained else 0):
        yield f'<rsc_order id="order{number:04}" first="{_name(number - 1)}" then="{_name(number)}"/>'


def _name(number: int) -> str:
    return f"rsc{number:04}"


def _parameters(number: int) -> dict[str, str]:
    return {"ip": f"10.{number >> 8}.{number & 255}.1", "cidr_netmask": "24"}


def _primitive(number: int) -> str:
    name = _name(number)
    pairs = "".join(
        f'<nvpair id="{name}-{key}" name="{key}" value="{value}"/>' for key, value in _parameters(number).items()
    )
    return (
        f'<primitive id="{name}" class="ocf" provider="heartbeat" type="IPaddr2">'
        f'<instance_attributes id="{name}-params">{pairs}</instance_attributes><operations>'
        f'<op id="{name}-start" name="start" interval="0s" timeout="20s"/>'
        f'<op id="{name}-stop" name="stop" interval="0s" timeout="20s"/>'
        f'<op id="{name}-monitor" name="monitor" interval="10s" timeout="{TIMEOUT_MS // 1000}s"/>'
        "</operations></primitive>"
    )


def _state(size: Size, at: int, node: str, *, is_settled: bool) -> str:
    kept = "".join(_histories(size, at, node)) if is_settled else ""
    return (
        f'<node_state id="{at + 1}" uname="{node}" in_ccm="true" crmd="online" join="member" expected="member" '
        f'crm-debug-origin="do_update_resource"><lrm id="{at + 1}"><lrm_resources>{kept}</lrm_resources></lrm>'
        "</node_state>"
    )


def _histories(size: Size, at: int, node: str) -> Iterator[str]:
    kept = history(node, _records(DEVICE, {}, is_active=at == 0, interval_ms=0))
    yield f'<lrm_resource id="{DEVICE}" class="stonith" type="fence_dummy">{kept}</lrm_resource>'
    for number in range(size.primitives):
        name = _name(number)
        is_active = size.group_of(number) % size.nodes == at
        kept = history(node, _records(name, _parameters(number), is_active=is_active, interval_ms=10_000))
        yield f'<lrm_resource id="{name}" class="ocf" provider="heartbeat" type="IPaddr2">{kept}</lrm_resource>'


def _records(resource: str, parameters: dict[str, str], *, is_active: bool, interval_ms: int) -> list[Record]:
    def record(task: str, call: int, interval_ms: int = 0, rc: int = 0) -> Record:
        return Record(
            resource=resource,
            task=task,
            interval_ms=interval_ms,
            call=call,
            rc=rc,
            expected_rc=rc,
            at_s=AT_S - 3600,
            parameters=parameters,
        )

    found = [record("monitor", 1, rc=7)]
    if is_active:
        found.append(record("start", 2))
        if interval_ms:
            found.append(record("monitor", 3, interval_ms))
    return found
