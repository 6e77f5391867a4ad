"""The level `cib`: shadows."""

from __future__ import annotations

from pathlib import Path

import pytest

from hashell.client.shadow import FileShadows
from hashell.errors import Refused, Usage
from hashell.outcomes import Listing, Planned, Said, Table
from hashelld.cib.lang.format import format_cib
from hashelld.cib.xml.read import read_xml
from hashelld.wire import client as wire
from tests.shell.memory import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(shadows=FileShadows(tmp_path / "shadows"))


def text(shell: Shell, line: str) -> str:
    found = shell.run(line)
    assert isinstance(found, Said | Listing)
    return found.text


def names(shell: Shell) -> list[str]:
    table = shell.run("cib list")
    assert isinstance(table, Table)
    return [row[0] for row in table.rows]


def test_a_shadow_is_edited_and_the_cluster_is_not(shell: Shell) -> None:
    before = shell.client.cib
    shell.run("cib new test")
    assert shell.session.client.name == "test"
    shell.run("configure set web.port 81")
    shell.run("configure delete web-prefers-node1")
    assert shell.client.cib == before
    assert "params port=81" in text(shell, "configure show web")
    assert "+\tparams port=81 \\" in text(shell, "cib diff")
    shell.run("cib use")
    assert "params port=80" in text(shell, "configure show web")
    assert names(shell) == ["test"]


def test_a_shadow_is_committed_in_one_step(shell: Shell) -> None:
    shell.run("cib new test")
    shell.run("configure set web.port 81")
    shell.run("configure primitive more ocf:test:Dummy")
    assert text(shell, "cib commit").startswith("Committed test as version 3.node1:2")
    assert len(shell.client.entries) == 1
    assert shell.client.cib.find("more") is not None
    assert text(shell, "cib diff") == "test is as the cluster's configuration."
    assert text(shell, "cib commit") == "Nothing to commit: test changes nothing."
    assert shell.session.shadow == "test"


def test_what_others_committed_meanwhile_is_kept(shell: Shell) -> None:
    shell.run("cib new test")
    shell.run("configure set web.port 81")
    shell.run("cib use")
    shell.run("configure primitive more ocf:test:Dummy")
    shell.run("cib commit test")
    assert shell.client.cib.find("more") is not None
    assert "port=81" in text(shell, "configure show web")


def test_a_conflict_is_named_and_nothing_is_committed(shell: Shell) -> None:
    shell.run("cib new test")
    shell.run("configure set web.port 81")
    shell.run("configure primitive more ocf:test:Dummy")
    shell.run("cib use")
    shell.run("configure set web.port 82")
    with pytest.raises(Refused, match="in test: web"):
        shell.run("cib commit test")
    assert shell.client.cib.find("more") is None
    assert "port=81" in text(shell, "cib diff test")


def test_what_if(shell: Shell) -> None:
    shell.run("cib new test")
    shell.run("configure location away web -inf: node1")
    for line in ("cib preview", "cib commit --dry-run", "configure preview"):
        planned = shell.run(line)
        assert isinstance(planned, Planned)
        assert [(change.verb, change.resource) for change in planned.changes] == [("move", "web")], line
    assert shell.client.cib.find("away") is None


def test_a_shadow_does_nothing_in_the_cluster(shell: Shell) -> None:
    shell.run("cib new test")
    shell.run("resource stop web --wait")
    assert shell.client.cib.find("web") == Shell().client.cib.find("web")
    for line in ("resource cleanup web", "node fence node2 --yes"):
        with pytest.raises(Refused, match="shadow"):
            shell.run(line)


def test_a_shadow_that_exists_is_not_replaced_by_accident(shell: Shell) -> None:
    shell.run("cib new test")
    shell.run("configure set web.port 81")
    with pytest.raises(Refused, match="already"):
        shell.run("cib new test")
    shell.run("cib new test --empty --force")
    assert text(shell, "configure show") == ""


def test_reset_and_delete_ask_when_something_would_be_lost(shell: Shell) -> None:
    shell.run("cib new test")
    shell.run("configure set web.port 81")
    for line in ("cib reset", "cib delete test"):
        with pytest.raises(Refused, match="--yes"):
            shell.run(line)
    shell.run("cib reset --yes")
    assert "port=80" in text(shell, "configure show web")
    shell.run("cib delete test")
    assert names(shell) == []
    assert shell.session.shadow == ""


def test_import_and_export(shell: Shell, tmp_path: Path) -> None:
    shell.run(f"cib export {tmp_path}/all.xml")
    assert read_xml((tmp_path / "all.xml").read_text()) == shell.client.cib
    shell.run(f"cib import {tmp_path}/all.xml")
    assert shell.session.shadow == "all"
    shell.run("configure set web.port 81")
    shell.run(f"cib export {tmp_path}/changed.crm")
    assert "port=81" in (tmp_path / "changed.crm").read_text()
    shell.run("cib use")
    shell.run(f"cib import {tmp_path}/changed.crm copy")
    assert text(shell, "cib export - copy").startswith("<cib")
    assert text(shell, "configure show") == format_cib(shell.session.cib())
    (tmp_path / "bad.crm").write_text("primitve x\n")
    with pytest.raises(Refused, match=r"bad\.crm:1"):
        shell.run(f"cib import {tmp_path}/bad.crm")


@pytest.mark.parametrize("line", ["cib use nosuch", "cib diff nosuch", "cib new ../x", "cib new .hidden", "cib new 9x"])
def test_names_that_are_refused(shell: Shell, line: str) -> None:
    with pytest.raises(Refused):
        shell.run(line)


@pytest.mark.parametrize("line", ["cib diff", "cib commit", "cib preview", "cib reset"])
def test_without_a_shadow_one_must_be_named(shell: Shell, line: str) -> None:
    with pytest.raises(Usage):
        shell.run(line)


def test_a_draft_with_changes_is_not_left_for_a_shadow(shell: Shell) -> None:
    shell.enter("configure")
    shell.run("set web.port 81")
    with pytest.raises(Refused, match="uncommitted"):
        shell.run("cib new test")
    with pytest.raises(Refused, match="uncommitted"):
        shell.run("cib use")


def test_two_shells_on_one_shadow(shell: Shell, tmp_path: Path) -> None:
    other = Shell(shadows=FileShadows(tmp_path / "shadows"))
    shell.run("cib new test")
    other.run("cib use test")
    for each in (shell, other):
        each.enter("configure")
    shell.run("set web.port 81")
    other.run("primitive more ocf:test:Dummy")
    shell.run("commit")
    other.run("commit")
    assert "port=81" in text(other, "show web")
    assert "Dummy" in text(other, "show more")
    shell.run("set web.port 82")
    other.run("set web.port 83")
    shell.run("commit")
    with pytest.raises(Refused, match="web, theirs"):
        other.run("commit")


def test_a_broken_shadow_is_told(shell: Shell, tmp_path: Path) -> None:
    shell.run("cib new test")
    (tmp_path / "shadows" / "test").write_bytes(b"junk")
    with pytest.raises(Refused, match="cannot be read"):
        shell.run("configure show")


def test_a_shadow_that_was_deleted_elsewhere(shell: Shell, tmp_path: Path) -> None:
    shell.run("cib new test")
    FileShadows(tmp_path / "shadows").remove("test")
    with pytest.raises(Refused, match="any more"):
        shell.run("configure show")
    answer = shell.session.client.ask(wire.GetHistory())
    assert isinstance(answer, wire.HistoryIs)
    shell.run("cib use")
    assert text(shell, "configure show")
