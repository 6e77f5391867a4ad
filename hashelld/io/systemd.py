"""sd_notify: tells systemd, where it is the parent, that the daemon is ready or stopping."""

from __future__ import annotations

import os
import socket


def notify(state: str) -> None:
    """Send `READY=1` and the like; nothing happens without $NOTIFY_SOCKET."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path:
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        try:
            sender.connect(address)
            sender.send(state.encode())
        except OSError:
            return  # A supervisor that does not listen is no reason to stop.
