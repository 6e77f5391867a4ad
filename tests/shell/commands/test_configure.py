"""The commands of the level `configure`: statements, paths, deletion, checks, the draft."""

from __future__ import annotations

import pytest

from hashell.commands.editing import take_text
from hashell.errors import Refused, Usage
from hashell.outcomes import Listing, Outcome, Planned, Said, Table
from hashelld.cib.document import Cib
from hashelld.cib.lang.format import format_cib
from tests.shell.memory import Shell


def ids(shell: Shell) -> list[str]:
    return [found.id for found in shell.client.cib.objects]


def text(shell: Shell, line: str = "configure show") -> str:
    listing = shell.run(line)
    assert isinstance(listing, Listing)
    return listing.text


@pytest.mark.parametrize(
    "statement",
    [
        "node node4 attributes rack=1",
        "primitive more ocf:test:Dummy op monitor interval=10s timeout=20s",
        "primitive more Dummy",
        "group pair web",
        "clone copies web",
        "location there web -inf: node3",
        "colocation together inf: cache web",
        "order sequence web cache",
        "monitor cache 30s",
        "property maintenance-mode=true",
        "rsc_defaults resource-stickiness=20",
        "op_defaults timeout=60s",
        'primitive quoted ocf:test:Web params port=80 page="a b # c"',
    ],
)
def test_a_single_statement_commits_itself(statement: str) -> None:
    shell = Shell()
    before = shell.client.cib
    said = shell.run(f"configure {statement}")
    assert isinstance(said, Said)
    assert said.data["changed"] is True
    assert shell.client.cib != before
    assert not shell.session.has_draft


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("primitive web ocf:test:Dummy", "id-in-use"),
        ("primitive more", "incomplete"),
        ("primitive more ocf:test:Dumy", "unknown-agent"),
        ("primitive more ocf:test:Web", "missing-parameter"),
        ("primitive more ocf:test:Web params prt=1", "unknown-parameter"),
        ("group pair nothing", "unknown-resource"),
        ("group pair cache", "child-in-use"),
        ("location there nothing 100: node1", "unknown-resource"),
        ("property stonith-enabled=maybe", "bad-value"),
        ('primitive more ocf:test:Dummy params a="b', "quote"),
    ],
)
def test_a_wrong_statement_changes_nothing(statement: str, code: str) -> None:
    shell = Shell()
    before = shell.client.cib
    with pytest.raises(Refused, match=rf"\[.*{code}.*\]"):
        shell.run(f"configure {statement}")
    assert shell.client.cib == before
    assert not shell.session.has_draft


def test_the_place_of_a_mistake_is_shown() -> None:
    with pytest.raises(Refused) as refused:
        Shell().run("configure location there webb 100: node1")
    assert str(refused.value).splitlines() == [
        "[unknown-resource] there: no resource 'webb' in this configuration",
        "  1 │ location there webb 100: node1",
        "    │                ^^^^ did you mean 'web'?",
    ]


def test_force_lets_semantic_objections_pass_and_no_errors() -> None:
    shell = Shell()
    shell.session.options.force = True
    shell.run("configure primitive more ocf:test:Dumy")
    assert "more" in ids(shell)
    with pytest.raises(Refused, match="bad-value"):
        shell.run("configure property stonith-enabled=maybe")


def test_the_draft_is_committed_as_one() -> None:
    shell = Shell()
    shell.enter("configure")
    shell.run("primitive more ocf:test:Dummy")
    shell.run("group both more")
    assert "more" not in ids(shell)
    said = shell.run("commit")
    assert isinstance(said, Said)
    assert {"more", "both"} <= set(ids(shell))
    assert len(shell.client.entries) == 1
    assert not shell.session.is_dirty


def test_a_draft_that_does_not_verify_is_not_committed_and_not_lost() -> None:
    shell = Shell()
    shell.enter("configure")
    shell.run("location there nothing 100: node1")
    with pytest.raises(Refused, match="unknown-resource"):
        shell.run("commit")
    assert shell.session.is_dirty
    assert "there" not in ids(shell)


def test_a_commit_without_changes() -> None:
    shell = Shell()
    shell.enter("configure")
    said = shell.run("commit")
    assert isinstance(said, Said)
    assert said.data == {"changed": False}


def test_a_dry_run_shows_the_plan_and_changes_nothing() -> None:
    shell = Shell()
    shell.enter("configure")
    shell.run("location away web -inf: node1")
    planned = shell.run("commit --dry-run")
    assert isinstance(planned, Planned)
    assert {(a.operation, a.node) for a in planned.transition.actions if a.resource == "web"} >= {("stop", "node1")}
    assert "+location away web" in planned.diff
    assert shell.session.is_dirty
    assert "away" not in ids(shell)


def test_preview_without_a_draft_has_nothing_to_do() -> None:
    planned = Shell().run("configure preview")
    assert isinstance(planned, Planned)
    assert planned.transition.actions == ()
    assert planned.diff == ""


def test_a_conflict_is_told_and_keeps_the_draft() -> None:
    shell = Shell()
    shell.enter("configure")
    shell.run("set web.port 81")
    other = Shell()
    other.run("configure set web.port 82")
    shell.client.by_somebody_else(other.client.cib)
    with pytest.raises(Refused, match="eve"):
        shell.run("commit")
    assert shell.session.is_dirty


def test_undo_and_redo() -> None:
    shell = Shell()
    shell.enter("configure")
    shell.run("set web.port 81")
    shell.run("set web.port 82")
    shell.run("undo")
    assert "port=81" in text(shell, "show web")
    shell.run("undo")
    assert not shell.session.is_dirty
    shell.run("redo")
    shell.run("redo")
    assert "port=82" in text(shell, "show web")
    with pytest.raises(Refused):
        shell.run("redo")


def test_refresh_drops_the_draft_after_a_question() -> None:
    shell = Shell(answers=True)
    shell.enter("configure")
    shell.run("set web.port 81")
    shell.run("refresh")
    assert shell.questions
    assert not shell.session.is_dirty


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("configure set web.port 81", "port=81"),
        ("configure set web.meta.priority 3", "meta priority=3"),
        ("configure set web.monitor.timeout 30s", "timeout=30s"),
        ("configure set web.monitor.10s.interval 11s", "interval=11s"),
        ("configure unset web.monitor.timeout", "op monitor interval=10s\n"),
    ],
)
def test_values_by_their_path(line: str, shown: str) -> None:
    shell = Shell()
    shell.run(line)
    assert shown in text(shell)


@pytest.mark.parametrize(
    "line",
    [
        "configure set web.prt 81",
        "configure set webb.port 81",
        "configure set web 81",
        "configure unset web.start.timeout",
        "configure unset web.port",
        "configure rename web cache",
        "configure rename web 9web",
        "configure modgroup apps add web before nothing",
        "configure modgroup apps remove web",
        "configure delete apps web-prefers-node1 queue cache web rsc-options cib-bootstrap-options",
        "configure delete web",
    ],
)
def test_what_cannot_be_changed_changes_nothing(line: str) -> None:
    shell = Shell()
    before = shell.client.cib
    if line.startswith("configure delete apps"):
        shell.run(line)
        assert ids(shell) == ["node1", "node2", "node3"]
        return
    with pytest.raises(Refused):
        shell.run(line)
    assert shell.client.cib == before


def test_delete_tells_what_uses_an_object() -> None:
    shell = Shell()
    with pytest.raises(Refused, match=r"web is used by 'web-prefers-node1'.*--cascade"):
        shell.run("configure delete web")
    said = shell.run("configure delete web --cascade")
    assert isinstance(said, Said)
    assert said.text == "Deleted web-prefers-node1 web."
    assert "web" not in ids(shell)


@pytest.mark.parametrize(
    ("line", "members"),
    [
        ("configure modgroup apps add more", "cache queue more"),
        ("configure modgroup apps add more before queue", "cache more queue"),
        ("configure modgroup apps add more after cache", "cache more queue"),
        ("configure modgroup apps remove cache", "queue"),
    ],
)
def test_membership(line: str, members: str) -> None:
    shell = Shell()
    shell.run("configure primitive more ocf:test:Dummy")
    shell.run(line)
    assert f"group apps {members}\n" in text(shell)


def test_a_member_beside_nothing_is_usage() -> None:
    with pytest.raises(Usage, match=r"before\|after"):
        Shell().run("configure modgroup apps add before cache")


def test_rename_changes_every_mention() -> None:
    shell = Shell()
    shell.run("configure rename web www")
    assert "location web-prefers-node1 www 100: node1" in text(shell)


@pytest.mark.parametrize(
    ("selection", "found"),
    [
        ("web", ["web"]),
        ("web apps", ["web", "apps"]),
        ("w*", ["web", "web-prefers-node1"]),
        ("type:node", ["node1", "node2", "node3"]),
        ("type:group", ["apps"]),
        ("type:rsc_defaults", ["rsc-options:"]),
        ("related:cache", ["cache", "apps"]),
    ],
)
def test_show_selects(selection: str, found: list[str]) -> None:
    lines = [line for line in text(Shell(), f"configure show {selection}").splitlines() if not line.startswith("\t")]
    assert [line.split()[1] for line in lines] == found


@pytest.mark.parametrize("selection", ["webb", "type:grop", "related:nothing"])
def test_show_refuses_what_is_not_there(selection: str) -> None:
    with pytest.raises(Refused):
        Shell().run(f"configure show {selection}")


def test_show_xml() -> None:
    listing = Shell().run("configure show xml web")
    assert isinstance(listing, Listing)
    assert listing.language == "xml"
    assert '<primitive id="web"' in listing.text
    assert '<primitive id="cache"' not in listing.text


def test_show_changed_and_diff() -> None:
    shell = Shell()
    shell.enter("configure")
    said = shell.run("diff")
    assert isinstance(said, Said)
    shell.run("set web.port 81")
    assert text(shell, "show changed").startswith("primitive web")
    assert "-\tparams port=80" in text(shell, "diff")


def test_verify_counts_and_warns() -> None:
    shell = Shell()
    said = shell.run("configure verify")
    assert isinstance(said, Said)
    assert said.data["objects"] == 10
    shell.session.options.force = True
    shell.run("configure primitive more ocf:test:Web")
    shell.session.options.force = False
    with pytest.raises(Refused, match="missing-parameter"):
        shell.run("configure verify")


def test_an_objection_to_what_is_there_already_does_not_refuse_another_change() -> None:
    shell = Shell()
    shell.session.options.force = True
    shell.run("configure primitive more ocf:test:Web")
    shell.session.options.force = False
    shell.run("configure set web.port 81")
    assert "port=81" in text(shell, "configure show web")


def test_units_are_not_asked_for_meta_data() -> None:
    shell = Shell()
    shell.run("configure primitive proxy systemd:nginx")
    assert "proxy" in ids(shell)
    with pytest.raises(Refused, match="unknown-agent"):
        shell.run("configure primitive other systemd:apache")


def test_erase_asks_and_keeps_nodes_and_properties() -> None:
    shell = Shell(answers=True)
    shell.run("configure erase")
    assert "Delete 5 objects? 4 of them are resources" in shell.questions[0]
    assert ids(shell) == ["node1", "node2", "node3", "cib-bootstrap-options", "rsc-options"]
    again = shell.run("configure erase")
    assert isinstance(again, Said)
    assert again.data["changed"] is False


def test_erase_without_an_answer_changes_nothing() -> None:
    shell = Shell()
    before = shell.client.cib
    with pytest.raises(Refused, match="--yes"):
        shell.run("configure erase")
    assert shell.client.cib == before


@pytest.mark.parametrize("word", ["er", "del", "era"])
def test_what_destroys_is_not_abbreviated(word: str) -> None:
    with pytest.raises(Usage, match="written in full"):
        Shell().run(f"configure {word} web")


@pytest.mark.parametrize("kind", ["property", "rsc_defaults", "op_defaults"])
def test_options_are_listed_set_ones_first(kind: str) -> None:
    table = Shell().run(f"configure {kind}")
    assert isinstance(table, Table)
    froms = [row[2] for row in table.rows]
    assert froms == sorted(froms, reverse=True)
    assert all(row[3] for row in table.rows)


def test_edit_needs_a_terminal() -> None:
    with pytest.raises(Refused, match="terminal"):
        Shell().run("configure edit")


def edited(shell: Shell, *ids: str, old: str, new: str) -> Outcome:
    """What `edit` does once the editor is left."""
    shell.enter("configure")
    shown = Cib(tuple(found for found in shell.session.draft.cib.objects if found.id in ids))
    return take_text(shell.session, shown, format_cib(shown).replace(old, new))


def test_what_a_commit_would_object_to_is_told_after_editing() -> None:
    shell = Shell()
    shell.enter("configure")
    said = edited(shell, "web", old="params port=80", new="params prt=80")
    assert isinstance(said, Said)
    assert any("required parameter 'port' is missing" in one for one in said.warnings)
    assert said.warnings[-1] == "commit will refuse this draft without --force"
    said = edited(shell, "web", old="params prt=80", new="params port=81")
    assert isinstance(said, Said)
    assert said.warnings == ()


def test_an_edited_text_takes_the_objects_places() -> None:
    shell = Shell()
    before = ids(shell)
    edited(shell, "web", "apps", old="port=80", new="port=8080")
    assert "port=8080" in text(shell, "show web")
    shell.run("commit")
    assert ids(shell) == before


def test_an_object_that_is_left_out_of_the_text_is_deleted() -> None:
    shell = Shell()
    edited(shell, "web-prefers-node1", old="location web-prefers-node1 web 100: node1", new="")
    shell.run("commit")
    assert "web-prefers-node1" not in ids(shell)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("primitive web", "primitive cache", "id-in-use"),
        ("primitive", "primitve", "unknown-statement"),
        ("web", "9", "id"),
    ],
)
def test_an_edited_text_that_is_wrong_changes_nothing(old: str, new: str, code: str) -> None:
    shell = Shell()
    with pytest.raises(Refused, match=code):
        edited(shell, "web", old=old, new=new)
    assert not shell.session.is_dirty
