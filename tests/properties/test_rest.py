"""What drawn and recorded clusters once found wrong: what is done, and that nothing is left to do then."""

from __future__ import annotations

from textwrap import dedent

import pytest

from hashelld.policy.plan import plan
from hashelld.policy.simulate import carry_out
from tests.build import cluster
from tests.properties.test_plan import came_to_rest, labels


FENCED_ITSELF = ["stonith-n1-reboot@n1", "stonith-n2-reboot@n2", "web_stop_0@n1"]
CASES = {
    "a copy that a migration left behind": (
        """
        cluster nodes=n1,n2
          primitive vm ocf:heartbeat:Dummy meta allow-migrate=true
        active vm on n1
        did vm migrate_to on n1 with=n2
        did vm migrate_from on n2 with=n1""",
        ["vm_stop_0@n1"],
    ),
    "a partition that fences itself starts nothing, and its DC goes last": (
        """
        cluster nodes=n1,n2,n3 quorum=no fencing=yes
          property no-quorum-policy=suicide
          primitive web ocf:heartbeat:apache
          primitive db ocf:heartbeat:pgsql
        node n3 unclean
        active web on n1""",
        ["fencer_stop_0@n1", *FENCED_ITSELF],
    ),
    "a partition that never had quorum does not fence itself": (
        """
        cluster nodes=n1,n2,n3 quorum=no fencing=yes was-quorate=no
          property no-quorum-policy=suicide
          primitive web ocf:heartbeat:apache
        node n3 unclean
        active web on n1""",
        ["fencer_stop_0@n1", "web_stop_0@n1"],
    ),
    "frozen, but it needs no quorum": (
        """
        cluster nodes=n1,n2,n3 quorum=no
          property no-quorum-policy=freeze
          primitive web ocf:heartbeat:apache meta requires=nothing
          primitive db ocf:heartbeat:pgsql
        node n3 offline""",
        ["web_start_0@n1"],
    ),
    "promoted here, unpromoted there": (
        """
        cluster nodes=n1,n2,n3
          primitive db ocf:heartbeat:pgsql
          clone dbs db meta promotable=true clone-max=2
        active db on n1
        promoted db on n2
        node n2 standby""",
        ["db_demote_0@n2", "db_start_0@n3", "db_stop_0@n2"],
    ),
    "instances that shun each other, one beside another": (
        """
        cluster nodes=n1,n2
          primitive a ocf:heartbeat:Dummy
          primitive b ocf:heartbeat:Dummy
          clone as a meta interleave=true
          clone bs b
          colocation apart -inf: as bs
        active a on n2
        active b on n1
        active b on n2""",
        ["a_stop_0@n2"],
    ),
    "an instance without a partner is not what others wait for": (
        """
        cluster nodes=n1,n2
          primitive a ocf:heartbeat:Dummy
          primitive b ocf:heartbeat:Dummy
          primitive c ocf:heartbeat:Dummy
          clone as a meta interleave=true
          clone bs b meta interleave=true
          order ab as bs
          order bc bs c
          location away as -inf: n1
        active a on n2
        active b on n2
        active c on n1""",
        [],
    ),
}


@pytest.mark.parametrize(("description", "expected"), CASES.values(), ids=CASES)
def test_what_is_done(description: str, expected: list[str]):
    view = cluster(dedent(description))
    assert [label for label in labels(plan(view)) if "_monitor_" not in label] == expected
    assert came_to_rest(view)


def test_the_dc_of_a_partition_that_fences_itself_is_the_last():
    description, _expected = CASES["a partition that fences itself starts nothing, and its DC goes last"]
    transition = plan(cluster(dedent(description)))
    fencings = [action for action in transition.actions if action.label.startswith("stonith-")]
    assert [action.node for action in fencings] == ["n2", "n1"]
    assert transition.actions.index(fencings[0]) in fencings[1].after


def test_a_long_chain_is_planned_with_few_edges():
    """What restarts because the first one failed waits for all first looks elsewhere; the last one stops first."""
    count = 60
    lines = [f"  primitive r{at} ocf:heartbeat:Dummy op monitor interval=10s" for at in range(count)]
    lines += [f"  order o{at} r{at} r{at + 1}" for at in range(count - 1)]
    lines += [f"active r{at} on n1" for at in range(count)] + [f"unknown r{at} on n2" for at in range(count)]
    view = cluster("\n".join(["cluster nodes=n1,n2", *lines, "failed r0 monitor on n1 rc=7"]))
    transition = plan(view)
    waits = {action.label: action.after for action in transition.actions}
    assert sum(map(len, waits.values())) < 10 * count
    last = {transition.actions[at].label for at in waits[f"r{count - 1}_stop_0@n1"]}
    assert last == {f"r{at}_monitor_0@n2" for at in range(count - 1)}
    assert labels(plan(carry_out(view, transition))) == []
