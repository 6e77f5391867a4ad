"""`report`: what is in the archive, what is not, and that only its owner reads it."""

from __future__ import annotations

import io
import json
import tarfile
from contextlib import chdir
from pathlib import Path

import pytest

from hashell.commands.report import Scrubber, archive, contents
from hashell.errors import Refused, Usage
from hashell.outcomes import Said
from hashelld.wire import client as wire
from tests.shell.memory import WEB, MemoryClient, Shell


SECRETS = ("hush-hush", "old-hush", 'to"ken\\x', "from-the-log")
FILES = [
    "README",
    "configuration.crm",
    "configuration.xml",
    "daemon.log",
    "history.json",
    "status.json",
    "versions.txt",
]


class TellingClient(MemoryClient):
    """A cluster whose daemon tells its log."""

    def ask(self, request: wire.Request, timeout_ms: int = 10_000) -> wire.Answer:
        if isinstance(request, wire.GetLog):
            lines = ("time=1 event=agent.done out=hush-hush", "time=2 passwd=from-the-log ok=1", "time=3 event=x")
            return wire.LogIs(lines[-request.limit :])
        return super().ask(request, timeout_ms)


class TellingShell(Shell):
    """Its shell."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.client = TellingClient(text)
        self.session.client = self.client


@pytest.fixture
def shell() -> Shell:
    made = TellingShell(f"{WEB}\nprimitive db ocf:test:Dummy params password=old-hush port=5432\n")
    made.session.options.force = True
    made.run('configure primitive gate ocf:test:Dummy params passwd="to\\"ken\\\\x"')
    made.run("resource param db set password hush-hush")
    made.session.options.force = False
    made.client.fail("web", "node1")
    return made


def read(path: Path) -> dict[str, str]:
    with tarfile.open(path) as opened:
        members = opened.getmembers()
        for one in members:
            assert (one.mode, one.uid, one.gid, one.uname, one.isfile()) == (0o600, 0, 0, "root", True)
        found = {one.name: opened.extractfile(one) for one in members}
        return {name.removeprefix("hashell-report/"): file.read().decode() for name, file in found.items() if file}


def test_what_is_in_it_and_what_is_not(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "r.tar.gz"
    said = shell.run(f"report {path}")
    assert isinstance(said, Said)
    assert said.data["file"] == str(path)
    found = read(path)
    assert list(found) == FILES
    for secret in SECRETS:
        assert not [name for name, text in found.items() if secret in text], secret
    assert "password=******" in found["configuration.crm"].replace('"', "")
    assert "port=5432" in found["configuration.crm"]
    assert "event=x" in found["daemon.log"]
    assert [entry["kind"] for entry in json.loads(found["history.json"])] == ["commit", "commit"]
    assert len(json.loads(found["status.json"])["nodes"]) == 3
    assert "status.json" in found["README"]
    assert "hashelld 0.1.0" in found["versions.txt"]


def test_only_its_owner_may_read_it_and_it_replaces_nothing(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "r.tar"
    shell.run(f"report {path}")
    assert path.stat().st_mode & 0o777 == 0o600
    first = path.read_bytes()
    with pytest.raises(Refused, match="exists already"):
        shell.run(f"report {path}")
    shell.session.options.force = True
    shell.run(f"report {path}")
    assert path.read_bytes() == first


def test_a_link_is_not_followed(shell: Shell, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("data")
    link = tmp_path / "r.tar"
    link.symlink_to(precious)
    with pytest.raises(Refused):
        shell.run(f"report {link}")
    shell.session.options.force = True
    shell.run(f"report {link}")
    assert precious.read_text() == "data"
    assert not link.is_symlink()


def test_bad_wishes(shell: Shell, tmp_path: Path) -> None:
    with pytest.raises(Usage):
        shell.run("report -")
    with pytest.raises(Usage):
        shell.run("report --lines -1")
    with pytest.raises(Refused, match="cannot be written"):
        shell.run(f"report {tmp_path}/no/such/folder.tar")


def test_the_name_by_default(shell: Shell, tmp_path: Path) -> None:
    with chdir(tmp_path):
        shell.run("report")
    assert [one.name for one in tmp_path.iterdir()] == ["hashell-report-test-node1-20270115T080000Z.tar.gz"]


def test_without_a_log_it_says_why(tmp_path: Path) -> None:
    path = tmp_path / "r.tgz"
    Shell().run(f"report {path}")
    found = read(path)
    assert "daemon.log" not in found
    assert "There is no daemon.log: GetLog is not known here" in found["README"]


def test_the_same_gives_the_same_bytes(shell: Shell) -> None:
    status, cib = shell.client.ask(wire.GetStatus()), shell.client.cib
    assert isinstance(status, wire.StatusIs)
    files = contents(status, cib, tuple(shell.client.entries), ("line",))
    one, two = (archive(files, 1, is_packed=True) for _ in range(2))
    assert one == two
    with tarfile.open(fileobj=io.BytesIO(archive(files, 1, is_packed=False))) as opened:
        assert [one.mtime for one in opened.getmembers()] == [1] * len(files)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("password=x y=1", "password=****** y=1"),
        ('out="passwd=\\"a b\\" z"', 'out="passwd=****** z"'),
        ("api_key=abc,port=1", "api_key=******,port=1"),
        ("known stands here: known", "****** stands here: ******"),
        ("passwd_file=/etc/x", "passwd_file=/etc/x"),
        ("ab is too short", "ab is too short"),
    ],
)
def test_scrubbing(text: str, expected: str) -> None:
    assert Scrubber(["known", "ab"]).text(text) == expected
