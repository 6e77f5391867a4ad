"""Choosing nodes: primaries before dependents, the best score, then load, then the present node, then the name."""

from __future__ import annotations

from hashelld.policy.colocation import Colocations, Tie
from hashelld.policy.expand import NOWHERE, Item, Situation
from hashelld.policy.location import Tables, is_held
from hashelld.policy.observe import Observed, Seen
from hashelld.policy.settings import NoQuorum


class Placement:
    """Where each primitive should be, by item index."""

    __slots__ = ("frozen", "home", "reasons", "tables", "unplaceable")

    def __init__(self, tables: Tables) -> None:
        self.home: dict[int, int | None] = {}
        """The chosen node, None for nowhere."""
        self.reasons: dict[int, str] = {}
        """Why an item has no node though it should run."""
        self.frozen: set[int] = set()
        """Not to be started, by no-quorum-policy=freeze."""
        self.unplaceable: set[int] = set()
        """Should run, and no node can run it."""
        self.tables = tables
        """As they were when the items were placed."""


def place(situation: Situation, observed: Observed, tables: Tables, colocations: Colocations) -> Placement:
    """Choose a node, or none, for every item."""
    placer = _Placer(situation, observed, tables, colocations)
    for index in situation.top:
        placer.assign(situation.items[index])
    return placer.placement


class _Placer:
    def __init__(self, situation: Situation, observed: Observed, tables: Tables, colocations: Colocations) -> None:
        self._situation = situation
        self._observed = observed
        self._tables = tables
        self._colocations = colocations
        self._loads = [0] * len(situation.nodes)
        self._under_way: set[int] = set()
        self._usable = [node.index for node in situation.nodes if node.is_usable]
        self.placement = Placement(tables)
        self._has_means = not situation.settings.has_fencing or situation.has_device

    def assign(self, item: Item) -> None:
        """Place an item, after what decides where it goes. A second visit within its own placing does nothing."""
        home = self.placement.home
        if item.parent != NOWHERE and item.parent not in self._under_way and item.parent not in home:
            self.assign(self._situation.items[item.parent])
        if item.index in home or item.index in self._under_way:
            return
        self._under_way.add(item.index)
        if item.children:
            for child in item.children:
                self.assign(self._situation.items[child])
            home[item.index] = home[item.children[0]] if item.is_collocated else None
        else:
            self._assign_primitive(item)
        self._under_way.discard(item.index)

    def _assign_primitive(self, item: Item) -> None:
        this_with = self._colocations.this_with(item.index)
        with_this = self._colocations.with_this(item.index)
        for is_mandatory in (True, False):
            for tie in this_with:
                if tie.is_mandatory is is_mandatory:
                    self._follow(item, tie)
            for tie in with_this:
                if tie.is_mandatory is is_mandatory:
                    self._colocations.heed(self._tables, item.index, tie)
        if item.index in self.placement.home:
            return
        node = self._decide(item, self._observed.of(item.index))
        self.placement.home[item.index] = node
        if node is not None:
            self._loads[node] += 1

    def _follow(self, item: Item, tie: Tie) -> None:
        primary = self._situation.items[tie.primary]
        self.assign(primary)
        for bearer in self._deciding(primary, tie):
            if bearer in self.placement.home:
                self._colocations.follow(self._tables, item.index, tie, self.placement.home[bearer])

    def _deciding(self, primary: Item, tie: Tie) -> list[int]:
        """Which primitives speak for a primary: a group's last member for what is mandatory, else its first."""
        if not primary.children:
            return [primary.index]
        if primary.is_collocated:
            return [primary.children[-1 if tie.is_mandatory and tie.score > 0 else 0]]
        return [] if tie.is_mandatory and tie.score > 0 else primary.children

    def _decide(self, item: Item, seen: Seen) -> int | None:
        if not self._has_means:
            item.is_managed = False
            self.placement.reasons[item.index] = "no fencing device is configured and stonith-enabled is true"
        if not item.is_managed:
            return _present(seen)
        if seen.busy:
            return _present(seen) if seen.active else None
        reason = self._why_stopped(item, seen)
        if reason:
            self.placement.reasons[item.index] = reason
            self._tables.ban(item.index, reason)
            return None
        if holds(self._situation, seen):
            return _present(seen)
        chosen = self._best(item, _present(seen))
        if chosen is None:
            self.placement.unplaceable.add(item.index)
            return None
        if not seen.active and self._is_frozen():
            self.placement.frozen.add(item.index)
        return chosen

    def _is_frozen(self) -> bool:
        return not self._situation.view.has_quorum and self._situation.settings.no_quorum is NoQuorum.FREEZE

    def _why_stopped(self, item: Item, seen: Seen) -> str:
        if item.is_removed:
            return "not configured any more"
        if item.target_role == "stopped":
            return "target-role is Stopped"
        if seen.stays_stopped:
            return f"{seen.stays_stopped}, on-fail stop"
        if item.multiple_active == "stop_only" and len(seen.active) > 1:
            return "active on several nodes, multiple-active stop_only"
        return "stop-all-resources is set" if self._situation.settings.stops_everything else ""

    def _best(self, item: Item, present: int | None) -> int | None:
        """The node with the best score that is usable; None when that score is negative."""
        table = self._tables.of[item.index]
        loads, nodes = self._loads, self._situation.nodes
        score_of = table.score
        best_score, best = -1, []
        for node in self._usable:
            score = score_of(node)
            if score > best_score:
                best_score, best = score, [node]
            elif score == best_score:
                best.append(node)
        if best_score < 0:
            return None
        if best_score > 0 and present in best:
            return present
        return min(best, key=lambda node: (loads[node], node != present, nodes[node].id))


def _present(seen: Seen) -> int | None:
    return next(iter(seen.active), None)


def holds(situation: Situation, seen: Seen) -> bool:
    """Would a restart only take the resource down, because starts are on hold?"""
    return is_held(situation, seen) and bool(seen.active)
