"""`configure load` and `save`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hashell.errors import Refused, Usage
from hashell.outcomes import Said
from hashelld.cib.lang.format import format_object
from tests.shell.memory import NODES, Shell


GOOD = "primitive cache ocf:test:Dummy meta priority=1\nprimitive more ocf:test:Dummy\n"


def ids(shell: Shell) -> list[str]:
    return [found.id for found in shell.client.cib.objects]


def load(shell: Shell, tmp_path: Path, text: str, way: str = "update", name: str = "a.crm") -> Said:
    (tmp_path / name).write_text(text)
    outcome = shell.run(f"configure load {way} {tmp_path / name}")
    assert isinstance(outcome, Said)
    return outcome


def test_update_adds_and_replaces(tmp_path: Path) -> None:
    shell = Shell()
    before = ids(shell)
    load(shell, tmp_path, GOOD)
    assert ids(shell) == [*before, "more"]
    assert shell.client.cib.find("cache") != Shell().client.cib.find("cache")


def test_replace_is_the_whole_configuration(tmp_path: Path) -> None:
    shell = Shell()
    load(shell, tmp_path, "property stonith-enabled=false\n" + GOOD, "replace")
    assert ids(shell) == [*NODES, "cib-bootstrap-options", "cache", "more"]


def test_what_is_set_for_nodes_that_a_file_lacks_goes_but_they_stay(tmp_path: Path) -> None:
    shell = Shell()
    shell.run("configure node node2 attributes rack=7")
    shell.run("configure node elsewhere")
    load(shell, tmp_path, "node node1 attributes rack=1\nproperty stonith-enabled=false\n", "replace")
    assert [format_object(node).split() for node in shell.client.cib.nodes] == [
        ["node", "node2"],
        ["node", "node3"],
        ["node", "node1", "\\", "attributes", "rack=1"],
    ]


def test_push_keeps_the_places_and_deletes_the_rest(tmp_path: Path) -> None:
    shell = Shell()
    load(
        shell,
        tmp_path,
        "primitive more ocf:test:Dummy\nprimitive cache ocf:test:Dummy\nproperty stonith-enabled=false\n",
        "push",
    )
    assert ids(shell) == [*NODES, "cib-bootstrap-options", "cache", "more"]


def test_what_a_commit_would_object_to_is_told_when_it_comes_into_the_draft(tmp_path: Path) -> None:
    shell = Shell()
    shell.enter("configure")
    (tmp_path / "a.crm").write_text("\nprimitive a ocf:test:Web params page=x\nlocation l nothing 100: node1\n")
    said = shell.run(f"load update {tmp_path / 'a.crm'}")
    assert isinstance(said, Said)
    reference, parameter, verdict = said.warnings
    assert "a.crm:3:12: [unknown-resource]" in reference
    assert "a.crm:2:11: [missing-parameter]" in parameter
    assert verdict == "commit will refuse this draft"
    said = shell.run("delete l")
    assert isinstance(said, Said)
    with pytest.raises(Refused, match="--force"):
        shell.run("commit")
    shell.run("commit --force")
    assert shell.client.cib.find("a") is not None


def test_every_mistake_is_told_with_its_place_and_nothing_is_changed(tmp_path: Path) -> None:
    shell = Shell()
    before = shell.client.cib
    with pytest.raises(Refused) as refused:
        load(shell, tmp_path, "# a comment\nprimitve a ocf:test:Dummy\n\ngroup g nothing\n")
    told = str(refused.value)
    assert f"{tmp_path}/a.crm:2:1: [unknown-statement]" in told
    assert f"{tmp_path}/a.crm:4:9: [unknown-resource]" in told
    assert shell.client.cib == before


def test_what_only_the_whole_shows_has_its_place_too(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"a\.crm:1:12: \[unknown-resource\]"):
        load(Shell(), tmp_path, "location x nothing 100: node1\n")
    with pytest.raises(Refused, match=r"a\.crm:2:35: \[unknown-parameter\]"):
        load(Shell(), tmp_path, "\nprimitive a ocf:test:Dummy params port=1\n")


def test_xml_goes_out_and_in(tmp_path: Path) -> None:
    shell = Shell()
    shell.run(f"configure save {tmp_path}/all.xml")
    other = Shell("property stonith-enabled=false\n")
    other.run(f"configure load replace {tmp_path}/all.xml")
    assert set(ids(other)) == set(ids(shell))


def test_text_goes_out_and_in(tmp_path: Path) -> None:
    shell = Shell()
    shell.run(f"configure save {tmp_path}/all.crm")
    said = shell.run(f"configure load replace {tmp_path}/all.crm")
    assert isinstance(said, Said)
    assert said.data["changed"] is False
    assert [p.name for p in tmp_path.iterdir()] == ["all.crm"]


def test_standard_input_and_output(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hashell", "--force", "--cib", str(tmp_path / "cib.xml"), "configure"]
    subprocess.run([*command, "load", "replace", "-"], input=GOOD, text=True, check=True)
    saved = subprocess.run([*command, "save", "-"], capture_output=True, text=True, check=True)
    assert saved.stdout.splitlines()[0].startswith("primitive cache ocf:test:Dummy")


@pytest.mark.parametrize(
    "text", ["<cib>", "<cib><configuration/></cib><x/>", "<nothing/>", '<!DOCTYPE a [<!ENTITY b "c">]><cib/>']
)
def test_bad_xml_is_refused(tmp_path: Path, text: str) -> None:
    shell = Shell()
    before = shell.client.cib
    with pytest.raises(Refused, match="line 1"):
        load(shell, tmp_path, text, "replace", "a.xml")
    assert shell.client.cib == before


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"primitive \xff\n")
    for path, reason in ((tmp_path / "none", "No such file"), (tmp_path, "directory"), (tmp_path / "binary", "UTF-8")):
        with pytest.raises(Refused, match=reason):
            Shell().run(f"configure load update {path}")


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="No such file"):
        Shell().run(f"configure save {tmp_path}/none/all.crm")


def test_an_unknown_way_is_usage() -> None:
    with pytest.raises(Usage):
        Shell().run("configure load merge x")
