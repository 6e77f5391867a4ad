"""Drawn clusters as the CIB XML that a Pacemaker cluster of that state would write."""

from __future__ import annotations

from typing import Final
from xml.sax.saxutils import quoteattr

from tests.properties.records import FEATURE_SET, TIMEOUT_MS, Record, history
from tests.properties.shapes import (
    INFINITY,
    Clone,
    Cluster,
    Colocation,
    Constraint,
    Group,
    Host,
    Location,
    Mood,
    Order,
    OrderSets,
    Past,
    Primitive,
    Set,
    Thing,
    Together,
)


NOW_S: Final = 1_767_225_600
INTERVAL_MS: Final = 10_000
PROMOTED_INTERVAL_MS: Final = 11_000
"""Pacemaker tells operations apart by name and interval: a promoted instance is watched at one of its own."""
DEVICE: Final = "fencer"
AGENT: Final = 'class="ocf" provider="pacemaker" type="Stateful"'
_STATES: Final = {
    Mood.OFFLINE: 'in_ccm="false" crmd="offline" join="down" expected="down"',
    Mood.UNCLEAN: 'in_ccm="false" crmd="offline" join="down" expected="member"',
}
_UP: Final = 'in_ccm="true" crmd="online" join="member" expected="member"'
_TASKS: Final = {
    Past.UNKNOWN: (),
    Past.ABSENT: ("probe 7",),
    Past.STOPPED: ("probe 7", "start 0", "stop 0"),
    Past.ACTIVE: ("probe 7", "start 0", "monitor 0"),
    Past.FOUND: ("probe 0", "monitor 0"),
    Past.PROMOTED: ("probe 7", "start 0", "promote 0", "promoted 8"),
    Past.LOST: ("probe 7", "start 0", "monitor 0", "monitor 7"),
    Past.SICK: ("probe 7", "start 0", "monitor 0", "monitor 1"),
    Past.START_FAILED: ("probe 7", "start 1"),
    Past.GIVEN_UP: ("probe 7", "start 1", "stop 0"),
    Past.STOP_FAILED: ("probe 7", "start 0", "monitor 0", "stop 1"),
}
"""What was run, and what it returned; `probe` and `promoted` are monitors."""
_FAILED_TASKS: Final = {Past.STOP_FAILED: "stop_0", Past.START_FAILED: "start_0", Past.GIVEN_UP: "start_0"}
_INTERVALS: Final = {"monitor": INTERVAL_MS, "promoted": PROMOTED_INTERVAL_MS}
_EXPECTED: Final = {"probe": 7, "promoted": 8}


def cib_xml(cluster: Cluster) -> str:
    """The configuration and the status of a cluster."""
    nodes = "".join(_node(at, host) for at, host in enumerate(cluster.hosts, start=1))
    resources = "".join(_thing(thing) for thing in cluster.things)
    if cluster.has_device:
        resources += f'<primitive id="{DEVICE}" class="stonith" type="fence_dummy"/>'
    options = _pairs("cluster_property_set", "options", cluster.options)
    states = "".join(_state(cluster, at, host) for at, host in enumerate(cluster.hosts, start=1))
    return (
        f'<cib validate-with="pacemaker-3.9" crm_feature_set="{FEATURE_SET}" epoch="1" num_updates="0" '
        f'admin_epoch="0" have-quorum="{int(cluster.has_quorum)}" no-quorum-panic="1" dc-uuid="1" '
        f'execution-date="{NOW_S}">\n'
        f"<configuration>\n<crm_config>{options}</crm_config>\n<nodes>{nodes}</nodes>\n"
        f"<resources>{resources}</resources>\n"
        f"<constraints>{''.join(_constraint(constraint) for constraint in cluster.constraints)}</constraints>\n"
        f"</configuration>\n<status>{states}</status>\n</cib>\n"
    )


def _pairs(tag: str, name: str, pairs: dict[str, str]) -> str:
    if not pairs:
        return ""
    inner = "".join(f'<nvpair id="{name}-{key}" name="{key}" value="{value}"/>' for key, value in pairs.items())
    return f'<{tag} id="{name}">{inner}</{tag}>'


def _node(at: int, host: Host) -> str:
    attributes = {"zone": host.zone} if host.zone else {}
    if host.mood in {Mood.STANDBY, Mood.MAINTENANCE}:
        attributes[host.mood.value] = "on"
    inner = _pairs("instance_attributes", f"{host.name}-attributes", attributes)
    return f'\n<node id="{at}" uname="{host.name}">{inner}</node>'


def _thing(thing: Thing, *, is_promotable: bool = False) -> str:
    meta = _pairs("meta_attributes", f"{thing.name}-meta", thing.meta)
    match thing:
        case Primitive():
            operations = _operations(thing, is_promotable=is_promotable)
            return f'\n<primitive id="{thing.name}" {AGENT}>{meta}<operations>{operations}</operations></primitive>'
        case Group():
            inner = "".join(_thing(member, is_promotable=is_promotable) for member in thing.members)
            return f'\n<group id="{thing.name}">{meta}{inner}\n</group>'
        case Clone():
            return (
                f'\n<clone id="{thing.name}">{meta}{_thing(thing.child, is_promotable=thing.is_promotable)}\n</clone>'
            )


def _operations(primitive: Primitive, *, is_promotable: bool) -> str:
    found = ""
    if primitive.is_watched:
        found += _operation(primitive, "monitor", INTERVAL_MS)
        if is_promotable:
            found += _operation(primitive, "monitor", PROMOTED_INTERVAL_MS, role="Promoted")
    for task in ("start", "stop"):
        if task in primitive.on_fail:
            found += _operation(primitive, task, 0)
    return found


def _operation(primitive: Primitive, task: str, interval_ms: int, role: str = "") -> str:
    told = _attributes(
        id=f"{primitive.name}-{task}-{interval_ms}",
        name=task,
        interval=f"{interval_ms // 1000}s",
        timeout=f"{TIMEOUT_MS // 1000}s",
        role=role,
        on_fail=primitive.on_fail.get(task, ""),
    )
    return f"<op {told}/>"


def _attributes(**given: str) -> str:
    return " ".join(f"{key.replace('_', '-')}={quoteattr(value)}" for key, value in given.items() if value)


def _constraint(constraint: Constraint) -> str:
    match constraint:
        case Location():
            return _location(constraint)
        case Colocation(name, resource, other, score, role, other_role, influence):
            given = {"rsc": resource, "with_rsc": other, "score": score, "rsc_role": role, "with_rsc_role": other_role}
            given["influence"] = influence
            return f"\n<rsc_colocation {_attributes(id=name, **given)}/>"
        case Order(name, first, then, kind, is_symmetrical, first_action, then_action):
            symmetrical = "" if is_symmetrical else "false"
            actions = {"first_action": first_action, "then_action": then_action}
            told = _attributes(id=name, first=first, then=then, kind=kind, symmetrical=symmetrical, **actions)
            return f"\n<rsc_order {told}/>"
        case OrderSets(name, sets, kind):
            return _sets("rsc_order", name, {"kind": kind}, sets)
        case Together(name, together):
            return _sets("rsc_colocation", name, {"score": "INFINITY"}, (together,))


def _sets(tag: str, name: str, options: dict[str, str], sets: tuple[Set, ...]) -> str:
    inner = "".join(_set(f"{name}-{at}", each) for at, each in enumerate(sets))
    return f"\n<{tag} {_attributes(id=name, **options)}>{inner}</{tag}>"


def _set(name: str, each: Set) -> str:
    members = "".join(f'<resource_ref id="{member}"/>' for member in each.members)
    return f"<resource_set {_attributes(id=name, **each.options)}>{members}</resource_set>"


def _location(location: Location) -> str:
    begin = f'\n<rsc_location id="{location.name}" rsc="{location.resource}"'
    if location.node:
        return f'{begin} node="{location.node}" score="{location.score}"/>'
    operation, value = location.rule
    test = _attributes(id=f"{location.name}-test", attribute="zone", operation=operation, value=value)
    rule = _attributes(id=f"{location.name}-rule", score=location.score, role=location.role)
    return f"{begin}><rule {rule}><expression {test}/></rule></rsc_location>"


def _state(cluster: Cluster, at: int, host: Host) -> str:
    told = _STATES.get(host.mood, _UP)
    kept = "".join(_history(primitive, host.name) for primitive in cluster.primitives())
    transient = {"shutdown": str(NOW_S - 10)} if host.mood is Mood.LEAVING else {}
    for primitive in cluster.primitives():
        transient |= _transient(primitive, host.name)
    attributes = _pairs("instance_attributes", f"status-{at}", transient)
    return (
        f'\n<node_state id="{at}" uname="{host.name}" {told} crm-debug-origin="do_update_resource">'
        f'<lrm id="{at}"><lrm_resources>{kept}</lrm_resources></lrm>'
        f'<transient_attributes id="{at}">{attributes}</transient_attributes></node_state>'
    )


def _transient(primitive: Primitive, node: str) -> dict[str, str]:
    found = {}
    if node in primitive.failures:
        count = primitive.failures[node]
        of = f"{primitive.name}#{_FAILED_TASKS.get(primitive.past[node], f'monitor_{INTERVAL_MS}')}"
        found[f"fail-count-{of}"] = "INFINITY" if count >= INFINITY else str(count)
        found[f"last-failure-{of}"] = str(NOW_S - 60)
    if node in primitive.promotion:
        found[f"master-{primitive.name}"] = primitive.promotion[node]
    return found


def _history(primitive: Primitive, node: str) -> str:
    tasks = _TASKS[primitive.past.get(node, Past.UNKNOWN)]
    if not tasks:
        return ""
    records: list[Record] = []
    for call, task_and_rc in enumerate(tasks, start=1):
        task, rc = task_and_rc.split()
        interval_ms = _INTERVALS.get(task, 0)
        if interval_ms and not primitive.is_watched:
            continue
        records.append(
            Record(
                resource=primitive.name,
                task="monitor" if task in {"probe", "promoted"} else task,
                interval_ms=interval_ms,
                call=call,
                rc=int(rc),
                expected_rc=_EXPECTED.get(task, 0),
                at_s=NOW_S - 3600 + call,
            )
        )
    return f'\n<lrm_resource id="{primitive.name}" {AGENT}>{history(node, records)}</lrm_resource>'
