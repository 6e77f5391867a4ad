"""Statements as crmsh's users type them: any case, forced, and with constraints that follow their resources."""

from __future__ import annotations

import pytest

from hashell.errors import Refused
from hashell.outcomes import Listing, Said
from hashelld.model.resource import Group
from tests.shell.memory import Shell


def text(shell: Shell, line: str) -> str:
    listing = shell.run(line)
    assert isinstance(listing, Listing)
    return listing.text.replace(" \\\n\t", " ")


def said(shell: Shell, line: str) -> Said:
    outcome = shell.run(line)
    assert isinstance(outcome, Said)
    return outcome


def test_first_words_and_keywords_may_be_in_any_case() -> None:
    shell = Shell()
    shell.run("configure PRIMITIVE more ocf:test:Dummy META priority=1 OP monitor interval=10s")
    assert (
        text(shell, "configure show more") == "primitive more ocf:test:Dummy meta priority=1 op monitor interval=10s\n"
    )


def test_ids_that_nothing_refers_to_are_shown_when_asked_for() -> None:
    shell = Shell()
    shell.run("configure primitive more ocf:test:Dummy meta $id=more-meta priority=1")
    assert text(shell, "configure show more") == "primitive more ocf:test:Dummy meta priority=1\n"
    assert text(shell, "configure show --ids more") == "primitive more ocf:test:Dummy meta $id=more-meta priority=1\n"


def test_sections_are_shown_in_the_order_in_which_they_were_written() -> None:
    shell = Shell()
    statement = "primitive more ocf:test:Web op monitor interval=10s meta priority=1 params port=80"
    shell.run(f"configure {statement}")
    assert text(shell, "configure show more") == f"{statement}\n"


def test_a_group_is_made_without_members_that_do_not_exist_when_that_is_forced() -> None:
    shell = Shell()
    with pytest.raises(Refused, match="unknown-resource"):
        shell.run("configure group pair web wbe")
    shell.session.options.force = True
    outcome = said(shell, "configure group pair web wbe")
    assert any("pair is made without it" in warning for warning in outcome.warnings)
    pair = shell.client.cib.find("pair")
    assert isinstance(pair, Group)
    assert pair.members == ("web",)
    with pytest.raises(Refused, match="unknown-resource"):
        shell.run("configure clone copies wbe")


def test_constraints_follow_into_a_container_and_that_is_told() -> None:
    shell = Shell()
    outcome = said(shell, "configure group pair web")
    assert any("web-prefers-node1 now names" in warning for warning in outcome.warnings)
    assert text(shell, "configure show web-prefers-node1") == "location web-prefers-node1 pair 100: node1\n"
    with pytest.raises(Refused, match="pair is used by 'web-prefers-node1'"):
        shell.run("configure delete pair")
    shell.session.options.force = True
    shell.run("configure delete pair")
    assert text(shell, "configure show web-prefers-node1") == "location web-prefers-node1 web 100: node1\n"


@pytest.mark.parametrize(
    "statement",
    [
        "location late web rule date lt tomorrow",
        "order round web cache\norder back cache web",
        "tag both web nobody",
        "primitive more ocf:test:Dummy utilization cpu=many",
        "colocation roles inf: web:Promoted queue",
        "clone copies web meta promotable=true",
        "property no-quorum-policy=suicide",
    ],
)
def test_what_makes_no_sense_is_refused_unless_forced(statement: str) -> None:
    shell = Shell()
    shell.enter("configure")
    for one in statement.split("\n"):
        shell.run(one)
    with pytest.raises(Refused, match="--force lets this pass"):
        shell.run("commit")
    shell.run("commit --force")
