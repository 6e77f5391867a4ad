"""`configure apply`, `filter`, `upgrade`, `merge`, `resume` and `get-property`."""

from __future__ import annotations

from pathlib import Path

import pytest

from hashell.client.port import Ended
from hashell.client.shelf import FileShelf
from hashell.errors import Refused, Usage
from hashell.outcomes import Listing, Said, Table
from hashelld.model.resource import Clone, Primitive, value_of
from tests.shell.memory import Shell


def said(shell: Shell, line: str) -> Said:
    found = shell.run(line)
    assert isinstance(found, Said)
    return found


def port(shell: Shell) -> str | None:
    found = shell.client.cib.find("web")
    assert isinstance(found, Primitive)
    return value_of(found.params, "port")


def test_apply_tells_what_it_changed_and_the_second_time_nothing(tmp_path: Path) -> None:
    shell, file = Shell(), tmp_path / "web.crm"
    file.write_text("primitive web ocf:test:Web params port=81 op monitor interval=10s timeout=20s\n"
                    "primitive more ocf:test:Dummy\nprimitive cache ocf:test:Dummy\n")  # fmt: skip
    outcome = said(shell, f"configure apply {file}")
    assert outcome.data["changed"] is True
    assert outcome.data["objects"] == {"web": "changed", "more": "created", "cache": "unchanged"}
    assert outcome.text == "web: changed\nmore: created\ncache: unchanged\nchanged"
    assert port(shell) == "81"
    version = shell.client.version
    again = said(shell, f"configure apply {file}")
    assert again.data["changed"] is False
    assert set(again.data["objects"].values()) == {"unchanged"}  # type: ignore[attr-defined]
    assert shell.client.version == version


def test_apply_deletes_only_with_prune_and_shows_it_first(tmp_path: Path) -> None:
    shell, file = Shell(), tmp_path / "all.crm"
    file.write_text("property stonith-enabled=false\nprimitive web ocf:test:Web params port=80\n")
    shown = shell.run(f"configure apply {file} --prune --dry-run")
    assert isinstance(shown, Listing)
    assert "-group apps cache queue" in shown.text
    assert shell.client.entries == []
    outcome = said(shell, f"configure apply {file} --prune")
    assert outcome.data["objects"]["apps"] == "deleted"  # type: ignore[index]
    assert [r.id for r in shell.client.cib.resources] == ["web"]


def test_a_filter_changes_the_text(tmp_path: Path) -> None:
    shell = Shell()
    shell.programs.filters["sed"] = lambda text: text.replace("port=80", "port=8080")
    shell.run("configure filter 'sed s/80/8080/' web")
    assert port(shell) == "8080"
    assert shell.programs.ran == [("sed", "s/80/8080/")]
    shell.run("configure filter sed xml web")
    shell.programs.answers["fails"] = Ended(code=3, err="what?\n")
    with pytest.raises(Refused, match="fails: what\\?; nothing was changed"):
        shell.run("configure filter fails")
    with pytest.raises(Usage):
        shell.run('configure filter "a \'b"')


def test_older_spellings_are_rewritten() -> None:
    shell = Shell("node node1\nproperty stonith-enabled=false default-resource-stickiness=5\n"
                  "primitive db ocf:test:Dummy op monitor interval=10s role=Master\nms dbs db\n")  # fmt: skip
    assert "dbs" in said(shell, "configure upgrade --force").text
    found = shell.client.cib.find("dbs")
    assert isinstance(found, Clone)
    assert not found.is_master
    assert value_of(found.meta, "promotable") == "true"
    assert shell.client.cib.property_value("resource-stickiness", "rsc_defaults") == "5"
    assert said(shell, "configure upgrade").text == "Nothing is written in an old way."


def test_a_draft_is_merged_with_what_others_committed() -> None:
    shell, other = Shell(), Shell()
    other.client = shell.client
    other.session.client = shell.client
    shell.enter("configure")
    shell.run("set web.port 81")
    shell.run("primitive mine ocf:test:Dummy")
    other.run("configure set web.port 82")
    other.run("configure primitive theirs ocf:test:Dummy")
    with pytest.raises(Refused, match="Changed by others and in the draft: web"):
        shell.run("merge")
    assert said(shell, "merge --theirs").data == {"conflicts": ["web"]}
    assert shell.session.draft.cib.find("theirs") is not None
    assert shell.session.draft.cib.find("mine") is not None
    shell.run("undo")
    shell.run("merge --mine")
    assert said(shell, "merge").text == "The draft is based on the configuration of now."
    shell.run("commit")
    assert port(shell) == "81"
    with pytest.raises(Usage):
        shell.run("merge --mine --theirs")


def test_a_draft_survives_its_shell(tmp_path: Path) -> None:
    shelf = FileShelf(tmp_path / "draft")
    first = Shell(answers=True)
    first.session.shelf = shelf
    first.enter("configure")
    first.run("set web.port 81")
    # The first shell is gone: nobody left its level.
    second = Shell(answers=True)
    second.client = second.session.client = first.client
    second.session.shelf = shelf
    assert "resume goes on with it" in said(second, "configure").text
    second.run("resume")
    assert second.session.is_dirty
    second.run("commit")
    assert port(second) == "81"
    assert shelf.kept() is None
    with pytest.raises(Refused):
        second.run("resume")


def test_a_draft_that_was_put_aside_meets_another_change(tmp_path: Path) -> None:
    first = Shell(answers=True)
    first.session.shelf = FileShelf(tmp_path / "draft")
    first.enter("configure")
    first.run("set web.port 81")
    first.session.shelve()
    first.enter("")
    first.run("resource stop cache")
    first.run("configure")
    first.run("resume")
    first.run("commit")
    assert port(first) == "81"
    assert "Stopped" in str(first.client.cib.find("cache"))


def test_properties_with_their_defaults() -> None:
    table = Shell().run("configure get-property stonith-enabled no-quorum-policy")
    assert isinstance(table, Table)
    assert table.rows == (("stonith-enabled", "false"), ("no-quorum-policy", "stop"))
    table = Shell().run("configure get-property")
    assert isinstance(table, Table)
    assert table.rows == (("stonith-enabled", "false"),)
    with pytest.raises(Refused):
        Shell().run("configure get-property nosuch")
