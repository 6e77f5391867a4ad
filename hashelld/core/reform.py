"""The DC's counter for electorates that somebody asks for: one entry, answered when it is acknowledged."""

from __future__ import annotations

from hashelld.core.commits import Origin
from hashelld.core.electorates import NotPossible, changed, told_change
from hashelld.core.office import Office
from hashelld.core.standing import Standing
from hashelld.wire.client import Answer, ChangeQuorum, Done, Refused
from hashelld.wire.log import Author, ElectorateChange, Entry


class Reform:
    """At most one is under way: the next is refused until the last is known acknowledged (DESIGN.md 3.2)."""

    def __init__(self, standing: Standing, office: Office) -> None:
        self._standing = standing
        self._office = office
        self._waiting: dict[int, tuple[Origin, str]] = {}

    def on_request(self, wall_ms: int, author: Author, wish: ChangeQuorum, origin: Origin) -> Answer | None:
        """An answer at once, or None: it comes when both electorates have the entry on disk."""
        if not self._office.leading.has_barrier:
            return Refused("no-dc", "the DC is not ready yet; nothing was changed, try again")
        if not self._office.may_change_electorate:
            text = "the electorate is being changed already, which is not known acknowledged; nothing was changed"
            return Refused("busy", text, ("try again, or see cluster quorum for who is missing",))
        before, sound = self._standing.electorate, self._office.sound
        try:
            after = changed(before, wish, sound, before.votes.keys() & self._standing.membership.heard - sound)
        except NotPossible as refusal:
            return Refused("invalid", f"{refusal}; nothing was changed")
        told = told_change(before, after)
        if not told:
            return Done("the votes and modes are so already")
        change = ElectorateChange(after, told, author=author.signature())
        self._standing.note(
            "request.done", user=author.user, uid=author.uid, pid=author.pid, at=author.node, what=f"quorum: {told}"
        )
        version = self._office.order_electorate(change, wall_ms)
        self.expect(version.serial, origin, told)
        return None

    def expect(self, serial: int, origin: Origin, told: str) -> None:
        """Somebody waits until the entry of this serial is acknowledged, and is told so then."""
        self._waiting[serial] = (origin, told)

    def on_acknowledged(self, entry: Entry) -> list[tuple[Origin, Answer]]:
        """The answer that an acknowledged entry allows."""
        found = self._waiting.pop(entry.version.serial, None)
        return [] if found is None else [(found[0], Done(found[1]))]

    def end(self) -> list[tuple[Origin, Answer]]:
        """The office ends: what waits has an unknown outcome."""
        text = "the DC lost its office before the electorate was acknowledged; whether it was changed is unknown"
        answers: list[tuple[Origin, Answer]] = [(origin, Refused("lost", text)) for origin, _ in self._waiting.values()]
        self._waiting.clear()
        return answers
