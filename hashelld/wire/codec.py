"""Messages to bytes and back; whatever arrives either decodes or raises `ProtocolError`, nothing else."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from hashelld.wire.client import PROTOCOL, Ask, Tell
from hashelld.wire.peer import Beat, Envelope


FRAME_BYTES_MAX: Final = 1 << 20
"""One ZeroMQ frame; libzmq closes a connection that announces a longer one."""
FRAMES_MAX: Final = 16
"""Frames of one message, the routing id among them."""
ENVELOPE_BYTES_MAX: Final = FRAME_BYTES_MAX * (FRAMES_MAX - 1)
"""A message between nodes; a checkpoint is the longest one, and is cut into frames."""
ASK_BYTES_MAX: Final = FRAME_BYTES_MAX - 4096
"""A request fits into one frame, and into one log entry of one frame."""
TELL_BYTES_MAX: Final = ENVELOPE_BYTES_MAX
BEAT_BYTES_MAX: Final = 4096


class ProtocolError(Exception):
    """The bytes are no message of ours; the text tells why."""


_Message = TypeVar("_Message")

_ENCODER: Final = msgspec.msgpack.Encoder()
_ENVELOPES: Final = msgspec.msgpack.Decoder(Envelope)
_BEATS: Final = msgspec.msgpack.Decoder(Beat)
_ASKS: Final = msgspec.msgpack.Decoder(Ask)
_TELLS: Final = msgspec.msgpack.Decoder(Tell)


def encode_envelope(envelope: Envelope) -> bytes:
    """A message between nodes; `ProtocolError` when it is longer than any receiver accepts."""
    return _bounded(_ENCODER.encode(envelope), ENVELOPE_BYTES_MAX)


def decode_envelope(data: bytes) -> Envelope:
    """The message between nodes that these bytes are."""
    return _decode(_ENVELOPES, data, ENVELOPE_BYTES_MAX)


def encode_beat(beat: Beat) -> bytes:
    """A beat's payload, without the tag."""
    return _bounded(_ENCODER.encode(beat), BEAT_BYTES_MAX)


def decode_beat(data: bytes) -> Beat:
    """The beat that these bytes are; check its tag first."""
    return _decode(_BEATS, data, BEAT_BYTES_MAX)


def encode_ask(ask: Ask) -> bytes:
    """A shell's request; `ProtocolError` when it is longer than a daemon accepts."""
    return _bounded(_ENCODER.encode(ask), ASK_BYTES_MAX)


def decode_ask(data: bytes) -> Ask:
    """The shell's request that these bytes are."""
    ask = _decode(_ASKS, data, ASK_BYTES_MAX)
    if ask.protocol != PROTOCOL:
        raise ProtocolError(f"protocol {ask.protocol} is not spoken here, {PROTOCOL} is")
    return ask


def encode_tell(tell: Tell) -> bytes:
    """A daemon's answer."""
    return _bounded(_ENCODER.encode(tell), TELL_BYTES_MAX)


def decode_tell(data: bytes) -> Tell:
    """The daemon's answer that these bytes are."""
    tell = _decode(_TELLS, data, TELL_BYTES_MAX)
    if tell.protocol != PROTOCOL:
        raise ProtocolError(f"the daemon speaks protocol {tell.protocol}, this shell {PROTOCOL}")
    return tell


def _bounded(data: bytes, bytes_max: int) -> bytes:
    if len(data) > bytes_max:
        raise ProtocolError(f"a message of {len(data)} bytes; the limit is {bytes_max}")
    return data


def _decode(decoder: msgspec.msgpack.Decoder[_Message], data: bytes, bytes_max: int) -> _Message:
    _bounded(data, bytes_max)
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as failure:
        # ValueError: text that is not UTF-8. RecursionError: nested deeper than any value of ours.
        raise ProtocolError(str(failure)) from failure
