"""Tickets: who may run, who may be promoted, and what the loss of a ticket does."""

from __future__ import annotations

import pytest

from tests.policy.situations import homes, placed, scored


DUMMY = "ocf:heartbeat:Dummy"


def described(constraint: str, *state: str, fencing: str = "no") -> str:
    return "\n".join(
        [
            f"cluster nodes=n1,n2 fencing={fencing}",
            f"  primitive a {DUMMY}",
            f"  primitive p {DUMMY}",
            "  clone k p meta promotable=true",
            f"  {constraint}",
            *state,
        ]
    )


@pytest.mark.parametrize(("ticket", "runs"), [("", False), ("granted", True), ("standby", False), ("revoked", False)])
def test_what_needs_a_ticket_starts_only_with_it(ticket: str, runs: bool) -> None:
    found = placed(described("rsc_ticket r T: a", *([f"ticket T {ticket}"] if ticket else [])))
    assert ("a" in homes(found)) is runs
    assert bool(found.by_id["a"].why_stopped) is not runs


@pytest.mark.parametrize(
    ("policy", "fencing", "runs", "managed", "fenced"),
    [
        ("stop", "yes", False, True, False),
        ("demote", "yes", False, True, False),
        ("freeze", "yes", True, False, False),
        ("fence", "yes", False, True, True),
        ("fence", "no", False, True, False),
    ],
)
def test_what_a_loss_does(policy: str, fencing: str, runs: bool, managed: bool, fenced: bool) -> None:
    text = described(f"rsc_ticket r T: a loss-policy={policy}", "active a on n2", "ticket T revoked", fencing=fencing)
    found = placed(text)
    assert (homes(found).get("a") == "n2") is runs
    assert found.by_id["a"].is_managed is managed
    assert found.nodes[1].is_unclean is fenced


def test_a_ticket_in_standby_ends_gracefully_whatever_the_policy_says() -> None:
    found = placed(
        described("rsc_ticket r T: a loss-policy=fence", "active a on n2", "ticket T standby", fencing="yes")
    )
    assert "a" not in homes(found)
    assert not found.nodes[1].is_unclean
    assert found.by_id["a"].why_stopped == "ticket T is in standby"


ROLE = ("attribute n1 master-p=10", "promoted p on n1", "active p on n2")


@pytest.mark.parametrize(
    ("policy", "ticket", "expected"),
    [
        ("demote", "granted", {"p:0": "n1*", "p:1": "n2"}),
        ("demote", "revoked", {"p:0": "n1", "p:1": "n2"}),
        ("demote", "standby", {"p:0": "n1", "p:1": "n2"}),
        ("stop", "revoked", {}),
    ],
)
def test_a_ticket_for_the_promoted_role(policy: str, ticket: str, expected: dict[str, str]) -> None:
    found = homes(placed(described(f"rsc_ticket r T: k:Promoted loss-policy={policy}", *ROLE, f"ticket T {ticket}")))
    assert {name: home for name, home in found.items() if name != "a"} == expected


@pytest.mark.parametrize(
    ("subject", "banned"),
    [("k", {"p:0", "p:1"}), ("a k", {"a", "p:0", "p:1"}), ("t", {"a"}), ("nobody", set())],
)
def test_whom_a_ticket_concerns(subject: str, banned: set[str]) -> None:
    found = scored(described(f"tag t a\n  primitive nobody {DUMMY} meta priority=1\n  rsc_ticket r T: {subject}"))
    assert {item.id for item in found.primitives() if item.why_stopped} - {"nobody"} == banned


def test_all_tickets_are_needed() -> None:
    text = described("rsc_ticket r T: a\n  rsc_ticket r2 U: a", "ticket T granted")
    assert "a" not in homes(placed(text))
    assert "a" in homes(placed(f"{text}\nticket U granted"))
