"""`cluster qdisk`: making a quorum disk and showing one, without a daemon; and what health says of a disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from hashell.commands.advice import examine
from hashell.errors import Refused, Usage
from hashell.outcomes import Said
from hashell.session import Options
from hashelld.core.effects import DiskRound
from hashelld.core.events import DiskRead
from hashelld.io.qdisk import QuorumDisk
from hashelld.model.ids import Epoch, Incarnation, NodeId, Version
from hashelld.wire.client import QuorumStatus
from hashelld.wire.sector import BLOCK_BYTES, Sector, image_bytes, offset_of
from tests.shell.memory import Shell


def said(shell: Shell, line: str) -> Said:
    outcome = shell.run(line)
    assert isinstance(outcome, Said)
    return outcome


def test_what_is_made_is_what_the_daemon_reads(tmp_path: Path) -> None:
    path = tmp_path / "q"
    made = said(Shell(), f"cluster qdisk create {path} --nodes 3 --interval 2s --tko 6 --cluster web")
    assert f'path = "{path}"' in made.text
    found = QuorumDisk(str(path)).do(DiskRound(token=1))
    assert isinstance(found, DiskRead)
    assert (found.header.uuid, found.header.cluster) == (made.data["uuid"], "web")
    assert (found.header.places, found.header.interval_ms, found.header.tko) == (3, 2_000, 6)
    assert found.sectors == (Sector(),) * 3
    assert path.stat().st_size == image_bytes(3)
    assert path.stat().st_mode & 0o077 == 0


def test_what_daemons_wrote_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "q"
    uuid = str(said(Shell(), f"cluster qdisk create {path} --nodes 4").data["uuid"])
    epoch = Epoch(7, NodeId("n2"))
    sector = Sector(
        node=NodeId("n2"),
        counter=5,
        incarnation=Incarnation(3, "ab"),
        promised=epoch,
        vouched=Version(epoch, 9),
        stored=Version(epoch, 12),
        is_quorate_dc=True,
    )
    disk = QuorumDisk(str(path))
    assert isinstance(disk.do(DiskRound(token=1, uuid=uuid, place=1, sector=sector)), DiskRead)
    with path.open("r+b") as file:
        file.seek(offset_of(2, 0))
        file.write(bytes(2 * BLOCK_BYTES))
    shown = said(Shell(), f"cluster qdisk dump {path}")
    assert (
        "place 2  n2: counter 5, incarnation 3-ab, DC, promised 7.n2, vouched for 7.n2:9, stored 7.n2:12" in shown.text
    )
    assert "place 3  UNREADABLE" in shown.text
    assert "place 1" not in shown.text
    assert shown.data["uuid"] == uuid
    assert shown.data["places"] == [
        {
            "place": 2,
            "readable": True,
            "node": "n2",
            "counter": 5,
            "incarnation": "3-ab",
            "is_dc": True,
            "promised": "7.n2",
            "vouched": "7.n2:9",
            "stored": "7.n2:12",
        },
        {"place": 3, "readable": False},
    ]


@pytest.mark.parametrize("content", [b"data", b"\0" * 9_000 + b"x", b"\0" * 400_000 + b"x"])
def test_what_is_not_empty_is_asked_for(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "q"
    path.write_bytes(content)
    with pytest.raises(Refused, match=r"is not empty .it is no quorum disk.: overwrite it"):
        Shell().run(f"cluster qdisk create {path}")
    assert path.read_bytes() == content
    said(Shell(answers=True), f"cluster qdisk create {path}")
    assert path.stat().st_size == image_bytes(16)


def test_a_quorum_disk_is_not_lost_by_mistake(tmp_path: Path) -> None:
    path = tmp_path / "q"
    first = said(Shell(), f"cluster qdisk create {path} --cluster web").data["uuid"]
    with pytest.raises(Refused, match=r"a quorum disk, made .* for web"):
        Shell().run(f"cluster qdisk create {path}")
    assert said(Shell(), f"cluster qdisk dump {path}").data["uuid"] == first
    second = said(Shell(options=Options(force=True)), f"cluster qdisk create {path}").data["uuid"]
    assert second != first


def test_an_empty_file_is_not_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "q"
    path.write_bytes(bytes(100_000))
    said(Shell(), f"cluster qdisk create {path}")


@pytest.mark.parametrize("words", ["--nodes 0", "--nodes 33", "--tko 2", "--interval 0s"])
def test_what_makes_no_disk_is_refused(tmp_path: Path, words: str) -> None:
    with pytest.raises(Usage):
        Shell().run(f"cluster qdisk create {tmp_path}/q {words}")
    assert not (tmp_path / "q").exists()


@pytest.mark.parametrize(
    ("name", "words"), [("missing", "No such file"), ("folder", "directory"), ("text", "too short")]
)
def test_what_cannot_be_shown(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_text("text")
    with pytest.raises(Refused, match=words):
        Shell().run(f"cluster qdisk dump {tmp_path / name}")


def test_what_is_no_place_for_a_disk(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="neither a file nor a block device"):
        Shell().run(f"cluster qdisk create {tmp_path}")
    with pytest.raises(Refused, match="No such file"):
        Shell().run(f"cluster qdisk create {tmp_path}/missing/q")


def test_health_knows_the_disk() -> None:
    """Even votes are no doubt where a disk decides; one that does not answer is told."""
    shell = Shell()
    status = shell.session.status()
    cib = shell.session.applied().cib
    votes = {NodeId(name): 1 for name in ("n1", "n2", "n3", "n4")}
    plain = QuorumStatus(has_quorum=True, votes=4, total=4, reason="4 of 4 votes", voters=votes)
    with_disk = replace(plain, votes=5, total=5, modes=("quorum disk u1",))
    tie = "two halves of the cluster could tie"
    assert any(tie in found.text for found in examine(replace(status, quorum=plain), cib))
    told = replace(status, quorum=with_disk, notices=("the quorum disk /q has no vote here: it does not answer",))
    found = examine(told, cib)
    assert not any(tie in one.text for one in found)
    assert any("does not answer" in one.text for one in found)
