"""Which nodes are up: what the status section says of a node, and what follows from it.

Pacemaker's rules: a node is online when it is a member of the cluster's communication (`in_ccm`), its controller
runs (`crmd`), and it has joined (`join`). Without fencing that is all. With fencing a node that is not as it is
expected to be is unclean: it has to be made sure that it is off.
"""

from __future__ import annotations

from typing import Final

import msgspec

from hashelld.cib.document import PROPERTY, Cib, Properties
from hashelld.cib.xml.tree import Element
from hashelld.model.duration import parse_duration
from hashelld.model.options import cluster_property, parse_boolean
from hashelld.model.score import parse_score


_NOT_YET: Final = ("pending", "down")


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration says about judging nodes."""

    has_fencing: bool
    fences_unseen: bool
    pending_timeout_ms: int
    """How long a node may be heard without joining; 0: for ever."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a `<node_state>` says."""

    member_s: int | None
    """Since when it is heard (seconds since 1970, or just 1); 0: it is not, None: it is not said."""
    process_s: int
    """Since when its controller runs; 0: it does not."""
    join: str | None
    expected: str | None
    is_leaving: bool
    fence_requested: bool


class Presence(msgspec.Struct, frozen=True, kw_only=True):
    """What a node is; the meaning is that of the fields of `NodeView`."""

    online: bool = False
    unclean: bool = False
    pending: bool = False
    reason: str = ""


def watch_of(cib: Cib) -> Watch:
    """The settings that matter here."""
    timeout = parse_duration(_setting(cib, "node-pending-timeout"))
    return Watch(
        has_fencing=parse_boolean(_setting(cib, "stonith-enabled")) is not False,
        fences_unseen=parse_boolean(_setting(cib, "startup-fencing")) is not False,
        pending_timeout_ms=timeout or 0,
    )


def _setting(cib: Cib, name: str) -> str:
    option = cluster_property(name)
    names = (name,) if option is None else (option.name, *option.aliases)
    sets = [found for found in cib.objects if isinstance(found, Properties) and found.kind == PROPERTY]
    sets.sort(key=lambda found: (found.id != "cib-bootstrap-options", -(parse_score(found.set.score or "0") or 0)))
    values: dict[str, str | None] = {}
    for found in sets:
        if not found.set.rules:
            for pair in found.set.pairs:
                values.setdefault(pair.name, pair.value)
    given = next((value for spelling in names if (value := values.get(spelling)) is not None), None)
    default = None if option is None else option.default
    return given if given is not None else default or ""


def read_report(state: Element, transient: dict[str, str]) -> Report:
    """What a node's state says; `transient` are its transient attributes."""
    get = state.attributes.get
    terminate = transient.get("terminate", "")
    return Report(
        member_s=_since(get("in_ccm")),
        process_s=_since(get("crmd")) or 0,
        join=get("join"),
        expected=get("expected"),
        is_leaving=transient.get("shutdown", "0") not in ("0", ""),
        fence_requested=bool(parse_boolean(terminate)) or (terminate.isdigit() and terminate.strip("0") != ""),
    )


def _since(text: str | None) -> int | None:
    """A timestamp, or one of the words that older versions wrote."""
    if text is None:
        return None
    if text.isascii() and text.isdigit():
        return int(text[:18])
    return 1 if text.lower() in ("online", "active") or parse_boolean(text) else 0


def unseen(watch: Watch) -> Presence:
    """A configured node of which the status says nothing: it may run anything."""
    is_unclean = watch.has_fencing and watch.fences_unseen
    return Presence(unclean=True, reason="it was never seen") if is_unclean else Presence()


def judge(report: Report, watch: Watch, now_s: int) -> Presence:
    """The state of a member of the cluster."""
    if not watch.has_fencing:
        return _judge_without_fencing(report)
    is_up = report.process_s > 0
    if report.is_leaving:
        return Presence(online=is_up)
    if report.member_s is None:
        return _unclean(report, "it was never a member of the cluster")
    return _first(report, watch, now_s)


def _judge_without_fencing(report: Report) -> Presence:
    if not report.member_s:
        return Presence()
    if report.process_s > 0:
        return Presence(online=report.join == "member")
    if report.expected == "member" and not report.is_leaving:
        return Presence(unclean=True, reason="its process is gone")
    return Presence()


def _first(report: Report, watch: Watch, now_s: int) -> Presence:
    is_member, is_up = bool(report.member_s), report.process_s > 0
    if report.join == "banned":
        return _unclean(report, "it may not join")
    if report.fence_requested:
        if not is_member and not is_up and report.join == "down":
            return Presence()
        return _unclean(report, "its fencing was requested")
    if report.expected in (None, "down"):
        if _is_pending_too_long(report, watch, now_s):
            return _unclean(report, "it did not join in time")
        return Presence(pending=is_member or is_up)
    if not is_member:
        return _unclean(report, "it left the membership")
    if not is_up:
        return _unclean(report, "its process is gone")
    if report.join == "member":
        return Presence(online=True)
    if report.join in _NOT_YET:
        return Presence(pending=True)
    return _unclean(report, "its join state is unknown")


def _unclean(report: Report, reason: str) -> Presence:
    return Presence(online=bool(report.member_s), unclean=True, reason=reason)


def _is_pending_too_long(report: Report, watch: Watch, now_s: int) -> bool:
    if watch.pending_timeout_ms <= 0 or not report.member_s or report.process_s > 0:
        return False
    since_s = now_s if report.member_s == 1 else report.member_s
    return now_s >= since_s + watch.pending_timeout_ms // 1000
