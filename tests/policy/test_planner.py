"""The planner plans again only when something that counts has changed."""

from __future__ import annotations

import msgspec

from hashelld.policy.plan import Planner, plan
from tests.build import cluster


RUNNING = """\
cluster nodes=n1,n2
  primitive web ocf:heartbeat:apache
active web on n1
"""
FAILED = """\
cluster nodes=n1,n2
  primitive web ocf:heartbeat:apache meta migration-threshold=1 failure-timeout=60s
failures web monitor on n1 count=1 ago=20s
active web on n2
"""


def later(view, span_ms):
    return msgspec.structs.replace(view, now_ms=view.now_ms + span_ms)


def test_an_equal_view_gives_the_same_answer_without_planning():
    planner = Planner()
    first = planner.plan(cluster(RUNNING))
    assert planner.plan(later(cluster(RUNNING), 1_000)) is first


def test_another_view_is_planned():
    planner = Planner()
    planner.plan(cluster(RUNNING))
    view = cluster(RUNNING + "node n1 standby\n")
    assert planner.plan(view) == plan(view)
    assert planner.plan(view).actions


def test_the_moment_that_an_answer_named_is_heeded():
    planner = Planner()
    view = cluster(FAILED)
    first = planner.plan(view)
    assert first.wake_ms is not None
    assert planner.plan(later(view, 39_000)) is first
    assert planner.plan(later(view, 41_000)) == plan(later(view, 41_000))
    assert planner.plan(later(view, 41_000)) is not first


def test_a_clock_that_went_back_plans_again():
    planner = Planner()
    view = cluster(RUNNING)
    first = planner.plan(view)
    assert planner.plan(later(view, -1_000)) is not first
