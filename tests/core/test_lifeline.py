"""What configurations ask of watchdogs: what counts, what is refused, and what is told."""

from __future__ import annotations

import pytest

from hashelld.cib.document import Cib
from hashelld.cib.lang.lower import read_cib
from hashelld.core.lifeline import remarks, watchdog_flaw
from hashelld.core.options import self_fence_ms, unsafe_reasons
from hashelld.core.settings import Settings, Watchdog
from hashelld.model.ids import Millis, NodeId
from hashelld.wire.log import Electorate


WATCHDOG = Watchdog(timeout_ms=5_000, stop_budget_ms=10_000)
ENDED_MS: Millis = 600 + 2 * 100 + 10_000 + 5_000 + 1_000


def cib(*properties: str, more: str = "") -> Cib:
    found, _ = read_cib(f"property {' '.join(properties)}\n{more}" if properties else more)
    return found


def settings(watchdog: Watchdog | None = WATCHDOG, takeover_ms: Millis | None = None) -> Settings:
    name = NodeId("a")
    return Settings(
        node=name,
        cluster_name="c",
        file_digest="f",
        founding=Electorate(votes={name: 1}),
        watchdog=watchdog,
        takeover_delay_ms=takeover_ms,
    )


@pytest.mark.parametrize(
    ("properties", "after_ms"),
    [
        ((), None),
        (("stonith-watchdog-timeout=0",), None),
        (("stonith-watchdog-timeout=9s",), None),
        (("stonith-watchdog-timeout=10s",), ENDED_MS),
        (("fencing-watchdog-timeout=10s",), ENDED_MS),
        (("stonith-watchdog-timeout=-1",), ENDED_MS),
        (("stonith-watchdog-timeout=60s",), 60_000),
        (("stonith-watchdog-timeout=60s", "stonith-enabled=false"), None),
    ],
)
def test_when_a_lost_node_counts_as_fenced(properties: tuple[str, ...], after_ms: Millis | None) -> None:
    """Never before it must have ended, whatever the property says."""
    assert self_fence_ms(cib(*properties), settings()) == after_ms
    assert self_fence_ms(cib(*properties), settings(None)) is None


def test_the_takeover_waits_for_watchdogs() -> None:
    assert settings().takeover_ms == settings().ended_ms == ENDED_MS
    assert settings(None).takeover_ms == 6_000
    assert settings(takeover_ms=0).takeover_ms == 0


def test_it_is_not_unsafe_to_wait_for_watchdogs() -> None:
    off = cib("stonith-enabled=false")
    assert unsafe_reasons(off, two_node=False, settings=settings()) == ()
    assert len(unsafe_reasons(off, two_node=False, settings=settings(None))) == 1
    assert len(unsafe_reasons(off, two_node=False, settings=settings(takeover_ms=1_000))) == 1
    assert len(unsafe_reasons(off, two_node=True, settings=settings())) == 2
    freezing = cib("stonith-enabled=false", "no-quorum-policy=freeze")
    assert len(unsafe_reasons(freezing, two_node=False, settings=settings())) == 1


def test_a_timeout_below_twice_the_watchdog_s_is_refused() -> None:
    short = cib("stonith-watchdog-timeout=9s")
    for is_forced in (False, True):
        refused = watchdog_flaw(cib(), short, settings(), is_forced=is_forced)
        assert refused is not None
        assert refused.code == "invalid"
        assert "stonith-watchdog-timeout=9s is below twice the watchdog's timeout (5s)" in refused.text
    assert watchdog_flaw(short, short, settings(), is_forced=False) is None, "it was there before"
    assert watchdog_flaw(cib(), cib("stonith-watchdog-timeout=10s"), settings(), is_forced=False) is None
    assert watchdog_flaw(cib(), cib("stonith-watchdog-timeout=-1"), settings(), is_forced=False) is None


def test_a_timeout_without_a_watchdog_is_objected_to() -> None:
    asked = cib("stonith-watchdog-timeout=10s")
    refused = watchdog_flaw(cib(), asked, settings(None), is_forced=False)
    assert refused is not None
    assert refused.code == "objection"
    assert watchdog_flaw(cib(), asked, settings(None), is_forced=True) is None


@pytest.mark.parametrize(
    ("properties", "watchdog", "told"),
    [
        ((), None, ""),
        ((), WATCHDOG, ""),
        (("no-quorum-policy=suicide",), None, "no-quorum-policy=suicide only stops resources"),
        (("no-quorum-policy=fence",), None, "no-quorum-policy=fence only stops resources"),
        (("no-quorum-policy=suicide",), WATCHDOG, ""),
        (("stonith-watchdog-timeout=10s",), None, "counts for nothing: hashelld.toml has no [watchdog]"),
        (("stonith-watchdog-timeout=9s",), WATCHDOG, "it is below 10s, twice the timeout of [watchdog]"),
        (("stonith-watchdog-timeout=10s",), WATCHDOG, "fenced after 16.8s, which it may need to stop or be ended"),
        (("stonith-watchdog-timeout=60s",), WATCHDOG, ""),
        (("stonith-watchdog-timeout=-1",), WATCHDOG, ""),
        (
            ("stonith-watchdog-timeout=60s", "no-quorum-policy=freeze"),
            WATCHDOG,
            "with no-quorum-policy=freeze a node that is cut off runs on",
        ),
    ],
)
def test_what_is_told(properties: tuple[str, ...], watchdog: Watchdog | None, told: str) -> None:
    texts = list(remarks(cib(*properties), settings(watchdog), is_pair=False))
    assert len(texts) == bool(told)
    assert told in " ".join(texts)


def test_of_two_nodes_neither_can_count_on_the_other() -> None:
    texts = list(remarks(cib("stonith-watchdog-timeout=60s"), settings(), is_pair=True))
    assert len(texts) == 1
    assert "of two nodes that lose each other" in texts[0]


def test_stops_that_take_longer_than_the_budget_are_told() -> None:
    slow = cib(more="primitive a Dummy op stop timeout=11s\nprimitive b Dummy op stop timeout=10s\nprimitive c Dummy\n")
    texts = list(remarks(slow, settings(), is_pair=False))
    assert len(texts) == 1
    assert texts[0].startswith("a may take longer to stop than stop_budget of [watchdog] (10s)")
