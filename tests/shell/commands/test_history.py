"""The level `history`."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from hashell.commands.chronicle import at_version, moment_of
from hashell.errors import Refused, Usage
from hashell.outcomes import Listing, Said, Table
from hashelld.cib.document import Cib
from hashelld.cib.edit import Delete
from hashelld.cib.lang.format import format_cib
from hashelld.model.history import ActionResult, NodeStatus
from hashelld.model.ids import NodeId, ResourceId
from hashelld.wire import client as wire
from tests.shell.memory import NOON_MS, Shell


SECRET = "configure primitive db ocf:test:Web params port=1 password=geheim"


def table(shell: Shell, line: str) -> Table:
    found = shell.run(line)
    assert isinstance(found, Table)
    return found


def text(shell: Shell, line: str) -> str:
    found = shell.run(line)
    assert isinstance(found, Listing)
    return found.text


def busy(shell: Shell, *results: tuple[str, str, str, int, int]) -> None:
    """The nodes' newest results: node, operation, resource, seconds after noon, code."""
    views = []
    for view in shell.client.views:
        operations = tuple(
            ActionResult(
                resource=ResourceId(resource), operation=operation, started_ms=NOON_MS + at * 1000, rc=code, call=call
            )
            for call, (node, operation, resource, at, code) in enumerate(results)
            if node == view.node
        )
        views.append(replace(view, status=NodeStatus(node=view.node, operations=operations)))
    shell.client.views = tuple(views)


def test_the_log_tells_who_changed_what() -> None:
    shell = Shell()
    shell.run("configure set web.port 81")
    shell.run("resource stop cache")
    rows = table(shell, "history log").rows
    assert [row[2] for row in rows] == ["adam", "adam"]
    assert [row[4] for row in rows] == ["set web", "set cache"]
    assert len(table(shell, "history log web").rows) == 1
    assert table(shell, "history log --limit 1").rows[0][4] == "set cache"


def test_a_difference_is_one_change_or_all_between_two_versions() -> None:
    shell = Shell()
    shell.run("configure set web.port 81")
    shell.run("configure set web.port 82")
    shell.run("configure delete web-prefers-node1")
    assert "-\tparams port=81 \\\n+\tparams port=82 \\\n" in text(shell, "history diff 3.node1:3")
    assert "-web-prefers-node1" in text(shell, "history diff 4")
    both = text(shell, "history diff 2 -1")
    assert "+\tparams port=82" in both
    assert isinstance(shell.run("history diff 2 2"), Said)


def test_a_configuration_of_then() -> None:
    shell = Shell()
    shell.run("configure set web.port 81")
    before = shell.client.cib
    shell.run("configure set web.port 82")
    shell.run("configure delete queue --cascade")
    shown = text(shell, "history show 2")
    assert "params port=81" in shown
    assert "# older than the log, and changed since: apps queue" in shown
    assert "primitive web" in text(shell, "history show -3 web")
    assert text(shell, "history show 2 web xml").startswith("<")
    with pytest.raises(Refused, match="no nothing then"):
        shell.run("history show 2 nothing")
    assert format_cib(before) != shown


def test_what_began_with_the_log_is_known_as_a_whole() -> None:
    shell = Shell()
    shell.client.cib, shell.client.entries = Cib(), []
    founding = wire.HistoryEntry(version=shell.client.version, at_ms=NOON_MS, kind="founding", text="")
    shell.client.entries.append(founding)
    versions = [shell.client.cib]
    for change in ("property stonith-enabled=false", "node n1 attributes a=1", "primitive n1 ocf:test:Dummy"):
        shell.run(f"configure {change}")
        versions.append(shell.client.cib)
    for name in ("node:n1", "n1"):
        shell.session.commit((Delete(name),))
        versions.append(shell.client.cib)
    for at, cib in enumerate(versions):
        found, unknown = at_version(tuple(shell.client.entries), at, shell.client.cib)
        assert {format_cib(Cib((o,))) for o in found.objects} == {format_cib(Cib((o,))) for o in cib.objects}
        assert unknown == (("n1",) if at < 2 else ())


def test_an_unknown_version_is_refused() -> None:
    for line in ("history diff 99", "history show -1", "history transition 7"):
        with pytest.raises(Refused, match="no version"):
            Shell().run(line)


@pytest.mark.parametrize(
    "words", ["diff", "log --limit 0", "log --limit x", "limit whenever", "limit 1h 2h", "exclude (", "resource ("]
)
def test_history_needs_its_words(words: str) -> None:
    with pytest.raises(Usage):
        Shell().run(f"history {words}")


def test_secrets_are_stars_unless_they_are_asked_for() -> None:
    shell = Shell()
    shell.run(SECRET + " --force")
    assert shell.client.entries[-1].author is not None
    assert "geheim" not in shell.client.entries[-1].author.command
    for line in ("history diff -1", "history show -1", "history show -1 db"):
        assert "geheim" not in text(shell, line), line
        assert "geheim" in text(shell, f"{line} --show-secrets"), line
    shell.run("configure set db.password anders --force")
    assert "(another one)" in text(shell, "history diff -1")
    for line in ("history log", "history events"):
        assert "geheim" not in str(table(shell, line).rows)


def test_events_are_changes_and_operations_by_time() -> None:
    shell = Shell()
    shell.run("configure set web.port 81")
    busy(shell, ("node2", "start", "web", 3, 0), ("node1", "stop", "web", 2, 1), ("node1", "stop", "cache", -5, 0))
    rows = table(shell, "history events").rows
    assert [row[1] for row in rows] == ["operation", "commit", "failure", "operation"]
    assert [row[1] for row in table(shell, "history resource web").rows] == ["commit", "failure", "operation"]
    assert [row[1] for row in table(shell, "history resource w.*").rows] == ["commit", "failure", "operation"]
    assert [row[3] for row in table(shell, "history node node2").rows] == ["start of web on node2: done"]
    assert table(shell, "history resource apps").rows[0][3] == "stop of cache on node1: done"


def test_a_fencing_is_an_event_of_both_nodes() -> None:
    shell = Shell()
    fenced = wire.Fenced(
        target=NodeId("node3"), operation="reboot", by=NodeId("node1"), device="ipmi", ok=False, reason="timed out"
    )
    shell.client.status = replace(shell.client.status, fenced=(fenced,))
    row = table(shell, "history node node3").rows[0]
    assert row[3] == "reboot of node3 by ipmi, called on node1: FAILED: timed out"


def test_a_transition_is_a_change_and_the_operations_after_it() -> None:
    shell = Shell()
    assert isinstance(shell.run("history transition"), Said)
    shell.run("configure set web.port 81")
    shell.client.entries[-1] = replace(shell.client.entries[-1], at_ms=NOON_MS)
    shell.run("resource stop cache")
    shell.client.entries[-1] = replace(shell.client.entries[-1], at_ms=NOON_MS + 10_000)
    busy(shell, ("node1", "stop", "web", 1, 0), ("node1", "start", "web", 2, 1), ("node2", "stop", "cache", 11, 0))
    assert [row[2:4] for row in table(shell, "history transitions").rows] == [("2", "1 failed"), ("1", "all done")]
    newest = table(shell, "history transition")
    assert newest.rows[0][1:] == ("node2", "stop", "cache", "done")
    first = table(shell, "history transition 2")
    assert [row[2] for row in first.rows] == ["stop", "start"]
    assert first.rows[1][4] == "rc 1 FAILED"
    assert "set web" in first.title


def test_a_window_and_what_is_hidden_hold_until_they_are_lifted() -> None:
    shell = Shell()
    shell.run("configure set web.port 81")
    shell.run("resource stop cache")
    shell.client.entries[0] = replace(shell.client.entries[0], at_ms=NOON_MS - 7_200_000)
    shell.run("history limit 1h")
    assert len(table(shell, "history log").rows) == 1
    assert len(table(shell, "history log --since 3h").rows) == 2
    assert dict(table(shell, "history info").rows)["shown since"]
    shell.run("history limit 3h 1h")
    assert len(table(shell, "history log").rows) == 1
    shell.run("history limit")
    assert len(table(shell, "history log").rows) == 2
    shell.run("history exclude cache")
    assert len(table(shell, "history log").rows) == 1
    shell.run("history exclude clear")
    assert len(table(shell, "history log").rows) == 2


@pytest.mark.parametrize("written", ["2027-01-15 09:20:30", "2027-01-15T09:20:30"])
def test_moments(written: str) -> None:
    at_ms = moment_of(written, NOON_MS)
    assert moment_of(written[:10], NOON_MS) < at_ms
    assert moment_of(written[:16], NOON_MS) == at_ms - 30_000
    assert moment_of("90s", NOON_MS) == NOON_MS - 90_000
    assert moment_of("23:59:59", NOON_MS) - moment_of("00:00", NOON_MS) in (86_399_000, 82_799_000, 89_999_000)
