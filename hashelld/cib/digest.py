"""Digests of documents and log entries: canonical bytes, hashed with BLAKE2b."""

from __future__ import annotations

from hashlib import blake2b

import msgspec


_ENCODER = msgspec.msgpack.Encoder(order="deterministic")


def digest(value: object) -> str:
    """16 bytes of BLAKE2b over the canonical encoding of any model value, in hexadecimal."""
    return blake2b(_ENCODER.encode(value), digest_size=16).hexdigest()
