"""Choosing nodes: primaries before dependents, the best score, then load, then the present node, then the name."""

from __future__ import annotations

from functools import cmp_to_key

from hashelld.model.score import INFINITY, Score
from hashelld.policy.placing.applying import apply_tie
from hashelld.policy.placing.bundled import assign_bundle
from hashelld.policy.placing.colocation import Colocations
from hashelld.policy.placing.instances import assign_clone
from hashelld.policy.placing.locating import ban
from hashelld.policy.placing.utilization import ban_where_too_small, compare_capacity, consume, release, sort_by_scores
from hashelld.policy.settings import NoQuorum
from hashelld.policy.state.items import Item, Kind, Needs, Node, Stage
from hashelld.policy.state.situation import Situation
from hashelld.policy.state.ties import Tie


def place(situation: Situation, colocations: Colocations) -> None:
    """Choose a node, or none, and a stage for every item: `home` and `next`."""
    for item in situation.items:
        _limit(situation, item)
    placer = Placer(situation, colocations)
    items = sort_by_scores(situation, colocations)
    for item in items:
        if item.is_remote_connection:
            placer.assign(item, item.migrating_to)
    for item in items:
        placer.assign(item)
    for item in situation.items:
        if item.kind is Kind.PRIMITIVE and item.next is Stage.UNKNOWN:
            item.next = Stage.STOPPED if item.home is None else Stage.STARTED


def _limit(situation: Situation, item: Item) -> None:
    """What an item may not become, whatever the scores say."""
    if item.target in {Stage.STOPPED, Stage.UNPROMOTED}:
        item.next = item.target
        if item.target is Stage.STOPPED:
            item.why_stopped = "target-role is Stopped"
    if item.stays_stopped:
        item.next = Stage.STOPPED
        item.why_stopped = item.stays_stopped
    if item.is_removed and item.kind is Kind.PRIMITIVE and not item.is_surplus:
        item.why_stopped = "not configured any more"
        if situation.settings.stops_removed:
            item.table.ban()
    if item.multiple_active == "stop_only" and len(_counted(situation, item)) > 1:
        item.why_stopped = "active on several nodes, multiple-active stop_only"
        item.table.ban()


def _counted(situation: Situation, item: Item) -> list[int]:
    """Where it is active, without what fencing will end for an item that need not wait for it."""
    if item.needs >= Needs.FENCING:
        return item.active
    return [node for node in item.active if not situation.nodes[node].is_unclean]


class Placer:
    """Assigns items one after the other; what an item depends on is assigned first."""

    def __init__(self, situation: Situation, colocations: Colocations) -> None:
        self.situation = situation
        self.colocations = colocations
        settings = situation.settings
        self._has_means = not settings.has_fencing or situation.has_device or settings.has_watchdog
        self._is_frozen = not situation.view.has_quorum and settings.no_quorum is NoQuorum.FREEZE
        self._usable = [node.index for node in situation.nodes if node.is_usable]
        self._weighs = settings.placement != "default"
        self._has_guests = any(node.is_guest for node in situation.nodes)

    def assign(self, item: Item, prefer: int | None = None, *, is_trial: bool = False) -> int | None:
        """Place an item; the node, when all of it goes to one. A second visit within its own placing does nothing.

        `prefer`: the node to take if its score is as good as the best. `is_trial`: a failure is not final.
        """
        if item.kind is Kind.PRIMITIVE:
            return self._assign_primitive(item, prefer, is_trial=is_trial)
        if item.is_assigned:
            return item.home
        if item.is_assigning:
            return None
        item.is_assigning = True
        if item.kind is Kind.GROUP:
            found = self._assign_group(item, prefer, is_trial=is_trial)
        else:
            found = None
            if item.kind is Kind.CLONE:
                assign_clone(self, item)
            else:
                assign_bundle(self, item)
        item.is_assigning = False
        item.is_assigned = True
        return found

    def _assign_group(self, group: Item, prefer: int | None, *, is_trial: bool) -> int | None:
        first: int | None = None
        for member in group.children:
            node = self.assign(member, prefer, is_trial=is_trial)
            if first is None:
                first = node
        if group.children:
            group.next = group.children[0].next
        group.home = first if group.is_collocated else None
        return group.home

    def _assign_primitive(self, item: Item, prefer: int | None, *, is_trial: bool) -> int | None:
        parent = item.parent
        if parent is not None and not parent.is_assigning and not parent.is_assigned:
            self.assign(parent, prefer)
        if item.is_assigned:
            return item.home
        if item.is_assigning:
            return None
        item.is_assigning = True
        self._apply_ties(item)
        if not item.is_assigned:
            self._decide(item, prefer, is_trial=is_trial)
        item.is_assigning = False
        if item.remote_node is not None and not is_trial:
            self._connected(item, self.situation.nodes[item.remote_node])
        return item.home

    def _apply_ties(self, item: Item) -> None:
        """What is mandatory first, so that as much of it as possible is met."""
        this_with, with_this = self.colocations.this_with(item), self.colocations.with_this(item)
        for is_mandatory in (True, False) if this_with or with_this else ():
            for tie in this_with:
                if tie.is_mandatory is is_mandatory:
                    self._follow(item, tie)
            for tie in with_this:
                if tie.is_mandatory is is_mandatory:
                    self.colocations.heed(item, tie)

    def _follow(self, item: Item, tie: Tie) -> None:
        """Place the primary, then apply the tie, unless that would leave no node where it may be given up."""
        self.assign(tie.primary)
        may_give_up = tie.dependent_stage >= Stage.PROMOTED or -INFINITY < tie.score < 0
        if not may_give_up:
            apply_tie(self, item, tie.primary, tie)
            return
        before = item.table.copy()
        ledger, told = self.situation.ledger, list[tuple[Item, str, int | None, Score]]()
        if ledger is not None:
            self.situation.ledger = lambda *contribution: told.append(contribution)
        apply_tie(self, item, tie.primary, tie)
        self.situation.ledger = ledger
        if not self.colocations.any_usable(item.table):
            item.table = before
        elif ledger is not None:
            for contribution in told:
                ledger(*contribution)

    def _connected(self, item: Item, node: Node) -> None:
        """A remote node is up when its connection will be."""
        if item.home is not None and item.next is not Stage.STOPPED:
            node.is_online = True
            if node.is_unseen:
                node.is_unclean = False
        else:
            node.is_leaving = True
        self._usable = [each.index for each in self.situation.nodes if each.is_usable]
        self.colocations.refresh()

    def _decide(self, item: Item, prefer: int | None, *, is_trial: bool) -> None:
        if item.next is Stage.STOPPED:
            ban(self.situation, item, item.why_stopped or "to be stopped")
        elif self._is_frozen:
            self._freeze(item)
        if not self._has_means:
            item.is_managed = False
            item.why_stopped = "no fencing device is configured and stonith-enabled is true"
        if not item.is_managed:
            item.next = item.stage
            self.settle(item, self.situation.present_on(item), is_forced=True)
        elif self.situation.settings.stops_everything:
            item.why_stopped = "stop-all-resources is set"
            self.settle(item, None)
        elif is_held(self.situation, item) and item.next is not Stage.STOPPED:
            self.settle(item, self.situation.present_on(item), is_forced=True)
        else:
            self._choose(item, prefer, is_trial=is_trial)

    def _freeze(self, item: Item) -> None:
        """It goes no further up: what was asked for is taken back, and a start will be found impossible."""
        item.is_frozen = item.next > item.stage or not (item.active or item.needs is Needs.NOTHING)
        item.next = min(item.next, item.stage)

    def _choose(self, item: Item, prefer: int | None, *, is_trial: bool) -> None:
        most_free = ban_where_too_small(self, item) if self._weighs else None
        if prefer is None:
            prefer = most_free
        best = self._best(item)
        chosen = best
        if prefer is not None and item.table.allows(prefer):
            score = item.table.score(prefer)
            node = self.situation.nodes[prefer]
            if node.is_usable and score >= 0 and (best is None or score >= item.table.score(best)):
                chosen = prefer
        if chosen is best and best is not None:
            chosen = self._stay(item, best)
        if chosen is None and is_trial:
            self.unsettle(item)
            item.is_assigned = True
            return
        self.settle(item, chosen)
        if chosen is None and item.next is Stage.STOPPED and not item.why_stopped:
            item.is_unplaceable = True

    def _stay(self, item: Item, best: int) -> int:
        """The present node, when it is just as good (not for numbered instances, which were tried there before)."""
        present = self.situation.present_on(item)
        table = item.table
        score = table.score(best)
        is_numbered = item.parent is not None and item.parent.kind is Kind.CLONE and item.parent.is_unique
        if present is None or score <= 0 or is_numbered or best not in self._usable:
            return best
        return present if present in self._usable and table.score(present) == score else best

    def _best(self, item: Item) -> int | None:
        """The first of the usable nodes, by score, capacity, load, present node and name; None: none is allowed."""
        table = item.table
        scores, default = table.scores, table.default
        best_score, best = -1, []
        for node in self._usable:
            score = scores.get(node, default)
            if score is None or score < best_score:
                continue
            if score > best_score:
                best_score, best = score, [node]
            else:
                best.append(node)
        if best_score < 0:
            return self._awaited(item) if self._has_guests else None
        if len(best) == 1:
            return best[0]
        return self._first(best, self.situation.present_on(item))

    def _awaited(self, item: Item) -> int | None:
        """Where no node can be had, a guest counts as if it came up: what needs it shows in the actions."""
        allowed = list(item.table.allowed(len(self.situation.nodes)))
        first = self._first(allowed, self.situation.present_on(item)) if allowed else None
        return first if first is not None and self.situation.nodes[first].is_guest else None

    def _first(self, nodes: list[int], present: int | None) -> int:
        states, strategy = self.situation.nodes, self.situation.settings.placement
        if strategy == "minimal":
            return min(nodes, key=lambda node: states[node].id)
        if strategy == "balanced":

            def compare(left: int, right: int) -> int:
                return compare_capacity(states[left], states[right])

            nodes = sorted(nodes, key=lambda node: (states[node].load, node != present, states[node].id))
            return min(nodes, key=cmp_to_key(compare))
        return min(nodes, key=lambda node: (states[node].load, node != present, states[node].id))

    def settle(self, item: Item, node: int | None, *, is_forced: bool = False) -> None:
        """Fix where a primitive goes; nowhere means that its next stage is Stopped."""
        if node is not None and not is_forced:
            state = self.situation.nodes[node]
            if item.table.score(node) < 0 or not (state.is_usable or state.is_guest):
                node = None
        self.unsettle(item)
        item.is_assigned = True
        item.home = node
        if node is None:
            if not is_forced or item.is_managed:
                item.next = Stage.STOPPED
            return
        self.situation.nodes[node].load += 1
        if item.utilization:
            consume(self.situation.nodes[node], item)

    def unsettle(self, item: Item) -> None:
        """Take back where an item goes, and all its parts."""
        for part in item.primitives():
            if part.home is not None:
                self.situation.nodes[part.home].load -= 1
                if part.utilization:
                    release(self.situation.nodes[part.home], part)
            part.home = None
            part.is_assigned = False
        if item.is_collective:
            item.home = None
            item.is_assigned = False


def is_held(situation: Situation, item: Item) -> bool:
    """Must a healthy resource stay where it is, because it could not be started again now?"""
    return not situation.view.may_start and bool(item.active) and not item.is_failed
