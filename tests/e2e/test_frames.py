"""The switch's pure part: what happens to frames, with time and seed as arguments."""

from __future__ import annotations

from itertools import pairwise

from tests.e2e.frames import ADDRESSES_MAX, CLEAR, QUEUE_MAX, REORDERED_MAX_S, Fabric, Way


A, B, C = (bytes((2, 0, 0, 0, 0, number)) for number in (1, 2, 3))
EVERYBODY = bytes((255,) * 6)
MANY = 2_000


def frame(receiver: bytes, sender: bytes, text: bytes = b"hello") -> bytes:
    return receiver + sender + b"\x08\x00" + text


def fabric(seed: int = 1, **ways: Way) -> Fabric:
    """Three ports that know each other; `a_b=` is the way from a to b."""
    made = Fabric(seed)
    for port, address in (("a", A), ("b", B), ("c", C)):
        made.plug(port)
        made.take(0.0, port, frame(EVERYBODY, address))
    made.due(0.0)
    for name, way in ways.items():
        source, _, target = name.partition("_")
        made.set_way(source, target, way)
    return made


def sent_to_b(made: Fabric, count: int = MANY) -> list[tuple[float, int]]:
    """When each of many frames from a, sent each millisecond, arrives at b, and its number."""
    arrived = []
    for number in range(count):
        made.take(number / 1_000, "a", frame(B, A, number.to_bytes(4, "big")))
    while (due := made.deadline()) is not None:
        arrived += [(due, int.from_bytes(got[14:18], "big")) for port, got in made.due(due) if port == "b"]
    return arrived


def test_who_is_not_known_is_looked_for_everywhere_and_who_is_known_is_not():
    made = Fabric(1)
    for port in ("a", "b", "c"):
        made.plug(port)
    made.take(0.0, "a", frame(B, A))
    assert [port for port, _ in made.due(0.0)] == ["b", "c"]
    made.take(0.0, "b", frame(A, B))
    assert [port for port, _ in made.due(0.0)] == ["a"]
    made.take(0.0, "a", frame(EVERYBODY, A))
    assert [port for port, _ in made.due(0.0)] == ["b", "c"]


def test_an_address_that_moves_is_followed():
    made = fabric()
    made.take(0.0, "c", frame(EVERYBODY, B))
    made.due(0.0)
    made.take(0.0, "a", frame(B, A))
    assert [port for port, _ in made.due(0.0)] == ["c"]


def test_addresses_are_bounded():
    made = Fabric(1)
    made.plug("a")
    made.plug("b")
    for number in range(ADDRESSES_MAX + 10):
        made.take(0.0, "a", frame(EVERYBODY, b"\x02\x01" + number.to_bytes(4, "big")))
    made.take(0.0, "b", frame(b"\x02\x01" + (ADDRESSES_MAX + 5).to_bytes(4, "big"), B))
    assert len(made.due(0.0)) == ADDRESSES_MAX + 10 + 1, "the unknown one is looked for"


def test_a_cut_is_one_way_and_heals():
    made = fabric(a_b=Way(is_cut=True))
    assert sent_to_b(made, 10) == []
    made.take(0.0, "b", frame(A, B))
    assert [port for port, _ in made.due(0.0)] == ["a"]
    made.set_way("a", "b", CLEAR)
    assert len(sent_to_b(made, 10)) == 10
    assert made.counts.cut == 10


def test_loss_is_a_share_drawn_from_the_seed():
    first, second = (sent_to_b(fabric(7, a_b=Way(loss=0.3))) for _ in range(2))
    assert first == second
    assert 0.65 * MANY < len(first) < 0.75 * MANY
    assert sent_to_b(fabric(8, a_b=Way(loss=0.3))) != first


def test_delay_and_jitter_keep_the_order():
    arrived = sent_to_b(fabric(a_b=Way(delay=0.05, jitter=0.02)))
    assert [number for _, number in arrived] == list(range(MANY))
    delays = [at - number / 1_000 for at, number in arrived]
    assert min(delays) >= 0.03 - 1e-9
    assert max(delays) <= 0.07 + 1e-9
    assert max(delays) - min(delays) > 0.01, "it jitters"


def test_reordered_frames_are_overtaken_and_arrive_soon():
    arrived = sent_to_b(fabric(a_b=Way(reorder=0.1, delay=0.001)))
    numbers = [number for _, number in arrived]
    assert sorted(numbers) == list(range(MANY))
    assert sum(first > second for first, second in pairwise(numbers)) > MANY // 50
    assert max(at - number / 1_000 for at, number in arrived) <= 0.001 + REORDERED_MAX_S + 1e-9


def test_duplicates_come_twice():
    numbers = [number for _, number in sent_to_b(fabric(a_b=Way(duplicate=0.2)))]
    assert set(numbers) == set(range(MANY))
    assert 1.15 * MANY < len(numbers) < 1.25 * MANY


def test_a_corrupted_frame_has_one_bit_flipped():
    made = fabric(a_b=Way(corrupt=1.0))
    sound = frame(B, A, bytes(100))
    made.take(0.0, "a", sound)
    ((_, spoiled),) = made.due(0.0)
    difference = int.from_bytes(sound, "big") ^ int.from_bytes(spoiled, "big")
    assert difference.bit_count() == 1


def test_who_is_unplugged_gets_nothing_more_and_is_forgotten():
    made = fabric(a_b=Way(delay=0.1))
    made.take(0.0, "a", frame(B, A))
    made.unplug("b")
    assert made.deadline() is None
    made.take(0.2, "a", frame(B, A))
    assert [port for port, _ in made.due(0.2)] == ["c"]
    made.take(0.2, "b", frame(A, B))
    assert made.due(0.2) == []


def test_the_queue_is_bounded():
    made = fabric(a_b=Way(delay=1.0))
    for _ in range(QUEUE_MAX + 5):
        made.take(0.0, "a", frame(B, A))
    assert made.counts.overflowed == 5
    assert len(made.due(2.0)) == QUEUE_MAX


def test_junk_is_no_frame():
    made = fabric()
    for junk in (b"", b"\x00" * 5, b"\x00" * 6, frame(B, EVERYBODY)):
        made.take(0.0, "a", junk)
    assert made.due(0.0) == []
