"""What a configuration that is no cluster's does with a commit: a file, or a shadow; and locks for its writers."""

from __future__ import annotations

import fcntl
import os
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from hashelld.cib.document import Cib
from hashelld.model.ids import Version
from hashelld.wire import client as wire
from hashelld.wire.log import Author


KNOWN_MAX: Final = 16


class Known:
    """The versions that were read of one configuration: what a commit was based on may be among them."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: OrderedDict[Version, Cib] = OrderedDict()

    def add(self, version: Version, cib: Cib) -> None:
        """Remember it; of too many, the oldest is forgotten."""
        self._found[version] = cib
        while len(self._found) > KNOWN_MAX:
            self._found.popitem(last=False)

    def result(
        self, request: wire.MakeCommit, version: Version, cib: Cib, name: str
    ) -> Cib | wire.Conflict | wire.Refused:
        """What a commit makes of the configuration of now, or why it is refused; nothing is written here."""
        # What only a commit needs, nobody who reads should wait for.
        from hashelld.cib.diff import rebase
        from hashelld.cib.edit import EditRefused, apply, touched
        from hashelld.cib.lang.diagnostic import errors, render
        from hashelld.cib.verify import verify

        edits = request.edits
        if version != request.base:
            base = self._found.get(request.base)
            edits, conflicts = rebase(base or Cib(), cib, edits)
            if conflicts or base is None:
                objects = tuple(one.id for one in conflicts) or tuple(sorted(touched(request.edits)))
                return wire.Conflict(version, cib, objects, Author(user="somebody"))
        try:
            after = apply(cib, edits)
        except EditRefused as refusal:
            return wire.Refused("invalid", str(refusal))
        wrong = errors(verify(after))
        if wrong:
            return wire.Refused("invalid", f"{name} was not changed:", tuple(render(one) for one in wrong))
        return after


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Only one shell at a time writes into the folder; the lock goes with the process that holds it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        yield  # Whoever writes there will tell what is wrong.
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
