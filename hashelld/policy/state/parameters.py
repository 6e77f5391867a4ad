"""Parameters of a resource, which may depend on the node that it runs on."""

from __future__ import annotations

from hashelld.policy.rules import Facts
from hashelld.policy.state.items import Item
from hashelld.policy.state.situation import Situation


def parameters(situation: Situation, item: Item, node: int | None = None) -> dict[str, str]:
    """What the agent is told on a node (None: rules that look at a node do not hold). Shared: not to be changed.

    Own parameters come first, then those of the group and the clone around the item.
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
    return found
