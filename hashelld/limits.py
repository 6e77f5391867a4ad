"""Every bound and interval of the daemon, with the relations between them."""

from __future__ import annotations

import select
from typing import Final

from hashelld.wire.codec import ASK_BYTES_MAX, BEAT_BYTES_MAX, ENVELOPE_BYTES_MAX, FRAME_BYTES_MAX, FRAMES_MAX


# Configuration.
NODES_MAX: Final = 32
NODE_NAME_LENGTH_MAX: Final = 63
LINKS_MAX: Final = 4
KEYS_MAX: Final = 4
CONFIG_BYTES_MAX: Final = 1 << 20
SOCKET_PATH_LENGTH_MAX: Final = 100
"""The kernel's limit of an AF_UNIX path is 107; libzmq needs a little of it."""
DEFAULT_PORT: Final = 5409
KEEPALIVE_MS_MIN: Final = 10

# Beats.
BEAT_TAG_BYTES: Final = 16
BEAT_MARK_BYTES: Final = 4
DATAGRAM_BYTES_MAX: Final = 1 + BEAT_MARK_BYTES + BEAT_TAG_BYTES + BEAT_BYTES_MAX
DATAGRAMS_BUFFER_BYTES: Final = 4 << 20
DATAGRAMS_PER_TURN_MAX: Final = 256
"""Read at once from one socket, so that a flood cannot keep the thread from sending."""

# The loop.
INBOX_MAX: Final = 10_000
MESSAGES_PER_TURN_MAX: Final = 256
CLIENT_REQUESTS_PER_TURN_MAX: Final = 128
WALL_JUMP_MS: Final = 1_000
DROPS_TOLD_EVERY_MS: Final = 1_000
MEMORY_RETURNED_EVERY_MS: Final = 5_000
"""While there is something to drop."""
DROPS_NOTED_EVERY_MS: Final = 60_000
FLUSH_MS: Final = 300
"""How long messages already given to libzmq may still leave after the loop's end."""

LINES_KEPT: Final = 1_000
"""Of the log, for `hashell report`."""
LINE_BYTES_MAX: Final = 4_000
"""Of the log; a pipe that is writable takes so much (PIPE_BUF) without waiting."""

# Messages between nodes.
PEER_SEND_QUEUE_MAX: Final = 256
PEER_RECEIVE_QUEUE_MAX: Final = 256
HANDSHAKE_MS: Final = 2_000
RECONNECT_MS: Final = 50
REBIND_TRIES: Final = 100
REBIND_WAIT_MS: Final = 2
"""Between two of them, while the loop stands still: together less than any deadtime worth its name."""
CONNECT_MS: Final = 300
"""A connection that was attempted while the network was cut is given up, or its next SYN comes seconds later."""

# Shells.
CLIENTS_MAX: Final = 64
CLIENT_QUEUE_MAX: Final = 256
CLIENT_RECEIVE_QUEUE_MAX: Final = 8
"""Requests of one connection that wait to be read; a shell asks one thing after the other."""

# Agents.
OUTPUT_BYTES_MAX: Final = 64 * 1024
STDIN_BYTES_MAX: Final = 64 * 1024
"""A pipe's buffer: all of it is written before the agent starts."""
KILL_AFTER_MS: Final = 2_000
"""From TERM to KILL."""
ORPHANS_GONE_MS: Final = 5_000
"""After KILL a process of an earlier incarnation must be gone; one that the kernel cannot end stops our start."""
AGENTS_MAX: Final = 1_000

# The store.
ASIDE_ROWS_MAX: Final = 1_000
STORE_QUEUE_MAX: Final = 10_000
STORE_BUSY_MS: Final = 1_000

assert DATAGRAM_BYTES_MAX <= 65_507 - 28, "a datagram is one datagram"
assert NODES_MAX * (NODE_NAME_LENGTH_MAX + 2) < BEAT_BYTES_MAX // 2 + 512, "a beat can name every node as heard"
assert ASK_BYTES_MAX < FRAME_BYTES_MAX < ENVELOPE_BYTES_MAX == FRAME_BYTES_MAX * (FRAMES_MAX - 1)
assert CLIENTS_MAX <= CLIENT_QUEUE_MAX
assert MESSAGES_PER_TURN_MAX < INBOX_MAX
assert LINE_BYTES_MAX < select.PIPE_BUF
assert CONNECT_MS > RECONNECT_MS
assert HANDSHAKE_MS > CONNECT_MS
assert KILL_AFTER_MS < ORPHANS_GONE_MS
