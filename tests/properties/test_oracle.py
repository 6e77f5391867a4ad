"""Pacemaker's own scheduler decides the same for drawn clusters (`crm_simulate`, as Debian 12 ships it: 2.1.5).

`EXAMPLES=2000 pytest tests/properties/test_oracle.py -k groups` draws so many fresh clusters instead of the same few.
What is not drawn, because release 2.1.5 is known to be wrong or has changed since, is said in `clusters`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import assume, given

from hashell.commands.simulating import simulated
from hashelld.cib.xml.status import read_view
from tests.properties.cib_xml import NOW_S, cib_xml
from tests.properties.clusters import Theme, clusters
from tests.properties.effort import few
from tests.properties.pacemaker import Placement, ask
from tests.properties.shapes import Cluster


pytestmark = [pytest.mark.needs("crm_simulate"), pytest.mark.slow]

FEW = few(75)
DEED = re.compile(r"(?<!_notify)_(start|stop|promote|demote|migrate_to|migrate_from)_0@|\Astonith-")
"""Labels of what changes something: no probes, recurring monitors and notifications."""
LOOK = re.compile(rf"{DEED.pattern}|_monitor_0@")
"""Probes as well. Members of a group of which a clone has surplus instances 2.1.5 does not look for everywhere."""


def chosen(labels: Iterable[str], what: re.Pattern[str]) -> list[str]:
    return sorted(filter(what.search, labels))


def seen(placement: Placement, unclean: frozenset[str]) -> Placement:
    """Without nodes that stay lost: what may be active there is not always told."""
    return Counter({place: count for place, count in placement.items() if place[1] not in unclean})


def agree(cluster: Cluster, what: re.Pattern[str] = LOOK) -> None:
    """Both do the same, and the same is active in the end."""
    text = cib_xml(cluster)
    theirs = ask(text)
    assume(theirs is not None)
    assert theirs is not None
    ours = simulated("cib.xml", read_view(text, NOW_S * 1000))
    assert seen(Counter(ours.placement), theirs.unclean) == seen(theirs.placement, theirs.unclean)
    assert chosen(ours.actions, what) == chosen(theirs.actions.elements(), what)


@FEW
@given(clusters(Theme.PRIMITIVES))
def test_primitives(cluster: Cluster):
    agree(cluster)


@FEW
@given(clusters(Theme.PRIMITIVES, Theme.GROUPS))
def test_groups(cluster: Cluster):
    agree(cluster)


@FEW
@given(clusters(Theme.PRIMITIVES, Theme.CLONES))
def test_clones(cluster: Cluster):
    agree(cluster)


@FEW
@given(clusters(Theme.PRIMITIVES, Theme.PROMOTABLE))
def test_promotable_clones(cluster: Cluster):
    agree(cluster)


@FEW
@given(clusters(*Theme))
def test_all_kinds_together(cluster: Cluster):
    agree(cluster, DEED)
