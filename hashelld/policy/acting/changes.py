"""What was configured otherwise when it was begun: restarts, reloads, monitors begun anew, histories that go.

Histories say with which parameters an operation ran (its digest). Only what belongs to an active resource since it
was started is compared. Our own daemons' digests cover agent and parameters at once; Pacemaker's tell what an agent
can take without a restart.
"""

from __future__ import annotations

from typing import Final

from hashelld.cib.digest import digest
from hashelld.model.action import ActionKind
from hashelld.model.history import ActionResult
from hashelld.policy.acting.making import Maker
from hashelld.policy.acting.recurring import Recurring
from hashelld.policy.acting.steps import Edge, Step
from hashelld.policy.acting.unfencing import Unfencing
from hashelld.policy.digests import SECRETS, all_digest, restart_digest, secure_digest
from hashelld.policy.state.history import last_start_and_stop
from hashelld.policy.state.items import Item, Node
from hashelld.policy.state.ops import Op
from hashelld.policy.state.parameters import covered_now, needs_host, parameters
from hashelld.policy.state.situation import Situation


Changed = frozenset[tuple[int, str, int]]
"""(node, operation, interval) of recurring operations that have to begin anew."""

NOT_CHANGED: Final[Changed] = frozenset()
_COMPARED: Final = frozenset({"start", "promote", "migrate_from", "monitor"})
_COUNTED: Final = frozenset({"start", "promote", "monitor"})
_BEGINS: Final = frozenset({"start", "migrate_from", "monitor"})
_DEFINITION: Final = "its parameters changed"


def own_digest(situation: Situation, item: Item, node: int) -> str:
    """The digest that our daemons keep of what a resource was started with."""
    return digest((item.agent, parameters(situation, item, node)))


def own_operation_digest(situation: Situation, item: Item, op: Op, node: int) -> str:
    """The same of a recurring operation."""
    own = own_digest(situation, item, node)
    return digest((own, op.name, op.interval_ms, op.timeout_ms, op.start_delay_ms, op.params))


class Changes:
    """Adds what changes of the configuration make necessary, one item after the other."""

    __slots__ = ("_cancels", "_graph", "_maker", "_may_restart", "_recurring", "_situation", "_unfencing")

    def __init__(self, maker: Maker, recurring: Recurring, unfencing: Unfencing) -> None:
        self._maker = maker
        self._situation = maker.situation
        self._graph = maker.graph
        self._recurring = recurring
        self._unfencing = unfencing
        self._may_restart = maker.situation.view.may_start
        self._cancels: list[Step] = []

    def add(self, item: Item) -> Changed:
        """The steps; returns which recurring operations have to begin anew. `order` must follow."""
        self._cancels.clear()
        if item.is_removed:
            for at in item.present:
                if self._is_open(self._maker.nodes[at]) and not (item.is_surplus or item.is_anonymous):
                    self.forget(item, at, is_required=True)
            return NOT_CHANGED
        changed: set[tuple[int, str, int]] = set()
        for at in item.present:
            node = self._maker.nodes[at]
            if not self._maker.is_own and needs_host(item, item.params_by_node.get(None, {})):
                self._check_failure(item, at)
            if not self._is_open(node) and not node.is_maintenance:
                continue
            if not self._maker.is_own and self._has_other_agent(item, at):
                self._replace_agent(item, at)
            if at in item.stages:
                self._check(item, node, changed)
        return frozenset(changed) if changed else NOT_CHANGED

    def _is_open(self, node: Node) -> bool:
        """Is its history looked at? Our own daemons' also where nothing may run."""
        return node.is_online and not node.is_unclean if self._maker.is_own else node.is_usable

    # Another agent

    def _has_other_agent(self, item: Item, node: int) -> bool:
        agent = item.last_agents.get(node)
        return agent is not None and agent != item.agent

    def _replace_agent(self, item: Item, node: int) -> None:
        """A history with another agent goes; what is active with it stops, with the new one, before."""
        self._unfencing.renew(item, f"{item.id} has another agent now", node)
        if node in item.stages:
            self._maker.step(item, "stop", node, is_required=True).reason = "its agent changed"
            item.is_start_pending = True
        self.forget(item, node, is_required=True)

    def forget(self, item: Item, node: int, *, is_required: bool) -> None:
        """The history on a node is deleted: after the stop, before a new start."""
        at = self._maker.nodes[node]
        if item.is_failed or at.is_unclean or not at.is_online:
            return
        step = self._maker.step(item, "delete", node, is_required=is_required)
        step.kind = ActionKind.FORGET
        step.reason = step.reason or ("not configured any more" if item.is_removed else "")

    def order(self, item: Item) -> None:
        """The edges of cancellations and deletions; all other steps of the item must be there."""
        graph = self._graph
        deletions = graph.find(item, "delete")
        if not (deletions or self._cancels):
            return
        stops, starts = graph.find(item, "stop"), graph.find(item, "start")
        graph.link_all(stops, self._cancels, Edge.SEQUENCE)
        for step in deletions:
            edge = Edge.SEQUENCE if step.is_required else Edge.SEQUENCE | Edge.FIRST_IMPLIES_THEN
            for stop in stops:
                graph.link(stop, step, edge | Edge.UNRUNNABLE_BLOCKS if stop.node == step.node else edge)
            graph.link_all([step], starts, edge)

    # Other parameters

    def _check_failure(self, item: Item, node: int) -> None:
        """A failure with another host than it would have now does not count any more; that was not known before."""
        for result in item.results.get(node, ()):
            if result.is_failed and result.digest and result.operation in _COUNTED and node in item.tallies:
                found = self._covered(item, item.ops.get((result.operation, result.interval_ms)), node)
                if result.digest != all_digest(found):
                    self._maker.clear_failures(item, node, "its parameters changed since")

    def _check(self, item: Item, node: Node, changed: set[tuple[int, str, int]]) -> None:
        is_different = self._check_recurring(item, node, changed)
        if self._maker.is_own:
            self._compare_own(item, node.index)
            return
        for result in _since_start(item.results.get(node.index, [])):
            if not result.interval_ms and result.operation in _COMPARED:
                is_different |= self._compare(item, node.index, result)
        tally = item.tallies.get(node.index)
        if is_different and tally is not None and tally.count and not tally.is_expired:
            self._maker.clear_failures(item, node.index, "its definition changed")

    def _check_recurring(self, item: Item, node: Node, changed: set[tuple[int, str, int]]) -> bool:
        at, is_different = node.index, False
        for (name, interval_ms), result in item.recurring.get(at, {}).items():
            if item.is_maintenance or node.is_maintenance:
                self._cancel(item, at, result, "in maintenance")
                continue
            op = item.ops.get((name, interval_ms))
            if op is None or not op.is_enabled:
                is_different = True
                if self._situation.settings.cancels_removed:
                    reason = "disabled" if op is not None else "not configured any more"
                    self._cancel(item, at, result, reason)
            elif self._is_changed(item, op, at, result):
                is_different = True
                changed.add((at, name, interval_ms))
                self._unfencing.renew(item, f"{item.id} has other parameters", at)
        return is_different

    def _is_changed(self, item: Item, op: Op, node: int, result: ActionResult) -> bool:
        if self._maker.is_own:
            return bool(result.digest) and result.digest != own_operation_digest(self._situation, item, op, node)
        if result.is_failed and (op.name, op.interval_ms) in item.reschedules.get(node, ()):
            return True
        found = self._covered(item, op, node)
        return result.digest != all_digest(found) and not self._is_only_secret(item, found, node, result)

    def _cancel(self, item: Item, node: int, result: ActionResult, reason: str) -> None:
        self._cancels.append(self._recurring.cancel(item, result.operation, result.interval_ms, node, reason))

    def _compare_own(self, item: Item, node: int) -> None:
        """The last start, arrival or first look that found it tells with what it runs."""
        last = ""
        for result in item.results.get(node, ()):
            if result.operation in _BEGINS and not result.interval_ms and not result.is_failed:
                last = result.digest
        if last and last != own_digest(self._situation, item, node) and self._may_restart:
            self._restart(item)

    def _compare(self, item: Item, node: int, result: ActionResult) -> bool:
        """Compare one operation of Pacemaker's with the configuration. Does it differ?"""
        found = self._covered(item, item.ops.get((result.operation, 0)), node)
        if self._is_only_secret(item, found, node, result):
            return False
        if not _is_restart_digest(result, found):
            self._restart(item)
        elif result.digest == all_digest(found):
            return False
        elif result.restart_digest:
            self._reload(item, node)
        else:
            self._restart(item)
        self._unfencing.renew(item, f"{item.id} has other parameters", node)
        return True

    def _covered(self, item: Item, op: Op | None, node: int) -> dict[str, str]:
        return covered_now(self._situation, item, op, node)

    def _is_only_secret(self, item: Item, found: dict[str, str], node: int, result: ActionResult) -> bool:
        """Is all the same but passwords? A CIB in a file often comes without them."""
        if not result.secure_digest or result.digest == all_digest(found):
            return False
        given = parameters(self._situation, item, node)
        secrets = result.secure_params or SECRETS
        is_fencing = item.is_device
        return result.secure_digest == secure_digest(
            found, given, secure_params=secrets, version=result.version, is_fencing=is_fencing
        )

    def _restart(self, item: Item) -> None:
        if item.home is not None:
            self._maker.step(item, "start", item.home, is_required=True).reason = _DEFINITION

    def _reload(self, item: Item, node: int) -> None:
        """The agent takes the change while the resource runs; a start that is under way ends first."""
        if not item.is_managed or item.is_reload:
            return
        if item.is_start_pending:
            self._maker.step(item, "stop", node, is_required=True).reason = _DEFINITION
            return
        item.is_reload = True
        self._maker.step(item, "reload-agent", node, is_required=True).reason = _DEFINITION


def _is_restart_digest(result: ActionResult, found: dict[str, str]) -> bool:
    """Is it the same as far as a restart is concerned? Histories that name no parameters mean either all or none."""
    if not result.restart_digest:
        return True
    if result.restart_params.strip():
        return result.restart_digest == restart_digest(found, result.restart_params)
    return result.restart_digest in {restart_digest(found, None), restart_digest(found, "")}


def _since_start(results: list[ActionResult]) -> list[ActionResult]:
    """The part of a history that belongs to the present activity; none when a stop came after."""
    started, stopped = last_start_and_stop(results)
    return [] if stopped > started else results[max(started, 0) :]
