"""Shadows: configurations beside the cluster's, to edit and try; one file each, below XDG_STATE_HOME."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from hashell.client.filing import Known, locked
from hashell.client.port import Client, Kept
from hashell.client.shelf import place_of
from hashell.errors import Refused
from hashelld.cib.digest import digest
from hashelld.cib.document import Cib
from hashelld.model.ids import NO_EPOCH, Version, is_id
from hashelld.wire import client as wire


class FileShadows:
    """The shadows of one cluster, in a folder that only their owner reads."""

    __slots__ = ("folder",)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> tuple[str, ...]:
        """All that there are, sorted."""
        try:
            return tuple(sorted(path.name for path in self.folder.iterdir() if is_id(path.name)))
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise Refused(f"{self.folder}: {error.strerror}") from None

    def find(self, name: str) -> Kept | None:
        """The shadow of this name."""
        path = self._path(name)
        try:
            return msgspec.msgpack.decode(path.read_bytes(), type=Kept)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Refused(f"{path}: {error.strerror}") from None
        except msgspec.MsgspecError as error:
            raise Refused(f"The shadow {name} cannot be read ({error}): cib delete {name}") from None

    def put(self, name: str, kept: Kept) -> None:
        """Write it as a whole: nobody ever reads half of one."""
        dated = msgspec.structs.replace(kept, at_ms=time.time_ns() // 1_000_000)
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor, temporary = tempfile.mkstemp(prefix=".shadow-", dir=self.folder)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(msgspec.msgpack.encode(dated))
                    file.flush()
                    os.fsync(file.fileno())
                Path(temporary).replace(self._path(name))
            except OSError:
                Path(temporary).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise Refused(f"{self.folder}: {error.strerror}") from None

    def remove(self, name: str) -> None:
        """Take it away."""
        try:
            self._path(name).unlink(missing_ok=True)
        except OSError as error:
            raise Refused(f"{self._path(name)}: {error.strerror}") from None

    def client(self, name: str, live: Client) -> Client:
        """A client of the shadow: commits go into it, the state is that of the cluster."""
        return ShadowClient(self, name, live)

    def _path(self, name: str) -> Path:
        if not is_id(name):
            raise Refused(f"'{name}' is no name for a shadow: a letter or _, then letters, digits, _ . -")
        return self.folder / name


class ShadowClient:
    """The client of a shadow."""

    __slots__ = ("_known", "_live", "_name", "_shadows")

    def __init__(self, shadows: FileShadows, name: str, live: Client) -> None:
        self._shadows = shadows
        self._name = name
        self._live = live
        self._known = Known()

    @property
    def name(self) -> str:
        """What the prompt shows."""
        return self._name

    @property
    def has_cluster(self) -> bool:
        """Does somebody carry out what is committed?"""
        return False

    def daemon_pid(self) -> int | None:
        """A shadow has none: nobody carries it out."""
        return None

    def another(self) -> ShadowClient:
        """One more client of the same shadow, for another thread."""
        return ShadowClient(self._shadows, self._name, self._live.another())

    def ask(self, request: wire.Request, timeout_ms: int = 10_000) -> wire.Answer:
        """Answer from the shadow; the state and the history are the cluster's."""
        match request:
            case wire.GetCib():
                version, kept = self._read()
                return wire.CibIs(version, digest(kept.cib), kept.cib)
            case wire.MakeCommit():
                return self._commit(request)
            case wire.GetStatus():
                status = self._live.ask(request, timeout_ms)
                version, _kept = self._read()
                is_status = isinstance(status, wire.StatusIs)
                return msgspec.structs.replace(status, version=version) if is_status else status
            case wire.GetHistory() | wire.AskCommit() | wire.Subscribe():
                return self._live.ask(request, timeout_ms)
            case _:
                text = f"{self._name} is a shadow: it does nothing; cib use (without a name) goes back to the cluster"
                return wire.Refused("shadow", text)

    def events(self, timeout_ms: int) -> Iterator[wire.Changed | None]:
        """What happens in the cluster."""
        return self._live.events(timeout_ms)

    def close(self) -> None:
        """The cluster's client is closed by whoever opened it."""

    def _commit(self, request: wire.MakeCommit) -> wire.Answer:
        with locked(self._shadows.folder):
            version, kept = self._read()
            after = self._known.result(request, version, kept.cib, f"the shadow {self._name}")
            if not isinstance(after, Cib):
                return after
            made = msgspec.structs.replace(kept, cib=after, serial=kept.serial + 1)
            self._shadows.put(self._name, made)
        self._known.add(_version(made), after)
        return wire.Committed(_version(made))

    def _read(self) -> tuple[Version, Kept]:
        kept = self._shadows.find(self._name)
        if kept is None:
            raise Refused(f"There is no shadow '{self._name}' any more: cib use (without a name) leaves it.")
        self._known.add(_version(kept), kept.cib)
        return _version(kept), kept


def _version(kept: Kept) -> Version:
    return Version(NO_EPOCH, kept.serial)


def shadows_of(environment: Mapping[str, str], cluster: str) -> FileShadows | None:
    """The shadows of a cluster; None without a home."""
    place = place_of(environment, "shadows", cluster)
    return None if place is None else FileShadows(place)
