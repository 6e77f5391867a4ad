"""The session: the client, the level, the draft and the options of one user; there is no terminal in it.

What only commits and agents need is imported when it is needed: a command that only looks must not pay for it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from importlib import import_module
from typing import Final, TypeVar

import msgspec

from hashell import asking
from hashell.client.port import Client, Kept, Programs, Shadows, Shelf
from hashell.errors import HashellError, Refused, TimedOut, Usage
from hashell.grammar.scope import AgentSource
from hashelld.cib.document import Cib, Object
from hashelld.cib.edit import Delete, Edit, EditRefused, Put, apply
from hashelld.cib.view import ClusterView
from hashelld.model.ids import Version
from hashelld.wire import client as wire


COMMIT_TIMEOUT_MS: Final = 30_000
COMMIT_ATTEMPTS_MAX: Final = 5
WAIT_TIMEOUT_MS: Final = 600_000
EVENT_MS: Final = 1_000

A = TypeVar("A", bound=wire.Answer)


class Stayed(HashellError):
    """The user was asked, and stays with the draft: there is nothing to complain about."""


class Conflicted(Refused):
    """Somebody else changed the same objects since the draft was begun."""

    def __init__(self, conflict: wire.Conflict, edits: tuple[Edit, ...]) -> None:
        self.conflict = conflict
        super().__init__(_conflict(conflict, edits))


class Options(msgspec.Struct, kw_only=True):
    """What the user asked for once for all commands."""

    json: bool = False
    yes: bool = False
    """Questions are answered with yes."""
    force: bool = False
    """Semantic objections pass; syntax and schema errors never do."""
    wait: bool = False
    """A change returns when the cluster has settled."""
    shows_secrets: bool = True
    """Passwords and the like are printed as they are; at a terminal they are not, unless the user asks for it."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What `configure` edits: the applied configuration at its start, and the user's version of it."""

    base: Version
    original: Cib
    cib: Cib

    @property
    def is_dirty(self) -> bool:
        """Is there anything to commit?"""
        return self.cib != self.original


class Settled(msgspec.Struct, frozen=True):
    """What a commit came to."""

    version: Version
    warning: str = ""
    edits: tuple[Edit, ...] = ()


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """What of the past `history` shows. Times are wall-clock milliseconds; 0: no bound."""

    since_ms: int = 0
    until_ms: int = 0
    hidden: tuple[str, ...] = ()
    """Regular expressions; what one of them finds is left out."""


class Session:
    """One user's session. Commands get it as their first argument."""

    __slots__ = (
        "_agents",
        "_applied",
        "_ask_user",
        "_draft",
        "_live",
        "_programs",
        "_redo",
        "_status",
        "_undo",
        "client",
        "command_line",
        "is_finished",
        "level",
        "on_leave",
        "options",
        "patience",
        "shadow",
        "shadows",
        "shelf",
        "window",
    )

    def __init__(
        self,
        client: Client,
        options: Options | None = None,
        *,
        ask_user: Callable[[str], bool] | None = None,
        agents: AgentSource | None = None,
        shelf: Shelf | None = None,
        shadows: Shadows | None = None,
        programs: Programs | None = None,
        patience: asking.Patience | None = None,
    ) -> None:
        self.client = self._live = client
        self.shadow = ""
        self.shadows = shadows
        self.options = options or Options()
        self.patience = patience or asking.Patience()
        self.level = ""
        self.command_line = ""
        self.is_finished = False
        self.window = Window()
        self.on_leave: Callable[[], bool] | None = None
        self._ask_user = ask_user
        self._agents = agents
        self._programs = programs
        self.shelf = shelf
        self._applied: wire.CibIs | None = None
        self._status: wire.StatusIs | None = None
        self._draft: Draft | None = None
        self._undo: list[Draft] = []
        self._redo: list[Draft] = []

    # What the cluster is.

    def begin(self, command_line: str) -> None:
        """A new command: what was heard for the last one is asked for again."""
        self.command_line = command_line
        self.forget()

    def forget(self) -> None:
        """Ask the cluster again at the next look."""
        self._applied = self._status = None

    def ask(self, request: wire.Request, timeout_ms: int = 10_000) -> wire.Answer:
        """Ask the cluster, a change also where there is no DC for a moment.

        A refusal is raised as `Refused`, an unknown outcome as `TimedOut`.
        """
        answer = asking.ask(self.client, request, timeout_ms, self.patience)
        if isinstance(answer, wire.Refused):
            advice = ("--force lets this pass.",) if answer.code == "objection" else ()
            text = "\n  ".join(dict.fromkeys((answer.text, *answer.details, *advice)))
            raise TimedOut(text) if answer.code == "lost" else Refused(text)
        return answer

    def expect(self, request: wire.Request, kind: type[A], timeout_ms: int = 10_000) -> A:
        """Ask, and take only this kind of answer."""
        answer = self.ask(request, timeout_ms)
        if not isinstance(answer, kind):
            raise Refused(f"hashelld answered {type(answer).__name__} to {type(request).__name__}: another version?")
        return answer

    def applied(self) -> wire.CibIs:
        """The applied configuration with its version."""
        if self._applied is None:
            self._applied = self.expect(wire.GetCib(), wire.CibIs)
        return self._applied

    def status(self) -> wire.StatusIs:
        """The cluster's state."""
        if self._status is None:
            self._status = self.expect(wire.GetStatus(), wire.StatusIs)
        return self._status

    def cib(self) -> Cib:
        """The draft where there is one, else the applied configuration."""
        return self._draft.cib if self._draft is not None else self.applied().cib

    def view(self) -> ClusterView:
        """All that the policy needs to plan: the draft or applied configuration with the state reported last."""
        status = self.status()
        if status.view is not None:
            return msgspec.structs.replace(status.view, cib=self.cib(), nodes=status.nodes)
        return ClusterView(
            cib=self.cib(),
            nodes=status.nodes,
            has_quorum=status.quorum.has_quorum,
            now_ms=status.wall_ms,
            dc=status.dc,
            has_watchdog=None if status.watchdog is None else status.watchdog.fenced_after_ms is not None,
            can_unfence=True,
        )

    def node_names(self) -> tuple[str, ...]:
        """Configured nodes, then others that the cluster reports."""
        names = dict.fromkeys(str(node.id) for node in self.cib().nodes)
        names.update(dict.fromkeys(str(node.node) for node in self.status().nodes))
        return tuple(names)

    def shadow_names(self) -> tuple[str, ...]:
        """The configurations that are kept beside the cluster's."""
        return () if self.shadows is None else self.shadows.names()

    @property
    def agents(self) -> AgentSource:
        """The agents installed here; their module is imported at first use."""
        if self._agents is None:
            found: AgentSource = import_module("hashell.client.agents").InstalledAgents()
            self._agents = found
        return self._agents

    @property
    def programs(self) -> Programs:
        """Other programs; their module is imported at first use."""
        if self._programs is None:
            found: Programs = import_module("hashell.client.programs").LocalPrograms()
            self._programs = found
        return self._programs

    def use_shadow(self, name: str) -> None:
        """Work on a shadow from now on, or (empty name) on the cluster again. Refused while a draft has changes."""
        if self.is_dirty:
            raise Refused("The draft has uncommitted changes: commit them, or discard them with refresh.")
        if name and (self.shadows is None or self.shadows.find(name) is None):
            raise Refused(f"There is no shadow '{name}': cib list shows them, cib new makes one.")
        self.discard()
        self.shadow = name
        self.client = self.shadows.client(name, self._live) if name and self.shadows is not None else self._live

    @property
    def live(self) -> wire.CibIs:
        """The cluster's configuration, whatever shadow is worked on."""
        answer = self._live.ask(wire.GetCib())
        if not isinstance(answer, wire.CibIs):
            raise Refused(f"hashelld answered {type(answer).__name__}: is it another version?")
        return answer

    # Questions.

    @property
    def is_interactive(self) -> bool:
        """May the user be asked?"""
        return self._ask_user is not None

    def confirm(self, question: str) -> None:
        """Go on only if the user agrees; without a terminal, `--yes` must have been given."""
        if self.options.yes:
            return
        if self._ask_user is None:
            raise Refused(f"{question} Nothing was done: add --yes to agree.")
        if not self._ask_user(question):
            raise Refused("Nothing was done.")

    # The draft.

    @property
    def draft(self) -> Draft:
        """The draft, begun from the applied configuration if there was none."""
        if self._draft is None:
            applied = self.applied()
            self._draft = Draft(base=applied.version, original=applied.cib, cib=applied.cib)
        return self._draft

    @property
    def has_draft(self) -> bool:
        """Is there a draft at all?"""
        return self._draft is not None

    @property
    def is_dirty(self) -> bool:
        """Is there a draft with something to commit?"""
        return self._draft is not None and self._draft.is_dirty

    def edit(self, edits: tuple[Edit, ...]) -> Draft:
        """Change the draft; one call is one step of `undo`."""
        return self.replace_draft(_apply(self.draft.cib, edits))

    def replace_draft(self, cib: Cib) -> Draft:
        """Make this document the draft; one step of `undo`."""
        before = self.draft
        self._undo.append(before)
        self._redo.clear()
        self._draft = msgspec.structs.replace(before, cib=cib)
        self._keep()
        return self._draft

    def undo(self) -> Draft:
        """Take back the last edit of the draft."""
        if not self._undo:
            raise Refused("There is nothing to undo.")
        self._redo.append(self.draft)
        self._draft = self._undo.pop()
        self._keep()
        return self._draft

    def redo(self) -> Draft:
        """Do again what `undo` took back."""
        if not self._redo:
            raise Refused("There is nothing to redo.")
        self._undo.append(self.draft)
        self._draft = self._redo.pop()
        self._keep()
        return self._draft

    def discard(self) -> None:
        """Drop the draft: the next look begins from the applied configuration."""
        if self._draft is not None and self.shelf is not None and self.level == "configure" and not self.shadow:
            self.shelf.drop()
        self.shelve()

    def shelve(self) -> None:
        """Put the draft aside: it is offered again, here and by the next shell."""
        self._draft = None
        self._undo.clear()
        self._redo.clear()
        self.forget()

    def shelved(self) -> Kept | None:
        """The draft that a shell of this user left behind; None when one is being edited, or nothing would change."""
        if self.shelf is None or self.shadow or self.is_dirty:
            return None
        kept = self.shelf.kept()
        if kept is None or kept.cib in (kept.original, self.applied().cib):
            return None
        return kept

    def left_behind(self) -> str:
        """A sentence about the draft that was left behind; empty when there is none."""
        kept = self.shelved()
        moment = "" if kept is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(kept.at_ms / 1000))
        return f"There is a draft of {moment} that was not committed: resume goes on with it." if moment else ""

    def resume(self, kept: Kept) -> Draft:
        """Go on with a draft that was put aside, on the configuration of now where nobody changed the same objects."""
        self._draft = Draft(base=kept.base, original=kept.original, cib=kept.cib)
        self.merge()
        return self.draft

    def merge(self, *, prefers_ours: bool | None = None) -> tuple[str, ...]:
        """Carry the draft over to the configuration of now; the ids of what was changed on both sides.

        Such objects become ours or theirs when it is said which; else the draft stays as it is. One step of `undo`.
        """
        from hashelld.cib.diff import difference, rebase

        draft = self.draft
        self.forget()
        applied = self.applied()
        if applied.cib == draft.original:
            self._draft = msgspec.structs.replace(draft, base=applied.version)
            return ()
        edits, conflicts = rebase(draft.original, applied.cib, difference(draft.original, draft.cib))
        if conflicts and prefers_ours is None:
            return tuple(one.id for one in conflicts)
        ours = tuple(Delete(one.id) if one.ours is None else Put(one.ours) for one in conflicts if prefers_ours)
        merged = _apply(applied.cib, (*edits, *ours))
        self._undo.append(draft)
        self._draft = Draft(base=applied.version, original=applied.cib, cib=merged)
        self._keep()
        return tuple(one.id for one in conflicts)

    def _keep(self) -> None:
        """Only what is edited at the prompt is kept: a single statement is committed or refused at once."""
        if self.shelf is None or self._draft is None or self.level != "configure" or self.shadow:
            return
        if self._draft.is_dirty:
            self.shelf.keep(self._draft.base, self._draft.original, self._draft.cib)
        else:
            self.shelf.drop()

    def commit_draft(self) -> Settled:
        """Commit what the draft changes, and begin a new one. The draft stays as it is when it is refused.

        When somebody else changed the configuration meanwhile, but nothing that the draft changes, the draft is moved
        onto their configuration; `Conflicted` otherwise.
        """
        from hashelld.cib.diff import difference

        for _attempt in range(COMMIT_ATTEMPTS_MAX):
            draft = self.draft
            try:
                settled = self.commit(difference(draft.original, draft.cib), base=draft.base)
            except Conflicted:
                if self.merge():
                    raise
                continue
            self.discard()
            return settled
        raise Refused("The configuration is changed by others all the time; nothing was committed.")

    # Commits.

    def commit(self, edits: tuple[Edit, ...], *, base: Version | None = None) -> Settled:
        """Change the applied configuration at once, whatever the draft is.

        Raises `Refused` when the cluster refuses or somebody else changed the same objects, and `TimedOut` when it is
        not known whether it was done.
        """
        since = self.applied().version if base is None else base
        if not edits:
            return Settled(since)
        request = wire.MakeCommit(
            id=os.urandom(16).hex(), base=since, edits=edits, command=self._told(), force=self.options.force
        )
        try:
            answer = self.ask(request, COMMIT_TIMEOUT_MS)
        except TimedOut as lost:
            answer = asking.outcome_of(self.client, request.id, lost, self.patience)
        finally:
            self.forget()
        if isinstance(answer, wire.Conflict):
            raise Conflicted(answer, edits)
        if not isinstance(answer, wire.Committed):
            raise Refused(f"hashelld answered {type(answer).__name__} to a commit: is it another version?")
        if self.options.wait:
            self.wait_idle(answer.version)
        return Settled(answer.version, answer.warning, edits)

    def _told(self) -> str:
        """The command line as the log keeps it."""
        from hashell.grammar.secrecy import without_secrets

        return without_secrets(self.command_line)

    def wait_idle(self, version: Version | None = None, timeout_ms: int = WAIT_TIMEOUT_MS) -> wire.StatusIs:
        """Wait until the cluster has applied the version and has nothing to do; `TimedOut` when that takes too long."""
        self.forget()
        deadline_ms = self.status().wall_ms + timeout_ms  # By the clock of whoever answers.
        if _is_idle(self.status(), version):
            return self.status()
        for _changed in self.client.events(EVENT_MS):
            self.forget()
            if _is_idle(self.status(), version):
                break
            if self.status().wall_ms >= deadline_ms:
                raise TimedOut(f"The cluster has not settled within {timeout_ms // 1000} s.")
        return self.status()

    def enter(self, level: str) -> None:
        """Go to a level; leaving `configure` with something uncommitted is refused unless `on_leave` settles it."""
        if self.level == "configure" and level != "configure":
            if self.is_dirty and self.on_leave is not None and not self.on_leave():
                raise Stayed
            if self.is_dirty:
                raise Usage("The draft has uncommitted changes: commit them, or discard them with refresh.")
            self.discard()
        self.level = level


def _apply(cib: Cib, edits: tuple[Edit, ...]) -> Cib:
    try:
        return apply(cib, edits)
    except EditRefused as refusal:
        raise Refused(str(refusal)) from None


def _is_idle(status: wire.StatusIs, version: Version | None) -> bool:
    is_there = version is None or status.version >= version
    return is_there and status.phase == "idle" and not status.in_flight and not status.pending


def _conflict(conflict: wire.Conflict, edits: tuple[Edit, ...]) -> str:
    """Who changed what, with both sides of every object, but for secrets."""
    from hashell.grammar.secrecy import masked_object, secrets_of
    from hashelld.cib.lang.format import format_object

    def indented(found: Object | None, other: Object | None = None) -> list[str]:
        if found is None:
            return ["  (deleted)"]
        known = {} if other is None else secrets_of(other)
        return [f"  {line}" for line in format_object(masked_object(found, known)).splitlines()]

    ours = {edit.object.id: edit.object for edit in edits if isinstance(edit, Put)}
    by = conflict.by
    who = " ".join(part for part in (by.user or "somebody", f"on {by.node}" if by.node else "") if part)
    lines = [f"{who} changed the same meanwhile{f' ({by.command})' if by.command else ''}; nothing was committed."]
    for name in conflict.objects:
        lines += [f"{name}, theirs:", *indented(conflict.theirs.find(name))]
        lines += [f"{name}, yours:", *indented(ours.get(name), conflict.theirs.find(name))]
    return "\n".join(lines)
