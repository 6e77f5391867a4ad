"""The cluster that simulated worlds run: a few resources, a fencing device, and marks that commits leave."""

from __future__ import annotations

from collections.abc import Iterable

from hashelld.cib.document import Cib, Object, Properties
from hashelld.cib.edit import Edit, Put
from hashelld.model.ids import NodeId, ResourceId
from hashelld.model.node import Node
from hashelld.model.resource import Agent, AttributeSet, Group, NvPair, Operation, Primitive, Template, value_of
from tests.sim.agents import FABRIC


MARK_AGENT = Agent("ocf", "heartbeat", "Dummy")


def properties(**values: str) -> Put:
    """Cluster properties; `_` stands for `-`."""
    pairs = tuple(NvPair(name.replace("_", "-"), value) for name, value in values.items())
    return Put(Properties(id="cib-bootstrap-options", kind="property", set=AttributeSet(pairs)))


def watched(**values: str) -> Put:
    """The properties of a cluster that is fenced by watchdogs."""
    return properties(stonith_enabled="true", stonith_watchdog_timeout="5s", **values)


def primitive(name: str, *, interval: str = "5s", timeout: str = "10s") -> Primitive:
    """A monitored resource."""
    operations = (
        Operation("start", (NvPair("timeout", timeout), NvPair("interval", "0"))),
        Operation("stop", (NvPair("timeout", timeout), NvPair("interval", "0"))),
        Operation("monitor", (NvPair("interval", interval), NvPair("timeout", timeout))),
    )
    return Primitive(id=ResourceId(name), agent=MARK_AGENT, operations=operations)


def device(nodes: Iterable[NodeId], agent: str = "fence_sim") -> Primitive:
    """One fencing device for all nodes."""
    params = AttributeSet((NvPair("pcmk_host_list", " ".join(nodes)),))
    meta = (AttributeSet((NvPair("provides", "unfencing"),)),) if agent in FABRIC else ()
    return Primitive(id=ResourceId("fencing"), agent=Agent("stonith", "", agent), params=(params,), meta=meta)


def configuration(
    nodes: Iterable[NodeId], *, stonith: bool, device_agent: str = "fence_sim", watchdogs: bool = False
) -> tuple[Edit, ...]:
    """Three independent resources, and a group of two; fencing is by a device, or by the nodes' own watchdogs."""
    edits: list[Edit] = [properties(stonith_enabled="true" if stonith else "false")]
    if stonith and watchdogs:
        edits = [watched()]
    elif stonith:
        edits.append(Put(device(nodes, device_agent)))
    names = ("alpha", "beta", "gamma", "disk", "service")
    edits.extend(Put(primitive(name)) for name in names)
    edits.append(Put(Group(id=ResourceId("stack"), members=(ResourceId("disk"), ResourceId("service")))))
    return tuple(edits)


def mark(name: str) -> Put:
    """An object that does nothing but prove that a commit is still there."""
    return Put(Template(id=ResourceId(name), agent=MARK_AGENT))


def with_attribute(cib: Cib, node: NodeId, name: str, value: str | None) -> Put:
    """A node's permanent attribute set, or removed."""
    known = cib.node(node) or Node(id=node)
    kept = tuple(p for s in known.attributes for p in s.pairs if p.name != name)
    pairs = kept if value is None else (*kept, NvPair(name, value))
    return Put(Node(id=node, number=known.number, attributes=(AttributeSet(pairs),) if pairs else ()))


def with_target_role(cib: Cib, resource: str, role: str | None) -> Put | None:
    """A primitive with another target-role; None when it is not configured."""
    known = cib.find(resource)
    if not isinstance(known, Primitive):
        return None
    meta = () if role is None else (AttributeSet((NvPair("target-role", role),)),)
    return Put(Primitive(id=known.id, agent=known.agent, params=known.params, operations=known.operations, meta=meta))


def wanted(cib: Cib) -> list[str]:
    """The primitives that should be active somewhere."""
    return [found.id for found in cib.objects if _is_wanted(found)]


def _is_wanted(found: Object) -> bool:
    if not isinstance(found, Primitive) or found.agent is None or found.agent.standard == "stonith":
        return False
    return value_of(found.meta, "target-role") != "Stopped"
