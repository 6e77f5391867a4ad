"""Pacemaker's scheduler as an oracle: `crm_simulate` plans for a CIB and carries the plan out in memory."""

from __future__ import annotations

import subprocess
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator

import msgspec


PATH = "/usr/sbin/crm_simulate"
LIMIT_S = 20.0
_ROLES = {"Master": "Promoted", "Slave": "Unpromoted"}

Placement = Counter[tuple[str, str, str]]
"""How often a resource is on a node in a role."""


class Verdict(msgspec.Struct, frozen=True):
    """What is active afterwards, and the labels of the actions that were carried out."""

    placement: Placement
    actions: Counter[str]
    unclean: frozenset[str]
    """Nodes that are lost and could not be fenced: what may be active there is not always shown."""


def ask(text: str) -> Verdict | None:
    """What Pacemaker makes of CIB XML; `RuntimeError` when it refuses it.

    None when nothing is to be learned from it: it died, its own plan got stuck, or it starts two instances of an
    anonymous clone on one node (2.1.5 does).
    """
    done = subprocess.run(
        (PATH, "--xml-pipe", "--simulate", "--output-as=xml"),
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    if "Triggered fatal assertion" in done.stderr or "An invalid transition was produced" in done.stdout:
        return None
    if done.returncode:
        raise RuntimeError(f"crm_simulate: exit {done.returncode}\n{done.stderr}\n{text}")
    root = ET.fromstring(done.stdout)
    placement: Placement = Counter()
    for resource in root.iterfind("revised_cluster_status/resources//resource"):
        role = resource.get("role", "")
        for node in resource.iter("node") if role != "Stopped" else ():
            placement[resource.get("id", ""), node.get("name", ""), _ROLES.get(role, role)] += 1
    nodes = root.iterfind("revised_cluster_status/nodes/node")
    unclean = frozenset(node.get("name", "") for node in nodes if node.get("unclean") == "true")
    actions = Counter(_actions(root))
    if any(count > 1 and "_start_0@" in label for label, count in actions.items()):
        return None
    return Verdict(placement, actions, unclean)


def _actions(root: ET.Element) -> Iterator[str]:
    for action in root.iterfind("transition/rsc_action"):
        resource, node = action.get("resource", "").partition(":")[0], action.get("node")
        yield f"{resource}_{action.get('op')}_{action.get('interval', '0')}@{node}"
    for action in root.iterfind("transition/fencing_action"):
        node = action.get("target")
        yield f"stonith-{node}-{action.get('op')}@{node}"
