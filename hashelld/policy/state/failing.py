"""What the failure of an operation asks for: on-fail as configured, or its default."""

from __future__ import annotations

from typing import Final

from hashelld.policy.settings import NoQuorum
from hashelld.policy.state.findings import SEVERITY
from hashelld.policy.state.items import Item, Node
from hashelld.policy.state.ops import Op
from hashelld.policy.state.situation import Situation


_SYNONYMS: Final = {"nothing": "ignore", "migrate": "ban"}
_PROMOTED: Final = frozenset({"promoted", "master"})
_RANK: Final = {word: at for at, word in enumerate(SEVERITY)}


def on_fail_of(situation: Situation, item: Item, operation: str, interval_ms: int) -> str:
    """One of SEVERITY."""
    op = item.ops.get((operation, interval_ms))
    word = _written(item, operation, op if op is not None and op.is_enabled else None)
    if word == "fence" and not situation.settings.has_fencing:
        word = "stop"
    elif word == "restart-container" and item.container is None:
        word = ""
    if not word and item.container is not None:
        return "restart-container"
    is_start_or_probe = operation == "start" or (operation == "monitor" and not interval_ms)
    if _connects(situation, item) and not is_start_or_probe and (not word or not item.is_managed):
        return "reset-remote" if item.is_managed else "stop"
    if word:
        return word
    if operation == "stop":
        return "fence" if situation.settings.has_fencing else "block"
    return "restart"


def _written(item: Item, operation: str, op: Op | None) -> str:
    """The configured word where it is allowed for the operation, else nothing."""
    word = "" if op is None else op.on_fail
    word = _SYNONYMS.get(word, word)
    if word not in _RANK:
        word = ""
    if operation == "stop" and word in {"standby", "demote"}:
        return ""
    if operation == "demote" and not word:
        return _like_monitor(item)
    if word == "demote":
        is_of_promoted = operation == "monitor" and op is not None and op.interval_ms and op.role in _PROMOTED
        return word if operation == "promote" or is_of_promoted else ""
    return word


def _like_monitor(item: Item) -> str:
    """A demotion fails as the monitor of the promoted role does."""
    for op in item.ops.values():
        if op.name == "monitor" and op.interval_ms and op.is_enabled and op.role in _PROMOTED and op.on_fail:
            word = _SYNONYMS.get(op.on_fail, op.on_fail)
            return "" if word == "demote" or word not in _RANK else word
    return ""


def _connects(situation: Situation, item: Item) -> bool:
    return item.is_remote_connection and item.remote_node is not None and not situation.nodes[item.remote_node].is_guest


def is_graver(word: str, than: str) -> bool:
    """Does one on-fail outweigh another?"""
    return _RANK[word] > _RANK[than]


def can_fence(situation: Situation, node: Node) -> bool:
    """May and can the node be fenced now? A guest is fenced by stopping what it is, which its hosts must allow."""
    if node.is_guest:
        hosts = [situation.nodes[at] for at in (() if node.guest is None else node.guest.active)]
        return all(host.is_online or (not host.is_guest and can_fence(situation, host)) for host in hosts)
    settings = situation.settings
    if not settings.has_fencing or not (situation.has_device or settings.has_watchdog):
        return False
    if situation.view.has_quorum or settings.no_quorum is NoQuorum.IGNORE:
        return True
    return node.is_online or node.is_pending
