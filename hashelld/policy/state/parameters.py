"""Parameters of a resource, which may depend on the node that it runs on."""

from __future__ import annotations

from hashelld.policy.digests import covered
from hashelld.policy.rules import Facts
from hashelld.policy.state.items import Item
from hashelld.policy.state.ops import Op
from hashelld.policy.state.situation import Situation
from hashelld.policy.state.ties import UNAME


def parameters(situation: Situation, item: Item, node: int | None = None) -> dict[str, str]:
    """What the agent is told on a node (None: rules that look at a node do not hold). Shared: not to be changed.

    Own parameters come first, then those of the group and the clone around the item. The connection to a container
    without an address of its own is told the name of the host, once that is known.
    """
    key = node if item.has_node_params else None
    found = item.params_by_node.get(key)
    if found is None:
        attributes = None if key is None else situation.nodes[key].attributes
        facts = Facts(situation.now_ms, attributes, agent=item.agent, meta=item.meta)
        found = {}
        for sets in item.param_sets:
            for name, value in situation.attributes.resolve(sets, facts).items():
                found.setdefault(name, value)
        item.params_by_node[key] = found
    return _with_host(situation, item, found) if needs_host(item, found) else found


def needs_host(item: Item, params: dict[str, str]) -> bool:
    """Is the address among the parameters that of the container's host, wherever that is going to be?"""
    return item.is_remote_connection and item.container is not None and params.get("addr") == UNAME


def _with_host(situation: Situation, item: Item, params: dict[str, str]) -> dict[str, str]:
    assert item.container is not None
    home = item.container.home
    at = next(iter(item.container.active), None) if home is None else home
    return params if at is None else {**params, "addr": situation.nodes[at].id}


def covered_now(situation: Situation, item: Item, op: Op | None, node: int) -> dict[str, str]:
    """What the digests of an operation (None: one that is not configured) would cover if it were done now."""
    given = parameters(situation, item, node)
    if op is None:
        return covered(given, {}, interval_ms=0, timeout_ms=0)
    return covered(given, op.params, interval_ms=op.interval_ms, timeout_ms=op.timeout_ms)
