"""Builders and bounded waits for tests with real sockets, disks and processes."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable
from pathlib import Path

from hashelld.config import DaemonConfig, parse
from hashelld.io.clock import Clock
from hashelld.io.keys import ClusterKey, derive
from hashelld.model.ids import NO_EPOCH, NO_VERSION, Incarnation, NodeId
from hashelld.wire.peer import BeatContent, Body, Envelope, Handover


CLOCK = Clock()
KEY = derive(b"k" * 32)
OTHER_KEY = derive(b"o" * 32)
WITHIN_MS = 5_000
QUICK = 'keepalive = "20ms"\nwarntime = "60ms"\ndeadtime = "200ms"\n'


def until(condition: Callable[[], object], within_ms: int = WITHIN_MS) -> None:
    """Look again and again, for a bounded time."""
    idle = select.poll()
    deadline = time.monotonic() + within_ms / 1000
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        idle.poll(2)


def free_port() -> int:
    """A port that is free for TCP and UDP on loopback."""
    while True:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            port = int(tcp.getsockname()[1])
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def configs(
    directory: Path, names: tuple[str, ...], timings: str = QUICK, *, extra: str = "", links: int = 1
) -> list[DaemonConfig]:
    """One configuration for each node, all on loopback, with a key file."""
    ports = [free_port() for _ in names]
    addresses = ", ".join(f'"127.0.0.{link + 1}"' for link in range(links))
    nodes = "".join(
        f'[[nodes]]\nname = "{name}"\naddresses = [{addresses}]\nport = {port}\n'
        for name, port in zip(names, ports, strict=True)
    )
    key = directory / "key"
    if not key.exists():
        key.touch(0o600)
        key.write_text("a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=\n")
    made = []
    for name in names:
        text = (
            f'[node]\nname = "{name}"\nstate = "{name}"\nsocket = "{name}.sock"\nrealtime = false\n'
            f'[cluster]\nkey = "key"\n{timings}{extra}{nodes}'
        )
        made.append(parse(text, str(directory / f"{name}.toml"), "elsewhere"))
    return made


def content(**changes: object) -> BeatContent:
    """What a beat says."""
    fields: dict[str, object] = {
        "cluster": "c",
        "file": "f",
        "promised": NO_EPOCH,
        "stored": NO_VERSION,
        "hears": (),
        "is_quorate_dc": False,
        "is_voter": True,
    }
    return BeatContent(**{**fields, **changes})  # type: ignore[arg-type]


def envelope(sender: str, receiver: str, sequence: int = 1, body: Body | None = None) -> Envelope:
    """A message."""
    one = Incarnation(1, "x")
    found = Handover() if body is None else body
    return Envelope("c", NodeId(sender), one, NodeId(receiver), one, NO_EPOCH, sequence, 0, found)


def script(directory: Path, text: str) -> str:
    """An executable agent."""
    path = directory / f"agent-{len(list(directory.iterdir()))}"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


KEYS: tuple[ClusterKey, ...] = (KEY,)
