"""ZeroMQ's protocol (ZMTP 3.0) as bytes: how a client without libzmq greets, and the flags of frames."""

from __future__ import annotations


SIGNATURE = b"\xff\0\0\0\0\0\0\0\1\x7f"
GREETING = (SIGNATURE + b"\3\0" + b"NULL".ljust(20, b"\0")).ljust(64, b"\0")
READY = b"\5READY\x0bSocket-Type\0\0\0\6DEALER\x08Identity\0\0\0\0"
MORE, LONG, COMMAND = 1, 2, 4
"""Flags of a frame: another one follows, its length has eight bytes, it is for the protocol itself."""
