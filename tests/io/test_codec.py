"""Any bytes either decode or raise `ProtocolError`; what is encoded comes back."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashelld.cib.document import Cib
from hashelld.model.ids import NO_EPOCH, NO_VERSION, Incarnation, NodeId, Version
from hashelld.wire.client import PROTOCOL, Ask, Committed, GetHistory, Tell
from hashelld.wire.codec import (
    ASK_BYTES_MAX,
    BEAT_BYTES_MAX,
    ProtocolError,
    decode_ask,
    decode_beat,
    decode_envelope,
    decode_tell,
    encode_ask,
    encode_beat,
    encode_envelope,
    encode_tell,
)
from hashelld.wire.log import Barrier, Checkpoint, Electorate, Entry
from hashelld.wire.peer import Append, Beat, BeatContent, Envelope, Install
from tests.io.build import content, envelope


DECODERS: tuple[Callable[[bytes], object], ...] = (decode_envelope, decode_beat, decode_ask, decode_tell)
ONE = Incarnation(1, "x")
VERSION = Version(NO_EPOCH, 4)
ENTRY = Entry(version=VERSION, change=Barrier(), previous="a", document="b", at_ms=1)
BEAT = Beat(NodeId("a"), ONE, 3, ONE, 2, content(hears=(NodeId("b"),)), 0)
ASK = Ask(PROTOCOL, 7, GetHistory(3))


def good_messages() -> list[bytes]:
    return [
        encode_envelope(envelope("a", "b")),
        encode_envelope(envelope("a", "b", body=Append(VERSION, "d", (ENTRY,), VERSION))),
        encode_beat(BEAT),
        encode_ask(ASK),
        encode_tell(Tell(PROTOCOL, 7, Committed(VERSION))),
    ]


def test_what_is_encoded_comes_back() -> None:
    electorate = Electorate(votes={NodeId("a"): 1})
    checkpoint = Checkpoint(
        version=VERSION,
        entry="e",
        cluster="c",
        cib=Cib(),
        electorate=electorate,
        previous_electorate=electorate,
        electorate_version=NO_VERSION,
    )
    for sent in (envelope("a", "b"), envelope("a", "b", body=Install(checkpoint, VERSION))):
        assert decode_envelope(encode_envelope(sent)) == sent
    assert decode_beat(encode_beat(BEAT)) == BEAT
    assert decode_ask(encode_ask(ASK)) == ASK
    tell = Tell(PROTOCOL, 7, Committed(VERSION, "unsafe"))
    assert decode_tell(encode_tell(tell)) == tell


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=200))
def test_any_bytes_decode_or_are_refused(data: bytes) -> None:
    for decode in DECODERS:
        try:
            decode(data)
        except ProtocolError:
            continue


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_damaged_message_decodes_or_is_refused(data: st.DataObject) -> None:
    message = bytearray(data.draw(st.sampled_from(good_messages())))
    for _ in range(data.draw(st.integers(1, 3))):
        message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(message[: data.draw(st.integers(0, len(message)))])
    for decode in DECODERS:
        try:
            decode(cut)
        except ProtocolError:
            continue


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xdd\xff\xff\xff\xff",
        b"\x91" * 100_000,
        b"\xa2\xff\xfe",
        b"\x93\x01\x02\x81\xa4type\xa2\xff\xfe",
        msgspec.msgpack.encode([1, 2, {"type": "unknown-request"}]),
        msgspec.msgpack.encode([1, "2", {"type": "get-cib"}]),
        msgspec.msgpack.encode([PROTOCOL + 1, 2, {"type": "get-cib"}]),
        encode_ask(ASK) + b"\x00",
    ],
)
def test_what_is_no_request_is_refused(data: bytes) -> None:
    for decode in DECODERS:
        with pytest.raises(ProtocolError):
            decode(data)


def test_too_long_is_refused_before_it_is_read() -> None:
    with pytest.raises(ProtocolError, match="the limit is"):
        decode_ask(bytes(ASK_BYTES_MAX + 1))
    with pytest.raises(ProtocolError, match="the limit is"):
        decode_beat(bytes(BEAT_BYTES_MAX + 1))
    long = BeatContent("x" * BEAT_BYTES_MAX, "f", NO_EPOCH, NO_VERSION, (), False, True)
    with pytest.raises(ProtocolError, match="the limit is"):
        encode_beat(Beat(NodeId("a"), ONE, 3, ONE, 2, long, 0))


def test_an_envelope_with_a_foreign_body_is_refused() -> None:
    raw = msgspec.msgpack.decode(encode_envelope(envelope("a", "b")))
    raw[-1] = ["no-such-body"]
    with pytest.raises(ProtocolError):
        decode_envelope(msgspec.msgpack.encode(raw))
    assert Envelope.__struct_fields__[-1] == "body"
